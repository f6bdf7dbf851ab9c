/** Objects of options as libraries take them: written out, given by a function, held under a name, spread into others. */

import type { Expr } from "../ir.ts";
import type { Place } from "../program.ts";
import type { AccessContext } from "./emit.ts";

/** Code at a place: an object of options, or a function that gives one. */
export interface Given {
  place: Place;
  expr: Expr;
}

/**
 * The objects that options can be: themselves, what a function gives, what a name holds, what is spread into them.
 * `onlySure` leaves out those that are one of several.
 */
export function objectsOf(
  ctx: AccessContext,
  { place, expr }: Given,
  onlySure = false,
  depth = 0,
): { place: Place; expr: Expr & { k: "object" } }[] {
  if (depth > 8) return [];
  const next = (inner: Expr, at: Place = place) =>
    objectsOf(ctx, { place: at, expr: inner }, onlySure, depth + 1);
  if (expr.k === "object") {
    const spread = expr.entries.flatMap(({ key, value }) => (key === null ? next(value) : []));
    return [{ place, expr }, ...spread];
  }
  if (expr.k === "function") {
    const at = { m: place.m, f: expr.fn };
    const { returns } = ctx.program.function(at);
    return onlySure && returns.length > 1 ? [] : returns.flatMap((value) => next(value, at));
  }
  if (expr.k === "either" || expr.k === "other") return onlySure ? [] : expr.of.flatMap((one) => next(one));
  if (expr.k !== "name" && expr.k !== "member" && expr.k !== "call") return [];
  const ref = ctx.program.resolve(place, expr);
  return ref?.t === "expr" && ref.expr.k === "object" ? next(ref.expr, ref.place) : [];
}
