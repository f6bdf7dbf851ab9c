/** Constants that builders and ORMs store in every row, unless code is seen that may set them later. */

import type { AccessFact, LiteralFact } from "../facts.ts";
import type { Entry, Expr } from "../ir.ts";
import type { Model } from "../models/models.ts";
import type { Place, Program } from "../program.ts";
import { calledName, type Site } from "../sites.ts";

/** What a statement stores: objects, lists of them, or named arguments; keys are the model's attributes, if there is one. */
export interface Stored {
  data: readonly Expr[];
  model: Model | null;
}

interface Found {
  fact: LiteralFact;
  attribute: string;
  /** The object lives on after the statement, or before it: code may set its attributes. */
  isObject: boolean;
}

/** Families whose statements give back plain rows and keep no object. */
const ROWS = /^(drizzle|prisma)$/;

/** Calls that set attributes of an object. */
const SETTERS = /^(update|set|assign|merge|patch|fill|increment|decrement|setDataValue|updateAttributes)$/;
/** Stands for every attribute. */
const ANY = "*";

/** Collects what statements store, and decides when all are known. */
export class StoredLiterals {
  readonly #program: Program;
  readonly #sites: readonly Site[];
  readonly #found: Found[] = [];
  /** Tables that are updated in columns that only run time knows. */
  readonly #open = new Set<string>();

  constructor(program: Program, sites: readonly Site[]) {
    this.#program = program;
    this.#sites = sites;
  }

  /** Notes what one access of code stores; an access without a known table says nothing. */
  add(place: Place, access: AccessFact, stored: Stored | undefined): void {
    const { table_name: table, operation } = access;
    if (table === null || stored === undefined) return;
    if (operation === "update" || operation === "upsert") {
      if (!access.is_test && !stored.data.every((one) => this.#isKnown(place, one))) this.#open.add(table);
      return;
    }
    const { data, model } = stored;
    const isInline = data.every((one) => one.k !== "name");
    for (const { key, value, at } of this.#constants(place, data)) {
      if (model !== null && model.columns.size > 0 && !model.columns.has(key)) continue;
      const fact = {
        function_id: access.function_id,
        file: access.file,
        line: at,
        table_name: table,
        column_name: model?.columns.get(key) ?? key,
        value,
        operation,
        is_test: access.is_test,
      };
      const isObject = !isInline || (model !== null && !ROWS.test(model.family));
      this.#found.push({ fact, attribute: key, isObject });
    }
  }

  /** The constants that stand, given all accesses of the tree. */
  facts(accesses: readonly AccessFact[]): LiteralFact[] {
    if (this.#found.length === 0) return [];
    const open = new Set(this.#open);
    for (const { table_name, operation, columns, is_test } of accesses)
      if (table_name !== null && columns.length === 0 && /^up/.test(operation) && !is_test)
        open.add(table_name);
    const given = new Set([...this.#assigned(), ...this.#passed()]);
    return this.#found
      .filter(({ fact, attribute, isObject }) => {
        // A name of a state (`status: "failed"`) says what the numbers beside it mean, whatever becomes of it.
        if (/[a-z]/i.test(fact.value) && fact.value !== "NULL") return true;
        const isSet = isObject && (given.has(attribute) || given.has(ANY));
        return !open.has(fact.table_name as string) && !isSet;
      })
      .map(({ fact }) => fact);
  }

  /** Attributes that code sets on an object by a call: `usage.update({ tokensIn: n })`, `setattr(usage, "tokens_in", n)`. */
  #passed(): string[] {
    return this.#sites.flatMap(({ place, expr }) => {
      if (expr.k !== "call" || this.#program.module(place.m).isTest) return [];
      const name = calledName(expr);
      if (name === "setattr") {
        const [object, attribute] = expr.args;
        if (object?.k === "name" && object.name === "self") return [];
        return attribute?.k === "text" ? (constantOf(attribute) ?? ANY) : ANY;
      }
      if (!SETTERS.test(name)) return [];
      return expr.args.flatMap((arg): string[] => {
        if (arg.k === "named") return [arg.name];
        if (arg.k === "object") return arg.entries.flatMap(({ key }) => key ?? []);
        return arg.k === "text" ? [constantOf(arg) ?? ANY] : [];
      });
    });
  }

  /** Attributes that any code sets on an object: `usage.tokensIn = n`, `self.tokens_in += n` in a method. */
  #assigned(): Set<string> {
    const given = new Set<string>();
    for (const { isTest, functions, classes } of this.#program.modules) {
      if (isTest) continue;
      for (const { bindings } of functions)
        for (const path of bindings.keys())
          if (path.includes(".")) given.add(path.slice(path.lastIndexOf(".") + 1));
      for (const { fields } of classes) {
        const seen = new Set<string>();
        // A declaration is the first; what a method sets comes after it.
        for (const { name } of fields) {
          if (seen.has(name)) given.add(name);
          seen.add(name);
        }
      }
    }
    return given;
  }

  /** The constants that all rows of a statement share. */
  #constants(place: Place, data: readonly Expr[]): { key: string; value: string; at: number }[] {
    const named = data.flatMap((one): Entry[] =>
      one.k === "named" ? [{ key: one.name, value: one.of, at: one.at }] : [],
    );
    const rows = data.filter((one) => one.k !== "named").flatMap((one) => this.#rows(place, one));
    if (named.length > 0 && rows.length === 0) rows.push(named);
    const [first, ...others] = rows;
    if (!first) return [];
    return first.flatMap(({ key, value, at }) => {
      const constant = constantOf(value);
      if (key === null || constant === null) return [];
      const isShared = others.every((row) => {
        const same = row.findLast((entry) => entry.key === key);
        return same !== undefined && constantOf(same.value) === constant;
      });
      return isShared ? [{ key, value: constant, at: value.at || at }] : [];
    });
  }

  /** The entries of each row that nothing in the same object can replace; an unknown row has none. */
  #rows(place: Place, expr: Expr): Entry[][] {
    const given = this.#valueOf(place, expr);
    if (given.k === "list") return given.items.flatMap((item) => this.#rows(place, item));
    if (given.k !== "object") return [[]];
    return [given.entries.slice(given.entries.findLastIndex((entry) => entry.key === null) + 1)];
  }

  /** Whether every column that an expression sets can be read from it. */
  #isKnown(place: Place, expr: Expr): boolean {
    if (expr.k === "named") return true;
    const given = this.#valueOf(place, expr);
    if (given.k === "list") return given.items.every((item) => this.#isKnown(place, item));
    return given.k === "object" && given.entries.every((entry) => entry.key !== null);
  }

  /** What a name holds that is given one value in its function; else the expression itself. */
  #valueOf(place: Place, expr: Expr): Expr {
    if (expr.k !== "name") return expr;
    const { bindings } = this.#program.function(place);
    const values = bindings.get(expr.name);
    return values?.length === 1 && !bindings.has(`${expr.name}[]`) ? (values[0] as Expr) : expr;
  }
}

/** `0`, `NULL` or a text, when the expression is a constant; null otherwise. */
function constantOf(expr: Expr): string | null {
  if (expr.k === "value") {
    if (expr.value === null) return "NULL";
    if (typeof expr.value === "boolean") return String(expr.value);
    return typeof expr.value === "number" && Number.isFinite(expr.value) ? String(expr.value) : null;
  }
  if (expr.k !== "text") return null;
  return expr.parts.every((part) => typeof part === "string") ? expr.parts.join("") : null;
}
