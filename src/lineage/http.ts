/** Requests that code makes to its own routes: `fetch("/api/usage")` → `GET /api/usage`. */

import type { EntryDraft } from "./entries/entries.ts";
import type { CallFact } from "./facts.ts";
import type { Expr } from "./ir.ts";
import { spell } from "./ir.ts";
import type { Place, Program } from "./program.ts";
import { type Call, calledName, entryOf, receiverOf, type Site } from "./sites.ts";
import { textsOf } from "./text.ts";

const METHODS = /^(get|post|put|patch|delete|head|options)$/i;
/** What registers or compares a path and requests nothing. */
const NO_REQUEST =
  /^(use|route|redirect|push|replace|navigate|startsWith|includes|endsWith|match|test|log|info|warn|error|debug|HandleFunc|Handle|expect|describe|it|Link|revalidatePath|prefetch|permanentRedirect|rewrite|join|resolve|path|re_path|include|set|has|add|indexOf|equal|require|import|split)$/;

interface Route {
  method: string;
  steps: string[];
  place: Place;
}

/** Edges from a request to the function that answers it. */
export function httpFacts(
  program: Program,
  sites: readonly Site[],
  entries: readonly EntryDraft[],
  idOf: (place: Place) => number,
): CallFact[] {
  const routes = entries.filter((entry) => entry.kind === "route").map(routeOf);
  if (routes.length === 0) return [];
  const registered = new Set(entries.map((entry) => `${entry.m} ${entry.line}`));
  const facts: CallFact[] = [];
  const seen = new Set<string>();
  for (const { place, expr } of sites) {
    if (expr.k !== "call" || NO_REQUEST.test(calledName(expr))) continue;
    const module = program.module(place.m);
    const paths = pathsOf(program, place, expr);
    if (paths.length === 0 || registered.has(`${place.m} ${expr.at}`)) continue;
    for (const path of paths) {
      const method = methodOf(program, place, expr);
      for (const route of matching(routes, path, method)) {
        const fact: CallFact = {
          caller_id: idOf(place),
          callee_id: idOf(route.place),
          callee: `${spell(expr.callee)} ${path}`,
          file: module.file,
          line: expr.at,
          how: "http",
        };
        const key = `${fact.caller_id} ${fact.callee_id} ${fact.line}`;
        if (fact.caller_id === fact.callee_id || seen.has(key)) continue;
        seen.add(key);
        facts.push(fact);
      }
    }
  }
  return facts;
}

function routeOf(entry: EntryDraft): Route {
  const [method = "", path = ""] = entry.name.split(/ (.*)/s);
  return { method, steps: stepsOf(path), place: entry.place };
}

function stepsOf(path: string): string[] {
  return path.split("/").filter((step) => step !== "");
}

/** Paths in the first arguments: what looks like a path of a server, without host and query. */
function pathsOf(program: Program, place: Place, call: Call): string[] {
  const candidates = [...call.args.slice(0, 2), entryOf(call.args, "url"), entryOf(call.args, "path")];
  const paths = new Set<string>();
  for (const arg of candidates) {
    if (!arg || arg.k === "function" || arg.k === "value" || arg.k === "object") continue;
    for (const text of textsOf(program, place, arg)) {
      // Most texts have no slash and are no path: that is cheap to tell.
      if (!text.some((piece) => "text" in piece && piece.text.includes("/"))) continue;
      const path = pathOf(text.map((piece) => ("hole" in piece ? "\0" : piece.text)).join(""));
      if (path !== null) paths.add(path);
    }
  }
  return [...paths];
}

function pathOf(text: string): string | null {
  // The host: a literal one, or an interpolation in front.
  const path = text.replace(/^(?:https?:\/\/[^/]*|\0+)(?=\/)/, "").split(/[?#]/, 1)[0] ?? "";
  return path.startsWith("/") && path.length > 1 && !/\s/.test(path) && path.length < 300 ? path : null;
}

function methodOf(program: Program, place: Place, call: Call): string | null {
  const name = calledName(call);
  if (METHODS.test(name) && receiverOf(call)) return name.toUpperCase();
  const given = entryOf(call.args, "method");
  const text = given ? constant(program, place, given) : null;
  if (text !== null) return text.toUpperCase();
  // Go: http.NewRequest("POST", url, body).
  const first = call.args[0] ? constant(program, place, call.args[0]) : null;
  if (first !== null && METHODS.test(first)) return first.toUpperCase();
  return name === "fetch" || name === "EventSource" || /^use(SWR|Query|Fetch)/.test(name) ? "GET" : null;
}

function constant(program: Program, place: Place, expr: Expr): string | null {
  const text = textsOf(program, place, expr)[0];
  return text?.every((piece) => "text" in piece)
    ? text.map((piece) => ("text" in piece ? piece.text : "")).join("")
    : null;
}

/** The routes a path reaches; literal steps beat parameters. */
function matching(routes: readonly Route[], path: string, method: string | null): Route[] {
  const steps = stepsOf(path);
  let best: Route[] = [];
  let score = -1;
  for (const route of routes) {
    if (method !== null && route.method !== method && route.method !== "ALL") continue;
    const points = scoreOf(route.steps, steps);
    if (points < 0 || points < score) continue;
    if (points > score) best = [];
    score = points;
    best.push(route);
  }
  return best;
}

function scoreOf(pattern: readonly string[], steps: readonly string[]): number {
  let points = 0;
  for (let i = 0; i < pattern.length; i++) {
    const want = pattern[i] as string;
    if (/^(\[\[?\.\.\.|\*|\{[^}]*:path\}|:[^/]*\*)/.test(want)) return points;
    const have = steps[i];
    if (have === undefined) return -1;
    if (want === have) points += 2;
    else if (/^(\[.*\]|:.+|\{.+\}|<.+>)$/.test(want)) points += 0;
    else if (
      have.includes("\0") &&
      new RegExp(`^${have.split(/\0+/).map(quoteRegex).join(".*")}$`).test(want)
    )
      points += 1;
    else return -1;
  }
  // A trailing interpolation is most likely a query.
  const rest = steps.slice(pattern.length);
  return rest.length === 0 || rest.every((step) => /^\0+$/.test(step)) ? points : -1;
}

function quoteRegex(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
