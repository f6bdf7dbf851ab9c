import { tmpdir } from "node:os";
import { describe, expect, test } from "vitest";
import type { Finding, Location } from "../../src/contract/finding.ts";
import { buildReportFlow, writeCodeFacts } from "../../src/lineage/index.ts";
import { Store } from "../../src/store/index.ts";
import { factsFrom, type SourceTree } from "../kit/code.ts";
import { auditReport } from "../kit/command.ts";
import { finding } from "../report/reports.ts";

async function flowOf(files: SourceTree, findings: readonly Finding[] = []) {
  const store = await Store.open({ memoryLimit: 2 ** 28, threads: 1, tempDir: tmpdir(), file: null });
  try {
    await writeCodeFacts(store, await factsFrom(files));
    return await buildReportFlow(store, findings);
  } finally {
    store.close();
  }
}

const TREE: SourceTree = {
  "app.py": `from flask import Flask
import sqlite3
app = Flask(__name__)
db = sqlite3.connect("x.db")

def check(user):
    return db.execute("SELECT tokens FROM usage WHERE user = ?", (user,))

def guard(user):
    check(user)

@app.route("/chat", methods=["POST"])
def chat():
    guard("u")
    db.execute("DELETE FROM usage WHERE tokens = 0")
    db.execute("SELECT count(*) FROM usage")

@app.route("/stats")
def stats():
    return db.execute("SELECT * FROM usage")
`,
  "schema.sql": "CREATE TABLE usage (user TEXT, tokens INT);\nCREATE TABLE spare (id INT);\n",
};

const at = (location: Partial<Location>) =>
  finding({
    check: "c",
    title: "T",
    message: "M.",
    fingerprint: "f",
    location: { input: "src", table: "usage", column: null, file: "app.py", line: null, ...location },
  });

/** `read check ✖`: the accesses of usage, and whether the finding stands at them. */
async function marked(one: Finding): Promise<string[]> {
  const { tables } = await flowOf(TREE, [one]);
  const usage = tables.find((table) => table.table === "usage")!;
  const accesses = usage.accesses.map(
    ({ mode, function: name, findings }) => `${mode} ${name}${findings.length > 0 ? " ✖" : ""}`,
  );
  return [...accesses, ...(usage.findings.length > 0 ? ["table ✖"] : [])];
}

describe("the flow of a report", () => {
  test.each<[string, Partial<Location>, string[]]>([
    ["on the line of an access is at that access alone", { line: 15 }, ["write chat"]],
    ["inside a function is at what the function does", { line: 13 }, ["read chat", "write chat"]],
    ["at a function on the way is at what is reached through it", { line: 9 }, ["read check"]],
    ["at a declaration is at the table", { file: "schema.sql", line: 1 }, ["table"]],
    ["of a loaded table is at the table", { table: "db.usage", file: null }, ["table"]],
    ["of another table is nowhere", { table: "db.spare", line: 15 }, []],
  ])("a finding %s", async (_, location, expected) => {
    const broken = (await marked(at(location))).filter((line) => line.endsWith("✖"));
    expect(broken).toEqual(expected.map((line) => `${line} ✖`));
  });

  test("names the entries that reach an access, and the routes that a page calls", async () => {
    const { report } = auditReport(["sample-data/router/src"]);
    const read = report
      .flow!.tables.find((table) => table.table === "usage_records")!
      .accesses.find((access) => access.function === "getUsageByUser")!;
    expect(read.ways.map(({ kind, name, routes }) => [kind, name, routes])).toEqual([
      ["page", "/dashboard/usage", ["GET /api/usage/export", "GET /api/usage"]],
      ["route", "GET /api/usage/export", []],
      ["route", "GET /api/usage", []],
    ]);
    const [fingerprint] = read.findings;
    expect(report.findings.find((f) => f.fingerprint === fingerprint)?.message).toContain("getUsageByUser");
  });

  test("is null without source code", () => {
    expect(auditReport(["sample-data/router/router.sqlite"]).report.flow).toBeNull();
  });

  test("is bounded, keeps what has findings, and counts what it cuts", async () => {
    const readers = Array.from(
      { length: 100 },
      (_, i) => `def read_${i}():\n    return db.execute("SELECT * FROM usage")\n`,
    );
    const routes = Array.from(
      { length: 30 },
      (_, i) => `@app.route("/${i}")\ndef route_${i}():\n    read_99()\n`,
    );
    const head = (TREE["app.py"] as string).split("\n").slice(0, 4);
    const text = [...head, ...readers, ...routes].join("\n");
    const line = text.split("\n").indexOf("def read_99():") + 2;
    const { tables, cut } = await flowOf({ "app.py": text }, [at({ line })]);
    const { accesses } = tables[0]!;
    expect(accesses).toHaveLength(60);
    expect(accesses.at(-1)).toMatchObject({ function: "read_99", findings: ["f"] });
    expect(accesses.at(-1)!.ways).toHaveLength(20);
    expect(cut).toEqual({ tables: 0, accesses: 40, ways: 10 });
  });
});
