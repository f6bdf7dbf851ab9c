/** The accesses of SQLAlchemy's statements: where they are named, or where one is run that another function named. */

import type { Expr } from "../../ir.ts";
import type { Model } from "../../models/models.ts";
import type { Place } from "../../program.ts";
import { type Call, calledName, chainOf, receiverOf, type Site, type Step } from "../../sites.ts";
import { type AccessContext, chainsAt, keysOf } from "../emit.ts";
import { classModel, namedColumns } from "../managers-python.ts";
import { GIVES_ONE, type Held, type Operation, RUNS_QUERY, type Statement } from "./held.ts";
import { StatementMakers } from "./makers.ts";
import type { Mentioned } from "./mentions.ts";
import type { Values } from "./values.ts";

/** Steps whose first argument is what is read, whatever they are called on. */
const JOINS = /^(join|outerjoin|join_from|outerjoin_from|select_from)$/;
/** Steps that bring further tables into a statement. */
const GROWS =
  /^(where|filter|filter_by|having|options|order_by|group_by|distinct|add_columns|add_column|add_entity|with_entities|with_only_columns|values|set_|returning|from_select|union|union_all|intersect|except_|on_conflict_do_update|correlate_except|within_group)$/;

export class StatementAccess {
  readonly #ctx: AccessContext;
  readonly #values: Values;
  readonly #makers: StatementMakers;
  /** Function and table of what is told. */
  readonly #told = new Set<string>();

  constructor(ctx: AccessContext, values: Values) {
    this.#ctx = ctx;
    this.#values = values;
    this.#makers = new StatementMakers(ctx);
  }

  /** What a call names. */
  named(site: Site, call: Call): void {
    const { place } = site;
    const name = calledName(call);
    if (!site.chained) this.#ofModel(place, call);
    const receiver = receiverOf(call);
    const first = call.args[0];
    // `users.insert()`, `users.select()`: the table object's own methods.
    if (receiver && call.args.length === 0 && /^(select|insert|update|delete)$/.test(name)) {
      const table = this.#ctx.models.of(this.#ctx.program, place, receiver);
      if (table?.family !== "sqlalchemy" || this.#ctx.models.classOf(table)) return;
      if (name === "select") this.#tell(place, call.at, table, "select");
      else this.#write(site, call, name as Operation, table);
      return;
    }
    const verb = this.#values.calls.verbOf(place, call);
    if (verb === "select")
      return this.#reads(place, call.at, this.#values.mentions.in(place, "select", call.args));
    if (verb) {
      const held = first ? this.#values.of(place, first) : null;
      if (held?.t === "model") this.#write(site, call, verb, held.model);
      return;
    }
    if (!receiver || !first) return;
    if (name === "query") return this.#query(site, call, first);
    if (JOINS.test(name)) return this.#joined(place, call, receiver, name);
    if (GROWS.test(name)) {
      const on = this.#values.of(place, receiver);
      if (on?.t === "statement")
        this.#reads(place, call.at, this.#values.mentions.in(place, name, call.args), on);
      return;
    }
    if (/^(get|get_one|get_or_404|first_or_404|one_or_404)$/.test(name) && call.args.length >= 2)
      return this.#got(place, call, first);
    if (/^(bulk_insert_mappings|bulk_update_mappings|bulk_insert)$/.test(name)) {
      const model = classModel(this.#ctx, place, first);
      if (model?.family === "sqlalchemy")
        this.#tell(
          place,
          call.at,
          model,
          name === "bulk_update_mappings" ? "update" : "insert",
          keysOf(this.#ctx.program, place, call.args[1], model),
        );
    }
  }

  /** What a call runs, or hands to what runs it, that another function named. */
  run(place: Place, call: Call): void {
    if (!this.#makers.mayHold(place)) return;
    const name = calledName(call);
    const receiver = receiverOf(call);
    const on = receiver ? this.#values.of(place, receiver) : null;
    if (on?.t === "statement") {
      if (on.isQuery && (GIVES_ONE.test(name) || RUNS_QUERY.test(name)))
        this.#foreign(place, call.at, on, /^(update|delete)$/.test(name) ? (name as Operation) : null);
      return;
    }
    for (const arg of call.args) {
      const given = arg.k === "named" ? arg.of : arg;
      if (given.k !== "name" && given.k !== "member" && given.k !== "call") continue;
      const held = this.#values.of(place, given);
      if (held?.t !== "statement" || (held.foreign.size === 0 && !held.isForeign)) continue;
      // What makes a statement of it is not the end of it.
      if (this.#values.of(place, call)?.t !== "statement") this.#foreign(place, call.at, held, null);
    }
  }

  /** A query that another function named is run by a loop. */
  iterated(place: Place, of: Expr): void {
    if (!this.#makers.mayHold(place)) return;
    const held = this.#values.of(place, of);
    if (held?.t === "statement" && held.isQuery) this.#foreign(place, of.at, held, null);
  }

  #foreign(place: Place, line: number, held: Statement, write: Operation | null): void {
    const [entity] = held.entities;
    if (write && entity && held.foreign.has(entity)) this.#once(place, line, entity, write);
    for (const model of held.foreign)
      if (!write || model !== entity) this.#once(place, line, model, "select");
    if (held.isForeign && held.target) this.#once(place, line, held.target, held.verb);
  }

  #once(
    place: Place,
    line: number,
    model: Model,
    operation: Operation,
    columns: readonly string[] = [],
  ): void {
    if (!this.#told.has(this.#key(place, model, operation)))
      this.#tell(place, line, model, operation, columns);
  }

  #key(place: Place, model: Model, operation: Operation): string {
    return `${place.m} ${this.#ctx.program.owner(place)} ${model.table} ${operation === "select"}`;
  }

  #tell(
    place: Place,
    line: number,
    model: Model,
    operation: Operation,
    columns: readonly string[] = [],
  ): void {
    this.#told.add(this.#key(place, model, operation));
    this.#ctx.emit(place, line, model.table, operation, columns, "builder");
  }

  /** The tables that a step brings in, without those that its statement has already. */
  #reads(place: Place, line: number, found: Mentioned, on: Statement | null = null): void {
    for (const [model, columns] of found.named)
      if (!on) this.#tell(place, line, model, "select", [...columns]);
      else if (model !== on.target && !on.reads.has(model)) this.#tell(place, line, model, "select");
    for (const model of found.foreign)
      if (!on?.reads.has(model))
        this.#tell(place, line, model, "select", on ? [] : [...(found.inner.get(model) ?? [])]);
  }

  #write(site: Site, call: Call, verb: Operation, model: Model): void {
    const { place } = site;
    const steps = this.#outerSteps(site, call);
    const upserts = steps.some((step) => /^on_(conflict_do_update|duplicate_key_update)$/.test(step.name));
    const values = steps.find((step) => step.name === "values");
    this.#told.add(this.#key(place, model, verb));
    this.#ctx.emit(
      place,
      call.at,
      model.table,
      verb === "insert" && upserts ? "upsert" : verb,
      [
        ...keysOf(this.#ctx.program, place, values?.args?.[0], model),
        ...namedColumns(values?.args ?? [], model),
      ],
      "builder",
      { data: values?.args ?? [], model },
    );
  }

  #query(site: Site, call: Call, first: Expr): void {
    const { place } = site;
    const steps = this.#outerSteps(site, call);
    const writes = steps.find((step) => (step.name === "delete" || step.name === "update") && step.args);
    const model = writes ? classModel(this.#ctx, place, first) : null;
    if (!writes || !model)
      return this.#reads(place, call.at, this.#values.mentions.in(place, "query", call.args));
    this.#told.add(this.#key(place, model, "update"));
    this.#ctx.emit(
      place,
      call.at,
      model.table,
      writes.name as Operation,
      writes.name === "update" ? keysOf(this.#ctx.program, place, writes.args?.[0], model) : [],
      "builder",
      { data: writes.args?.slice(0, 1) ?? [], model },
    );
  }

  /** Flask-SQLAlchemy's `User.query.filter_by(…)`, and `user.posts.filter_by(…)` of a dynamic relationship. */
  #ofModel(place: Place, call: Call): void {
    const { root, steps } = chainOf(call);
    let expr = root;
    for (let i = 0; i < steps.length; i++) {
      const step = steps[i] as Step;
      if (step.args !== null) return;
      expr = { k: "member", of: expr, name: step.name, at: root.at };
      const next = steps[i + 1];
      if (!next?.args || /^(append|add|remove|extend|insert|add_all)$/.test(next.name)) continue;
      const of = next.call?.callee.k === "member" ? next.call.callee.of : expr;
      const held = this.#values.of(place, of);
      if (held?.t !== "statement" || !held.isQuery) continue;
      const [model] = held.entities;
      if (!model || held.foreign.size > 0) return;
      const verb = steps.slice(i + 1).find((one) => one.args && /^(update|delete)$/.test(one.name));
      if (!verb) for (const read of held.reads.keys()) this.#tell(place, call.at, read, "select");
      else {
        const isUpdate = verb.name === "update";
        this.#told.add(this.#key(place, model, "update"));
        this.#ctx.emit(
          place,
          call.at,
          model.table,
          verb.name as Operation,
          isUpdate
            ? [
                ...namedColumns(verb.args ?? [], model),
                ...keysOf(this.#ctx.program, place, verb.args?.[0], model),
              ]
            : [],
          "builder",
          { data: isUpdate ? (verb.args ?? []) : [], model },
        );
      }
      return;
    }
  }

  #joined(place: Place, call: Call, receiver: Expr, name: string): void {
    const on = this.#values.of(place, receiver);
    const first = call.args[0] as Expr;
    if (on?.t === "statement") {
      const found = this.#values.mentions.in(place, name, call.args);
      return this.#reads(place, call.at, found, on);
    }
    // `users.join(orders)` of tables.
    const held: Held | null = this.#values.of(place, first);
    if (held?.t === "model")
      for (const model of this.#values.mentions.whole(held.model))
        this.#tell(place, call.at, model, "select");
  }

  #got(place: Place, call: Call, first: Expr): void {
    const held = this.#values.of(place, first);
    if (held?.t === "model")
      this.#reads(place, call.at, this.#values.mentions.in(place, "select", [first, ...call.args.slice(2)]));
  }

  /** The steps after a call, in the chain it starts or continues under a name. */
  #outerSteps(site: Site, call: Call): Step[] {
    const kept = [...this.#ctx.program.function(site.place).bindings]
      .filter(([, values]) => values.some((value) => chainHas(value, call)))
      .map(([name]) => name);
    const found: Step[] = [];
    for (const { root, steps } of chainsAt(this.#ctx, site.place)) {
      const at = steps.findIndex((step) => step.call === call);
      if (at >= 0) found.push(...steps.slice(at + 1));
      else if (root.k === "name" && kept.includes(root.name)) found.push(...steps);
    }
    return found;
  }
}

function chainHas(expr: Expr, call: Call): boolean {
  return expr === call || (expr.k === "call" && chainOf(expr).steps.some((step) => step.call === call));
}
