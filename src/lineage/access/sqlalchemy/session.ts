/** What a session of SQLAlchemy stores: objects that are added, changed, deleted, or hung on others. */

import type { Expr } from "../../ir.ts";
import { listOf } from "../../lists.ts";
import type { Model } from "../../models/models.ts";
import type { Place } from "../../program.ts";
import { type Call, calledName, receiverOf } from "../../sites.ts";
import { type AccessContext, constantOf } from "../emit.ts";
import { namedColumns } from "../managers-python.ts";
import type { Held, Operation } from "./held.ts";
import type { Values } from "./values.ts";

/** An object that is stored, and what it is made with where that is seen. */
interface Stored {
  model: Model;
  place: Place;
  args: readonly Expr[];
  isMade: boolean;
}

const DEPTH_MAX = 6;

export class SessionAccess {
  readonly #ctx: AccessContext;
  readonly #values: Values;
  readonly #updates = new Map<string, { place: Place; model: Model; line: number; columns: Set<string> }>();
  /** Functions that write what has changed, and those that store objects. */
  readonly #committing = new Set<string>();
  readonly #storing = new Set<string>();

  constructor(ctx: AccessContext, values: Values) {
    this.#ctx = ctx;
    this.#values = values;
    for (const { place, expr } of ctx.sites) {
      if (expr.k !== "call") continue;
      const name = calledName(expr);
      if (/^(commit|flush|begin)$/.test(name)) this.#committing.add(this.#owner(place));
      if (/^(add|add_all|merge|commit|flush)$/.test(name)) this.#storing.add(this.#owner(place));
    }
  }

  /** What one call stores. */
  call(place: Place, call: Call, name: string): void {
    const receiver = receiverOf(call);
    const [first] = call.args;
    if (!receiver) {
      if (name === "setattr" && first)
        this.#changed(place, first, call.at, constantOf(this.#ctx.program, place, call.args[1]));
      return;
    }
    if (!first || call.args.length > 2) return;
    if (/^(add|add_all|merge|delete|bulk_save_objects)$/.test(name)) this.#stores(place, call, name, first);
    if (name === "refresh") this.#refreshed(place, call, first);
    if (/^(append|extend|add|remove|insert)$/.test(name) && receiver.k === "member")
      this.#hung(place, call, name, receiver);
  }

  /** `user.status = "x"` on an object that a query gave, in a function that commits: an UPDATE. */
  assigned(place: Place, path: string, line: number): void {
    const names = path.split(".");
    const attribute = names.pop();
    const [root, ...members] = names;
    if (!root || !attribute || /\[/.test(path) || !this.#committing.has(this.#owner(place))) return;
    let object: Expr = { k: "name", name: root, at: line };
    for (const name of members) object = { k: "member", of: object, name, at: line };
    this.#changed(place, object, line, attribute);
  }

  /** Tells the updates, one for each table of a function. */
  rest(): void {
    for (const { place, model, line, columns } of this.#updates.values())
      this.#ctx.emit(place, line, model.table, "update", [...columns], "builder");
  }

  #owner(place: Place): string {
    return `${place.m} ${this.#ctx.program.owner(place)}`;
  }

  #stores(place: Place, call: Call, name: string, first: Expr): void {
    const objects = this.#objectsIn(place, first, 0);
    const operation: Operation = name === "delete" ? "delete" : name === "merge" ? "upsert" : "insert";
    for (const object of objects) {
      const { model } = object;
      this.#ctx.emit(
        place,
        call.at,
        model.table,
        operation,
        operation === "delete" ? [] : this.#columnsOf(object, model),
        "builder",
        // Of several objects one may hold what another does not.
        { data: objects.length === 1 && this.#isGivenOnce(place, first) ? object.args : [], model },
      );
      for (const parent of this.#values.alchemy.parents(model))
        this.#ctx.emit(place, call.at, parent.table, operation, [], "builder");
      if (operation === "delete") continue;
      for (const hung of this.#hungOn(object, 0)) this.#inserted(place, call.at, hung);
    }
  }

  #columnsOf({ args }: Stored, model: Model): string[] {
    const own = args.filter(
      (arg) =>
        arg.k !== "named" ||
        (!this.#values.alchemy.relationship(model, arg.name) &&
          this.#values.alchemy.ownerOf(model, arg.name) === model),
    );
    return namedColumns(own, model);
  }

  #inserted(place: Place, line: number, model: Model): void {
    for (const one of this.#values.mentions.whole(model))
      this.#ctx.emit(place, line, one.table, "insert", [], "builder");
  }

  /** `User(posts=[Post(…)])`: adding the one adds the others. */
  #hungOn({ model, place, args }: Stored, depth: number): Model[] {
    if (depth > DEPTH_MAX) return [];
    return args.flatMap((arg) => {
      if (arg.k !== "named") return [];
      const relationship = this.#values.alchemy.relationship(model, arg.name);
      if (!relationship) return [];
      const made = this.#objectsIn(place, arg.of, 0).filter(({ isMade }) => isMade);
      const between = relationship.secondary ? [relationship.secondary] : [];
      return [...between, ...made.flatMap((one) => [one.model, ...this.#hungOn(one, depth + 1)])];
    });
  }

  /** `user.posts.append(Post(…))` stores the post with its user; a table between gets or loses a row. */
  #hung(place: Place, call: Call, name: string, receiver: Expr & { k: "member" }): void {
    const of = this.#values.of(place, receiver.of);
    if (of?.t !== "one" || (of.isMade && !this.#storing.has(this.#owner(place)))) return;
    const relationship = this.#values.alchemy.relationship(of.model, receiver.name);
    if (!relationship) return;
    const { secondary } = relationship;
    if (secondary)
      this.#ctx.emit(place, call.at, secondary.table, name === "remove" ? "delete" : "insert", [], "builder");
    if (name === "remove") return;
    for (const object of this.#objectsIn(place, call.args.at(-1) as Expr, 0))
      if (object.isMade) this.#inserted(place, call.at, object.model);
  }

  #refreshed(place: Place, call: Call, first: Expr): void {
    const held = this.#values.of(place, first);
    if (held?.t !== "one") return;
    for (const model of this.#values.mentions.whole(held.model))
      this.#ctx.emit(place, call.at, model.table, "select", [], "builder");
    const names = call.args[1]?.k === "named" ? call.args[1].of : call.args[1];
    for (const item of names?.k === "list" ? names.items : []) {
      const name = constantOf(this.#ctx.program, place, item);
      const relationship = name === null ? null : this.#values.alchemy.relationship(held.model, name);
      if (relationship) this.#ctx.emit(place, call.at, relationship.target.table, "select", [], "builder");
    }
  }

  #changed(place: Place, object: Expr, line: number, attribute: string | null): void {
    if (!this.#committing.has(this.#owner(place))) return;
    const held = this.#values.of(place, object);
    if (held?.t !== "one" || held.isMade) return;
    const { model } = held;
    const column = attribute === null ? "" : model.columns.get(attribute);
    if (column === undefined) return;
    const owner = attribute === null ? model : this.#values.alchemy.ownerOf(model, attribute);
    const key = `${place.m} ${place.f} ${owner.table}`;
    const known = this.#updates.get(key) ?? { place, model: owner, line, columns: new Set<string>() };
    if (column !== "") known.columns.add(column);
    this.#updates.set(key, known);
  }

  /** Made right here, or under a name that holds nothing else. */
  #isGivenOnce(place: Place, expr: Expr): boolean {
    return expr.k !== "name" || this.#ctx.program.function(place).bindings.get(expr.name)?.length === 1;
  }

  /** The objects in an argument: made here, collected in a list, or what a name or a function gives. */
  #objectsIn(place: Place, expr: Expr, depth: number): Stored[] {
    if (depth > DEPTH_MAX) return [];
    const { program } = this.#ctx;
    const next = (inner: Expr) => this.#objectsIn(place, inner, depth + 1);
    switch (expr.k) {
      case "list":
        return expr.items.flatMap(next);
      case "other":
      case "either":
        return expr.of.slice(0, expr.k === "other" && expr.of.length > 1 ? 1 : undefined).flatMap(next);
      case "named":
        return next(expr.of);
      case "call": {
        const ref = program.resolve(place, expr.callee);
        const model = ref?.t === "class" ? this.#ctx.models.ofClass(ref) : null;
        if (model)
          return model.family === "sqlalchemy" ? [{ model, place, args: expr.args, isMade: true }] : [];
        const held = stored(this.#values.of(place, expr), place);
        if (held.length > 0) return held;
        if (ref?.t !== "function") return [];
        return program.function(ref).returns.flatMap((value) => this.#objectsIn(ref, value, depth + 1));
      }
      case "name": {
        const appended = (listOf(program, place, expr)?.items ?? []).flatMap((item) =>
          this.#objectsIn(item.place, item.expr, depth + 1),
        );
        if (appended.length > 0) return appended;
        const value = program.function(place).bindings.get(expr.name)?.at(-1);
        if (value && value !== expr && /^(call|list|other|either)$/.test(value.k)) {
          const inner = next(value);
          if (inner.length > 0) return inner;
        }
        return stored(this.#values.of(place, expr), place);
      }
      default:
        return stored(this.#values.of(place, expr), place);
    }
  }
}

function stored(held: Held | null, place: Place): Stored[] {
  return held?.t === "one" || held?.t === "rows"
    ? [{ model: held.model, place, args: [], isMade: held.isMade }]
    : [];
}
