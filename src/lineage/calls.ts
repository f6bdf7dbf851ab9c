/** Call edges: calls, components shown, and functions handed on; a callee that cannot be known stays unknown. */

import type { CallFact } from "./facts.ts";
import type { Expr } from "./ir.ts";
import { spell } from "./ir.ts";
import type { Place, Program, Ref } from "./program.ts";
import type { Site } from "./sites.ts";

/** The function that runs when a value is called, or null. */
export function functionOf(program: Program, ref: Ref | null): Place | null {
  if (ref?.t === "function") return { m: ref.m, f: ref.f };
  if (ref?.t === "class" || ref?.t === "instance") {
    for (const name of ref.t === "class" ? ["constructor", "__init__"] : ["__call__"]) {
      const method = program.classMember(ref, name);
      if (method?.t === "function") return { m: method.m, f: method.f };
    }
  }
  return null;
}

/** All edges of the tree, between functions that stand for themselves. */
export function callFacts(
  program: Program,
  sites: readonly Site[],
  idOf: (place: Place) => number,
): CallFact[] {
  const facts: CallFact[] = [];
  const seen = new Set<string>();
  const add = (place: Place, callee: Place | null, text: string, line: number, how: CallFact["how"]) => {
    const caller_id = idOf(place);
    const callee_id = callee ? idOf(callee) : null;
    // A nested function belongs to the caller itself.
    if (callee_id === caller_id && callee && program.function(callee).rank !== "named") return;
    const key = `${caller_id} ${callee_id ?? text} ${line} ${how}`;
    if (seen.has(key)) return;
    seen.add(key);
    facts.push({ caller_id, callee_id, callee: text, file: program.module(place.m).file, line, how });
  };
  for (const { place, expr } of sites) {
    if (expr.k === "element") {
      const callee = functionOf(program, componentOf(program, program.resolve(place, expr.name)));
      if (callee) add(place, callee, spell(expr), expr.at, "render");
      continue;
    }
    const target = expr.k === "call" ? expr.callee : expr.tag;
    const callee = functionOf(program, program.resolve(place, target));
    const text = spell(target);
    if (callee || (text !== "…" && text !== "(function)")) add(place, callee, text, expr.at, "call");
    if (expr.k !== "call") continue;
    for (const arg of expr.args) handedOn(program, place, arg, add);
  }
  return facts;
}

/** A function given as an argument is taken to be called by who gives it: `on("end", save)`, `add_task(save, …)`. */
function handedOn(
  program: Program,
  place: Place,
  arg: Expr,
  add: (place: Place, callee: Place | null, text: string, line: number, how: CallFact["how"]) => void,
): void {
  const value = arg.k === "named" ? arg.of : arg;
  if (value.k !== "name" && value.k !== "member") return;
  const ref = program.resolve(place, value);
  if (ref?.t === "function") add(place, ref, spell(value), value.at, "call");
}

/** `memo(Chart)`, a class component, an object of components: what is shown. */
function componentOf(program: Program, ref: Ref | null): Ref | null {
  if (ref?.t !== "class") return ref;
  return program.classMember(ref, "render") ?? ref;
}
