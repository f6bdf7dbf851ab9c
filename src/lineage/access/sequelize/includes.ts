/** Sequelize: the tables that a finder reads beside its model's own, by `include`, by scopes and by default scopes. */

import type { Expr } from "../../ir.ts";
import { definitionOf, type Model } from "../../models/models.ts";
import type { Place } from "../../program.ts";
import { entryOf } from "../../sites.ts";
import { type AccessContext, constantOf } from "../emit.ts";
import { type Given, objectsOf } from "../options.ts";
import type { Association, Associations } from "./associations.ts";
import { DEFAULT_SCOPE, type Scopes, type ScopeUse } from "./scopes.ts";
import type { Values } from "./values.ts";

/** Includes within includes that are followed. */
const DEPTH_MAX = 8;

interface Found {
  tables: Set<string>;
  onlySure: boolean;
}

/** Finds the tables that options and scopes add to a model's. */
export class Includes {
  readonly #ctx: AccessContext;
  readonly #values: Values;
  readonly #associations: Associations;
  readonly #scopes: Scopes;

  constructor(ctx: AccessContext, values: Values, associations: Associations, scopes: Scopes) {
    this.#ctx = ctx;
    this.#values = values;
    this.#associations = associations;
    this.#scopes = scopes;
  }

  /**
   * The tables read beside `model`'s by a statement with these options, under these scopes; `onlySure` leaves out what is
   * read on a condition.
   */
  tables(model: Model, scope: ScopeUse, options: readonly Given[], onlySure: boolean): Set<string> {
    const found: Found = { tables: new Set(), onlySure };
    for (const given of [...this.#scopes.applied(model, scope, onlySure), ...options])
      this.#options(given, model, found, 0);
    return found.tables;
  }

  #options(given: Given, model: Model, found: Found, depth: number): void {
    if (depth > DEPTH_MAX) return;
    for (const { place, expr } of objectsOf(this.#ctx, given, found.onlySure)) {
      const include = entryOf([expr], "include");
      if (include) this.#include(place, include, model, found, depth + 1);
    }
  }

  /** One include, or a list of them, of a model. */
  #include(place: Place, expr: Expr, model: Model, found: Found, depth: number): void {
    if (depth > DEPTH_MAX) return;
    switch (expr.k) {
      case "list":
        for (const item of expr.items) this.#include(place, item, model, found, depth);
        return;
      case "either":
      case "other":
        if (found.onlySure) return;
        for (const one of expr.of) this.#include(place, one, model, found, depth);
        return;
      case "text": {
        const name = constantOf(this.#ctx.program, place, expr);
        const association = name === null ? null : this.#associations.named(model, name);
        if (association) this.#associated(association, DEFAULT_SCOPE, found, depth);
        return;
      }
      case "object":
        return this.#object(place, expr, model, found, depth);
      case "name":
      case "member":
      case "call":
        return this.#named(place, expr, model, found, depth);
      default:
    }
  }

  /** `{ model: Post, as: "posts", include: [...] }`, `{ association: "posts" }`, `{ all: true }`. */
  #object(place: Place, expr: Expr & { k: "object" }, model: Model, found: Found, depth: number): void {
    const as = constantOf(this.#ctx.program, place, entryOf([expr], "as"));
    const named = entryOf([expr], "association");
    const of = entryOf([expr], "model");
    let target: Model | null = null;
    if (named) {
      const name = constantOf(this.#ctx.program, place, named);
      const association =
        name === null ? this.#associationOf(place, named, model) : this.#associations.named(model, name);
      if (association) this.#associated(association, DEFAULT_SCOPE, found, depth);
      target = association?.target ?? null;
    } else if (of) {
      const value = this.#values.of(place, of);
      target = value && value.kind !== "row" ? value.model : null;
      if (value && target) this.#target(model, target, as, value.scope, found, depth);
    } else if (entryOf([expr], "all")) {
      for (const association of this.#associations.from(model))
        this.#associated(association, DEFAULT_SCOPE, found, depth);
    }
    const inner = entryOf([expr], "include");
    if (inner && target) this.#include(place, inner, target, found, depth + 1);
  }

  /** `[Post]`, `[User.Posts]`, or a name for a list of includes. */
  #named(place: Place, expr: Expr, model: Model, found: Found, depth: number): void {
    const association = this.#associationOf(place, expr, model);
    if (association) return this.#associated(association, DEFAULT_SCOPE, found, depth);
    const value = this.#values.of(place, expr);
    if (value?.model && value.kind === "class")
      return this.#target(model, value.model, null, value.scope, found, depth);
    const ref = this.#ctx.program.resolve(place, expr);
    if (ref?.t === "expr" && ref.expr !== expr && /^(list|object|text)$/.test(ref.expr.k))
      return this.#include(ref.place, ref.expr, model, found, depth + 1);
    // `compact([…])`, `[…].filter(Boolean)`.
    if (expr.k !== "call" || value || ref?.t === "function") return;
    const { callee } = expr;
    const lists = [...(callee.k === "member" ? [callee.of] : []), ...expr.args];
    for (const list of lists) if (list.k === "list") this.#include(place, list, model, found, depth + 1);
  }

  /** `User.Posts`, `User.associations.posts`: the association itself. */
  #associationOf(place: Place, expr: Expr, model: Model): Association | null {
    const { program } = this.#ctx;
    const made = definitionOf(program, place, expr, 0);
    const known = made ? this.#associations.ofExpr(made) : null;
    if (known || expr.k !== "member") return known;
    if (expr.of.k === "member" && expr.of.name === "associations")
      return this.#associations.named(this.#values.of(place, expr.of.of)?.model ?? model, expr.name);
    const cls = program.resolve(place, expr.of);
    if (cls?.t !== "class") return null;
    const value = program.class(cls).fields.find((field) => field.name === expr.name)?.value;
    const bound = value ?? this.#boundTo(place, expr);
    return bound ? this.#associations.ofExpr(bound) : null;
  }

  /** `User.Posts = User.hasMany(Post)` in the same function or module. */
  #boundTo(place: Place, expr: Expr & { k: "member" }): Expr | null {
    if (expr.of.k !== "name") return null;
    const path = `${expr.of.name}.${expr.name}`;
    for (const f of [place.f, 0]) {
      const value = this.#ctx.program.function({ m: place.m, f }).bindings.get(path)?.at(-1);
      if (value) return value;
    }
    return null;
  }

  #associated(association: Association, scope: ScopeUse, found: Found, depth: number): void {
    const { target, through } = association;
    found.tables.add(target.table);
    if (through !== null) found.tables.add(through);
    // The default scope of what is included is applied to it.
    this.#scoped(target, scope, found, depth);
  }

  /** What the scopes of an included model include themselves. */
  #scoped(target: Model, scope: ScopeUse, found: Found, depth: number): void {
    for (const given of this.#scopes.applied(target, scope, found.onlySure))
      this.#options(given, target, found, depth + 1);
  }

  #target(
    model: Model,
    target: Model,
    as: string | null,
    scope: ScopeUse,
    found: Found,
    depth: number,
  ): void {
    const to = this.#associations.from(model).filter((one) => one.target === target);
    const association = as === null ? to[0] : (to.find((one) => one.as === as) ?? to[0]);
    if (association) return this.#associated(association, scope, found, depth);
    found.tables.add(target.table);
    this.#scoped(target, scope, found, depth);
  }
}
