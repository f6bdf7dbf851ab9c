/** Every call of the tree, once, with the function it stands in: what all later stages look at. */

import type { Expr } from "./ir.ts";
import { partsOf } from "./ir.ts";
import type { Place, Program } from "./program.ts";

export type Call = Expr & { k: "call" };
export type Tagged = Expr & { k: "tagged" };

export interface Site {
  place: Place;
  expr: Call | Tagged | (Expr & { k: "element" });
  /** Its result is the receiver of a further call: `db.prepare(…)` in `db.prepare(…).run()`. */
  chained: boolean;
  /** The innermost call that it is an argument of, or null. */
  within: Call | null;
}

const DEPTH_MAX = 400;

/** All sites, in the order of modules and functions. */
export function sitesOf(program: Program): Site[] {
  const sites: Site[] = [];
  program.modules.forEach((module, m) => {
    module.functions.forEach((fn, f) => {
      const place = { m, f };
      for (const root of fn.roots) visit(root, place, false, null, sites, 0);
    });
  });
  return sites;
}

function visit(
  expr: Expr,
  place: Place,
  chained: boolean,
  within: Call | null,
  sites: Site[],
  depth: number,
): void {
  if (depth > DEPTH_MAX) return;
  switch (expr.k) {
    case "call":
      sites.push({ place, expr, chained, within });
      visit(expr.callee, place, true, within, sites, depth + 1);
      for (const arg of expr.args) visit(arg, place, false, expr, sites, depth + 1);
      return;
    case "tagged":
      sites.push({ place, expr, chained, within });
      visit(expr.tag, place, true, within, sites, depth + 1);
      visit(expr.text, place, false, within, sites, depth + 1);
      return;
    case "element":
      sites.push({ place, expr, chained: false, within: null });
      return;
    case "member":
      visit(expr.of, place, chained, within, sites, depth + 1);
      return;
    default:
      for (const part of partsOf(expr)) visit(part, place, false, within, sites, depth + 1);
  }
}

/** `X.name` → name; `name` → name; anything else "". */
export function calledName(call: Call | Tagged): string {
  const callee = call.k === "call" ? call.callee : call.tag;
  return callee.k === "member" || callee.k === "name" ? callee.name : "";
}

/** The receiver of a method call, or null. */
export function receiverOf(call: Call): Expr | null {
  return call.callee.k === "member" ? call.callee.of : null;
}

/** One step of a chain: `where` of `db("t").where(x)`; `args` is null for a plain member. */
export interface Step {
  name: string;
  args: readonly Expr[] | null;
  call: Call | null;
}

/** A chain from its root: `db("t").where(x).first()` is root `db`, steps `()`, `where`, `first`. */
export function chainOf(expr: Expr): { root: Expr; steps: Step[] } {
  const steps: Step[] = [];
  let here = expr;
  for (let depth = 0; depth < 200; depth++) {
    if (here.k === "call" && here.callee.k === "member" && !here.isNew) {
      steps.push({ name: here.callee.name, args: here.args, call: here });
      here = here.callee.of;
    } else if (here.k === "call" && here.callee.k === "name" && !here.isNew) {
      steps.push({ name: "()", args: here.args, call: here });
      here = here.callee;
    } else if (here.k === "member") {
      steps.push({ name: here.name, args: null, call: null });
      here = here.of;
    } else break;
  }
  return { root: here, steps: steps.reverse() };
}

/** The value of a named argument or an object's key. */
export function entryOf(args: readonly Expr[], key: string): Expr | null {
  for (const arg of args) {
    if (arg.k === "named" && arg.name === key) return arg.of;
    if (arg.k === "object") for (const entry of arg.entries) if (entry.key === key) return entry.value;
  }
  return null;
}
