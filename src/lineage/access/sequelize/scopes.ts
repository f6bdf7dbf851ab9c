/** Sequelize: which scopes a class is used with, and what each scope of a model says. */

import type { Expr } from "../../ir.ts";
import type { Model } from "../../models/models.ts";
import { decoratorName } from "../../models/sequelize.ts";
import type { Place } from "../../program.ts";
import { calledName, entryOf, receiverOf } from "../../sites.ts";
import { type AccessContext, constantOf } from "../emit.ts";
import { type Given, objectsOf } from "../options.ts";
import type { ModelOf } from "./associations.ts";

/** One scope of a use: by its name, or as options that stand in the use. */
interface Used {
  name: string | null;
  options: Given | null;
  /** False where it applies on a condition. */
  isSure: boolean;
}

/** The scopes that a model's class stands for. */
export type ScopeUse = readonly Used[];

const byName = (name: string, isSure: boolean): Used => ({ name, options: null, isSure });

export const DEFAULT_SCOPE: ScopeUse = [byName("defaultScope", true)];
export const UNSCOPED: ScopeUse = [];

/** The scopes that the arguments of `scope(…)` name: texts, `{ method: ["name", …] }`, options, and lists of them. */
export function scopesIn(ctx: AccessContext, place: Place, args: readonly Expr[]): ScopeUse {
  const used: Used[] = [];
  const add = (at: Place, expr: Expr, isSure: boolean, depth: number) => {
    if (depth > 6) return;
    if (expr.k === "list") for (const item of expr.items) add(at, item, isSure, depth + 1);
    else if (expr.k === "either" || expr.k === "other")
      for (const one of expr.of) add(at, one, false, depth + 1);
    else if (expr.k === "object") {
      const method = entryOf([expr], "method");
      if (!method) used.push({ name: null, options: { place: at, expr }, isSure });
      else add(at, method.k === "list" ? (method.items[0] ?? method) : method, isSure, depth + 1);
    } else {
      const name = constantOf(ctx.program, at, expr);
      const ref = name === null ? ctx.program.resolve(at, expr) : null;
      if (name !== null) used.push(byName(name, isSure));
      else if (ref?.t === "expr" && ref.expr !== expr && /^(list|object)$/.test(ref.expr.k))
        add(ref.place, ref.expr, isSure, depth + 1);
    }
  };
  for (const arg of args) add(place, arg, true, 0);
  return used;
}

/** What the scopes of every model say. */
export class Scopes {
  readonly #ctx: AccessContext;
  readonly #of = new Map<Model, Map<string, Given[]>>();

  constructor(ctx: AccessContext, modelOf: ModelOf) {
    this.#ctx = ctx;
    for (const [model, { options, place }] of ctx.models.sequelize) {
      this.#add(model, "defaultScope", place, entryOf(options, "defaultScope"));
      this.#addAll(model, place, entryOf(options, "scopes"));
      const of = ctx.models.classOf(model);
      for (const decorator of of ? ctx.program.class(of).decorators : []) {
        const name = decoratorName(decorator);
        const [first] = decorator.k === "call" ? decorator.args : [];
        const at = { m: of?.m ?? place.m, f: 0 };
        if (name === "DefaultScope") this.#add(model, "defaultScope", at, first);
        else if (name === "Scopes") this.#addAll(model, at, first);
      }
    }
    for (const { place, expr } of ctx.sites) {
      if (expr.k !== "call" || calledName(expr) !== "addScope") continue;
      const receiver = receiverOf(expr);
      const model = receiver ? modelOf(place, receiver) : null;
      const name = constantOf(ctx.program, place, expr.args[0]);
      if (model && name !== null) this.#add(model, name, place, expr.args[1]);
    }
  }

  /** The options that a use of scopes applies to a model; `onlySure` leaves out what applies on a condition. */
  applied(model: Model, use: ScopeUse, onlySure: boolean): Given[] {
    const known = this.#of.get(model);
    return use.flatMap(({ name, options, isSure }) => {
      if (onlySure && !isSure) return [];
      return options ? [options] : ((name === null ? undefined : known?.get(name)) ?? []);
    });
  }

  #add(model: Model, name: string, place: Place, expr: Expr | null | undefined): void {
    if (!expr) return;
    let known = this.#of.get(model);
    if (!known) {
      known = new Map();
      this.#of.set(model, known);
    }
    known.set(name, [...(known.get(name) ?? []), { place, expr }]);
  }

  /** `{ recent: { … }, by: (id) => ({ … }) }`, or a function that gives that. */
  #addAll(model: Model, place: Place, expr: Expr | null | undefined): void {
    if (!expr) return;
    for (const { place: at, expr: all } of objectsOf(this.#ctx, { place, expr }))
      for (const { key, value } of all.entries) if (key !== null) this.#add(model, key, at, value);
  }
}
