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

  test("what is kept for people and other programs is only told", async () => {
    const { findings } = await auditCode("dead-table", {
      "schema.sql":
        "CREATE TABLE audit_log (id INT);\nCREATE TABLE DeletedTeams (id INT);\nCREATE TABLE usage_log (id INT);",
      "a.js":
        'db.run("INSERT INTO audit_log (id) VALUES (1)"); db.run("INSERT INTO DeletedTeams (id) VALUES (1)"); db.run("INSERT INTO usage_log (id) VALUES (1)");',
    });
    expect(findings).toMatchObject([
      { severity: "info", location: { table: "audit_log" } },
      { severity: "info", location: { table: "DeletedTeams" } },
      { severity: "warning", location: { table: "usage_log" } },
    ]);
  });

  const MODEL =
    'from sqlalchemy import Column, Integer\nfrom sqlalchemy.orm import declarative_base\nBase = declarative_base()\nclass Quota(Base):\n    __tablename__ = "quota"\n    id = Column(Integer, primary_key=True)\n';
  const SELECTS =
    "from sqlalchemy import select\nfrom models import Quota\ndef read(session):\n    return session.execute(select(Quota)).all()\n";

  test("a model that is only selected, described and compared is not given away", async () => {
    const { findings } = await auditCode("dead-table", {
      "models.py": MODEL,
      "a.py": `${SELECTS}def is_quota(x):\n    print(Quota)\n    return isinstance(x, Quota)\n`,
    });
    expect(findings).toMatchObject([{ location: { table: "quota", file: "a.py" } }]);
  });

  test("a name among others in a list is not given to anything", async () => {
    const { findings } = await auditCode("dead-table", {
      "schema.sql": "CREATE TABLE usage_events (n INT);",
      "a.py":
        'KNOWN = frozenset(["usage_events", "other_events"])\ndef read(conn):\n    return conn.execute("SELECT n FROM usage_events").fetchall()\n',
    });
    expect(findings).toMatchObject([{ location: { table: "usage_events", line: 3 } }]);
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
    [
      "a model that is given to a repository",
      {
        "models.py": MODEL,
        "a.py": `${SELECTS}def repo(session):\n    return Repository(session, "id", Quota)\n`,
      },
    ],
    [
      "a model of which objects are made",
      { "models.py": MODEL, "a.py": `${SELECTS}def build(n):\n    return Quota(id=n)\n` },
    ],
    [
      "a table object that is given to an adapter",
      {
        "schema.ts":
          'import { sqliteTable, integer } from "drizzle-orm/sqlite-core";\nexport const viewer = sqliteTable("viewer", { id: integer("id") });\n',
        "a.ts":
          'import { viewer } from "./schema";\nexport const adapter = DrizzleAdapter(db, { usersTable: viewer });\nexport const touch = () => db.update(viewer).set({ id: 1 });\n',
      },
    ],
    [
      "a name that is given to what queues rows",
      {
        "schema.sql": "CREATE TABLE usage_events (n INT);",
        "a.js":
          'function f(w) { w.addToQueue("usage_events", row); }\nfunction g() { return db.all("SELECT n FROM usage_events"); }',
      },
    ],
    [
      "a function that migrates",
      { "schema.sql": SCHEMA, "a.js": 'function migrateQuota(db) { return db.all("SELECT n FROM quota"); }' },
    ],
    [
      "a lock",
      {
        "schema.sql": "CREATE TABLE action_lock (id INT, until INT);",
        "a.js": 'db.run("UPDATE action_lock SET until = ? WHERE until < ?", 1, 2);',
      },
    ],
    [
      "a table that only migrations under a longer name touch",
      { "schema.sql": SCHEMA, "migrations-sqlite/1.js": READ },
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
