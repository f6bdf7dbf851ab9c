/** Follows a statement, a model or an instance of SQLAlchemy through names, functions, methods and attributes. */

import type { Expr, FunctionIR } from "../../ir.ts";
import { partsOf } from "../../ir.ts";
import type { Model } from "../../models/models.ts";
import type { AlchemyModels, Relationship } from "../../models/sqlalchemy.ts";
import type { Place } from "../../program.ts";
import { valuesAt } from "../../reaching.ts";
import { calledName } from "../../sites.ts";
import type { AccessContext } from "../emit.ts";
import { classModel } from "../managers-python.ts";
import { Calls } from "./calls.ts";
import { type Frame, foreign, type Held, merged, one, reading, readsOf, type Statement } from "./held.ts";
import { Mentions } from "./mentions.ts";
import { Objects } from "./objects.ts";

const DEPTH_MAX = 60;
const VALUES_MAX = 12;
const NAMES_MAX = 2_000;
/** Expressions looked at for one question. */
const STEPS_MAX = 3_000;

export class Values {
  readonly ctx: AccessContext;
  readonly alchemy: AlchemyModels;
  readonly mentions: Mentions;
  readonly calls: Calls;
  readonly #objects: Objects;
  readonly #known = new Map<Expr, Held | null>();
  readonly #open = new Set<Expr>();
  readonly #names = new Map<Expr, Set<Expr>>();
  #depth = 0;
  #steps = 0;

  constructor(ctx: AccessContext, alchemy: AlchemyModels) {
    this.ctx = ctx;
    this.alchemy = alchemy;
    this.mentions = new Mentions(this, alchemy);
    this.#objects = new Objects(this);
    this.calls = new Calls(this, this.#objects);
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

  #find(place: Place, expr: Expr, frame: Frame | null): Held | null {
    switch (expr.k) {
      case "name":
        return this.#name(place, expr, frame);
      case "member":
        return this.#member(place, expr, frame);
      case "call":
        return this.calls.of(place, expr, frame);
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
      const values = valuesAt(
        fn,
        name,
        line,
        (value) => this.#open.has(value) || this.#namesIn(value).has(expr),
      );
      const type = fn.types?.get(name);
      const param = fn.params.find((one) => one.name === name);
      const given = param ? this.#param(at, param, frame) : null;
      if (values.length > 0) {
        const held = merged([
          given?.t === "statement" ? given : null,
          ...values.slice(-VALUES_MAX).map((value) => (value === expr ? null : this.of(at, value, frame))),
        ]);
        const typed = type && (held === null || held.t === "tuple") ? this.typed(at, type) : null;
        return typed ?? held ?? given;
      }
      if (param) return given;
      if (type) return this.typed(at, type);
      f = fn.outer;
    }
    return this.#named(place, expr, frame);
  }

  /** The names in a value: in `stmt = stmt.where(…)` the inner one is an earlier statement. */
  #namesIn(value: Expr): ReadonlySet<Expr> {
    let names = this.#names.get(value);
    if (!names) {
      names = new Set();
      const pending: Expr[] = [value];
      for (let next = pending.pop(); next && names.size < NAMES_MAX; next = pending.pop()) {
        if (next.k === "name") names.add(next);
        pending.push(...partsOf(next));
      }
      this.#names.set(value, names);
    }
    return names;
  }

  #param(at: Place, param: FunctionIR["params"][number], frame: Frame | null): Held | null {
    if (frame && frame.m === at.m && frame.f === at.f) {
      const given = frame.args.get(param.name);
      if (given) return this.of(given.place, given.expr, given.frame);
    }
    return param.type ? this.typed(at, param.type) : null;
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
  typed(place: Place, type: Expr): Held | null {
    if (type.k === "either") {
      for (const each of type.of) {
        const held = this.typed(place, each);
        if (held) return held;
      }
      return null;
    }
    const top = { m: place.m, f: 0 };
    if (type.k === "call") {
      const name = calledName(type);
      if (/^(Select|Query|Subquery|CTE|ScalarSelect|FromClause|SelectOfScalar)$/.test(name))
        return reading([], name === "Query");
      const of = type.args[0] ? this.typed(place, type.args[0]) : null;
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
        return this.#objects.classMember(of, this.ctx.models.classOf(of.model), expr.name, place);
      case "one": {
        const relationship = this.alchemy.relationship(of.model, expr.name);
        if (relationship) return this.related(relationship);
        return this.#objects.classMember(of, this.ctx.models.classOf(of.model), expr.name, place);
      }
      case "object":
        return this.#objects.field(of, expr.name, place);
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
}
