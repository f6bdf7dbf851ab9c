/** What an expression of a Django program holds: a model, a query with the tables that it reads, or an instance. */

import type { Expr } from "../../ir.ts";
import type { DjangoModels } from "../../models/django-relations.ts";
import { definitionOf, type Model } from "../../models/models.ts";
import type { Place, Ref } from "../../program.ts";
import { valuesAt } from "../../reaching.ts";
import { type Call, calledName } from "../../sites.ts";
import type { AccessContext } from "../emit.ts";
import { heldByCall, historicModel, receiverOf } from "./calls.ts";
import { formOf } from "./forms.ts";
import { type Held, one, type Query } from "./held.ts";
import { Lookups } from "./lookups.ts";
import { type Managers, modelOfView } from "./managers.ts";
import { heldByMember } from "./members.ts";

const DEPTH_MAX = 40;
const NO_TABLES: ReadonlySet<string> = new Set();

/** Everything that expressions of a tree hold, each looked at once. */
export class Values {
  readonly ctx: AccessContext;
  readonly django: DjangoModels;
  readonly managers: Managers;
  /** Queries that another statement reads as a part of it. */
  readonly absorbed = new Set<Expr>();
  readonly #known = new Map<Expr, Held | null>();
  readonly #open = new Set<Expr>();
  readonly #lookups: Lookups;

  constructor(ctx: AccessContext, django: DjangoModels, managers: Managers) {
    this.ctx = ctx;
    this.django = django;
    this.managers = managers;
    this.#lookups = new Lookups(ctx.program, django, (place, expr) => {
      const held = this.of(place, expr);
      if (held?.t !== "query") return null;
      this.absorbed.add(expr);
      return held;
    });
  }

  /** What an expression holds, or null when it is nothing of Django's or cannot be known. */
  of(place: Place, expr: Expr, depth = 0): Held | null {
    const known = this.#known.get(expr);
    if (known !== undefined) return known;
    if (depth > DEPTH_MAX || this.#open.has(expr)) return null;
    this.#open.add(expr);
    const held = this.#find(place, expr, depth + 1);
    this.#open.delete(expr);
    this.#known.set(expr, held);
    return held;
  }

  /** A query on all rows of a model. */
  all(model: Model, classes: Query["classes"] = [], isOpen = false): Query {
    return { t: "query", model, tables: NO_TABLES, relation: null, classes, isOpen, isLocal: true };
  }

  /** The query after `method(args)`; a related manager's relation ends there. */
  grown(place: Place, query: Query, method: string, args: readonly Expr[]): Query {
    const tables = new Set(query.tables);
    this.#lookups.add(place, query.model, method, args, tables);
    return { ...query, tables, relation: null, isLocal: true };
  }

  /** The method of the tree that a call on a query runs, or null for Django's own. */
  methodOf(query: Query, name: string): Ref | null {
    for (const cls of query.classes) {
      const ref = this.ctx.program.classMember(cls, name);
      if (ref?.t === "function") return ref;
    }
    return null;
  }

  /** Whether an expression is being looked at: what it leads back to says nothing new. */
  isOpen(expr: Expr): boolean {
    return this.#open.has(expr);
  }

  /** What the receiver of a method call holds. */
  receiver(place: Place, call: Call): Held | null {
    return call.callee.k === "member" ? receiverOf(this, place, call.callee.of, 0) : null;
  }

  #find(place: Place, expr: Expr, depth: number): Held | null {
    switch (expr.k) {
      case "name":
        return this.#name(place, expr, depth);
      case "member":
        return heldByMember(this, place, expr, depth);
      case "call":
        return heldByCall(this, place, expr, depth);
      case "either":
        return this.merged(expr.of.map((one) => this.of(place, one, depth)));
      case "named":
        return this.of(place, expr.of, depth);
      case "item":
        return this.#item(place, expr, depth);
      case "index": {
        const of = this.of(place, expr.of, depth);
        if (of?.t === "query") return expr.key.k === "other" ? of : one(of.model);
        return of?.t === "rows" ? (expr.key.k === "other" ? of : one(of.model)) : null;
      }
      case "list":
        return { t: "tuple", place, items: expr.items };
      default:
        return null;
    }
  }

  /** Of several things that a name may hold the latest; queries on the same model read what any of them reads. */
  merged(all: readonly (Held | null)[]): Held | null {
    const held = all.filter((one) => one !== null);
    const last = held.at(-1) ?? null;
    if (last?.t !== "query") return last;
    const tables = new Set(last.tables);
    for (const one of held)
      if (one.t === "query" && one.model === last.model) for (const table of one.tables) tables.add(table);
    return { ...last, tables };
  }

  #name(place: Place, expr: Expr & { k: "name" }, depth: number): Held | null {
    const { program } = this.ctx;
    if (expr.name === "self" || expr.name === "cls") {
      const cls = program.classAt(place);
      if (cls) return this.instance(cls, expr.name === "cls");
    }
    for (let f: number | null = place.f; f !== null; ) {
      const fn = program.function({ m: place.m, f });
      const at = { m: place.m, f };
      const line = f === place.f && expr.at > 0 ? expr.at : Number.MAX_SAFE_INTEGER;
      const values = valuesAt(fn, expr.name, line, (value) => this.#open.has(value));
      if (values.length > 0) {
        const held = this.merged(values.map((value) => (value === expr ? null : this.of(at, value, depth))));
        const type = fn.types?.get(expr.name);
        return held ?? (type ? this.typed({ m: place.m, f: 0 }, type, depth) : null);
      }
      const param = fn.params.find((one) => one.name === expr.name);
      if (param) return param.type ? this.typed({ m: place.m, f: 0 }, param.type, depth) : null;
      f = fn.outer;
    }
    return this.named(place, expr, depth);
  }

  /** What a name of the module or an imported one stands for. */
  named(place: Place, expr: Expr, depth: number): Held | null {
    const model = this.django.named(place, expr);
    if (model) return { t: "model", model };
    const ref = this.ctx.program.resolve(place, expr);
    if (ref?.t === "instance") return this.instance(ref, false);
    if (ref?.t === "expr" && ref.expr !== expr) return this.of(ref.place, ref.expr, depth);
    const made = definitionOf(this.ctx.program, place, expr, 0);
    return made?.k === "call" && calledName(made) === "get_model" ? historicModel(this, place, made) : null;
  }

  /** What an object of a class, or the class itself, is. */
  instance(cls: { m: number; c: number }, isClass: boolean): Held | null {
    const model = this.ctx.models.ofClass(cls);
    if (model?.family === "django") return isClass ? { t: "model", model } : one(model);
    const managed = this.managers.modelOf(cls);
    if (managed) return { ...this.all(managed, [cls]), isLocal: false };
    const form = formOf(this, cls);
    if (form) return { t: "form", model: form.model, isNew: false, cls };
    return { t: "object", m: cls.m, c: cls.c };
  }

  /** What something of an annotated type holds. */
  typed(place: Place, type: Expr, depth: number): Held | null {
    if (type.k === "either") {
      for (const each of type.of) {
        const held = this.typed(place, each, depth);
        if (held) return held;
      }
      return null;
    }
    if (type.k === "call") {
      const name = calledName(type);
      const [first] = type.args;
      const of = first ? this.typed(place, first, depth) : null;
      if (of?.t !== "one") return null;
      if (/(QuerySet|Manager)(Any)?$/.test(name)) return { ...this.all(of.model), isLocal: false };
      if (/^(typing\.)?(list|List|Iterable|Iterator|Sequence|Collection|set|Set|tuple|Tuple)$/.test(name))
        return { t: "rows", model: of.model };
      return name === "WithAnnotations" ? of : null;
    }
    if (type.k !== "name" && type.k !== "member") return null;
    const held = this.named(place, type, depth);
    if (held?.t === "model") return one(held.model);
    const ref = this.ctx.program.resolve(place, type);
    return ref?.t === "class" ? this.instance(ref, false) : null;
  }

  /** What a function of the tree gives back; a query was built there. */
  returned(fn: { m: number; f: number }, depth: number): Held | null {
    const { returns } = this.ctx.program.function(fn);
    const held = this.merged(returns.slice(0, 12).map((value) => this.of(fn, value, depth + 1)));
    return held?.t === "query" ? { ...held, isLocal: false, relation: null } : held;
  }

  #item(place: Place, expr: Expr & { k: "item" }, depth: number): Held | null {
    const from = expr.of;
    const called = from.k === "call" ? calledName(from) : "";
    // `order, created = Order.objects.get_or_create(…)`.
    if (/^a?(get_or_create|update_or_create)$/.test(called))
      return (expr.nth ?? 0) === 0 ? this.of(place, from, depth) : null;
    // `for i, order in enumerate(orders)`.
    if (from.k === "item" && from.of.k === "call" && calledName(from.of) === "enumerate" && from.of.args[0])
      return expr.nth === 1
        ? this.#item(place, { k: "item", of: from.of.args[0], at: expr.at }, depth)
        : null;
    const of = this.of(place, from, depth);
    if (of?.t === "query" || of?.t === "rows") return one(of.model);
    if (of?.t !== "tuple") return null;
    if (expr.nth !== undefined) {
      const item = of.items[expr.nth];
      return item ? this.of(of.place, item, depth) : null;
    }
    const held = this.merged(of.items.slice(0, 12).map((item) => this.of(of.place, item, depth)));
    return held?.t === "one" ? held : null;
  }

  /** What a view works on: its own `get_queryset`, else what it is declared with. */
  viewQuery(of: { m: number; c: number }, depth: number): Query | null {
    const ref = this.ctx.program.classMember(of, "get_queryset");
    const held = ref?.t === "function" ? this.returned(ref, depth) : null;
    return held?.t === "query" ? held : modelOfView(this, of);
  }

  /** The query that a model, a manager or a query stands for: what `get_object_or_404` is given. */
  queryOf(place: Place, expr: Expr): Query | null {
    const held = this.of(place, expr);
    if (held?.t === "query") {
      this.absorbed.add(expr);
      return held;
    }
    return held?.t === "model" ? this.all(held.model) : null;
  }
}
