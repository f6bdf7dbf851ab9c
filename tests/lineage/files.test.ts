import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Interrupted } from "../../src/contract/errors.ts";
import { collectCodeFacts, writeCodeFacts } from "../../src/lineage/index.ts";
import { Store } from "../../src/store/index.ts";
import { factsFrom, type SourceTree, withTree } from "../kit/code.ts";

const READ = 'function read(db) { return db.all("SELECT a FROM usage"); }\n';

describe("source trees", () => {
  const LEFT_OUT: [name: string, tree: SourceTree][] = [
    ["installed packages", { "node_modules/x/a.js": READ }],
    ["vendored code", { "vendor/x/a.go": "package x\n" }],
    ["built files", { "dist/a.js": READ, "web/build/a.js": READ }],
    ["a minified file", { "a.min.js": READ }],
    ["minified code under a plain name", { "a.js": `${READ}${"var a=1;".repeat(4000)}` }],
    ["a file above 1 MB", { "a.js": READ + `// ${"x".repeat(100)}\n`.repeat(11_000) }],
    ["a binary file", { "a.js": Buffer.from([0x66, 0x00, 0x01, 0x02]) }],
  ];
  test.each(LEFT_OUT)("%s is left out and told", async (_, tree) => {
    const facts = await factsFrom(tree);
    expect(facts.access).toEqual([]);
    expect(facts.skipped).not.toEqual([]);
  });

  test("what .gitignore excludes is no source; a deeper file may take it back", async () => {
    const facts = await factsFrom({
      ".gitignore": "*.gen.js\n/out\n",
      "a.gen.js": READ,
      "out/a.js": READ,
      "src/.gitignore": "!kept.gen.js\n",
      "src/kept.gen.js": READ,
    });
    expect(facts.access.map((row) => row.file)).toEqual(["src/kept.gen.js"]);
  });

  test("a symlink loop and another repository inside are told, not followed", async () => {
    await withTree(
      { "a.js": READ, "sub/.git": "gitdir: ../.git/modules/sub\n", "sub/b.js": READ },
      async (root) => {
        symlinkSync(root, join(root, "loop"));
        const facts = await collectCodeFacts(root, { threads: 1 });
        expect(facts.access.map((row) => row.file)).toEqual(["a.js"]);
        expect(facts.skipped).toEqual(
          expect.arrayContaining([
            { file: "loop", reason: "symbolic link" },
            { file: "sub", reason: "another repository (submodule)" },
          ]),
        );
      },
    );
  });

  test("Latin-1 is read as that and told", async () => {
    const facts = await factsFrom({ "a.js": Buffer.from(`// caf\xe9\n${READ}`, "latin1") });
    expect(facts.access).toHaveLength(1);
    expect(facts.notes).toEqual([{ file: "a.js", reason: "not UTF-8, read as Latin-1" }]);
  });

  test("half of a surrogate pair is told as U+FFFD, and what stands around it is found", async () => {
    const facts = await factsFrom({
      "a.js": `const BAD = new RegExp("[\\ud800-\\udbff] (\\\\d+) tokens");
const ALSO = /[\\ud800-\\udfff] (\\d+) cut/;
function keep(db, text) {
  console.log("cut \\ud83d after {} tokens");
  db.run("INSERT INTO usage (id, note, cost) VALUES (?, '\\udfff', 0)", text);
}
`,
    });
    const store = await Store.open({ memoryLimit: 2 ** 28, threads: 1, tempDir: tmpdir(), file: null });
    try {
      await writeCodeFacts(store, facts);
      const rows = await store.all(`SELECT pattern AS text, line FROM trueup.code_patterns
        UNION ALL SELECT template, line FROM trueup.code_logs
        UNION ALL SELECT column_name || ' ' || value, line FROM trueup.code_literals ORDER BY line, text`);
      expect(rows.map((row) => row.text)).toEqual([
        "[\ufffd-\ufffd] (\\d+) tokens",
        "[\\ud800-\\udfff] (\\d+) cut",
        "cut \ufffd after {} tokens",
        "cost 0",
        "note \ufffd",
      ]);
    } finally {
      store.close();
    }
  });

  test("a file with a syntax error is read as far as possible and told", async () => {
    const facts = await factsFrom({ "a.js": `${READ}\nfunction ( {{{ \n` });
    expect(facts.access).toHaveLength(1);
    expect(facts.notes[0]?.reason).toContain("syntax error at line");
  });

  test("a directory without code, an empty file, a deep expression", async () => {
    expect((await factsFrom({ "readme.md": "x" })).files).toBe(0);
    const facts = await factsFrom({
      "a.py": "",
      "b.js": `${"(".repeat(3000)}1${")".repeat(3000)}`,
      "c.js": READ,
    });
    expect(facts.access).toHaveLength(1);
  });

  test("test code is marked", async () => {
    const facts = await factsFrom({
      "a.test.ts": READ,
      "tests/b.py": 'db.execute("SELECT a FROM usage")',
      "c_test.go": "package c\n",
      "latest/d.js": READ,
    });
    expect(facts.access.map((row) => [row.file, row.is_test])).toEqual([
      ["a.test.ts", true],
      ["latest/d.js", false],
      ["tests/b.py", true],
    ]);
  });

  test("the same tree gives the same facts", async () => {
    await withTree(
      { "b/x.js": READ, "a.js": 'import "./b/x.js";\n', "m.py": "def f():\n    g()\n" },
      async (root) => {
        mkdirSync(join(root, "z"));
        writeFileSync(join(root, "z/q.go"), "package z\nfunc F() {}\n");
        const [one, two] = [
          await collectCodeFacts(root, { threads: 1 }),
          await collectCodeFacts(root, { threads: 2 }),
        ];
        expect(one).toEqual(two);
      },
    );
  });

  test.each([
    ["before it begins", (abort: AbortController) => abort.abort()],
    ["while it runs", (abort: AbortController) => void setImmediate(() => abort.abort())],
  ])("reading ends when it is interrupted %s", async (_, stop) => {
    await withTree({ "a.js": READ }, async (root) => {
      const abort = new AbortController();
      stop(abort);
      const facts = collectCodeFacts(root, { threads: 1, signal: abort.signal });
      await expect(facts).rejects.toThrow(Interrupted);
    });
  });
});
