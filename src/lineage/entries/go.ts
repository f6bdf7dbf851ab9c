/** net/http, gin, echo, chi, fiber and gorilla, and the mains of Go. */

import { functionOf } from "../calls.ts";
import type { Expr } from "../ir.ts";
import type { Place, Program } from "../program.ts";
import { type Call, calledName, receiverOf, type Site } from "../sites.ts";
import { type EntryDraft, joinPath } from "./entries.ts";
import { constantText } from "./javascript.ts";
import { identityOf, Mounts } from "./mounts.ts";

const VERBS = /^(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS|Any|Get|Post|Put|Patch|Delete|Head|Options|All)$/;

/** The entries of Go code. */
export function goEntries(program: Program, sites: readonly Site[]): EntryDraft[] {
  const drafts: EntryDraft[] = [];
  const mounts = new Mounts();
  const mine = sites.filter(
    (site): site is Site & { expr: Call } =>
      site.expr.k === "call" && program.module(site.place.m).language === "go",
  );
  groups(program, mounts);
  for (const { place, expr } of mine) nested(program, place, expr, mounts);
  for (const { place, expr } of mine) routeOf(program, place, expr, mounts, drafts);
  program.modules.forEach((module, m) => {
    if (module.language !== "go" || module.package !== "main" || module.isTest) return;
    const f = module.functions.findIndex((fn) => fn.name === "main" && fn.receiver === null);
    if (f > 0)
      drafts.push({
        kind: "main",
        name: module.file,
        m,
        line: module.functions[f]?.at ?? 1,
        place: { m, f },
      });
  });
  return drafts;
}

/** `v1 := r.Group("/v1")`. */
function groups(program: Program, mounts: Mounts): void {
  program.modules.forEach((module, m) => {
    if (module.language !== "go") return;
    module.functions.forEach((fn, f) => {
      for (const [name, values] of fn.bindings)
        for (const value of values) {
          if (value.k !== "call" || !/^(Group|PathPrefix|Subrouter)$/.test(calledName(value))) continue;
          // gorilla: `r.PathPrefix("/x").Subrouter()`.
          const call = calledName(value) === "Subrouter" ? receiverOf(value) : value;
          const receiver = call?.k === "call" ? receiverOf(call) : null;
          if (call?.k !== "call" || !receiver) continue;
          const place = { m, f };
          mounts.add(
            `${m}:${f}:${name}`,
            identityOf(program, place, receiver),
            constantText(program, place, call.args[0]) ?? "",
          );
        }
    });
  });
}

/** chi: `r.Route("/x", func(r chi.Router) { … })`; and routers handed to functions: `registerUsage(api)`. */
function nested(program: Program, place: Place, call: Call, mounts: Mounts): void {
  const receiver = receiverOf(call);
  const name = calledName(call);
  if (receiver && /^(Route|Group|Mount)$/.test(name)) {
    const path = constantText(program, place, call.args[0]);
    const child = call.args.at(-1);
    if (child && (child.k === "function" || name === "Mount"))
      mounts.add(identityOf(program, place, child), identityOf(program, place, receiver), path ?? "");
    return;
  }
  const callee = functionOf(program, program.resolve(place, call.callee));
  if (!callee) return;
  const offset = program.function(callee).receiver !== null && receiver ? 1 : 0;
  call.args.forEach((arg, i) => {
    if (arg.k === "call" && calledName(arg) === "Group") {
      const parent = receiverOf(arg);
      mounts.add(
        `${callee.m}:${callee.f}:@${i + offset}`,
        parent ? identityOf(program, place, parent) : null,
        constantText(program, place, arg.args[0]) ?? "",
      );
      return;
    }
    if (arg.k !== "name") return;
    const given = identityOf(program, place, arg);
    const values = program.function(place).bindings.get(arg.name);
    const isRouter = values?.some(
      (value) =>
        value.k === "call" && /^(Group|Default|New|NewRouter|NewServeMux|Subrouter)$/.test(calledName(value)),
    );
    if (given !== null && (isRouter || given.includes(":@")))
      mounts.add(`${callee.m}:${callee.f}:@${i + offset}`, given, "");
  });
}

function routeOf(program: Program, place: Place, call: Call, mounts: Mounts, drafts: EntryDraft[]): void {
  const name = calledName(call);
  const receiver = receiverOf(call);
  if (!receiver) return;
  const emit = (kind: EntryDraft["kind"], title: string, at: Place): void => {
    drafts.push({ kind, name: title, m: place.m, line: call.at, place: at });
  };
  const handlers = (args: readonly Expr[]): Place[] =>
    args.flatMap((arg) => handlersIn(program, place, arg, 0));
  if (name === "HandleFunc" || name === "Handle" || VERBS.test(name)) {
    const text = constantText(program, place, call.args[0]);
    if (text === null) return;
    const [, method, path = ""] = /^(?:([A-Z]+) )?(?:[\w.-]*)(\/.*)?$/.exec(text) ?? [];
    if (path === "" && text !== "") return;
    const found = handlers(call.args.slice(1));
    const last = found.at(-1);
    if (!last) return;
    const verb = VERBS.test(name)
      ? /^(Any|All)$/.test(name)
        ? "ALL"
        : name.toUpperCase()
      : (method ?? methodOf(program, place, call) ?? "ALL");
    for (const prefix of prefixesOf(program, place, receiver, mounts)) {
      const title = `${verb} ${joinPath(prefix, path)}`;
      for (const before of found.slice(0, -1)) emit("handler", title, before);
      emit("route", title, last);
    }
  } else if (name === "Use") {
    for (const at of handlers(call.args)) emit("handler", program.function(at).name || "Use", at);
  } else if (name === "AddFunc") {
    const at = handlers(call.args.slice(1))[0];
    if (at)
      emit(
        "job",
        program.function(at).name || `cron ${constantText(program, place, call.args[0]) ?? ""}`,
        at,
      );
  }
}

/** The prefixes of a router, also of one that is only made on the way: `r.Group("/user").Use(auth).POST(…)`. */
function prefixesOf(program: Program, place: Place, router: Expr, mounts: Mounts): string[] {
  const on = router.k === "call" ? receiverOf(router) : null;
  if (router.k !== "call" || !on || !/^(Group|Use|With)$/.test(calledName(router)))
    return mounts.prefixesOf(identityOf(program, place, router));
  const path = calledName(router) === "Group" ? (constantText(program, place, router.args[0]) ?? "") : "";
  return prefixesOf(program, place, on, mounts).map((prefix) => joinPath(prefix, path));
}

/** gorilla: `r.HandleFunc("/x", h).Methods("GET")`: the outer call is found from the function's roots. */
function methodOf(program: Program, place: Place, call: Call): string | null {
  for (const root of program.function(place).roots)
    if (root.k === "call" && calledName(root) === "Methods" && receiverOf(root) === call)
      return constantText(program, place, root.args[0]);
  return null;
}

function handlersIn(program: Program, place: Place, arg: Expr, depth: number): Place[] {
  if (depth > 4) return [];
  if (arg.k === "function") return [{ m: place.m, f: arg.fn }];
  const ref = program.resolve(place, arg);
  if (ref?.t === "instance") {
    const serve = program.classMember(ref, "ServeHTTP");
    if (serve?.t === "function") return [serve];
  }
  if (arg.k === "call") {
    // `http.HandlerFunc(h)`, `auth(h)`: what is wrapped runs; a function that makes a handler runs by its own body.
    const inner = arg.args.flatMap((one) => handlersIn(program, place, one, depth + 1));
    if (inner.length > 0) return inner;
    const maker = functionOf(program, program.resolve(place, arg.callee));
    return maker ? [maker] : [];
  }
  const at = functionOf(program, ref);
  return at ? [at] : [];
}
