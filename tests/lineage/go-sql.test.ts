/** SQL of Go programs that stands away from the call which runs it: in fields, variables, files. */

import { describe, expect, test } from "vitest";
import { accessLines, callLines, factsFrom, type SourceTree } from "../kit/code.ts";

const STORE = "type Store struct { db *sql.DB; table string; insert string; list string; stmt *sql.Stmt }\n";

const ONE_FILE: [name: string, source: string, expected: string[]][] = [
  [
    "a text in a field that the constructor's literal fills",
    `${STORE}func New(db *sql.DB) *Store { return &Store{db: db, list: fmt.Sprintf(listFmt, "usage")} }\nconst listFmt = "SELECT a FROM %s"\nfunc (s *Store) List() { s.db.Query(s.list) }`,
    ["List reads usage (a)"],
  ],
  [
    "a literal without keys",
    `type S struct { db *sql.DB; list string }\nfunc New(db *sql.DB) S { return S{db, "SELECT a FROM usage"} }\nfunc (s S) List() { s.db.Query(s.list) }`,
    ["List reads usage (a)"],
  ],
  [
    "a field that is bound anew and given another dialect's text by a struct which embeds it",
    `${STORE}type Postgres struct { Store }\nfunc New() Store { return Store{insert: "REPLACE INTO usage (a) VALUES (?)", list: "SELECT a FROM usage WHERE b = ?"} }\nfunc NewPostgres() (p *Postgres, err error) { s := New(); p = &Postgres{Store: s}; p.insert = "INSERT INTO usage (a) VALUES ($1) ON CONFLICT (a) DO UPDATE SET a = 1"; p.list = p.db.Rebind(p.list); return p, nil }\nfunc (s *Store) Save() { s.db.Exec(s.insert) }\nfunc (s *Store) List() { s.db.Query(s.list) }`,
    ["Save upserts usage (a)", "Save upserts usage (a)", "List reads usage (a, b)"],
  ],
  [
    "a field of the same name in another struct says nothing",
    `${STORE}type Other struct { list string }\nfunc F() { o := Other{list: "SELECT a FROM other"} }\nfunc (s *Store) List() { s.db.Query(s.list) }`,
    [],
  ],
  [
    "a table's name in a field that two constructors fill: both",
    `${STORE}func A() *Store { return &Store{table: "x"} }\nfunc B() *Store { s := &Store{}; s.table = "y"; return s }\nfunc (s *Store) List() { s.db.Query("SELECT a FROM " + s.table) }\nfunc (s *Store) Drop() { s.db.Exec(fmt.Sprintf("DELETE FROM %[1]s WHERE %[1]s.a = 1", s.table)) }`,
    ["List reads x (a)", "List reads y (a)", "Drop deletes x", "Drop deletes y"],
  ],
  [
    "a field that only run time fills is a name that nobody knows",
    `${STORE}func A(name string) *Store { return &Store{table: name} }\nfunc (s *Store) List() { s.db.Query("SELECT a FROM " + s.table) }`,
    ["List reads ? (a)"],
  ],
  [
    "a variable that a switch gives one of several texts: each is run, and what replaces all of them alone",
    `${STORE}func (s *Store) End(kind int) { var query string; switch kind { case 1: query = s.list; case 2: query = "DELETE FROM b" }\n s.db.Exec(query)\n query = "DELETE FROM c"\n s.db.Exec(query) }\nfunc New() *Store { return &Store{list: "DELETE FROM a"} }`,
    ["End deletes b", "End deletes a", "End deletes c"],
  ],
  [
    "a receiver that is a call, a context first",
    'func (p *P) F(ctx context.Context) { p.conn(ctx).ExecContext(ctx, "DELETE FROM usage"); p.conn(ctx).MustExecContext(ctx, "DELETE FROM k") }',
    ["F deletes usage", "F deletes k"],
  ],
  [
    "a text that is bound anew runs where it is given to the database",
    'func F(db *sqlx.DB) { q, args, err := sqlx.In("SELECT a FROM usage WHERE a IN (?)", ids); db.Select(&rows, db.Rebind(q), args...) }\nfunc G(db *sqlx.DB) { q, args, err := sqlx.Named("DELETE FROM usage WHERE a = :a", x); db.Exec(q, args...) }',
    ["F reads usage (a)", "G deletes usage"],
  ],
  [
    "rows that an insert returns are written",
    'func F(db *sqlx.DB) { db.GetContext(ctx, &id, "INSERT INTO usage (a) VALUES ($1) RETURNING id", 1) }',
    ["F inserts usage (a)"],
  ],
  [
    "a statement that is prepared with a context into a field, run as it is and in a transaction",
    `${STORE}func New(ctx context.Context, db *sql.DB) (s *Store, err error) { s = &Store{}; if s.stmt, err = db.PrepareContext(ctx, insert); err != nil { return nil, err }; return s, nil }\nvar insert = "INSERT INTO usage (a) VALUES (?)"\nfunc (s *Store) Save(tx *sql.Tx) { s.stmt.ExecContext(ctx, 1) }\nfunc (s *Store) Batch(tx *sql.Tx) { tx.StmtContext(ctx, s.stmt).Exec(1) }`,
    ["Save inserts usage (a)", "Batch inserts usage (a)"],
  ],
  [
    "texts of a list of structs, whose type the elements leave out",
    'type step struct { name, sql string }\nvar steps = []step{{name: "one", sql: "DELETE FROM a"}, {name: "UPDATE x SET y", sql: "DELETE FROM b"}}\nfunc F(db *sql.DB) { for _, s := range steps { db.Exec(s.sql) } }',
    ["F deletes a", "F deletes b"],
  ],
  [
    "a map of queries",
    'var queries = map[string]string{"list": "SELECT a FROM usage"}\nfunc F(db *sql.DB) { db.Query(queries["list"]) }',
    ["F reads usage (a)"],
  ],
  [
    "a text that bytes were made of, with a part replaced",
    'func F(db *sql.DB) { q := []byte("SELECT a FROM usage WHERE %c"); db.Query(strings.ReplaceAll(string(q), "%c", cond)) }',
    ["F reads usage (a)"],
  ],
  [
    "a script that opens a transaction; a sentence that begins is none",
    'func F(db *sql.DB) { db.Exec("BEGIN; CREATE TABLE n (a); INSERT INTO n (a) SELECT a FROM o; COMMIT;"); db.Exec("Begin; then update your set") }',
    ["F inserts n (a)", "F reads o (a)"],
  ],
  [
    "what is given to a function with a type argument",
    'func F(db *sql.DB) { rows := load[User](db.Query("SELECT a FROM usage")) }',
    ["F reads usage (a)"],
  ],
];

const TREES: [name: string, files: SourceTree, expected: string[]][] = [
  [
    "an embedded file, as text, as bytes and out of a folder; not one that is no SQL",
    {
      "store/store.go":
        'package store\nimport "embed"\n//go:embed list.sql\nvar list string\n\nvar (\n\t//go:embed sql/save.sql\n\tsave []byte\n\tother string\n)\n\n//go:embed sql/*.sql\nvar files embed.FS\n//go:embed notes.txt\nvar notes string\nfunc List(db *sql.DB) { db.Query(list) }\nfunc Save(db *sql.DB) { db.Exec(string(save)) }\nfunc Drop(db *sql.DB) { b, err := files.ReadFile("sql/drop.sql"); db.Exec(string(b)) }\nfunc None(db *sql.DB) { db.Exec(other); db.Exec(notes) }\n',
      "store/list.sql": "-- all\nSELECT a FROM usage;\n",
      "store/sql/save.sql": "INSERT INTO usage (a) VALUES (1);\n",
      "store/sql/drop.sql": "DELETE FROM usage;\n",
      "store/notes.txt": "SELECT a FROM notes;\n",
    },
    ["List reads usage (a)", "Save inserts usage (a)", "Drop deletes usage"],
  ],
  [
    "queries with names that goyesql puts into the fields of a struct",
    {
      "q.go":
        'package a\nimport goyesql "github.com/knadh/goyesql/v2"\ntype Q struct {\n\tList *sqlx.Stmt `query:"list-usage"`\n\tSearch string `query:"search"`\n\tForm *sqlx.Stmt `form:"list-usage"`\n}\ntype Core struct { q *Q; db *sqlx.DB }\nfunc (c *Core) A() { c.q.List.Select(&out) }\nfunc (c *Core) B() { c.db.Query(fmt.Sprintf(c.q.Search, "a = 1")) }\nfunc (c *Core) C() { c.q.Form.Select(&out) }\nfunc D(db *sqlx.DB, queries goyesql.Queries) { db.Exec(queries["drop"].Query) }\n',
      "sql/usage.sql":
        "-- name: list-usage\n-- all of it\nSELECT a FROM usage;\n\n-- name: search\nSELECT a FROM usage WHERE %s;\n--name: drop\nDELETE FROM usage;\n",
    },
    ["A reads usage (a)", "B reads usage (a)", "D deletes usage"],
  ],
  [
    "queries that dotsql runs by their names; the first argument is no name",
    {
      "q.go":
        'package a\nimport "github.com/qustavo/dotsql"\nfunc A(db *sql.DB) { dot, err := dotsql.LoadFromFile("q.sql"); dot.Exec(db, "save", 1); cache.Get("save"); dot.Query(db, "gone") }\n',
      "q.sql": "-- name: save\nINSERT INTO usage (a) VALUES (?);\n",
    },
    ["A inserts usage (a)"],
  ],
  [
    "comments with names are no queries where no library reads them",
    {
      "q.go": 'package a\nfunc A(db *sql.DB) { dot.Exec(db, "save", 1) }\n',
      "q.sql": "-- name: save\nINSERT INTO usage (a) VALUES (?);\n",
    },
    [],
  ],
  [
    "a text in the field of a struct of another package",
    {
      "go.mod": "module example.com/app\n",
      "queries/q.go":
        'package queries\ntype Set struct { List string }\nfunc New() *Set { return &Set{List: "SELECT a FROM usage"} }\n',
      "main.go":
        'package main\nimport "example.com/app/queries"\ntype App struct { q *queries.Set }\nfunc (a *App) F(db *sql.DB) { db.Query(a.q.List) }\n',
    },
    ["F reads usage (a)"],
  ],
];

describe("SQL in Go", () => {
  test.each(ONE_FILE)("%s", async (_, source, expected) => {
    expect(accessLines(await factsFrom({ "a.go": `package a\n${source}\n` }))).toEqual(expected);
  });
  test.each(TREES)("%s", async (_, files, expected) => {
    expect(accessLines(await factsFrom(files))).toEqual(expected);
  });

  test("an embedded file is where its text stands", async () => {
    const facts = await factsFrom({
      "a.go": "package a\n\n//go:embed q.sql\nvar q string\nfunc F(db *sql.DB) {\n\tdb.Exec(q)\n}\n",
      "q.sql": "\nDELETE FROM usage;\n",
    });
    expect(facts.access).toMatchObject([{ file: "a.go", line: 6, sql_file: "q.sql", sql_line: 2 }]);
  });

  test("methods of what a literal makes, and functions with a type argument, are called", async () => {
    const facts = await factsFrom({
      "a.go":
        "package a\ntype S struct{}\nfunc (s *S) Run() {}\nfunc load[T any](x T) {}\nfunc F() { s := &S{}; s.Run(); load[int](1) }\n",
    });
    expect(callLines(facts)).toEqual(["F -call-> S.Run", "F -call-> load"]);
  });
});
