/** Moves one table from SQLite into DuckDB, and proves that every row and value arrived as it was. */

import { join } from "node:path";
import { messageOf, UserError } from "../../contract/errors.ts";
import { ident, literal, type Store } from "../../store/index.ts";
import { type Connection, faultOf } from "./connection.ts";
import type { Sampled } from "./profile.ts";
import { type ColumnReading, countReadings, DUCKDB_TYPE, guessReading, misfitOf, textOf } from "./reading.ts";
import type { SqliteColumn, SqliteTable } from "./schema.ts";
import { COLUMN_SEPARATOR_CHAR, guardedSql, type Utf16, unescapedSql } from "./staging.ts";
import type { Unloaded, UnloadPlan } from "./unload.ts";
import { type StagedRange, Unloaders } from "./unloaders.ts";

/** DuckDB's own bound on a line; longer ones are announced. */
const LINE_BYTES = 2_000_000;

export interface Transfer {
  db: Connection;
  uri: string;
  utf16: Utf16 | null;
  store: Store;
  unloaders: Unloaders;
  /** Stands for NULL in staged text: nobody who wrote the database can know it. */
  nullMark: string;
  progress(bytes: number, rows: number): void;
}

export interface TransferredTable {
  rows: number;
  readings: ColumnReading[];
  /** Values with bytes that are no UTF-8. */
  repaired: number;
  skipped: Unloaded["skipped"];
}

/** DuckDB's name of each SQLite column. */
export type Names = ReadonlyMap<SqliteColumn, string>;

/**
 * Creates and fills a table with the named columns. Reads with readings guessed from the sample first; a value that
 * does not fit makes it count what the columns really hold and read again, a value that holds a separator makes it
 * read again with all values guarded.
 */
export async function transferTable(
  move: Transfer,
  table: SqliteTable,
  sampled: Sampled,
  columns: readonly SqliteColumn[],
  names: Names,
  relation: string,
): Promise<TransferredTable> {
  let readings = guessReadings(move.db, table, sampled, columns);
  let guarded = false;
  for (;;) {
    const outcome = await attempt(move, table, sampled, readings, names, relation, guarded);
    if (outcome === "misfit") readings = exactReadings(move.db, table, readings);
    else if (outcome === "ambiguous") guarded = true;
    else return { ...outcome, readings };
  }
}

function guessReadings(
  db: Connection,
  table: SqliteTable,
  sampled: Sampled,
  columns: readonly SqliteColumn[],
): ColumnReading[] {
  const guessed = columns.map((column) => {
    const sample = sampled.profile.columns[table.columns.indexOf(column)]?.sample ?? [];
    return { column, reading: guessReading(column.affinity, sample), storage: null };
  });
  const unsure = guessed.filter((one) => one.reading === null).map((one) => one.column);
  const counted = new Map(countOrAny(db, table, unsure).map((one) => [one.column, one]));
  return guessed.map((one) => counted.get(one.column) ?? (one as ColumnReading));
}

function exactReadings(
  db: Connection,
  table: SqliteTable,
  readings: readonly ColumnReading[],
): ColumnReading[] {
  const doubtful = readings.filter((one) => misfitOf(one) !== null).map((one) => one.column);
  const counted = new Map(countOrAny(db, table, doubtful).map((one) => [one.column, one]));
  return readings.map((one) => counted.get(one.column) ?? one);
}

/** Where damage keeps SQLite from counting, every class is allowed for. */
function countOrAny(db: Connection, table: SqliteTable, columns: readonly SqliteColumn[]): ColumnReading[] {
  try {
    return countReadings(db, table, columns);
  } catch {
    return columns.map((column) => ({ column, reading: "any", storage: null }));
  }
}

type Attempt = Omit<TransferredTable, "readings"> | "misfit" | "ambiguous";

async function attempt(
  move: Transfer,
  table: SqliteTable,
  sampled: Sampled,
  readings: readonly ColumnReading[],
  names: Names,
  relation: string,
  guarded: boolean,
): Promise<Attempt> {
  const { store, unloaders } = move;
  const bytes = sampled.rowBytes * sampled.profile.rows;
  const plan = planOf(move, table, sampled, readings, guarded);
  const list = readings.map((one) => `${ident(names.get(one.column) as string)} ${DUCKDB_TYPE[one.reading]}`);
  await store.run(`CREATE OR REPLACE TABLE ${relation} (${list.join(", ")})`);
  const total: Omit<TransferredTable, "readings"> = { rows: 0, repaired: 0, skipped: [] };
  if (table.rowid !== null && sampled.range === null) return total;
  const { rows } = sampled.profile;
  const ranges = Unloaders.ranges(sampled.range, { rows, rowBytes: sampled.rowBytes }, (i) =>
    join(store.tempDir, `sqlite-${i}.txt`),
  );
  let done = 0;
  for await (const batch of unloaders.run(plan, ranges, bytes)) {
    if (batch.some(({ unloaded }) => unloaded.misfits > 0)) return "misfit";
    if (batch.some(({ unloaded }) => unloaded.ambiguous)) return "ambiguous";
    const filled = batch.filter(({ unloaded }) => unloaded.rows > 0);
    try {
      if (filled.length > 0) await store.run(insertOf(relation, filled, readings, move.nullMark));
    } catch (error) {
      // A wrong number of columns in a line: a value holds the separator.
      if (!guarded && /CSV Error|Invalid Input/i.test(messageOf(error))) return "ambiguous";
      throw error;
    }
    for (const { unloaded } of batch) {
      total.rows += unloaded.rows;
      total.repaired += unloaded.repaired;
      total.skipped.push(...unloaded.skipped);
    }
    done += batch.length;
    move.progress((bytes * done) / ranges.length, total.rows);
  }
  const loaded = (await store.one(`SELECT count(*) AS n FROM ${relation}`))?.["n"];
  if (loaded === total.rows) return total;
  if (!guarded) return "ambiguous";
  throw new Error(`${relation}: ${total.rows} rows unloaded, ${loaded} loaded`);
}

/** Text that ends a row after a text column: see `isClosed`. */
const CLOSING = "'.'";

/**
 * DuckDB skips an empty line and drops an empty field too many at a line's end: where a text comes last, that would
 * hide an empty value or one that ends with the separator.
 */
function isClosed(readings: readonly ColumnReading[]): boolean {
  const last = readings.at(-1);
  return last !== undefined && DUCKDB_TYPE[last.reading] === "VARCHAR";
}

function planOf(
  move: Transfer,
  table: SqliteTable,
  sampled: Sampled,
  readings: readonly ColumnReading[],
  guarded: boolean,
): UnloadPlan {
  const absent = literal(move.nullMark);
  const texts = readings.map((one) =>
    guarded && DUCKDB_TYPE[one.reading] === "VARCHAR" ? guardedSql(textOf(one, absent)) : textOf(one, absent),
  );
  if (isClosed(readings)) texts.push(CLOSING);
  return {
    uri: move.uri,
    table: ident(table.name),
    rowid: table.rowid,
    texts,
    misfits: readings.map(misfitOf).filter((sql) => sql !== null),
    rowBytes: sampled.rowBytes,
    utf16: move.utf16,
    guarded,
  };
}

function insertOf(
  relation: string,
  batch: readonly StagedRange[],
  readings: readonly ColumnReading[],
  nullMark: string,
): string {
  const escaped = batch.some(({ unloaded }) => unloaded.escaped);
  const longest = Math.max(...batch.map(({ unloaded }) => unloaded.longest));
  const columns = readings.map((one, i) => `c${i}: '${DUCKDB_TYPE[one.reading]}'`);
  if (isClosed(readings)) columns.push("closing: 'VARCHAR'");
  const values = readings.map((one, i) =>
    escaped && DUCKDB_TYPE[one.reading] === "VARCHAR" ? unescapedSql(`c${i}`) : `c${i}`,
  );
  const long = longest > LINE_BYTES ? `, max_line_size = ${longest + 1024}` : "";
  const paths = batch.map(({ path }) => literal(path)).join(", ");
  // A file is stored as one part, in order, when no two threads share it; the files are shared out among threads.
  return `INSERT INTO ${relation} SELECT ${values.join(", ")} FROM read_csv([${paths}],
    columns = {${columns.join(", ")}}, auto_detect = false, header = false,
    delim = ${literal(COLUMN_SEPARATOR_CHAR)}, quote = '', escape = '', nullstr = ${literal(nullMark)},
    new_line = '\\n', parallel = false${long})`;
}

/** Errors of staging that are the user's to mend. */
export function stagingError(error: unknown, shown: string): unknown {
  if ((error as NodeJS.ErrnoException).code === "ENOSPC" || faultOf(error) === "disk-full")
    return new UserError(`${shown}: the temporary directory is full; name a larger one with --temp-dir`);
  return error;
}
