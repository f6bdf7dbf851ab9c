/** What an expression can be, and the calls that it was found through. */

import { type Expr, type FunctionIR, partsOf } from "./ir.ts";
import type { Place, Ref } from "./refs.ts";

/** Where an expression stands, and with which arguments the functions around it were called. */
export interface Scope extends Place {
  frame: Frame | null;
}

/** One call of a function: its arguments, the object it is a method of, and the call that it was made in. */
export interface Frame {
  m: number;
  f: number;
  args: ReadonlyMap<string, Given>;
  self: Value | null;
  outer: Frame | null;
}

export interface Given {
  scope: Scope;
  expr: Expr;
}

export type Value =
  /** An object of a class of the tree; `made` is how it was made, where that is seen. */
  | { t: "instance"; m: number; c: number; made: { scope: Scope; args: readonly Expr[] } | null }
  | { t: "class"; m: number; c: number }
  | { t: "function"; m: number; f: number; self: Value | null; frame: Frame | null }
  | { t: "module"; m: number }
  /** A text, an object or a list. */
  | { t: "expr"; scope: Scope; expr: Expr }
  /** Something that is not in the tree; `path` is a package's, or null. */
  | { t: "outside"; path: string | null }
  /** A part of something whose inside is not known; a null name is known to run time only. */
  | { t: "part"; of: Value; name: string | null }
  /** What a parameter holds that nobody is seen to give. */
  | { t: "given"; type: Expr | null; scope: Scope };

export type Instance = Value & { t: "instance" };

/** What a reference of the tree is as a value. */
export function fromRef(ref: Ref): readonly Value[] {
  switch (ref.t) {
    case "function":
      return [{ ...ref, self: null, frame: null }];
    case "instance":
      return [{ ...ref, made: null }];
    case "class":
    case "module":
      return [ref];
    case "package":
      return [{ t: "outside", path: ref.path }];
    case "expr":
      return [{ t: "expr", scope: { ...ref.place, frame: null }, expr: ref.expr }];
    default:
      return [{ t: "outside", path: null }];
  }
}

/** The arguments of a call by the names that they are given to. */
export function assigned(names: readonly string[], args: readonly Expr[], scope: Scope): Map<string, Given> {
  const given = new Map<string, Given>();
  let n = 0;
  for (const arg of args) {
    const name = arg.k === "named" ? arg.name : names[n++];
    if (name) given.set(name, { scope, expr: arg.k === "named" ? arg.of : arg });
  }
  return given;
}

/** The text of a value that is one constant text, or null. */
export function constantOf(value: Value): string | null {
  if (value.t !== "expr" || value.expr.k !== "text") return null;
  const { parts } = value.expr;
  return parts.every((part) => typeof part === "string") ? parts.join("") : null;
}

/** What a maker gives its base: `super(prisma.user)`, `super().__init__(db)`. */
export function superArgs(maker: FunctionIR, scope: Scope): Instance["made"] {
  const pending: Expr[] = [...maker.roots];
  for (let steps = 0; pending.length > 0 && steps < 200; steps++) {
    const expr = pending.shift() as Expr;
    if (expr.k === "call") {
      const { callee } = expr;
      // Python calls the base's maker, JavaScript the base itself.
      const of = callee.k === "member" && callee.name === "__init__" ? callee.of : callee;
      const root = of !== callee && of.k === "call" ? of.callee : of;
      if (root.k === "name" && root.name === "super" && (of !== callee || expr.args.length > 0))
        return { scope, args: expr.args };
    }
    pending.push(...partsOf(expr));
  }
  return null;
}
