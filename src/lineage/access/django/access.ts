/** The accesses of Django's managers, querysets, instances and forms, each where its statement is run. */

import type { AccessFact } from "../../facts.ts";
import type { Expr } from "../../ir.ts";
import { DjangoModels } from "../../models/django-relations.ts";
import type { Model } from "../../models/models.ts";
import type { Place } from "../../program.ts";
import { valuesAt } from "../../reaching.ts";
import { type Call, calledName, chainOf, entryOf } from "../../sites.ts";
import { type AccessContext, constantOf } from "../emit.ts";
import type { Stored } from "../literals.ts";
import { namedColumns } from "../managers-python.ts";
import { isUnsaved, isUpserting, withoutOptions } from "./arguments.ts";
import { isOnSuper } from "./calls.ts";
import { savesItself } from "./forms.ts";
import type { Held, Query } from "./held.ts";
import { basePaths, Managers } from "./managers.ts";
import {
  BUILDS,
  CREATES_USER,
  GIVES_ONE,
  LINKS,
  ON_INSTANCE,
  RUNS,
  STORES,
  TAKES,
  WRITES,
} from "./methods.ts";
import { namesHeld, usesOf } from "./uses.ts";
import { Values } from "./values.ts";

type Operation = AccessFact["operation"];

/** A query that is built and not run by the same chain. */
interface Built {
  place: Place;
  call: Call;
  query: Query;
}

/** All accesses by Django's ORM. */
export function djangoAccess(ctx: AccessContext): void {
  if (!ctx.models.all.some((model) => model.family === "django") && !ctx.program.uses("django")) return;
  const managers = new Managers(ctx.program, ctx.models);
  const own = managers.methods();
  const values = new Values(ctx, new DjangoModels(ctx.program, ctx.models), managers);
  const of = new DjangoAccess(ctx, values);
  for (const { place, expr, chained } of ctx.sites) {
    if (expr.k !== "call" || ctx.program.module(place.m).language !== "python") continue;
    const name = calledName(expr);
    if (name !== "") of.call(place, expr, name, chained, own);
  }
  of.rest();
}

class DjangoAccess {
  readonly #ctx: AccessContext;
  readonly #values: Values;
  readonly #built: Built[] = [];
  /** Functions in which a name may hold a query: looked through at the end. */
  readonly #holders = new Set<string>();

  constructor(ctx: AccessContext, values: Values) {
    this.#ctx = ctx;
    this.#values = values;
  }

  /** What one call does. */
  call(place: Place, call: Call, name: string, chained: boolean, own: ReadonlySet<string>): void {
    if (/^a?get_(object|list)_or_404$/.test(name)) return this.#orNotFound(place, call, name);
    const isMethod = call.callee.k === "member";
    if (isMethod && Object.hasOwn(LINKS, name) && this.#link(place, call, name)) return;
    const acts =
      GIVES_ONE.test(name) || RUNS.test(name) || Object.hasOwn(WRITES, name) || CREATES_USER.test(name);
    if (isMethod && (acts || ON_INSTANCE.test(name))) {
      const on = this.#values.receiver(place, call);
      if (on?.t === "query" && acts) return this.#act(place, call, name, on);
      if (on?.t === "one" && ON_INSTANCE.test(name)) return this.#instance(place, call, name, on);
      if (on?.t === "form") this.#form(place, call, name, on);
      return;
    }
    if (isMethod && /^(perform_)?destroy$/.test(name) && isOnSuper(call)) return this.#destroyed(place, call);
    if (isMethod && name === "get_object") return this.#viewed(place, call);
    if (chained) return;
    if (isMethod ? BUILDS.test(name) || own.has(name) || isOnManager(call) : TAKES.test(name))
      this.#build(place, call, name);
  }

  /** Queries that names hold: iterated, passed on, returned. */
  rest(): void {
    const { program } = this.#ctx;
    program.modules.forEach((module, m) => {
      if (module.language !== "python") return;
      module.functions.forEach((fn, f) => {
        if (fn.params.some(({ type }) => type?.k === "call" || type?.k === "name"))
          this.#holders.add(`${m} ${f}`);
        for (const values of fn.bindings.values())
          for (const value of values) if (value.k === "item") this.#iterated({ m, f }, value.of);
      });
    });
    for (const key of this.#holders) {
      const [m = 0, f = 0] = key.split(" ").map(Number);
      this.#held({ m, f });
    }
    for (const built of this.#built) this.#builtHere(built);
  }

  #orNotFound(place: Place, call: Call, name: string): void {
    const query = call.args[0] ? this.#values.queryOf(place, call.args[0]) : null;
    if (query) this.#read(place, call.at, this.#values.grown(place, query, name, call.args.slice(1)));
  }

  /** `self.get_object()` of a view of a package runs the view's query. */
  #viewed(place: Place, call: Call): void {
    const on = this.#values.receiver(place, call);
    if (on?.t !== "object") return;
    const { program } = this.#ctx;
    if (program.classMember(on, "get_object") || !basePaths(program, on).some((path) => /View/.test(path)))
      return;
    const query = this.#values.viewQuery(on, 0);
    if (query) this.#read(place, call.at, query);
  }

  /** A form's `save`; a serializer's `create` and `update`, where its own call those of the library. */
  #form(place: Place, call: Call, name: string, on: Held & { t: "form" }): void {
    if (/^(create|update)$/.test(name)) {
      if (isOnSuper(call))
        this.#ctx.emit(
          place,
          call.at,
          on.model.table,
          name === "create" ? "insert" : "update",
          [],
          "builder",
        );
      return;
    }
    if (!/^a?save$/.test(name) || isUnsaved(call)) return;
    if (savesItself(this.#values, on.cls) && !isOnSuper(call)) return;
    this.#ctx.emit(place, call.at, on.model.table, on.isNew ? "insert" : "update", [], "builder");
  }

  /** `super().destroy(…)` of a view set deletes one of what the view is about. */
  #destroyed(place: Place, call: Call): void {
    const cls = this.#ctx.program.classAt(place);
    const query = cls ? this.#values.viewQuery(cls, 0) : null;
    if (!cls || !query || !basePaths(this.#ctx.program, cls).some((path) => /^rest_framework\./.test(path)))
      return;
    const { methods } = this.#ctx.program.class(cls);
    // Its own `perform_destroy` has the access.
    if (calledName(call) === "destroy" && methods.has("perform_destroy")) return;
    this.#ctx.emit(place, call.at, query.model.table, "delete", [], "builder");
  }

  #act(place: Place, call: Call, name: string, on: Query): void {
    // A method of the tree has its own accesses.
    if (this.#values.methodOf(on, name)) return;
    if (CREATES_USER.test(name) && !on.isOpen) return;
    const isBetween = /^a?(count|exists)$/.test(name) && on.relation?.kind === "many";
    const query = this.#values.grown(place, on, name, call.args);
    // Counting what is linked needs only the table between.
    if (isBetween && on.relation?.through) {
      this.#ctx.emit(place, call.at, on.relation.through, "select", [], "builder");
      return;
    }
    if (GIVES_ONE.test(name) || RUNS.test(name)) return this.#read(place, call.at, query);
    const does = WRITES[name] ?? (["insert"] as const);
    const { model } = query;
    for (const operation of does) {
      if (operation === "select") this.#ctx.emit(place, call.at, model.table, "select", [], "builder");
      else
        this.#ctx.emit(
          place,
          call.at,
          model.table,
          isUpserting(name, call) ? "upsert" : operation,
          operation === "delete" ? [] : namedColumns(withoutOptions(call.args), model),
          "builder",
          { data: STORES.test(name) ? call.args : [], model } satisfies Stored,
        );
    }
    const through = on.relation?.kind === "many" ? on.relation.through : null;
    const creates = /create$/.test(name) && through !== null;
    if (creates) this.#ctx.emit(place, call.at, through, "insert", [], "builder");
    for (const table of query.tables)
      if (!(creates && table === through && does.length === 1))
        this.#ctx.emit(place, call.at, table, "select", [], "builder");
  }

  /** `order.tags.add(tag)`: the table between; `user.orders.add(order)`: the column of the orders. */
  #link(place: Place, call: Call, name: string): boolean {
    const on = this.#values.receiver(place, call);
    if (on?.t !== "query" || !on.relation) return false;
    const { kind, through, column, target } = on.relation;
    if (kind !== "many")
      this.#ctx.emit(place, call.at, target.table, "update", column === null ? [] : [column], "builder");
    else if (through !== null)
      for (const operation of LINKS[name] ?? [])
        this.#ctx.emit(place, call.at, through, operation, [], "builder");
    return true;
  }

  #instance(place: Place, call: Call, name: string, on: { model: Model; isMade: boolean }): void {
    const { model } = on;
    if (/refresh/.test(name)) return this.#ctx.emit(place, call.at, model.table, "select", [], "builder");
    const operation: Operation = /delete/.test(name) ? "delete" : on.isMade ? "insert" : "update";
    if (operation === "delete" && !isOnSuper(call) && this.#deletesOtherwise(model)) return;
    const fields = entryOf(call.args, "update_fields");
    const columns = (fields?.k === "list" ? fields.items : []).flatMap((field) => {
      const text = constantOf(this.#ctx.program, place, field);
      return text === null ? [] : [model.columns.get(text) ?? text];
    });
    this.#ctx.emit(place, call.at, model.table, operation, operation === "update" ? columns : [], "builder");
  }

  /** A model whose own `delete` never calls Django's keeps its rows. */
  #deletesOtherwise(model: Model): boolean {
    const of = this.#ctx.models.classOf(model);
    const ref = of ? this.#ctx.program.classMember(of, "delete") : null;
    if (ref?.t !== "function") return false;
    return !this.#ctx.chains.at(ref).some(({ steps }) => steps.some((step) => /^a?delete$/.test(step.name)));
  }

  /** A query that stands at the end of its chain: run here, or kept under a name. */
  #build(place: Place, call: Call, name: string): void {
    if (call.callee.k === "name") {
      // `list(active_orders())`: run here, built elsewhere.
      const [first] = call.args;
      if (TAKES.test(name) && first) this.#iterated(place, first);
      return;
    }
    const query = this.#values.of(place, call);
    if (query?.t !== "query" || !query.isLocal) return;
    this.#holders.add(`${place.m} ${place.f}`);
    this.#built.push({ place, call, query });
  }

  /** What is gone through, where it is a query that another function built; what is built here is told there. */
  #iterated(place: Place, expr: Expr): void {
    if (expr.k === "name") this.#holders.add(`${place.m} ${place.f}`);
    if (expr.k !== "call" || !mayGiveQuery(expr)) return;
    const query = this.#values.of(place, expr);
    if (query?.t === "query" && !query.isLocal) this.#read(place, expr.at, query);
  }

  /** The uses of names that hold a query, as far as they run it: its rows are kept, so a second use runs nothing. */
  #held(place: Place): void {
    const { program } = this.#ctx;
    const fn = program.function(place);
    for (const name of namesHeld(fn)) {
      const run = new Set<Expr | undefined>();
      const uses = [...usesOf(program, place, name)].sort((a, b) => a.expr.at - b.expr.at);
      for (const use of uses) {
        if (use.how === "receiver" || this.#values.absorbed.has(use.expr)) continue;
        const query = this.#values.of(use.place, use.expr);
        if (query?.t !== "query" || (!query.isLocal && use.how !== "taken")) continue;
        const given = valuesAt(fn, name, use.expr.at).at(-1);
        if (run.has(given)) continue;
        run.add(given);
        this.#read(use.place, use.expr.at, query);
      }
    }
  }

  /** A query under a name is told where the name is used; without a use, and in every other case, where it is built. */
  #builtHere({ place, call, query }: Built): void {
    if (this.#values.absorbed.has(call)) return;
    for (const [name, given] of this.#ctx.program.function(place).bindings)
      if (!name.includes(".") && !name.endsWith("[]") && given.some((value) => holds(value, call)))
        if (usesOf(this.#ctx.program, place, name).length > 0) return;
    this.#read(place, call.at, query);
  }

  #read(place: Place, line: number, query: Query): void {
    this.#ctx.emit(place, line, query.model.table, "select", [], "builder");
    for (const table of query.tables) this.#ctx.emit(place, line, table, "select", [], "builder");
  }
}

/** `Order.objects.due()`: a method that only the manager's package knows. */
function isOnManager(call: Call): boolean {
  return chainOf(call).steps.some(
    (step) => step.args === null && /^(objects|\w+_objects|_default_manager|\w+_set)$/.test(step.name),
  );
}

/** A call whose name is written like that of a function or method. */
function mayGiveQuery(call: Call): boolean {
  return call.callee.k === "member" || (call.callee.k === "name" && !TAKES.test(call.callee.name));
}

function holds(value: Expr, call: Call): boolean {
  return value === call || (value.k === "either" && value.of.some((one) => holds(one, call)));
}
