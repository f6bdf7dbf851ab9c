/** The tables that pieces of SQL in a chain of GORM read: joins, conditions and columns written as text. */

import { flatten, type HoleName } from "../../flat.ts";
import type { Program } from "../../program.ts";
import { analyzeSql } from "../../sql/analyze.ts";
import { textsOf } from "../../text.ts";
import type { ChainStep, Located } from "./chain.ts";

/** Stands for the table that the chain works on. */
const BASE = "trueup_base";
/** Steps whose text is a condition, an order or a column, with the statement that it becomes a part of. */
const PIECES: Record<string, (text: string) => string> = {
  Where: (text) => `SELECT 1 FROM ${BASE} WHERE ${text}`,
  Or: (text) => `SELECT 1 FROM ${BASE} WHERE ${text}`,
  Not: (text) => `SELECT 1 FROM ${BASE} WHERE ${text}`,
  Having: (text) => `SELECT 1 FROM ${BASE} GROUP BY 1 HAVING ${text}`,
  Order: (text) => `SELECT 1 FROM ${BASE} ORDER BY ${text}`,
  Select: (text) => `SELECT ${text} FROM ${BASE}`,
  Joins: (text) => `SELECT 1 FROM ${BASE} ${text}`,
  Table: (text) => `SELECT 1 FROM ${text}`,
};
/** Verbs that take a condition after what they fill. */
const CONDITIONS = /^(Find|First|Last|Take|Delete|FirstOrInit|FirstOrCreate)$/;

/** The tables that the texts of a step read beside the chain's own; null where only run time knows the name. */
export function tablesOfStep(program: Program, step: ChainStep, nameOfHole: HoleName): (string | null)[] {
  const whole = PIECES[step.name] ?? (CONDITIONS.test(step.name) ? PIECES["Where"] : undefined);
  const arg = step.args[CONDITIONS.test(step.name) ? 1 : 0];
  return whole && arg ? tablesOf(program, arg, step.name, whole, nameOfHole) : [];
}

function tablesOf(
  program: Program,
  { place, expr }: Located,
  name: string,
  whole: (text: string) => string,
  nameOfHole: HoleName,
): (string | null)[] {
  if (expr.k === "value" || expr.k === "object" || expr.k === "function") return [];
  const found = new Set<string | null>();
  for (const text of textsOf(program, place, expr)) {
    const { sql, constant } = flatten(text, nameOfHole);
    // A bare name may be a word of SQL: `order`.
    const bare = constant && name === "Table" ? /^(?:\w+\.)*(\w+)$/.exec(sql.trim())?.[1] : undefined;
    if (bare) {
      found.add(bare);
      continue;
    }
    // A plain condition or column reads no other table; an association's name is no SQL.
    if (name === "Joins" ? !/\bjoin\b/i.test(sql) : name !== "Table" && !/\bselect\b/i.test(sql)) continue;
    for (const { table, mode } of analyzeSql(whole(sql)).accesses)
      if (mode === "read" && table !== BASE) found.add(table);
  }
  return [...found];
}
