/** drizzle: builders that are given table objects, and relational queries with the relations that they load. */

import type { Expr } from "../ir.ts";
import type { Model } from "../models/models.ts";
import type { Place } from "../program.ts";
import { type Call, calledName, chainOf, entryOf } from "../sites.ts";
import { type AccessContext, argsOf, keysOf } from "./emit.ts";

/** Relations in relations may go this deep. */
const DEPTH_MAX = 8;

/** A reader of all calls of a tree that uses drizzle; `chained`: a further call is made on the result. */
export function drizzleReader(ctx: AccessContext): (place: Place, call: Call, chained: boolean) => void {
  let relations: Relations | null = null;
  return (place, call, chained) => {
    if (!chained) drizzle(ctx, place, call);
    if (!/^(findMany|findFirst)$/.test(calledName(call))) return;
    relations ??= new Relations(ctx);
    relationalQuery(ctx, place, call, relations);
  };
}

/** What matters is that the argument is a table object. */
function drizzle(ctx: AccessContext, place: Place, call: Call): void {
  const { steps } = chainOf(call);
  const upserts = steps.some(
    (step) => step.name === "onConflictDoUpdate" || step.name === "onDuplicateKeyUpdate",
  );
  for (const step of steps) {
    const target = step.args?.[0];
    if (!target || !/^(from|insert|update|delete|\$count|\w+Join)$/.test(step.name)) continue;
    const model = ctx.models.of(ctx.program, place, target);
    if (model?.family !== "drizzle") continue;
    const line = call.at;
    if (step.name === "insert") {
      const data = argsOf(steps, /^values$/).slice(0, 1);
      const columns = keysOf(ctx.program, place, data[0], model);
      ctx.emit(place, line, model.table, upserts ? "upsert" : "insert", columns, "builder", { data, model });
    } else if (step.name === "update") {
      const data = argsOf(steps, /^set$/).slice(0, 1);
      const columns = keysOf(ctx.program, place, data[0], model);
      ctx.emit(place, line, model.table, "update", columns, "builder", { data, model });
    } else if (step.name === "delete") ctx.emit(place, line, model.table, "delete", [], "builder");
    else ctx.emit(place, line, model.table, "select", [], "builder");
  }
}

/** `db.query.users.findMany({ with: { posts: { with: { comments: true } } } })`. */
function relationalQuery(ctx: AccessContext, place: Place, call: Call, relations: Relations): void {
  if (call.callee.k !== "member") return;
  const of = call.callee.of;
  if (of.k !== "member" || of.of.k !== "member" || of.of.name !== "query") return;
  const model = ctx.models.named(of.name, "drizzle");
  if (!model) return;
  ctx.emit(place, call.at, model.table, "select", [], "builder");
  for (const related of relations.loaded(place, model, entryOf(call.args, "with"), 0))
    ctx.emit(place, call.at, related.table, "select", [], "builder");
}

/** Which table stands behind a relation's name. */
class Relations {
  readonly #ctx: AccessContext;
  readonly #of = new Map<Model, Map<string, Model>>();

  constructor(ctx: AccessContext) {
    this.#ctx = ctx;
    for (const { place, expr } of ctx.sites) {
      if (expr.k !== "call" || expr.callee.k !== "name") continue;
      if (expr.callee.name === "relations") this.#declared(place, expr);
      else if (expr.callee.name === "defineRelations") this.#defined(place, expr);
    }
  }

  /** The tables that `with` names below a model, those of nested relations included. */
  loaded(place: Place, model: Model, given: Expr | null, depth: number): Model[] {
    if (!given || depth > DEPTH_MAX) return [];
    const ref = given.k === "object" ? { place, expr: given } : this.#ctx.program.resolve(place, given);
    if (!ref || !("expr" in ref) || ref.expr.k !== "object") return [];
    const { entries } = ref.expr;
    return entries.flatMap(({ key, value }) => {
      // A spread holds more of the same.
      if (key === null) return this.loaded(ref.place, model, value, depth + 1);
      const related = this.#of.get(model)?.get(key);
      if (!related || (value.k === "value" && value.value === false)) return [];
      return [related, ...this.loaded(ref.place, related, entryOf([value], "with"), depth + 1)];
    });
  }

  /** `relations(users, ({ one, many }) => ({ posts: many(posts) }))`. */
  #declared(place: Place, call: Call): void {
    const [table, make] = call.args;
    const model = table ? this.#ctx.models.of(this.#ctx.program, place, table) : null;
    if (model?.family !== "drizzle" || make?.k !== "function") return;
    const at = { m: place.m, f: make.fn };
    for (const returned of this.#ctx.program.function(at).returns)
      for (const { key, value } of returned.k === "object" ? returned.entries : []) {
        if (key === null || value.k !== "call" || !/^(one|many)$/.test(calledName(value)) || !value.args[0])
          continue;
        this.#add(model, key, this.#ctx.models.of(this.#ctx.program, at, value.args[0]));
      }
  }

  /** `defineRelations(schema, (r) => ({ users: { posts: r.many.posts() } }))`. */
  #defined(place: Place, call: Call): void {
    const make = call.args.at(-1);
    if (make?.k !== "function") return;
    for (const returned of this.#ctx.program.function({ m: place.m, f: make.fn }).returns)
      for (const { key, value } of returned.k === "object" ? returned.entries : []) {
        const model = key === null ? null : this.#ctx.models.named(key, "drizzle");
        if (!model || value.k !== "object") continue;
        for (const relation of value.entries)
          if (relation.key !== null && relation.value.k === "call")
            this.#add(model, relation.key, this.#ctx.models.named(calledName(relation.value), "drizzle"));
      }
  }

  #add(model: Model, name: string, to: Model | null): void {
    if (!to) return;
    const known = this.#of.get(model);
    if (known) known.set(name, to);
    else this.#of.set(model, new Map([[name, to]]));
  }
}
