/**
 * Where a prepared statement is made: it is run by a name, a field or an import, often far from the text that was
 * prepared, and is the same statement however it came there.
 */

import { goPackage } from "../go-scope.ts";
import type { Expr } from "../ir.ts";
import type { Place, Program } from "../program.ts";

/** An expression and where it stands. */
interface Defined {
  expr: Expr;
  place: Place;
}

const DEPTH_MAX = 8;

/** The call or the tagged text behind a name, a member or a field; null where it is not seen. */
export function statementBehind(program: Program, place: Place, expr: Expr, depth = 0): Defined | null {
  if (depth > DEPTH_MAX) return null;
  if (expr.k === "call" || expr.k === "tagged") return { expr, place };
  if (expr.k === "name") {
    for (let f: number | null = place.f; f !== null; ) {
      const fn = program.function({ m: place.m, f });
      const value = fn.bindings.get(expr.name)?.at(-1);
      if (value) return value === expr ? null : statementBehind(program, { m: place.m, f }, value, depth + 1);
      f = fn.outer;
    }
    return imported(program, place, expr.name, depth);
  }
  if (expr.k !== "member") return null;
  const bound =
    expr.of.k === "name"
      ? program.function(place).bindings.get(`${expr.of.name}.${expr.name}`)?.at(-1)
      : undefined;
  if (bound) return statementBehind(program, place, bound, depth + 1);
  const of = program.resolve(place, expr.of);
  const struct = program.goFields.structOf(of);
  if (struct && program.module(struct.m).language === "go") {
    for (const given of program.goFields.of(struct, expr.name)) {
      const found = statementBehind(program, given.place, given.expr, depth + 1);
      if (found) return found;
    }
    return null;
  }
  if (of?.t === "instance" || of?.t === "class") {
    const cls = program.class(of);
    const value = cls.fields.find((field) => field.name === expr.name)?.value;
    const maker = cls.methods.get("constructor") ?? cls.methods.get("__init__") ?? 0;
    return value ? statementBehind(program, { m: of.m, f: maker }, value, depth + 1) : null;
  }
  if (of?.t === "expr" && of.expr.k === "object") {
    const value = of.expr.entries.find((entry) => entry.key === expr.name)?.value;
    return value ? statementBehind(program, of.place, value, depth + 1) : null;
  }
  if (of?.t === "module") return exported(program, of.m, expr.name, depth);
  return null;
}

/** What an imported name was given where it is declared; in Go, a name of another file of the package. */
function imported(program: Program, place: Place, name: string, depth: number): Defined | null {
  const module = program.module(place.m);
  const one = module.imports.find((item) => item.local === name);
  if (!one && module.language === "go")
    for (const m of goPackage(program, module.file)) {
      const value = program.module(m).functions[0]?.bindings.get(name)?.at(-1);
      if (value) return statementBehind(program, { m, f: 0 }, value, depth + 1);
    }
  if (!one) return null;
  const target = program.imports.resolve(module, one.source);
  return "module" in target ? exported(program, target.module, one.name, depth) : null;
}

/** What a module gives under a name. */
function exported(program: Program, m: number, name: string, depth: number): Defined | null {
  const module = program.module(m);
  const given = module.exports.find((one) => one.name === name)?.value ?? null;
  const place = { m, f: 0 };
  if (given && !(given.k === "name" && given.name === name))
    return statementBehind(program, place, given, depth + 1);
  const value = module.functions[0]?.bindings.get(name)?.at(-1);
  return value ? statementBehind(program, place, value, depth + 1) : null;
}
