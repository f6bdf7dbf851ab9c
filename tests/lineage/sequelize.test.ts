import { describe, expect, test } from "vitest";
import { accessLines, factsFrom, type SourceTree } from "../kit/code.ts";

/** Models as classes with decorators, associated, on a base class without a table. */
const DECORATED = `
import { Table, Column, Model, HasMany, BelongsTo, BelongsToMany, DefaultScope, Scopes } from "sequelize-typescript";
export class Base extends Model {
  static createFor(ctx, values) { return this.create(values, ctx); }
  saveFor(ctx) { return this.save(ctx); }
  static async inBatches(query, callback) { const rows = await this.findAll(query); await callback(rows); }
}
@Table({ tableName: "teams", modelName: "team" })
export class Team extends Base { @Column name: string; @HasMany(() => User) users: User[]; }
@DefaultScope(() => ({ include: [{ model: Team, as: "team" }] }))
@Scopes(() => ({
  withPosts: { include: ["posts"] },
  maybe: (id) => { if (!id) { return {}; } return { include: [{ association: "posts" }] }; },
}))
@Table({ tableName: "users", modelName: "user" })
export class User extends Base {
  @Column name: string;
  @Column({ field: "login_count" }) logins: number;
  @BelongsTo(() => Team, "teamId") team: Team;
  @HasMany(() => Post, "userId") posts: Post[];
  static byName(name: string) { return this.scope("withPosts").findOne({ where: { name } }); }
  static withMaybe(id) { return this.scope(["defaultScope", { method: ["maybe", id] }]); }
  rename(name: string) { this.name = name; return this.save(); }
}
@Table({ tableName: "posts", modelName: "post" })
export class Post extends Base {
  @Column title: string;
  @BelongsToMany(() => Tag, "post_tags", "postId", "tagId") tags: Tag[];
  static async findByPk(id, options = {}) { if (!id) return null; return this.unscoped().findOne({ ...options, include: ["tags"] }); }
}
@Table({ tableName: "tags", modelName: "tag" })
export class Tag extends Base { @Column label: string; }
`;

/** What functions do that import the decorated models. */
const decorated = (code: string): SourceTree => ({
  "models.ts": DECORATED,
  "a.ts": `import { Base, Post, Tag, Team, User } from "./models";\n${code}`,
});

const CORE = `
const { Sequelize, DataTypes, Model } = require("sequelize");
const sequelize = new Sequelize("x");
const User = sequelize.define("User", { name: DataTypes.STRING });
class Usage extends Model {}
Usage.init({ inTokens: DataTypes.INTEGER }, { sequelize, tableName: "usage", underscored: true });
User.hasMany(Usage, { as: "usages" });
Usage.belongsTo(User);
const Groups = User.belongsToMany(sequelize.define("Group", {}), { through: "memberships" });
User.addScope("busy", { include: [{ model: Usage, as: "usages" }] });
module.exports = { User, Usage, Groups, sequelize };
`;

const core = (code: string): SourceTree => ({
  "m.js": CORE,
  "a.js": `const { User, Usage, Groups, sequelize } = require("./m");\n${code}`,
});

/** Only what `a.*` does. */
async function lines(tree: SourceTree): Promise<string[]> {
  const facts = await factsFrom(tree);
  return accessLines({ ...facts, access: facts.access.filter((row) => /(^|\/)a\.[jt]s$/.test(row.file)) });
}

const CASES: [name: string, tree: SourceTree, expected: string[]][] = [
  [
    "rows that finders give, alone, in loops, in callbacks and in parts of results",
    core(
      'async function one() { const u = await User.findByPk(1); await u.destroy(); }\nasync function many() { for (const u of await User.findAll()) await u.save(); }\nasync function each() { const rows = await User.findAll(); await Promise.all(rows.filter((u) => u.name).map((u) => u.update({ name: "x" }))); }\nasync function page() { const { rows, count } = await User.findAndCountAll(); rows[0].reload(); count.save(); }\nasync function pair() { const [u, made] = await User.findOrCreate({ where: { name: "x" } }); await u.increment("logins"); made.save(); }\nasync function both() { const [u, , g] = await Promise.all([User.findOne(), 1, Usage.findOne()]); await g.destroy(); }\nfunction then() { return User.findOne().then((u) => u.restore()); }',
    ),
    [
      "one reads Users",
      "one deletes Users",
      "many reads Users",
      "many updates Users",
      "each reads Users",
      "each updates Users (name)",
      "page reads Users",
      "pair reads Users",
      "pair inserts Users (name)",
      "pair updates Users (logins)",
      "both reads Users",
      "both reads usage",
      "both deletes usage",
      "then reads Users",
      "then updates Users",
    ],
  ],
  [
    "what is built is inserted; a name given rows of two models says nothing",
    core(
      'async function make() { const u = User.build({ name: "x" }); await u.save(); const g = new Usage({ inTokens: 1 }); await g.save(); }\nasync function either(x) { let row = await User.findOne(); if (x) { row = await Usage.findOne(); } await row.save(); }',
    ),
    ["make inserts Users", "make inserts usage", "either reads Users", "either reads usage"],
  ],
  [
    "methods of other things of the same names",
    core(
      "async function f(cache, form) { const m = new Map(); m.set(1, 2); cache.update({ a: 1 }); form.save(); const users = (await User.findAll()).map((u) => u.name); users.find((u) => u); users.includes(1); hash.update(users).count(); store.increment(); }",
    ),
    ["f reads Users"],
  ],
  [
    "statements of classes: bulk methods, upserts, counts, findOrCreate",
    core(
      'const bulk = (rows) => User.bulkCreate([{ name: "a" }]);\nconst merge = (rows) => User.bulkCreate(rows, { updateOnDuplicate: ["name"] });\nconst put = () => Usage.upsert({ inTokens: 1 });\nconst total = () => Usage.sum("inTokens");\nconst wipe = () => Usage.truncate();\nconst up = () => Usage.increment({ inTokens: 1 }, { where: {} });',
    ),
    [
      "bulk inserts Users (name)",
      "merge upserts Users",
      "put upserts usage (in_tokens)",
      "total reads usage",
      "wipe deletes usage",
      "up updates usage (in_tokens)",
    ],
  ],
  [
    "scopes, schemas and transactions",
    core(
      'const a = () => User.unscoped().findAll();\nconst b = () => User.schema("x").count();\nconst c = () => User.scope("busy").findAll();\nconst d = () => sequelize.transaction(async (t) => { await Usage.create({ inTokens: 1 }, { transaction: t }); });',
    ),
    ["a reads Users", "b reads Users", "c reads Users", "c reads usage", "d inserts usage (in_tokens)"],
  ],
  [
    "include: models, names, associations, all, nested, conditional, and tables between",
    core(
      'const a = () => User.findAll({ include: [Usage] });\nconst b = () => Usage.findAll({ include: [{ model: User, include: ["usages"] }] });\nconst c = () => User.findAll({ include: [{ association: Groups }] });\nconst d = () => Usage.findAll({ include: { all: true } });\nconst e = (x) => User.findByPk(1, { include: [...(x ? [{ model: Usage, as: "usages" }] : [])] });\nconst f = () => User.findAll({ include: "nothing" });',
    ),
    [
      "a reads Users",
      "a reads usage",
      "b reads usage",
      "b reads Users",
      "c reads Users",
      "c reads Groups",
      "c reads memberships",
      "d reads usage",
      "d reads Users",
      "e reads Users",
      "e reads usage",
      "f reads Users",
    ],
  ],
  [
    "methods of associations",
    core(
      "async function f(id) { const u = await User.findByPk(id); await u.getUsages(); await u.createUsage({}); await u.countUsages(); await u.setGroups([]); await u.removeGroup(1); u.getName(); u.addListener(1); }\nasync function g() { const x = await Usage.findOne(); const owner = await x.getUser(); await owner.save(); await x.setUser(owner); }",
    ),
    [
      "f reads Users",
      "f reads usage",
      "f inserts usage",
      "f deletes memberships",
      "f inserts memberships",
      "f reads memberships",
      "g reads usage",
      "g reads Users",
      "g updates Users",
      "g updates usage",
    ],
  ],
  [
    "models that are collected at run time are known by their one name",
    {
      "models/user.js":
        'module.exports = (sequelize, DataTypes) => { const User = sequelize.define("User", { name: DataTypes.STRING }, { tableName: "app_users" }); User.associate = (models) => { User.hasMany(models.Post, { as: "posts" }); }; return User; };',
      "models/post.js":
        '"use strict";\nconst { Model } = require("sequelize");\nmodule.exports = (sequelize, DataTypes) => { class Post extends Model { static associate(models) { this.belongsTo(models.User, { as: "author" }); } }\n Post.init({ title: DataTypes.STRING }, { sequelize, modelName: "Post" }); return Post; };',
      "models/index.js":
        'const Sequelize = require("sequelize");\nconst sequelize = new Sequelize("x", { define: { underscored: true } });\nconst db = {};\nfor (const file of files) { const model = require(file)(sequelize, Sequelize.DataTypes); db[model.name] = model; }\nmodule.exports = db;',
      "a.js":
        'const { User } = require("./models");\nconst db = require("./models");\nconst read = () => User.findAll({ include: ["posts"] });\nasync function write() { const p = await db.Post.findOne({ include: [{ model: db.User, as: "author" }] }); await p.author.update({ name: "x" }); }\nconst other = (ctx) => ctx.post.update({ title: 1 });',
    },
    [
      "read reads app_users",
      "read reads posts",
      "write reads app_users",
      "write reads posts",
      "write updates app_users (name)",
    ],
  ],
  [
    "decorators: default scopes, named scopes, scopes by method, and what takes them away",
    decorated(
      'export const a = () => User.findAll();\nexport const b = () => User.unscoped().findAll();\nexport const c = () => User.scope("withPosts").findAll();\nexport const d = () => User.scope({ method: ["maybe", 1] }).findAll();\nexport const e = () => User.withMaybe(1).count();\nexport const f = () => Team.findAll({ include: [User] });\nexport const g = () => Team.findAll({ include: [{ model: User.unscoped(), as: "users" }] });',
    ),
    [
      "a reads users",
      "a reads teams",
      "b reads users",
      "c reads users",
      "c reads posts",
      "d reads users",
      "d reads posts",
      "e reads users",
      "e reads teams",
      "e reads posts",
      "f reads teams",
      "f reads users",
      "g reads teams",
      "g reads users",
    ],
  ],
  [
    "decorators: parameters of a model's type, loaded relations, $get and its like",
    decorated(
      'import type { Team as T } from "./models";\nexport const a = (user: User) => user.destroy();\nexport const b = (team: T | null) => team.save();\nexport const c = (rows: User[]) => rows.forEach((row) => row.reload());\nexport const d = (x: User | Team) => x.save();\nexport const e = (x: typeof User) => x.count();\nexport async function f(post: Post) { await post.$get("tags"); await post.$add("tag", 1); await post.$get("other"); }\nexport async function g(user: User) { await user.team.update({ name: "x" }); for (const post of user.posts) await post.destroy(); }',
    ),
    [
      "a deletes users",
      "b upserts teams",
      "c reads users",
      "e reads users",
      "e reads teams",
      "f reads post_tags",
      "f reads tags",
      "f inserts post_tags",
      "g updates teams (name)",
      "g deletes posts",
    ],
  ],
  [
    "a method of a base class without a table is told where a model calls it; one of a model's own is its own",
    decorated(
      'export async function a(ctx) { const tag = await Tag.createFor(ctx, { label: "x" }); await tag.saveFor(ctx); }\nexport const b = (ctx) => User.build({ name: "x" }).saveFor(ctx);\nexport async function c() { await Tag.inBatches({}, async (tags) => { for (const tag of tags) await tag.destroy(); }); }\nexport const d = () => Team.inBatches({ include: [User] }, async () => {});\nexport async function e() { const user = await User.byName("x"); await user.rename("y"); await user.destroy(); }\nexport const f = (ctx) => Base.createFor(ctx, {});',
    ),
    [
      "a inserts tags",
      "a updates tags",
      "b inserts users",
      "c reads tags",
      "c deletes tags",
      "d reads teams",
      "d reads users",
      "e deletes users",
    ],
  ],
  [
    "a method in place of one of Sequelize's does at the caller what it does in every case",
    decorated("export const a = () => Post.findByPk(1);"),
    ["a reads post_tags", "a reads posts", "a reads tags"],
  ],
  [
    "NestJS: an injected class of a model",
    decorated(
      "export class S { constructor(private readonly users: typeof User, private tags: ModelStatic<Tag>) {}\n all() { return this.users.unscoped().findAll(); }\n add() { return this.tags.create({ label: 1 }); } }",
    ),
    ["all reads users", "add inserts tags (label)"],
  ],
  [
    "SQL with replacements, and seeds by the query interface",
    core(
      'const { QueryTypes } = require("sequelize");\nconst a = (id) => sequelize.query("SELECT name FROM usage WHERE id = :id", { replacements: { id }, type: QueryTypes.SELECT });\nmodule.exports = { async up(queryInterface) { await queryInterface.bulkInsert("Users", [{ name: "x" }]); await queryInterface.bulkDelete({ tableName: "usage", schema: "s" }); } };',
    ),
    ["a reads usage (name, id)", "up inserts Users (name)", "up deletes usage"],
  ],
];

describe("Sequelize", () => {
  test.each(CASES)("%s", async (_, tree, expected) => {
    const given = await lines(tree);
    expect([...given].sort()).toEqual([...expected].sort());
  });

  test("methods of models tell their own table; those of a base class tell that one is unknown", async () => {
    const { access } = await factsFrom({ "models.ts": DECORATED });
    expect(access.map((row) => `${row.function} ${row.operation} ${row.table_name}`)).toEqual([
      "createFor insert null",
      "saveFor upsert null",
      "inBatches select null",
      "byName select users",
      "byName select posts",
      "rename upsert users",
      "findByPk select posts",
      "findByPk select tags",
      "findByPk select post_tags",
    ]);
  });

  test("tables are named as Sequelize names them", async () => {
    const { tables } = await factsFrom({
      "m.js":
        'const { Sequelize, DataTypes, Model } = require("sequelize");\nconst s = new Sequelize("x", { define: { freezeTableName: true, underscored: true } });\ns.define("LogLine", { sentAt: DataTypes.DATE });\ncustomElements.define("a-b", Button);',
      "n.ts":
        'import { Table, Column, Model } from "sequelize-typescript";\n@Table({ modelName: "child", freezeTableName: false })\nclass Kid extends Model { @Column({ field: "full_name" }) name: string; }',
    });
    expect(tables.map((one) => `${one.name} = ${one.declared_as} (${one.columns.join(", ")})`)).toEqual([
      "LogLine = LogLine (sent_at)",
      "children = Kid (full_name)",
    ]);
  });
});
