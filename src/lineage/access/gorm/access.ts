/** GORM: the model a chain works on is the type of what it is given; relations and texts name the other tables. */

import type { AccessFact } from "../../facts.ts";
import { GORM } from "../../models/go.ts";
import {
  type Relation,
  relationOf,
  relationsAlong,
  relationsOf,
  type Struct,
} from "../../models/go-relations.ts";
import type { Model } from "../../models/models.ts";
import type { Place } from "../../program.ts";
import { type Call, calledName } from "../../sites.ts";
import { type AccessContext, constantOf, keysOf } from "../emit.ts";
import { type ChainStep, type Located, stepsOf } from "./chain.ts";
import { ASSOCIATION, FILLS_ANYTHING, LOADS, VERBS } from "./methods.ts";
import { tablesOfStep } from "./sql.ts";
import { isOpenType, modelOf, structOf } from "./types.ts";

type Operation = AccessFact["operation"];

/** All accesses by GORM. */
export function gormAccess(ctx: AccessContext): void {
  if (![...ctx.program.packages].some((name) => GORM.test(name))) return;
  for (const { place, expr } of ctx.sites) {
    if (expr.k !== "call" || expr.callee.k !== "member") continue;
    const name = calledName(expr);
    if (!Object.hasOwn(VERBS, name) && !Object.hasOwn(ASSOCIATION, name)) continue;
    if (ctx.program.module(place.m).language === "go") new Chain(ctx, place, expr).tell();
  }
}

/** What a chain works on: a model, or a table that is only named. */
interface Target {
  table: string | null;
  model: Model | null;
}

/** One chain, from what it is built of to the verb that runs it. */
class Chain {
  readonly ctx: AccessContext;
  readonly place: Place;
  readonly call: Call;
  readonly verb: string;
  /** All before the verb. */
  readonly steps: readonly ChainStep[];
  /** A type that is known to be GORM's, or unknown; a method of the tree or of another package is none of it. */
  readonly receiver: "gorm" | "unknown" | "other" | "own";

  constructor(ctx: AccessContext, place: Place, call: Call) {
    this.ctx = ctx;
    this.place = place;
    this.call = call;
    this.verb = calledName(call);
    const ref = ctx.program.resolve(place, call.callee);
    this.receiver =
      ref?.t === "function"
        ? "own"
        : ref?.t !== "package"
          ? "unknown"
          : GORM.test(ref.path)
            ? "gorm"
            : "other";
    this.steps =
      this.receiver === "own" || call.callee.k !== "member"
        ? []
        : stepsOf(ctx.program, place, call.callee.of);
  }

  /** Emits everything that the chain reads and writes. */
  tell(): void {
    if (this.receiver === "own" || this.has("Raw") || this.has("Exec")) return;
    const association = this.last("Association")?.args[0];
    if (association) return this.association(association);
    const operation = VERBS[this.verb];
    if (!operation) return;
    const struct = this.struct();
    const targets = this.targets(struct);
    if (targets.length === 0) return;
    for (const target of targets) this.emit(target, operation);
    this.others(struct, targets);
  }

  has(name: string): boolean {
    return this.steps.some((step) => step.name === name);
  }

  last(name: string): ChainStep | undefined {
    return this.steps.findLast((step) => step.name === name && step.args.length > 0);
  }

  /** The arguments of the verb; the generic methods take a context first. */
  get args(): Located[] {
    const args = this.call.args.map((expr): Located => ({ place: this.place, expr, given: null }));
    return this.has("G") ? args.slice(1) : args;
  }

  /** What names the model: the type of a generic chain, `Model(…)`, what is filled or stored, or was filled before. */
  modelArgument(): Located | null {
    const named = this.last("G") ?? this.last("Model");
    if (named) return named.args[0] ?? null;
    if (!FILLS_ANYTHING.test(this.verb) && this.args[0] && structOf(this.ctx, this.place, this.args[0].expr))
      return this.args[0];
    const before = this.steps.findLast((step) => LOADS.test(step.name) || step.name === "Create");
    return before?.args[0] ?? (FILLS_ANYTHING.test(this.verb) ? null : (this.args[0] ?? null));
  }

  struct(): Struct | null {
    const argument = this.modelArgument();
    return argument ? structOf(this.ctx, argument.place, argument.expr) : null;
  }

  targets(struct: Struct | null): Target[] {
    const tables = this.steps.filter((step) => step.name === "Table" && step.args.length > 0);
    if (tables.length > 0) {
      const names = tables.flatMap((step) => this.tablesOf(step));
      const isDerived = tables.some((step) => this.inner(step).length > 0);
      if (names.length === 0) return isDerived ? [] : [{ table: null, model: null }];
      return [...new Set(names)].map((table) => ({ table, model: null }));
    }
    // Branches that name several models: each is worked on.
    const models = this.steps.flatMap((step) => {
      const argument = step.name === "Model" ? step.args[0] : undefined;
      const of = argument ? structOf(this.ctx, argument.place, argument.expr) : null;
      const model = of ? modelOf(this.ctx, of) : null;
      return model ? [model] : [];
    });
    const single = struct ? modelOf(this.ctx, struct) : null;
    const found = this.has("G") || models.length === 0 ? (single ? [single] : []) : models;
    if (found.length > 0) {
      // Another library's methods have these names too: there only a declared model is one.
      const isDeclared = (model: Model) => this.ctx.models.classOf(model) !== null;
      const kept = this.receiver === "other" ? found.filter(isDeclared) : found;
      return [...new Map(kept.map((model) => [model.table, { table: model.table, model }])).values()];
    }
    const argument = this.modelArgument();
    const isSure = this.receiver === "gorm" || this.has("Model") || this.has("G");
    const isOpen =
      argument !== null &&
      (isOpenType(this.ctx, argument.place, argument.expr) || (this.has("G") && struct === null));
    return isSure && this.receiver !== "other" && isOpen ? [{ table: null, model: null }] : [];
  }

  emit({ table, model }: Target, operation: Operation): void {
    const { ctx, place, call, args } = this;
    const upserts = this.steps.some(
      (step) =>
        step.name === "Clauses" &&
        JSON.stringify(
          step.args.map((arg) => arg.expr),
          (key, value) => (key === "at" ? undefined : value),
        ).includes('"OnConflict"'),
    );
    const how = operation === "insert" && upserts ? "upsert" : operation;
    if (!model) return ctx.emit(place, call.at, table, how, [], "builder");
    const data = how === "update" ? args.at(-1) : operation === "insert" ? args[0] : undefined;
    const single =
      this.verb === "Update" || this.verb === "UpdateColumn"
        ? constantOf(ctx.program, place, args[0]?.expr)
        : null;
    const isPlain = data && single === null && this.verb !== "FirstOrCreate";
    ctx.emit(
      place,
      call.at,
      table,
      how,
      single === null ? keysOf(ctx.program, place, data?.expr, model) : [single],
      "builder",
      { data: isPlain ? [data.expr] : [], model },
    );
  }

  read(table: string | null, certainty: AccessFact["certainty"] = "builder"): void {
    this.ctx.emit(this.place, this.call.at, table, "select", [], certainty);
  }

  /** The tables beside the one that the chain works on. */
  others(struct: Struct | null, targets: readonly Target[]): void {
    const reads = new Set<string | null>();
    if (this.verb === "FirstOrCreate") for (const { table } of targets) reads.add(table);
    const relations: Relation[] = [];
    const own: ChainStep = { name: this.verb, args: this.args };
    for (const step of [...this.steps, own]) {
      if (step.name !== "Table")
        for (const table of this.tablesOf(step)) if (table !== null) reads.add(table);
      for (const table of this.inner(step)) reads.add(table);
      if (!struct) continue;
      if (step.name === "Joins" || step.name === "InnerJoins") relations.push(...this.along(struct, step));
      if (step.name === "Preload" && LOADS.test(this.verb)) relations.push(...this.along(struct, step));
      if (step.name === "Select" && this.verb === "Delete") this.deleted(struct, step);
    }
    for (const relation of relations) {
      if (relation.joinTable !== null) reads.add(relation.joinTable);
      const model = modelOf(this.ctx, relation.target);
      if (model) reads.add(model.table);
    }
    for (const table of reads) this.read(table);
  }

  tablesOf(step: ChainStep): (string | null)[] {
    const { program, models } = this.ctx;
    const named = step.name === "InnerJoins" ? { ...step, name: "Joins" } : step;
    return tablesOfStep(program, named, (hole, at) => models.of(program, at, hole)?.table ?? null);
  }

  /** The tables of a query that is an argument: `Where("id IN (?)", db.Model(&Order{}).Select("user_id"))`. */
  inner(step: ChainStep): (string | null)[] {
    return step.args.flatMap(({ place, expr }) => {
      if (expr.k !== "call" && expr.k !== "name") return [];
      const steps = stepsOf(this.ctx.program, place, expr);
      // A chain that a verb has run is its result, and no query.
      if (steps.some(({ name }) => Object.hasOwn(VERBS, name))) return [];
      if (!steps.some(({ name }) => name === "Model" || name === "Table")) return [];
      return steps.flatMap((one) => {
        const argument = one.name === "Model" ? one.args[0] : undefined;
        const struct = argument ? structOf(this.ctx, argument.place, argument.expr) : null;
        const model = struct ? modelOf(this.ctx, struct) : null;
        return [...(model ? [model.table] : []), ...this.tablesOf(one)];
      });
    });
  }

  /** The relations that a step names by their fields: a path, all of them, or `clause.Has("Company")`. */
  along(struct: Struct, step: ChainStep): Relation[] {
    const argument = step.args[0];
    if (!argument) return [];
    const { place, expr } = argument;
    if (expr.k === "member" && expr.name === "Associations") return relationsOf(this.ctx.program, struct);
    const isClause = expr.k === "call" && /^(Has|Association)$/.test(calledName(expr));
    const path = constantOf(this.ctx.program, place, isClause ? expr.args[0] : expr);
    return path === null ? [] : relationsAlong(this.ctx.program, struct, path);
  }

  /** `Select("Orders").Delete(&user)` deletes what belongs to the user; what the user belongs to stays. */
  deleted(struct: Struct, step: ChainStep): void {
    const { program } = this.ctx;
    const relations = step.args.flatMap(({ place, expr }) => {
      if (expr.k === "member" && expr.name === "Associations") return relationsOf(program, struct);
      const name = constantOf(program, place, expr);
      const relation = name === null ? null : relationOf(program, struct, name);
      return relation ? [relation] : [];
    });
    for (const { keyIn, target, joinTable } of relations) {
      const table = keyIn === "join" ? joinTable : (modelOf(this.ctx, target)?.table ?? null);
      if (keyIn !== "owner" && table !== null)
        this.ctx.emit(this.place, this.call.at, table, "delete", [], "builder");
    }
  }

  /** Reads go over the join table to the target; writes change the row that holds the foreign key. */
  association({ place, expr }: Located): void {
    const { ctx } = this;
    const operation = ASSOCIATION[this.verb];
    const owner = this.struct();
    const name = constantOf(ctx.program, place, expr);
    const relation = owner && name !== null ? relationOf(ctx.program, owner, name) : null;
    if (!operation || !owner || !relation) return;
    const target = modelOf(ctx, relation.target)?.table ?? null;
    if (operation === "select") {
      this.read(target);
      if (relation.joinTable !== null) this.read(relation.joinTable);
      return;
    }
    if (relation.keyIn === "join")
      return ctx.emit(this.place, this.call.at, relation.joinTable, operation, [], "builder");
    const table = relation.keyIn === "owner" ? (modelOf(ctx, owner)?.table ?? null) : target;
    ctx.emit(this.place, this.call.at, table, "update", [], "builder");
  }
}
