import { describe, expect, test } from "vitest";
import { auditCode, type SourceTree } from "../kit/code.ts";
import type { TableData } from "../kit/tables.ts";

const SCHEMA = "CREATE TABLE quota (id INT, n INT);\n";
const READ = 'export function read(db) { return db.all("SELECT n FROM quota"); }\n';
const WRITE = 'export function save(db) { db.run("INSERT INTO quota (n) VALUES (?)", 1); }\n';

describe("dead-table", () => {
  test("a table that is read and never written, at its reader", async () => {
    const { findings } = await auditCode("dead-table", { "schema.sql": SCHEMA, "a.js": `\n${READ}` });
    expect(findings).toMatchObject([
      {
        title: "A table is read and never written",
        severity: "warning",
        location: { table: "quota", file: "a.js", line: 2 },
      },
    ]);
  });

  test("a table that is written and never read; a test that reads it does not count", async () => {
    const { findings } = await auditCode("dead-table", {
      "schema.sql": SCHEMA,
      "a.js": WRITE,
      "a.test.js": READ,
    });
    expect(findings).toMatchObject([
      { title: "A table is written and never read", location: { file: "a.js", line: 1 } },
    ]);
  });

  test("with a database the rows are told; rows without a writer in the code are only info", async () => {
    const { findings } = await auditCode(
      "dead-table",
      { "a.js": READ },
      { "app.quota": { rows: [{ n: 1 }, { n: 2 }] } },
    );
    expect(findings).toMatchObject([{ severity: "info", evidence: { rows: 2 } }]);
  });

  const SILENT: [name: string, tree: SourceTree, tables?: Record<string, TableData>][] = [
    ["written and read", { "schema.sql": SCHEMA, "a.js": READ + WRITE }],
    [
      "another program's table",
      { "a.js": 'const cursor = new Database(path);\ncursor.prepare("SELECT value FROM itemTable").all();' },
    ],
    [
      "a view",
      {
        "schema.sql": "CREATE TABLE t (n INT);\nCREATE VIEW quota AS SELECT n FROM t;",
        "a.js": `${READ}db.run("INSERT INTO t (n) VALUES (1)");`,
      },
    ],
    [
      "a table that a trigger writes",
      {
        "schema.sql": `${SCHEMA}CREATE TABLE t (n INT);\nCREATE TRIGGER x AFTER INSERT ON t BEGIN INSERT INTO quota (n) VALUES (1); END;`,
        "a.js": `${READ}db.run("INSERT INTO t (n) VALUES (1)"); db.all("SELECT n FROM t");`,
      },
    ],
    [
      "a table that a materialized view fills",
      {
        "schema.sql":
          "CREATE TABLE t (n INT);\nCREATE TABLE quota (n INT);\nCREATE MATERIALIZED VIEW quota_mv TO quota AS SELECT n FROM t;",
        "a.js": `${READ}db.run("INSERT INTO t (n) VALUES (1)");`,
      },
    ],
    [
      "a table that a script fills",
      { "schema.sql": SCHEMA, "seed.sql": "INSERT INTO quota (n) VALUES (1);", "a.js": READ },
    ],
    ["a table that is only cleaned up", { "schema.sql": SCHEMA, "a.js": 'db.run("DELETE FROM quota");' }],
    [
      "a spelling of a used table",
      {
        "schema.sql": "CREATE TABLE user_event (id INT);\nCREATE TABLE user_events (id INT);",
        "a.js": 'db.run("INSERT INTO user_event (id) VALUES (1)"); db.all("SELECT id FROM user_events");',
      },
    ],
    ["a table of the engine", { "schema.sql": SCHEMA, "a.js": 'db.all("SELECT name FROM sqlite_master");' }],
    [
      "a dynamic name",
      { "schema.sql": SCHEMA, "a.js": "function f(db, t) { db.all(`SELECT n FROM ${t}`); }" },
    ],
  ];
  test.each(SILENT)("silent: %s", async (_, tree, tables) => {
    expect((await auditCode("dead-table", tree, tables)).findings).toEqual([]);
  });
});
