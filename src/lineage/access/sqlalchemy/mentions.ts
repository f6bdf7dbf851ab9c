/** The tables that the arguments of a statement bring into it: columns, relationships, loads, subqueries. */

import type { Expr, FunctionIR } from "../../ir.ts";
import { partsOf } from "../../ir.ts";
import type { Model } from "../../models/models.ts";
import type { AlchemyModels, Relationship } from "../../models/sqlalchemy.ts";
import type { Place } from "../../program.ts";
import { valuesAt } from "../../reaching.ts";
import { type Call, calledName } from "../../sites.ts";
import { addReads, type Frame, GIVES_ONE, type Held, RUNS } from "./held.ts";
import type { Values } from "./values.ts";

export interface Mentioned {
  /** Models named here, and which of their columns. */
  named: Map<Model, Set<string>>;
  /** What the statements read that are a part of it. */
  inner: Map<Model, ReadonlySet<string>>;
  /** Those of them that another function names. */
  foreign: Set<Model>;
}

const DEPTH_MAX = 40;

/** Options that load what a relationship leads to. */
const LOADS =
  /^(joinedload|selectinload|subqueryload|immediateload|contains_eager|eagerload|joinedload_all)$/;
/** Options that only say how it would be loaded. */
const NO_LOAD = /^(lazyload|noload|raiseload|defaultload|load_only|defer|undefer|undefer_group)$/;
const JOINS = /^(join|outerjoin|join_from|outerjoin_from|select_from)$/;

interface Search {
  place: Place;
  frame: Frame | null;
  into: Mentioned;
  seen: Set<Expr>;
}

export class Mentions {
  readonly #values: Values;
  readonly #alchemy: AlchemyModels;

  constructor(values: Values, alchemy: AlchemyModels) {
    this.#values = values;
    this.#alchemy = alchemy;
  }

  /** The tables that selecting a model reads: those it inherits, too. */
  whole(model: Model): Model[] {
    return [model, ...this.#alchemy.parents(model)];
  }

  /** What the arguments of a step of a statement mention. */
  in(place: Place, method: string, args: readonly Expr[], frame: Frame | null = null): Mentioned {
    const into: Mentioned = { named: new Map(), inner: new Map(), foreign: new Set() };
    const search: Search = { place, frame, into, seen: new Set() };
    const joins = JOINS.test(method);
    const isEntity = /^(select|query|with_entities|add_entity)$/.test(method);
    // What the ON clause compares is joined already, or is what is joined.
    const inFrom = /^(join|outerjoin)$/.test(method)
      ? 1
      : joins && method !== "select_from"
        ? 2
        : args.length;
    for (const [i, arg] of args.entries()) {
      if (isEntity && (arg.k === "name" || arg.k === "member")) {
        const held = this.#values.of(place, arg, frame);
        if (held?.t === "model") for (const one of this.#alchemy.eager(held.model)) this.#leads(one, into);
      }
      const relationship = joins ? this.#relationshipOf(search, arg) : null;
      if (relationship) this.#leads(relationship, into);
      if (i < inFrom || (arg.k === "named" && arg.name === "target")) this.#walk(search, arg, 0);
    }
    return into;
  }

  #add(model: Model, into: Mentioned, column?: string): void {
    for (const one of this.whole(model)) if (!into.named.has(one)) into.named.set(one, new Set());
    if (column === undefined) return;
    const attribute = [...model.columns].find(([, name]) => name === column)?.[0] ?? column;
    into.named.get(this.#alchemy.ownerOf(model, attribute))?.add(column);
  }

  #leads({ target, secondary }: Relationship, into: Mentioned): void {
    if (secondary) this.#add(secondary, into);
    this.#add(target, into);
  }

  /** The relationship that `User.posts`, `User.posts.of_type(…)` or `User.posts.and_(…)` is. */
  #relationshipOf(search: Search, expr: Expr): Relationship | null {
    if (expr.k === "call" && expr.callee.k === "member" && /^(of_type|and_)$/.test(expr.callee.name))
      return this.#relationshipOf(search, expr.callee.of);
    if (expr.k !== "member") return null;
    const of = this.#values.of(search.place, expr.of, search.frame);
    return of?.t === "model" ? this.#alchemy.relationship(of.model, expr.name) : null;
  }

  #walk(search: Search, expr: Expr, depth: number): void {
    const { place, frame, seen } = search;
    if (depth > DEPTH_MAX || seen.has(expr)) return;
    seen.add(expr);
    switch (expr.k) {
      case "name":
      case "item": {
        const held = this.#values.of(place, expr, frame);
        if (held) return this.#held(search, held, depth);
        if (expr.k === "name") this.#value(search, expr, depth);
        return;
      }
      case "member":
        return this.#member(search, expr, depth);
      case "call":
        return this.#call(search, expr, depth);
      case "function":
      case "text":
        return;
      default:
        for (const part of partsOf(expr)) this.#walk(search, part, depth + 1);
    }
  }

  #held(search: Search, held: Held, depth: number): void {
    const { into } = search;
    if (held.t === "model") for (const model of [held.model, ...held.more]) this.#add(model, into);
    else if (held.t === "statement") {
      addReads(into.inner, held.reads);
      for (const model of held.foreign) into.foreign.add(model);
    } else if (held.t === "tuple") {
      const inner: Search = { ...search, place: held.place, frame: held.frame };
      for (const item of held.items) this.#walk(inner, item, depth + 1);
    }
  }

  /** An expression of columns that was given a name: `day = func.date(Order.created_at)`. */
  #value(search: Search, expr: Expr & { k: "name" }, depth: number): void {
    const { program } = this.#values.ctx;
    const { place, frame } = search;
    for (let f: number | null = place.f; f !== null; ) {
      const at = { m: place.m, f };
      const fn: FunctionIR = program.function(at);
      const line = f === place.f && expr.at > 0 ? expr.at : Number.MAX_SAFE_INTEGER;
      const values = valuesAt(fn, expr.name, line);
      for (const value of values)
        if (value.k !== "item") this.#walk({ ...search, place: at }, value, depth + 1);
      if (values.length > 0) {
        for (const value of fn.bindings.get(`${expr.name}[]`) ?? [])
          this.#walk({ ...search, place: at }, value, depth + 1);
        return;
      }
      if (fn.params.some((one) => one.name === expr.name)) {
        const given = frame?.m === place.m && frame.f === f ? frame.args.get(expr.name) : undefined;
        if (given) this.#walk({ ...search, place: given.place, frame: given.frame }, given.expr, depth + 1);
        return;
      }
      f = fn.outer;
    }
  }

  #member(search: Search, expr: Expr & { k: "member" }, depth: number): void {
    const { place, frame, into } = search;
    const held = this.#values.of(place, expr, frame);
    if (held) return this.#held(search, held, depth);
    const inner = expr.of.k === "member" && expr.of.name === "c" ? expr.of.of : expr.of;
    const of = this.#values.of(place, inner, frame);
    if (of?.t === "model") {
      if (/^__\w+__$/.test(expr.name) || this.#isConstant(of.model, expr.name)) return;
      // A relationship in a condition compares keys of its own table.
      this.#add(of.model, into, of.model.columns.get(expr.name));
      for (const model of of.more) this.#add(model, into);
      return;
    }
    if (of && of.t !== "statement") return;
    this.#walk(search, expr.of, depth + 1);
  }

  /** A class may hold constants beside its columns. */
  #isConstant(model: Model, name: string): boolean {
    const cls = model.columns.has(name) ? null : this.#values.ctx.models.classOf(model);
    const field = cls ? this.#values.ctx.program.class(cls).fields.find((one) => one.name === name) : null;
    return field?.value?.k === "text" || field?.value?.k === "value" || field?.value?.k === "list";
  }

  #call(search: Search, call: Call, depth: number): void {
    const { place, frame, into } = search;
    const name = calledName(call);
    const { callee } = call;
    if (LOADS.test(name) || NO_LOAD.test(name)) {
      if (callee.k === "member") this.#walk(search, callee.of, depth + 1);
      for (const arg of LOADS.test(name) ? call.args : []) {
        const relationship = this.#relationshipOf(search, arg);
        if (relationship) this.#leads(relationship, into);
      }
      return;
    }
    if (callee.k === "member") {
      const relationship = /^(any|has|contains|of_type)$/.test(name)
        ? this.#relationshipOf(search, callee.of)
        : null;
      if (relationship && name === "contains") {
        if (relationship.secondary) this.#add(relationship.secondary, into);
      } else if (relationship) this.#leads(relationship, into);
    }
    const held = this.#values.of(place, call, frame);
    if (held) return this.#held(search, held, depth);
    // What running a statement gives is a value, not a part of this one.
    if (callee.k === "member" && (RUNS.test(name) || GIVES_ONE.test(name)) && !/^func$/.test(rootOf(callee)))
      return;
    if (callee.k === "name" && /^(isinstance|len|str|int|getattr|type|repr)$/.test(name)) return;
    if (callee.k === "member") this.#walk(search, callee.of, depth + 1);
    for (const arg of call.args) this.#walk(search, arg, depth + 1);
  }
}

function rootOf(expr: Expr): string {
  let here = expr;
  while (here.k === "member") here = here.of;
  return here.k === "name" ? here.name : "";
}
