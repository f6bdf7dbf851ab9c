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
import type { DumpTable } from "./dump-tables.ts";
import { encodingOf } from "./encoding.ts";
import { isAsked, loadTables } from "./load-tables.ts";
import { newSegment, type Segment, Staging } from "./staged.ts";
import { shownUrl } from "./url.ts";

/** Milliseconds one statement may take. */
const STATEMENT_MS_MAX = 30 * 60 * 1000;
const SAMPLE_ROWS = 200;

/** Generated columns exist since Postgres 12. */
const catalogOf = (serverVersion: number) => `
SELECT c.oid::int8 AS oid, n.nspname AS schema, c.relname AS name, c.relkind AS kind,
  greatest(c.reltuples, 0)::int8 AS rows, pg_total_relation_size(c.oid)::int8 AS bytes,
  (SELECT i.inhparent::int8 FROM pg_inherits i WHERE i.inhrelid = c.oid LIMIT 1) AS parent,
  has_table_privilege(c.oid, 'SELECT') AS readable,
  (SELECT json_agg(json_build_object('name', a.attname, 'generated', ${serverVersion >= 120000 ? "a.attgenerated <> ''" : "false"},
     'type', format_type(coalesce(nullif(t.typbasetype, 0), a.atttypid), CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END),
     'enum', t.typtype = 'e') ORDER BY a.attnum)
   FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
   WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
  (SELECT json_agg(json_build_object('type', k.contype,
     'columns', (SELECT json_agg(a.attname) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = ANY (k.conkey)),
     'target', f.relname, 'targetColumns', (SELECT json_agg(a.attname) FROM pg_attribute a WHERE a.attrelid = k.confrelid AND a.attnum = ANY (k.confkey))))
   FROM pg_constraint k LEFT JOIN pg_class f ON f.oid = k.confrelid WHERE k.conrelid = c.oid AND k.contype IN ('p', 'f')) AS keys
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
  AND n.nspname NOT LIKE 'pg\\_temp\\_%' AND c.relpersistence <> 't'
ORDER BY n.nspname, c.relname`;

interface CatalogRow {
  oid: string;
  schema: string;
  name: string;
  kind: "r" | "p" | "v" | "m";
  rows: string;
  bytes: string;
  parent: string | null;
  readable: boolean;
  columns: { name: string; type: string; generated: boolean; enum: boolean }[] | null;
  keys: { type: "p" | "f"; columns: string[]; target: string; targetColumns: string[] }[] | null;
}

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
    await client.query(`SET statement_timeout = ${STATEMENT_MS_MAX}`);
    await client.query(
      "SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres'; SET extra_float_digits = 1; SET bytea_output = 'hex'",
    );
    await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    const catalog = (await client.query<CatalogRow>(catalogOf(await versionOf(client)))).rows;
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
    const unreadable = catalog.filter((row) => !row.readable && row.kind !== "v");
    if (unreadable.length > 0) tellUnreadable(unreadable, catalog, input, ctx.settings.tables ?? []);
    const byOid = new Map(catalog.map((row) => [row.oid, row]));
    for (const [index, row] of catalog.entries()) {
      if (!row.readable || !isAsked({ ...row, database: "" }, ctx.settings.tables ?? [])) continue;
      at = `${row.schema}.${row.name}`;
      const table = tableOf(row, byOid);
      tables.set(keyOf(row), table);
      if (table.view || row.kind === "p") continue;
      const columns = await neededOf(client, row, table, source, ctx);
      if (columns.length === 0) continue;
      const segment = newSegment(columns, PG_COPY);
      table.segments.push(segment);
      const selected = columns.map(ident).join(", ");
      await pipeline(
        client.query(
          copyTo(`COPY (SELECT ${selected} FROM ONLY ${nameOf(row)}${whereOf(row, ctx)}) TO STDOUT`),
        ),
        staged(segment, join(folder, `table-${index}`)),
      );
      input.bytes += segment.bytes;
      ctx.hooks.progress({ stage: "load", subject: source.name, bytes: input.bytes });
    }
    await client.query("COMMIT");
    return await loadTables({ tables, types: new Map() }, input, source, ctx);
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

/** Tables that the user may not read: a note; an error when they were asked for or are all there is. */
function tellUnreadable(
  unreadable: readonly CatalogRow[],
  catalog: readonly CatalogRow[],
  input: Input,
  patterns: readonly string[],
): void {
  const told = `no right to read ${unreadable.map((r) => `${r.schema}.${r.name}`).join(", ")}`;
  const asked = patterns.length > 0 && unreadable.some((row) => isAsked({ ...row, database: "" }, patterns));
  if (asked || !catalog.some((row) => row.readable)) input.error = `${input.path}: ${told}`;
  else input.notes.push(told);
}

/** `150018` for 15.18. */
async function versionOf(client: pg.Client): Promise<number> {
  const result = await client.query<{ server_version_num: string }>("SHOW server_version_num");
  return Number(result.rows[0]?.server_version_num);
}

/** A refusal by the server or a lost connection, as against a defect of ours. */
function isServerError(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code !== undefined || /connection|terminated|closed|ended/i.test(messageOf(error));
}

function keyOf(row: CatalogRow): string {
  return `.${row.schema}.${row.name}`;
}

/** As it stands in the store: `public` is left out. */
function shownName(row: CatalogRow): string {
  return row.schema === "public" ? row.name : `${row.schema}.${row.name}`;
}

function nameOf(row: CatalogRow): string {
  return `${ident(row.schema)}.${ident(row.name)}`;
}

function tableOf(row: CatalogRow, byOid: ReadonlyMap<string, CatalogRow>): DumpTable {
  const parent = row.parent === null ? undefined : byOid.get(row.parent);
  const keys = row.keys ?? [];
  return {
    database: "",
    schema: row.schema,
    name: row.name,
    columns: (row.columns ?? []).map((c) => ({
      name: c.name,
      type: c.enum ? "text" : c.type,
      generated: c.generated,
    })),
    primaryKey: keys.filter((k) => k.type === "p").flatMap((k) => k.columns),
    references: keys
      .filter((k) => k.type === "f")
      .map((k) => ({
        columns: k.columns,
        target: { schema: null, name: k.target },
        targetColumns: k.targetColumns,
      })),
    parent: parent ? keyOf(parent) : null,
    segments: [],
    counted: null,
    view: row.kind === "v" || row.kind === "m",
  };
}

/** The columns worth reading, decided from a sample. Generated columns repeat others and are left. */
async function neededOf(
  client: pg.Client,
  row: CatalogRow,
  table: DumpTable,
  source: Source,
  ctx: IntakeContext,
): Promise<string[]> {
  const names = table.columns.filter((c) => !c.generated).map((c) => c.name);
  if (names.length === 0) return [];
  const list = names.map((n) => `${ident(n)}::text`).join(", ");
  const sample = await client.query({
    text: `SELECT ${list} FROM ONLY ${nameOf(row)} LIMIT ${SAMPLE_ROWS}`,
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
function whereOf(row: CatalogRow, ctx: IntakeContext): string {
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
  const conditions = [
    since === null ? null : `${ident(column.name)} >= ${literal(since)}`,
    until === null ? null : `${ident(column.name)} <= ${literal(until)}`,
  ].filter((c) => c !== null);
  return ` WHERE ${conditions.join(" AND ")}`;
}
