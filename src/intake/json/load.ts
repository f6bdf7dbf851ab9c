/** Reads JSON documents and JSON lines: by the rule of a known format where the shape is one, as typed records else. */

import type { Input } from "../../contract/evidence.ts";
import type { LoadedInput, LoadedTable } from "../../contract/loaded.ts";
import { ident, type Store } from "../../store/index.ts";
import type { IntakeContext, Source } from "../context.ts";
import type { JsonObject } from "./format.ts";
import { FORMATS } from "./formats.ts";
import { cleanRecords, type Records } from "./records.ts";
import { genericTables } from "./table.ts";

/** Records that tell a format. */
const SHAPE_RECORDS = 500;
const SHAPE_BYTES = 1 << 20;

/** @throws UserError when no file of the input can be read. */
export async function loadJson(source: Source, ctx: IntakeContext): Promise<LoadedInput> {
  const { store } = ctx;
  const records = await cleanRecords(source, ctx);
  const { name, kind, path, bytes } = source;
  const notes = [...source.notes, ...records.notes];
  const input: Input = {
    name,
    kind,
    path,
    bytes,
    rows: records.count,
    rejected: records.rejected,
    tables: [],
    notes,
  };
  if (records.failures.length > 0) input.error = records.failures.join("; ");
  let tables: LoadedTable[] = [];
  if (records.count > 0) {
    await store.run(`CREATE SCHEMA ${ident(name)}`);
    const shapes = await shapesOf(store, records);
    const format = FORMATS.find((one) => one.recognises(shapes));
    if (format) {
      const loaded = await format.load(source, ctx, records);
      tables = loaded.tables;
      notes.push(...loaded.notes);
    } else tables = await genericTables(source, ctx, records);
    // A single document is no row; what it holds are rows.
    if (records.document) input.rows = tables.reduce((sum, table) => sum + table.rows, 0);
    input.tables = tables.map((table) => `${table.schema}.${table.name}`);
  }
  if (source.files.length > 1) notes.push(`${source.files.length} files read as one input`);
  return { input, tables, log: null };
}

/** The first records, as far as they are small enough to look at; else the first alone. */
async function shapesOf(store: Store, records: Records): Promise<JsonObject[]> {
  const small = await store.all(
    `SELECT json::VARCHAR AS text FROM ${records.relation} WHERE length(json) < ${SHAPE_BYTES} LIMIT ${SHAPE_RECORDS}`,
  );
  const rows =
    small.length > 0
      ? small
      : await store.all(`SELECT json::VARCHAR AS text FROM ${records.relation} LIMIT 1`);
  return rows.flatMap((row) => {
    try {
      return [JSON.parse(String(row.text)) as JsonObject];
    } catch {
      // DuckDB also takes NaN, which JSON has not: such a record tells no format.
      return [];
    }
  });
}
