/** Looks at a table before it is read: how many rows, and a sample spread over them. */

import type { Value } from "../../contract/finding.ts";
import type { ColumnProfile, TableProfile } from "../../contract/loaded.ts";
import { ident } from "../../store/index.ts";
import type { Connection } from "./connection.ts";
import { blobText } from "./reading.ts";
import type { SqliteTable } from "./schema.ts";

const SAMPLE_ROWS = 200;
/** Of a longer text only the beginning is sampled. */
const SAMPLE_TEXT_BYTES = 65536;

export interface Sampled {
  profile: TableProfile;
  /** Rows by SQLite's own count, or null when damage keeps it from counting. */
  counted: number | null;
  /** Of the rowids; null for an empty table and where there are none. */
  range: { min: bigint; max: bigint } | null;
  /** Bytes of a row's text, on average over the sample. */
  rowBytes: number;
}

/** Counts and samples. Damaged pages make the sample smaller, never an error. */
export function sampleTable(db: Connection, schema: string, table: SqliteTable): Sampled {
  const range = rangeOf(db, table);
  const counted = readable(
    () => db.prepare(`SELECT count(*) AS n FROM ${ident(table.name)}`).get().n as number,
  );
  const rows = sampleRows(db, table, range, counted ?? 0);
  const columns = table.columns.map((column, index): ColumnProfile => {
    const { name, declared, primaryKey, references } = column;
    return { name, declared, primaryKey, references, sample: rows.map((row) => plain(row[index])) };
  });
  let bytes = 0;
  for (const { sample } of columns)
    for (const value of sample) bytes += 1 + (typeof value === "string" ? value.length : 8);
  return {
    profile: { schema, name: table.name, rows: counted ?? rows.length, columns },
    counted,
    range,
    rowBytes: rows.length === 0 ? 0 : bytes / rows.length,
  };
}

/** Null for an empty table; where damage hides an end, as far as rowids go. */
function rangeOf(db: Connection, { name, rowid }: SqliteTable): Sampled["range"] {
  if (rowid === null) return null;
  // Two statements: each is one descent of the tree, together they would be a scan.
  const edge = (end: "min" | "max", furthest: bigint): bigint | null => {
    try {
      const statement = db.prepare(`SELECT ${end}(${rowid}) AS v FROM ${ident(name)}`);
      statement.setReadBigInts(true);
      return statement.get().v as bigint | null;
    } catch {
      return furthest;
    }
  };
  const min = edge("min", -(2n ** 63n));
  const max = edge("max", 2n ** 63n - 1n);
  return min === null || max === null ? null : { min, max };
}

/** Rows spread over the rowids, off the even steps (where two kinds of rows take turns); the first ones fill up what gaps in the rowids have cost. */
function sampleRows(
  db: Connection,
  { name, rowid, columns }: SqliteTable,
  range: Sampled["range"],
  count: number,
): unknown[][] {
  const list = columns.map((column) => {
    const c = ident(column.name);
    return `iif(octet_length(${c}) > ${SAMPLE_TEXT_BYTES} AND typeof(${c}) = 'text', substr(${c}, 1, ${SAMPLE_TEXT_BYTES}), ${c})`;
  });
  const select = (rest: string) => {
    const statement = db.prepare(`SELECT ${list.join(", ")} FROM ${ident(name)} ${rest}`);
    statement.setReadBigInts(true);
    statement.setReturnArrays(true);
    return statement;
  };
  if (range === null || count <= SAMPLE_ROWS)
    return readable(() => select(`LIMIT ${SAMPLE_ROWS}`).all() as unknown[][]) ?? [];
  const find = db.prepare(`SELECT min(${rowid}) AS v FROM ${ident(name)} WHERE ${rowid} >= ?`);
  find.setReadBigInts(true);
  const ids = new Set<bigint>();
  const span = range.max - range.min;
  for (let i = 0n; i < SAMPLE_ROWS; i++) {
    const step = span / BigInt(SAMPLE_ROWS - 1);
    const off = step > 1n ? ((i * 2654435761n) >> 7n) % step : 0n;
    const id = readable(() => find.get(range.min + step * i + off).v as bigint | null);
    if (id !== null) ids.add(id);
  }
  if (ids.size < SAMPLE_ROWS / 2) {
    const first = db.prepare(`SELECT ${rowid} AS v FROM ${ident(name)} LIMIT ${SAMPLE_ROWS - ids.size}`);
    first.setReadBigInts(true);
    for (const row of readable(() => first.all() as { v: bigint }[]) ?? []) ids.add(row.v);
  }
  const at = select(`WHERE ${rowid} = ?`);
  return [...ids].flatMap((id) => readable(() => at.all(id) as unknown[][]) ?? []);
}

/** The result, or null where damage is in the way: reading the table tells it in full. */
function readable<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}

function plain(value: unknown): Value {
  if (typeof value === "bigint")
    return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)
      ? Number(value)
      : value;
  if (value instanceof Uint8Array) return blobText(value);
  return value as Value;
}
