/** What a SQLite database declares arrives with its tables: keys, types, views, odd names, odd tables. */

import { DatabaseSync } from "@photostructure/sqlite";
import { afterAll, expect, test } from "vitest";
import { Folder, load } from "../../kit/intake.ts";

const folder = new Folder();
afterAll(() => folder.remove());

async function loaded(name: string, sql: string, needed?: readonly string[]) {
  const file = folder.at(name);
  const db = new DatabaseSync(file);
  db.enableDefensive(false);
  db.exec(sql);
  db.close();
  return load("sqlite", [file], needed ? { needed } : {});
}

test("keys, foreign keys and declared types", async () => {
  const db = await loaded(
    "keys.db",
    "CREATE TABLE jobs (id TEXT PRIMARY KEY, n INT); CREATE TABLE calls (id INTEGER PRIMARY KEY, job REFERENCES jobs, other INTEGER REFERENCES jobs(n), cost DECIMAL(10,2))",
  );
  db.close();
  const calls = db.tables[1]!.columns;
  expect(calls.map((column) => [column.name, column.declared, column.primaryKey])).toEqual([
    ["id", "INTEGER", true],
    ["job", "", false],
    ["other", "INTEGER", false],
    ["cost", "DECIMAL(10,2)", false],
  ]);
  expect(calls.map((column) => column.references)).toEqual([
    null,
    { table: "jobs", column: "id" },
    { table: "jobs", column: "n" },
    null,
  ]);
});

test.each([
  [
    "WITHOUT ROWID",
    "CREATE TABLE t (a TEXT PRIMARY KEY, b) WITHOUT ROWID; INSERT INTO t VALUES ('x', 1), ('y', NULL)",
  ],
  [
    "a column named rowid",
    "CREATE TABLE t (rowid TEXT, oid TEXT); INSERT INTO t VALUES ('r', 'o'), ('s', 'p')",
  ],
  [
    "columns that take every name of the rowid",
    "CREATE TABLE t (rowid TEXT, oid TEXT, _rowid_ TEXT); INSERT INTO t VALUES ('r', 'o', 'x'), ('s', 'p', 'y')",
  ],
  [
    "generated columns",
    "CREATE TABLE t (a INT, b INT AS (a * 2), c TEXT AS (a || 'x') STORED); INSERT INTO t(a) VALUES (1), (2)",
  ],
  ["a strict table", "CREATE TABLE t (a ANY, b INTEGER) STRICT; INSERT INTO t VALUES ('1', 1), (1, 2)"],
  [
    "rowids at both ends",
    "CREATE TABLE t (a INTEGER PRIMARY KEY); INSERT INTO t VALUES (-9223372036854775808), (9223372036854775807)",
  ],
  ["one column of empty texts", "CREATE TABLE t (a TEXT); INSERT INTO t VALUES (''), (''); "],
])("%s", async (_name, sql) => {
  const db = await loaded("odd.db", `DROP TABLE IF EXISTS t; ${sql}`);
  const rows = await db.rows("SELECT * FROM input.t");
  db.close();
  expect(db.input.error).toBeUndefined();
  expect(rows).toHaveLength(2);
  const source = new DatabaseSync(folder.at("odd.db"), { readOnly: true });
  const statement = source.prepare("SELECT * FROM t");
  statement.setReadBigInts(true);
  const held = statement.all().map((row) => Object.values(row).map(String));
  source.close();
  expect(rows.map((row) => Object.values(row).map(String))).toEqual(held);
});

test("views are listed and not loaded, virtual tables likewise with a note", async () => {
  const db = await loaded(
    "views.db",
    `CREATE TABLE t (a); CREATE VIEW v AS SELECT a FROM t; CREATE VIEW broken AS SELECT * FROM nowhere;
     CREATE VIRTUAL TABLE f USING fts5(body); INSERT INTO f VALUES ('words');
     PRAGMA writable_schema = ON; INSERT INTO sqlite_master VALUES ('table', 'z', 'z', 0, 'CREATE VIRTUAL TABLE z USING nosuch(a)')`,
  );
  db.close();
  expect(db.tables.map((table) => [table.name, table.view])).toEqual([
    ["t", false],
    ["v", true],
    ["broken", true],
    ["f", true],
    ["z", true],
  ]);
  expect(db.input.notes).toEqual([
    "f is a virtual table (fts5): listed, not read",
    "z is a virtual table (nosuch): listed, not read",
  ]);
});

test("hostile names do no harm", async () => {
  const db = await loaded(
    "names.db",
    `CREATE TABLE "a""; DROP TABLE x; --" ("c""'); --" TEXT, "" TEXT, "select" TEXT); INSERT INTO "a""; DROP TABLE x; --" VALUES ('1', '2', '3');
     CREATE TABLE "" (a); CREATE TABLE "É" (a); CREATE TABLE "é" (a)`,
  );
  db.close();
  expect(db.input.tables).toEqual(['input.a"; DROP TABLE x; --', "input.table", "input.É", "input.é_2"]);
  expect(db.tables[0]!.columns.map((column) => column.name)).toEqual([`c"'); --`, "column2", "select"]);
  expect(db.tables[0]!.rows).toBe(1);
});

test("a table of 2,000 columns, all of them or one", async () => {
  const names = Array.from({ length: 2000 }, (_, i) => `c${i}`);
  const sql = `CREATE TABLE wide (${names.map((name) => `${name} INT`).join(", ")}); INSERT INTO wide (c0, c1999) VALUES (1, 2), (3, 'x')`;
  const all = await loaded("wide.db", sql, names);
  expect(await all.rows("SELECT c0, c1999 FROM input.wide")).toEqual([
    { c0: 1, c1999: "2" },
    { c0: 3, c1999: "x" },
  ]);
  all.close();
  const one = await load("sqlite", [folder.at("wide.db")], { needed: ["c5"] });
  one.close();
  expect(one.tables[0]!.columns.filter((column) => column.loaded).map((column) => column.name)).toEqual([
    "c5",
  ]);
  expect(one.tables[0]!.columns).toHaveLength(2000);
  expect(one.tables[0]!.rows).toBe(2);
});

test("empty tables have their columns, and a database without tables is none the worse", async () => {
  const db = await loaded("empty.db", "CREATE TABLE t (a INTEGER, b REAL, c TEXT, d)");
  db.close();
  expect(db.tables[0]!.columns.map((column) => column.type)).toEqual([
    "BIGINT",
    "DOUBLE",
    "VARCHAR",
    "VARCHAR",
  ]);
  const none = await loaded("none.db", "CREATE TABLE t (a); DROP TABLE t");
  none.close();
  expect(none.input).toMatchObject({ rows: 0, tables: [] });
});

test("rowids with gaps of any size lose no row", async () => {
  const db = await loaded(
    "gaps.db",
    "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT); INSERT INTO t SELECT i * i * i * 7 - 900000000000, 'x' || i FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6000) SELECT i FROM n)",
  );
  expect(await db.rows("SELECT count(*) AS n, count(DISTINCT id) AS ids FROM input.t")).toEqual([
    { n: 6000, ids: 6000 },
  ]);
  db.close();
});

test("a dump that SQLite wrote is loaded, what it may not do is rejected and told", async () => {
  const file = folder.write(
    "app.sql",
    `PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE t (a INTEGER, b TEXT DEFAULT ';');
INSERT INTO t VALUES(1,'it''s; -- not the end
of the line');
INSERT INTO t VALUES(2,unistr('x\\u000ay'));
CREATE TRIGGER g AFTER DELETE ON t BEGIN DELETE FROM t; SELECT 1; END;
ATTACH DATABASE '${folder.at("stolen.db")}' AS other;
.shell touch ${folder.at("pwned")}
;
INSERT INTO t VALUES(3,'z');
COMMIT;
`,
  );
  const before = folder.contents();
  const db = await load("sql-dump", [file]);
  expect(await db.rows("SELECT a, b FROM input.t")).toEqual([
    { a: 1, b: "it's; -- not the end\nof the line" },
    { a: 2, b: "x\ny" },
    { a: 3, b: "z" },
  ]);
  db.close();
  expect(db.rejects.map((reject) => reject.line)).toEqual([8, 9]);
  expect(db.input.rejected).toBe(2);
  expect(folder.contents()).toEqual(before);
});

test("a dump that ends in a statement says so and keeps the rest", async () => {
  const db = await load("sql-dump", [
    folder.write(
      "cut.sql",
      "BEGIN TRANSACTION;\nCREATE TABLE t (a);\nINSERT INTO t VALUES(1);\nINSERT INTO t VALUES('un",
    ),
  ]);
  db.close();
  expect(db.input.rows).toBe(1);
  expect(db.input.error).toBe("cut.sql: ends in the middle of the statement in line 4: cut off");
});
