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

  test("near what is silent: a name that only sounds like a migration, a mark that nothing replaces, a CTE of another function", async () => {
    const { findings } = await auditCode("missing-table", {
      "schema.sql": SCHEMA,
      "a.js": `${USED}function emigrated(db) { return db.all("SELECT id FROM refunds"); }
function f(q) { return q.withCTE("invoices", base); }
function g(db) { return db.all("SELECT id FROM invoices"); }`,
    });
    expect(findings.map((f) => f.location?.table)).toEqual(["invoices", "refunds"]);
  });

  test("silent: a view that no parser reads, a table of a framework's package", async () => {
    const { findings } = await auditCode("missing-table", {
      "schema.sql": `${SCHEMA}CREATE MATERIALIZED VIEW IF NOT EXISTS totals AS\n  WITH c AS (SELECT id FROM orders WITH DATA ?? x) SELECT c.id FROM c\n;\n`,
      "a.py": `def f(c):\n    c.execute("SELECT id FROM users")\n    c.execute("SELECT id FROM orders")\n    c.execute("SELECT id FROM totals")\n    c.execute("SELECT id FROM auth_user")\n    c.execute("SELECT id FROM authors")\n`,
    });
    expect(findings.map((f) => f.location?.table)).toEqual(["authors"]);
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
      "the name of a row, here and around",
      {
        "schema.sql": `${TABLE}CREATE TABLE users (id INT, name TEXT);`,
        "a.py":
          "def f(conn):\n    conn.execute(\"SELECT to_jsonb(u), (SELECT jsonb_agg(to_jsonb(g) || to_jsonb(u)) FROM usage g WHERE g.id = u.id) FROM users u WHERE u.name = 'a'\")\n",
      },
    ],
    [
      "a column that an alias qualifies where it is set",
      {
        "schema.sql": `${TABLE}CREATE TABLE users (id INT, name TEXT);`,
        "a.js":
          'function f(db) { db.run("UPDATE usage g JOIN users u ON u.id = g.id SET g.tokens = 0, u.name = ? WHERE g.id = 1"); }',
      },
    ],
    [
      "a list and what stands behind braces in schema.prisma",
      {
        "schema.prisma":
          'model Usage {\n  id String @id\n  meta Json @default("{}")\n  tags String[]\n  status String?\n  owner User?\n  @@map("usage")\n}\nmodel User {\n  id String @id\n}\n',
        "a.ts": 'export const f = (db) => db.query("SELECT id, meta, tags, status FROM usage");\n',
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
      "a system table of a schema of its own",
      {
        "schema.sql": SCHEMA,
        "a.js": `${USED}db.all("SELECT name FROM system.parts"); db.all("SELECT a FROM performance_schema.threads"); db.all("SELECT x FROM system.query_log FINAL FORMAT JSON");`,
      },
    ],
    [
      "a CTE that only some forms of the statement have",
      {
        "schema.sql": SCHEMA,
        "a.js": `${USED}function f(db, wide) { const more = wide ? ", recent AS (SELECT id FROM orders)" : ""; const union = wide ? "UNION ALL SELECT id FROM recent" : ""; return db.all(\`WITH base AS (SELECT id FROM users) \${more} SELECT id FROM base \${union}\`); }`,
      },
    ],
    [
      "a CTE that is given to a builder by its name",
      {
        "schema.sql": SCHEMA,
        "a.js": `${USED}function f(q) { const rows = { query: "SELECT id FROM recent_orders WHERE id > 1" }; return q.withCTE("recent_orders", base).withCTE("rows", run(rows)); }`,
      },
    ],
    [
      "a mark that is replaced by a table's name",
      {
        "schema.sql": SCHEMA,
        "a.js": `${USED}function f(db) { const q = "SELECT id FROM __TABLE__"; return db.all(q.replaceAll("__TABLE__", "users")); }`,
      },
    ],
    [
      "the verbs and modifiers of other dialects",
      {
        "schema.sql": SCHEMA,
        "a.js": `${USED}db.exec("UPDATE IGNORE users SET id = 1"); db.exec("UPDATE OR IGNORE users SET id = 1"); db.exec("ALTER TABLE orders UPDATE id = 1 WHERE id = 2");`,
      },
    ],
    [
      "a function that migrates",
      {
        "schema.sql": SCHEMA,
        "a.js": `${USED}function migrateFrom1(db) { db.all("SELECT id FROM old_users"); }`,
      },
    ],
    [
      "a folder of migrations under a longer name",
      { "schema.sql": SCHEMA, "a.js": USED, "migrations-sqlite/2.js": 'db.all("SELECT id FROM old_users");' },
    ],
    [
      "a script that begins a transaction",
      {
        "schema.go":
          "package a\nconst create = `\n\tBEGIN;\n\tCREATE TABLE users (id INT);\n\tCREATE TABLE orders (id INT);\n\tCOMMIT;\n`\nfunc setup(db *sql.DB) { db.Exec(create) }\n",
        "a.js": USED,
        "b.sql": "CREATE TABLE other (id INT);",
      },
    ],
    [
      "a connection that is set up, a schema that is changed",
      {
        "schema.sql": SCHEMA,
        "a.js": `${USED}const Knex = require("knex");\nconst knex = Knex({ client: "sqlite3", connection: {} });\nfunction up() { return knex.schema.table("gone", (t) => t.string("a")); }`,
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
