import { describe, expect, test } from "vitest";
import { accessLines, factsFrom, type SourceTree } from "../kit/code.ts";

const SCHEMA = `model User {
  id      String   @id
  name    String
  meta    Json     @default("{}") // a brace, and a comment
  site    String   @default("https://example.org")
  tags    String[]
  posts   Post[]
  profile Profile?
  @@map("users")
}
model Profile {
  id     String @id
  user   User   @relation(fields: [userId], references: [id])
  userId String
}
model Post {
  id       String    @id
  title    String
  author   User      @relation(fields: [authorId], references: [id])
  authorId String
  comments Comment[]
}
model Comment {
  id     String @id
  post   Post   @relation(fields: [postId], references: [id])
  postId String
}
`;

/** A function of a module that has a client. */
const typescript = (body: string, more: SourceTree = {}): SourceTree => ({
  "schema.prisma": SCHEMA,
  "a.ts": `import { PrismaClient, Prisma } from "@prisma/client";\nconst prisma = new PrismaClient();\n${body}\n`,
  ...more,
});
const python = (body: string, more: SourceTree = {}): SourceTree => ({
  "schema.prisma": SCHEMA,
  "a.py": `from typing import cast\nfrom prisma import Prisma\ndb = Prisma()\n${body}\n`,
  ...more,
});

const RELATIONS: [name: string, tree: SourceTree, expected: string[]][] = [
  [
    "include reads the related tables, to any depth; what is switched off is not read",
    typescript(
      "export const f = () => prisma.user.findMany({ include: { posts: { include: { comments: true } }, profile: false } });",
    ),
    ["f reads users", "f reads Post", "f reads Comment"],
  ],
  [
    "select of a relation, and its count",
    typescript(
      "export const f = () => prisma.user.findMany({ select: { name: true, profile: { select: { id: true } }, _count: { select: { posts: true } } } });",
    ),
    ["f reads users (name)", "f reads Profile", "f reads Post"],
  ],
  [
    "a count of all relations counts lists only",
    typescript("export const f = () => prisma.user.findMany({ include: { _count: true } });"),
    ["f reads users", "f reads Post"],
  ],
  [
    "an aggregate's own count reads no other table",
    typescript("export const f = () => prisma.user.aggregate({ _count: true });"),
    ["f reads users"],
  ],
  [
    "filters and orders over relations",
    typescript(
      'export const f = () => prisma.post.findMany({ where: { OR: [{ author: { name: "x" } }] }, orderBy: { comments: { _count: "desc" } } });',
    ),
    ["f reads Post", "f reads users", "f reads Comment"],
  ],
  [
    "an include in a name, in a spread, and in a validator",
    typescript(
      "const include = { posts: true };\nconst args = { include: { profile: true } };\nconst comments = Prisma.validator<Prisma.PostInclude>()({ comments: true });\nexport const f = () => prisma.user.findFirst({ include });\nexport const g = () => prisma.user.findFirst({ ...args, where: {} });\nexport const h = () => prisma.post.findFirst({ include: comments });",
    ),
    ["f reads users", "f reads Post", "g reads users", "g reads Profile", "h reads Post", "h reads Comment"],
  ],
  [
    "nested writes write the related tables; connecting only sets a key",
    typescript(
      'export const f = () => prisma.user.create({ data: { name: "a", posts: { create: [{ title: "b", comments: { create: {} } }] }, profile: { connect: { id: "c" } } } });\nexport const g = () => prisma.post.update({ where: {}, data: { author: { connectOrCreate: { where: {}, create: { name: "d" } } }, comments: { deleteMany: {} } } });',
    ),
    [
      "f inserts users (name)",
      "f inserts Post (title)",
      "f inserts Comment",
      "g updates Post",
      "g inserts users (name)",
      "g deletes Comment",
    ],
  ],
  [
    "both sides of an upsert",
    typescript(
      "export const f = () => prisma.user.upsert({ where: {}, create: { posts: { create: {} } }, update: { profile: { update: {} } } });",
    ),
    ["f upserts users", "f inserts Post", "f updates Profile"],
  ],
  [
    "the fluent interface",
    typescript("export const f = () => prisma.user.findUnique({ where: {} }).posts({ where: {} });"),
    ["f reads Post", "f reads users"],
  ],
  [
    "Python: include, and a nested write in an upsert",
    python(
      'async def f(): return await db.user.find_many(include={"posts": True})\nasync def g(): return await db.user.upsert(where={}, data={"create": {"posts": {"create": {"title": "x"}}}, "update": {}})',
    ),
    ["f reads users", "f reads Post", "g upserts users", "g inserts Post (title)"],
  ],
  [
    "a schema of several files",
    {
      "prisma/user.prisma": "model User {\n  id Int @id\n  posts Post[]\n}\n",
      "prisma/post.prisma":
        'model Post {\n  id Int @id\n  user User @relation(fields: [userId], references: [id])\n  userId Int\n  @@map("posts")\n}\n',
      "a.ts": "export const f = (db) => db.user.findMany({ include: { posts: true } });",
    },
    ["f reads User", "f reads posts"],
  ],
];

const TABLE_VALUES: [name: string, tree: SourceTree, expected: string[]][] = [
  [
    "a table in a name, unpacked, chosen, and in a loop",
    typescript(
      "export const f = () => { const { user } = prisma; return user.count(); };\nexport const g = (x) => { const t = x ? prisma.user : prisma.post; return t.findMany(); };\nexport const h = async () => { for (const t of [prisma.post, prisma.comment]) await t.deleteMany(); };",
    ),
    ["f reads users", "g reads users", "g reads Post", "h deletes Post", "h deletes Comment"],
  ],
  [
    "a table of another module",
    typescript('import { posts } from "./tables";\nexport const f = () => posts.findMany();', {
      "tables.ts":
        'import { PrismaClient } from "@prisma/client";\nconst db = new PrismaClient();\nexport const posts = db.post;',
    }),
    ["f reads Post"],
  ],
  [
    "a repository's table: a getter, a field that its base is given, a name that it is made with",
    typescript(
      'class Base { constructor(protected readonly model: any) {} }\nexport class Users extends Base { constructor(db) { super(db.user); } f() { return this.model.findMany(); } }\nexport class Posts { constructor(private db: PrismaClient) {} private get posts() { return this.db.post; } g() { return this.posts.count(); } }\nclass Named { constructor(readonly name: string) {} get table() { return prisma[this.name]; } }\nexport const h = () => new Named("comment").table.findMany();',
    ),
    ["f reads users", "g reads Post", "h reads Comment"],
  ],
  [
    "a parameter of the generated type",
    typescript("export const f = (table: Prisma.UserDelegate) => table.findFirst();"),
    ["f reads users"],
  ],
  [
    "a name that only run time knows gives no table",
    typescript("export const f = (name) => prisma[name].findMany();"),
    ["f reads ?"],
  ],
  [
    "Python: a name, a cast, a pair, a lambda, getattr, a batch and a transaction",
    python(
      'async def a():\n    t = cast("Table", db.user)\n    await t.count()\ndef pair(): return 1, db.post\nasync def b():\n    _, t = pair()\n    await t.find_first()\nasync def c(): return await retry(lambda: db.comment.find_first())\nasync def d(): return await getattr(db, "profile").find_many()\nasync def e(name): return await getattr(db, name).find_many()\nasync def f():\n    async with db.batch_() as batch:\n        batch.post.create(data={"title": "x"})\nasync def g():\n    async with db.tx() as tx:\n        await tx.comment.delete_many()',
    ),
    [
      "a reads users",
      "b reads Post",
      "c reads Comment",
      "d reads Profile",
      "e reads ?",
      "f inserts Post (title)",
      "g deletes Comment",
    ],
  ],
  [
    "Python: a context manager that hands out a table",
    python(
      'from contextlib import asynccontextmanager\n@asynccontextmanager\nasync def slot(client):\n    async with client.tx() as tx:\n        yield tx.post\nasync def f():\n    async with slot(db) as table:\n        await table.update(where={"id": 1}, data={"title": "x"})',
    ),
    ["f updates Post (title)"],
  ],
  [
    "Python: one property for the tables of all repositories, and what hands a table on",
    python(
      'from typing import Generic, TypeVar\nT = TypeVar("T")\nclass Repository(Generic[T]):\n    table_name: str\n    def __init__(self, client): self._client = client\n    @property\n    def table(self): return getattr(self._client, self.table_name)\nclass Users(Repository["models.User"]):\n    table_name = "user"\nclass Posts(Repository["models.Post"]):\n    table_name = "post"\n    async def own(self): return await self.table.count()\ndef table_of(repository): return repository.table\nclass Bounded:\n    def __init__(self, table): self._table = table\n    async def find_many(self, **given): return await bounded(self._table.find_many(**given))\nasync def f(): return await Users(db).table.find_many()\nasync def g(): return await table_of(Posts(db)).find_many()\nasync def h(): return await Bounded(Users(db).table).find_many()',
    ),
    ["own reads Post", "f reads users", "g reads Post", "h reads users"],
  ],
  [
    "a table that a function is given is told where it is named; another caller's is its own",
    typescript(
      "async function purge(table, before) { await table.deleteMany({ where: { before } }); }\nexport const f = () => purge(prisma.post, 1);\nexport const g = () => purge(prisma.comment, 2);\nexport const h = (other) => purge(other, 3);",
    ),
    ["f deletes Post", "g deletes Comment"],
  ],
  [
    "Python: a table that a function is given, and one that a protocol declares",
    python(
      'class Tables(Protocol):\n    @property\n    def post(self) -> "Actions": ...\nasync def ids(table, where): return await each(lambda chunk: table.find_many(where=chunk))\nasync def f(): return await ids(db.user, {})\nasync def g(tables: Tables): return await tables.post.find_many()',
    ),
    ["f reads users", "g reads Post"],
  ],
  [
    "Python: the classes of the generated models",
    python(
      'from prisma.models import User\nclass Author(User):\n    pass\nasync def f(): return await User.prisma().find_first()\nasync def g(): return await Author.prisma().create(data={"name": "x"})',
    ),
    ["f reads users", "g inserts users (name)"],
  ],
];

const NO_TABLES: [name: string, tree: SourceTree][] = [
  [
    "a client of another package",
    typescript(
      'import Stripe from "stripe";\nconst stripe = new Stripe("x");\nexport const f = () => stripe.user.create({ data: {} });',
    ),
  ],
  [
    "a procedure of the same name, whose arguments are not a question",
    typescript('export const f = (caller) => caller.user.update({ projectId: 1, name: "x" });'),
  ],
  ["a map of the same name", typescript('export const f = (maps) => maps.user.delete("key");')],
  [
    "an object of the tree",
    typescript(
      "class Jobs { create(given) { return given; } }\nclass Queue { post = new Jobs(); add() { return this.post.create({ data: {} }); } }\nexport const q = new Queue();",
    ),
  ],
  [
    "Python: a dictionary of the same name, and the other language's spelling",
    python(
      'class Session:\n    def __init__(self, user): self.user = user\n    def f(self): self.user.update({"name": "x"})\ndef g(db): return db.user.findMany()',
    ),
  ],
];

describe("Prisma", () => {
  test.each(RELATIONS)("relations: %s", async (_, tree, expected) => {
    expect(accessLines(await factsFrom(tree))).toEqual(expected);
  });
  test.each(TABLE_VALUES)("tables as values: %s", async (_, tree, expected) => {
    expect(accessLines(await factsFrom(tree))).toEqual(expected);
  });
  test.each(NO_TABLES)("no table: %s", async (_, tree) => {
    expect(accessLines(await factsFrom(tree))).toEqual([]);
  });
  test("a model's columns and name are read past braces and comments in quotes", async () => {
    const { tables } = await factsFrom({ "schema.prisma": SCHEMA });
    expect(tables[0]).toMatchObject({
      name: "users",
      declared_as: "User",
      columns: ["id", "name", "meta", "site", "tags"],
    });
  });
});
