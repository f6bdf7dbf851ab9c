/** The whole tree as one program: what a name, a member or a call in it refers to. */

import { Exports } from "./exports.ts";
import { GoFields } from "./go-fields.ts";
import { GoInterfaces } from "./go-interfaces.ts";
import { GoMethods, goMember } from "./go-scope.ts";
import { Imports } from "./imports.ts";
import type { ClassIR, Expr, FunctionIR, ModuleIR } from "./ir.ts";
import { loadedLater } from "./lazy.ts";
import { moduleOf } from "./lower/javascript-module.ts";
import { paramRef } from "./params.ts";
import { DEPTH_MAX, type Place, type Ref } from "./refs.ts";
import { wrappedBy } from "./wrappers.ts";

export type { Place, Ref } from "./refs.ts";

export class Program {
  readonly modules: readonly ModuleIR[];
  readonly imports: Imports;
  /** Every package that the tree imports. */
  readonly packages = new Set<string>();
  /** What the fields of Go's structs are given. */
  readonly goFields = new GoFields(this);
  readonly goMethods = new GoMethods(this);
  readonly goInterfaces = new GoInterfaces(this);
  readonly #exports = new Exports(this);
  readonly #importsOf: Map<string, ModuleIR["imports"][number]>[];
  readonly #classesOf: Map<string, number>[];

  constructor(root: string, modules: readonly ModuleIR[]) {
    this.modules = modules;
    this.imports = new Imports(root, modules);
    this.#importsOf = modules.map((module) => new Map(module.imports.map((one) => [one.local, one])));
    this.#classesOf = modules.map((module) => new Map(module.classes.map((cls, index) => [cls.name, index])));
    for (const module of modules)
      for (const one of [...module.imports, ...module.exports])
        if (one.source !== null && !one.source.startsWith(".")) this.packages.add(one.source);
  }

  /** True when the tree imports the package (or a part of it). */
  uses(name: string): boolean {
    for (const one of this.packages)
      if (one === name || one.startsWith(`${name}/`) || one.startsWith(`${name}.`)) return true;
    return false;
  }

  module(m: number): ModuleIR {
    return this.modules[m] as ModuleIR;
  }

  function(place: Place): FunctionIR {
    return this.module(place.m).functions[place.f] as FunctionIR;
  }

  class(ref: { m: number; c: number }): ClassIR {
    return this.module(ref.m).classes[ref.c] as ClassIR;
  }

  /** The nearest function that stands for itself. */
  owner(place: Place): number {
    let f = place.f;
    for (;;) {
      const fn = this.function({ m: place.m, f });
      if (fn.rank === "named" || fn.rank === "module" || fn.outer === null) return f;
      f = fn.outer;
    }
  }

  readonly #resolved = new Map<Expr, Ref | null>();
  /** How often a question was cut off for its depth. */
  #cuts = 0;
  /** The depth at which an expression was cut off: from there on it stays unknown, else a chain is walked 2^n times. */
  readonly #cutAt = new Map<Expr, number>();

  /** What an expression refers to, or null when that cannot be known. */
  resolve(place: Place, expr: Expr, depth = 0): Ref | null {
    if (depth > DEPTH_MAX) {
      this.#cuts++;
      return null;
    }
    const known = this.#resolved.get(expr);
    if (known !== undefined) return known;
    if (depth >= (this.#cutAt.get(expr) ?? Number.POSITIVE_INFINITY)) {
      this.#cuts++;
      return null;
    }
    // While it is looked for it is unknown: a name given to itself ends here.
    this.#resolved.set(expr, null);
    const cuts = this.#cuts;
    const ref = this.#find(place, expr, depth);
    // Unknown because it was too deep says nothing about the next who asks.
    if (ref || cuts === this.#cuts) this.#resolved.set(expr, ref);
    else {
      this.#resolved.delete(expr);
      this.#cutAt.set(expr, depth);
    }
    return ref;
  }

  #find(place: Place, expr: Expr, depth: number): Ref | null {
    switch (expr.k) {
      case "name":
        return this.lookup(place, expr.name, depth + 1);
      case "function":
        return { t: "function", m: place.m, f: expr.fn };
      case "member": {
        const bound = this.#boundMember(place, expr, depth);
        if (bound) return bound;
        const of = this.resolve(place, expr.of, depth + 1);
        return of ? this.member(of, expr.name, depth + 1) : null;
      }
      case "call":
        return this.#call(place, expr, depth);
      case "either": {
        for (const one of expr.of) {
          if (one.k === "value") continue;
          const ref = this.resolve(place, one, depth + 1);
          if (ref) return ref;
        }
        return null;
      }
      case "index": {
        // `Load[User]` of Go: what is indexed is a function, so this is the function itself.
        const of = this.module(place.m).language === "go" ? this.resolve(place, expr.of, depth + 1) : null;
        return of?.t === "function" ? of : null;
      }
      case "named":
        return this.resolve(place, expr.of, depth + 1);
      case "object":
      case "list":
      case "text":
      case "tagged":
        return { t: "expr", place, expr };
      default:
        return null;
    }
  }

  /** `client.db = …` in the same function or module. */
  #boundMember(place: Place, expr: Expr & { k: "member" }, depth: number): Ref | null {
    if (expr.of.k !== "name") return null;
    const path = `${expr.of.name}.${expr.name}`;
    for (const f of new Set([place.f, 0])) {
      const value = this.function({ m: place.m, f }).bindings.get(path)?.at(-1);
      if (value && value !== expr) return this.resolve({ m: place.m, f }, value, depth + 1);
    }
    return null;
  }

  #call(place: Place, expr: Expr & { k: "call" }, depth: number): Ref | null {
    const required = moduleOf(expr);
    if (required && this.module(place.m).language !== "python") {
      const target = this.imports.resolve(this.module(place.m), required.source);
      if ("module" in target) return { t: "module", m: target.module };
      return "package" in target ? { t: "package", path: target.package } : null;
    }
    const callee = this.resolve(place, expr.callee, depth + 1);
    if (callee?.t === "class") return { t: "instance", m: callee.m, c: callee.c };
    // A type of TypeScript or Go that is only named: `new X()` made of an annotation.
    if (callee?.t === "instance" && expr.isNew) return callee;
    if (callee?.t === "function") {
      for (const value of this.function(callee).returns) {
        const ref = this.resolve(callee, value, depth + 2);
        if (ref && ref.t !== "expr") return ref;
        if (ref?.t === "expr" && ref.expr.k === "object") return ref;
      }
      return null;
    }
    const late = loadedLater(this, place, expr, depth);
    if (late) return late;
    const wrapped = wrappedBy(this, place, expr, callee, depth);
    if (wrapped) return wrapped;
    if (callee?.t === "package") return { t: "package", path: `${callee.path}()` };
    if (callee?.t === "expr" && callee.expr.k === "object") return callee;
    return null;
  }

  /** A name as the code at a place sees it. */
  lookup(place: Place, name: string, depth = 0): Ref | null {
    if (depth > DEPTH_MAX) return null;
    if (name === "this" || name === "self" || name === "cls") {
      const own = this.classAt(place);
      if (own) return own;
    }
    if (name === "super") {
      const own = this.classAt(place);
      const base = own ? this.class(own).bases[0] : undefined;
      const ref = own && base ? this.resolve({ m: own.m, f: 0 }, base, depth + 1) : null;
      return ref?.t === "class" ? { t: "instance", m: ref.m, c: ref.c } : ref;
    }
    for (let f: number | null = place.f; f !== null; ) {
      const fn: FunctionIR = this.function({ m: place.m, f });
      const values = fn.bindings.get(name);
      if (values) {
        for (let i = values.length - 1; i >= 0; i--) {
          const value = values[i] as Expr;
          if (value.k === "name" && value.name === name) continue;
          const ref = this.resolve({ m: place.m, f }, value, depth + 1);
          if (ref) return ref;
        }
        if (f !== 0) return null;
      }
      const param = fn.params.find((one) => one.name === name);
      if (param) return paramRef(this, { m: place.m, f }, param, depth);
      f = fn.outer;
    }
    return this.#topLevel(place.m, name, depth);
  }

  #topLevel(m: number, name: string, depth: number): Ref | null {
    const cls = this.#classesOf[m]?.get(name);
    if (cls !== undefined) return { t: "class", m, c: cls };
    const imported = this.#importsOf[m]?.get(name);
    if (imported) return this.#imported(m, imported, depth);
    const module = this.module(m);
    if (module.language === "go") return goMember(this, module.file, name, m, depth);
    if (module.language === "python")
      for (const star of module.exports) {
        if (star.name !== "*" || star.source === null) continue;
        const target = this.imports.resolve(module, star.source);
        const ref = "module" in target ? this.exported(target.module, name, depth + 1) : null;
        if (ref) return ref;
      }
    return null;
  }

  #imported(m: number, one: ModuleIR["imports"][number], depth: number): Ref | null {
    const module = this.module(m);
    if (one.name === "**") {
      const first = this.imports.resolve(module, one.local);
      if ("module" in first) return { t: "module", m: first.module };
      const whole = this.imports.resolve(module, one.source);
      return "module" in whole && !one.source.includes(".")
        ? { t: "module", m: whole.module }
        : { t: "package", path: one.local };
    }
    const target = this.imports.resolve(module, one.source);
    if ("folder" in target) return { t: "folder", folder: target.folder };
    if ("module" in target) {
      if (one.name === "*") {
        // `const Repo = require("./repo")` where that module is one class or one function.
        const whole = this.module(target.module).exports.some((item) => item.name === "=")
          ? this.exported(target.module, "=", depth + 1)
          : null;
        return whole?.t === "class" || whole?.t === "function" || whole?.t === "instance"
          ? whole
          : { t: "module", m: target.module };
      }
      const ref = this.exported(target.module, one.name, depth + 1);
      if (ref) return ref;
    }
    if (module.language === "python" && one.name !== "*") {
      const submodule = this.imports.resolve(
        module,
        `${one.source}${one.source.endsWith(".") ? "" : "."}${one.name}`,
      );
      if ("module" in submodule) return { t: "module", m: submodule.module };
    }
    if ("module" in target) return null;
    return {
      t: "package",
      path: one.name === "*" || one.name === "default" ? target.package : `${target.package}.${one.name}`,
    };
  }

  /** What a module gives under a name. */
  exported(m: number, name: string, depth = 0): Ref | null {
    return this.#exports.of(m, name, depth);
  }

  /** What `of.name` refers to. */
  member(of: Ref, name: string, depth = 0): Ref | null {
    if (depth > DEPTH_MAX) return null;
    switch (of.t) {
      case "package":
        return { t: "package", path: `${of.path}.${name}` };
      case "module": {
        const ref = this.exported(of.m, name, depth + 1);
        // `require("./x")` of a module with a default export only, or `x.default.y`.
        if (ref || name === "default") return ref;
        const fallback = this.exported(of.m, "=", depth + 1);
        return fallback && fallback.t !== "module" ? this.member(fallback, name, depth + 1) : null;
      }
      case "folder":
        return goMember(this, `${of.folder}/x.go`, name, null, depth);
      case "class":
      case "instance":
        return this.classMember(of, name, depth);
      case "expr": {
        if (of.expr.k !== "object") return null;
        for (const entry of of.expr.entries) {
          if (entry.key === name)
            return (
              this.resolve(of.place, entry.value, depth + 1) ?? {
                t: "expr",
                place: of.place,
                expr: entry.value,
              }
            );
        }
        for (const entry of of.expr.entries) {
          if (entry.key !== null) continue;
          const spread = this.resolve(of.place, entry.value, depth + 1);
          const ref = spread ? this.member(spread, name, depth + 1) : null;
          if (ref) return ref;
        }
        // `s := &Server{…}`: what the literal does not give is its type's.
        const type = of.expr.type ? this.resolve(of.place, of.expr.type, depth + 1) : null;
        return type?.t === "class" ? this.classMember(type, name, depth + 1) : null;
      }
      default:
        return null;
    }
  }

  /** A method or field of a class, its own or a base's. */
  classMember(of: { m: number; c: number }, name: string, depth = 0): Ref | null {
    if (depth > DEPTH_MAX) return null;
    const cls = this.class(of);
    const method = cls.methods.get(name);
    if (method !== undefined) return { t: "function", m: of.m, f: method };
    if (this.module(of.m).language === "go") {
      const ofType = this.goMethods.of(of).get(name) ?? this.goInterfaces.methodOf(of, name);
      if (ofType) return ofType;
    }
    const place = { m: of.m, f: 0 };
    for (const field of cls.fields) {
      if (field.name !== name) continue;
      const type = field.type ? this.resolve(place, field.type, depth + 1) : null;
      if (type?.t === "class") return { t: "instance", m: type.m, c: type.c };
      if (type?.t === "package") return type;
      const value = field.value ? this.#fieldValue(of, field.value, depth) : null;
      if (value) return value;
    }
    for (const base of cls.bases) {
      const ref = this.resolve(place, base, depth + 1);
      const found =
        ref && (ref.t === "class" || ref.t === "instance") && !(ref.m === of.m && ref.c === of.c)
          ? this.classMember(ref, name, depth + 1)
          : null;
      if (found) return found;
    }
    return null;
  }

  /** `this.db = db` in the constructor: the value is seen from there. */
  #fieldValue(of: { m: number; c: number }, value: Expr, depth: number): Ref | null {
    const cls = this.class(of);
    const maker = cls.methods.get("constructor") ?? cls.methods.get("__init__");
    for (const f of maker === undefined ? [0] : [maker, 0]) {
      const ref = this.resolve({ m: of.m, f }, value, depth + 1);
      if (ref) return ref;
    }
    return null;
  }

  /** The class whose method a place is in, as an instance. */
  classAt(place: Place): { t: "instance"; m: number; c: number } | null {
    for (let f: number | null = place.f; f !== null; ) {
      const fn: FunctionIR = this.function({ m: place.m, f });
      if (fn.cls !== null) return { t: "instance", m: place.m, c: fn.cls };
      f = fn.outer;
    }
    return null;
  }
}
