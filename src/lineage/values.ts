/**
 * What an expression can be when the arguments of the calls on its way are known: `tableOf(new Users(db)).find()` is a
 * different table for every repository that `tableOf` is given, which resolution without arguments cannot tell.
 */

import { argumentsOf, DEPTH_MAX, type Find, memberOfInstance } from "./instances.ts";
import type { Expr, FunctionIR } from "./ir.ts";
import type { Place, Program } from "./program.ts";
import { valuesAt } from "./reaching.ts";
import { constantOf, type Frame, fromRef, type Scope, type Value } from "./value.ts";

const UNKNOWN: readonly Value[] = [{ t: "outside", path: null }];
const VALUES_MAX = 8;
/** Expressions looked at for one question. */
const STEPS_MAX = 800;

export class Values {
  readonly #program: Program;
  #steps = 0;
  /** How often a bound has cut an answer. */
  #cuts = 0;
  /** What was found without any argument. */
  readonly #known = new Map<Expr, readonly Value[]>();

  constructor(program: Program) {
    this.#program = program;
  }

  /** Everything that an expression can be, as far as it is seen; empty when nothing is. */
  of(place: Place, expr: Expr): readonly Value[] {
    this.#steps = 0;
    return this.#find({ ...place, frame: null }, expr, 0);
  }

  /** What a value gives as a property: what a method returns, everything else is itself. */
  read(value: Value): readonly Value[] {
    this.#steps = 0;
    return value.t === "function" ? this.#call(value, [], { ...value, frame: null }, 0) : [value];
  }

  /** What an expression of a method can be when it is called on an object. */
  inMethod(self: Value, place: Place, expr: Expr): readonly Value[] {
    this.#steps = 0;
    return this.#find({ ...place, frame: { ...place, args: new Map(), self, outer: null } }, expr, 0);
  }

  #find(scope: Scope, expr: Expr, depth: number): readonly Value[] {
    if (depth > DEPTH_MAX || ++this.#steps > STEPS_MAX) {
      this.#cuts++;
      return [];
    }
    if (scope.frame) return bounded(this.#look(scope, expr, depth));
    const known = this.#known.get(expr);
    if (known) return known;
    // A name given to itself ends here.
    this.#known.set(expr, []);
    const cuts = this.#cuts;
    const found = bounded(this.#look(scope, expr, depth));
    // What a bound has cut says nothing about the next who asks.
    if (cuts !== this.#cuts) this.#known.delete(expr);
    else this.#known.set(expr, found);
    return found;
  }

  readonly #findIn: Find = (scope, expr, depth) => this.#find(scope, expr, depth);

  #look(scope: Scope, expr: Expr, depth: number): readonly Value[] {
    const next = (inner: Expr) => this.#find(scope, inner, depth + 1);
    switch (expr.k) {
      case "name":
        return this.#name(scope, expr.name, expr.at, depth);
      case "function":
        return [{ t: "function", m: scope.m, f: expr.fn, self: null, frame: scope.frame }];
      case "text":
      case "tagged":
      case "object":
      case "list":
        return [{ t: "expr", scope, expr }];
      case "either":
        return expr.of.filter((one) => one.k !== "value").flatMap(next);
      case "named":
        return next(expr.of);
      case "other":
        return expr.of.length === 1 && expr.of[0] ? next(expr.of[0]) : [];
      case "member": {
        const bound = this.#bound(scope, expr, depth);
        if (bound.length > 0) return bound;
        const of = next(expr.of);
        // A part of what is not understood is a part all the same.
        return (of.length > 0 ? of : UNKNOWN).flatMap((one) => this.#member(one, expr.name, depth + 1));
      }
      case "index":
        return this.#indexed(scope, expr.of, expr.key, depth);
      case "item":
        return next(expr.of).flatMap((of): readonly Value[] => {
          if (of.t !== "expr" || of.expr.k !== "list") return [{ t: "outside", path: null }];
          const items = expr.nth === undefined ? of.expr.items : of.expr.items.slice(expr.nth, expr.nth + 1);
          return items.flatMap((item) => this.#find(of.scope, item, depth + 1));
        });
      case "call":
        return this.#called(scope, expr, depth);
      default:
        return [];
    }
  }

  /** `client.db = …` in the same function. */
  #bound(scope: Scope, expr: Expr & { k: "member" }, depth: number): readonly Value[] {
    if (expr.of.k !== "name") return [];
    const path = `${expr.of.name}.${expr.name}`;
    const values = this.#program.function(scope).bindings.get(path) ?? [];
    return values.filter((one) => one !== expr).flatMap((one) => this.#find(scope, one, depth + 1));
  }

  #name(scope: Scope, name: string, line: number, depth: number): readonly Value[] {
    if (name === "this" || name === "self" || name === "cls") {
      for (let frame = scope.frame; frame; frame = frame.outer) if (frame.self) return [frame.self];
      const own = this.#program.classAt(scope);
      if (own) return [{ ...own, made: null }];
    }
    for (let f: number | null = scope.f; f !== null; ) {
      const place = { m: scope.m, f };
      const fn: FunctionIR = this.#program.function(place);
      const values = valuesAt(fn, name, f === scope.f ? line : Number.MAX_SAFE_INTEGER);
      if (values.length > 0) {
        const at = { ...place, frame: scope.frame };
        return values
          .filter((value) => !(value.k === "name" && value.name === name))
          .flatMap((value) => this.#find(at, value, depth + 1));
      }
      const param = fn.params.find((one) => one.name === name);
      if (param) return this.#param(scope, place, param, depth);
      f = fn.outer;
    }
    const imported = this.#program.module(scope.m).imports.find((one) => one.local === name);
    if (imported && imported.name !== "*" && imported.name !== "**") {
      const target = this.#program.imports.resolve(this.#program.module(scope.m), imported.source);
      if ("module" in target) {
        const found = this.#exported(target.module, imported.name, depth);
        if (found.length > 0) return found;
      }
    }
    const ref = this.#program.lookup({ m: scope.m, f: 0 }, name);
    return ref ? fromRef(ref) : UNKNOWN;
  }

  #param(scope: Scope, place: Place, param: FunctionIR["params"][number], depth: number): readonly Value[] {
    for (let frame = scope.frame; frame; frame = frame.outer) {
      const given = frame.m === place.m && frame.f === place.f ? frame.args.get(param.name) : undefined;
      if (given) return this.#find(given.scope, given.expr, depth + 1);
    }
    const ref = this.#program.lookup(place, param.name);
    if (ref && ref.t !== "expr") return fromRef(ref);
    return [{ t: "given", type: param.type, scope: { ...place, frame: null } }];
  }

  /** What a module gives under a name: a class, a function, or the value of a name at its top. */
  #exported(m: number, name: string, depth: number): readonly Value[] {
    if (depth > DEPTH_MAX) return [];
    const ref = this.#program.exported(m, name);
    if (ref && ref.t !== "expr") return fromRef(ref);
    const module = this.#program.module(m);
    const scope: Scope = { m, f: 0, frame: null };
    for (const one of module.exports) {
      if (one.name !== name && !(one.name === "*" && one.source !== null)) continue;
      if (one.value && !(one.value.k === "name" && one.value.name === name))
        return this.#find(scope, one.value, depth + 1);
      if (one.source === null) continue;
      const target = this.#program.imports.resolve(module, one.source);
      const found = "module" in target ? this.#exported(target.module, one.from ?? name, depth + 1) : [];
      if (found.length > 0) return found;
    }
    const values = module.functions[0]?.bindings.get(name) ?? [];
    return values.flatMap((value) => this.#find(scope, value, depth + 1));
  }

  /** What `of.name` can be. */
  #member(of: Value, name: string, depth: number): readonly Value[] {
    if (depth > DEPTH_MAX) return [];
    const unknown: readonly Value[] = [{ t: "part", of, name }];
    switch (of.t) {
      case "class":
        return this.#member({ ...of, t: "instance", made: null }, name, depth);
      case "instance": {
        const found = memberOfInstance(this.#program, this.#findIn, of, of, of.made, name, depth);
        return found.length > 0 ? found : unknown;
      }
      case "module": {
        const found = this.#exported(of.m, name, depth + 1);
        return found.length > 0 ? found : unknown;
      }
      case "function": {
        // A property: what it is read for is what it returns.
        const found = this.#call(of, [], { ...of, frame: null }, depth + 1);
        return found.length > 0 ? found.flatMap((one) => this.#member(one, name, depth + 1)) : unknown;
      }
      case "expr": {
        const entry = of.expr.k === "object" ? of.expr.entries.find((one) => one.key === name) : undefined;
        return entry ? this.#find(of.scope, entry.value, depth + 1) : unknown;
      }
      default:
        return unknown;
    }
  }

  #called(scope: Scope, expr: Expr & { k: "call" }, depth: number): readonly Value[] {
    const { callee, args } = expr;
    if (callee.k === "name" && this.#program.module(scope.m).language === "python") {
      const [first, second] = args;
      if (callee.name === "getattr" && first && second) return this.#indexed(scope, first, second, depth);
      if (callee.name === "cast" && second) return this.#find(scope, second, depth + 1);
    } else if (
      callee.k === "member" &&
      callee.name === "cast" &&
      callee.of.k === "name" &&
      /^(typing|t)$/.test(callee.of.name) &&
      args[1]
    )
      return this.#find(scope, args[1], depth + 1);
    return this.#find(scope, callee, depth + 1).flatMap((of) => this.#call(of, args, scope, depth + 1));
  }

  /** What calling a value gives. */
  #call(of: Value, args: readonly Expr[], scope: Scope, depth: number): readonly Value[] {
    switch (of.t) {
      case "class":
        return [{ t: "instance", m: of.m, c: of.c, made: { scope, args } }];
      case "function": {
        const frame: Frame = {
          m: of.m,
          f: of.f,
          args: argumentsOf(this.#program, of, args, scope),
          self: of.self,
          outer: of.frame,
        };
        return this.#program
          .function(of)
          .returns.flatMap((value) => this.#find({ m: of.m, f: of.f, frame }, value, depth + 1));
      }
      case "outside":
        return [{ t: "outside", path: of.path === null ? null : `${of.path}()` }];
      case "part":
        return [{ t: "part", of, name: "()" }];
      default:
        return [];
    }
  }

  /** `of[key]` and `getattr(of, key)`. */
  #indexed(scope: Scope, of: Expr, key: Expr, depth: number): readonly Value[] {
    const keys = key.k === "value" ? [key.value] : this.#find(scope, key, depth + 1).map(constantOf);
    return this.#find(scope, of, depth + 1).flatMap((value): readonly Value[] => {
      if (value.t === "expr" && value.expr.k === "list") {
        const { items } = value.expr;
        const chosen = typeof keys[0] === "number" ? items.slice(keys[0]).slice(0, 1) : items;
        return chosen.flatMap((item) => this.#find(value.scope, item, depth + 1));
      }
      if (value.t === "expr" && value.expr.k === "object" && !keys.some((one) => typeof one === "string"))
        return value.expr.entries.flatMap((entry) => this.#find(value.scope, entry.value, depth + 1));
      return (keys.length > 0 ? keys : [null]).flatMap((one) =>
        typeof one === "string"
          ? this.#member(value, one, depth + 1)
          : [{ t: "part", of: value, name: null } as const],
      );
    });
  }
}

function bounded(values: readonly Value[]): readonly Value[] {
  return values.length > VALUES_MAX ? values.slice(0, VALUES_MAX) : values;
}
