/** Follows a statement, a model or an instance of SQLAlchemy through names, functions, methods and attributes. */

import type { Expr, FunctionIR } from "../../ir.ts";
import type { Model } from "../../models/models.ts";
import type { AlchemyModels, Relationship } from "../../models/sqlalchemy.ts";
import type { Place, Ref } from "../../program.ts";
import { valuesAt } from "../../reaching.ts";
import { type Call, calledName, entryOf } from "../../sites.ts";
import type { AccessContext } from "../emit.ts";
import { classModel } from "../managers-python.ts";
import {
  addReads,
  EMBEDS,
  type Frame,
  GIVES_ONE,
  GIVES_ROWS,
  type Given,
  type Held,
  merged,
  type Operation,
  RUNS,
  reading,
  type Statement,
  VERBS,
} from "./held.ts";
import { Mentions } from "./mentions.ts";

const DEPTH_MAX = 60;
const FRAMES_MAX = 8;
const VALUES_MAX = 12;
/** Expressions looked at for one question. */
const STEPS_MAX = 3_000;

export class Values {
  readonly ctx: AccessContext;
  readonly alchemy: AlchemyModels;
  readonly mentions: Mentions;
  readonly #known = new Map<Expr, Held | null>();
  readonly #open = new Set<Expr>();
  #depth = 0;
  #steps = 0;

  constructor(ctx: AccessContext, alchemy: AlchemyModels) {
    this.ctx = ctx;
    this.alchemy = alchemy;
    this.mentions = new Mentions(this, alchemy);
  }

  /** What an expression holds, or null when it is nothing of SQLAlchemy's or cannot be known. */
  of(place: Place, expr: Expr, frame: Frame | null = null): Held | null {
    const kept = frame ? frame.known : this.#known;
    const known = kept.get(expr);
    if (known !== undefined) return known;
    if (this.#depth === 0) this.#steps = 0;
    if (this.#depth > DEPTH_MAX || ++this.#steps > STEPS_MAX || this.#open.has(expr)) return null;
    this.#open.add(expr);
    this.#depth++;
    const held = this.#find(place, expr, frame);
    this.#depth--;
    this.#open.delete(expr);
    kept.set(expr, held);
    return held;
  }

  /** The operation of a call that makes a statement, or null; imported names may be others: `insert as pg_insert`. */
  verbOf(place: Place, call: Call): Operation | null {
    const { callee } = call;
    if (callee.k !== "name" && (callee.k !== "member" || callee.of.k !== "name")) return null;
    const written = callee.name.replace(/^(pg|postgresql|sqlite|mysql)_/, "");
    const isImported = callee.k === "name" && !Object.hasOwn(VERBS, written);
    if (isImported && !/insert|select|update|delete|union|exists/i.test(written)) return null;
    const ref = this.ctx.program.resolve(place, callee);
    if (ref?.t === "package" && /^(sqlalchemy|sqlmodel)\b/.test(ref.path)) {
      const name = ref.path.slice(ref.path.lastIndexOf(".") + 1);
      return Object.hasOwn(VERBS, name) ? (VERBS[name] as Operation) : null;
    }
    if (isImported || ref?.t === "function" || ref?.t === "class") return null;
    return VERBS[written] ?? null;
  }

  #find(place: Place, expr: Expr, frame: Frame | null): Held | null {
    switch (expr.k) {
      case "name":
        return this.#name(place, expr, frame);
      case "member":
        return this.#member(place, expr, frame);
      case "call":
        return this.#call(place, expr, frame);
      case "either":
        return merged(expr.of.map((one) => this.of(place, one, frame)));
      case "named":
        return this.of(place, expr.of, frame);
      case "list":
        return { t: "tuple", place, items: expr.items, frame };
      case "item":
        return this.#item(place, expr, frame);
      case "index": {
        const of = this.of(place, expr.of, frame);
        if (of?.t === "rows") return expr.key.k === "other" ? of : { ...of, t: "one" };
        const nth = expr.key.k === "value" && typeof expr.key.value === "number" ? expr.key.value : -1;
        return of?.t === "row" ? one(of.entities[nth]) : null;
      }
      case "other":
        // A comprehension that gives what it iterates over: `[trace for trace in traces if …]`.
        return this.#comprehension(place, expr, frame);
      default:
        return null;
    }
  }

  #comprehension(place: Place, expr: Expr & { k: "other" }, frame: Frame | null): Held | null {
    const [first] = expr.of;
    if (!first) return null;
    const held = this.of(place, first, frame);
    if (expr.of.length === 1) return held;
    return held?.t === "one" ? { ...held, t: "rows" } : null;
  }

  #name(place: Place, expr: Expr & { k: "name" }, frame: Frame | null): Held | null {
    const { program } = this.ctx;
    const { name } = expr;
    if (name === "self" || name === "cls") {
      if (frame?.self) return frame.self;
      const cls = program.classAt(place);
      if (cls) return this.#ofClass(cls, name === "cls");
    }
    for (let f: number | null = place.f; f !== null; ) {
      const at = { m: place.m, f };
      const fn: FunctionIR = program.function(at);
      const line = f === place.f && expr.at > 0 ? expr.at : Number.MAX_SAFE_INTEGER;
      const values = valuesAt(fn, name, line, (value) => this.#open.has(value));
      const type = fn.types?.get(name);
      const param = fn.params.find((one) => one.name === name);
      const given = param ? this.#param(at, param, frame) : null;
      if (values.length > 0) {
        const held = merged([
          given?.t === "statement" ? given : null,
          ...values.slice(-VALUES_MAX).map((value) => (value === expr ? null : this.of(at, value, frame))),
        ]);
        const typed = type && (held === null || held.t === "tuple") ? this.#typed(at, type) : null;
        return typed ?? held ?? given;
      }
      if (param) return given;
      if (type) return this.#typed(at, type);
      f = fn.outer;
    }
    return this.#named(place, expr, frame);
  }

  #param(at: Place, param: FunctionIR["params"][number], frame: Frame | null): Held | null {
    if (frame && frame.m === at.m && frame.f === at.f) {
      const given = frame.args.get(param.name);
      if (given) return this.of(given.place, given.expr, given.frame);
    }
    return param.type ? this.#typed(at, param.type) : null;
  }

  #named(place: Place, expr: Expr, frame: Frame | null): Held | null {
    const { program } = this.ctx;
    const ref = program.resolve(place, expr);
    if (ref?.t === "instance") return this.#ofClass(ref, false);
    const model = classModel(this.ctx, place, expr);
    if (model?.family === "sqlalchemy") return { t: "model", model, more: [] };
    if (expr.k === "name") {
      const imported = program.module(place.m).imports.find((one) => one.local === expr.name);
      const target = imported ? program.imports.resolve(program.module(place.m), imported.source) : null;
      if (imported && target && "module" in target) {
        const at = { m: target.module, f: 0 };
        const value = program.function(at).bindings.get(imported.name)?.at(-1);
        if (value && value !== expr) return foreign(this.of(at, value, frame));
      }
    }
    return ref?.t === "expr" && ref.expr !== expr ? this.of(ref.place, ref.expr, null) : null;
  }

  #ofClass(cls: { m: number; c: number }, isClass: boolean): Held {
    const model = this.ctx.models.ofClass(cls);
    if (model?.family !== "sqlalchemy") return { t: "object", m: cls.m, c: cls.c, given: null };
    return isClass ? { t: "model", model, more: [] } : { t: "one", model, isMade: false };
  }

  /** What something of an annotated type holds. */
  #typed(place: Place, type: Expr): Held | null {
    if (type.k === "either") {
      for (const each of type.of) {
        const held = this.#typed(place, each);
        if (held) return held;
      }
      return null;
    }
    const top = { m: place.m, f: 0 };
    if (type.k === "call") {
      const name = calledName(type);
      if (/^(Select|Query|Subquery|CTE|ScalarSelect|FromClause|SelectOfScalar)$/.test(name))
        return reading([], name === "Query");
      const of = type.args[0] ? this.#typed(place, type.args[0]) : null;
      return of?.t === "one" &&
        /^(list|List|Iterable|Iterator|Sequence|Collection|set|Set|tuple|Tuple)$/.test(name)
        ? { t: "rows", model: of.model, isMade: false }
        : null;
    }
    if (type.k !== "name" && type.k !== "member") return null;
    if (/^(Select|Query|Subquery|CTE|ScalarSelect|FromClause)$/.test(type.name))
      return reading([], type.name === "Query");
    const ref = this.ctx.program.resolve(top, type);
    return ref?.t === "class" || ref?.t === "instance" ? this.#ofClass(ref, false) : null;
  }

  #member(place: Place, expr: Expr & { k: "member" }, frame: Frame | null): Held | null {
    if (expr.of.k === "name") {
      const bound = valuesAt(
        this.ctx.program.function(place),
        `${expr.of.name}.${expr.name}`,
        expr.at,
        (value) => this.#open.has(value),
      );
      for (const value of [...bound].reverse()) {
        const held = value.at <= expr.at && value !== expr ? this.of(place, value, frame) : null;
        if (held) return held;
      }
    }
    const of = this.of(place, expr.of, frame);
    if (!of) return this.#named(place, expr, frame);
    switch (of.t) {
      case "model":
        if (expr.name === "__table__") return of;
        if (expr.name === "query") return this.#query(of.model);
        return this.#classMember(of, this.ctx.models.classOf(of.model), expr.name, place);
      case "one": {
        const relationship = this.alchemy.relationship(of.model, expr.name);
        if (relationship) return this.related(relationship);
        return this.#classMember(of, this.ctx.models.classOf(of.model), expr.name, place);
      }
      case "object":
        return this.#field(of, expr.name, place);
      default:
        return null;
    }
  }

  #query(model: Model): Statement {
    return { ...reading([model], true), reads: readsOf(this.mentions.whole(model)) };
  }

  /** What the attribute of a relationship holds. */
  related({ target, secondary, isDynamic, isList }: Relationship): Held {
    if (isDynamic)
      return {
        ...this.#query(target),
        reads: readsOf([...this.mentions.whole(target), ...(secondary ? [secondary] : [])]),
      };
    return { t: isList ? "rows" : "one", model: target, isMade: false };
  }

  /** A property of a class is what it returns. */
  #classMember(self: Held, cls: { m: number; c: number } | null, name: string, place: Place): Held | null {
    const ref = cls ? this.ctx.program.classMember(cls, name) : null;
    if (ref?.t !== "function") return null;
    const isProperty = this.ctx.program
      .function(ref)
      .decorators.some((one) => (one.k === "name" || one.k === "member") && /property$/.test(one.name));
    return isProperty ? this.returned(ref, new Map(), self, place) : null;
  }

  #field(of: Held & { t: "object" }, name: string, place: Place): Held | null {
    const { program } = this.ctx;
    const made = of.given?.get(name);
    const pending: { m: number; c: number }[] = [of];
    for (let steps = 0; pending.length > 0 && steps < 12; steps++) {
      const cls = pending.shift() as { m: number; c: number };
      const { fields, methods, bases } = program.class(cls);
      const maker = methods.get("__init__");
      if (made && maker === undefined) return this.of(made.place, made.expr, made.frame);
      // `class Orders(Store, table=Order)`: what `__init_subclass__` keeps.
      const passed = bases.find((base) => base.k === "named" && base.name === name);
      if (passed?.k === "named") return this.of({ m: cls.m, f: 0 }, passed.of);
      for (const field of fields) {
        if (field.name !== name || !field.value) continue;
        const at = { m: cls.m, f: maker ?? 0 };
        const frame = of.given && maker !== undefined ? this.#frame(at, of.given, of, null) : null;
        const held =
          this.of(at, field.value, frame) ?? (maker ? this.of({ m: cls.m, f: 0 }, field.value) : null);
        if (held) return foreign(held);
      }
      if (methods.has(name)) return this.#classMember(of, cls, name, place);
      for (const base of bases) {
        const ref = base.k === "named" ? null : program.resolve({ m: cls.m, f: 0 }, base);
        if (ref?.t === "class" && !(ref.m === cls.m && ref.c === cls.c)) pending.push(ref);
      }
      const typed = fields.find((field) => field.name === name && field.type && !field.value);
      if (typed?.type && pending.length === 0) return this.#typed({ m: cls.m, f: 0 }, typed.type);
    }
    return null;
  }

  #frame(at: Place, args: Frame["args"], self: Held | null, outer: Frame | null): Frame | null {
    const depth = (outer?.depth ?? 0) + 1;
    return depth > FRAMES_MAX ? null : { ...at, args, self, known: new Map(), depth };
  }

  /** What a function of the tree gives back; a statement that it returns is named there. */
  returned(
    fn: Place,
    args: Frame["args"],
    self: Held | null,
    from: Place,
    outer: Frame | null = null,
  ): Held | null {
    const { program } = this.ctx;
    const frame = args.size > 0 || self ? this.#frame(fn, args, self, outer) : null;
    const { returns } = program.function(fn);
    const held = merged(returns.slice(0, VALUES_MAX).map((value) => this.of(fn, value, frame)));
    const isSame = fn.m === from.m && program.owner(fn) === program.owner(from);
    return isSame ? held : foreign(held);
  }

  /** The arguments of a call by the names of the parameters. */
  #bind(fn: Place, call: Call, place: Place, frame: Frame | null): Map<string, Given> {
    const { params, cls } = this.ctx.program.function(fn);
    const names = params.map((param) => param.name);
    if (cls !== null && /^(self|cls)$/.test(names[0] ?? "")) names.shift();
    const given = new Map<string, Given>();
    let n = 0;
    for (const arg of call.args) {
      const name = arg.k === "named" ? arg.name : names[n++];
      if (name) given.set(name, { place, expr: arg.k === "named" ? arg.of : arg, frame });
    }
    return given;
  }

  #item(place: Place, expr: Expr & { k: "item" }, frame: Frame | null): Held | null {
    const of = this.of(place, expr.of, frame);
    switch (of?.t) {
      case "rows":
        return { t: "one", model: of.model, isMade: of.isMade };
      case "result":
        return of.isScalar ? one(of.entities[0]) : { t: "row", entities: of.entities };
      case "row":
        return one(of.entities[expr.nth ?? -1]);
      case "statement":
        return of.isQuery ? one(of.entities.length === 1 ? of.entities[0] : null) : null;
      case "tuple": {
        const items = expr.nth === undefined ? of.items : of.items.slice(expr.nth, expr.nth + 1);
        const held = items.slice(0, VALUES_MAX).map((item) => this.of(of.place, item, of.frame));
        return held.every((each) => each?.t === held[0]?.t) ? merged(held) : null;
      }
      default:
        return null;
    }
  }

  #call(place: Place, call: Call, frame: Frame | null): Held | null {
    const { program } = this.ctx;
    const name = calledName(call);
    const [first] = call.args;
    // `users = Table("users", …)`.
    const table = this.ctx.models.ofExpr(call);
    if (table) return table.family === "sqlalchemy" ? { t: "model", model: table, more: [] } : null;
    const verb = this.verbOf(place, call);
    if (verb) return this.#statement(place, call, verb, frame);
    if (/^(aliased|alias|with_polymorphic|outerjoin|join)$/.test(name) && first) {
      const made = this.#alias(place, call, name, frame);
      if (made) return made;
    }
    const { callee } = call;
    if (callee.k === "name" && first && /^(list|set|tuple|sorted|reversed|iter|next|cast)$/.test(name)) {
      const of = this.of(place, (name === "cast" ? call.args[1] : undefined) ?? first, frame);
      return name === "next" && of?.t === "rows" ? { ...of, t: "one" } : of;
    }
    const ref = program.resolve(place, callee);
    if (callee.k === "member") {
      const on = this.of(place, callee.of, frame);
      if (on) {
        const held = this.#method(place, on, name, call, frame);
        if (held !== undefined) return held;
      }
      if (ref?.t !== "function" && ref?.t !== "class") return this.#ofSession(place, call, name, frame);
    }
    if (ref?.t === "class") {
      const model = this.ctx.models.ofClass(ref);
      if (model?.family === "sqlalchemy") return { t: "one", model, isMade: true };
      const given = new Map<string, Given>();
      const maker = program.classMember(ref, "__init__");
      const names = program.class(ref).fields.map((field) => field.name);
      if (maker?.t === "function")
        return { t: "object", m: ref.m, c: ref.c, given: this.#bind(maker, call, place, frame) };
      call.args.forEach((arg, i) => {
        const key = arg.k === "named" ? arg.name : names[i];
        if (key) given.set(key, { place, expr: arg.k === "named" ? arg.of : arg, frame });
      });
      return { t: "object", m: ref.m, c: ref.c, given };
    }
    if (callee.k === "name") {
      const held = this.of(place, callee, frame);
      if (held?.t === "model") return { t: "one", model: held.model, isMade: true };
    }
    return ref?.t === "function"
      ? this.returned(ref, this.#bind(ref, call, place, frame), null, place, frame)
      : null;
  }

  #statement(place: Place, call: Call, verb: Operation, frame: Frame | null): Statement {
    const target = verb !== "select" && call.args[0] ? this.of(place, call.args[0], frame) : null;
    const made: Statement = {
      ...reading(verb === "select" ? this.#entities(place, call.args, frame) : [], false),
      verb,
      target: target?.t === "model" ? target.model : null,
    };
    return verb === "select" ? this.#grown(place, made, "select", call.args, frame) : made;
  }

  #entities(place: Place, args: readonly Expr[], frame: Frame | null): (Model | null)[] {
    return args.map((arg) => {
      const held = arg.k === "name" || arg.k === "member" ? this.of(place, arg, frame) : null;
      return held?.t === "model" ? held.model : null;
    });
  }

  #alias(place: Place, call: Call, name: string, frame: Frame | null): Held | null {
    const ref = this.ctx.program.resolve(place, call.callee);
    if (ref && ref.t !== "package") return null;
    // The function of the package, not the method of what the package gives.
    if (call.callee.k === "member" && (call.callee.of.k !== "name" || !ref)) return null;
    if (/join$/.test(name)) {
      return this.#grown(place, reading([], false), name, call.args, frame);
    }
    const of = call.args[0] ? this.of(place, call.args[0], frame) : null;
    if (of?.t !== "model" || name !== "with_polymorphic") return of;
    const children = this.alchemy.children(of.model);
    const second = entryOf(call.args, "classes") ?? call.args[1];
    const listed =
      second?.k === "list"
        ? second.items.flatMap((item) => {
            const held = this.of(place, item, frame);
            return held?.t === "model" ? [held.model] : [];
          })
        : children;
    return { ...of, more: listed };
  }

  /** The statement after `method(args)`. */
  #grown(place: Place, on: Statement, method: string, args: readonly Expr[], frame: Frame | null): Statement {
    const found = this.mentions.in(place, method, args, frame);
    if (found.named.size + found.inner.size + found.foreign.size === 0) return on;
    const reads = new Map(on.reads);
    addReads(reads, found.named);
    addReads(reads, found.inner);
    return {
      ...on,
      reads,
      foreign: new Set([...on.foreign, ...found.foreign]),
    };
  }

  /** What a method gives; undefined where it is none that is known. */
  #method(place: Place, on: Held, name: string, call: Call, frame: Frame | null): Held | null | undefined {
    const own = (cls: { m: number; c: number } | null): Ref | null =>
      cls ? this.ctx.program.classMember(cls, name) : null;
    switch (on.t) {
      case "statement": {
        if (on.isQuery && (GIVES_ONE.test(name) || /^(all|count|paginate|update|delete)$/.test(name))) {
          if (name === "all")
            return { t: "result", entities: on.entities, isScalar: on.entities.length === 1 };
          return GIVES_ONE.test(name) && on.entities.length === 1 ? one(on.entities[0]) : null;
        }
        const grown = this.#grown(place, on, name, call.args, frame);
        if (EMBEDS.test(name)) return { ...grown, entities: [], isQuery: false };
        if (/^(with_entities|with_only_columns|returning)$/.test(name))
          return { ...grown, entities: this.#entities(place, call.args, frame) };
        if (/^(add_columns|add_entity|add_column)$/.test(name))
          return { ...grown, entities: [...grown.entities, ...this.#entities(place, call.args, frame)] };
        return grown;
      }
      case "result":
        if (/^(scalar|scalar_one|scalar_one_or_none)$/.test(name)) return one(on.entities[0]);
        if (GIVES_ONE.test(name))
          return on.isScalar ? one(on.entities[0]) : { t: "row", entities: on.entities };
        if (!GIVES_ROWS.test(name)) return null;
        return name === "scalars" ? { ...on, isScalar: true } : name === "mappings" ? null : on;
      case "rows":
        return GIVES_ROWS.test(name) || name === "copy" ? on : name === "pop" ? { ...on, t: "one" } : null;
      case "model": {
        // `users.insert()`: the methods of a table.
        const { model } = on;
        const ref = own(this.ctx.models.classOf(model));
        if (ref?.t === "function")
          return this.returned(ref, this.#bind(ref, call, place, frame), on, place, frame);
        if (/^(select|insert|update|delete)$/.test(name) && !this.ctx.models.classOf(model))
          return name === "select"
            ? { ...reading([model], false), reads: readsOf([model]) }
            : { ...reading([], false), verb: name as Operation, target: model };
        return /^(alias|outerjoin|join)$/.test(name)
          ? this.#grown(place, { ...reading([], false), reads: readsOf([model]) }, name, call.args, frame)
          : null;
      }
      case "one":
      case "object": {
        const ref = own(on.t === "one" ? this.ctx.models.classOf(on.model) : on);
        return ref?.t === "function"
          ? this.returned(ref, this.#bind(ref, call, place, frame), on, place, frame)
          : undefined;
      }
      default:
        return null;
    }
  }

  /** `session.query(User)`, `session.get(User, 1)`, `session.execute(statement)`. */
  #ofSession(place: Place, call: Call, name: string, frame: Frame | null): Held | null {
    const [first] = call.args;
    if (!first) return null;
    if (name === "query")
      return this.#grown(
        place,
        reading(this.#entities(place, call.args, frame), true),
        "query",
        call.args,
        frame,
      );
    if (/^(get|get_one|get_or_404)$/.test(name) && call.args.length >= 2) {
      const held = this.of(place, first, frame);
      return held?.t === "model" ? { t: "one", model: held.model, isMade: false } : null;
    }
    if (/^(select|first_or_404|one_or_404)$/.test(name)) {
      const held = this.of(place, first, frame);
      return held?.t === "statement" ? one(held.entities[0]) : null;
    }
    if (name === "merge") {
      const held = this.of(place, first, frame);
      return held?.t === "one" ? { ...held, isMade: false } : null;
    }
    if (!RUNS.test(name)) return null;
    const held = this.of(place, first, frame);
    if (held?.t !== "statement") return null;
    if (name === "scalar") return one(held.entities[0]);
    const isScalar = /scalars$/.test(name) || (name === "exec" && held.entities.length === 1);
    return { t: "result", entities: held.entities, isScalar };
  }
}

function readsOf(models: readonly Model[]): Statement["reads"] {
  return new Map(models.map((model) => [model, new Set()]));
}

function one(model: Model | null | undefined): Held | null {
  return model ? { t: "one", model, isMade: false } : null;
}

/** A statement as a function sees it that did not name it. */
function foreign(held: Held | null): Held | null {
  return held?.t === "statement"
    ? { ...held, foreign: new Set(held.reads.keys()), isForeign: held.target !== null }
    : held;
}
