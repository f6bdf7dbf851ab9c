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

  const TABLE = "CREATE TABLE usage (id INT, tokens INT, created_at TEXT);\n";
  const READ = 'export function read(db) { return db.all("SELECT id, tokens, cost FROM usage"); }\n';

  test("a column that no declaration has, at the text that names it", async () => {
    const { findings } = await auditCode("missing-table", {
      "schema.sql": TABLE,
      "sql.js": 'export const Q =\n  "SELECT id, tokens, cost FROM usage";\n',
      "a.js": 'import { Q } from "./sql.js";\nexport function read(db) { return db.all(Q); }\n',
    });
    expect(findings).toMatchObject([
      {
        title: "Code queries a column that is not there",
        location: { table: "usage", column: "cost", file: "sql.js", line: 2 },
      },
    ]);
  });

  test("a column that neither the schema nor the database has", async () => {
    const { findings } = await auditCode(
      "missing-table",
      { "schema.sql": TABLE, "a.js": READ },
      { "app.usage": { rows: [{ id: 1, tokens: 2, created_at: "2026-01-01" }] } },
    );
    expect(findings.map((f) => f.message)).toEqual([
      "column `cost` of `usage` is queried by read, but neither the schema in the code nor the database has it.",
    ]);
  });

  const COLUMNS_SILENT: [name: string, tree: SourceTree][] = [
    [
      "a later migration adds it",
      { "schema.sql": TABLE, "migrations/2.sql": "ALTER TABLE usage ADD COLUMN cost REAL;", "a.js": READ },
    ],
    [
      "code adds columns by names that only run time knows",
      {
        "schema.sql": TABLE,
        "a.js": `${READ}function up(db, name) { db.exec(\`ALTER TABLE usage ADD COLUMN \${name} REAL\`); }`,
      },
    ],
    [
      "the name of a result",
      {
        "schema.sql": TABLE,
        "a.js":
          'function f(db) { return db.all("SELECT id, sum(tokens) AS used FROM usage GROUP BY id ORDER BY used"); }',
      },
    ],
    [
      "a text in double quotes",
      {
        "schema.sql": TABLE,
        "a.js":
          "function f(db) { return db.all('SELECT id, tokens FROM usage WHERE created_at = \"today\"'); }",
      },
    ],
    [
      "units, parameters and the columns of a function that gives rows",
      {
        "schema.sql": TABLE,
        "a.js":
          'function f(db) { db.all("SELECT id, TIMESTAMPDIFF(SECOND, created_at, now()) AS age FROM usage"); db.all("SELECT id FROM usage WHERE tokens = @least"); db.all("SELECT id FROM usage, json_each(usage.created_at) WHERE atom = 1"); }',
      },
    ],
    [
      "the outer table's column in a subquery",
      {
        "schema.sql": `${TABLE}CREATE TABLE users (id INT, owner INT);`,
        "a.js":
          'function f(db) { return db.all("SELECT id, owner FROM users WHERE EXISTS (SELECT tokens FROM usage WHERE id = owner)"); }',
      },
    ],
    [
      "a table whose columns are mostly unknown",
      { "schema.sql": TABLE, "a.js": 'function f(db) { return db.all("SELECT a, b, c, id FROM usage"); }' },
    ],
    [
      "the engine's own columns",
      {
        "schema.sql": TABLE,
        "a.js": 'function f(db) { return db.all("SELECT rowid, id, tokens FROM usage"); }',
      },
    ],
    [
      "an attribute that an ORM maps",
      {
        "m.py":
          "from sqlalchemy.orm import declarative_base\nfrom sqlalchemy import Column, Integer\nBase = declarative_base()\nclass Usage(Base):\n    __tablename__ = 'usage'\n    id = Column(Integer)\n    tokens = Column(Integer)\n",
        "a.py": "from m import Usage\ndef f(session):\n    session.add(Usage(id=1, cost=2))\n",
      },
    ],
  ];
  test.each(COLUMNS_SILENT)("no column is missing: %s", async (_, tree) => {
    expect((await auditCode("missing-table", tree)).findings).toEqual([]);
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
