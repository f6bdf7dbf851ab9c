/** Writes repair SQL: one form for SQLite, DuckDB and Postgres, with the little that differs. */

import { ident, literal } from "../store/index.ts";

export type RepairDialect = "sqlite" | "duckdb" | "postgres";

export interface UpdateParts {
  dialect: RepairDialect;
  /** Schema (null: the default one) and table, in the source. */
  schema: string | null;
  table: string;
  key: string;
  /** The key is declared with a type that compares with text as it stands. */
  keyIsTyped: boolean;
  columns: readonly string[];
  guard: "unfilled" | "unchanged";
}

/** The source's own name of a table, quoted. */
export function sourceTable({ schema, table }: Pick<UpdateParts, "schema" | "table">): string {
  return schema === null ? ident(table) : `${ident(schema)}.${ident(table)}`;
}

/**
 * An UPDATE around a list of tuples `(key, new_0 …)`, with `old_0 …` behind them for the guard `unchanged`.
 * Running it again changes nothing: a row that was repaired no longer passes the guard.
 */
export function updateOf(parts: UpdateParts, tuples: string): string {
  const { dialect, columns, guard, key } = parts;
  const names = columns.map((_, i) => `new_${i}`);
  if (guard === "unchanged") names.push(...columns.map((_, i) => `old_${i}`));
  // SQLite converts the text to the column's type and can use its index; the others compare no text with numbers.
  const own = `t.${ident(key)}`;
  const keyText =
    dialect === "sqlite" && parts.keyIsTyped
      ? own
      : `CAST(${own} AS ${dialect === "sqlite" ? "TEXT" : "VARCHAR"})`;
  const conditions = columns.map((column, i) => {
    const value = `t.${ident(column)}`;
    if (guard === "unfilled") return `coalesce(${value}, 0) <= 0`;
    // A column of nothing but NULL in a list of values has no number's type.
    const old = `CAST(right_values.old_${i} AS DECIMAL(38, 9))`;
    return `(${value} IS NULL AND ${old} IS NULL OR abs(${value} - ${old}) < 0.0000005)`;
  });
  return `WITH right_values (key, ${names.join(", ")}) AS (VALUES
${tuples}
)
UPDATE ${sourceTable(parts)} AS t SET ${columns.map((column, i) => `${ident(column)} = right_values.new_${i}`).join(", ")}
FROM right_values WHERE ${keyText} = right_values.key AND ${conditions.join(" AND ")};`;
}

/** SQL of the store that spells a row of the plan as a tuple. */
export function tupleOf(columns: number, guard: UpdateParts["guard"]): string {
  const number = (name: string) => `coalesce(CAST(${name} AS VARCHAR), 'NULL')`;
  const values = Array.from({ length: columns }, (_, i) => number(`new_${i}`));
  if (guard === "unchanged") values.push(...Array.from({ length: columns }, (_, i) => number(`old_${i}`)));
  const key = `${literal("('")} || replace(key, '''', '''''') || ''''`;
  return `${key} || ', ' || ${values.join(" || ', ' || ")} || ')'`;
}
