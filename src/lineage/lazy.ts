/** Components and modules that are loaded when they are needed. */

import type { Expr } from "./ir.ts";
import type { Program } from "./program.ts";
import type { Place, Ref } from "./refs.ts";

/** `dynamic(() => import("./chart"))`, `lazy(() => import("./x").then((m) => m.Chart))`: a component in another file. */
export function loadedLater(
  program: Program,
  place: Place,
  expr: Expr & { k: "call" },
  depth: number,
): Ref | null {
  const { callee } = expr;
  const name = callee.k === "member" || callee.k === "name" ? callee.name : "";
  const [loader] = expr.args;
  if (!/^(dynamic|lazy|loadable|lazyWithPreload)$/.test(name) || loader?.k !== "function") return null;
  let value = program.function({ m: place.m, f: loader.fn }).returns[0];
  let member = "default";
  if (value?.k === "call" && value.callee.k === "member" && value.callee.name === "then") {
    const then = value.args[0];
    const given =
      then?.k === "function" ? program.function({ m: place.m, f: then.fn }).returns[0] : undefined;
    if (given?.k === "member") member = given.name;
    else if (given?.k === "object" && given.entries[0]?.value.k === "member")
      member = given.entries[0].value.name;
    value = value.callee.of;
  }
  const module = value ? program.resolve(place, value, depth + 1) : null;
  return module?.t === "module" ? program.exported(module.m, member, depth + 1) : null;
}
