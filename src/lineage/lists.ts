/** What stands in a list: its own items, what is appended to it, what it is made of. */

import type { Expr } from "./ir.ts";
import type { Place, Program } from "./program.ts";

/** The items of a list, followed through names. */
export function listOf(
  program: Program,
  place: Place,
  expr: Expr,
): { items: { expr: Expr; place: Place }[] } | null {
  if (expr.k === "list") return { items: expr.items.map((item) => ({ expr: item, place })) };
  if (
    expr.k === "call" &&
    expr.callee.k === "member" &&
    /^(keys|values|entries|filter|items|sort|slice)$/.test(expr.callee.name)
  )
    return listOf(program, place, expr.callee.of);
  if (
    expr.k === "call" &&
    expr.args.length === 1 &&
    expr.callee.k === "name" &&
    /^(set|list|tuple|sorted|frozenset|Set)$/.test(expr.callee.name)
  )
    return listOf(program, place, expr.args[0] as Expr);
  const ref = program.resolve(place, expr);
  const grown = expr.k === "name" ? appendedTo(program, place, expr.name) : [];
  if (ref?.t === "expr" && ref.expr.k === "list") {
    const { place: at } = ref;
    return { items: [...ref.expr.items.map((item) => ({ expr: item, place: at })), ...grown] };
  }
  return grown.length > 0 ? { items: grown } : null;
}

/** What is appended to the list that a name holds. */
function appendedTo(program: Program, place: Place, name: string): { expr: Expr; place: Place }[] {
  for (let f: number | null = place.f; f !== null; ) {
    const fn = program.function({ m: place.m, f });
    const at = { m: place.m, f };
    if (fn.bindings.has(name) || fn.bindings.has(`${name}[]`))
      return (fn.bindings.get(`${name}[]`) ?? []).map((value) => ({ expr: value, place: at }));
    f = fn.outer;
  }
  return [];
}
