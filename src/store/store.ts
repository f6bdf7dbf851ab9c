/** The only user of DuckDB: opens it, runs SQL, hands out plain values, locks it down, and cleans up. */

import { randomBytes } from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type DuckDBConnection, DuckDBInstance, StatementType } from "@duckdb/node-api";
import { Interrupted, messageOf, UserError } from "../contract/errors.ts";
import type { Row } from "../contract/finding.ts";
import { plain, type TimeStyle } from "./convert.ts";
import { duckdbDialect } from "./dialect.ts";
import { createFactTables } from "./facts.ts";

export type Parameter = string | number | boolean | null;

export interface StoreOptions {
  /** Bytes. */
  memoryLimit: number;
  threads: number;
  /** A directory that exists; the store makes a private one inside it. */
  tempDir: string;
  /** A DuckDB file to create and keep, or null for memory. */
  file: string | null;
}

/** Private directories of the stores that are open. */
const openTempDirs = new Set<string>();

/** Removes what open stores keep on disk. For a process that ends at once; their work cannot go on after it. */
export function removeTempDirs(): void {
  for (const folder of openTempDirs) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  openTempDirs.clear();
}

export class Store {
  readonly dialect = duckdbDialect;
  /** Private to this run and removed on close: spilled blocks and staged text. */
  readonly tempDir: string;
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;
  readonly #threads: number;
  /** A second connection, from the lock-down on: see `read`. */
  #second: DuckDBConnection | null = null;
  /** Reads at work on the first connection. */
  #reads = 0;
  #closed = false;

  private constructor(
    instance: DuckDBInstance,
    connection: DuckDBConnection,
    tempDir: string,
    threads: number,
  ) {
    this.#threads = threads;
    this.#instance = instance;
    this.#connection = connection;
    this.tempDir = tempDir;
  }

  /**
   * Opens an empty database with the fact tables of schema `trueup`.
   * @throws UserError when the temporary directory or the file cannot be written.
   */
  static async open(options: StoreOptions): Promise<Store> {
    const tempDir = join(options.tempDir, `trueup-${process.pid}-${randomBytes(6).toString("hex")}`);
    try {
      mkdirSync(tempDir, { mode: 0o700, recursive: true });
      openTempDirs.add(tempDir);
    } catch (error) {
      throw new UserError(
        `cannot write to the temporary directory ${options.tempDir}: ${messageOf(error)}; name another with --temp-dir`,
      );
    }
    try {
      const instance = await DuckDBInstance.create(options.file ?? ":memory:", {
        memory_limit: `${Math.floor(options.memoryLimit / 1048576)}MiB`,
        threads: String(options.threads),
        temp_directory: join(tempDir, "spill"),
        // Extensions would be downloaded at run time: never.
        autoinstall_known_extensions: "false",
        autoload_known_extensions: "false",
      });
      const connection = await instance.connect();
      const store = new Store(instance, connection, tempDir, options.threads);
      await store.run("SET TimeZone = 'UTC'");
      await createFactTables(store);
      return store;
    } catch (error) {
      rmSync(tempDir, { recursive: true, force: true });
      openTempDirs.delete(tempDir);
      if (options.file !== null) throw new UserError(`cannot create ${options.file}: ${messageOf(error)}`);
      throw error;
    }
  }

  /** Runs statements for what they do; returns how many rows the last of them wrote. */
  async run(sql: string): Promise<number> {
    return this.#guard(async () => (await this.#connection.run(sql)).rowsChanged);
  }

  /** All rows of one statement as plain objects. */
  async all(sql: string, params: readonly Parameter[] = [], times: TimeStyle = "iso"): Promise<Row[]> {
    return (await this.table(sql, params, times)).rows;
  }

  /** As `all`, with the columns' names in order (an empty result has them too). */
  async table(
    sql: string,
    params: readonly Parameter[] = [],
    times: TimeStyle = "iso",
  ): Promise<{ columns: string[]; rows: Row[] }> {
    return this.#table(this.#connection, sql, params, times);
  }

  /** How many calls of `read` are worth having at a time. */
  get readsAtOnce(): number {
    return this.#second === null ? 1 : 2;
  }

  /**
   * As `all`, for SELECTs alone: two at a time run side by side, since much of one statement's work is done by a
   * single thread. Temporary tables are only sure to be seen by reads that follow one another.
   */
  async read(sql: string, params: readonly Parameter[] = []): Promise<Row[]> {
    if (this.#reads > 0 && this.#second !== null)
      return (await this.#table(this.#second, sql, params, "iso")).rows;
    this.#reads++;
    try {
      return (await this.#table(this.#connection, sql, params, "iso")).rows;
    } finally {
      this.#reads--;
    }
  }

  async #table(
    connection: DuckDBConnection,
    sql: string,
    params: readonly Parameter[],
    times: TimeStyle,
  ): Promise<{ columns: string[]; rows: Row[] }> {
    return this.#guard(async () => {
      const reader =
        params.length === 0
          ? await connection.runAndReadAll(sql)
          : await connection.runAndReadAll(sql, [...params]);
      const columns = reader.deduplicatedColumnNames();
      const rows = reader.getRows().map((values) => {
        const row: Row = {};
        for (let i = 0; i < columns.length; i++) row[columns[i] as string] = plain(values[i] ?? null, times);
        return row;
      });
      return { columns, rows };
    });
  }

  /** The first row, or undefined. */
  async one(sql: string, params: readonly Parameter[] = []): Promise<Row | undefined> {
    return (await this.all(sql, params))[0];
  }

  /** Appends rows to a table; for facts and other small data, never for the rows of an input. */
  async append(
    table: string,
    columns: readonly string[],
    rows: readonly (readonly Parameter[])[],
  ): Promise<void> {
    const names = columns.map(duckdbDialect.ident).join(", ");
    const batch = 500;
    for (let start = 0; start < rows.length; start += batch) {
      const tuples = rows
        .slice(start, start + batch)
        .map((row) => `(${row.map(duckdbDialect.literal).join(", ")})`)
        .join(",\n");
      await this.run(`INSERT INTO ${table} (${names}) VALUES ${tuples}`);
    }
  }

  /**
   * Makes sure that the text is one SELECT and nothing else.
   * @throws UserError when it does not parse, is several statements or is no SELECT.
   */
  async assertSelect(sql: string): Promise<void> {
    let count: number;
    let type: StatementType;
    try {
      const statements = await this.#connection.extractStatements(sql);
      count = statements.count;
      if (count !== 1) throw new UserError(`expected one SELECT, found ${count} statements`);
      const prepared = await statements.prepare(0);
      type = prepared.statementType;
      prepared.destroySync();
    } catch (error) {
      if (error instanceof UserError) throw error;
      // DuckDB's second line names what there is: `Candidate bindings: "alpha"`.
      const [, candidates] = /\n(Candidate \w+: .*)/.exec(String(error)) ?? [];
      const told = candidates ? `${messageOf(error).replace(/!$/, "")}; ${candidates}` : messageOf(error);
      throw new UserError(`the SQL fails: ${told}`);
    }
    if (type !== StatementType.SELECT) throw new UserError("only a SELECT may be run here");
  }

  /** From here on no SQL reaches a file, the network, an extension or a setting. */
  async lockDown(): Promise<void> {
    if (this.#threads > 1) {
      this.#second = await this.#instance.connect();
      await this.#second.run("SET TimeZone = 'UTC'");
    }
    await this.run("SET enable_external_access = false");
    await this.run("SET lock_configuration = true");
  }

  /** Stops the statement at work; it fails with Interrupted. */
  interrupt(): void {
    if (this.#closed) return;
    this.#connection.interrupt();
    this.#second?.interrupt();
  }

  /** Closes the database and removes the private directory. Safe to call twice. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#second?.closeSync();
    this.#connection.closeSync();
    this.#instance.closeSync();
    rmSync(this.tempDir, { recursive: true, force: true });
    openTempDirs.delete(this.tempDir);
  }

  async #guard<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new Interrupted();
    try {
      return await work();
    } catch (error) {
      const message = messageOf(error);
      if (/^INTERRUPT Error/i.test(message)) throw new Interrupted();
      if (/No space left on device|max_temp_directory_size/i.test(message))
        throw new UserError(`the temporary directory is full; name a larger one with --temp-dir`);
      if (/^Out of Memory Error/i.test(message))
        throw new UserError(`out of memory; allow more with --memory-limit (${message})`);
      throw error;
    }
  }
}
