import { describe, expect, test } from "vitest";
import { accessLines, factsFrom } from "../kit/code.ts";

const JS: [name: string, source: string, expected: string[]][] = [
  [
    "a text and its parameters, returned as a list or an object and taken apart",
    'function list(x) { return ["SELECT a FROM usage WHERE b = ?", [x]]; }\nfunction named(x) { return { statement: "DELETE FROM usage", params: [x] }; }\nfunction read(db) { const [sql, params] = list(1); return db.all(sql, params); }\nfunction purge(db) { const { statement, params } = named(1); return db.run(statement, params); }',
    ["read reads usage (a, b)", "purge deletes usage"],
  ],
  [
    "better-sqlite3, prepare and run in one expression",
    'function save(db, x) { db.prepare("INSERT INTO usage (a, b) VALUES (?, ?)").run(x, 1); }',
    ["save inserts usage (a, b)"],
  ],
  [
    "a statement prepared at the top belongs to the function that runs it",
    'const stmt = db.prepare("SELECT a FROM usage WHERE b = ?");\nfunction read() { return stmt.all(1); }',
    ["read reads usage (a, b)"],
  ],
  [
    "a statement kept in an object",
    "const q = { ins: db.prepare(`INSERT INTO usage (a) VALUES (1)`) };\nexport const save = () => q.ins.run();",
    ["save inserts usage (a)"],
  ],
  [
    "a statement kept in a field",
    'class Repo { constructor(db) { this.stmt = db.prepare("DELETE FROM usage WHERE id = ?"); }\n remove(id) { this.stmt.run(id); } }',
    ["remove deletes usage"],
  ],
  [
    "a statement that nothing runs belongs to where it is made",
    'function make(db) { return db.prepare("SELECT a FROM usage"); }',
    ["make reads usage (a)"],
  ],
  [
    "SQL under a key that says so, given to a function that nothing is known of; a sentence there is none",
    'function f(id) { send({ query: "DELETE FROM usage WHERE id = ?", params: [id] }); ask({ query: "select a plan from the list" }); show({ text: "DELETE FROM usage" }); }',
    ["f deletes usage"],
  ],
  [
    "node-postgres with a config object",
    'async function read(pool) { return pool.query({ text: "SELECT id FROM users WHERE id = $1", values: [1] }); }',
    ["read reads users (id)"],
  ],
  [
    "a template with values",
    "async function read(db, id) { return db.get(`SELECT a FROM usage WHERE id = ${id} AND b IN (${ids.join()}) `); }",
    ["read reads usage (a, id, b)"],
  ],
  [
    "a template with a clause",
    "function read(db, w) { return db.all(`SELECT a FROM usage WHERE x = 1 ${w} ORDER BY a LIMIT ${n}`); }",
    ["read reads usage (a, x)"],
  ],
  [
    "a name that only run time knows",
    "function read(db, table) { return db.all(`SELECT a FROM ${table}`); }",
    ["read reads ? (a)"],
  ],
  [
    "a name held by a constant",
    "const TABLE = 'usage';\nfunction read(db) { return db.all(`SELECT a FROM ${TABLE}`); }",
    ["read reads usage (a)"],
  ],
  [
    "concatenated text",
    'function read(db) { return db.all("SELECT a " + "FROM usage " + "WHERE b = 1"); }',
    ["read reads usage (a, b)"],
  ],
  [
    "text that grows",
    'function read(db, f) { let sql = "SELECT a FROM usage"; if (f) sql += " WHERE b = ?"; return db.all(sql); }',
    ["read reads usage (a, b)"],
  ],
  [
    "a tagged template",
    "async function read(sql) { return await sql`SELECT a FROM usage WHERE b = ${1}`; }",
    ["read reads usage (a, b)"],
  ],
  [
    "a wrapper of one's own",
    'function all(sql, p) { return db.prepare(sql).all(p); }\nfunction read() { return all("SELECT a FROM usage", []); }',
    ["read reads usage (a)"],
  ],
  [
    "an upsert",
    'function save(db) { db.run("INSERT INTO usage (a, n) VALUES (?, 1) ON CONFLICT (a) DO UPDATE SET n = n + 1"); }',
    ["save upserts usage (a, n)"],
  ],
  [
    "INSERT … SELECT writes the target and reads the sources",
    'function roll(db) { db.exec("INSERT INTO daily (d, n) SELECT day, count(*) FROM usage GROUP BY day"); }',
    ["roll inserts daily (d, n)", "roll reads usage (day)"],
  ],
  [
    "a CTE is no table",
    'function read(db) { db.all("WITH recent AS (SELECT id FROM usage) SELECT id FROM recent JOIN keys ON keys.id = recent.id"); }',
    ["read reads usage (id)", "read reads keys (id)"],
  ],
  [
    "a transaction's inner function belongs to the outer one",
    'function save(db) { const tx = db.transaction(() => { db.prepare("UPDATE usage SET a = 1").run(); }); tx(); }',
    ["save updates usage (a)"],
  ],
  [
    "DDL is no access",
    'function init(db) { db.exec("CREATE TABLE IF NOT EXISTS usage (a INT); CREATE INDEX i ON usage (a); DROP TABLE old"); }',
    [],
  ],
  [
    "a log line is no access",
    'function f() { console.log("SELECT a FROM usage"); logger.info("DELETE FROM usage"); }',
    [],
  ],
  ["an error text is no access", 'function f() { throw new Error("INSERT INTO usage VALUES (1)"); }', []],
  ["a comment is no access", "// SELECT a FROM usage\nfunction f() { /* DELETE FROM usage */ }", []],
  [
    "prose is no access",
    'function f(t) { t("Select a model from the list"); show("Update the settings, then set a name"); x.query("Delete from here?"); }',
    [],
  ],
  ["top-level code", 'const n = db.prepare("SELECT a FROM usage").get();', ["<module> reads usage (a)"]],
  [
    "one of several texts",
    'function read(db, x) { const sql = x ? "SELECT a FROM one" : "SELECT a FROM two"; return db.all(sql); }',
    ["read reads one (a)", "read reads two (a)"],
  ],
  [
    "a name that is given one statement after another runs each once",
    'function f(db) {\n let q = "SELECT a FROM x";\n db.query(q);\n q = "DELETE FROM y";\n db.query(q);\n}',
    ["f reads x (a)", "f deletes y"],
  ],
  [
    "either branch may have given the statement",
    'function f(db, c) {\n let q;\n if (c) {\n  q = "SELECT a FROM x";\n } else {\n  q = "SELECT b FROM y";\n }\n return db.query(q);\n}',
    ["f reads y (b)", "f reads x (a)"],
  ],
  [
    "conditions that are collected in a list",
    'function f(db, c) { const where = ["a = 1"]; if (c) where.push("id IN (SELECT x_id FROM y)"); return db.query("SELECT a FROM x WHERE " + where.join(" AND ")); }',
    ["f reads y (x_id)", "f reads x (a, id)"],
  ],
  [
    "a join that is updated: each column is its own table's",
    'function f(db) { db.run("UPDATE photos p JOIN files f ON f.photo_id = p.id SET p.a = 1, f.b = 2"); }',
    ["f updates files (b)", "f updates photos (a)", "f reads files (photo_id)"],
  ],
  [
    "a script that begins with settings; a sentence that does is none",
    'function f(db) { db.exec("PRAGMA foreign_keys = ON; BEGIN; DELETE FROM usage; COMMIT;"); db.exec("Begin; then delete from the list"); }',
    ["f deletes usage"],
  ],
];

const PY: [name: string, source: string, expected: string[]][] = [
  [
    "a text and its parameters, returned together and unpacked",
    'def build(x):\n    if x: return "SELECT a FROM usage WHERE b = ?", (x,)\n    return "SELECT a FROM users", ()\ndef read(conn):\n    sql, params = build(1)\n    return conn.execute(sql, params)\n',
    ["read reads usage (a, b)", "read reads users (a)"],
  ],
  [
    "a text and its parameters, handed on whole, and through a runner of the tree",
    'def build(x): return "DELETE FROM usage WHERE b = ?", (x,)\ndef run(conn, sql, *params): return conn.execute(sql, params)\ndef a(conn): conn.execute(*build(1))\ndef b(conn):\n    sql, params = build(1)\n    run(conn, sql, *params)\n',
    ["a deletes usage", "b deletes usage"],
  ],
  [
    "of what is unpacked only the one that is run",
    'def read(conn):\n    sql, other = "SELECT a FROM usage", "SELECT a FROM users"\n    return conn.execute(sql)\ndef pair(): return "SELECT a FROM usage", "SELECT b FROM users"\ndef second(conn):\n    _, sql = pair()\n    return conn.execute(sql)\n',
    ["read reads usage (a)", "second reads users (b)"],
  ],
  [
    "sqlite3",
    'def save(conn):\n    conn.execute("INSERT INTO usage (a, b) VALUES (?, ?)", (1, 2))\n',
    ["save inserts usage (a, b)"],
  ],
  [
    "a module's constant",
    'READ = """\nSELECT a\nFROM usage\n"""\ndef read(cur):\n    cur.execute(READ)\n',
    ["read reads usage (a)"],
  ],
  [
    "an f-string",
    "def read(cur, ids):\n    cur.execute(f\"SELECT a FROM usage WHERE id IN ({','.join(ids)})\")\n",
    ["read reads usage (a, id)"],
  ],
  [
    "percent marks",
    'def read(cur):\n    cur.execute("SELECT a FROM usage WHERE b = %s AND c = %(c)s", x)\n',
    ["read reads usage (a, b, c)"],
  ],
  [
    "format with a name",
    'TABLE = "usage"\ndef read(cur):\n    cur.execute("SELECT a FROM {} WHERE b = 1".format(TABLE))\n',
    ["read reads usage (a, b)"],
  ],
  [
    "format with an unknown name",
    'def read(cur, t):\n    cur.execute("SELECT a FROM %s" % t)\n',
    ["read reads ? (a)"],
  ],
  [
    "adjacent texts",
    'def read(cur):\n    cur.execute("SELECT a "\n        "FROM usage")\n',
    ["read reads usage (a)"],
  ],
  [
    "SQLAlchemy text",
    'from sqlalchemy import text\ndef read(session):\n    session.execute(text("SELECT a FROM usage WHERE b = :b"), {"b": 1})\n',
    ["read reads usage (a, b)"],
  ],
  [
    "a text() constant belongs to the function that runs it",
    'from sqlalchemy import text\nQ = text("DELETE FROM usage")\ndef purge(session):\n    session.execute(Q)\n',
    ["purge deletes usage"],
  ],
  [
    "a class constant",
    'class Repo:\n    SQL = "SELECT a FROM usage"\n    def read(self):\n        return self.db.execute(self.SQL)\n',
    ["read reads usage (a)"],
  ],
  ["a docstring is no access", 'def f():\n    """SELECT a FROM usage"""\n', []],
  [
    "a log line is no access",
    'def f():\n    logger.info("DELETE FROM usage WHERE a = %s", 1)\n    raise ValueError("INSERT INTO usage VALUES (1)")\n',
    [],
  ],
  [
    "a nested function belongs to the outer one",
    'def outer(conn):\n    def inner():\n        conn.execute("UPDATE usage SET a = 1")\n    inner()\n',
    ["outer updates usage (a)"],
  ],
  [
    "conditions that are collected in a list",
    'def f(conn):\n    where = []\n    where.append("id IN (SELECT x_id FROM y)")\n    conn.execute("SELECT a FROM x WHERE " + " AND ".join(where))\n',
    ["f reads y (x_id)", "f reads x (a, id)"],
  ],
];

const GO: [name: string, source: string, expected: string[]][] = [
  [
    "database/sql",
    'func Save(db *sql.DB) { db.Exec("INSERT INTO usage (a) VALUES ($1)", 1) }',
    ["Save inserts usage (a)"],
  ],
  [
    "a context first",
    "func Read(ctx context.Context, db *sql.DB) { db.QueryContext(ctx, `SELECT a\nFROM usage`) }",
    ["Read reads usage (a)"],
  ],
  [
    "a constant",
    'const q = "DELETE FROM usage"\nfunc (r *Repo) Purge() { r.db.Exec(q) }',
    ["Purge deletes usage"],
  ],
  [
    "Sprintf",
    'func Read(db *sql.DB) { db.Query(fmt.Sprintf("SELECT a FROM %s WHERE b = %d", "usage", 1)) }',
    ["Read reads usage (a, b)"],
  ],
  [
    "sqlx with a target first",
    'func Read(db *sqlx.DB) { db.Select(&rows, "SELECT a FROM usage") }',
    ["Read reads usage (a)"],
  ],
  [
    "a prepared statement",
    'func Read(db *sql.DB) { stmt, err := db.Prepare("SELECT a FROM usage"); stmt.Query(1) }',
    ["Read reads usage (a)"],
  ],
  [
    "an error is no access",
    'func F() error { log.Printf("DELETE FROM usage"); return fmt.Errorf("INSERT INTO usage (a) VALUES (1)") }',
    [],
  ],
  [
    "conditions that are collected in a list",
    'func F(db *sql.DB) { where := []string{"a = 1"}; where = append(where, "id IN (SELECT x_id FROM y)"); db.Query("SELECT a FROM x WHERE " + strings.Join(where, " AND ")) }',
    ["F reads y (x_id)", "F reads x (a, id)"],
  ],
  [
    "a text that is formatted under its own name",
    'func F(db *sql.DB) { q := "SELECT a FROM x WHERE %s"; q = fmt.Sprintf(q, "b = 1"); db.Query(q) }',
    ["F reads x (a, b)"],
  ],
];

describe("SQL in code", () => {
  test.each(JS)("JavaScript: %s", async (_, source, expected) => {
    expect(accessLines(await factsFrom({ "a.js": source }))).toEqual(expected);
  });
  test.each(PY)("Python: %s", async (_, source, expected) => {
    expect(accessLines(await factsFrom({ "a.py": source }))).toEqual(expected);
  });
  test.each(GO)("Go: %s", async (_, source, expected) => {
    expect(accessLines(await factsFrom({ "a.go": `package a\n${source}\n` }))).toEqual(expected);
  });

  test("a name that is given a value over and over is read in time that grows with its length", async () => {
    const steps = Array.from(
      { length: 60 },
      (_, i) => `    if c > ${i}:\n        stmt = stmt.filter(a.b(stmt).c(stmt))`,
    );
    const source = `def f(db, c):\n    stmt = make()\n${steps.join("\n")}\n    return db.execute("SELECT a FROM x")\n`;
    expect(accessLines(await factsFrom({ "a.py": source }))).toEqual(["f reads x (a)"]);
  });

  test("a constant of another module: the function that runs it, and where the text stands", async () => {
    const facts = await factsFrom({
      "sql.ts": "export const SAVE = `\n  INSERT INTO usage (tokens_in)\n  VALUES (0)`;\n",
      "index.ts": 'export * from "./sql";\n',
      "repo.ts":
        'import { SAVE as Q } from "./index.js";\n\nexport function save(db: Database) {\n  db.exec(Q);\n}\n',
    });
    expect(facts.access).toMatchObject([
      {
        function: "save",
        file: "repo.ts",
        line: 4,
        sql_file: "sql.ts",
        sql_line: 2,
        table_name: "usage",
        certainty: "sql",
      },
    ]);
    expect(facts.literals).toMatchObject([
      { file: "sql.ts", line: 3, table_name: "usage", column_name: "tokens_in", value: "0" },
    ]);
  });
});
