/** Express, Fastify, Hono, Koa and their like, and jobs and commands of JavaScript. */

import { functionOf } from "../calls.ts";
import type { Expr } from "../ir.ts";
import type { Place, Program } from "../program.ts";
import { type Call, calledName, chainOf, entryOf, receiverOf, type Site } from "../sites.ts";
import { textsOf } from "../text.ts";
import { type EntryDraft, joinPath } from "./entries.ts";
import { identityOf, Mounts } from "./mounts.ts";

const VERBS = /^(get|post|put|patch|delete|del|options|head|all)$/;
const FRAMEWORKS = [
  "express",
  "fastify",
  "hono",
  "koa",
  "@koa/router",
  "koa-router",
  "restify",
  "polka",
  "find-my-way",
  "itty-router",
  "elysia",
  "@hono/zod-openapi",
  "@hono/node-server",
];

/** Routes, middleware, jobs and commands that calls register. */
export function javascriptEntries(program: Program, sites: readonly Site[]): EntryDraft[] {
  const mine = sites.filter((site): site is Site & { expr: Call } => {
    const { language } = program.module(site.place.m);
    return (
      site.expr.k === "call" && (language === "javascript" || language === "typescript" || language === "tsx")
    );
  });
  const drafts: EntryDraft[] = [];
  const routes = FRAMEWORKS.some((name) => program.uses(name));
  const mounts = new Mounts();
  if (routes) for (const site of mine) mountOf(program, site.place, site.expr, mounts);
  for (const { place, expr } of mine) {
    if (routes) routeOf(program, place, expr, mounts, drafts);
    jobOf(program, place, expr, drafts);
  }
  mainsOf(program, drafts);
  return drafts;
}

/** The constant text of an argument, or null. */
export function constantText(program: Program, place: Place, expr: Expr | undefined): string | null {
  if (!expr) return null;
  const text = textsOf(program, place, expr)[0];
  if (!text) return null;
  let out = "";
  for (const piece of text) out += "hole" in piece ? ":x" : piece.text;
  return out;
}

function mountOf(program: Program, place: Place, call: Call, mounts: Mounts): void {
  const name = calledName(call);
  const receiver = receiverOf(call);
  if (!receiver || !/^(use|route|register|mount|group|basePath)$/.test(name)) return;
  const parent = identityOf(program, place, receiver);
  const [first, ...rest] = call.args;
  if (name === "register" && first) {
    const prefix = constantText(program, place, entryOf(rest, "prefix") ?? undefined) ?? "";
    const child = identityOf(program, place, first);
    if (child !== null) mounts.add(child, parent, prefix);
    return;
  }
  const path = constantText(program, place, first);
  for (const arg of path === null ? call.args : rest) {
    if (arg.k === "function" && name !== "group") continue;
    if (arg.k === "call" && calledName(arg) === "mount" && !receiverOf(arg)) {
      // Koa: `app.use(mount("/api", api))`.
      const [at, inner] = arg.args;
      const below = constantText(program, place, inner ? at : undefined) ?? "";
      const mounted = inner ?? at;
      if (mounted) mounts.add(identityOf(program, place, mounted), parent, joinPath(path ?? "", below));
      continue;
    }
    const child = identityOf(program, place, arg);
    if (child !== null && (name !== "use" || !child.includes(":@"))) mounts.add(child, parent, path ?? "");
  }
}

function routeOf(program: Program, place: Place, call: Call, mounts: Mounts, drafts: EntryDraft[]): void {
  const name = calledName(call);
  const receiver = receiverOf(call);
  if (!receiver) return;
  const emit = (kind: EntryDraft["kind"], title: string, at: Place): void => {
    drafts.push({ kind, name: title, m: place.m, line: call.at, place: at });
  };
  const handlers = (args: readonly Expr[]): Place[] => args.flatMap((arg) => handlersIn(program, place, arg));
  if (VERBS.test(name)) {
    // `router.route("/x").get(handler)`.
    const inner = receiver.k === "call" ? routeCall(receiver) : null;
    const path = inner
      ? constantText(program, place, inner.args[0])
      : constantText(program, place, call.args[0]);
    const on = inner ? (receiverOf(inner) ?? receiver) : receiver;
    // `cache.get("key", load)` is no route; a router may be given a name without a slash: `router.post("users.list", …)`.
    if (path === null || !(/^(\/|\*?$)/.test(path) || isRouter(program, place, on))) return;
    const found = handlers(inner ? call.args : call.args.slice(1));
    const last = found.at(-1);
    if (!last) return;
    const router = routerOf(program, place, on, call);
    const method = name === "del" ? "DELETE" : name.toUpperCase();
    for (const prefix of mounts.prefixesOf(router)) {
      const title = `${method} ${joinPath(prefix, path)}`;
      for (const before of found.slice(0, -1)) emit("handler", title, before);
      emit("route", title, last);
    }
  } else if (name === "route" && call.args[0]?.k === "object") {
    // Fastify: `route({ method, url, handler })`.
    const path = constantText(program, place, entryOf(call.args, "url") ?? undefined);
    const handler = entryOf(call.args, "handler");
    const methods = entryOf(call.args, "method");
    const list = methods?.k === "list" ? methods.items : methods ? [methods] : [];
    const at = handler ? handlers([handler])[0] : undefined;
    if (path === null || !at) return;
    for (const prefix of mounts.prefixesOf(identityOf(program, place, receiver)))
      for (const method of list.length > 0 ? list : [undefined])
        emit(
          "route",
          `${(constantText(program, place, method) ?? "ALL").toUpperCase()} ${joinPath(prefix, path)}`,
          at,
        );
  } else if (name === "use" || name === "addHook") {
    const path = constantText(program, place, call.args[0]);
    if (name === "addHook" && path === null) return;
    const router = identityOf(program, place, receiver);
    if (router === null && name === "use" && path === null) return;
    for (const at of handlers(path === null ? call.args : call.args.slice(1))) {
      const fn = program.function(at);
      const where =
        name === "use" && path !== null ? ` ${joinPath(mounts.prefixesOf(router)[0] ?? "", path)}` : "";
      emit("handler", fn.name !== "" && fn.rank !== "anonymous" ? fn.name : `${name}${where}`, at);
    }
  }
}

/** The router a method is called on; in `const api = new Hono().get(…)` it is what the chain is kept as. */
function routerOf(program: Program, place: Place, receiver: Expr, call: Call): string | null {
  const known = identityOf(program, place, receiver);
  if (known !== null) return known;
  const { root } = chainOf(receiver);
  if (root.k === "name") return identityOf(program, place, root);
  for (const [name, values] of program.function(place).bindings)
    if (values.some((value) => value.k === "call" && chainOf(value).steps.some((step) => step.call === call)))
      return `${place.m}:${place.f}:${name}`;
  return null;
}

/** Made by a framework of the web: `new Router()`, `express()`. */
function isRouter(program: Program, place: Place, receiver: Expr): boolean {
  const ref = program.resolve(place, chainOf(receiver).root);
  return ref?.t === "package" && FRAMEWORKS.some((name) => /^[.(]/.test(after(ref.path, name)));
}

/** What follows a prefix, "" when it is none. */
function after(text: string, prefix: string): string {
  return text.startsWith(prefix) ? text.slice(prefix.length) : "";
}

function routeCall(call: Call): Call | null {
  let here: Expr = call;
  for (let depth = 0; depth < 12 && here.k === "call"; depth++) {
    if (calledName(here) === "route") return here;
    here = receiverOf(here) ?? { k: "other", of: [], at: 0 };
  }
  return null;
}

/** The functions that an argument makes handlers: itself, the items of a list, what a wrapper wraps. */
function handlersIn(program: Program, place: Place, arg: Expr): Place[] {
  if (arg.k === "list") return arg.items.flatMap((item) => handlersIn(program, place, item));
  if (arg.k === "function") return [{ m: place.m, f: arg.fn }];
  if (arg.k === "object" || arg.k === "text" || arg.k === "value") return [];
  const at = functionOf(program, program.resolve(place, arg));
  if (at) return [at];
  if (arg.k === "call")
    return arg.args.flatMap((inner) => (inner.k === "object" ? [] : handlersIn(program, place, inner)));
  return [];
}

function jobOf(program: Program, place: Place, call: Call, drafts: EntryDraft[]): void {
  const name = calledName(call);
  const receiver = receiverOf(call);
  const of = receiver?.k === "name" ? receiver.name : "";
  const add = (kind: EntryDraft["kind"], title: string, arg: Expr | undefined): void => {
    const at = arg ? handlersIn(program, place, arg)[0] : undefined;
    if (!at) return;
    const fn = program.function(at);
    drafts.push({
      kind,
      name: kind === "job" && fn.rank === "named" ? fn.name || title : title,
      m: place.m,
      line: call.at,
      place: at,
    });
  };
  const titled = (what: string) => `${what} ${constantText(program, place, call.args[0]) ?? ""}`.trim();
  if (name === "schedule" && /cron/i.test(of)) add("job", titled("cron"), call.args[1]);
  else if (name === "scheduleJob") add("job", titled("cron"), call.args.at(-1));
  else if (call.isNew && (name === "CronJob" || name === "Cron"))
    add(
      "job",
      titled("cron"),
      call.args.slice(1).find((arg) => arg.k === "function" || arg.k === "name"),
    );
  else if (call.isNew && name === "Worker" && program.uses("bullmq"))
    add("job", titled("queue"), call.args[1]);
  else if (name === "process" && /queue/i.test(of)) add("job", `queue ${of}`, call.args.at(-1));
  else if (name === "setInterval" && program.function(place).rank === "module")
    add("job", "interval", call.args[0]);
  else if (name === "action" && receiver) {
    const command = commandName(program, place, receiver);
    if (command !== null) add("main", command, call.args[0]);
  }
}

/** commander: `program.command("sync <id>").description(…).action(fn)`. */
function commandName(program: Program, place: Place, chain: Expr): string | null {
  let here: Expr = chain;
  for (let depth = 0; depth < 30 && here.k === "call"; depth++) {
    if (calledName(here) === "command")
      return constantText(program, place, here.args[0])?.split(" ")[0] ?? null;
    here = receiverOf(here) ?? { k: "other", of: [], at: 0 };
  }
  return null;
}

/** Files that are run, not imported: scripts, and modules whose top level calls their own `main`. */
function mainsOf(program: Program, drafts: EntryDraft[]): void {
  const imported = new Set<number>();
  program.modules.forEach((module) => {
    for (const one of [...module.imports, ...module.exports]) {
      if (one.source === null) continue;
      const target = program.imports.resolve(module, one.source);
      if ("module" in target) imported.add(target.module);
    }
  });
  program.modules.forEach((module, m) => {
    if (!/^(javascript|typescript)$/.test(module.language) || module.isTest || imported.has(m)) return;
    const top = module.functions[0];
    if (!top || module.exports.length > 0) return;
    const calls = top.roots.some((root) => callsSomething(root, 0));
    if (
      calls &&
      (/(^|\/)(scripts?|bin|jobs?|cron|tasks|cli)\//.test(module.file) ||
        top.roots.some((root) => callsMain(root)))
    )
      drafts.push({ kind: "main", name: module.file, m, line: 1, place: { m, f: 0 } });
  });
}

function callsSomething(expr: Expr, depth: number): boolean {
  if (expr.k === "call") return !(expr.callee.k === "name" && expr.callee.name === "require");
  return depth < 4 && expr.k === "other" && expr.of.some((one) => callsSomething(one, depth + 1));
}

function callsMain(expr: Expr): boolean {
  let here: Expr | null = expr;
  for (let depth = 0; depth < 6 && here?.k === "call"; depth++) {
    if (here.callee.k === "name" && /^(main|run|start|cli|bootstrap)$/i.test(here.callee.name)) return true;
    if (here.callee.k === "function") return true;
    here = receiverOf(here);
  }
  return false;
}
