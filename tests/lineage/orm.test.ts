import { describe, expect, test } from "vitest";
import { accessLines, factsFrom, type SourceTree } from "../kit/code.ts";

const PRISMA =
  'model UsageRecord {\n  id String @id\n  inputTokens Int @map("input_tokens")\n  user User @relation(fields: [userId], references: [id])\n  userId String\n  @@map("usage_records")\n}\nmodel User {\n  id String @id\n  name String\n}\n';
const DRIZZLE =
  'import { sqliteTable, text, integer } from "drizzle-orm/sqlite-core";\nexport const usage = sqliteTable("usage_records", { id: text("id").primaryKey(), inTokens: integer("input_tokens").notNull() });\nexport const users = sqliteTable("users", { id: text("id") });\n';
const ALCHEMY =
  'from sqlalchemy.orm import declarative_base\nfrom sqlalchemy import Column, Integer, String\nBase = declarative_base()\nclass Usage(Base):\n    __tablename__ = "usage_records"\n    id = Column(Integer, primary_key=True)\n    tokens = Column("token_count", Integer)\nclass User(Base):\n    __tablename__ = "users"\n    id = Column(Integer)\n';
const DJANGO =
  'from django.db import models\nclass Usage(models.Model):\n    tokens = models.IntegerField()\n    user = models.ForeignKey("User", on_delete=models.CASCADE)\nclass Key(models.Model):\n    class Meta:\n        db_table = "api_keys"\n';
const GORM =
  'package m\nimport "gorm.io/gorm"\ntype UsageRecord struct {\n\tgorm.Model\n\tTokens int `gorm:"column:token_count"`\n}\ntype Key struct {\n\tID int `gorm:"primaryKey"`\n}\nfunc (Key) TableName() string { return "api_keys" }\n';

const CASES: [name: string, tree: SourceTree, expected: string[]][] = [
  [
    "prisma reads and writes the mapped table",
    {
      "schema.prisma": PRISMA,
      "a.ts":
        "export const save = (n) => prisma.usageRecord.create({ data: { inputTokens: n } });\nexport async function read() { return this.prisma.user.findMany({ select: { name: true } }); }",
    },
    ["save inserts usage_records (input_tokens)", "read reads User (name)"],
  ],
  [
    "prisma in a transaction",
    {
      "schema.prisma": PRISMA,
      "a.ts":
        "export async function save() { await prisma.$transaction(async (tx) => { await tx.user.upsert({ where: {}, create: { name: 1 }, update: {} }); }); }",
    },
    ["save upserts User (name)"],
  ],
  [
    "prisma's raw SQL",
    {
      "schema.prisma": PRISMA,
      "a.ts": "export async function read() { return prisma.$queryRaw`SELECT id FROM usage_records`; }",
    },
    ["read reads usage_records (id)"],
  ],
  [
    "prisma from Python",
    {
      "schema.prisma": PRISMA,
      "a.py": "async def save(db):\n    await db.usagerecord.create(data={'inputTokens': 1})\n",
    },
    ["save inserts usage_records (input_tokens)"],
  ],
  [
    "drizzle",
    {
      "schema.ts": DRIZZLE,
      "a.ts":
        'import { usage, users } from "./schema";\nexport async function save(db) { await db.insert(usage).values({ inTokens: 1 }); }\nexport const read = () => db.select().from(usage).leftJoin(users, eq(1, 2));\nexport const purge = () => db.delete(usage).where(x);',
    },
    [
      "save inserts usage_records (input_tokens)",
      "read reads usage_records",
      "read reads users",
      "purge deletes usage_records",
    ],
  ],
  [
    "drizzle under a namespace, upsert, relational query",
    {
      "schema.ts": DRIZZLE,
      "a.ts":
        'import * as s from "./schema";\nexport const save = () => db.insert(s.usage).values({ id: 1 }).onConflictDoUpdate({});\nexport const read = () => db.query.users.findMany();',
    },
    ["save upserts usage_records (id)", "read reads users"],
  ],
  [
    "drizzle: relations that a query loads, in both ways of declaring them",
    {
      "schema.ts":
        'import { sqliteTable, text } from "drizzle-orm/sqlite-core";\nimport { relations, defineRelations } from "drizzle-orm";\nexport const users = sqliteTable("app_users", { id: text("id") });\nexport const posts = sqliteTable("posts", { id: text("id") });\nexport const comments = sqliteTable("comments", { id: text("id") });\nexport const userRelations = relations(users, ({ many }) => ({ posts: many(posts) }));\nexport const postRelations = relations(posts, ({ one, many }) => ({ author: one(users, { fields: [posts.id] }), comments: many(comments) }));\nexport const more = defineRelations({ comments }, (r) => ({ comments: { post: r.one.posts({ from: r.comments.id }) } }));',
      "a.ts":
        'import { db } from "./db";\nconst nested = { posts: { with: { comments: true } } };\nexport function f() { return db.query.users.findMany({ with: nested }); }\nexport function g() { return db.query.comments.findFirst({ with: { post: { columns: { id: true }, with: { author: false } }, other: true } }); }',
    },
    ["f reads app_users", "f reads posts", "f reads comments", "g reads comments", "g reads posts"],
  ],
  [
    "drizzle's sql with a table in it",
    {
      "schema.ts": DRIZZLE,
      "a.ts":
        'import { usage } from "./schema";\nexport const read = () => db.all(sql`SELECT id FROM ${usage} WHERE id = ${x}`);',
    },
    ["read reads usage_records (id)"],
  ],
  [
    "knex",
    {
      "a.js":
        'const knex = require("knex")({});\nfunction save(x) { return knex("usage").insert({ a: 1, b: x }); }\nfunction read() { return knex.select("a").from("usage as u").leftJoin("users", "u.id", "users.id"); }\nfunction purge() { return knex("usage").where({ a: 1 }).del(); }\nfunction merge() { return knex("usage").insert({ a: 1 }).onConflict("a").merge(); }',
    },
    [
      "save inserts usage (a, b)",
      "read reads usage",
      "read reads users",
      "purge deletes usage",
      "merge upserts usage (a)",
    ],
  ],
  [
    "knex, kept in a name",
    {
      "a.js":
        'const knex = require("knex")({});\nasync function read(f) { const q = knex("usage").where({ a: 1 }); if (f) q.orderBy("a"); return await q; }',
    },
    ["read reads usage"],
  ],
  [
    "knex, held by an object, before its table, in batches, in subqueries and beside names of queries",
    {
      "a.js":
        'const knex = require("knex")({});\nclass S { read() { return this.knex("usage").where({ a: 1 }).first(); }\n list() { return this.db.select("a").from("usage").whereIn("id", function () { this.select("id").from("users"); }); } }\nfunction many(rows) { return knex.batchInsert("usage", rows); }\nfunction tree(app) { return app.models.knex.withRecursive("up", (qb) => { qb.select("a").from("folders").union((sub) => sub.select("a").from("folders").join("up", "x", "y")); }).select("*").from("up"); }\nfunction other(store) { store.items("usage").first(); Buffer.from("usage"); list.map(function () { this.select("a").from("usage"); }); }',
    },
    [
      "read reads usage",
      "list reads usage (a)",
      "list reads users (id)",
      "many inserts usage",
      "tree reads folders (a)",
    ],
  ],
  [
    "Objection: queries of classes, of rows and of relations, graphs and joins",
    {
      "models/tags.js":
        'const { Model } = require("objection");\nmodule.exports = class Tag extends Model { static get tableName() { return "tags"; } };',
      "models/pages.js":
        'const { Model } = require("objection");\nmodule.exports = class Page extends Model {\n static get tableName() { return "pages"; }\n static get relationMappings() { return { tags: { relation: Model.ManyToManyRelation, modelClass: require("./tags"), join: { from: "pages.id", through: { from: "pageTags.pageId", to: "pageTags.tagId" }, to: "tags.id" } }, parent: { relation: Model.BelongsToOneRelation, modelClass: Page, join: { from: "pages.parentId", to: "pages.id" } } }; }\n static latest() { return this.query().orderBy("id").first(); }\n touch() { return this.$query().patch({ a: 1 }); } };',
      "a.js":
        'const Page = require("./models/pages");\nasync function classes() { await Page.query().insert({ a: 1 }); await Page.query().findById(1).patch({ a: 2 }); await Page.query().deleteById(1); }\nasync function rows() { const page = await Page.query().findById(1); await page.$query().delete(); }\nasync function related(x) { const page = await Page.query().findOne({ a: 1 }); await page.$relatedQuery("tags").relate(2); await page.$relatedQuery("tags").unrelate(); await x.$relatedQuery("tags"); await x.$relatedQuery("nothing"); }\nfunction graph() { return Page.query().withGraphFetched("[parent.[tags(short) as t], other]"); }\nfunction joined() { return Page.query().join("users", "a", "b").joinRelated({ tags: true }); }\nfunction held(app, pool) { pool.query("x"); app.items.pages.query(); return app.models.tags.query().where("a", 1); }',
    },
    [
      "classes inserts pages",
      "classes updates pages",
      "classes deletes pages",
      "rows reads pages",
      "rows deletes pages",
      "related reads pages",
      "related inserts pageTags",
      "related deletes pageTags",
      "related reads tags",
      "related reads pageTags",
      "graph reads pages",
      "graph reads tags",
      "graph reads pageTags",
      "joined reads pages",
      "joined reads users",
      "joined reads tags",
      "joined reads pageTags",
      "held reads tags",
      "latest reads pages",
      "touch updates pages",
    ],
  ],
  [
    "a call that only looks like knex",
    {
      "a.js":
        'const knex = require("knex")({});\nfunction f() { $("table").first(); db("x"); app("usage").start(); }',
    },
    [],
  ],
  [
    "Kysely",
    {
      "a.ts":
        'import { Kysely } from "kysely";\nexport const read = (db: Kysely<DB>) => db.selectFrom("usage as u").innerJoin("users", "users.id", "u.id").select(["u.a"]).execute();\nexport const save = (db) => db.insertInto("usage").values({ a: 1 }).execute();\nexport const up = (db) => db.updateTable("usage").set({ a: 2 }).execute();',
    },
    ["read reads usage", "read reads users", "save inserts usage (a)", "up updates usage (a)"],
  ],
  [
    "TypeORM repositories",
    {
      "user.ts":
        'import { Entity, Column } from "typeorm";\n@Entity("app_users")\nexport class User { @Column({ name: "full_name" }) name: string; }\n@Entity()\nexport class UsageRecord { @Column() tokens: number; }',
      "a.ts":
        'import { User, UsageRecord } from "./user";\nexport class S { constructor(@InjectRepository(User) private users: Repository<User>, private ds: DataSource) {}\n read() { return this.users.find({ where: {} }); }\n save() { return this.ds.getRepository(UsageRecord).insert({ tokens: 1 }); }\n q() { return this.users.createQueryBuilder("u").delete().where("x").execute(); } }',
    },
    ["read reads app_users", "save inserts usage_record (tokens)", "q deletes app_users"],
  ],
  [
    "TypeORM: joins and loads by relation read the table at the other end",
    {
      "m.ts":
        'import { Entity, Column, ManyToOne } from "typeorm";\n@Entity()\nexport class Role { @Column() name: string; }\n@Entity()\nexport class Org { @Column() name: string; }\n@Entity()\nexport class User { @Column() name: string; @ManyToOne(() => Role) role: Role; @ManyToOne((type) => Org) org: Org; }',
      "a.ts":
        'import { Org, User } from "./m";\nexport const joined = (q) => q.manager.createQueryBuilder(User, "u").innerJoinAndSelect("u.role", "r").where("u.id = 1").getOne();\nexport const loaded = (q) => q.manager.find(User, { relations: { org: true } });\nexport const listed = (q) => q.getRepository(User).find({ relations: ["role"] });\nexport const filtered = (q) => q.manager.findBy(User, { name: "x", org: { name: "y" } });\nexport async function chosen(q, ds) { const repo = q ? q.manager.getRepository(Org) : ds.getRepository(Org); return repo.insert({ name: 1 }); }',
    },
    [
      "joined reads role",
      "joined reads user",
      "loaded reads org",
      "loaded reads user",
      "listed reads role",
      "listed reads user",
      "filtered reads org",
      "filtered reads user",
      "chosen inserts org (name)",
    ],
  ],
  [
    "Sequelize",
    {
      "m.js":
        'const { Sequelize, DataTypes, Model } = require("sequelize");\nconst sequelize = new Sequelize("x");\nconst User = sequelize.define("User", { name: DataTypes.STRING });\nclass Usage extends Model {}\nUsage.init({ inTokens: DataTypes.INTEGER }, { sequelize, tableName: "usage", underscored: true });\nmodule.exports = { User, Usage };',
      "a.js":
        'const { User, Usage } = require("./m");\nfunction read() { return User.findAll(); }\nfunction save() { return Usage.create({ inTokens: 1 }); }',
    },
    ["read reads Users", "save inserts usage (in_tokens)"],
  ],
  [
    "SQLAlchemy: objects that a query gave are changed, also through a result and by setattr",
    {
      "m.py": ALCHEMY,
      "a.py":
        'from sqlalchemy import select\nfrom m import Usage, User\nasync def change(session):\n    result = await session.execute(select(Usage))\n    row = result.scalars().first()\n    row.tokens = 2\n    await session.commit()\nasync def put(session):\n    user = await session.get(User, 1)\n    setattr(user, "id", 3)\n    await session.commit()\n',
    },
    [
      "change reads usage_records",
      "change updates usage_records (token_count)",
      "put reads users",
      "put updates users (id)",
    ],
  ],
  [
    "SQLAlchemy: objects collected in a list, also by another function",
    {
      "m.py": ALCHEMY,
      "a.py":
        "from m import Usage\ndef made(ids):\n    rows = []\n    for i in ids:\n        rows.append(Usage(id=i))\n    return rows\ndef save(session, ids):\n    session.add_all(made(ids))\n",
    },
    ["save inserts usage_records (id)"],
  ],
  [
    "SQLAlchemy: a subquery that another function builds",
    {
      "m.py": ALCHEMY,
      "a.py":
        "from sqlalchemy import select\nfrom m import Usage, User\ndef active(ids):\n    return select(User.id).where(User.id.in_(ids)).subquery()\ndef read(session, ids):\n    users = active(ids)\n    return session.execute(select(users))\n",
    },
    ["active reads users (id)", "read reads users (id)"],
  ],
  [
    "SQLAlchemy: names for tables that are declared elsewhere",
    {
      "a.py":
        'import sqlalchemy as sa\nfrom alembic import op\nusers = sa.table("users", sa.column("id"), sa.column("name"))\ndef upgrade():\n    conn = op.get_bind()\n    conn.execute(sa.select(users.c.id))\n    conn.execute(sa.update(users).values(name="x"))\n    kept = op.create_table("kept", sa.Column("id"))\n    op.bulk_insert(kept, [{"id": 1}])\n',
    },
    ["upgrade reads users (id)", "upgrade updates users (name)", "upgrade inserts kept (id)"],
  ],
  [
    "SQLAlchemy ORM",
    {
      "m.py": ALCHEMY,
      "a.py":
        "from m import Usage, User\ndef read(session):\n    return session.query(Usage).filter(Usage.tokens > 1).all()\ndef save(session):\n    session.add(Usage(tokens=1))\n    session.commit()\ndef kept(session):\n    row = Usage(tokens=1)\n    session.add(row)\ndef purge(session):\n    session.query(Usage).filter_by(id=1).delete()\n",
    },
    [
      "read reads usage_records",
      "save inserts usage_records (token_count)",
      "kept inserts usage_records (token_count)",
      "purge deletes usage_records",
    ],
  ],
  [
    "SQLAlchemy core",
    {
      "m.py": ALCHEMY,
      "a.py":
        'from sqlalchemy import select, insert, update, func\nfrom m import Usage, User\nasync def read(s):\n    r = await s.execute(select(Usage.tokens, func.count(User.id)).join(User))\nasync def save(s):\n    await s.execute(insert(Usage).values(tokens=1))\nasync def up(s):\n    await s.execute(update(User).values({"id": 2}))\n',
    },
    [
      "read reads usage_records (token_count)",
      "read reads users (id)",
      "save inserts usage_records (token_count)",
      "up updates users (id)",
    ],
  ],
  [
    "an attribute set on what a query gave, and committed",
    {
      "m.py": ALCHEMY,
      "a.py":
        "from m import Usage\ndef up(session):\n    row = session.query(Usage).first()\n    row.tokens = 5\n    session.commit()\ndef not_stored(session):\n    row = session.query(Usage).first()\n    row.tokens = 5\n",
    },
    ["up reads usage_records", "up updates usage_records (token_count)", "not_stored reads usage_records"],
  ],
  [
    "Django",
    {
      "shop/__init__.py": "",
      "shop/models.py": DJANGO,
      "shop/views.py":
        'from .models import Usage, Key\ndef read(request):\n    return Usage.objects.filter(tokens=1).first()\ndef save(request):\n    Key.objects.create(name="x")\ndef one(request):\n    u = Usage(tokens=1)\n    u.save()\ndef gone(request):\n    Key.objects.filter(id=1).delete()\n',
    },
    [
      "read reads shop_usage",
      "save inserts api_keys (name)",
      "one inserts shop_usage",
      "gone deletes api_keys",
    ],
  ],
  [
    "GORM",
    {
      "m.go": GORM,
      "a.go":
        'package m\nfunc Read(db *gorm.DB) { var rows []UsageRecord; db.Where("a = ?", 1).Find(&rows) }\nfunc Save(db *gorm.DB, k *Key) { db.Create(k) }\nfunc Up(db *gorm.DB) { db.Model(&UsageRecord{}).Where("id = 1").Updates(map[string]interface{}{"token_count": 1}) }\nfunc Gone(db *gorm.DB) { db.Delete(&Key{}, 1) }\nfunc T(db *gorm.DB) { db.Table("other").Count(&n) }',
    },
    [
      "Read reads usage_records",
      "Save inserts api_keys",
      "Up updates usage_records (token_count)",
      "Gone deletes api_keys",
      "T reads other",
    ],
  ],
];

const TABLES: [name: string, tree: SourceTree, expected: string[]][] = [
  [
    "prisma",
    { "schema.prisma": PRISMA },
    ["schema usage_records = UsageRecord (id, input_tokens, userId)", "schema User = User (id, name)"],
  ],
  [
    "drizzle",
    { "schema.ts": DRIZZLE },
    ["schema usage_records = usage (id, input_tokens)", "schema users = users (id)"],
  ],
  [
    "SQLAlchemy",
    { "m.py": ALCHEMY },
    ["orm usage_records = Usage (id, token_count)", "orm users = User (id)"],
  ],
  [
    "Django",
    { "shop/models.py": DJANGO },
    ["orm shop_usage = Usage (tokens, user_id)", "orm api_keys = Key ()"],
  ],
  [
    "GORM",
    { "m.go": GORM },
    [
      "orm usage_records = UsageRecord (id, created_at, updated_at, deleted_at, token_count)",
      "orm api_keys = Key (id)",
    ],
  ],
  [
    "a plain schema object",
    {
      "schema.js":
        'export const TABLES = { usageRecords: { columns: { id: "TEXT PRIMARY KEY", cost: "REAL DEFAULT 0" } } };',
    },
    ["schema usageRecords = usageRecords (id, cost)"],
  ],
  [
    "SQL files, migrations and ALTER",
    {
      "db/schema.sql": "CREATE TABLE a (x INT);",
      "migrations/002_b.sql": "CREATE TABLE b (y INT);\nALTER TABLE a ADD COLUMN z INT;",
    },
    ["ddl a = a (x)", "migration b = b (y)", "migration a = a (z)"],
  ],
  [
    "migrations by calls: Alembic",
    {
      "migrations/versions/1_a.py":
        'from alembic import op\nimport sqlalchemy as sa\ndef upgrade():\n    op.create_table("usage", sa.Column("id", sa.Text()), sa.Column("cost", sa.Float()))\n    with op.batch_alter_table("usage") as batch:\n        batch.add_column(sa.Column("model", sa.Text()))\n    op.rename_table("old", "new")\ndef downgrade():\n    op.drop_table("usage")\n',
    },
    ["migration usage = usage (id, cost)", "migration usage = usage (model)", "migration new = new ()"],
  ],
  [
    "migrations by calls: Django",
    {
      "shop/migrations/0001_initial.py":
        'from django.db import migrations, models\nclass Migration(migrations.Migration):\n    operations = [migrations.CreateModel(name="Order", fields=[("id", models.AutoField()), ("user", models.ForeignKey("x"))]), migrations.CreateModel(name="Key", fields=[("id", models.AutoField())], options={"db_table": "api_keys"})]\n',
    },
    ["migration shop_order = shop_order (id, user_id)", "migration api_keys = api_keys (id)"],
  ],
  [
    "migrations by calls: knex",
    {
      "migrations/1.js":
        'const knex = require("knex");\nexports.up = async (db) => { await db.schema.createTable("usage", (t) => { t.increments("id").primary(); t.string("model").notNullable(); t.index("model"); t.timestamps(); }); await db.schema.alterTable("usage", (t) => { t.decimal("cost"); t.dropColumn("model"); }); };\nexports.down = (db) => db.schema.dropTable("usage");',
    },
    ["migration usage = usage (id, model, created_at, updated_at)", "migration usage = usage (cost)"],
  ],
  [
    "migrations by calls: Kysely",
    {
      "migrations/1.ts":
        'import { Kysely } from "kysely";\nexport async function up(db: Kysely<any>) { await db.schema.createTable("usage").ifNotExists().addColumn("id", "integer", (c) => c.primaryKey()).addColumn("cost", "real").execute(); }',
    },
    ["migration usage = usage (id, cost)"],
  ],
  [
    "migrations by calls: Sequelize",
    {
      "package.json": "{}",
      "migrations/1.js":
        'const { DataTypes } = require("sequelize");\nmodule.exports = { async up(queryInterface) { await queryInterface.createTable("Usage", { id: DataTypes.INTEGER, cost: { type: DataTypes.FLOAT } }); await queryInterface.addColumn("Usage", "model", DataTypes.STRING); } };',
    },
    ["migration Usage = Usage (id, cost)", "migration Usage = Usage (model)"],
  ],
  [
    "migrations by calls: TypeORM",
    {
      "migration/1.ts":
        'import { MigrationInterface, QueryRunner, Table, TableColumn } from "typeorm";\nexport class A implements MigrationInterface { async up(queryRunner: QueryRunner) { await queryRunner.createTable(new Table({ name: "usage", columns: [{ name: "id", type: "int" }, { name: "cost", type: "real" }] })); await queryRunner.addColumn("usage", new TableColumn({ name: "model", type: "text" })); } }',
    },
    ["migration usage = usage (id, cost)", "migration usage = usage (model)"],
  ],
  [
    "a statement that no parser reads still names its columns; what takes a migration back declares no end",
    {
      "migrations/1.up.sql":
        "CREATE TYPE kind AS ENUM ('a');\nCREATE TABLE a (id INT);\nALTER TABLE a ADD COLUMN x kind DEFAULT 'a' NOT %% NULL, ADD COLUMN y int;",
      "migrations/1.down.sql": "DROP TABLE a;\nCREATE TABLE gone (z INT);",
    },
    ["migration a = a (id)", "migration a = a (x, y)"],
  ],
];

describe("builders and ORMs", () => {
  test.each(CASES)("%s", async (_, tree, expected) => {
    expect(accessLines(await factsFrom(tree))).toEqual(expected);
  });
});

describe("tables that code declares", () => {
  test.each(TABLES)("%s", async (_, tree, expected) => {
    const { tables } = await factsFrom(tree);
    expect(tables.map((t) => `${t.how} ${t.name} = ${t.declared_as} (${t.columns.join(", ")})`)).toEqual(
      expected,
    );
  });
});
