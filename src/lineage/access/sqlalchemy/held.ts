/** What an expression of a SQLAlchemy program can hold: a model, a statement with the tables it reads, rows, instances. */

import type { AccessFact } from "../../facts.ts";
import type { Expr } from "../../ir.ts";
import type { Model } from "../../models/models.ts";
import type { Place } from "../../program.ts";

export type Operation = AccessFact["operation"];

/** One call of a function: what its parameters are given, and the object that it is a method of. */
export interface Frame extends Place {
  args: ReadonlyMap<string, Given>;
  self: Held | null;
  known: Map<Expr, Held | null>;
  depth: number;
}

/** An argument, seen from where it is written. */
export interface Given {
  place: Place;
  expr: Expr;
  frame: Frame | null;
}

export interface Statement {
  t: "statement";
  verb: Operation;
  /** What it writes. */
  target: Model | null;
  /** What each of its rows holds; null for a column or what is not known. */
  entities: readonly (Model | null)[];
  reads: ReadonlyMap<Model, ReadonlySet<string>>;
  /** Those of its tables that another function names. */
  foreign: ReadonlySet<Model>;
  /** What it writes is named by another function. */
  isForeign: boolean;
  /** `session.query(…)`: has methods that run it. */
  isQuery: boolean;
}

export type Held =
  /** A mapped class, a table or an alias of one; `more`: the classes that an alias loads too. */
  | { t: "model"; model: Model; more: readonly Model[] }
  | Statement
  /** An instance; `isMade`: not yet stored. */
  | { t: "one"; model: Model; isMade: boolean }
  | { t: "rows"; model: Model; isMade: boolean }
  /** What running a statement gives: rows of these, or (`isScalar`) the first of each row. */
  | { t: "result"; entities: readonly (Model | null)[]; isScalar: boolean }
  | { t: "row"; entities: readonly (Model | null)[] }
  | { t: "tuple"; place: Place; items: readonly Expr[]; frame: Frame | null }
  /** An object of a class that is no model, and what it was made with. */
  | { t: "object"; m: number; c: number; given: ReadonlyMap<string, Given> | null };

/** The constructors of statements. */
export const VERBS: Record<string, Operation> = {
  select: "select",
  insert: "insert",
  update: "update",
  delete: "delete",
  exists: "select",
  union: "select",
  union_all: "select",
  intersect: "select",
  intersect_all: "select",
  except_: "select",
  except_all: "select",
};

/** Methods that run the statement they are given. */
export const RUNS =
  /^(execute|exec|scalar|scalars|stream|stream_scalars|fetch_all|fetch_one|fetch_val|iterate)$/;
/** Methods that run the query they are called on, or take one object out of a result. */
export const GIVES_ONE =
  /^(first|one|one_or_none|get|scalar_one|scalar_one_or_none|first_or_404|one_or_404|get_or_404|fetchone|scalar|one_or_raise)$/;
export const GIVES_ROWS =
  /^(all|fetchall|fetchmany|partitions|yield_per|unique|scalars|mappings|tuples|columns)$/;
/** Methods that make a statement a part of another one: its rows are no instances. */
export const EMBEDS = /^(subquery|cte|scalar_subquery|as_scalar|exists|lateral|alias|label)$/;
/** Further methods that run a query. */
export const RUNS_QUERY = /^(all|count|paginate|update|delete|scalars|yield_per|__iter__)$/;

/** A statement that reads, before anything is added to it. */
export function reading(entities: Statement["entities"], isQuery: boolean): Statement {
  return {
    t: "statement",
    verb: "select",
    target: null,
    entities,
    reads: new Map(),
    foreign: new Set(),
    isForeign: false,
    isQuery,
  };
}

/** Of several things that a name may hold the latest; statements read what any of them reads. */
export function merged(all: readonly (Held | null)[]): Held | null {
  const held = all.filter((one) => one !== null);
  const last = held.at(-1) ?? null;
  if (last?.t === "model") {
    const others = held.flatMap((one) =>
      one.t === "model" && one.model !== last.model ? [one.model, ...one.more] : [],
    );
    return others.length > 0 ? { ...last, more: [...last.more, ...others] } : last;
  }
  if (last?.t !== "statement") return last;
  const reads = new Map<Model, ReadonlySet<string>>();
  const foreign = new Set(last.foreign);
  let { isForeign } = last;
  for (const one of held) {
    if (one.t !== "statement") continue;
    addReads(reads, one.reads);
    for (const model of one.foreign) foreign.add(model);
    if (one.verb === last.verb) isForeign ||= one.isForeign;
  }
  return { ...last, reads, foreign, isForeign };
}

/** Adds what one statement reads, with its columns, to what another one does. */
export function addReads(into: Map<Model, ReadonlySet<string>>, more: Statement["reads"]): void {
  for (const [model, columns] of more) into.set(model, new Set([...(into.get(model) ?? []), ...columns]));
}

/** Reads of whole tables. */
export function readsOf(models: readonly Model[]): Statement["reads"] {
  return new Map(models.map((model) => [model, new Set()]));
}

/** A stored instance of a model, where there is one. */
export function one(model: Model | null | undefined): Held | null {
  return model ? { t: "one", model, isMade: false } : null;
}

/** A statement as a function sees it that did not name it. */
export function foreign(held: Held | null): Held | null {
  return held?.t === "statement"
    ? { ...held, foreign: new Set(held.reads.keys()), isForeign: held.target !== null }
    : held;
}
