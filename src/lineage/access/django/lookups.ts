/** The tables that the arguments of a Django query add to it: lookups over relations, expressions and subqueries. */

import type { Expr } from "../../ir.ts";
import type { DjangoModels } from "../../models/django-relations.ts";
import type { Model } from "../../models/models.ts";
import type { Place, Program } from "../../program.ts";
import { valuesAt } from "../../reaching.ts";
import { calledName } from "../../sites.ts";
import { constantOf } from "../emit.ts";

/** Methods whose texts are paths: `order_by("-project__name")`. */
const PATHS = /^a?(order_by|values|values_list|distinct|dates|datetimes|latest|earliest)$/;
/** Methods that read the whole path, its end too. */
const WHOLE_PATHS = /^(select_related|prefetch_related)$/;
/** Methods whose named arguments are lookups. */
const LOOKUPS = /^a?(filter|exclude|get|get_or_create|update_or_create|complex_filter)$|_or_404$/;
/** Methods whose arguments are expressions under a name. */
const EXPRESSIONS = /^a?(annotate|alias|aggregate|update|values|values_list|order_by)$/;
/** Methods that take other queries of the same shape. */
const SETS = /^(union|intersection|difference)$/;
/** Expressions whose texts are no paths of this query. */
const OPAQUE = /^(Value|OuterRef|RawSQL|Cast)$/;

const LOOKUP_END =
  /^(i?exact|i?contains|in|gte?|lte?|i?startswith|i?endswith|range|date|year|iso_year|month|day|week|week_day|iso_week_day|quarter|time|hour|minute|second|isnull|i?regex|search|overlap|contained_by|has_keys?|has_any_keys|len)$/;

/** A query that an argument holds, to be read by the statement around it. */
export interface Inner {
  model: Model;
  tables: ReadonlySet<string>;
}

/** What the arguments of one method add; `innerOf` gives the query that an expression holds. */
export class Lookups {
  readonly #program: Program;
  readonly #django: DjangoModels;
  readonly #innerOf: (place: Place, expr: Expr) => Inner | null;

  constructor(program: Program, django: DjangoModels, innerOf: (place: Place, expr: Expr) => Inner | null) {
    this.#program = program;
    this.#django = django;
    this.#innerOf = innerOf;
  }

  /** Adds to `tables` what `method(args)` reads beside the table of the model. */
  add(place: Place, model: Model, method: string, args: readonly Expr[], tables: Set<string>): void {
    for (const arg of args) {
      if (SETS.test(method)) this.#inner(place, arg, tables);
      else if (arg.k === "named") {
        if (LOOKUPS.test(method) && !/^(defaults|create_defaults)$/.test(arg.name))
          this.path(model, arg.name, false, tables);
        if (LOOKUPS.test(method) || EXPRESSIONS.test(method))
          this.#expression(place, model, arg.of, tables, 0);
      } else if (WHOLE_PATHS.test(method)) this.#whole(place, model, arg, tables);
      else if (PATHS.test(method) && arg.k === "text") this.#text(place, model, arg, tables);
      else if (LOOKUPS.test(method) || EXPRESSIONS.test(method))
        this.#expression(place, model, arg, tables, 0);
    }
  }

  /** The tables on a path of relations. A path that ends on a key reads no table for it. */
  path(model: Model, path: string, isWhole: boolean, tables: Set<string>): void {
    let here = model;
    const steps = path.split("__");
    for (let i = 0; i < steps.length; i++) {
      const relation = this.#django.lookup(here, steps[i] as string);
      if (!relation) return;
      const next = steps[i + 1];
      const isKey = next === undefined || LOOKUP_END.test(next) || this.#django.isKey(relation.target, next);
      const isTrimmed = !isWhole && isKey && (relation.kind === "one" || relation.kind === "many");
      if (relation.through !== null) tables.add(relation.through);
      if (!isTrimmed) tables.add(relation.target.table);
      here = relation.target;
    }
  }

  #text(place: Place, model: Model, expr: Expr, tables: Set<string>): void {
    const text = constantOf(this.#program, place, expr);
    if (text !== null) this.path(model, text.replace(/^[-+]/, ""), false, tables);
  }

  /** `select_related("a__b")`, `prefetch_related(Prefetch("a", queryset=…))`. */
  #whole(place: Place, model: Model, arg: Expr, tables: Set<string>): void {
    const isPrefetch = arg.k === "call" && calledName(arg) === "Prefetch";
    const path = constantOf(this.#program, place, isPrefetch ? arg.args[0] : arg);
    if (path !== null) this.path(model, path, true, tables);
    if (isPrefetch)
      for (const one of arg.args.slice(1)) this.#inner(place, one.k === "named" ? one.of : one, tables);
  }

  #inner(place: Place, expr: Expr, tables: Set<string>): boolean {
    const inner = this.#innerOf(place, expr);
    if (!inner) return false;
    tables.add(inner.model.table);
    for (const table of inner.tables) tables.add(table);
    return true;
  }

  /** Q, F, aggregates and functions of the database, subqueries, and what a name holds of them. */
  #expression(
    place: Place,
    model: Model,
    expr: Expr,
    tables: Set<string>,
    depth: number,
    isWhole = true,
  ): void {
    if (depth > 12) return;
    switch (expr.k) {
      case "named":
        return this.#expression(place, model, expr.of, tables, depth + 1);
      case "name": {
        if (isWhole && this.#inner(place, expr, tables)) return;
        for (const value of valuesAt(this.#program.function(place), expr.name, expr.at))
          if (value !== expr && value.k !== "item" && !(value.k === "text" && value.parts.length === 1))
            this.#expression(place, model, value, tables, depth + 2, false);
        return;
      }
      case "object":
        // `filter(**conditions)`.
        for (const { key } of expr.entries) if (key !== null) this.path(model, key, false, tables);
        return;
      case "member":
        if (isWhole) this.#inner(place, expr, tables);
        return;
      case "text":
        for (const part of expr.parts)
          if (typeof part !== "string") this.#expression(place, model, part, tables, depth + 1);
        return;
      case "either":
        for (const part of expr.of) this.#expression(place, model, part, tables, depth + 1, isWhole);
        return;
      // `Q(…) | Q(…)`; what a comprehension goes through is run by itself.
      case "list":
      case "other":
        for (const part of expr.k === "list" ? expr.items : expr.of)
          this.#expression(place, model, part, tables, depth + 1, false);
        return;
      case "call":
        if (!isWhole || !this.#inner(place, expr, tables)) this.#call(place, model, expr, tables, depth);
        return;
      default:
        return;
    }
  }

  #call(place: Place, model: Model, call: Expr & { k: "call" }, tables: Set<string>, depth: number): void {
    const name = calledName(call);
    if (name === "Subquery" || name === "Exists") {
      const [query] = call.args;
      if (query) this.#inner(place, query, tables);
      return;
    }
    // `F("a").desc()`, `~Exists(…)`.
    if (call.callee.k === "member" && call.callee.of.k === "call")
      this.#call(place, model, call.callee.of, tables, depth + 1);
    if (!/^[A-Z]/.test(name)) return;
    for (const arg of call.args) {
      if (arg.k === "text") {
        if (!OPAQUE.test(name) || (name === "Cast" && arg === call.args[0]))
          this.#text(place, model, arg, tables);
      } else if (arg.k === "named") {
        if (/^(Q|When)$/.test(name) && !/^(then|_connector|_negated)$/.test(arg.name))
          this.path(model, arg.name, false, tables);
        this.#expression(place, model, arg.of, tables, depth + 1);
      } else if (!OPAQUE.test(name) || name === "Cast")
        this.#expression(place, model, arg, tables, depth + 1);
    }
  }
}
