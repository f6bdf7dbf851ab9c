/** Sequelize: which model an expression is the class or a row of, through finders, scopes, loops, callbacks and own methods. */

import type { Expr, FunctionIR } from "../../ir.ts";
import type { Model } from "../../models/models.ts";
import type { Place, Ref } from "../../program.ts";
import { valuesAt } from "../../reaching.ts";
import { type Call, calledName, receiverOf } from "../../sites.ts";
import type { Callbacks, Handed } from "../callbacks.ts";
import { type AccessContext, constantOf } from "../emit.ts";
import type { Associations } from "./associations.ts";
import { EACH, EACH_OF, GIVES_PAIR, GIVES_ROWS, GIVES_SELF, OF_LIST } from "./methods.ts";
import { agreed, type ModelNames, type Value, valueFor } from "./names.ts";
import { DEFAULT_SCOPE, scopesIn, UNSCOPED } from "./scopes.ts";

const DEPTH_MAX = 16;

/** Everything that expressions of a tree are of Sequelize's, each looked at once for what `this` is. */
export class Values {
  readonly #ctx: AccessContext;
  readonly #names: ModelNames;
  readonly #callbacks: Callbacks;
  /** Values already found, by what `this` is and by expression; null while one is being looked for. */
  readonly #known = new Map<string, Map<Expr, Value | null>>();
  #associations: Associations | null = null;

  constructor(ctx: AccessContext, names: ModelNames, callbacks: Callbacks) {
    this.#ctx = ctx;
    this.#names = names;
    this.#callbacks = callbacks;
  }

  /** Associations become known after the models that they name. */
  set associations(all: Associations) {
    this.#associations = all;
    this.#known.clear();
  }

  /** The model that an expression names: its class, its name as a text, or a function that gives one of these. */
  modelOf(place: Place, expr: Expr): Model | null {
    if (expr.k === "function") {
      const at = { m: place.m, f: expr.fn };
      const [value] = this.#ctx.program.function(at).returns;
      return value ? this.modelOf(at, value) : null;
    }
    if (expr.k !== "text") return this.of(place, expr)?.model ?? null;
    const name = constantOf(this.#ctx.program, place, expr);
    return name === null ? null : (this.#names.named(name)?.model ?? null);
  }

  /** What an expression is; `self` is what a caller knows of `this`, in a method of a class without a table. */
  of(place: Place, expr: Expr, self: Value | null = null, depth = 0): Value | null {
    if (depth > DEPTH_MAX) return null;
    const key = self === null ? "" : keyOf(self);
    let known = this.#known.get(key);
    if (!known) {
      known = new Map();
      this.#known.set(key, known);
    }
    const found = known.get(expr);
    if (found !== undefined) return found;
    known.set(expr, null);
    const value = this.#find(place, expr, self, depth);
    known.set(expr, value);
    return value;
  }

  #find(place: Place, expr: Expr, self: Value | null, depth: number): Value | null {
    const next = (inner: Expr) => this.of(place, inner, self, depth + 1);
    switch (expr.k) {
      case "name":
        return expr.name === "this" || expr.name === "super"
          ? this.#self(place, self)
          : this.#name(place, expr, self, depth);
      case "member":
        return this.#member(place, expr, self, depth);
      case "call":
        return expr.isNew ? this.#made(place, expr) : this.#called(place, expr, self, depth);
      case "either":
        return agreed(expr.of.map(next));
      case "list":
        return agreed(expr.items.map(next));
      case "named":
        return next(expr.of);
      case "item":
        return this.#item(place, expr, self, depth);
      case "index": {
        const list = next(expr.of);
        return list?.kind === "row" ? list : null;
      }
      default:
        return null;
    }
  }

  #self(place: Place, self: Value | null): Value | null {
    const own = this.#ctx.program.classAt(place);
    if (!own) return null;
    const model = this.#ctx.models.ofClass(own);
    if (model?.family === "sequelize")
      return self?.model === model ? { ...self, isOwn: true } : valueFor(model, "any", { isOwn: true });
    if (!this.#names.isBase(own)) return null;
    return self ? { ...self, isOwn: true } : valueFor(null, "any", { isOwn: true });
  }

  #name(place: Place, expr: Expr & { k: "name" }, self: Value | null, depth: number): Value | null {
    for (let f: number | null = place.f; f !== null; ) {
      const at = { m: place.m, f };
      const fn: FunctionIR = this.#ctx.program.function(at);
      const values = valuesAt(fn, expr.name, f === place.f ? expr.at : Number.MAX_SAFE_INTEGER);
      if (values.length > 0) {
        const given = values.filter((value) => !(value.k === "name" && value.name === expr.name));
        const found = agreed(given.map((value) => this.of(at, value, self, depth + 1)));
        if (found || f !== 0) return found;
      }
      const index = fn.params.findIndex((param) => param.name === expr.name);
      if (index >= 0) return this.#param(at, fn, index, self, depth);
      f = fn.outer;
    }
    return this.#names.resolved(place, expr) ?? this.#names.imported(place, expr.name);
  }

  #param(at: Place, fn: FunctionIR, index: number, self: Value | null, depth: number): Value | null {
    const param = fn.params[index] as FunctionIR["params"][number];
    const typed = param.type ? this.#names.typed({ m: at.m, f: 0 }, param.type) : null;
    if (typed) return typed;
    const handed = this.#callbacks.handedTo(at);
    const given = handed ? this.#given(handed, index, self, depth) : null;
    if (given) return given;
    return param.initial ? this.of(at, param.initial, self, depth + 1) : null;
  }

  /** What a call gives to the function among its arguments: `rows.map((row) => …)`, `User.inBatches({}, (rows) => …)`. */
  #given(
    { place, call, index: position }: Handed,
    index: number,
    self: Value | null,
    depth: number,
  ): Value | null {
    const name = calledName(call);
    const receiver = receiverOf(call);
    if (position === 0 && receiver && EACH.test(name) && (index === 0 || /sort/i.test(name))) {
      const list = this.of(place, receiver, self, depth + 1);
      if (list?.kind === "row") return list;
    }
    if (position > 0 && index === 0 && EACH_OF.test(name) && call.args[0]) {
      const list = this.of(place, call.args[0], self, depth + 1);
      if (list?.kind === "row") return list;
    }
    const of = receiver ? this.of(place, receiver, self, depth + 1) : null;
    const target =
      of && receiver
        ? this.methodOf(of, place, receiver, name)
        : this.#ctx.program.resolve(place, call.callee);
    if (target?.t !== "function") return null;
    const callback = this.#ctx.program.function(target).params[position]?.name;
    if (!callback) return null;
    const passed = this.#callbacks
      .callsIn(target)
      .filter(({ call: { callee } }) => callee.k === "name" && callee.name === callback)
      .map(({ place: at, call: { args } }) => (args[index] ? this.of(at, args[index], of, depth + 1) : null));
    const value = agreed(passed);
    return value ? { ...value, isOwn: of?.isOwn ?? false } : null;
  }

  /** A method that the tree gives to a model's class or to a base of it. */
  methodOf(value: Value, place: Place, receiver: Expr, name: string): Ref | null {
    const { program, models } = this.#ctx;
    const around = program.classAt(place);
    let cls: { m: number; c: number } | null = value.model ? models.classOf(value.model) : around;
    if (around && receiver.k === "name" && receiver.name === "super") {
      const base = program.class(around).bases[0];
      const ref = base ? program.resolve({ m: around.m, f: 0 }, base) : null;
      cls = ref?.t === "class" ? ref : null;
    }
    return cls ? program.classMember(cls, name) : null;
  }

  #member(place: Place, expr: Expr & { k: "member" }, self: Value | null, depth: number): Value | null {
    const { program } = this.#ctx;
    const of = this.of(place, expr.of, self, depth + 1);
    if (of) {
      if (expr.name === "constructor") return { ...of, kind: "class" };
      // `const { rows, count } = await User.findAndCountAll()`.
      if (expr.name === "rows" && of.kind === "row") return of;
      const found = of.model ? this.#associations?.named(of.model, expr.name) : null;
      if (found && of.kind !== "class") return valueFor(found.target, "row", { isStored: true });
    }
    const bound =
      expr.of.k === "name"
        ? program.function(place).bindings.get(`${expr.of.name}.${expr.name}`)?.at(-1)
        : undefined;
    if (bound) return this.of(place, bound, self, depth + 1);
    const holder = of ? null : program.resolve(place, expr.of);
    if (holder?.t === "instance" || holder?.t === "class") {
      const field = program.class(holder).fields.find((one) => one.name === expr.name);
      const typed = field?.type ? this.#names.typed({ m: holder.m, f: 0 }, field.type) : null;
      if (typed) return typed;
    }
    return this.#names.resolved(place, expr) ?? this.#names.held(place, expr);
  }

  #item(place: Place, expr: Expr & { k: "item" }, self: Value | null, depth: number): Value | null {
    const { of, nth } = expr;
    // `const [user, posts] = await Promise.all([…])`.
    const list = of.k === "call" && /^(all|allSettled)$/.test(calledName(of)) ? of.args[0] : of;
    if (nth !== undefined && list?.k === "list") {
      const item = list.items[nth];
      return item ? this.of(place, item, self, depth + 1) : null;
    }
    if (nth !== undefined && nth > 0 && of.k === "call" && GIVES_PAIR.test(calledName(of))) return null;
    const rows = this.of(place, of, self, depth + 1);
    return rows?.kind === "row" ? rows : null;
  }

  #made(place: Place, call: Call): Value | null {
    const value = this.#names.typed(place, call.callee);
    // A declared name of TypeScript stands as `new` without arguments too.
    return value && call.args.length > 0 ? { ...value, isStored: false } : value;
  }

  #called(place: Place, call: Call, self: Value | null, depth: number): Value | null {
    const name = calledName(call);
    const receiver = receiverOf(call);
    if (receiver) {
      const isPromise = receiver.k === "name" && receiver.name === "Promise";
      if ((isPromise && /^(all|allSettled|resolve)$/.test(name)) || name === "getRepository")
        return call.args[0] ? this.of(place, call.args[0], self, depth + 1) : null;
      const of = this.of(place, receiver, self, depth + 1);
      if (of) return this.#method(place, call, of, receiver, depth);
    }
    const ref = this.#ctx.program.resolve(place, call.callee);
    return ref?.t === "function" ? this.#returned(ref, null, depth) : this.#names.resolved(place, call);
  }

  #method(place: Place, call: Call, of: Value, receiver: Expr, depth: number): Value | null {
    const name = calledName(call);
    if (of.kind !== "row") {
      if (/^(scope|withScope)$/.test(name))
        return { ...of, kind: "class", scope: scopesIn(this.#ctx, place, call.args) };
      if (/^(unscoped|withoutScope)$/.test(name)) return { ...of, kind: "class", scope: UNSCOPED };
      if (/^(schema|withSchema|withInitialScope)$/.test(name)) return { ...of, kind: "class" };
      if (GIVES_ROWS.test(name) || (name === "find" && of.kind === "class")) {
        const isStored = /^(build|bulkBuild)$/.test(name)
          ? false
          : /Or(Build|Initialize)$/.test(name)
            ? null
            : true;
        return { ...of, kind: "row", isStored, scope: DEFAULT_SCOPE };
      }
    }
    if (of.kind !== "class") {
      if (GIVES_SELF.test(name)) return name === "save" ? { ...of, isStored: true } : of;
      if (of.kind === "row" && OF_LIST.test(name)) return of;
      const accessed = of.model ? this.#associations?.accessed(of.model, place, call) : null;
      if (accessed && /^(get|create)$/.test(accessed.verb))
        return valueFor(accessed.association.target, "row", { isStored: true });
    }
    if (/^(catch|finally)$/.test(name)) return of;
    const ref = this.methodOf(of, place, receiver, name);
    return ref?.t === "function" ? this.#returned(ref, of, depth) : null;
  }

  /** What a function of the tree gives back, where all that it gives is known. */
  #returned(ref: Place, self: Value | null, depth: number): Value | null {
    const { returns } = this.#ctx.program.function(ref);
    const given = returns
      .filter((value) => value.k !== "value")
      .map((value) => this.of(ref, value, self, depth + 2));
    const value = given.every((one) => one !== null) ? agreed(given) : null;
    return value ? { ...value, isOwn: self?.isOwn ?? false } : null;
  }
}

const ids = new WeakMap<object, number>();
let lastId = 0;

function idOf(of: object): number {
  let id = ids.get(of);
  if (id === undefined) {
    id = ++lastId;
    ids.set(of, id);
  }
  return id;
}

/** What tells two values of `this` apart. */
export function keyOf({ model, kind, scope, isStored, isOwn }: Value): string {
  return [model ? idOf(model) : 0, kind, isStored, isOwn, idOf(scope)].join(" ");
}
