/** FastAPI, Flask, Django, Celery, click and plain scripts. */

import { functionOf } from "../calls.ts";
import type { Expr } from "../ir.ts";
import type { Place, Program } from "../program.ts";
import { type Call, calledName, entryOf, receiverOf, type Site } from "../sites.ts";
import { type EntryDraft, joinPath } from "./entries.ts";
import { constantText } from "./javascript.ts";
import { identityOf, Mounts } from "./mounts.ts";

const VERBS = /^(get|post|put|patch|delete|options|head)$/;

/** The entries of Python code. */
export function pythonEntries(program: Program, sites: readonly Site[]): EntryDraft[] {
  const drafts: EntryDraft[] = [];
  const mounts = new Mounts();
  const mine = sites.filter(
    (site): site is Site & { expr: Call } =>
      site.expr.k === "call" && program.module(site.place.m).language === "python",
  );
  for (const { place, expr } of mine) mountOf(program, place, expr, mounts);
  program.modules.forEach((module, m) => {
    if (module.language !== "python") return;
    module.functions.forEach((fn, f) => {
      for (const decorator of fn.decorators) decorated(program, { m, f }, decorator, mounts, drafts);
    });
    const top = module.functions[0];
    if (top?.roots.some(isMainGuard))
      drafts.push({ kind: "main", name: module.file, m, line: 1, place: { m, f: 0 } });
    const command = /(?:^|\/)management\/commands\/(\w+)\.py$/.exec(module.file)?.[1];
    const handle = command
      ? module.classes.find((cls) => cls.name === "Command")?.methods.get("handle")
      : undefined;
    if (command && handle !== undefined)
      drafts.push({
        kind: "main",
        name: command,
        m,
        line: module.functions[handle]?.at ?? 1,
        place: { m, f: handle },
      });
  });
  for (const { place, expr } of mine) registered(program, place, expr, mounts, drafts);
  djangoUrls(program, drafts);
  return drafts;
}

/** `__name__ == "__main__"`. */
function isMainGuard(expr: Expr): boolean {
  return (
    expr.k === "other" &&
    expr.of.some((one) => one.k === "name" && one.name === "__name__") &&
    expr.of.some((one) => one.k === "text" && one.parts[0] === "__main__")
  );
}

/** The prefix a router is made with: `APIRouter(prefix=…)`, `Blueprint(…, url_prefix=…)`. */
function ownPrefix(program: Program, place: Place, router: Expr): string {
  if (router.k !== "name" && router.k !== "member") return "";
  const made = givenTo(program, place, router);
  if (made?.expr.k !== "call") return "";
  const prefix = entryOf(made.expr.args, "prefix") ?? entryOf(made.expr.args, "url_prefix");
  return prefix ? (constantText(program, made.place, prefix) ?? "") : "";
}

/** The expression a module-level name was given. */
function givenTo(program: Program, place: Place, expr: Expr): { expr: Expr; place: Place } | null {
  const identity = identityOf(program, place, expr);
  const parts = identity === null ? null : /^(\d+):(\d+):([^@].*)$/.exec(identity);
  if (!parts) return null;
  const at = { m: Number(parts[1]), f: Number(parts[2]) };
  const value = program
    .function(at)
    .bindings.get(parts[3] as string)
    ?.at(-1);
  return value ? { expr: value, place: at } : null;
}

function mountOf(program: Program, place: Place, call: Call, mounts: Mounts): void {
  const receiver = receiverOf(call);
  if (!receiver || !/^(include_router|register_blueprint|mount)$/.test(calledName(call))) return;
  const isMount = calledName(call) === "mount";
  const child = call.args[isMount ? 1 : 0];
  if (!child) return;
  const prefix = isMount ? call.args[0] : (entryOf(call.args, "prefix") ?? entryOf(call.args, "url_prefix"));
  // A blueprint's own prefix is replaced by the one it is registered with.
  const given = prefix ? constantText(program, place, prefix) : null;
  const parent = identityOf(program, place, receiver);
  const known = identityOf(program, place, child);
  if (known !== null && given !== null && calledName(call) === "register_blueprint")
    mounts.replaced.add(known);
  const above = ownPrefix(program, place, receiver);
  mounts.add(known, parent, joinPath(above, given ?? ""));
}

function decorated(
  program: Program,
  place: Place,
  decorator: Expr,
  mounts: Mounts,
  drafts: EntryDraft[],
): void {
  const at = { m: place.m, f: 0 };
  const fn = program.function(place);
  const add = (kind: EntryDraft["kind"], name: string): void => {
    drafts.push({ kind, name, m: place.m, line: fn.at, place });
  };
  const call = decorator.k === "call" ? decorator : null;
  const target = call ? call.callee : decorator;
  const name = target.k === "member" || target.k === "name" ? target.name : "";
  const receiver = target.k === "member" ? target.of : null;
  if (call && receiver && (VERBS.test(name) || /^(route|api_route|websocket)$/.test(name))) {
    const path = constantText(
      program,
      at,
      call.args[0] ?? entryOf(call.args, "path") ?? entryOf(call.args, "rule") ?? undefined,
    );
    if (path === null || !/^\/|^$/.test(path)) return;
    const methods = entryOf(call.args, "methods");
    const list =
      methods?.k === "list"
        ? methods.items.map((item) => constantText(program, at, item) ?? "ALL")
        : [VERBS.test(name) ? name : name === "route" ? "GET" : name === "websocket" ? "WS" : "ALL"];
    const router = identityOf(program, place, receiver);
    const own = router !== null && mounts.replaced.has(router) ? "" : ownPrefix(program, place, receiver);
    for (const prefix of mounts.prefixesOf(router))
      for (const method of list) add("route", `${method.toUpperCase()} ${joinPath(prefix, own, path)}`);
  } else if (
    /^(before_request|after_request|teardown_request|before_app_request|middleware|exception_handler|errorhandler)$/.test(
      name,
    ) &&
    receiver
  )
    add("handler", fn.name);
  else if (/^(on_event|listens_for|receiver)$/.test(name)) add("handler", fn.name);
  else if (/^(task|shared_task|periodic_task|scheduled_job|job|actor|cron|periodic|flow)$/.test(name))
    add("job", fn.name);
  else if (
    /^(command|group|callback)$/.test(name) &&
    (program.uses("click") || program.uses("typer") || receiver)
  )
    add("main", (call ? constantText(program, at, call.args[0]) : null) ?? fn.name);
}

/** Routes and jobs that calls register: `add_url_rule`, `add_api_route`, `add_job`. */
function registered(program: Program, place: Place, call: Call, mounts: Mounts, drafts: EntryDraft[]): void {
  const name = calledName(call);
  const receiver = receiverOf(call);
  if (!receiver) return;
  if (name === "add_url_rule" || name === "add_api_route") {
    const path = constantText(program, place, call.args[0]);
    const view =
      entryOf(call.args, "view_func") ??
      entryOf(call.args, "endpoint") ??
      call.args[name === "add_api_route" ? 1 : 2];
    const at = view ? functionOf(program, program.resolve(place, view)) : null;
    if (path === null || !at) return;
    const methods = entryOf(call.args, "methods");
    const list =
      methods?.k === "list"
        ? methods.items.map((item) => constantText(program, place, item) ?? "ALL")
        : ["GET"];
    const own = ownPrefix(program, place, receiver);
    for (const prefix of mounts.prefixesOf(identityOf(program, place, receiver)))
      for (const method of list)
        drafts.push({
          kind: "route",
          name: `${method.toUpperCase()} ${joinPath(prefix, own, path)}`,
          m: place.m,
          line: call.at,
          place: at,
        });
  } else if (name === "add_job" || (name === "do" && receiver.k === "member")) {
    const at = call.args[0] ? functionOf(program, program.resolve(place, call.args[0])) : null;
    if (at)
      drafts.push({ kind: "job", name: program.function(at).name, m: place.m, line: call.at, place: at });
  } else if (name === "add_middleware" || name === "before_request" || name === "add_event_handler") {
    const arg = call.args[name === "add_event_handler" ? 1 : 0];
    const ref = arg ? program.resolve(place, arg) : null;
    const dispatch =
      ref?.t === "class"
        ? (program.classMember(ref, "dispatch") ?? program.classMember(ref, "__call__"))
        : ref;
    if (dispatch?.t === "function") {
      const title = ref?.t === "class" ? program.class(ref).name : program.function(dispatch).name;
      drafts.push({ kind: "handler", name: title, m: place.m, line: call.at, place: dispatch });
    }
  }
}

/** Django: `urlpatterns` of every urls module, with their includes. */
function djangoUrls(program: Program, drafts: EntryDraft[]): void {
  const included = new Map<number, string[]>();
  const lists: { m: number; call: Call }[] = [];
  program.modules.forEach((module, m) => {
    if (module.language !== "python") return;
    for (const value of module.functions[0]?.bindings.get("urlpatterns") ?? [])
      collectPaths(value, m, lists, 0);
  });
  for (const { m, call } of lists) {
    const inner = call.args[1];
    if (inner?.k !== "call" || calledName(inner) !== "include") continue;
    const target = constantText(program, { m, f: 0 }, inner.args[0]);
    const ref = target
      ? program.imports.resolve(program.module(m), target)
      : inner.args[0]
        ? moduleRef(program, m, inner.args[0])
        : null;
    if (ref && "module" in ref) {
      const prefix = constantText(program, { m, f: 0 }, call.args[0]) ?? "";
      included.set(ref.module, [...(included.get(ref.module) ?? []), prefix]);
    }
  }
  for (const { m, call } of lists) {
    const view = call.args[1];
    if (!view || (view.k === "call" && calledName(view) === "include")) continue;
    const path = (constantText(program, { m, f: 0 }, call.args[0]) ?? "").replace(/^\^|\$$/g, "");
    for (const prefix of included.get(m) ?? [""])
      for (const { method, place } of viewsOf(program, m, view))
        drafts.push({ kind: "route", name: `${method} ${joinPath(prefix, path)}`, m, line: call.at, place });
  }
}

function moduleRef(program: Program, m: number, expr: Expr): { module: number } | null {
  const ref = program.resolve({ m, f: 0 }, expr);
  return ref?.t === "module" ? { module: ref.m } : null;
}

function collectPaths(value: Expr, m: number, lists: { m: number; call: Call }[], depth: number): void {
  if (depth > 6) return;
  if (value.k === "list") for (const item of value.items) collectPaths(item, m, lists, depth + 1);
  else if (value.k === "call" && /^(path|re_path|url)$/.test(calledName(value)))
    lists.push({ m, call: value });
  else if (value.k === "text") {
    for (const part of value.parts) if (typeof part !== "string") collectPaths(part, m, lists, depth + 1);
  } else if (value.k === "call") for (const arg of value.args) collectPaths(arg, m, lists, depth + 1);
}

function viewsOf(program: Program, m: number, view: Expr): { method: string; place: Place }[] {
  const at = { m, f: 0 };
  if (view.k === "call" && calledName(view) === "as_view") {
    const cls = program.resolve(at, receiverOf(view) as Expr);
    if (cls?.t !== "class") return [];
    return [
      "get",
      "post",
      "put",
      "patch",
      "delete",
      "list",
      "create",
      "retrieve",
      "update",
      "destroy",
      "get_queryset",
    ].flatMap((name) => {
      const method = program.classMember(cls, name);
      return method?.t === "function"
        ? [
            {
              method: /^(get|list|retrieve|get_queryset)$/.test(name) ? "GET" : name.toUpperCase(),
              place: method,
            },
          ]
        : [];
    });
  }
  const place = functionOf(program, program.resolve(at, view));
  if (place) return [{ method: "ALL", place }];
  return view.k === "call" && view.args[0] ? viewsOf(program, m, view.args[0]) : [];
}
