/** Reads Parquet files, one or many as one table: the needed columns are copied, the rest is never decoded. */

import { basename } from "node:path";
import { Interrupted, messageOf, UserError } from "../contract/errors.ts";
import type { Value } from "../contract/finding.ts";
import type { LoadedInput } from "../contract/loaded.ts";
import { ident, literal, type Store } from "../store/index.ts";
import { faultOf, type IntakeContext, type Source, shownFile } from "./context.ts";
import {
  choose,
  columnsOf,
  copyInto,
  type RelationColumn,
  sampleOf,
  spreadSample,
  tableFrom,
} from "./relation.ts";

/** @throws UserError when no file of the input can be read. */
export async function loadParquet(source: Source, ctx: IntakeContext): Promise<LoadedInput> {
  const { store } = ctx;
  const name = source.name;
  const { files, failures } = await readable(store, source);
  if (files.length === 0) throw new UserError(failures.join("; "));
  await store.run(`CREATE SCHEMA ${ident(source.name)}`);
  const from = relationOf(files);
  let columns: RelationColumn[];
  let sample: Value[][];
  let chosen: RelationColumn[];
  let rows: number;
  try {
    columns = await columnsOf(store, from);
    sample = await sampleOf(store, from, columns);
    chosen = choose(ctx, source, name, await rowsOf(store, files), columns, sample);
    rows = await copyInto(store, source, name, from, chosen);
  } catch (error) {
    if (error instanceof UserError || error instanceof Interrupted) throw error;
    throw new UserError(`${source.path}: the Parquet data is damaged (${damageOf(error, files)})`);
  }
  const spread = await spreadSample(store, `${ident(source.name)}.${ident(name)}`, chosen, rows);
  const loaded = new Map(chosen.map((column, i) => [column.name, spread[i] ?? []]));
  const table = tableFrom(source, {
    name,
    rows,
    columns,
    sample: columns.map((column, i) => loaded.get(column.name) ?? sample[i] ?? []),
    loaded: new Set(loaded.keys()),
  });
  const { kind, path, bytes } = source;
  return {
    input: {
      name,
      kind,
      path,
      bytes,
      rows,
      rejected: 0,
      tables: [`${table.schema}.${table.name}`],
      notes: [...source.notes, ...(files.length > 1 ? [`${files.length} files read as one table`] : [])],
      ...(failures.length > 0 ? { error: failures.join("; ") } : {}),
    },
    tables: [table],
    log: null,
  };
}

/** The file is told when it is one of several. */
function damageOf(error: unknown, files: readonly string[]): string {
  return files.reduce((text, file) => text.replaceAll(file, basename(file)), messageOf(error));
}

/** Files of different columns become one table with all of them. */
function relationOf(files: readonly string[]): string {
  return `read_parquet([${files.map(literal).join(", ")}], union_by_name = true)`;
}

async function rowsOf(store: Store, files: readonly string[]): Promise<number> {
  const list = files.map(literal).join(", ");
  const row = await store.one(`SELECT sum(num_rows) AS n FROM parquet_file_metadata([${list}])`);
  return Number(row?.n ?? 0);
}

/** The files whose footers can be read, and one line for each of the others. */
async function readable(store: Store, source: Source): Promise<{ files: string[]; failures: string[] }> {
  const failures: string[] = [];
  const files: string[] = [];
  for (const file of source.files) {
    try {
      await rowsOf(store, [file]);
      files.push(file);
    } catch (error) {
      if (error instanceof UserError || error instanceof Interrupted) throw error;
      failures.push(
        `${shownFile(source, file)}: no readable Parquet footer, the file is truncated or corrupt (${faultOf(error, file)})`,
      );
    }
  }
  return { files, failures };
}
