/** Where a function uses a name: as the receiver of a call, to take rows from, or to hand it on. */

import type { Expr, FunctionIR } from "../../ir.ts";
import { partsOf } from "../../ir.ts";
import type { Place, Program } from "../../program.ts";
import { TAKES } from "./methods.ts";

export interface Use {
  place: Place;
  expr: Expr & { k: "name" };
  how: "receiver" | "taken" | "given";
}

const DEPTH_MAX = 200;

const known = new WeakMap<FunctionIR, Map<string, Use[]>>();

/** Names of a function that may hold something: parameters and what is given a value. */
export function namesHeld(fn: FunctionIR): Set<string> {
  const names = new Set<string>();
  for (const { name, type } of fn.params) if (type !== null) names.add(name);
  for (const name of fn.bindings.keys()) if (!/[.[]/.test(name)) names.add(name);
  return names;
}

/** Every use of a name, in the function and in those inside it that do not stand for themselves. */
export function usesOf(program: Program, place: Place, name: string): readonly Use[] {
  const fn = program.function(place);
  let uses = known.get(fn);
  if (!uses) {
    uses = new Map();
    const seen = new Set<Expr>();
    collect(program, place, uses, seen);
    for (const f of innerOf(program, place)) collect(program, { m: place.m, f }, uses, seen);
    known.set(fn, uses);
  }
  return uses.get(name) ?? [];
}

function innerOf(program: Program, place: Place): number[] {
  const inner: number[] = [];
  program.module(place.m).functions.forEach(({ rank, outer }, f) => {
    if ((rank === "inner" || rank === "anonymous") && (outer === place.f || inner.includes(outer ?? -1)))
      inner.push(f);
  });
  return place.f === 0 ? [] : inner;
}

function collect(program: Program, place: Place, uses: Map<string, Use[]>, seen: Set<Expr>): void {
  const fn = program.function(place);
  for (const expr of fn.returns) walk(place, expr, "given", uses, seen, 0);
  for (const values of fn.bindings.values())
    for (const value of values) walk(place, value, "given", uses, seen, 0);
  for (const expr of fn.roots) walk(place, expr, "given", uses, seen, 0);
}

function walk(
  place: Place,
  expr: Expr,
  how: Use["how"],
  uses: Map<string, Use[]>,
  seen: Set<Expr>,
  depth: number,
): void {
  if (depth > DEPTH_MAX || seen.has(expr)) return;
  seen.add(expr);
  const next = (part: Expr, as: Use["how"]) => walk(place, part, as, uses, seen, depth + 1);
  switch (expr.k) {
    case "name": {
      const of = uses.get(expr.name);
      if (of) of.push({ place, expr, how });
      else uses.set(expr.name, [{ place, expr, how }]);
      return;
    }
    case "member":
      return next(expr.of, "receiver");
    case "item":
      return next(expr.of, "taken");
    case "index":
      next(expr.of, "taken");
      return next(expr.key, "given");
    case "call": {
      next(expr.callee, "receiver");
      const takes = expr.callee.k === "name" && TAKES.test(expr.callee.name);
      for (const arg of expr.args) next(arg, takes ? "taken" : "given");
      return;
    }
    case "named":
      return next(expr.of, how);
    default:
      for (const part of partsOf(expr)) next(part, "given");
  }
}
