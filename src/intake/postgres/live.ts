/** Reads a live Postgres: the needed columns of every table, all of the same moment, by way of COPY. */

import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type pg from "pg";
import { to as copyTo } from "pg-copy-streams";
import { Interrupted, messageOf, UserError } from "../../contract/errors.ts";
import type { Input } from "../../contract/evidence.ts";
import type { ColumnProfile, LoadedInput } from "../../contract/loaded.ts";
import { ident, literal } from "../../store/index.ts";
import type { IntakeContext, Source } from "../context.ts";
import { connect, NO_ENVIRONMENT } from "./connect.ts";
import { PG_COPY } from "./copy-text.ts";
import type { DumpTable } from "./dump-table.ts";
import { encodingOf } from "./encoding.ts";
import { loadTables } from "./load-tables.ts";
import {
  type CatalogRow,
  catalogOfServer,
  keyOf,
  shownName,
  sqlName,
  tableOf,
  typesOfServer,
} from "./server-catalog.ts";
import { planReads } from "./server-plan.ts";
import { newSegment, type Segment, Staging } from "./staged.ts";
import { shownUrl } from "./url.ts";

/** Milliseconds one statement may take. */
const STATEMENT_MS_MAX = 30 * 60 * 1000;
/** Milliseconds to wait for a table that another session has locked. */
const LOCK_MS_MAX = 60 * 1000;
const SAMPLE_ROWS = 200;
const ABSENCE = "not read; --tables reads those that it names";

/**
 * Loads `source.files[0]`, a URL. One REPEATABLE READ READ ONLY transaction, so that every table is of one moment.
 * @throws UserError when the server cannot be reached, refuses, or goes away.
 */
export async function loadPostgres(source: Source, ctx: IntakeContext): Promise<LoadedInput> {
  const url = source.files[0] as string;
  const client = await connect(url, ctx.settings.postgres ?? NO_ENVIRONMENT);
  const folder = join(ctx.store.tempDir, `postgres-${source.name}`);
  mkdirSync(folder, { recursive: true });
  const stop = () => void client.end();
  ctx.hooks.signal.addEventListener("abort", stop);
  let at = "its catalogue";
  try {
    await client.query(`SET statement_timeout = ${STATEMENT_MS_MAX}; SET lock_timeout = ${LOCK_MS_MAX}`);
    // Without a search path types are named with their schemas, as in dumps.
    await client.query(
      "SET search_path = ''; SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres'; SET extra_float_digits = 1; SET bytea_output = 'hex'",
    );
    await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    const catalog = await catalogOfServer(client);
    const types = await typesOfServer(client);
    const input: Input = {
      name: source.name,
      kind: "postgres",
      path: source.path,
      bytes: 0,
      rows: 0,
      rejected: 0,
      tables: [],
      notes: [...source.notes],
    };
    const tables = new Map<string, DumpTable>();
    const byOid = new Map(catalog.map((row) => [row.oid, row]));
    const reads = planReads(catalog, ctx.settings.tables ?? [], input);
    for (const [index, { row, isListed, withParts }] of reads.entries()) {
      at = `${row.schema}.${row.name}`;
      const table = tableOf(row, byOid);
      tables.set(keyOf(row), table);
      if (isListed) continue;
      const from = `${withParts || row.kind !== "r" ? "" : "ONLY "}${sqlName(row)}`;
      const columns = await neededOf(client, row, from, table, source, ctx);
      const segment = newSegment(columns, PG_COPY);
      table.segments.push(segment);
      const selected = columns.map(ident).join(", ");
      await pipeline(
        client.query(copyTo(`COPY (SELECT ${selected} FROM ${from}${whereOf(row, source, ctx)}) TO STDOUT`)),
        staged(segment, join(folder, `table-${index}`)),
      );
      input.bytes += segment.bytes;
      ctx.hooks.progress({ stage: "load", subject: source.name, bytes: input.bytes });
    }
    await client.query("COMMIT");
    return await loadTables({ tables, types, absence: ABSENCE }, input, source, ctx);
  } catch (error) {
    if (ctx.hooks.signal.aborted) throw new Interrupted();
    if (error instanceof UserError || !isServerError(error)) throw error;
    throw new UserError(`${shownUrl(url)}: while reading ${at}: ${messageOf(error)}`);
  } finally {
    ctx.hooks.signal.removeEventListener("abort", stop);
    await client.end().catch(() => {});
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Takes what COPY sends into the files of a segment. */
function staged(segment: Segment, file: string): Writable {
  const staging = new Staging(segment, encodingOf("UTF8"), file);
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      try {
        staging.write(chunk);
        done();
      } catch (error) {
        done(error as Error);
      }
    },
    final(done) {
      staging.close();
      done();
    },
    destroy(error, done) {
      staging.close();
      done(error);
    },
  });
}

/** A refusal by the server or a lost connection, as against a defect of ours. */
function isServerError(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code !== undefined || /connection|terminated|closed|ended/i.test(messageOf(error));
}

/** The columns worth reading, decided from a sample. Generated columns repeat others and are left. */
async function neededOf(
  client: pg.Client,
  row: CatalogRow,
  from: string,
  table: DumpTable,
  source: Source,
  ctx: IntakeContext,
): Promise<string[]> {
  const names = (row.columns ?? []).filter((c) => c.readable && !c.generated).map((c) => c.name);
  if (names.length === 0) return [];
  const list = names.map((n) => `${ident(n)}::text`).join(", ");
  const sample = await client.query({
    text: `SELECT ${list} FROM ${from} LIMIT ${SAMPLE_ROWS}`,
    rowMode: "array",
  });
  const profiles = names.map(
    (name, i): ColumnProfile => ({
      name,
      declared: table.columns.find((c) => c.name === name)?.type ?? "",
      primaryKey: table.primaryKey.includes(name),
      references: null,
      sample: (sample.rows as (string | null)[][]).map((values) => values[i] ?? null),
    }),
  );
  const needed = ctx.needed({
    schema: source.name,
    name: shownName(row),
    rows: Number(row.rows),
    columns: profiles,
  });
  return names.filter((name) => needed.has(name));
}

/** `--since` and `--until` on the column that a table is in time by. */
function whereOf(row: CatalogRow, source: Source, ctx: IntakeContext): string {
  const { since, until } = ctx.settings;
  if (since === null && until === null) return "";
  const columns = row.columns ?? [];
  const time = ctx.timeColumn?.({
    schema: "",
    name: row.name,
    rows: Number(row.rows),
    columns: columns.map((c) => ({
      name: c.name,
      declared: c.type,
      primaryKey: false,
      references: null,
      sample: [],
    })),
  });
  const column = columns.find((c) => c.name === time && /^(timestamp|date)/.test(c.type));
  if (!column) return "";
  // Times without a zone are those of the input's.
  const zoned = /^timestamp.* with time zone$/.test(column.type);
  const instant = (time: string) =>
    `TIMESTAMPTZ ${literal(time)}${zoned ? "" : ` AT TIME ZONE ${literal(source.timezone)}`}`;
  const conditions = [
    since === null ? null : `${ident(column.name)} >= ${instant(since)}`,
    until === null ? null : `${ident(column.name)} <= ${instant(until)}`,
  ].filter((c) => c !== null);
  return ` WHERE ${conditions.join(" AND ")}`;
}
