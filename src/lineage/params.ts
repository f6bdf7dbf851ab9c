/** What a parameter holds, by its type, its default or what is injected. */

import type { FunctionIR } from "./ir.ts";
import type { Program } from "./program.ts";
import type { Place, Ref } from "./refs.ts";

/** The value of a parameter, or null. */
export function paramRef(
  program: Program,
  place: Place,
  param: FunctionIR["params"][number],
  depth: number,
): Ref | null {
  if (param.type) {
    const type = program.resolve({ m: place.m, f: 0 }, param.type, depth + 1);
    if (type?.t === "class") return { t: "instance", m: type.m, c: type.c };
    if (type?.t === "instance" || type?.t === "package") return type;
    // A shape, or what a function returns: `ReturnType<typeof createRepo>`.
    if (type?.t === "expr" && type.expr.k === "object") return type;
  }
  if (!param.initial) return null;
  // FastAPI: `Depends(get_repo)` gives what get_repo gives.
  const { initial } = param;
  const given =
    initial.k === "call" &&
    initial.callee.k === "name" &&
    /^(Depends|Inject|Provide)$/.test(initial.callee.name)
      ? initial.args[0]
      : undefined;
  return given
    ? program.resolve(place, { k: "call", callee: given, args: [], at: initial.at, isNew: false }, depth + 1)
    : program.resolve(place, initial, depth + 1);
}
