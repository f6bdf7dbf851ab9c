/** What an expression of a Django program holds: a model, a query with the tables that it reads, or an instance. */

import type { Expr } from "../../ir.ts";
import { named } from "../../models/django.ts";
import type { DjangoModels, Relation } from "../../models/django-relations.ts";
import { definitionOf, type Model } from "../../models/models.ts";
import type { Place, Ref } from "../../program.ts";
import { valuesAt } from "../../reaching.ts";
import { type Call, calledName, entryOf } from "../../sites.ts";
import { type AccessContext, constantOf } from "../emit.ts";
import { formAt, formOf } from "./forms.ts";
import { Lookups } from "./lookups.ts";
import { classesOf, type Managers, modelOfView } from "./managers.ts";
import { BUILDS, CREATES_USER, GIVES_ONE, HANDS_ON, RUNS, TAKES, WRITES } from "./methods.ts";

export interface Query {
  t: "query";
  model: Model;
  /** Tables that it reads beside that of the model. */
  tables: ReadonlySet<string>;
  /** The relation, while it is the manager of one. */
  relation: Relation | null;
  /** The classes of this tree that give it methods of their own. */
  classes: readonly { m: number; c: number }[];
  /** Its manager is of a package: it may have further methods. */
  isOpen: boolean;
  /** Built, at least in part, in the function that holds it. */
  isLocal: boolean;
}

export type Held =
  | { t: "model"; model: Model }
  | Query
  /** An instance; `isMade`: not yet stored. */
  | { t: "one"; model: Model; isMade: boolean }
  /** Instances that a query gave. */
  | { t: "rows"; model: Model }
  | { t: "tuple"; place: Place; items: readonly Expr[] }
  | { t: "form"; model: Model; isNew: boolean; cls: { m: number; c: number } }
  | { t: "object"; m: number; c: number };

const DEPTH_MAX = 40;
const NO_TABLES: ReadonlySet<string> = new Set();

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

  #find(place: Place, expr: Expr, depth: number): Held | null {
    switch (expr.k) {
      case "name":
        return this.#name(place, expr, depth);
      case "member":
        return this.#member(place, expr, depth);
      case "call":
        return this.#call(place, expr, depth);
      case "either":
        return this.#merged(expr.of.map((one) => this.of(place, one, depth)));
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
  #merged(all: readonly (Held | null)[]): Held | null {
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
      if (cls) return this.#instance(cls, expr.name === "cls");
    }
    for (let f: number | null = place.f; f !== null; ) {
      const fn = program.function({ m: place.m, f });
      const at = { m: place.m, f };
      const line = f === place.f && expr.at > 0 ? expr.at : Number.MAX_SAFE_INTEGER;
      const values = valuesAt(fn, expr.name, line, (value) => this.#open.has(value));
      if (values.length > 0) {
        const held = this.#merged(values.map((value) => (value === expr ? null : this.of(at, value, depth))));
        const type = fn.types?.get(expr.name);
        return held ?? (type ? this.#typed({ m: place.m, f: 0 }, type, depth) : null);
      }
      const param = fn.params.find((one) => one.name === expr.name);
      if (param) return param.type ? this.#typed({ m: place.m, f: 0 }, param.type, depth) : null;
      f = fn.outer;
    }
    return this.#named(place, expr, depth);
  }

  /** What a name of the module or an imported one stands for. */
  #named(place: Place, expr: Expr, depth: number): Held | null {
    const model = this.django.named(place, expr);
    if (model) return { t: "model", model };
    const ref = this.ctx.program.resolve(place, expr);
    if (ref?.t === "instance") return this.#instance(ref, false);
    if (ref?.t === "expr" && ref.expr !== expr) return this.of(ref.place, ref.expr, depth);
    const made = definitionOf(this.ctx.program, place, expr, 0);
    return made?.k === "call" && calledName(made) === "get_model" ? this.#history(place, made) : null;
  }

  #instance(cls: { m: number; c: number }, isClass: boolean): Held | null {
    const model = this.ctx.models.ofClass(cls);
    if (model?.family === "django") return isClass ? { t: "model", model } : one(model);
    const managed = this.managers.modelOf(cls);
    if (managed) return { ...this.all(managed, [cls]), isLocal: false };
    const form = formOf(this, cls);
    if (form) return { t: "form", model: form.model, isNew: false, cls };
    return { t: "object", m: cls.m, c: cls.c };
  }

  /** What something of an annotated type holds. */
  #typed(place: Place, type: Expr, depth: number): Held | null {
    if (type.k === "either") {
      for (const each of type.of) {
        const held = this.#typed(place, each, depth);
        if (held) return held;
      }
      return null;
    }
    if (type.k === "call") {
      const name = calledName(type);
      const [first] = type.args;
      const of = first ? this.#typed(place, first, depth) : null;
      if (of?.t !== "one") return null;
      if (/(QuerySet|Manager)(Any)?$/.test(name)) return { ...this.all(of.model), isLocal: false };
      if (/^(typing\.)?(list|List|Iterable|Iterator|Sequence|Collection|set|Set|tuple|Tuple)$/.test(name))
        return { t: "rows", model: of.model };
      return name === "WithAnnotations" ? of : null;
    }
    if (type.k !== "name" && type.k !== "member") return null;
    const held = this.#named(place, type, depth);
    if (held?.t === "model") return one(held.model);
    const ref = this.ctx.program.resolve(place, type);
    return ref?.t === "class" ? this.#instance(ref, false) : null;
  }

  #member(place: Place, expr: Expr & { k: "member" }, depth: number): Held | null {
    const { program } = this.ctx;
    const bound = expr.of.k === "name" ? `${expr.of.name}.${expr.name}` : "";
    const values =
      bound === "" ? [] : valuesAt(program.function(place), bound, expr.at, (v) => this.#open.has(v));
    for (const value of [...values].reverse()) {
      const held = value.at <= expr.at && value !== expr ? this.of(place, value, depth) : null;
      if (held) return held;
    }
    if (expr.name === "through" && expr.of.k === "member") {
      const between = this.#between(this.of(place, expr.of.of, depth), expr.of.name);
      if (between) return between;
    }
    const of = this.of(place, expr.of, depth);
    const found = of ? this.#memberOf(of, expr.name, depth) : null;
    if (found) return found;
    // `request.user`: what the middleware of sessions puts there.
    if (expr.name === "user" && isRequest(expr.of) && this.django.user) return one(this.django.user);
    return of ? null : this.#named(place, expr, depth);
  }

  #memberOf(of: Held, name: string, depth: number): Held | null {
    switch (of.t) {
      case "model":
        return this.managers.manager(this, of.model, name);
      case "one": {
        const relation = this.django.attribute(of.model, name);
        if (relation) return this.#related(relation);
        const cls = this.ctx.models.classOf(of.model);
        const method = cls ? this.ctx.program.classMember(cls, name) : null;
        if (method?.t === "function") return this.#property(method, depth);
        return this.managers.manager(this, of.model, name);
      }
      case "query":
        return name === "model" ? { t: "model", model: of.model } : null;
      case "form":
        return name === "instance"
          ? { t: "one", model: of.model, isMade: of.isNew }
          : this.#field(of.cls, name, depth);
      case "object":
        return this.#field(of, name, depth);
      default:
        return null;
    }
  }

  /** A field of an object that is no model: its type or its value; `model` and `queryset` of a view. */
  #field(of: { m: number; c: number }, name: string, depth: number): Held | null {
    const { program } = this.ctx;
    for (const cls of classesOf(program, of)) {
      const place = { m: cls.m, f: 0 };
      const { fields, methods } = program.class(cls);
      const field = fields.find((one) => one.name === name && (one.type || one.value));
      if (field?.type) {
        const held = this.#typed(place, field.type, depth);
        if (held) return held;
      }
      const maker = methods.get("__init__") ?? methods.get("setUp") ?? 0;
      const held = field?.value ? this.of({ m: cls.m, f: maker }, field.value, depth) : null;
      if (held) return held.t === "query" ? { ...held, isLocal: false } : held;
      const method = methods.get(name);
      if (method !== undefined) return this.#property({ t: "function", m: cls.m, f: method }, depth);
    }
    return null;
  }

  /** `Order.tags.through`: the model of the table between. */
  #between(of: Held | null, name: string): Held | null {
    const relation = of?.t === "model" || of?.t === "one" ? this.django.attribute(of.model, name) : null;
    const table = relation?.through ?? null;
    const model = this.ctx.models.all.find((one) => one.table === table && one.family === "django");
    return table === null ? null : { t: "model", model: model ?? named(table, name) };
  }

  #related(relation: Relation): Held {
    const { kind, target, through } = relation;
    if (kind === "one" || kind === "reverse-one") return one(target);
    const standard = this.managers.standard(this, target);
    return { ...standard, relation, tables: new Set(through === null ? [] : [through]) };
  }

  #property(fn: Ref & { t: "function" }, depth: number): Held | null {
    const isProperty = this.ctx.program
      .function(fn)
      .decorators.some((one) => (one.k === "name" || one.k === "member") && /property$/.test(one.name));
    return isProperty ? this.returned(fn, depth) : null;
  }

  /** What a function of the tree gives back; a query was built there. */
  returned(fn: { m: number; f: number }, depth: number): Held | null {
    const { returns } = this.ctx.program.function(fn);
    const held = this.#merged(returns.slice(0, 12).map((value) => this.of(fn, value, depth + 1)));
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
    const held = this.#merged(of.items.slice(0, 12).map((item) => this.of(of.place, item, depth)));
    return held?.t === "one" ? held : null;
  }

  #call(place: Place, call: Call, depth: number): Held | null {
    const { program } = this.ctx;
    const name = calledName(call);
    const [first] = call.args;
    if (/^a?get_object_or_404$/.test(name) || /^a?get_list_or_404$/.test(name)) {
      const query = first ? this.queryOf(place, first) : null;
      return query ? (name.includes("list") ? { t: "rows", model: query.model } : one(query.model)) : null;
    }
    if (name === "get_user_model") return this.django.user ? { t: "model", model: this.django.user } : null;
    if (name === "get_model") return this.#history(place, call);
    if (call.callee.k === "member") {
      const on = this.#receiver(place, call.callee.of, depth);
      if (on) return this.#method(place, on, name, call, depth);
    }
    if (call.callee.k === "name" && first) {
      if (name === "cast" && call.args[1])
        return this.#typed({ m: place.m, f: 0 }, first, depth) ?? this.of(place, call.args[1], depth);
      if (name === "type") {
        const of = this.of(place, first, depth);
        return of?.t === "one" ? { t: "model", model: of.model } : null;
      }
      if (TAKES.test(name) || HANDS_ON.test(name)) {
        const of = this.of(place, first, depth);
        if (of?.t === "rows" || (of?.t === "query" && !HANDS_ON.test(name))) {
          if (name === "next") return one(of.model);
          return /^(list|tuple|set|sorted|frozenset)$/.test(name) ? { t: "rows", model: of.model } : null;
        }
        return of;
      }
    }
    const callee = this.of(place, call.callee, depth);
    if (callee?.t === "model") return { t: "one", model: callee.model, isMade: true };
    const ref = program.resolve(place, call.callee);
    if (ref?.t === "function") return this.returned(ref, depth);
    if (ref?.t !== "class") return null;
    return formAt(this, ref, call) ?? { t: "object", m: ref.m, c: ref.c };
  }

  /** What a method is called on; `super()` is the instance or the query itself, with Django's own methods. */
  #receiver(place: Place, expr: Expr, depth: number): Held | null {
    if (expr.k !== "call" || calledName(expr) !== "super") return this.of(place, expr, depth);
    const cls = this.ctx.program.classAt(place);
    const held = cls ? this.#instance(cls, false) : null;
    if (held?.t === "query") return { ...held, classes: [] };
    // `super().get_queryset()` of a view gives what `queryset` and `model` say.
    return held?.t === "object" ? modelOfView(this, held) : held;
  }

  /** What the receiver of a method call holds. */
  receiver(place: Place, call: Call): Held | null {
    return call.callee.k === "member" ? this.#receiver(place, call.callee.of, 0) : null;
  }

  #method(place: Place, on: Held, name: string, call: Call, depth: number): Held | null {
    const { program } = this.ctx;
    switch (on.t) {
      case "query":
        return this.#onQuery(place, on, name, call, depth);
      case "model":
      case "one": {
        const cls = this.ctx.models.classOf(on.model);
        const ref = cls ? program.classMember(cls, name) : null;
        return ref?.t === "function" ? this.returned(ref, depth) : null;
      }
      case "form":
        // `super().create(validated_data)` of a serializer.
        if (/^(create|update)$/.test(name) && isOnSuper(call)) return one(on.model);
        return /^a?save$/.test(name)
          ? { t: "one", model: on.model, isMade: isUnsaved(call) && on.isNew }
          : null;
      case "object": {
        const ref = program.classMember(on, name);
        if (ref?.t === "function") return this.returned(ref, depth);
        if (name !== "get_queryset" && name !== "get_object") return null;
        const query = this.viewQuery(on, depth);
        return query && name === "get_object" ? one(query.model) : query;
      }
      default:
        return null;
    }
  }

  /** What a view works on: its own `get_queryset`, else what it is declared with. */
  viewQuery(of: { m: number; c: number }, depth: number): Query | null {
    const ref = this.ctx.program.classMember(of, "get_queryset");
    const held = ref?.t === "function" ? this.returned(ref, depth) : null;
    return held?.t === "query" ? held : modelOfView(this, of);
  }

  #onQuery(place: Place, on: Query, name: string, call: Call, depth: number): Held | null {
    const own = this.methodOf(on, name);
    if (own?.t === "function") {
      const held = this.returned(own, depth);
      if (held?.t === "query" && held.model === on.model)
        return {
          ...held,
          classes: on.classes,
          tables: new Set([...on.tables, ...held.tables]),
          // Built by the method, unless this function built what it is called on.
          isLocal: call.callee.k === "member" && call.callee.of.k === "call",
        };
      if (held || BUILDS.test(name)) return held ?? on;
    }
    if (BUILDS.test(name)) return this.grown(place, on, name, call.args);
    if (GIVES_ONE.test(name)) return one(on.model);
    if (RUNS.test(name)) return /iterator|in_bulk/.test(name) ? { t: "rows", model: on.model } : null;
    if (/^a?(create|get_or_create|update_or_create)$/.test(name) || CREATES_USER.test(name))
      return one(on.model);
    if (/^a?bulk_create$/.test(name)) return { t: "rows", model: on.model };
    if (name === "none" || Object.hasOwn(WRITES, name)) return null;
    // `ContentType.objects.get_for_model(x)` gives an instance.
    if (on.isOpen && !own && /^get_(for_|by_)/.test(name)) return one(on.model);
    return on.isOpen && !own ? { ...on, relation: null } : null;
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

  /** `apps.get_model("shop", "Order")` or `("shop.Order")`: also a model that the tree no longer has. */
  #history(place: Place, call: Call): Held | null {
    const text = (name: string, n: number) =>
      constantOf(
        this.ctx.program,
        place,
        entryOf(call.args, name) ?? call.args.filter((a) => a.k !== "named")[n],
      );
    const app = text("app_label", 0);
    const name = text("model_name", 1);
    if (app === null) return null;
    const model = this.django.labelled(name === null ? app : `${app}.${name}`, null, true);
    return model ? { t: "model", model } : null;
  }
}

function one(model: Model): Held {
  return { t: "one", model, isMade: false };
}

/** Whether a call goes to the class that another one extends. */
export function isOnSuper(call: Call): boolean {
  const on = call.callee.k === "member" ? call.callee.of : null;
  return on?.k === "call" && calledName(on) === "super";
}

/** `form.save(commit=False)` gives an instance that is not stored. */
export function isUnsaved(call: Call): boolean {
  const commit = entryOf(call.args, "commit") ?? null;
  return commit?.k === "value" && commit.value === false;
}

function isRequest(expr: Expr): boolean {
  return (expr.k === "name" || expr.k === "member") && expr.name === "request";
}
