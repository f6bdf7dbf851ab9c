/** Finds the constants that a statement gives to a column of every row, and where they stand. */

import type { Operation, SqlLiteral } from "./analysis.ts";
import type { Ast } from "./parse.ts";
import { tokensOf } from "./tokens.ts";

/** One statement's text and where it starts in the whole. */
export interface Statement {
  text: string;
  base: number;
}

/** Constants among what a SELECT gives; with `columns`, what an INSERT … SELECT stores where. */
export function selectLiterals(
  from: Statement,
  select: Ast,
  table: string | null,
  columns: readonly string[],
  operation: Operation,
): SqlLiteral[] {
  // Without FROM it is a row of constants, not a statement about rows.
  if (!select.from && table === null) return [];
  const given: Ast[] = Array.isArray(select.expressions) ? select.expressions : [];
  return given.flatMap((expression, i) => {
    const alias = expression?.alias;
    const constant = constantOf(alias ? alias.this : expression);
    const column = columns[i] ?? alias?.alias?.name;
    if (constant === null || !column) return [];
    const offset = alias?.alias?.span?.start ?? itemOffset(from.text, i);
    return [{ table, column, value: constant, operation, offset: from.base + offset }];
  });
}

/** Where the n-th item of the first SELECT stands. */
function itemOffset(text: string, n: number): number {
  const tokens = tokensOf(text);
  const from = tokens.findIndex((token) => /^select$/i.test(token.text));
  let [depth, commas] = [0, 0];
  for (let i = from + 1; i < tokens.length; i++) {
    const token = tokens[i] as (typeof tokens)[number];
    if (token.text === "(") depth++;
    else if (token.text === ")") depth--;
    else if (depth === 0 && /^from$/i.test(token.text)) break;
    else if (token.text === "," && depth === 0) commas++;
    else if (depth === 0 && commas === n) return token.start;
  }
  return 0;
}

/** A constant in the same place of every VALUES tuple. */
export function valueLiterals(
  from: Statement,
  tuples: Ast[][],
  table: string,
  columns: readonly string[],
  operation: Operation,
): SqlLiteral[] {
  return columns.flatMap((column, i) => {
    const constants = tuples.map((tuple) => constantOf(tuple?.[i]));
    const [first] = constants;
    if (column === "" || first === undefined || first === null || !constants.every((one) => one === first))
      return [];
    return [{ table, column, value: first, operation, offset: from.base + valueOffset(from.text, i) }];
  });
}

/** Where the n-th value of the first VALUES tuple stands: the tree does not say. */
function valueOffset(text: string, n: number): number {
  const tokens = tokensOf(text);
  const from = tokens.findIndex((token) => /^values$/i.test(token.text));
  let [depth, commas] = [0, 0];
  for (let i = from + 1; i < tokens.length; i++) {
    const token = tokens[i] as (typeof tokens)[number];
    if (token.text === "(") depth++;
    else if (token.text === ")") depth--;
    else if (token.text === "," && depth === 1) commas++;
    else if (depth === 1 && commas === n) return token.start;
  }
  return 0;
}

/** `0`, `NULL` or a text, when the expression is a constant; null otherwise. */
export function constantOf(expression: Ast): string | null {
  if (expression === null || typeof expression !== "object") return null;
  if ("null" in expression) return "NULL";
  if (typeof expression.boolean?.value === "boolean") return String(expression.boolean.value);
  if (expression.literal) return String(expression.literal.value ?? "");
  if (expression.cast?.this) return constantOf(expression.cast.this);
  if (expression.paren?.this) return constantOf(expression.paren.this);
  if (expression.neg?.this)
    return constantOf(expression.neg.this) === null ? null : `-${constantOf(expression.neg.this)}`;
  return null;
}
