/** Writes a range of a table's rows to a text file that DuckDB reads. SQLite builds the text, thousands of rows a call. */

import { closeSync, openSync, writeFileSync } from "node:fs";
import { messageOf } from "../../contract/errors.ts";
import { type Connection, closeReader, faultOf, openReader } from "./connection.ts";
import { COLUMN_SEPARATOR_SQL, ROW_SEPARATOR_SQL, stageChunk, type Utf16 } from "./staging.ts";

/** Rows that one call of SQLite joins. */
const CHUNK_ROWS_MAX = 2048;
/** Text that one call should give: small enough to stay in the processor's cache until it is written. */
const CHUNK_BYTES = 128 * 1024;
/** Bytes of a value or a chunk that SQLite may build; a single row may take all that SQLite allows. */
const LENGTH_LIMIT = 64 * 1024 * 1024;

/** What does not differ between the ranges of a table. Plain data: it is sent to worker threads. */
export interface UnloadPlan {
  uri: string;
  /** Quoted for SQL. */
  table: string;
  /** The name that reaches the rowid, or null: then one range holds all rows. */
  rowid: string | null;
  /** SQL of each column's text. */
  texts: string[];
  /** SQL that is 1 for a value that does not fit its column's reading. */
  misfits: string[];
  /** Average text of a row, in bytes. */
  rowBytes: number;
  /** The database's encoding, where it is not UTF-8. */
  utf16: Utf16 | null;
  /** The texts escape separators themselves. */
  guarded: boolean;
}

/** Rows whose rowid lies between both ends, and where their text goes. */
export interface UnloadRange {
  from: bigint;
  to: bigint;
  path: string;
}

export interface Unloaded {
  rows: number;
  /** Values that did not fit. Nothing of the file may be used when there are any. */
  misfits: number;
  /** A value held a separator: likewise. */
  ambiguous: boolean;
  /** The text holds escapes. */
  escaped: boolean;
  /** Values with bytes that are no UTF-8. */
  repaired: number;
  /** Bytes of the longest row. */
  longest: number;
  /** Rowids between which rows could not be read, both ends excluded; null where there is no end or no rowid. */
  skipped: { after: bigint | null; before: bigint | null; reason: string }[];
}

/** Function arguments SQLite takes, with room. */
const ARGUMENTS_MAX = 500;

/** Places with unreadable rows that are stepped over before the rest of a range is given up. */
const SKIPS_MAX = 1000;

/** One text of all columns: nested, as a function takes 1,000 arguments. */
function rowText(texts: readonly string[]): string {
  let parts = [...texts];
  while (parts.length > 1) {
    const joined: string[] = [];
    for (let i = 0; i < parts.length; i += ARGUMENTS_MAX)
      joined.push(`concat_ws(${COLUMN_SEPARATOR_SQL}, ${parts.slice(i, i + ARGUMENTS_MAX).join(", ")})`);
    parts = joined;
  }
  return parts[0] as string;
}

/** A sum of conditions as a balanced tree: a chain of 2,000 would be too deep for SQLite. */
function anyOf(conditions: readonly string[]): string {
  if (conditions.length === 0) return "0";
  if (conditions.length === 1) return conditions[0] as string;
  const half = conditions.length >> 1;
  return `(${anyOf(conditions.slice(0, half))} + ${anyOf(conditions.slice(half))})`;
}

/** Connections of this thread, kept from range to range. */
let open: { uri: string; db: Connection } | null = null;

/** Closes this thread's connection. */
export function closeUnloader(): void {
  if (open) closeReader(open.db);
  open = null;
}

/** Writes one range. Throws what SQLite throws, except for rows that it cannot read: those are stepped over and told. */
export function unload(plan: UnloadPlan, range: UnloadRange): Unloaded {
  if (open?.uri !== plan.uri) {
    closeUnloader();
    open = { uri: plan.uri, db: openReader(plan.uri) };
  }
  const { db } = open;
  const result: Unloaded = {
    rows: 0,
    misfits: 0,
    ambiguous: false,
    escaped: false,
    repaired: 0,
    longest: 0,
    skipped: [],
  };
  const fd = openSync(range.path, "w", 0o600);
  try {
    const write = (text: Uint8Array, rows: number) => {
      const chunk = Buffer.from(text.buffer, text.byteOffset, text.byteLength);
      const staged = stageChunk(chunk, rows, { ...plan, first: result.rows === 0 });
      if (staged === null) {
        result.ambiguous = true;
        return;
      }
      writeFileSync(fd, staged.bytes);
      writeFileSync(fd, "\n");
      result.rows += rows;
      result.escaped ||= staged.escaped;
      result.repaired += staged.repaired;
      result.longest = Math.max(result.longest, staged.longest);
    };
    if (plan.rowid === null) unloadInOnePass(db, plan, result, write);
    else unloadByRowid(db, plan, plan.rowid, range, result, write);
  } finally {
    closeSync(fd);
  }
  return result;
}

type Write = (text: Uint8Array, rows: number) => void;

/** Without a rowid there is no cheap way to come back to a place, so rows are handed over one at a time. */
function unloadInOnePass(db: Connection, plan: UnloadPlan, result: Unloaded, write: Write): void {
  const rows = db.prepare(
    `SELECT CAST(${rowText(plan.texts)} AS BLOB), ${anyOf(plan.misfits)} FROM ${plan.table}`,
  );
  rows.setReturnArrays(true);
  try {
    for (const [text, misfits] of rows.iterate() as Iterable<[Uint8Array, number]>) {
      result.misfits += misfits;
      write(text, 1);
      if (result.misfits > 0 || result.ambiguous) return;
    }
  } catch (error) {
    if (faultOf(error) !== "damaged") throw error;
    result.skipped.push({ after: null, before: null, reason: messageOf(error) });
  }
}

/** Goes from rowid to rowid in chunks; where one fails, in ever smaller ones, and then past the rows that fail. */
function unloadByRowid(
  db: Connection,
  plan: UnloadPlan,
  rowid: string,
  range: UnloadRange,
  result: Unloaded,
  write: Write,
): void {
  const text = rowText(plan.texts);
  const chunk = db.prepare(
    `SELECT count(*), max(k), CAST(group_concat(r, ${ROW_SEPARATOR_SQL}) AS BLOB), sum(m)
     FROM (SELECT ${rowid} AS k, ${text} AS r, ${anyOf(plan.misfits)} AS m FROM ${plan.table}
           WHERE ${rowid} >= ? AND ${rowid} <= ? ORDER BY ${rowid} LIMIT ?)`,
  );
  chunk.setReadBigInts(true);
  chunk.setReturnArrays(true);
  const probe = db.prepare(
    `SELECT k FROM (SELECT ${rowid} AS k, length(${text}) AS r FROM ${plan.table}
     WHERE ${rowid} >= ? AND ${rowid} <= ? ORDER BY ${rowid} LIMIT 1) WHERE r IS NOT NULL`,
  );
  probe.setReadBigInts(true);
  /** The first rowid at or after a place if its row can be read; null at the end, undefined when it cannot. */
  const readableFrom = (place: bigint): bigint | null | undefined => {
    try {
      return (probe.get(place, range.to) as { k: bigint } | undefined)?.k ?? null;
    } catch {
      return undefined;
    }
  };
  const most = Math.max(1, Math.min(CHUNK_ROWS_MAX, Math.floor(CHUNK_BYTES / Math.max(1, plan.rowBytes))));
  let limit = most;
  let place = range.from;
  while (place <= range.to) {
    let got: [bigint, bigint | null, Uint8Array, bigint];
    db.limits.length = limit === 1 ? Number.POSITIVE_INFINITY : LENGTH_LIMIT;
    try {
      got = chunk.get(place, range.to, limit) as typeof got;
    } catch (error) {
      const fault = faultOf(error);
      if (fault === "disk-full" || fault === "locked") throw error;
      if (limit > 1) {
        limit = Math.max(1, limit >> 3);
        continue;
      }
      const next = result.skipped.length < SKIPS_MAX ? nextReadable(place, range.to, readableFrom) : null;
      result.skipped.push({ after: place - 1n, before: next, reason: messageOf(error) });
      if (next === null) return;
      place = next;
      continue;
    }
    const [rows, last, bytes, misfits] = got;
    if (rows === 0n || last === null) return;
    result.misfits += Number(misfits);
    write(bytes, Number(rows));
    if (result.misfits > 0 || result.ambiguous) return;
    place = last + 1n;
    limit = Math.min(most, limit * 2);
  }
}

/** The first place after a row that cannot be read: steps that double, then halves. Null when nothing follows. */
function nextReadable(
  bad: bigint,
  end: bigint,
  readableFrom: (place: bigint) => bigint | null | undefined,
): bigint | null {
  let low = bad;
  let high: bigint | null = null;
  for (let step = 1n; high === null; step *= 2n) {
    const place: bigint = bad + step < end ? bad + step : end;
    const found = readableFrom(place);
    if (found !== undefined) high = place;
    else if (place === end) return null;
    else low = place;
  }
  while (high - low > 1n) {
    const middle: bigint = low + (high - low) / 2n;
    if (readableFrom(middle) === undefined) low = middle;
    else high = middle;
  }
  return readableFrom(high) ?? null;
}
