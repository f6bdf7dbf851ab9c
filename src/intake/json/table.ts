/** Makes a table of JSON records that no known format claims: typed columns, nested values as structs. */

import { statSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../../contract/errors.ts";
import type { Row } from "../../contract/finding.ts";
import type { LoadedTable } from "../../contract/loaded.ts";
import { ident, literal, qualified, type Store } from "../../store/index.ts";
import type { IntakeContext, Source } from "../context.ts";
import {
  choose,
  columnsOf,
  countOf,
  type RelationColumn,
  sampleOf,
  spreadSample,
  tableFrom,
} from "../relation.ts";
import type { Records } from "./records.ts";
import { readableType } from "./types.ts";

/** How deep objects become structs; what lies deeper stays JSON. */
const DEPTH_MAX = 8;
const inference = (depth: number) =>
  `records = true, sample_size = -1, maximum_depth = ${depth}, map_inference_threshold = 200`;
/** How deep in a single document arrays of records are looked for. */
const ARRAYS_DEPTH = 4;

/** One table of all records; a single document gives one per array of objects in it, and one for what is left. */
export async function genericTables(
  source: Source,
  ctx: IntakeContext,
  records: Records,
): Promise<LoadedTable[]> {
  if (!records.document)
    return [await recordTable(source, ctx, source.name, records.parameters, records.count)];
  const { store } = ctx;
  const members = await store.all(
    `WITH RECURSIVE walk(path, pointer, value, depth) AS (
       SELECT [''][:0], '', json, 0 FROM ${records.relation}
       UNION ALL SELECT list_append(path, key), pointer || step, json_extract(value, step), depth + 1
       FROM (SELECT *, '/' || replace(replace(key, '~', '~0'), '/', '~1') AS step
             FROM (SELECT *, unnest(json_keys(value)) AS key FROM walk WHERE json_type(value) = 'OBJECT' AND depth < ${ARRAYS_DEPTH})))
     SELECT pointer, any_value(path) AS path, bool_or(json_type(value, '/0') = 'OBJECT') AS rows, any_value(depth) AS depth
     FROM walk WHERE depth > 0 GROUP BY pointer ORDER BY pointer`,
  );
  const arrays = members
    .filter((row) => row.rows === true)
    .map((row) => ({ pointer: String(row.pointer), path: (row.path as unknown[]).map(String) }));
  if (arrays.length === 0)
    return [await recordTable(source, ctx, source.name, records.parameters, records.count)];
  const tables: LoadedTable[] = [];
  const taken = new Set<string>();
  for (const [i, { pointer, path }] of arrays.entries()) {
    const lines = join(store.tempDir, `${source.name}-member-${i}`);
    await writeLines(
      store,
      `SELECT one FROM (SELECT unnest(from_json(json_extract(json, ${literal(pointer)}), '["JSON"]')) AS one FROM ${records.relation})
       WHERE json_type(one) = 'OBJECT'`,
      lines,
    );
    const key = path.at(-1) ?? "";
    const name = key === "" || taken.has(key.toLowerCase()) ? `${source.name}_${i}` : key;
    taken.add(name.toLowerCase());
    tables.push(await recordTable(source, ctx, name, linesParameters(lines), roughly(lines)));
  }
  const tops = members.filter((row) => Number(row.depth) === 1).length;
  const own = new Set(arrays.filter(({ path }) => path.length === 1).map(({ path }) => path[0] as string));
  if (own.size < tops) {
    const name = taken.has(source.name.toLowerCase()) ? `${source.name}_document` : source.name;
    tables.push(await recordTable(source, ctx, name, records.parameters, records.count, own));
  }
  return tables;
}

/**
 * A table of the JSON objects that a SELECT yields as `one`, with what the format knows of it; null when there are none.
 */
export async function tableOfValues(
  source: Source,
  ctx: IntakeContext,
  name: string,
  select: string,
  known: Pick<LoadedTable, "format"> & Partial<Pick<LoadedTable, "known">>,
): Promise<LoadedTable | null> {
  const lines = join(ctx.store.tempDir, `${source.name}-${name}`);
  await writeLines(ctx.store, select, lines);
  if (statSync(lines).size === 0) return null;
  return { ...(await recordTable(source, ctx, name, linesParameters(lines), roughly(lines))), ...known };
}

/** `read_json`'s parameters for a file of one record a line. */
function linesParameters(path: string): string {
  return `${literal(path)}, format = 'newline_delimited', compression = 'uncompressed', maximum_object_size = ${64 << 20}`;
}

/** Writes the JSON values of a SELECT, one a line. */
async function writeLines(store: Store, select: string, path: string): Promise<void> {
  await store.run(
    `COPY (${select}) TO ${literal(path)} (FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER ${literal("\u0001")})`,
  );
}

/** `count` is the number of records, roughly. */
async function recordTable(
  source: Source,
  ctx: IntakeContext,
  name: string,
  parameters: string,
  count: number,
  without: ReadonlySet<string> = new Set(),
): Promise<LoadedTable> {
  const { store } = ctx;
  const { described, how } = await inferredTypes(store, parameters);
  const inferred = described
    .map((row): RelationColumn => ({ name: String(row.column_name), type: String(row.column_type) }))
    .filter((column) => !without.has(column.name));
  // DuckDB renames keys that differ in case alone, and the empty one: those it must read as it inferred them.
  const renamed = inferred.some(({ name: own }) => isRenamed(own, inferred));
  const columns = renamed ? inferred : inferred.map((column) => ({ ...column, type: readable(column.type) }));
  const relation = (wanted: readonly RelationColumn[]) =>
    renamed
      ? `(SELECT ${wanted.map((c) => ident(c.name)).join(", ")} FROM read_json(${parameters}, ${how}))`
      : `read_json(${parameters}, columns = {${wanted.map((c) => `${literal(c.name)}: ${literal(c.type)}`).join(", ")}})`;
  const head = await sampleOf(store, relation(columns), columns);
  const chosen = choose(ctx, source, name, count, columns, head);
  const table = qualified(source.name, name);
  await store.run(`CREATE TABLE ${table} AS SELECT * FROM ${relation(chosen)}`);
  const rows = await countOf(store, table);
  const spread = await spreadSample(store, table, chosen, rows);
  const loaded = new Map(chosen.map((column, i) => [column.name, spread[i] ?? []]));
  const types = new Map((await columnsOf(store, table)).map((column) => [column.name, column.type]));
  return tableFrom(source, {
    name,
    rows,
    columns: columns.map((column) => ({ ...column, type: types.get(column.name) ?? column.type })),
    sample: columns.map((column, i) => loaded.get(column.name) ?? head[i] ?? []),
    loaded: new Set(loaded.keys()),
  });
}

/** The columns of the records. Objects of which two keys differ in case alone are no structs: they stay JSON. */
async function inferredTypes(store: Store, parameters: string): Promise<{ described: Row[]; how: string }> {
  for (let depth = DEPTH_MAX; ; depth = depth > 2 ? 2 : depth - 1) {
    const how = inference(depth);
    try {
      return { described: await store.all(`DESCRIBE SELECT * FROM read_json(${parameters}, ${how})`), how };
    } catch (error) {
      if (depth === 0 || !/Duplicate name/.test(messageOf(error))) throw error;
    }
  }
}

/** Records of a file of lines, taken to be short. */
const roughly = (lines: string) => Math.ceil(statSync(lines).size / 200);

function isRenamed(name: string, columns: readonly RelationColumn[]): boolean {
  const base = /^(.+)_\d+$/.exec(name)?.[1]?.toLowerCase();
  return /^C\d+$/.test(name) || columns.some((column) => column.name.toLowerCase() === base);
}

/** A type that cannot be read stays JSON, which holds any value. */
function readable(type: string): string {
  try {
    return readableType(type);
  } catch (error) {
    if (!messageOf(error).startsWith("unexpected type")) throw error;
    return "JSON";
  }
}
