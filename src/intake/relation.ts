/** Describes a relation in DuckDB as the catalogue takes tables: typed columns with samples, of which some are loaded. */

import type { Value } from "../contract/finding.ts";
import type { ColumnProfile, LoadedColumn, LoadedTable } from "../contract/loaded.ts";
import { ident, qualified, type Store } from "../store/index.ts";
import type { IntakeContext, Source } from "./context.ts";

/** Values of a column that its sample holds. */
export const SAMPLE_ROWS = 200;
/** Longer text is cut in a sample: it serves to tell what a column means. */
const SAMPLE_TEXT = 65536;

/** A column of a relation: its name, DuckDB's type, and what the source declares about it. */
export interface RelationColumn {
  name: string;
  type: string;
  primaryKey?: boolean;
  references?: ColumnProfile["references"];
}

/** The columns of anything that may stand after FROM. */
export async function columnsOf(store: Store, from: string): Promise<RelationColumn[]> {
  const rows = await store.all(`DESCRIBE SELECT * FROM ${from}`);
  return rows.map((row) => ({ name: String(row.column_name), type: String(row.column_type) }));
}

/** The first rows of a relation (`tail` is appended to the query), column by column; long text is cut. */
export async function sampleOf(
  store: Store,
  from: string,
  columns: readonly RelationColumn[],
  tail = "",
): Promise<Value[][]> {
  if (columns.length === 0) return [];
  // Positional names: a column may be called anything, `__proto__` included.
  const selected = columns.map((column, i) => {
    const name = ident(column.name);
    const cut = /^(VARCHAR|JSON|BLOB)$/.test(column.type);
    return `${cut && column.type !== "BLOB" ? `left(${name}, ${SAMPLE_TEXT})` : name} AS c${i}`;
  });
  const rows = await store.all(`SELECT ${selected.join(", ")} FROM ${from} ${tail} LIMIT ${SAMPLE_ROWS}`);
  return columns.map((_, i) => rows.map((row) => row[`c${i}`] ?? null));
}

/** As `sampleOf`, spread evenly over a table of DuckDB's own, in its order. */
export async function spreadSample(
  store: Store,
  table: string,
  columns: readonly RelationColumn[],
  rows: number,
): Promise<Value[][]> {
  const stride = Math.max(1, Math.ceil(rows / SAMPLE_ROWS));
  // One row of each stride, at no fixed place in it: where two kinds of rows take turns, even steps meet only one.
  const place = `hash(rowid // ${stride}) % ${stride}`;
  return sampleOf(store, table, columns, `WHERE rowid % ${stride} = ${place} ORDER BY rowid`);
}

export function profileOf(columns: readonly RelationColumn[], sample: readonly Value[][]): ColumnProfile[] {
  return columns.map((column, i) => ({
    name: column.name,
    declared: column.type,
    primaryKey: column.primaryKey ?? false,
    references: column.references ?? null,
    sample: sample[i] ?? [],
  }));
}

/** The columns to be loaded, never none: a table of unneeded columns still has its rows. */
export function choose(
  ctx: IntakeContext,
  source: Source,
  name: string,
  rows: number,
  columns: readonly RelationColumn[],
  sample: readonly Value[][],
): RelationColumn[] {
  const wanted = ctx.needed({ schema: source.name, name, rows, columns: profileOf(columns, sample) });
  const chosen = columns.filter((column) => wanted.has(column.name));
  return chosen.length > 0 ? chosen : columns.slice(0, 1);
}

export interface TableParts {
  name: string;
  rows: number;
  columns: readonly RelationColumn[];
  sample: readonly Value[][];
  /** Names of the columns that were loaded. */
  loaded: ReadonlySet<string>;
  known?: LoadedTable["known"];
  format?: string | null;
  view?: boolean;
}

/** Puts a LoadedTable together. */
export function tableFrom(source: Source, parts: TableParts): LoadedTable {
  const profiles = profileOf(parts.columns, parts.sample);
  return {
    schema: source.name,
    name: parts.name,
    input: source.name,
    form: "table",
    rows: parts.rows,
    columns: profiles.map(
      (profile, i): LoadedColumn => ({
        ...profile,
        type: parts.columns[i]?.type ?? "VARCHAR",
        loaded: parts.loaded.has(profile.name),
        storage: null,
      }),
    ),
    known: parts.known ?? {},
    format: parts.format ?? null,
    timezone: source.timezone,
    view: parts.view ?? false,
  };
}

/** Copies the chosen columns of a relation into a new table of the input's schema; returns its rows. */
export async function copyInto(
  store: Store,
  source: Source,
  name: string,
  from: string,
  chosen: readonly RelationColumn[],
): Promise<number> {
  const target = qualified(source.name, name);
  const list = chosen.map((column) => ident(column.name)).join(", ");
  await store.run(`CREATE TABLE ${target} AS SELECT ${list} FROM ${from}`);
  return countOf(store, target);
}

export async function countOf(store: Store, from: string): Promise<number> {
  return Number((await store.one(`SELECT count(*) AS n FROM ${from}`))?.n ?? 0);
}

/** A table already in the input's schema, described with a sample from all over it. */
export async function describeTable(
  store: Store,
  source: Source,
  name: string,
  extra: Pick<TableParts, "known" | "format"> = {},
): Promise<LoadedTable> {
  const table = qualified(source.name, name);
  const columns = await columnsOf(store, table);
  const rows = await countOf(store, table);
  const sample = await spreadSample(store, table, columns, rows);
  return tableFrom(source, {
    name,
    rows,
    columns,
    sample,
    loaded: new Set(columns.map((column) => column.name)),
    ...extra,
  });
}
