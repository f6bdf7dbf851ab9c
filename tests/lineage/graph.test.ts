import { describe, expect, test } from "vitest";
import { callLines, entryLines, factsFrom, type SourceTree } from "../kit/code.ts";

const CALLS: [name: string, tree: SourceTree, expected: string[]][] = [
  [
    "Python: a generic base is its class",
    {
      "a.py":
        'class Base(Generic[T]):\n    def load(self): pass\nclass Users(Base["models.User"]):\n    def all(self): self.load()\n',
    },
    ["Users.all -call-> Base.load"],
  ],
  [
    "Python: what a context manager hands out",
    {
      "a.py":
        "from contextlib import contextmanager\nclass Repo:\n    def save(self): pass\n@contextmanager\ndef repo():\n    yield Repo()\ndef run():\n    with repo() as r:\n        r.save()\n",
    },
    ["run -call-> repo", "run -call-> Repo.save"],
  ],
  ["a function of the same file", { "a.js": "function a() { b(); }\nfunction b() {}" }, ["a -call-> b"]],
  [
    "named, default and namespace imports",
    {
      "r.ts": "export function save() {}\nexport default function load() {}",
      "a.ts":
        'import load, { save as s } from "./r";\nimport * as all from "./r";\nexport function f() { s(); load(); all.save(); }',
    },
    ["f -call-> save", "f -call-> load"],
  ],
  [
    "a barrel and a re-export under another name",
    {
      "r.ts": "export const save = async () => {};",
      "index.ts": 'export { save as store } from "./r";',
      "lib.ts": 'export * from ".";',
      "a.ts": 'import { store } from "./lib";\nfunction f() { store(); }',
    },
    ["f -call-> save"],
  ],
  [
    "a barrel that hands on defaults",
    {
      "store/repo.ts":
        "export default function save() {}\nconst x = class { load() {} };\nexport { x as default2 };",
      "store/index.ts":
        'export { default } from "./repo";\nexport { default as write, type Row } from "./repo";',
      "a.ts":
        'import save, { write } from "./store";\nexport function f() { save(); }\nexport function g() { write(); }',
    },
    ["f -call-> save", "g -call-> save"],
  ],
  [
    "a parameter whose class is imported as a type",
    {
      "repo.ts": "export class Repo { save() {} }",
      "a.ts": 'import type { Repo } from "./repo";\nexport function f(repo: Repo) { repo.save(); }',
    },
    ["f -call-> Repo.save"],
  ],
  [
    "an object of functions through a function of a package, by the type of what is unpacked",
    {
      "repo.ts":
        'import { inject } from "some-package";\nexport type Repo = Awaited<ReturnType<typeof createRepo>>;\nexport function createRepo({ db }) { return inject({ save, load }, { db }); }\nfunction save() {}\nasync function load() {}',
      "a.ts":
        'import type { Repo } from "./repo";\nimport { createRepo } from "./repo";\ninterface Deps { repo: Repo; n?: number }\nexport function f({ repo }: { repo: Repo }) { repo.save(); }\nexport const g = async ({ repo }: Deps) => { await repo.load(); };\nexport function h(db) { const repo = createRepo({ db }); repo.save(); repo.other(); }',
    },
    ["f -call-> save", "g -call-> load", "h -call-> createRepo", "h -call-> save"],
  ],
  [
    "options given to a function of a package are no object of functions",
    {
      "a.ts":
        'import { make } from "some-package";\nfunction save() {}\nconst x = make({ save, retries: 3 });\nexport function f() { x.save(); }',
    },
    [],
  ],
  [
    "a path alias of tsconfig",
    {
      "tsconfig.json":
        '{ // comment\n "compilerOptions": { "baseUrl": ".", "paths": { "@/*": ["src/*"], } } }',
      "src/r.ts": "export function save() {}",
      "src/deep/a.ts": 'import { save } from "@/r";\nexport function f() { save(); }',
    },
    ["f -call-> save"],
  ],
  [
    "CommonJS in its forms",
    {
      "r.js": "exports.a = function () {};\nfunction b() {}\nmodule.exports.b = b;",
      "s.js": "module.exports = { c() {}, d: () => {} };",
      "t.js": "class T { m() {} }\nmodule.exports = T;",
      "x.js":
        'const { a, b: bb } = require("./r");\nconst s = require("./s");\nconst T = require("./t");\nfunction f() { a(); bb(); s.c(); s.d(); new T().m(); }',
    },
    ["f -call-> a", "f -call-> b", "f -call-> c", "f -call-> d", "f -call-> T.m"],
  ],
  [
    "a dynamic import",
    {
      "r.js": "export function save() {}",
      "a.js": 'async function f() { const { save } = await import("./r.js"); save(); }',
    },
    ["f -call-> save"],
  ],
  [
    "methods, fields and inheritance",
    {
      "a.ts":
        "class Base { log() {} }\nclass Repo extends Base { save() { this.log(); } }\nclass S { constructor(private repo: Repo) {}\n run() { this.repo.save(); } }\nconst r = new Repo();\nfunction f() { r.save(); }",
    },
    ["Repo.save -call-> Base.log", "S.run -call-> Repo.save", "f -call-> Repo.save"],
  ],
  [
    "an object of functions",
    {
      "r.js": "export const repo = { save: async () => {}, load() {} };",
      "a.js": 'import { repo } from "./r";\nexport const f = () => { repo.save(); repo.load(); };',
    },
    ["f -call-> repo.save", "f -call-> repo.load"],
  ],
  [
    "an interface of Go that one type of the tree has; a stand-in for tests is none",
    {
      "go.mod": "module example.com/app\n",
      "api/api.go":
        "package api\ntype Reader interface { Load() error }\ntype Store interface {\n\tReader\n\tSave(n int) error\n}\ntype API struct { DB Store }\nfunc (a *API) Create() { a.DB.Save(1) }\nfunc (a *API) List() { a.DB.Load() }",
      "db/db.go":
        "package db\ntype base struct{}\nfunc (b *base) Load() error { return nil }\ntype SQL struct { base }\nfunc (s *SQL) Save(n int) error { return nil }\ntype Half struct{}\nfunc (h *Half) Save(n int) error { return nil }",
      "mocks/store.go":
        "package mocks\ntype Store struct{}\nfunc (s *Store) Load() error { return nil }\nfunc (s *Store) Save(n int) error { return nil }",
    },
    ["API.Create -call-> SQL.Save", "API.List -call-> base.Load"],
  ],
  [
    "an interface of Go that several types have is resolved to none",
    {
      "a.go":
        "package a\ntype Store interface { Save() }\ntype A struct{}\nfunc (a A) Save() {}\ntype B struct{}\nfunc (b B) Save() {}\nfunc run(s Store) { s.Save() }",
    },
    [],
  ],
  [
    "a wrapped function",
    {
      "a.js": 'import { cache } from "react";\nconst load = cache(async () => {});\nfunction f() { load(); }',
    },
    ["f -call-> load"],
  ],
  [
    "a function handed on",
    { "a.js": 'function save() {}\nfunction f(s) { s.on("end", save); }' },
    ["f -call-> save"],
  ],
  [
    "components",
    {
      "c.tsx": "export const Chart = memo(() => <div/>);",
      "p.tsx":
        'import dynamic from "next/dynamic";\nimport { Chart } from "./c";\nconst Lazy = dynamic(() => import("./l"));\nexport default function Page() { return <main><Chart x={1}/><Lazy/></main>; }',
      "l.tsx": "export default function Late() { return null; }",
    },
    ["Page -render-> Chart", "Page -render-> Late"],
  ],
  [
    "Python packages and relative imports",
    {
      "app/__init__.py": "",
      "app/db/__init__.py": "from .repo import save\n",
      "app/db/repo.py":
        "def save():\n    pass\nclass Repo:\n    def load(self):\n        self.check()\n    def check(self):\n        pass\n",
      "app/main.py":
        "from app.db import save, repo\nfrom .db.repo import Repo as R\nimport app.db.repo\ndef f(r: R):\n    save()\n    repo.save()\n    r.load()\n    R().check()\n",
    },
    [
      "Repo.load -call-> Repo.check",
      "f -call-> save",
      "f -call-> save",
      "f -call-> Repo.load",
      "f -call-> Repo.check",
    ],
  ],
  [
    "FastAPI dependencies",
    {
      "a.py":
        "class Repo:\n    def load(self):\n        pass\ndef get_repo():\n    return Repo()\ndef f(repo=Depends(get_repo)):\n    repo.load()\n",
    },
    ["f -call-> get_repo", "f -call-> Repo.load"],
  ],
  [
    "Go packages",
    {
      "go.mod": "module example.com/app\n",
      "store/store.go":
        "package store\ntype Store struct{}\nfunc New() *Store { return &Store{} }\nfunc (s *Store) Save() {}\n",
      "store/more.go": "package store\nfunc helper() { other() }\nfunc other() {}\n",
      "main.go":
        'package main\nimport "example.com/app/store"\ntype Server struct { st *store.Store }\nfunc (s *Server) run() { s.st.Save() }\nfunc main() { st := store.New(); st.Save() }\n',
    },
    ["Server.run -call-> Store.Save", "main -call-> New", "main -call-> Store.Save", "helper -call-> other"],
  ],
];

const ENTRIES: [name: string, tree: SourceTree, expected: string[]][] = [
  [
    "Next.js, app router",
    {
      "src/app/api/usage/[id]/route.ts":
        "export async function GET() {}\nexport const POST = withAuth(async () => {});",
      "src/app/(dash)/usage/page.tsx": "export default function UsagePage() { return null; }",
      "src/middleware.ts": "export function middleware() {}",
    },
    [
      "page /usage → UsagePage",
      "route GET /api/usage/[id] → GET",
      "route POST /api/usage/[id] → POST",
      "handler middleware → middleware",
    ],
  ],
  [
    "Next.js, pages router",
    {
      "pages/api/usage/index.js": "export default async function handler(req, res) {}",
      "pages/stats.jsx":
        'import React from "react";\nexport default () => <div/>;\nexport async function getServerSideProps() {}',
      "pages/_app.jsx": "export default function App() {}",
    },
    ["route ALL /api/usage → handler", "page /stats → default", "page /stats → getServerSideProps"],
  ],
  [
    "Express with mounted routers",
    {
      "usage.js":
        'const router = require("express").Router();\nconst auth = (req, res, next) => next();\nrouter.get("/:id", auth, async (req, res) => {});\nrouter.route("/sum").post(save);\nfunction save() {}\nmodule.exports = router;',
      "app.js":
        'const express = require("express");\nconst usage = require("./usage");\nconst app = express();\napp.use(limit);\nfunction limit() {}\napp.use("/api/usage", usage);\napp.get("/health", (req, res) => {});',
    },
    [
      "handler limit → limit",
      "route GET /health → GET /health",
      "handler GET /api/usage/:id → auth",
      "route GET /api/usage/:id → GET /api/usage/:id",
      "route POST /api/usage/sum → save",
    ],
  ],
  [
    "Fastify plugins",
    {
      "r.js":
        'export default async function routes(fastify) { fastify.get("/usage", async () => {}); fastify.route({ method: "POST", url: "/x", handler: save }); }\nfunction save() {}',
      "app.js":
        'import Fastify from "fastify";\nimport routes from "./r.js";\nconst app = Fastify();\napp.register(routes, { prefix: "/api" });\napp.addHook("onRequest", guard);\nasync function guard() {}',
    },
    ["handler guard → guard", "route GET /api/usage → GET /api/usage", "route POST /api/x → save"],
  ],
  [
    "Hono",
    {
      "a.ts":
        'import { Hono } from "hono";\nconst sub = new Hono().get("/", (c) => c.json(1));\nconst app = new Hono();\napp.route("/v1", sub);\nsub.post("/x", (c) => {});',
    },
    ["route GET /v1 → GET /v1", "route POST /v1/x → POST /v1/x"],
  ],
  [
    "Koa: names without a slash on a router, an application mounted in another",
    {
      "api/stars/stars.ts":
        'import Router from "koa-router";\nconst router = new Router();\nrouter.post("stars.create", auth(), async (ctx) => {});\nconst cache = new Map();\ncache.get("stars.list", () => {});\nexport default router;',
      "api/stars/index.ts": 'export { default } from "./stars";',
      "api/index.ts":
        'import Koa from "koa";\nimport Router from "koa-router";\nimport stars from "./stars";\nconst api = new Koa();\nconst router = new Router();\nrouter.use("/", stars.routes());\napi.use(router.routes());\nexport default api;',
      "web.ts":
        'import Koa from "koa";\nimport mount from "koa-mount";\nimport api from "./api";\nexport function init(app: Koa) { app.use(mount("/api", api)); }',
    },
    ["route POST /api/stars.create → POST /api/stars.create"],
  ],
  [
    "FastAPI with routers",
    {
      "usage.py":
        'from fastapi import APIRouter\nrouter = APIRouter(prefix="/usage")\n@router.get("/{id}")\nasync def one(id: str):\n    pass\n',
      "main.py":
        'from fastapi import FastAPI\nfrom usage import router as usage_router\napp = FastAPI()\napp.include_router(usage_router, prefix="/api")\n@app.middleware("http")\nasync def guard(request, call_next):\n    pass\nif __name__ == "__main__":\n    run()\n',
    },
    ["handler guard → guard", "main main.py → <module>", "route GET /api/usage/{id} → one"],
  ],
  [
    "Flask blueprints",
    {
      "a.py":
        'from flask import Flask, Blueprint\nbp = Blueprint("u", __name__, url_prefix="/u")\n@bp.route("/x", methods=["GET", "POST"])\ndef x():\n    pass\napp = Flask(__name__)\napp.register_blueprint(bp, url_prefix="/v1/u")\n@app.before_request\ndef check():\n    pass\n',
    },
    ["route GET /v1/u/x → x", "route POST /v1/u/x → x", "handler check → check"],
  ],
  [
    "Django urls",
    {
      "site/urls.py":
        'from django.urls import path, include\nurlpatterns = [path("shop/", include("shop.urls"))]\n',
      "shop/urls.py":
        'from django.urls import path\nfrom . import views\nurlpatterns = [path("list/", views.listing), path("v/", views.V.as_view())]\n',
      "shop/views.py":
        "def listing(request):\n    pass\nclass V:\n    def get(self, request):\n        pass\n",
      "shop/management/commands/sync.py": "class Command:\n    def handle(self):\n        pass\n",
    },
    ["main sync → Command.handle", "route ALL /shop/list → listing", "route GET /shop/v → V.get"],
  ],
  [
    "Celery, click",
    { "a.py": "import click\n@shared_task\ndef roll():\n    pass\n@click.command()\ndef cli():\n    pass\n" },
    ["job roll → roll", "main cli → cli"],
  ],
  [
    "gin: methods of literals, groups that are only made on the way",
    {
      "a.go":
        'package main\ntype API struct{ n int }\nfunc (a *API) List(c *gin.Context) {}\nfunc auth(c *gin.Context) {}\nfunc routes() {\n\tr := gin.Default()\n\tapi := API{n: 1}\n\tr.Group("/user").Use(auth).POST("", api.List)\n\tr.GET("/x", api.List)\n}\n',
    },
    ["route POST /user → API.List", "handler auth → auth", "route GET /x → API.List"],
  ],
  [
    "net/http and gin",
    {
      "a.go":
        'package main\nfunc list(c *gin.Context) {}\nfunc auth(c *gin.Context) {}\nfunc main() {\n\tr := gin.Default()\n\tapi := r.Group("/api")\n\tapi.Use(auth)\n\tapi.GET("/usage", list)\n\thttp.HandleFunc("POST /x", func(w http.ResponseWriter, r *http.Request) {})\n}\n',
    },
    ["handler auth → auth", "route GET /api/usage → list", "route POST /x → POST /x", "main a.go → main"],
  ],
  [
    "a cron job and a command",
    {
      "a.js":
        'cron.schedule("0 * * * *", async () => {});\nprogram.command("sync <id>").description("x").action(run);\nfunction run() {}',
    },
    ["job cron 0 * * * * → cron 0 * * * *", "main sync → run"],
  ],
];

describe("calls", () => {
  test.each(CALLS)("%s", async (_, tree, expected) => {
    expect(callLines(await factsFrom(tree))).toEqual(expected);
  });

  test("a call that cannot be resolved is recorded without a callee", async () => {
    const { calls } = await factsFrom({ "a.js": "function f(x) { x.save(); unknown(); }" });
    expect(calls.map((c) => [c.callee, c.callee_id])).toEqual([
      ["x.save", null],
      ["unknown", null],
    ]);
  });

  test("requests lead to the routes that answer them", async () => {
    const facts = await factsFrom({
      "app/api/usage/route.js": "export async function GET() {}\nexport async function POST() {}",
      "app/api/usage/[id]/route.js": "export async function GET() {}",
      "c.jsx":
        'export function List() { fetch("/api/usage?days=7"); }\nexport function Save() { fetch(`${BASE}/api/usage`, { method: "POST" }); }\nexport function One({ id }) { axios.get(`/api/usage/${id}`); useSWR("/api/usage", get); push("/api/usage"); }',
    });
    expect(callLines(facts).sort()).toEqual([
      "List -http-> GET",
      "One -http-> GET",
      "One -http-> GET",
      "Save -http-> POST",
    ]);
  });
});

describe("entries", () => {
  test.each(ENTRIES)("%s", async (_, tree, expected) => {
    expect(entryLines(await factsFrom(tree))).toEqual(expected);
  });
});

describe("logs and patterns", () => {
  test("templates and the expressions that read them", async () => {
    const { logs, patterns } = await factsFrom({
      "a.py":
        'import re\nPAT = re.compile(r"Token usage: (\\d+)")\ndef f(n):\n    logger.info(f"Token usage: {n} prompt")\n    logging.warning("left %d of %s", 1, 2)\n',
      "b.js": "const RE = /used (\\d+)/;\nfunction g(n) { console.log(`used ${n} tokens`); }",
    });
    expect(logs.map((l) => [l.level, l.template])).toEqual([
      ["info", "Token usage: {} prompt"],
      ["warning", "left {} of {}"],
      ["log", "used {} tokens"],
    ]);
    expect(patterns.map((p) => p.pattern)).toEqual(["Token usage: (\\d+)", "used (\\d+)"]);
  });
});
