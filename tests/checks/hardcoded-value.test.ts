import { describe, expect, test } from "vitest";
import { auditCode, type SourceTree } from "../kit/code.ts";

describe("hardcoded-value", () => {
  test("`0 as tokens_in` in a constant that another module runs: at the literal, with the entries that reach it", async () => {
    const { findings } = await auditCode("hardcoded-value", {
      "app/queries.py":
        'CREATE_ROOT_TRACES_SQL = """\nINSERT INTO traces\nSELECT\n    id,\n    0 as tokens_in,\n    0 as tokens_out\nFROM sessions\nWHERE parent_id IS NULL\n"""\n',
      "app/sync.py":
        'from .queries import CREATE_ROOT_TRACES_SQL\n\ndef create_roots(conn):\n    conn.execute(CREATE_ROOT_TRACES_SQL)\n\n@app.post("/sync")\ndef sync():\n    create_roots(db)\n',
    });
    expect(findings).toMatchObject([
      {
        severity: "error",
        location: { input: "src", table: "traces", column: "tokens_in", file: "app/queries.py", line: 5 },
        evidence: { entries: ["POST /sync"] },
      },
      { location: { column: "tokens_out", line: 6 } },
    ]);
    expect(findings[0]?.message).toContain("create_roots");
  });

  const FIRES: [name: string, tree: SourceTree, column: string][] = [
    [
      "a constant among placeholders",
      { "a.js": 'db.run("INSERT INTO usage (id, cost) VALUES (?, 0)", 1);' },
      "cost",
    ],
    [
      "the same constant in every tuple",
      { "a.js": 'db.run("INSERT INTO usage (id, inputTokens) VALUES (1, NULL), (2, NULL)");' },
      "inputTokens",
    ],
    ["a plain SELECT", { "a.js": 'db.all("SELECT id, 0 AS prompt_tokens FROM runs");' }, "prompt_tokens"],
    [
      "CREATE TABLE AS",
      { "a.py": 'con.execute("CREATE TABLE t AS SELECT id, 0 AS total_tokens FROM runs")' },
      "total_tokens",
    ],
    [
      "a call that succeeded beside one that failed",
      {
        "a.js":
          "function record(db, ok) {\n  if (ok)\n    db.run(\"INSERT INTO usage (id, status, tokens_in) VALUES (?, 'success', 0)\", 1);\n  else\n    db.run(\"INSERT INTO usage (id, status, tokens_in) VALUES (?, 'failed', 0)\", 1);\n}\n",
      },
      "tokens_in",
    ],
    [
      "a call that is only begun and never counted",
      { "a.js": "db.run(\"INSERT INTO usage (id, status, tokens_in) VALUES (?, 'running', 0)\", 1);" },
      "tokens_in",
    ],
    [
      "an error's column that is always empty",
      {
        "a.js":
          'function ok(db) { db.run("INSERT INTO usage (id, error, tokens_in) VALUES (?, NULL, 0)", 1); }\nfunction other(db) { db.run("INSERT INTO usage (id, tokens_in) VALUES (?, ?)", 1, 2); }\n',
      },
      "tokens_in",
    ],
  ];
  test.each(FIRES)("fires: %s", async (_, tree, column) => {
    expect((await auditCode("hardcoded-value", tree)).findings.map((f) => f.location?.column)).toEqual([
      column,
    ]);
  });

  const DRIZZLE =
    'import { sqliteTable, integer } from "drizzle-orm/sqlite-core";\nexport const usage = sqliteTable("usage", { id: integer("id"), tokensIn: integer("tokens_in") });\n';
  const PRISMA = 'model Usage {\n  id Int @id\n  tokensIn Int @map("tokens_in")\n  @@map("usage")\n}\n';
  const ALCHEMY =
    'from sqlalchemy import Column, Integer\nfrom sqlalchemy.orm import declarative_base\nBase = declarative_base()\nclass Usage(Base):\n    __tablename__ = "usage"\n    id = Column(Integer, primary_key=True)\n    tokens_in = Column(Integer, default=0)\n';
  const DJANGO =
    "from django.db import models\nclass Usage(models.Model):\n    tokens_in = models.IntegerField(default=0)\n    class Meta:\n        db_table = 'usage'\n";
  const GORM =
    'package main\nimport "gorm.io/gorm"\ntype Usage struct {\n\tID int `gorm:"primaryKey"`\n\tTokensIn int\n}\nfunc (Usage) TableName() string { return "usage" }\n';
  const KNEX = 'const db = require("knex")({});\n';
  const KYSELY = 'import { Kysely } from "kysely";\n';
  const SEQUELIZE =
    'const { DataTypes } = require("sequelize");\nconst Usage = sequelize.define("usage", { tokensIn: { type: DataTypes.INTEGER, field: "tokens_in" } }, { tableName: "usage" });\n';
  const TYPEORM =
    'import { Entity, Column, getRepository } from "typeorm";\n@Entity("usage")\nclass Usage {\n  @Column({ name: "tokens_in" }) tokensIn: number;\n}\n';

  const BUILT: [name: string, tree: SourceTree, line: number][] = [
    ["knex", { "a.js": `${KNEX}function save(id) { return db("usage").insert({ id, tokens_in: 0 }); }` }, 2],
    [
      "knex, an object under a name",
      {
        "a.js": `${KNEX}function save(id) {\n  const row = {\n    id,\n    tokens_in: null,\n  };\n  return db("usage").insert(row);\n}`,
      },
      5,
    ],
    [
      "knex, every row of a list, behind a spread",
      {
        "a.js": `${KNEX}function save(a) { return db("usage").insert([{ ...a, tokens_in: 0 }, { tokens_in: 0, id: 2 }]); }`,
      },
      2,
    ],
    [
      "Kysely",
      {
        "a.ts": `${KYSELY}export const save = (db: Kysely<any>) =>\n  db.insertInto("usage").values({ id: 1, tokens_in: 0 }).execute();`,
      },
      3,
    ],
    [
      "drizzle",
      {
        "a.ts": `${DRIZZLE}export async function save(db) {\n  await db.insert(usage).values({ id: 1, tokensIn: 0 });\n}`,
      },
      4,
    ],
    [
      "Prisma",
      {
        "schema.prisma": PRISMA,
        "a.ts":
          "export async function save(prisma) {\n  await prisma.usage.create({ data: { id: 1, tokensIn: 0 } });\n}",
      },
      2,
    ],
    [
      "Sequelize",
      { "a.js": `${SEQUELIZE}async function save() {\n  await Usage.create({ tokensIn: 0 });\n}` },
      4,
    ],
    [
      "TypeORM",
      {
        "a.ts": `${TYPEORM}export async function save() {\n  await getRepository(Usage).insert({ tokensIn: 0 });\n}`,
      },
      7,
    ],
    [
      "SQLAlchemy, an object",
      { "a.py": `${ALCHEMY}def save(session):\n    session.add(Usage(id=1, tokens_in=0))\n` },
      9,
    ],
    [
      "SQLAlchemy, an object under a name",
      { "a.py": `${ALCHEMY}def save(session):\n    row = Usage(tokens_in=0)\n    session.add(row)\n` },
      9,
    ],
    [
      "SQLAlchemy, insert().values()",
      {
        "a.py": `${ALCHEMY}from sqlalchemy import insert\ndef save(session):\n    session.execute(insert(Usage).values(tokens_in=0))\n`,
      },
      10,
    ],
    ["Django", { "a.py": `${DJANGO}def save():\n    Usage.objects.create(tokens_in=0)\n` }, 7],
    ["GORM", { "a.go": `${GORM}func save(db *gorm.DB) {\n\tdb.Create(&Usage{ID: 1, TokensIn: 0})\n}\n` }, 9],
    [
      "GORM, an object under a name",
      { "a.go": `${GORM}func save(db *gorm.DB) {\n\tu := Usage{TokensIn: 0}\n\tdb.Create(&u)\n}\n` },
      9,
    ],
  ];
  test.each(BUILT)("fires at the value: %s", async (_, tree, line) => {
    const { findings } = await auditCode("hardcoded-value", tree);
    expect(
      findings.map(({ location, severity }) => [severity, location?.table, location?.column, location?.line]),
    ).toEqual([["error", "usage", "tokens_in", line]]);
  });

  const BUILT_SILENT: [name: string, tree: SourceTree][] = [
    ["a value", { "a.js": `${KNEX}function save(n) { return db("usage").insert({ tokens_in: n ?? 0 }); }` }],
    [
      "a spread behind the value",
      { "a.js": `${KNEX}function save(row) { return db("usage").insert({ tokens_in: 0, ...row }); }` },
    ],
    [
      "one row of several",
      {
        "a.js": `${KNEX}function save() { return db("usage").insert([{ tokens_in: 0 }, { tokens_in: 5 }]); }`,
      },
    ],
    [
      "an object that is filled before it is stored",
      {
        "a.js": `${KNEX}function save(n) {\n  const row = { tokens_in: 0 };\n  row.tokens_in += n;\n  return db("usage").insert(row);\n}`,
      },
    ],
    [
      "a row that a builder updates later",
      {
        "a.js": `${KNEX}function save() { return db("usage").insert({ tokens_in: 0 }); }\nfunction done(n) { return db("usage").where({ id: 1 }).update({ tokens_in: n }); }`,
      },
    ],
    [
      "a counter that is incremented",
      {
        "a.js": `${KNEX}function save() { return db("usage").insert({ tokens_in: 0 }); }\nfunction add(n) { return db("usage").increment("tokens_in", n); }`,
      },
    ],
    [
      "a row that SQL updates later, in another spelling",
      {
        "a.js": `${KNEX}function save() { return db("usage").insert({ tokensIn: 0 }); }`,
        "b.js": 'function done(n) { pool.query("UPDATE usage SET tokens_in = ? WHERE id = 1", [n]); }',
      },
    ],
    [
      "a table that is updated by what only run time knows",
      {
        "a.js": `${KNEX}function save() { return db("usage").insert({ tokens_in: 0 }); }\nfunction patch(p) { return db("usage").update({ ...p, state: 1 }); }`,
      },
    ],
    [
      "an upsert that adds to what is there",
      {
        "a.js": `${KNEX}function save(n) { return db("usage").insert({ id: 1, tokens_in: 0 }).onConflict("id").merge(); }`,
      },
    ],
    [
      "drizzle, set later",
      {
        "a.ts": `${DRIZZLE}export async function save(db, n) {\n  await db.insert(usage).values({ tokensIn: 0 });\n  await db.update(usage).set({ tokensIn: n });\n}`,
      },
    ],
    [
      "Prisma, incremented by an upsert",
      {
        "schema.prisma": PRISMA,
        "a.ts":
          "export async function save(prisma, n) {\n  await prisma.usage.create({ data: { tokensIn: 0 } });\n  await prisma.usage.upsert({ where: { id: 1 }, create: { id: 1 }, update: { tokensIn: { increment: n } } });\n}",
      },
    ],
    [
      "Sequelize, set on the object that was made",
      {
        "a.js": `${SEQUELIZE}async function save(n) {\n  const row = await Usage.create({ tokensIn: 0 });\n  await row.update({ tokensIn: n });\n}`,
      },
    ],
    [
      "TypeORM, an entity that is saved again",
      {
        "a.ts": `${TYPEORM}export async function save(entity) {\n  await getRepository(Usage).insert({ tokensIn: 0 });\n  await getRepository(Usage).save(entity);\n}`,
      },
    ],
    [
      "SQLAlchemy, set on an object",
      {
        "a.py": `${ALCHEMY}def save(session, n):\n    row = Usage(tokens_in=0)\n    session.add(row)\n    row.tokens_in = n\n`,
      },
    ],
    [
      "SQLAlchemy, attributes by name",
      {
        "a.py": `${ALCHEMY}def save(session):\n    session.add(Usage(tokens_in=0))\ndef patch(row, data):\n    for key, value in data.items():\n        setattr(row, key, value)\n`,
      },
    ],
    ["SQLAlchemy, a column's default", { "a.py": ALCHEMY }],
    [
      "Django, what is looked for",
      { "a.py": `${DJANGO}def save():\n    Usage.objects.get_or_create(tokens_in=0)\n` },
    ],
    [
      "Django, set on the object",
      {
        "a.py": `${DJANGO}def save(n):\n    row = Usage.objects.create(tokens_in=0)\n    row.tokens_in += n\n    row.save()\n`,
      },
    ],
    [
      "GORM, set on the object",
      {
        "a.go": `${GORM}func save(db *gorm.DB, n int) {\n\tu := Usage{TokensIn: 0}\n\tu.TokensIn = n\n\tdb.Create(&u)\n}\n`,
      },
    ],
    [
      "GORM, saved again",
      {
        "a.go": `${GORM}func save(db *gorm.DB, u *Usage) {\n\tdb.Create(&Usage{TokensIn: 0})\n\tdb.Save(u)\n}\n`,
      },
    ],
    [
      "ids, limits and a test",
      {
        "a.js": `${KNEX}function save() { return db("usage").insert({ id: 0, parent_id: null, max_tokens: 0 }); }`,
        "a.test.js": `${KNEX}test("x", () => db("usage").insert({ tokens_in: 0 }));`,
      },
    ],
  ];
  test.each(BUILT_SILENT)("silent: %s", async (_, tree) => {
    expect((await auditCode("hardcoded-value", tree)).findings).toEqual([]);
  });

  const SILENT: [name: string, tree: SourceTree][] = [
    ["a column default", { "a.js": 'db.exec("CREATE TABLE usage (id INT, tokens_in INT DEFAULT 0)");' }],
    [
      "an aggregate",
      {
        "a.js":
          'db.run("INSERT INTO traces (id, tokens_in) SELECT id, COALESCE(SUM(t), 0) FROM m GROUP BY id");',
      },
    ],
    [
      "a row that starts at 0 and is updated later",
      {
        "a.js": 'db.run("INSERT INTO runs (id, tokens_in) VALUES (?, 0)", 1);',
        "b.js": 'function done(n) { db.run("UPDATE runs SET tokens_in = ? WHERE id = ?", n, 1); }',
      },
    ],
    [
      "a counter that the conflict clause adds to",
      {
        "a.js":
          'db.run("INSERT INTO daily (day, tokens_in) VALUES (?, 0) ON CONFLICT (day) DO UPDATE SET tokens_in = tokens_in + ?");',
      },
    ],
    ["one tuple of several", { "a.js": 'db.run("INSERT INTO usage (id, cost) VALUES (1, 0), (2, 5)");' }],
    [
      "ids, parents, depths, limits and secrets",
      {
        "a.js":
          'db.run("INSERT INTO t (id, parent_id, depth, max_tokens, access_token, token_limit) VALUES (0, NULL, 0, 0, NULL, 0)");',
      },
    ],
    ["a reset", { "a.js": 'db.run("UPDATE quota SET tokens_used = 0 WHERE id = ?", 1);' }],
    [
      "a time that is not known yet",
      { "a.js": 'db.run("INSERT INTO jobs (id, completed_at) VALUES (?, NULL)", 1);' },
    ],
    [
      "a call that failed, by its state in SQL",
      { "a.js": "db.run(\"INSERT INTO usage (id, status, tokens_in) VALUES (?, 'failed', 0)\", 1);" },
    ],
    [
      "a call that failed, by its state in an object",
      {
        "a.py":
          `${ALCHEMY}def save(session):\n    session.add(Usage(id=1, tokens_in=0, status="error"))\n`.replace(
            "    tokens_in",
            "    status = Column(Integer)\n    tokens_in",
          ),
      },
    ],
    [
      "a call that failed, by a flag",
      { "a.js": 'db.run("INSERT INTO usage (id, success, tokens_in) VALUES (?, FALSE, 0)", 1);' },
    ],
    [
      "a call that failed, by the name of its function",
      {
        "a.js":
          'function recordFailure(db) { db.run("INSERT INTO usage (id, tokens_in) VALUES (?, 0)", 1); }',
      },
    ],
    [
      "an error is stored, and another statement stores what was measured",
      {
        "a.js":
          'function a(db) { db.run("INSERT INTO usage (id, error, tokens_in) VALUES (?, ?, 0)", 1, e); }\nfunction b(db) { db.run("INSERT INTO usage (id, tokens_in) VALUES (?, ?)", 1, 2); }\n',
      },
    ],
    ["seeds", { "prisma/seed.js": 'db.run("INSERT INTO usage (id, cost) VALUES (1, 0)");' }],
    [
      "what a migration fills in",
      { "migrations/2.js": 'db.run("INSERT INTO usage_new (id, cost) SELECT id, 0 FROM usage");' },
    ],
    [
      "a part that is no constant in another form of the statement",
      {
        "a.js":
          'function costOf(team) { return team ? "SUM(cost)" : "0"; }\nfunction f(db, team) { return db.all(`SELECT id, ${costOf(team)} AS cost FROM usage GROUP BY id`); }\n',
      },
    ],
    ["a test", { "a.test.js": 'db.run("INSERT INTO usage (id, cost) VALUES (1, 0)");' }],
  ];
  test.each(SILENT)("silent: %s", async (_, tree) => {
    expect((await auditCode("hardcoded-value", tree)).findings).toEqual([]);
  });
});
