/** What the calls of SQLAlchemy give: statements made and grown, rows and instances that running them gives. */

import type { Expr } from "../../ir.ts";
import type { Model } from "../../models/models.ts";
import type { Place, Ref } from "../../program.ts";
import { type Call, calledName, entryOf } from "../../sites.ts";
import {
  addReads,
  EMBEDS,
  type Frame,
  GIVES_ONE,
  GIVES_ROWS,
  type Given,
  type Held,
  type Operation,
  one,
  RUNS,
  reading,
  readsOf,
  type Statement,
  VERBS,
} from "./held.ts";
import type { Objects } from "./objects.ts";
import type { Values } from "./values.ts";

export class Calls {
  readonly #values: Values;
  readonly #objects: Objects;

  constructor(values: Values, objects: Objects) {
    this.#values = values;
    this.#objects = objects;
  }

  /** The operation of a call that makes a statement, or null; imported names may be others: `insert as pg_insert`. */
  verbOf(place: Place, call: Call): Operation | null {
    const { callee } = call;
    if (callee.k !== "name" && (callee.k !== "member" || callee.of.k !== "name")) return null;
    const written = callee.name.replace(/^(pg|postgresql|sqlite|mysql)_/, "");
    const isImported = callee.k === "name" && !Object.hasOwn(VERBS, written);
    if (isImported && !/insert|select|update|delete|union|exists/i.test(written)) return null;
    const ref = this.#values.ctx.program.resolve(place, callee);
    if (ref?.t === "package" && /^(sqlalchemy|sqlmodel)\b/.test(ref.path)) {
      const name = ref.path.slice(ref.path.lastIndexOf(".") + 1);
      return Object.hasOwn(VERBS, name) ? (VERBS[name] as Operation) : null;
    }
    if (isImported || ref?.t === "function" || ref?.t === "class") return null;
    return VERBS[written] ?? null;
  }

  /** What a call gives. */
  of(place: Place, call: Call, frame: Frame | null): Held | null {
    const { program } = this.#values.ctx;
    const name = calledName(call);
    const [first] = call.args;
    // `users = Table("users", …)`.
    const table = this.#values.ctx.models.ofExpr(call);
    if (table) return table.family === "sqlalchemy" ? { t: "model", model: table, more: [] } : null;
    const verb = this.verbOf(place, call);
    if (verb) return this.#statement(place, call, verb, frame);
    if (/^(aliased|alias|with_polymorphic|outerjoin|join)$/.test(name) && first) {
      const made = this.#alias(place, call, name, frame);
      if (made) return made;
    }
    const { callee } = call;
    if (callee.k === "name" && first && /^(list|set|tuple|sorted|reversed|iter|next|cast)$/.test(name)) {
      const of = this.#values.of(place, (name === "cast" ? call.args[1] : undefined) ?? first, frame);
      return name === "next" && of?.t === "rows" ? { ...of, t: "one" } : of;
    }
    const ref = program.resolve(place, callee);
    if (callee.k === "member") {
      const on = this.#values.of(place, callee.of, frame);
      if (on) {
        const held = this.#method(place, on, name, call, frame);
        if (held !== undefined) return held;
      }
      if (ref?.t !== "function" && ref?.t !== "class") return this.#ofSession(place, call, name, frame);
    }
    if (ref?.t === "class") {
      const model = this.#values.ctx.models.ofClass(ref);
      if (model?.family === "sqlalchemy") return { t: "one", model, isMade: true };
      const given = new Map<string, Given>();
      const maker = program.classMember(ref, "__init__");
      const names = program.class(ref).fields.map((field) => field.name);
      if (maker?.t === "function")
        return { t: "object", m: ref.m, c: ref.c, given: this.#objects.bind(maker, call, place, frame) };
      call.args.forEach((arg, i) => {
        const key = arg.k === "named" ? arg.name : names[i];
        if (key) given.set(key, { place, expr: arg.k === "named" ? arg.of : arg, frame });
      });
      return { t: "object", m: ref.m, c: ref.c, given };
    }
    if (callee.k === "name") {
      const held = this.#values.of(place, callee, frame);
      if (held?.t === "model") return { t: "one", model: held.model, isMade: true };
    }
    return ref?.t === "function"
      ? this.#objects.returned(ref, this.#objects.bind(ref, call, place, frame), null, place, frame)
      : null;
  }

  #statement(place: Place, call: Call, verb: Operation, frame: Frame | null): Statement {
    const target = verb !== "select" && call.args[0] ? this.#values.of(place, call.args[0], frame) : null;
    const made: Statement = {
      ...reading(verb === "select" ? this.#entities(place, call.args, frame) : [], false),
      verb,
      target: target?.t === "model" ? target.model : null,
    };
    return verb === "select" ? this.#grown(place, made, "select", call.args, frame) : made;
  }

  #entities(place: Place, args: readonly Expr[], frame: Frame | null): (Model | null)[] {
    return args.map((arg) => {
      const held = arg.k === "name" || arg.k === "member" ? this.#values.of(place, arg, frame) : null;
      return held?.t === "model" ? held.model : null;
    });
  }

  #alias(place: Place, call: Call, name: string, frame: Frame | null): Held | null {
    const ref = this.#values.ctx.program.resolve(place, call.callee);
    if (ref && ref.t !== "package") return null;
    // The function of the package, not the method of what the package gives.
    if (call.callee.k === "member" && (call.callee.of.k !== "name" || !ref)) return null;
    if (/join$/.test(name)) {
      return this.#grown(place, reading([], false), name, call.args, frame);
    }
    const of = call.args[0] ? this.#values.of(place, call.args[0], frame) : null;
    if (of?.t !== "model" || name !== "with_polymorphic") return of;
    const children = this.#values.alchemy.children(of.model);
    const second = entryOf(call.args, "classes") ?? call.args[1];
    const listed =
      second?.k === "list"
        ? second.items.flatMap((item) => {
            const held = this.#values.of(place, item, frame);
            return held?.t === "model" ? [held.model] : [];
          })
        : children;
    return { ...of, more: listed };
  }

  /** The statement after `method(args)`. */
  #grown(place: Place, on: Statement, method: string, args: readonly Expr[], frame: Frame | null): Statement {
    const found = this.#values.mentions.in(place, method, args, frame);
    if (found.named.size + found.inner.size + found.foreign.size === 0) return on;
    const reads = new Map(on.reads);
    addReads(reads, found.named);
    addReads(reads, found.inner);
    return {
      ...on,
      reads,
      foreign: new Set([...on.foreign, ...found.foreign]),
    };
  }

  /** What a method gives; undefined where it is none that is known. */
  #method(place: Place, on: Held, name: string, call: Call, frame: Frame | null): Held | null | undefined {
    const own = (cls: { m: number; c: number } | null): Ref | null =>
      cls ? this.#values.ctx.program.classMember(cls, name) : null;
    switch (on.t) {
      case "statement": {
        if (on.isQuery && (GIVES_ONE.test(name) || /^(all|count|paginate|update|delete)$/.test(name))) {
          if (name === "all")
            return { t: "result", entities: on.entities, isScalar: on.entities.length === 1 };
          return GIVES_ONE.test(name) && on.entities.length === 1 ? one(on.entities[0]) : null;
        }
        const grown = this.#grown(place, on, name, call.args, frame);
        if (EMBEDS.test(name)) return { ...grown, entities: [], isQuery: false };
        if (/^(with_entities|with_only_columns|returning)$/.test(name))
          return { ...grown, entities: this.#entities(place, call.args, frame) };
        if (/^(add_columns|add_entity|add_column)$/.test(name))
          return { ...grown, entities: [...grown.entities, ...this.#entities(place, call.args, frame)] };
        return grown;
      }
      case "result":
        if (/^(scalar|scalar_one|scalar_one_or_none)$/.test(name)) return one(on.entities[0]);
        if (GIVES_ONE.test(name))
          return on.isScalar ? one(on.entities[0]) : { t: "row", entities: on.entities };
        if (!GIVES_ROWS.test(name)) return null;
        return name === "scalars" ? { ...on, isScalar: true } : name === "mappings" ? null : on;
      case "rows":
        return GIVES_ROWS.test(name) || name === "copy" ? on : name === "pop" ? { ...on, t: "one" } : null;
      case "model": {
        // `users.insert()`: the methods of a table.
        const { model } = on;
        const ref = own(this.#values.ctx.models.classOf(model));
        if (ref?.t === "function")
          return this.#objects.returned(ref, this.#objects.bind(ref, call, place, frame), on, place, frame);
        if (/^(select|insert|update|delete)$/.test(name) && !this.#values.ctx.models.classOf(model))
          return name === "select"
            ? { ...reading([model], false), reads: readsOf([model]) }
            : { ...reading([], false), verb: name as Operation, target: model };
        return /^(alias|outerjoin|join)$/.test(name)
          ? this.#grown(place, { ...reading([], false), reads: readsOf([model]) }, name, call.args, frame)
          : null;
      }
      case "one":
      case "object": {
        const ref = own(on.t === "one" ? this.#values.ctx.models.classOf(on.model) : on);
        return ref?.t === "function"
          ? this.#objects.returned(ref, this.#objects.bind(ref, call, place, frame), on, place, frame)
          : undefined;
      }
      default:
        return null;
    }
  }

  /** `session.query(User)`, `session.get(User, 1)`, `session.execute(statement)`. */
  #ofSession(place: Place, call: Call, name: string, frame: Frame | null): Held | null {
    const [first] = call.args;
    if (!first) return null;
    if (name === "query")
      return this.#grown(
        place,
        reading(this.#entities(place, call.args, frame), true),
        "query",
        call.args,
        frame,
      );
    if (/^(get|get_one|get_or_404)$/.test(name) && call.args.length >= 2) {
      const held = this.#values.of(place, first, frame);
      return held?.t === "model" ? { t: "one", model: held.model, isMade: false } : null;
    }
    if (/^(select|first_or_404|one_or_404)$/.test(name)) {
      const held = this.#values.of(place, first, frame);
      return held?.t === "statement" ? one(held.entities[0]) : null;
    }
    if (name === "merge") {
      const held = this.#values.of(place, first, frame);
      return held?.t === "one" ? { ...held, isMade: false } : null;
    }
    if (!RUNS.test(name)) return null;
    const held = this.#values.of(place, first, frame);
    if (held?.t !== "statement") return null;
    if (name === "scalar") return one(held.entities[0]);
    const isScalar = /scalars$/.test(name) || (name === "exec" && held.entities.length === 1);
    return { t: "result", entities: held.entities, isScalar };
  }
}
