/** Reads a SQLite database: every table's needed columns, by way of text that SQLite itself builds. */

import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Interrupted, UserError } from "../../contract/errors.ts";
import type { Input } from "../../contract/evidence.ts";
import type { LoadedColumn, LoadedInput, LoadedTable } from "../../contract/loaded.ts";
import { plural } from "../../contract/wording.ts";
import { ident, qualified } from "../../store/index.ts";
import type { IntakeContext, Reject, Source } from "../context.ts";
import { type Connection, closeReader, openError, openReader } from "./connection.ts";
import { runDump } from "./dump.ts";
import { sampleTable } from "./profile.ts";
import { DUCKDB_TYPE, guessReading } from "./reading.ts";
import { readSchema, type SqliteColumn, type SqliteTable } from "./schema.ts";
import { takeSnapshot } from "./snapshot.ts";
import type { Utf16 } from "./staging.ts";
import { stagingError, type Transfer, type TransferredTable, transferTable } from "./transfer.ts";
import { Unloaders } from "./unloaders.ts";

/** Times that a file may change under a reader before trueup gives up. */
const ATTEMPTS_MAX = 3;

/** @throws UserError when it is encrypted, locked, truncated or no database. */
export async function loadSqlite(source: Source, ctx: IntakeContext): Promise<LoadedInput> {
  const file = source.files[0] as string;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const snapshot = await takeSnapshot(file, {
      shown: source.path,
      tempDir: ctx.store.tempDir,
      signal: ctx.hooks.signal,
      copy: attempt > 0,
    });
    try {
      const read = await readDatabase(snapshot.uri, source, ctx, snapshot.stamp);
      if (read.steady) {
        await ctx.reject(source.name, read.rejects);
        return read.loaded;
      }
    } finally {
      snapshot.release();
    }
    await ctx.store.run(`DROP SCHEMA IF EXISTS ${ident(source.name)} CASCADE`);
  }
  throw new UserError(
    `${source.path}: changed while it was read, ${ATTEMPTS_MAX} times; run again when it is quieter, or give a copy`,
  );
}

/** Loads the tables of a dump that SQLite wrote, by way of a database in the private directory. */
export async function loadSqliteDump(source: Source, ctx: IntakeContext): Promise<LoadedInput> {
  const target = join(ctx.store.tempDir, `dump-${source.name.replace(/[^a-z0-9_]/gi, "_")}.db`);
  try {
    const ran = await runDump(source.files[0] as string, source.path, target, ctx.hooks.signal);
    const { loaded, rejects } = await readDatabase(pathToFileURL(target).href, source, ctx);
    await ctx.reject(source.name, [...ran.rejects, ...rejects]);
    loaded.input.rejected += ran.failed;
    loaded.input.notes.push(...ran.notes);
    if (ran.error !== null) loaded.input.error = ran.error;
    return loaded;
  } finally {
    rmSync(target, { force: true });
  }
}

/** Loads all tables. Not `steady` when the file changed meanwhile: then what was loaded may be torn. */
async function readDatabase(
  uri: string,
  source: Source,
  ctx: IntakeContext,
  stamp: () => string = () => "",
): Promise<{ loaded: LoadedInput; rejects: Reject[]; steady: boolean }> {
  const db = openOrTell(uri, source);
  const before = stamp();
  const unloaders = new Unloaders(ctx.settings.threads, ctx.hooks.signal);
  const reader = new DatabaseReader(db, uri, source, ctx, unloaders);
  try {
    await ctx.store.run(`CREATE SCHEMA IF NOT EXISTS ${ident(source.name)}`);
    for (const table of schemaOrTell(db, source)) {
      if (ctx.hooks.signal.aborted) throw new Interrupted();
      await reader.read(table);
    }
    return { loaded: reader.result(), rejects: reader.rejects, steady: stamp() === before };
  } catch (error) {
    throw stagingError(error, source.path);
  } finally {
    await unloaders.close();
    closeReader(db);
  }
}

function openOrTell(uri: string, source: Source): Connection {
  try {
    return openReader(uri);
  } catch (error) {
    throw openError(source.path, error);
  }
}

function schemaOrTell(db: Connection, source: Source): SqliteTable[] {
  try {
    return readSchema(db);
  } catch (error) {
    throw openError(source.path, error);
  }
}

class DatabaseReader {
  readonly rejects: Reject[] = [];
  readonly #source: Source;
  readonly #ctx: IntakeContext;
  readonly #move: Transfer;
  readonly #tables: LoadedTable[] = [];
  readonly #notes: string[] = [];
  readonly #errors: string[] = [];
  readonly #names = new NameSet();
  #rejected = 0;
  #bytes = 0;

  constructor(db: Connection, uri: string, source: Source, ctx: IntakeContext, unloaders: Unloaders) {
    this.#source = source;
    this.#ctx = ctx;
    this.#move = {
      db,
      uri,
      utf16: utf16Of(db),
      store: ctx.store,
      unloaders,
      nullMark: `\x1d${randomBytes(6).toString("hex")}`,
      progress: (bytes, rows) =>
        ctx.hooks.progress({
          stage: "load",
          subject: source.name,
          bytes: Math.min(source.bytes, this.#bytes + bytes),
          bytesTotal: source.bytes,
          rows: this.#tables.reduce((sum, table) => sum + table.rows, rows),
        }),
    };
  }

  /** Loads a table; lists a view or a virtual table. */
  async read(table: SqliteTable): Promise<void> {
    const name = this.#names.take(table.name, "table");
    if (name !== table.name) this.#notes.push(`table "${table.name}" is loaded as ${name}`);
    if (table.form !== "table") {
      if (table.form === "virtual")
        this.#notes.push(`${name} is a virtual table (${table.module}): listed, not read`);
      this.#tables.push(this.#loadedTable(table, name, 0, listed(table), true));
      return;
    }
    const sampled = sampleTable(this.#move.db, this.#source.name, table);
    sampled.profile.name = name;
    const names = columnNames(table.columns);
    sampled.profile.columns.forEach((column, i) => {
      column.name = names.get(table.columns[i] as SqliteColumn) as string;
    });
    const needed = this.#ctx.needed(sampled.profile);
    let wanted = table.columns.filter((column) => needed.has(names.get(column) as string));
    // Rows are counted in DuckDB, and a table there has at least one column.
    if (wanted.length === 0) wanted = table.columns.slice(0, 1);
    const relation = qualified(this.#source.name, name);
    const moved = await transferTable(this.#move, table, sampled, wanted, names, relation);
    this.#bytes += sampled.rowBytes * sampled.profile.rows;
    this.#account(name, moved, sampled.counted);
    const readings = new Map(moved.readings.map((one) => [one.column, one]));
    const columns = table.columns.map((column, i): LoadedColumn => {
      const profile = sampled.profile.columns[i] as LoadedColumn;
      const reading = readings.get(column);
      return {
        ...profile,
        type: DUCKDB_TYPE[reading?.reading ?? guessReading(column.affinity, profile.sample) ?? "any"],
        loaded: reading !== undefined,
        storage: reading?.storage ?? null,
      };
    });
    this.#tables.push(this.#loadedTable(table, name, moved.rows, columns, false));
  }

  result(): LoadedInput {
    const { name, kind, path, bytes, notes } = this.#source;
    const input: Input = {
      name,
      kind,
      path,
      bytes,
      rows: this.#tables.reduce((sum, table) => sum + table.rows, 0),
      rejected: this.#rejected,
      tables: this.#tables.map((table) => `${table.schema}.${table.name}`),
      notes: [...notes, ...this.#notes],
    };
    if (this.#errors.length > 0) input.error = `${path}: ${this.#errors.join("; ")}`;
    return { input, tables: this.#tables, log: null };
  }

  /** Every row is loaded or told; SQLite's own count is the witness. */
  #account(table: string, moved: TransferredTable, counted: number | null): void {
    const file = this.#source.path;
    for (const { after, before, reason } of moved.skipped) {
      const where = placeOf(after, before);
      this.rejects.push({ file, line: null, reason: `${table}: ${reason}`, text: where });
      this.#errors.push(`${table}: ${where} could not be read (${reason})`);
    }
    const missing = counted === null ? 0 : Math.max(0, counted - moved.rows);
    this.#rejected += Math.max(missing, moved.skipped.length);
    if (moved.skipped.length === 0 && counted !== null && counted !== moved.rows)
      this.#errors.push(
        `${table}: an index counts ${plural(counted, "row")}, the table has ${moved.rows}: damaged, see PRAGMA integrity_check`,
      );
    if (moved.repaired > 0)
      this.#notes.push(
        `${table}: ${plural(moved.repaired, "value")} with bytes that are no UTF-8, shown as \\xHH`,
      );
  }

  #loadedTable(
    table: SqliteTable,
    name: string,
    rows: number,
    columns: LoadedColumn[],
    view: boolean,
  ): LoadedTable {
    return {
      schema: this.#source.name,
      name: name === "" ? table.name : name,
      input: this.#source.name,
      form: "table",
      rows,
      columns,
      known: {},
      format: null,
      timezone: this.#source.timezone,
      view,
    };
  }
}

/** Names that DuckDB takes: not empty, and unique without regard to case. */
class NameSet {
  readonly #taken = new Set<string>();

  take(name: string, fallback: string): string {
    const wanted = name === "" ? fallback : name;
    let free = wanted;
    for (let n = 2; this.#taken.has(free.toLowerCase()); n++) free = `${wanted}_${n}`;
    this.#taken.add(free.toLowerCase());
    return free;
  }
}

function columnNames(columns: readonly SqliteColumn[]): Map<SqliteColumn, string> {
  const names = new NameSet();
  return new Map(columns.map((column, i) => [column, names.take(column.name, `column${i + 1}`)]));
}

function listed(table: SqliteTable): LoadedColumn[] {
  return table.columns.map(({ name, declared, primaryKey, references, affinity }) => ({
    name,
    declared,
    primaryKey,
    references,
    sample: [],
    type: DUCKDB_TYPE[guessReading(affinity, []) ?? "any"],
    loaded: false,
    storage: null,
  }));
}

function placeOf(after: bigint | null, before: bigint | null): string {
  if (after === null) return "rows behind a damaged place";
  if (before === null) return `rows with a rowid above ${after}`;
  if (before - after === 2n) return `the row with rowid ${after + 1n}`;
  return `rows with rowids from ${after + 1n} to ${before - 1n}`;
}

function utf16Of(db: Connection): Utf16 | null {
  const { encoding } = db.prepare("PRAGMA encoding").get() as { encoding: string };
  return encoding === "UTF-16le" ? "le" : encoding === "UTF-16be" ? "be" : null;
}
