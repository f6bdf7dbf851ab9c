/** Calls of functions that are not in the tree, which hand on what they are given: `cache(load)`, `inject({ save, load }, deps)`. */

import type { Expr } from "./ir.ts";
import type { Program } from "./program.ts";
import type { Place, Ref } from "./refs.ts";

/** The function, or the object of functions, that a wrapper was given; null when the call wraps none. */
export function wrappedBy(
  program: Program,
  place: Place,
  expr: Expr & { k: "call" },
  callee: Ref | null,
  depth: number,
): Ref | null {
  const [first] = expr.args;
  const functions = expr.args.filter((arg) => arg.k === "function" || arg.k === "name");
  const [only] = functions;
  if (only && (expr.args.length === 1 || only.k === "function")) {
    const inner = program.resolve(place, only, depth + 1);
    if (inner?.t === "function" && (only.k === "function" || callee?.t === "package" || callee === null))
      return inner;
  }
  if (callee !== null && callee.t !== "package") return null;
  return first?.k === "object" && holdsFunctions(program, place, first, depth)
    ? { t: "expr", place, expr: first }
    : null;
}

/** True for `{ save, load }` where all are functions: options of a call hold other things as well. */
function holdsFunctions(
  program: Program,
  place: Place,
  { entries }: Expr & { k: "object" },
  depth: number,
): boolean {
  return (
    entries.length > 0 &&
    entries.every(
      ({ key, value }) =>
        key !== null &&
        (value.k === "function" ||
          (value.k === "name" && program.resolve(place, value, depth + 1)?.t === "function")),
    )
  );
}
