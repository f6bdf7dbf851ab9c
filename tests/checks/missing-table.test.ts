import { describe, expect, test } from "vitest";
import { auditCode, type SourceTree } from "../kit/code.ts";

const SCHEMA = "CREATE TABLE users (id INT);\nCREATE TABLE orders (id INT);\n";
const USED =
  'export function known(db) { db.all("SELECT id FROM users"); db.all("SELECT id FROM orders"); }\n';

describe("missing-table", () => {
  test("a table that the schema in the code does not have, at its query", async () => {
    const { findings } = await auditCode("missing-table", {
      "schema.sql": SCHEMA,
      "a.js": `${USED}function f(db) { return db.all("SELECT id FROM refunds"); }`,
    });
    expect(findings).toMatchObject([{ location: { table: "refunds", file: "a.js", line: 2 } }]);
  });

  test("a table that the database does not have", async () => {
    const { findings } = await auditCode(
      "missing-table",
      { "a.js": `${USED}db.all("SELECT id FROM refunds");` },
      { "app.users": { rows: [{ id: 1 }] }, "app.orders": { rows: [{ id: 1 }] } },
    );
    expect(findings.map((f) => f.location?.table)).toEqual(["refunds"]);
  });

  const SILENT: [name: string, tree: SourceTree][] = [
    ["everything is declared", { "schema.sql": SCHEMA, "a.js": USED }],
    [
      "a system table",
      {
        "schema.sql": SCHEMA,
        "a.js": `${USED}db.all("SELECT name FROM sqlite_master"); db.all("SELECT table_name FROM information_schema.tables");`,
      },
    ],
    [
      "a CTE",
      {
        "schema.sql": SCHEMA,
        "a.js": `${USED}db.all("WITH recent AS (SELECT id FROM users) SELECT id FROM recent");`,
      },
    ],
    [
      "created at run time by the same code",
      {
        "schema.sql": SCHEMA,
        "a.js": `${USED}db.exec("CREATE TEMP TABLE scratch (id INT)"); db.all("SELECT id FROM scratch");`,
      },
    ],
    [
      "a spelling of a declared table",
      { "schema.sql": SCHEMA, "a.js": `${USED}db.all("SELECT id FROM user");` },
    ],
    [
      "a connection of its own to another program's file",
      {
        "schema.sql": SCHEMA,
        "a.js": `${USED}function cursor(path) { const other = new Database(path); return other.prepare("SELECT value FROM itemTable").all(); }`,
      },
    ],
    ["a schema that is declared elsewhere", { "schema.sql": "CREATE TABLE other (id INT);", "a.js": USED }],
    [
      "a dynamic name",
      { "schema.sql": SCHEMA, "a.js": `${USED}function f(db, t) { db.all(\`SELECT id FROM \${t}\`); }` },
    ],
  ];
  test.each(SILENT)("silent: %s", async (_, tree) => {
    expect((await auditCode("missing-table", tree)).findings).toEqual([]);
  });
});
