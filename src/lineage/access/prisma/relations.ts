/** The tables that a call of Prisma's clients reaches over relations: includes, selects, filters and nested writes. */

import type { AccessFact } from "../../facts.ts";
import type { Expr } from "../../ir.ts";
import { definitionOf, type Model } from "../../models/models.ts";
import type { Place } from "../../program.ts";
import { calledName } from "../../sites.ts";
import type { AccessContext } from "../emit.ts";

export interface Related {
  model: Model;
  operation: AccessFact["operation"];
  /** What a nested write stores, and where it stands. */
  data: readonly { expr: Expr; place: Place }[];
}

/** What stands in a relation's value and is about the same related model. */
const SAME_MODEL =
  /^(AND|OR|NOT|some|every|none|is|isNot|is_not|include|select|where|orderBy|order_by|order|_count|having)$/;
/** `connect`, `disconnect` and `set` only change keys. */
const NESTED: Record<string, AccessFact["operation"]> = {
  create: "insert",
  createMany: "insert",
  create_many: "insert",
  connectOrCreate: "insert",
  connect_or_create: "insert",
  update: "update",
  updateMany: "update",
  update_many: "update",
  upsert: "upsert",
  delete: "delete",
  deleteMany: "delete",
  delete_many: "delete",
};
const DEPTH_MAX = 12;

/** Finds the related tables of one call's arguments. */
export class Relations {
  readonly #ctx: AccessContext;
  readonly #found: Related[] = [];

  constructor(ctx: AccessContext) {
    this.#ctx = ctx;
  }

  /** Everything that the arguments reach from `model`, in their order. */
  of(place: Place, args: readonly Expr[], model: Model): readonly Related[] {
    if (!this.#ctx.models.relations.has(model)) return [];
    for (const arg of args) {
      const given =
        arg.k === "named"
          ? [{ entry: { key: arg.name, value: arg.of }, at: place }]
          : this.#entries(place, arg);
      for (const { entry, at } of given)
        if (/^(data|create|update)$/.test(entry.key ?? "")) this.#written(at, entry.value, model, 0);
        else if (SAME_MODEL.test(entry.key ?? "")) this.#read(at, entry.value, model, 0);
    }
    return this.#found;
  }

  #read(place: Place, expr: Expr, model: Model, depth: number): void {
    const relations = this.#ctx.models.relations.get(model);
    if (depth > DEPTH_MAX || !relations) return;
    for (const { entry, at } of this.#entries(place, expr)) {
      if (entry.key === null || isOff(entry.value)) continue;
      const to = relations.get(entry.key)?.to;
      if (to) {
        this.#found.push({ model: to, operation: "select", data: [] });
        this.#read(at, entry.value, to, depth + 1);
      } else if (entry.key === "_count" && isOn(entry.value)) {
        for (const one of relations.values())
          if (one.isList) this.#found.push({ model: one.to, operation: "select", data: [] });
      } else if (SAME_MODEL.test(entry.key)) this.#read(at, entry.value, model, depth + 1);
    }
  }

  /** `data: { posts: { create: … } }`. */
  #written(place: Place, expr: Expr, model: Model, depth: number): void {
    const relations = this.#ctx.models.relations.get(model);
    if (depth > DEPTH_MAX || !relations) return;
    for (const { entry, at } of this.#entries(place, expr)) {
      // Python's upsert: `data={"create": …, "update": …}`.
      if (depth === 0 && (entry.key === "create" || entry.key === "update")) {
        this.#written(at, entry.value, model, depth + 1);
        continue;
      }
      const to = entry.key === null ? undefined : relations.get(entry.key)?.to;
      if (!to) continue;
      for (const { entry: nested, at: there } of this.#entries(at, entry.value)) {
        const operation =
          nested.key !== null && Object.hasOwn(NESTED, nested.key) ? NESTED[nested.key] : undefined;
        if (!operation || isOff(nested.value)) continue;
        const data = this.#dataOf(there, nested.value);
        this.#found.push({ model: to, operation, data: operation === "delete" ? [] : data });
        for (const one of data) this.#written(one.place, one.expr, to, depth + 1);
      }
    }
  }

  /** What a nested write stores: `create: x`, `update: { where, data: x }`, `connectOrCreate: { where, create: x }`. */
  #dataOf(place: Place, value: Expr): { expr: Expr; place: Place }[] {
    const wrapped = this.#entries(place, value).filter(({ entry }) =>
      /^(data|create|update)$/.test(entry.key ?? ""),
    );
    return wrapped.length > 0
      ? wrapped.map(({ entry, at }) => ({ expr: entry.value, place: at }))
      : [{ expr: value, place }];
  }

  /** The entries of an object, of the objects of a list, and of those behind names and spreads. */
  #entries(place: Place, expr: Expr, depth = 0): { entry: { key: string | null; value: Expr }; at: Place }[] {
    if (depth > 6) return [];
    if (expr.k === "object")
      return expr.entries.flatMap((entry) =>
        entry.key === null
          ? this.#entries(place, entry.value, depth + 1)
          : [{ entry: { key: entry.key, value: entry.value }, at: place }],
      );
    if (expr.k === "list") return expr.items.flatMap((item) => this.#entries(place, item, depth + 1));
    if (expr.k === "either") return expr.of.flatMap((one) => this.#entries(place, one, depth + 1));
    // `Prisma.validator<Prisma.UserInclude>()({ … })` is what it is given.
    if (
      expr.k === "call" &&
      expr.callee.k === "call" &&
      calledName(expr.callee) === "validator" &&
      expr.args[0]
    )
      return this.#entries(place, expr.args[0], depth + 1);
    const made = expr.k === "name" ? definitionOf(this.#ctx.program, place, expr, 0) : null;
    if (made?.k === "call" && made.callee.k === "call" && calledName(made.callee) === "validator")
      return this.#entries(place, made, depth + 1);
    if (expr.k === "value" || expr.k === "text" || expr.k === "function") return [];
    const ref = this.#ctx.program.resolve(place, expr);
    return ref?.t === "expr" && ref.expr !== expr ? this.#entries(ref.place, ref.expr, depth + 1) : [];
  }
}

/** The named arguments of a call, be they keywords or the keys of its object. */
export function entriesOf(args: readonly Expr[]): { key: string; value: Expr }[] {
  return args.flatMap((arg) => {
    if (arg.k === "named") return [{ key: arg.name, value: arg.of }];
    if (arg.k !== "object") return [];
    return arg.entries.flatMap((entry) =>
      entry.key === null ? [] : [{ key: entry.key, value: entry.value }],
    );
  });
}

function isOn(expr: Expr): boolean {
  return expr.k === "value" && expr.value === true;
}

function isOff(expr: Expr): boolean {
  return expr.k === "value" && (expr.value === false || expr.value === null);
}
