/** What a SELECT can name: its sources, the columns that are surely theirs, and what only looks like a column. */

import { type Ast, HOLE, nameOf } from "./parse.ts";

export interface Scope {
  tables: { name: string; alias: string }[];
  columns: { name: string; of: string | null }[];
  /** Names of the sources here and around: alone they stand for a whole row (`to_jsonb(u)`). */
  rows: ReadonlySet<string>;
  /** What the SELECT calls its results: in ORDER BY and HAVING these are no columns of a table. */
  aliases: Set<string>;
  star: boolean;
  /** Subqueries and CTEs stand beside the tables: a column without a qualifier may be theirs. */
  others: boolean;
}

export function emptyScope(rows: readonly string[] = []): Scope {
  return { tables: [], columns: [], rows: new Set(rows), aliases: new Set(), star: false, others: false };
}

/** What a source of FROM or JOIN is called in its statement, in lower case. */
export function sourceNames(source: Ast): string[] {
  // A table's own node has a name, and its alias beside it; others wrap what they name.
  const inner: Ast = source?.name ? source : (source?.table ?? source?.subquery ?? source?.alias ?? source);
  const names = [inner?.alias?.name, inner?.alias?.alias?.name, nameOf(inner)];
  return names.flatMap((name) => (typeof name === "string" ? [name.toLowerCase()] : []));
}

/** The columns of a finished scope that are surely those of the table with this alias. */
export function columnsOf(scope: Scope, alias: string): string[] {
  const own = scope.columns.filter(({ name, of }) =>
    of === null
      ? scope.tables.length === 1 &&
        !scope.others &&
        !scope.aliases.has(name.toLowerCase()) &&
        !scope.rows.has(name.toLowerCase())
      : of.toLowerCase() === alias.toLowerCase(),
  );
  const columns = own.map((column) => column.name).filter((column) => !HOLE.test(column));
  return scope.star ? [...columns, "*"] : columns;
}

const UNIT = /^(microsecond|millisecond|second|minute|hour|day|week|month|quarter|year|epoch)s?$/i;

/**
 * What only looks like a column: `status = "active"` (SQLite and MySQL read a quoted name that stands as a value as a
 * text), the unit of `TIMESTAMPDIFF(SECOND, …)`, the parameter `@id`.
 */
export function isText(text: string, column: Ast): boolean {
  const start = column.span?.start ?? column.name?.span?.start;
  if (column.table || typeof start !== "number") return false;
  const name = String(column.name.name);
  if (/^[@:$]/.test(name)) return true;
  if (UNIT.test(name)) return /\(\s*$/.test(text.slice(Math.max(0, start - 20), start));
  if (text[start] !== '"') return false;
  return /(?:[=<>]|\blike|\bin\s*\((?:\s*"[^"]*"\s*,)*)\s*$/i.test(
    text.slice(Math.max(0, start - 200), start),
  );
}
