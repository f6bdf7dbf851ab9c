/** Objection: queries of models, of rows and of relations, and the relations that they load. */

import type { AccessFact } from "../facts.ts";
import type { Expr } from "../ir.ts";
import type { Model } from "../models/models.ts";
import type { Place } from "../program.ts";
import { valuesAt } from "../reaching.ts";
import { type Call, calledName, chainOf, entryOf, receiverOf, type Step } from "../sites.ts";
import { type AccessContext, constantOf, isBound, laterSteps } from "./emit.ts";
import { joinedTables } from "./knex.ts";
import { type Graph, graphOf, parseGraph } from "./objection-graph.ts";
import { objectsOf } from "./options.ts";

type Operation = AccessFact["operation"];

/** A relation of a model, as `relationMappings` tells it. */
interface Relation {
  kind: string;
  source: Model;
  table: string;
  through: string | null;
}

/** A model, and how sure it is. */
interface Known {
  model: Model;
  certainty: AccessFact["certainty"];
}

const QUERY = /^(query|\$query|relatedQuery|\$relatedQuery)$/;
/** What holds models by name: `models.users.query()`. */
const HOLDER = /^(models|db|database)$/i;
const GRAPH =
  /^(withGraphFetched|withGraphJoined|eager|joinEager|naiveEager|mergeEager|joinRelated|innerJoinRelated|leftJoinRelated|leftOuterJoinRelated|rightJoinRelated|fullOuterJoinRelated|joinRelation|leftJoinRelation|fetchGraph|\$fetchGraph|\$loadRelated|loadRelated)$/;

/** A reader of all outermost calls of a tree that uses Objection. */
export function objectionReader(ctx: AccessContext): (place: Place, call: Call) => void {
  const reader = new ObjectionReader(ctx);
  return (place, call) => reader.call(place, call);
}

/** What a chain does to its own table. */
function operationOf(steps: readonly Step[]): Operation {
  for (const { name, args } of steps) {
    if (!args) continue;
    if (/^insert/.test(name)) {
      const merges = steps.some((step) => step.name === "merge" && step.args);
      return merges ? "upsert" : "insert";
    }
    if (/^upsertGraph/.test(name)) return "upsert";
    if (/^(update|patch|increment|decrement)/.test(name)) return "update";
    if (/^(delete|deleteById|del|truncate)$/.test(name)) return "delete";
  }
  return "select";
}

class ObjectionReader {
  readonly ctx: AccessContext;
  /** By class, by table and by file; null where two models would answer. */
  readonly names = new Map<string, Model | null>();
  readonly byTable = new Map<string, Model>();
  readonly relations = new Map<Model, Map<string, Relation>>();
  /** Relations by their name in the whole tree; null where they differ. */
  readonly byRelation = new Map<string, Relation | null>();

  constructor(ctx: AccessContext) {
    this.ctx = ctx;
    const models = ctx.models.all.filter((model) => model.family === "objection");
    for (const model of models) {
      this.byTable.set(model.table, model);
      const file = /([^/]+)\.\w+$/.exec(model.file)?.[1] ?? "";
      for (const name of new Set([model.declaredAs, model.table, file])) {
        const known = this.names.get(name);
        this.names.set(name, known === undefined || known === model ? model : null);
      }
    }
    for (const model of models) this.relations.set(model, this.relationsOf(model));
  }

  call(place: Place, call: Call): void {
    const { steps } = chainOf(call);
    const at = steps.findIndex((step) => step.args && QUERY.test(step.name));
    const query = steps[at];
    if (!query?.call || !query.args) return this.loaded(place, call, steps);
    const receiver = receiverOf(query.call);
    if (!receiver) return;
    const rest = [
      ...steps.slice(at + 1),
      ...(isBound(this.ctx, place, call) ? laterSteps(this.ctx, place, call) : []),
    ];
    const line = query.call.at;
    if (/elatedQuery$/.test(query.name)) return this.related(place, line, query.args, rest, receiver);
    const known = query.name === "query" ? this.modelOf(place, receiver) : this.rowOf(place, receiver, 0);
    if (!known) return;
    const { model, certainty } = known;
    this.ctx.emit(place, line, model.table, operationOf(rest), [], certainty);
    this.beside(place, line, model, rest, certainty);
  }

  /** Tables that joins and graphs read beside the own one. */
  beside(
    place: Place,
    line: number,
    model: Model | null,
    steps: readonly Step[],
    certainty: AccessFact["certainty"],
  ): void {
    const read = (table: string) => this.ctx.emit(place, line, table, "select", [], certainty);
    for (const table of joinedTables(this.ctx, place, steps)) read(table);
    for (const { name, args } of steps) {
      if (!args?.[0] || !GRAPH.test(name) || !model) continue;
      const text = constantOf(this.ctx.program, place, args[0]);
      const graph = text === null ? graphOf(args[0]) : parseGraph(text);
      this.graph(model, graph, read, 0);
    }
  }

  graph(model: Model, graph: Graph, read: (table: string) => void, depth: number): void {
    if (depth > 8) return;
    for (const [name, inner] of graph) {
      const relation = this.relations.get(model)?.get(name);
      if (!relation) continue;
      read(relation.table);
      if (relation.through !== null) read(relation.through);
      const target = this.byTable.get(relation.table);
      if (target) this.graph(target, inner, read, depth + 1);
    }
  }

  /** `row.$fetchGraph("pets")`. */
  loaded(place: Place, call: Call, steps: readonly Step[]): void {
    if (!/^\$(fetchGraph|loadRelated)$/.test(calledName(call))) return;
    const receiver = receiverOf(call);
    const known = receiver ? this.rowOf(place, receiver, 0) : null;
    if (known) this.beside(place, call.at, known.model, steps.slice(-1), known.certainty);
  }

  /** `user.$relatedQuery("groups").relate(id)`, `User.relatedQuery("groups").for(ids)`. */
  related(place: Place, line: number, args: readonly Expr[], rest: readonly Step[], receiver: Expr): void {
    const name = constantOf(this.ctx.program, place, args[0]);
    if (name === null) return;
    const known = this.rowOf(place, receiver, 0) ?? this.modelOf(place, receiver);
    const relation = known
      ? this.relations.get(known.model)?.get(name)
      : // Only Objection has `$relatedQuery`, and the tree has one relation of this name.
        this.byRelation.get(name);
    if (!relation) return;
    const certainty = known?.certainty ?? "name";
    const emit = (table: string, operation: Operation) =>
      this.ctx.emit(place, line, table, operation, [], certainty);
    const { kind, table, through, source } = relation;
    const relates = rest.find((step) => step.args && /^(relate|unrelate)$/.test(step.name));
    if (relates) {
      if (through !== null) emit(through, relates.name === "relate" ? "insert" : "delete");
      else emit(/BelongsToOne/.test(kind) ? source.table : table, "update");
      return;
    }
    const operation = operationOf(rest);
    emit(table, operation);
    if (through !== null) emit(through, operation === "insert" ? "insert" : "select");
    else if (operation === "insert" && /BelongsToOne/.test(kind)) emit(source.table, "update");
    this.beside(place, line, this.byTable.get(table) ?? null, rest, certainty);
  }

  /** The model that a class, or a member of a collection of models, stands for. */
  modelOf(place: Place, expr: Expr): Known | null {
    const { program, models } = this.ctx;
    if (expr.k === "call" && /^(bindKnex|bindTransaction)$/.test(calledName(expr))) {
      const of = receiverOf(expr);
      return of ? this.modelOf(place, of) : null;
    }
    if (expr.k === "member" && expr.name === "constructor") return this.rowOf(place, expr.of, 0);
    const ref = program.resolve(place, expr);
    const model = ref?.t === "class" || ref?.t === "instance" ? models.ofClass(ref) : null;
    if (model) return model.family === "objection" ? { model, certainty: "builder" } : null;
    if (expr.k !== "member" || ref?.t === "class" || ref?.t === "instance") return null;
    const holder = expr.of.k === "member" || expr.of.k === "name" ? expr.of.name : "";
    if (!HOLDER.test(holder)) return null;
    const named = this.names.get(expr.name) ?? null;
    return named ? { model: named, certainty: "name" } : null;
  }

  /** The model that a row is of: of `this`, of what a query gave, of a parameter's type. */
  rowOf(place: Place, expr: Expr, depth: number): Known | null {
    if (depth > 8) return null;
    const { program, models } = this.ctx;
    if (expr.k === "item") return this.rowOf(place, expr.of, depth + 1);
    if (expr.k === "either") {
      const found = expr.of.flatMap((one) => this.rowOf(place, one, depth + 1) ?? []);
      return found.every(({ model }) => model === found[0]?.model) ? (found[0] ?? null) : null;
    }
    if (expr.k === "call") {
      const { steps } = chainOf(expr);
      const query = steps.find((step) => step.args && QUERY.test(step.name));
      const receiver = query?.call ? receiverOf(query.call) : null;
      if (!query || !receiver) return null;
      if (query.name === "query") return this.modelOf(place, receiver);
      if (query.name === "$query") return this.rowOf(place, receiver, depth + 1);
      const name = constantOf(program, place, query.args?.[0]);
      const from = this.rowOf(place, receiver, depth + 1) ?? this.modelOf(place, receiver);
      const relation = name === null || !from ? null : this.relations.get(from.model)?.get(name);
      const target = relation ? this.byTable.get(relation.table) : undefined;
      return target && from ? { model: target, certainty: from.certainty } : null;
    }
    if (expr.k === "name" && expr.name !== "this") {
      for (let f: number | null = place.f; f !== null; ) {
        const fn = program.function({ m: place.m, f });
        const at = { m: place.m, f };
        const values = valuesAt(fn, expr.name, f === place.f ? expr.at : Number.MAX_SAFE_INTEGER);
        // A row that its own update gives back is of the same model.
        const found = values.flatMap((value) =>
          value === expr ? [] : (this.rowOf(at, value, depth + 1) ?? []),
        );
        if (found.length > 0)
          return found.every(({ model }) => model === found[0]?.model) ? (found[0] as Known) : null;
        if (values.length > 0 || fn.params.some((param) => param.name === expr.name)) break;
        f = fn.outer;
      }
    }
    const ref = program.resolve(place, expr);
    const model = ref?.t === "instance" ? models.ofClass(ref) : null;
    return model?.family === "objection" ? { model, certainty: "builder" } : null;
  }

  /** `relationMappings`: a field, a getter or a function that gives an object of relations. */
  relationsOf(model: Model): Map<string, Relation> {
    const found = new Map<string, Relation>();
    const { program, models } = this.ctx;
    const of = models.classOf(model);
    if (!of) return found;
    const cls = program.class(of);
    const method = cls.methods.get("relationMappings");
    const field = cls.fields.find((one) => one.name === "relationMappings")?.value;
    const at = { m: of.m, f: 0 };
    const given: Expr | null =
      method === undefined ? (field ?? null) : { k: "function", fn: method, at: cls.at };
    for (const { place, expr } of given ? objectsOf(this.ctx, { place: at, expr: given }) : []) {
      for (const { key, value } of expr.entries) {
        if (key === null || value.k !== "object") continue;
        const join = entryOf([value], "join");
        const kind = entryOf([value], "relation");
        const table = join ? this.tableAt(place, entryOf([join], "to")) : null;
        if (!join || !kind || table === null) continue;
        const between = entryOf([join], "through");
        const through = between ? this.tableAt(place, entryOf([between], "from")) : null;
        const name = kind.k === "member" || kind.k === "name" ? kind.name : "";
        const relation = { kind: name, source: model, table, through };
        found.set(key, relation);
        const known = this.byRelation.get(key);
        const isSame =
          known === undefined ||
          (known?.table === table && known.through === through && known.source === model);
        this.byRelation.set(key, isSame ? relation : null);
      }
    }
    return found;
  }

  /** `"pageTags.tagId"`, or a list of such → `pageTags`. */
  tableAt(place: Place, expr: Expr | null): string | null {
    const text = constantOf(this.ctx.program, place, expr?.k === "list" ? expr.items[0] : expr);
    return text === null ? null : (/(?:^|\.)([^.]+)\.[^.]+$/.exec(text)?.[1] ?? null);
  }
}
