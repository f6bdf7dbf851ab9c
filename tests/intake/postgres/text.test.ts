/** Dumps as generated text: what Debian's server cannot write, and what must hold for any text. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { matters } from "../../../src/catalog/needed.ts";
import type { Row } from "../../../src/contract/finding.ts";
import type { LoadedInput } from "../../../src/contract/loaded.ts";
import { escapeField } from "../../../src/intake/postgres/copy-rows.ts";
import { loadDump } from "../../../src/intake/postgres/load-dump.ts";
import { DumpScanner } from "../../../src/intake/postgres/scan.ts";
import { statementOf } from "../../../src/intake/postgres/statements.ts";
import { Store } from "../../../src/store/index.ts";
import { trueup } from "../../kit/command.ts";
import { testSettings } from "../../kit/tables.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "trueup-text-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Loads a dump and asks it. */
async function ask(
  text: string | Buffer,
  sql: string,
  { bytes = 1, tables = [] as string[], needed = null as string[] | null } = {},
): Promise<{ rows: Row[]; loaded: LoadedInput }> {
  const file = join(folder, `${Math.random()}.sql`);
  writeFileSync(file, text);
  const store = await Store.open({ memoryLimit: 2 ** 28, threads: 2, tempDir: tmpdir(), file: null });
  try {
    const loaded = await loadDump(
      {
        name: "d",
        kind: "sql-dump",
        path: "app.sql",
        files: [file],
        bytes,
        timezone: "UTC",
        notes: [],
      },
      {
        store,
        settings: testSettings({ tables }),
        hooks: { progress: () => {}, signal: new AbortController().signal },
        needed: (table) => new Set(needed ?? table.columns.map((c) => c.name)),
        matters: (table) => matters(table, testSettings()),
        reject: async () => {},
      },
    );
    return { rows: await store.all(sql), loaded };
  } finally {
    store.close();
  }
}

const COPY = (rows: string, options = "") =>
  `CREATE TABLE public.t (id integer, v text);\nCOPY public.t (id, v) FROM stdin${options};\n${rows}\\.\n`;

describe("COPY text", () => {
  test("a byte order mark that a row begins with is the row's", async () => {
    const rows = "\uFEFFa\t1\n\uFEFF\uFEFFb\t2\n";
    const { rows: found } = await ask(
      `CREATE TABLE t (v text, id integer);\nCOPY t (v, id) FROM stdin;\n${rows}\\.\n`,
      "SELECT length(v) AS characters FROM d.t ORDER BY id",
    );
    expect(found).toEqual([{ characters: 2 }, { characters: 3 }]);
  });

  test.each<[string, string | Buffer, unknown[]]>([
    ["octal and hex escapes", COPY("1\t\\101\\x42\\x4\n2\t\\\\x41\n"), ["AB\u0004", "\\x41"]],
    ["a backslash before a tab and a newline", COPY("1\ta\\\tb\\\nc\n"), ["a\tb\nc"]],
    [
      "an escape beside the noncharacter that stands for one",
      COPY("1\t\u{10FFFE}\\\\\\b\n"),
      ["\u{10FFFE}\\\b"],
    ],
    ["an escaped letter that means itself", COPY("1\t\\q\\.\n"), ["q."]],
    ["an empty string and NULL", COPY("1\t\n2\t\\N\n3\t\\\\N\n"), ["", null, "\\N"]],
    ["lines that end as on Windows", COPY("1\ta\r\n2\tb\r\n").replace("\\.\n", "\\.\r\n"), ["a", "b"]],
    ["another delimiter", COPY("1|a\\|b\n2|\\N\n", " WITH DELIMITER '|'"), ["a|b", null]],
    [
      "the old spelling of delimiter and null",
      COPY("1,x\n2,NIL\n", " USING DELIMITERS ',' WITH NULL AS 'NIL'"),
      ["x", null],
    ],
    ["a header", COPY("id\tv\n1\ta\n", " WITH (HEADER)"), ["a"]],
    [
      "CSV with a header",
      COPY('id,v\n1,"a,""b"""\n2,""\n3,\n', " WITH (FORMAT csv, HEADER true)"),
      ['a,"b"', "", null],
    ],
    ["no rows", COPY(""), []],
    [
      "LATIN1",
      Buffer.from(`SET client_encoding = 'LATIN1';\n${COPY("1\tm\u00fcnchen\u0080\n")}`, "latin1"),
      ["m\u00fcnchen\u0080"],
    ],
    [
      "WIN1252",
      Buffer.concat([
        Buffer.from("SET client_encoding = 'WIN1252';\n"),
        Buffer.from(COPY("1\t\x80uro\n"), "latin1"),
      ]),
      ["€uro"],
    ],
    [
      "EUC_JP",
      Buffer.concat([
        Buffer.from("SET client_encoding = 'EUC_JP';\n"),
        Buffer.from(COPY("1\t\xb4\xc1\xbb\xfa\n"), "latin1"),
      ]),
      ["漢字"],
    ],
    [
      "SJIS, whose second bytes may be backslashes",
      Buffer.concat([
        Buffer.from("SET client_encoding = 'SJIS';\n"),
        Buffer.from(COPY("1\t\x83\x5c\x82\xa0\n"), "latin1"),
      ]),
      ["ソあ"],
    ],
    [
      "bytes that are no UTF-8",
      Buffer.concat([Buffer.from(COPY("1\tbad \xff byte\n"), "latin1")]),
      ["bad \uFFFD byte"],
    ],
  ])("%s", async (_name, text, values) => {
    const { rows, loaded } = await ask(text, "SELECT v FROM d.t ORDER BY id");
    expect(rows.map((r) => r.v)).toEqual(values);
    expect(loaded.input.rejected).toBe(0);
    expect(loaded.input.error).toBeUndefined();
  });

  test("any rows come back as they were", async () => {
    const value = fc.option(
      fc.string({ unit: "binary" }).map((s) => s.replaceAll("\0", "")),
      { nil: null },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(value, { maxLength: 40 }), async (values) => {
        const clean = values.map((v) => (v === null ? null : Buffer.from(v).toString("utf8")));
        const text = COPY(clean.map((v, i) => `${i}\t${escapeField(v)}\n`).join(""));
        const { rows } = await ask(text, "SELECT v FROM d.t ORDER BY id");
        expect(rows.map((r) => r.v)).toEqual(clean);
      }),
      { numRuns: 25 },
    );
  });
});

describe("statements", () => {
  test("INSERTs of old dumps, where backslashes escape in plain strings", async () => {
    const sql = String.raw`SET standard_conforming_strings = off;
      CREATE TABLE t (id integer, v text);
      INSERT INTO t VALUES (1, 'it\'s; a\\b'), (2, 'x''y');
      SET standard_conforming_strings = on;
      INSERT INTO t (v, id) VALUES ('back\slash', 3), (E'tab\there', 4);
      INSERT INTO t VALUES (5, NULL), (-6, '2020-01-01'::text);`;
    const { rows } = await ask(sql, "SELECT id, v FROM d.t ORDER BY abs(id)");
    expect(rows).toEqual([
      { id: 1, v: "it's; a\\b" },
      { id: 2, v: "x'y" },
      { id: 3, v: "back\\slash" },
      { id: 4, v: "tab\there" },
      { id: 5, v: null },
      { id: -6, v: "2020-01-01" },
    ]);
  });

  test("several databases in one file stand under their own names", async () => {
    const one = (n: number) =>
      `CREATE TABLE public.t (id integer);\nCOPY public.t (id) FROM stdin;\n${n}\n\\.\n`;
    const text = `\\restrict abc\n\\connect first\n${one(1)}\\unrestrict abc\n\\connect -reuse-previous=on "dbname='second'"\n${one(2)}`;
    const { rows, loaded } = await ask(
      text,
      'SELECT (SELECT id FROM d."first.t") AS a, (SELECT id FROM d."second.t") AS b',
    );
    expect(rows).toEqual([{ a: 1, b: 2 }]);
    expect(loaded.input.tables).toEqual(["d.first.t", "d.second.t"]);
  });

  test("the columns of a table that inherits or is a part have names also where its INSERTs have none", async () => {
    const sql = `CREATE TABLE base (id integer, note text);
      CREATE TABLE heir (tokens integer) INHERITS (base);
      CREATE TABLE shares (at date, v text) PARTITION BY RANGE (at);
      CREATE TABLE share PARTITION OF shares FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
      INSERT INTO heir VALUES (1, '01', 5);
      INSERT INTO share VALUES ('2025-05-05', 'x');`;
    const { rows } = await ask(
      sql,
      "SELECT id, note, tokens, (SELECT count(*) FROM d.base) AS base, (SELECT v FROM d.shares WHERE \"at\" = DATE '2025-05-05') AS v FROM d.heir",
    );
    expect(rows).toEqual([{ id: 1, note: "01", tokens: 5, base: 1, v: "x" }]);
  });

  test("escapes of bytes, in strings and in old bytea, are bytes", async () => {
    const sql = String.raw`SET standard_conforming_strings = off;
      CREATE TABLE t (v text, b bytea);
      INSERT INTO t VALUES (E'\303\251\xe6\xbc\xa2\u00e9', '\\000a\\\\b\\377
'), ($x$it's$x$, '\\x00ff');`;
    const { rows } = await ask(sql, "SELECT v, hex(b) AS b FROM d.t ORDER BY v DESC");
    expect(rows).toEqual([
      { v: "é漢é", b: "00615C62FF0A" },
      { v: "it's", b: "00FF" },
    ]);
  });

  test("names that are words of INSERT elsewhere", async () => {
    const sql = `CREATE TABLE public.value (system integer, "values (" text);
      INSERT INTO public.value (system, "values (") VALUES (1, 'a');
      INSERT INTO public.value VALUES (2, 'b');`;
    const { rows } = await ask(sql, 'SELECT system, "values (" AS v FROM d.value ORDER BY 1');
    expect(rows).toEqual([
      { system: 1, v: "a" },
      { system: 2, v: "b" },
    ]);
  });

  test("a type of one database is not that of another", async () => {
    const one = (name: string, base: string, row: string) =>
      `\\connect ${name}\nCREATE DOMAIN public.amount AS ${base};\nCREATE TABLE public.t (v public.amount);\nCOPY public.t (v) FROM stdin;\n${row}\n\\.\n`;
    const { rows } = await ask(
      one("a", "integer", "7") + one("b", "text", "07"),
      'SELECT (SELECT v FROM d."a.t") AS a, (SELECT v FROM d."b.t") AS b',
    );
    expect(rows).toEqual([{ a: 7, b: "07" }]);
  });

  test("rows with the numbers that servers before 12 gave them", async () => {
    const { rows, loaded } = await ask(
      "CREATE TABLE t (id integer, v text);\nCOPY t (id, v) WITH OIDS FROM stdin;\n16400\t1\ta\n\\.\n",
      "SELECT id, v FROM d.t",
    );
    expect(rows).toEqual([{ id: 1, v: "a" }]);
    expect(loaded.input.rejected).toBe(0);
  });

  test.each([
    ["inside a value", "(3, 'c"],
    ["inside a character", Buffer.concat([Buffer.from("(3, '"), Buffer.from("漢").subarray(0, 2)])],
    ["between two rows", ""],
  ])("an INSERT of several rows that is cut off %s gives its whole rows", async (_name, rest) => {
    const head = Buffer.from(
      "CREATE TABLE t (id integer, v text);\nINSERT INTO t VALUES (1, 'a'), (2, 'b'), ",
    );
    const bytes = Buffer.concat([head, Buffer.from(rest)]);
    const { rows, loaded } = await ask(bytes, "SELECT id, v FROM d.t ORDER BY id");
    expect(rows).toEqual([
      { id: 1, v: "a" },
      { id: 2, v: "b" },
    ]);
    expect(loaded.input.error).toMatch(`cut off at byte ${bytes.length}, inside the rows of public.t`);
  });

  test("bytes that are no valid text are told in INSERTs and in other encodings too", async () => {
    const bad = (encoding: string, byte: string) =>
      Buffer.from(
        `SET client_encoding = '${encoding}';\nCREATE TABLE t (v text);\nINSERT INTO t VALUES ('a${byte}');\nCOPY t (v) FROM stdin;\nb${byte}\n\\.\n`,
        "latin1",
      );
    for (const bytes of [bad("UTF8", "\xff"), bad("EUC_JP", "\xff")]) {
      const { rows, loaded } = await ask(bytes, "SELECT v FROM d.t ORDER BY v");
      expect(rows).toEqual([{ v: "a\uFFFD" }, { v: "b\uFFFD" }]);
      expect(loaded.input.notes).toEqual(["2 bytes were no valid text and became U+FFFD"]);
    }
  });

  test.each([
    ["\\connect app", "app"],
    ["\\c app postgres localhost", "app"],
    ['\\connect "my app"', "my app"],
    [`\\connect -reuse-previous=on "dbname='my app'"`, "my app"],
    [String.raw`\connect -reuse-previous=on "dbname='my d\'b \\""x""'"`, `my d'b \\"x"`],
  ])("%s leads to the database %s", (line, database) => {
    expect(statementOf(line, false)).toEqual({ kind: "connect", database });
  });

  test("an INSERT that is no list of values is counted, not lost", async () => {
    const { loaded } = await ask(
      "CREATE TABLE t (id integer);\nINSERT INTO t SELECT 1;\n",
      "SELECT * FROM d.t",
    );
    expect(loaded.input.rejected).toBe(1);
  });

  test.each([
    ["pg_dump", "database dump"],
    ["pg_dumpall", "database cluster dump"],
  ])(
    "a file of %s without its last line may have been cut off between two statements: a note says so",
    async (_name, title) => {
      const head = `--\n-- PostgreSQL ${title}\n--\n\n${COPY("1\ta\n")}`;
      const whole = await ask(
        `${head}\n--\n-- PostgreSQL ${title} complete\n--\n\n\\unrestrict abc\n`,
        "SELECT 1",
      );
      expect(whole.loaded.input.notes).toEqual([]);
      const cut = await ask(head, "SELECT count(*) AS n FROM d.t");
      expect(cut.rows).toEqual([{ n: 1 }]);
      expect(cut.loaded.input.error).toBeUndefined();
      expect(cut.loaded.input.notes).toEqual([
        `the line with which pg_dump ends is not there: the dump was edited, or cut off at byte ${head.length} between two statements`,
      ]);
    },
  );

  test("UTF-16 is told as that", async () => {
    const text = Buffer.from(`\uFEFF${COPY("1\ta\n")}`, "utf16le");
    await expect(ask(text, "SELECT 1")).rejects.toThrow(/UTF-16.*Windows shell/);
  });

  test("a value that does not convert keeps its column as text and says so", async () => {
    const text =
      "CREATE TABLE t (n integer, at timestamp);\nCOPY t (n, at) FROM stdin;\n1\t2025-01-01 00:00:00\nmany\t2025-01-02 00:00:00\n\\.\n";
    const { rows, loaded } = await ask(text, 'SELECT n, typeof("at") AS t FROM d.t ORDER BY "at"');
    expect(rows).toEqual([
      { n: "1", t: "TIMESTAMP" },
      { n: "many", t: "TIMESTAMP" },
    ]);
    expect(loaded.input.notes.join()).toMatch(/t\.n is kept as text/);
  });

  test("a row with a field too many is rejected and the others are read", async () => {
    const { rows, loaded } = await ask(COPY("1\ta\n2\tb\tc\n3\td\n"), "SELECT v FROM d.t ORDER BY id");
    expect(rows).toEqual([{ v: "a" }, { v: "d" }]);
    expect(loaded.input.rejected).toBe(1);
  });
});

test("a row longer than the reader takes is rejected, and read where its long value is not needed", async () => {
  const text = `CREATE TABLE t (id integer, v text);\nCOPY t (id, v) FROM stdin;\n1\ta\n2\t${"x\\n".repeat(9_000_000)}\n3\tc\n\\.\n`;
  const { rows, loaded } = await ask(text, "SELECT id, v FROM d.t ORDER BY id");
  expect(rows).toEqual([
    { id: 1, v: "a" },
    { id: 3, v: "c" },
  ]);
  expect(loaded.input.rejected).toBe(1);
  const narrow = await ask(text, "SELECT id FROM d.t ORDER BY id", { needed: ["id"] });
  expect(narrow.rows).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }]);
  expect(narrow.loaded.input.rejected).toBe(0);
});

describe("tables that are not read", () => {
  const table = (name: string, columns: string, rows: string) =>
    `CREATE TABLE public.${name} (${columns.replaceAll(",", " text,")} text);\nCOPY public.${name} (${columns}) FROM stdin;\n${rows}\\.\n`;
  const DUMP =
    table("requests", "id,created_at,input_tokens", "a\t2026-01-01 00:00:00\t5\n") +
    table("notes", "subject,body", "red\tone\nblue\ttwo\nred\tthree\n") +
    table("events", "happened,body", "2026-01-01 00:00:00\tx\n2026-01-02 00:00:00\ty\n") +
    table("payloads", "subject,body", 'red\t{"usage": {"input_tokens": 5, "output_tokens": 3}}\n');

  test("of a large dump, tables without usage, ids or times are counted and said so", async () => {
    const { rows, loaded } = await ask(DUMP, "SELECT count(*) AS n FROM d.requests", { bytes: 2 ** 30 });
    expect(rows).toEqual([{ n: 1 }]);
    const listed = loaded.tables.map((one) => [one.name, one.rows, one.columns.some((c) => c.loaded)]);
    expect(listed).toEqual([
      ["requests", 1, true],
      ["notes", 3, false],
      ["events", 2, true],
      ["payloads", 1, true],
    ]);
    expect(loaded.input.notes).toEqual([
      "without usage, ids or times, so that their rows were counted and not read: notes (27 bytes)",
    ]);
  });

  test("of a dump that is not large, all are", async () => {
    const { rows, loaded } = await ask(DUMP, "SELECT count(*) AS n FROM d.notes");
    expect(rows).toEqual([{ n: 3 }]);
    expect(loaded.input.notes).toEqual([]);
  });

  test.each([
    ["a bare name", ["events"], ["events"]],
    ["a name with its schema", ["public.events"], ["events"]],
    ["a pattern", ["*e*s", "nothing"], ["requests", "notes", "events"]],
  ])("%s picks tables, and the note says what was left", async (_name, tables, picked) => {
    const { loaded } = await ask(DUMP, "SELECT 1", { tables });
    expect(loaded.tables.map((one) => one.name)).toEqual(picked);
    expect(loaded.input.notes.join()).toMatch(/^not asked for and left out: public\.payloads \(\d+ bytes\)/);
  });

  test("a table that is nowhere is an error, one that another input has is none", () => {
    const [one, two] = ["one.sql", "two.sql"].map((name) => join(folder, name)) as [string, string];
    writeFileSync(one, DUMP);
    writeFileSync(two, COPY("1\ta\n"));
    const missing = trueup(["audit", one, two, "--tables", "events,t,nope"]);
    expect(missing.code).toBe(2);
    expect(missing.stderr).toMatch(/one\.sql: no table is named nope \(--tables\)/);
    expect(trueup(["audit", one, two, "--tables", "events,t"]).code).toBe(0);
  });

  test("a table that is asked for comes with its partitions, a partition alone without the table", async () => {
    const dump =
      "CREATE TABLE public.usage (at date, tokens integer) PARTITION BY RANGE (at);\n" +
      "CREATE TABLE public.usage_2025 (at date, tokens integer);\nALTER TABLE ONLY public.usage ATTACH PARTITION public.usage_2025 FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');\n" +
      "COPY public.usage_2025 (at, tokens) FROM stdin;\n2025-05-05\t5\n\\.\n";
    const whole = await ask(dump, "SELECT count(*) AS n FROM d.usage", { tables: ["usage"] });
    expect(whole.rows).toEqual([{ n: 1 }]);
    const part = await ask(dump, "SELECT count(*) AS n FROM d.usage_2025", { tables: ["usage_2025"] });
    expect(part.rows).toEqual([{ n: 1 }]);
    expect(part.loaded.tables.map((one) => one.name)).toEqual(["usage_2025"]);
  });
});

describe("scanner", () => {
  /** What a scanner says of the chunks. */
  const scanned = (chunks: readonly Buffer[]) => {
    const said: string[] = [];
    const scanner = new DumpScanner({
      backslashQuotes: false,
      statement: (bytes) => {
        said.push(`S ${bytes.toString()}`);
        return /^copy/i.test(bytes.toString());
      },
      copyData: (bytes) => {
        const last = said.at(-1);
        if (last?.startsWith("D ")) said[said.length - 1] = last + bytes.toString();
        else said.push(`D ${bytes.toString()}`);
      },
      copyEnd: (rest, offset) => said.push(`E ${rest?.toString() ?? "mark"} ${offset}`),
      statementCut: (bytes, end) => said.push(`C ${bytes.toString()} ${end}`),
    });
    for (const chunk of chunks) scanner.push(chunk);
    return { said, cut: scanner.end() };
  };

  const piece = fc.constantFrom(
    "SELECT 1;\n",
    "COPY t FROM stdin;\n1\ta\n\\\\.\n\\.\n",
    "COPY t FROM stdin;\n\\.\n",
    "CREATE FUNCTION f() AS $x$ COPY t FROM stdin;\n1\n\\.\n; $x$;\n",
    "INSERT INTO t VALUES ('a;''b', E'c\\';d');\n",
    "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC INSERT INTO t VALUES (1); SELECT CASE WHEN a THEN 1 END; END;\n",
    "CREATE RULE r AS ON INSERT TO t DO (INSERT INTO u VALUES (1); SELECT 1;);\n",
    "CREATE FUNCTION f() RETURNS int AS 'BEGIN ATOMIC; SELECT 1;';\n",
    "-- a comment; with 'quotes\n",
    "/* a /* nested */ ; comment */ SELECT $1, a$b;\n",
    "\\connect other\n",
    'CREATE TABLE "odd;name""x" (a int);\n',
  );

  test("says the same however the file is cut into chunks", () => {
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 8 }),
        fc.array(fc.nat(300), { maxLength: 12 }),
        (pieces, cuts) => {
          const bytes = Buffer.from(pieces.join(""));
          const at = [...new Set([0, ...cuts.filter((c) => c < bytes.length), bytes.length])].sort(
            (a, b) => a - b,
          );
          const chunks = at.slice(1).map((end, i) => Buffer.from(bytes.subarray(at[i], end)));
          expect(scanned(chunks)).toEqual(scanned([bytes]));
        },
      ),
      { numRuns: 500 },
    );
  });
});
