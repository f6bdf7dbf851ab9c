/** Writes repairs into a database: one transaction, in batches, with a copy of the file kept beside it. */

import { copyFileSync, existsSync, rmSync, statSync } from "node:fs";
import { DatabaseSync } from "@photostructure/sqlite";
import { Interrupted, messageOf, UserError } from "../contract/errors.ts";
import { ident, literal, Store, type StoreOptions } from "../store/index.ts";

/** A connection to a live Postgres that may write. */
export interface PostgresWriter {
  /** Runs one statement and returns the rows it changed. */
  run(sql: string): Promise<number>;
  close(): Promise<void>;
}

/** Where a repair is written. */
export type RepairTarget =
  | { kind: "sqlite" | "duckdb" /** Absolute path of the database file. */; file: string }
  | { kind: "postgres"; connect(): Promise<PostgresWriter> };

export interface ApplyOptions {
  target: RepairTarget;
  /** As shown to people. */
  shown: string;
  statements: readonly string[];
  /** Told after every batch: statements done, rows changed. */
  progress(done: number, changed: number): void;
  signal: AbortSignal;
  /** How a DuckDB file is opened. */
  store: StoreOptions;
}

export interface Applied {
  /** Rows that were changed; rows repaired meanwhile by someone else are not. */
  changed: number;
  /** The copy of the file as it was; null where there is no file. */
  copy: string | null;
}

/**
 * Runs all statements or none. Interrupted or failing in the middle, the file stays as it was and no copy is left.
 * @throws UserError when the file is in use, read-only or full.
 */
export async function applyRepair(options: ApplyOptions): Promise<Applied> {
  const { target } = options;
  const copy = target.kind === "postgres" ? null : freeName(`${target.file}.before-backfill`);
  try {
    if (target.kind === "postgres") return { changed: await applyToPostgres(options, target.connect), copy };
    const write = target.kind === "sqlite" ? applyToSqlite : applyToDuckdb;
    return { changed: await write(options, target.file, copy as string), copy };
  } catch (error) {
    if (copy !== null) for (const suffix of ["", ".wal"]) rmSync(`${copy}${suffix}`, { force: true });
    if (error instanceof Interrupted || error instanceof UserError) throw error;
    throw new UserError(`${options.shown}: nothing was changed: ${messageOf(error)}`);
  }
}

async function applyToPostgres(
  options: ApplyOptions,
  connect: () => Promise<PostgresWriter>,
): Promise<number> {
  const writer = await connect();
  try {
    await writer.run("BEGIN");
    const changed = await runAll(options, (sql) => writer.run(sql));
    await writer.run("COMMIT");
    return changed;
  } finally {
    // An open transaction is rolled back with the connection.
    await writer.close();
  }
}

async function applyToSqlite(options: ApplyOptions, file: string, copy: string): Promise<number> {
  const db = new DatabaseSync(file, { timeout: 5000 });
  try {
    // From here on nobody else writes; readers, the copy's among them, go on.
    db.exec("BEGIN IMMEDIATE");
    const reader = new DatabaseSync(file, { readOnly: true });
    try {
      reader.prepare("VACUUM INTO ?").run(copy);
    } finally {
      reader.close();
    }
    const changed = await runAll(options, async (sql) => Number(db.prepare(sql).run().changes));
    db.exec("COMMIT");
    return changed;
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  } finally {
    db.close();
  }
}

async function applyToDuckdb(options: ApplyOptions, file: string, copy: string): Promise<number> {
  const stateOf = () =>
    ["", ".wal"].map((suffix) => {
      const path = `${file}${suffix}`;
      return existsSync(path) ? `${statSync(path).size} ${statSync(path).mtimeMs}` : "";
    });
  const before = stateOf();
  copyFileSync(file, copy);
  if (before[1] !== "") copyFileSync(`${file}.wal`, `${copy}.wal`);
  const store = await Store.open({ ...options.store, file: null });
  const stop = () => store.interrupt();
  options.signal.addEventListener("abort", stop);
  try {
    const unchanged = stateOf().join() === before.join();
    await store.run(`ATTACH ${literal(file)} AS ${ident("repaired")}`);
    if (!unchanged) throw new UserError(`${options.shown}: the file changed while it was copied; try again`);
    await store.run(`USE ${ident("repaired")}`);
    await store.run("BEGIN");
    const changed = await runAll(options, async (sql) => Number((await store.one(sql))?.Count ?? 0));
    await store.run("COMMIT");
    await store.run("CHECKPOINT");
    return changed;
  } finally {
    options.signal.removeEventListener("abort", stop);
    // An open transaction is rolled back with the connection.
    store.close();
  }
}

/** Leaves the event loop a turn between batches: an interruption is seen before the next one. */
async function runAll(options: ApplyOptions, run: (sql: string) => Promise<number>): Promise<number> {
  let changed = 0;
  for (const [i, sql] of options.statements.entries()) {
    await new Promise((turn) => setImmediate(turn));
    if (options.signal.aborted) throw new Interrupted();
    changed += await run(sql);
    options.progress(i + 1, changed);
  }
  if (options.signal.aborted) throw new Interrupted();
  return changed;
}

function freeName(wanted: string): string {
  let name = wanted;
  for (let n = 2; existsSync(name); n++) name = `${wanted}-${n}`;
  return name;
}
