/** Reads a DuckDB file: attached read-only and read in place, so that no row is moved that nobody asks for. */

import { closeSync, existsSync, openSync, readSync } from "node:fs";
import { messageOf, UserError } from "../contract/errors.ts";
import type { LoadedInput, LoadedTable } from "../contract/loaded.ts";
import { ident, literal, type Store } from "../store/index.ts";
import { faultOf, type IntakeContext, type Source } from "./context.ts";
import { choose, countOf, type RelationColumn, spreadSample, tableFrom } from "./relation.ts";

interface FoundTable {
  schema: string;
  /** In its schema. */
  ownName: string;
  /** Under which it is shown: that of `main` alone, another schema's with the schema before it. */
  name: string;
  view: boolean;
  columns: RelationColumn[];
}

/**
 * Every table of every schema: those of `main` by their name, others as `schema.table`; views are listed.
 * @throws UserError when the file is in use, encrypted, corrupt or of a version that this DuckDB cannot read.
 */
export async function loadDuckdb(source: Source, ctx: IntakeContext): Promise<LoadedInput> {
  const { store } = ctx;
  const file = source.files[0] as string;
  const notes = [...source.notes];
  // Before the file is attached: later DuckDB itself may hold its log open.
  if (existsSync(`${file}.wal`)) notes.push("read together with the write-ahead log beside it");
  await attach(store, source, file, source.name);
  const found = await tablesOf(store, source.name);
  // An attached file can stand for a schema only under its own names; a database to keep must hold the rows, and rows of
  // another time cannot be taken out of a file.
  const { dbFile, since, until } = ctx.settings;
  const whole = dbFile === null && since === null && until === null;
  const inPlace = whole && found.every((table) => table.schema === "main");
  let catalog = source.name;
  if (!inPlace) {
    await store.run(`DETACH ${ident(source.name)}`);
    catalog = `${source.name} (file)`;
    await attach(store, source, file, catalog);
    await store.run(`CREATE SCHEMA ${ident(source.name)}`);
  }
  const tables: LoadedTable[] = [];
  const failures: string[] = [];
  for (const table of found) {
    try {
      tables.push(await loadTable(source, ctx, catalog, table, inPlace));
    } catch (error) {
      if (!isDamage(error)) throw error;
      failures.push(
        `${source.path}: table ${table.name} cannot be read: the file is corrupt (${faultOf(error, file)})`,
      );
    }
  }
  if (!inPlace) await store.run(`DETACH ${ident(catalog)}`);
  if (found.length === 0) notes.push("has no tables");
  return {
    input: {
      name: source.name,
      kind: source.kind,
      path: source.path,
      bytes: source.bytes,
      rows: tables.reduce((sum, table) => sum + table.rows, 0),
      rejected: 0,
      tables: tables.filter((table) => !table.view).map((table) => `${table.schema}.${table.name}`),
      notes,
      ...(failures.length > 0 ? { error: failures.join("; ") } : {}),
    },
    tables,
    log: null,
  };
}

async function attach(store: Store, source: Source, file: string, catalog: string): Promise<void> {
  try {
    await store.run(`ATTACH ${literal(file)} AS ${ident(catalog)} (READ_ONLY)`);
  } catch (error) {
    throw new UserError(`${source.path}: ${reasonOf(faultOf(error, file), file)}`);
  }
}

/** Why DuckDB refused a file, in one line that says what to do. */
function reasonOf(message: string, file: string): string {
  if (/could not set lock|conflicting lock/i.test(message)) {
    const holder = /held in (.+?)\. /.exec(message)?.[1];
    return `in use by another process${holder ? `, ${holder}` : ""}; end it, or audit a copy of the file`;
  }
  if (/encrypt/i.test(message)) return "the database is encrypted; export it to an unencrypted file first";
  if (/permission denied/i.test(message)) return "permission denied";
  const version = storageVersionOf(file);
  const range = /versions? between (\d+) and (\d+)|version number (\d+)/i.exec(message);
  if (range || /serialization version|newer version of DuckDB|older version of DuckDB/i.test(message))
    return `written by a DuckDB with another storage version${version === null ? "" : ` (${version})`}; copy it with that version's EXPORT DATABASE (FORMAT parquet) and audit the Parquet files`;
  return `not a readable DuckDB database, it is truncated or corrupt (${message})`;
}

/** The storage version in the header: a number at byte 12. */
function storageVersionOf(file: string): number | null {
  const fd = openSync(file, "r");
  try {
    const head = Buffer.alloc(20);
    if (readSync(fd, head, 0, 20, 0) < 20) return null;
    const version = head.readBigUInt64LE(12);
    return version < 1_000_000n ? Number(version) : null;
  } finally {
    closeSync(fd);
  }
}

async function tablesOf(store: Store, catalog: string): Promise<FoundTable[]> {
  const name = literal(catalog);
  const found = await store.all(
    `FROM (SELECT schema_name AS s, table_name AS t, FALSE AS v FROM duckdb_tables() WHERE database_name = ${name} AND NOT internal
     UNION ALL SELECT schema_name, view_name, TRUE FROM duckdb_views() WHERE database_name = ${name} AND NOT internal)
     ORDER BY v, s = 'main' DESC, s, t`,
  );
  const columns = await store.all(
    `SELECT schema_name AS s, table_name AS t, column_name AS c, data_type AS type FROM duckdb_columns()
     WHERE database_name = ${name} AND NOT internal ORDER BY s, t, column_index`,
  );
  const constraints = await store.all(
    `SELECT schema_name AS s, table_name AS t, constraint_type AS kind, constraint_column_names AS columns,
            referenced_table AS target, referenced_column_names AS targets FROM duckdb_constraints()
     WHERE database_name = ${name} AND constraint_type IN ('PRIMARY KEY', 'FOREIGN KEY')`,
  );
  const tables = new Map<string, FoundTable>();
  const keyOf = (row: { s?: unknown; t?: unknown }) => JSON.stringify([row.s, row.t]);
  const taken = new Set<string>();
  for (const row of found) {
    const wanted = row.s === "main" ? String(row.t) : `${row.s}.${row.t}`;
    let shown = wanted;
    for (let n = 2; taken.has(shown.toLowerCase()); n++) shown = `${wanted}_${n}`;
    taken.add(shown.toLowerCase());
    tables.set(keyOf(row), {
      schema: String(row.s),
      ownName: String(row.t),
      name: shown,
      view: row.v === true,
      columns: [],
    });
  }
  for (const row of columns)
    tables.get(keyOf(row))?.columns.push({ name: String(row.c), type: String(row.type) });
  for (const row of constraints) {
    const table = tables.get(keyOf(row));
    (row.columns as string[]).forEach((name, i) => {
      const column = table?.columns.find((c) => c.name === name);
      if (!column) return;
      if (row.kind === "PRIMARY KEY") column.primaryKey = true;
      else column.references = { table: String(row.target), column: (row.targets as string[])[i] ?? "" };
    });
  }
  return [...tables.values()];
}

async function loadTable(
  source: Source,
  ctx: IntakeContext,
  catalog: string,
  table: FoundTable,
  inPlace: boolean,
): Promise<LoadedTable> {
  const { store } = ctx;
  const { name, columns } = table;
  // A view runs SQL of the file's author; it is shown and never run.
  if (table.view)
    return tableFrom(source, { name, rows: 0, columns, sample: [], loaded: new Set(), view: true });
  const from = [catalog, table.schema, table.ownName].map(ident).join(".");
  const rows = await countOf(store, from);
  const sample = await spreadSample(store, from, columns, rows);
  const chosen = choose(ctx, source, name, rows, columns, sample);
  const list = chosen.map((column) => ident(column.name)).join(", ");
  if (inPlace) {
    // Damage shows only when blocks are read: read the needed ones now, where it can be told.
    await store.one(`SELECT count(*) FILTER (WHERE hash(${list}) = 0) AS n FROM ${from}`);
    return tableFrom(source, { name, rows, columns, sample, loaded: new Set(columns.map((c) => c.name)) });
  }
  await store.run(`CREATE TABLE ${ident(source.name)}.${ident(name)} AS SELECT ${list} FROM ${from}`);
  return tableFrom(source, { name, rows, columns, sample, loaded: new Set(chosen.map((c) => c.name)) });
}

/** Unreadable bytes, as opposed to a query of ours that is wrong. */
function isDamage(error: unknown): boolean {
  return /^(IO Error|Serialization Error|INTERNAL Error|Invalid Input Error|FATAL Error)/i.test(
    messageOf(error),
  );
}
