import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { trueup } from "../kit/command.ts";

/** 60 files of 30 KB: large enough that worker threads read it. One has a syntax error, one is Latin-1. */
function largeTree(): string {
  const root = mkdtempSync(join(tmpdir(), "trueup-threads-"));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, "src"));
  const filler = Array.from(
    { length: 10 },
    (_, i) => `export const f${i} = (a, b) => a * ${i} + b - other(a, "text ${i}");`,
  );
  for (let i = 0; i < 60; i++)
    writeFileSync(
      join(root, "src", `m${i}.js`),
      `import { save${(i + 1) % 60} } from "./m${(i + 1) % 60}.js";\n${filler.join("\n")}\n${`// ${"x".repeat(97)}\n`.repeat(260)}export function save${i}(db) {\n  db.prepare("INSERT INTO usage_${i} (id) VALUES (?)").run(1);\n  if (db) save${(i + 1) % 60}(db);\n}\n`,
    );
  writeFileSync(join(root, "src", "broken.js"), "export function f( {\n");
  writeFileSync(join(root, "src", "latin.py"), Buffer.from("# caf\xe9\ndef f():\n    pass\n", "latin1"));
  return root;
}

test("worker threads give the facts that one thread gives, and tell the same", () => {
  const root = largeTree();
  const facts = (threads: string) =>
    trueup(
      [
        "query",
        `SELECT 'access' AS fact, "function", file, line, table_name AS name FROM trueup.code_access UNION ALL
         SELECT 'call', caller_id::TEXT, file, line, callee || coalesce(callee_id, 0) FROM trueup.code_calls ORDER BY ALL`,
        root,
        "--format",
        "json",
        "--threads",
        threads,
      ],
      { cwd: root },
    );
  const told = (threads: string) => trueup(["inspect", root, "--threads", threads], { cwd: root }).stdout;
  const one = facts("1");
  const rows = JSON.parse(one.stdout) as { fact: string }[];
  expect(rows.filter((row) => row.fact === "access")).toHaveLength(60);
  expect(facts("2").stdout).toBe(one.stdout);
  expect(told("2")).toBe(told("1"));
  expect(told("2")).toContain("broken.js");
  expect(told("2")).toContain("latin.py");
}, 120_000);
