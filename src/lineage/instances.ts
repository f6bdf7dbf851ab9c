/** What an object of a class holds under a name: what it was made with decides that, over its makers and its bases. */

import type { Expr } from "./ir.ts";
import type { Place, Program } from "./program.ts";
import {
  assigned,
  type Frame,
  fromRef,
  type Given,
  type Instance,
  type Scope,
  superArgs,
  type Value,
} from "./value.ts";

/** Finds what an expression can be. */
export type Find = (scope: Scope, expr: Expr, depth: number) => readonly Value[];

/** How far one question is followed. */
export const DEPTH_MAX = 40;

/** A method or a field of an object, looked for in `cls` and its bases; `made` is how that class's part was made. */
export function memberOfInstance(
  program: Program,
  find: Find,
  self: Instance,
  cls: { m: number; c: number },
  made: Instance["made"],
  name: string,
  depth: number,
): readonly Value[] {
  if (depth > DEPTH_MAX) return [];
  const { methods, fields, bases } = program.class(cls);
  const method = methods.get(name);
  if (method !== undefined) return [{ t: "function", m: cls.m, f: method, self, frame: null }];
  const maker = methods.get("constructor") ?? methods.get("__init__");
  const place = { m: cls.m, f: maker ?? 0 };
  const args = made && maker !== undefined ? argumentsOf(program, place, made.args, made.scope) : new Map();
  const frame: Frame = { ...place, args, self, outer: null };
  const declared = fields.filter((field) => field.name === name);
  const found = declared.flatMap((field): readonly Value[] => {
    if (field.value) return find({ ...place, frame }, field.value, depth + 1);
    // `constructor(private users: Users)` and the fields of a dataclass are what the maker is given.
    const given = args.get(name) ?? (maker === undefined ? ofDataclass(program, cls, made, name) : undefined);
    if (given) return find(given.scope, given.expr, depth + 1);
    const type = field.type ? program.resolve({ m: cls.m, f: 0 }, field.type) : null;
    if (type?.t === "class") return [{ ...type, t: "instance", made: null }];
    if (type && type.t !== "expr") return fromRef(type);
    return [{ t: "given", type: field.type, scope: { m: cls.m, f: 0, frame: null } }];
  });
  if (declared.length > 0) return found;
  for (const base of bases) {
    const ref = program.resolve({ m: cls.m, f: 0 }, base.k === "call" ? base.callee : base);
    if (ref?.t !== "class" || (ref.m === cls.m && ref.c === cls.c)) continue;
    const handed = maker === undefined ? made : superArgs(program.function(place), { ...place, frame });
    const inherited = memberOfInstance(program, find, self, ref, handed, name, depth + 1);
    if (inherited.length > 0) return inherited;
  }
  return [];
}

/** A field of a dataclass: its maker takes the fields in their order. */
function ofDataclass(
  program: Program,
  cls: { m: number; c: number },
  made: Instance["made"],
  name: string,
): Given | undefined {
  if (!made) return undefined;
  const names = program.class(cls).fields.map((field) => field.name);
  return assigned(names, made.args, made.scope).get(name);
}

/** The arguments of a call by the names of the parameters. */
export function argumentsOf(
  program: Program,
  place: Place,
  args: readonly Expr[],
  scope: Scope,
): Map<string, Given> {
  const fn = program.function(place);
  const names = fn.params.map((param) => param.name);
  if (fn.cls !== null && /^(self|cls)$/.test(names[0] ?? "")) names.shift();
  return assigned(names, args, scope);
}
