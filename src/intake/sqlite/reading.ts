/** Decides how each column is read: the SQL that makes its text, the DuckDB type, and what would prove it wrong. */

import type { Value } from "../../contract/finding.ts";
import { ident } from "../../store/index.ts";
import type { Connection } from "./connection.ts";
import type { Affinity, SqliteColumn, SqliteTable } from "./schema.ts";

/**
 * `integer`, `real`: every value is of that class. `number`: both, exact as doubles. `text`: bytes as they are.
 * `any`: several classes, each spelled in its own way.
 */
export type Reading = "integer" | "real" | "number" | "text" | "any";

export type StorageClass = "integer" | "real" | "text" | "blob";

export interface ColumnReading {
  column: SqliteColumn;
  reading: Reading;
  /** Values per storage class where classes mix, else null. */
  storage: Record<string, number> | null;
}

/** Blobs up to this size are shown as hex, longer ones by their size. */
const BLOB_HEX_BYTES = 64;
/** Columns whose classes are counted in one statement: four sums each, SQLite takes 2,000 results. */
const COUNTED_AT_ONCE = 200;
const EXACT = "9007199254740992";

export const DUCKDB_TYPE: Record<Reading, string> = {
  integer: "BIGINT",
  real: "DOUBLE",
  number: "DOUBLE",
  text: "VARCHAR",
  any: "VARCHAR",
};

/** A first guess from what the column declares and what a sample holds; null where only counting can tell. */
export function guessReading(affinity: Affinity, sample: readonly Value[]): Reading | null {
  if (affinity === "text") return "text";
  if (affinity === "none") return null;
  const present = sample.filter((value) => value !== null);
  if (present.some((value) => typeof value === "string")) return null;
  if (affinity === "real") return "real";
  const whole = present.every((value) => typeof value === "bigint" || Number.isSafeInteger(value));
  return whole ? "integer" : "number";
}

/** The exact reading of each column, by counting the storage classes of all its values. */
export function countReadings(
  db: Connection,
  table: SqliteTable,
  columns: readonly SqliteColumn[],
): ColumnReading[] {
  const readings: ColumnReading[] = [];
  for (let start = 0; start < columns.length; start += COUNTED_AT_ONCE) {
    const batch = columns.slice(start, start + COUNTED_AT_ONCE);
    const sums = batch.map(({ name }, i) => {
      const c = ident(name);
      return `sum(typeof(${c}) = 'integer') AS i${i}, sum(typeof(${c}) = 'real') AS r${i}, sum(typeof(${c}) = 'text') AS t${i},
        sum(typeof(${c}) = 'blob') AS b${i}, max(typeof(${c}) = 'integer' AND ${c} NOT BETWEEN -${EXACT} AND ${EXACT}) AS h${i}`;
    });
    const row = db.prepare(`SELECT ${sums.join(", ")} FROM ${ident(table.name)}`).get();
    batch.forEach((column, i) => {
      const counts = { integer: row[`i${i}`], real: row[`r${i}`], text: row[`t${i}`], blob: row[`b${i}`] };
      readings.push({ column, ...readingOf(column.affinity, counts, row[`h${i}`] === 1) });
    });
  }
  return readings;
}

function readingOf(
  affinity: Affinity,
  counts: Record<StorageClass, number | null>,
  huge: boolean,
): Omit<ColumnReading, "column"> {
  const present = Object.entries(counts).filter(([, count]) => count !== null && count > 0);
  const storage = present.length > 1 ? (Object.fromEntries(present) as Record<string, number>) : null;
  const only = present.length === 1 ? present[0]?.[0] : null;
  if (present.length === 0) return { reading: nothingSeen(affinity), storage: null };
  if (only === "integer" || only === "real" || only === "text") return { reading: only, storage: null };
  // A price of 1 beside one of 1.5 is stored as an integer: both are numbers, and no mix worth telling.
  const numbers = present.every(([name]) => name === "integer" || name === "real");
  return numbers && !huge ? { reading: "number", storage: null } : { reading: "any", storage };
}

function nothingSeen(affinity: Affinity): Reading {
  if (affinity === "integer") return "integer";
  return affinity === "real" || affinity === "numeric" ? "real" : "text";
}

/** The SQL of a value's text; `absent` stands for NULL. */
export function textOf({ column, reading }: ColumnReading, absent: string): string {
  const c = ident(column.name);
  const exact = `printf('%!.17g', ${c})`;
  switch (reading) {
    case "integer":
    case "text":
      return `ifnull(${c}, ${absent})`;
    case "real":
      return `iif(${c} IS NULL, ${absent}, ${exact})`;
    case "number":
      return `CASE typeof(${c}) WHEN 'real' THEN ${exact} ELSE ifnull(${c}, ${absent}) END`;
    case "any":
      return `CASE typeof(${c}) WHEN 'null' THEN ${absent} WHEN 'real' THEN ${exact} WHEN 'blob'
        THEN iif(length(${c}) <= ${BLOB_HEX_BYTES}, lower(hex(${c})), 'blob of ' || length(${c}) || ' bytes') ELSE ${c} END`;
  }
}

/** SQL that is 1 for a value the reading does not allow, or null where every value is right. */
export function misfitOf({ column, reading }: ColumnReading): string | null {
  const c = ident(column.name);
  if (reading === "text" || reading === "any") return null;
  // Affinity has made a number of every value that looks like one, so a comparison tells what typeof() would, faster.
  if (column.affinity !== "none" && column.affinity !== "text" && reading !== "number")
    return `(${c} IS NOT CAST(${c} AS ${reading === "integer" ? "INTEGER" : "REAL"}))`;
  const allowed = { integer: "'integer'", real: "'real'", number: "'integer', 'real'" }[reading];
  return `(typeof(${c}) NOT IN (${allowed}, 'null'))`;
}

/** How a blob is shown in a sample: as in the loaded column. */
export function blobText(blob: Uint8Array): string {
  return blob.length <= BLOB_HEX_BYTES ? Buffer.from(blob).toString("hex") : `blob of ${blob.length} bytes`;
}
