/** What a live server says of its tables, types and rights. */

import type pg from "pg";
import { ident } from "../../store/index.ts";
import { type DumpTable, newTable } from "./dump-table.ts";

/** Generated columns exist since Postgres 12. */
const catalogOf = (serverVersion: number) => `
SELECT c.oid::int8 AS oid, n.nspname AS schema, c.relname AS name, c.relkind AS kind,
  greatest(c.reltuples, 0)::int8 AS rows, pg_total_relation_size(c.oid)::int8 AS bytes,
  ARRAY(SELECT i.inhparent::text FROM pg_inherits i WHERE i.inhrelid = c.oid ORDER BY i.inhseqno) AS parents,
  has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT') AS readable,
  c.relrowsecurity AND row_security_active(c.oid) AS filtered,
  (SELECT json_agg(json_build_object('name', a.attname, 'generated', ${serverVersion >= 120000 ? "a.attgenerated <> ''" : "false"},
     'type', format_type(a.atttypid, a.atttypmod), 'readable', has_column_privilege(c.oid, a.attnum, 'SELECT')) ORDER BY a.attnum)
   FROM pg_attribute a
   WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
  (SELECT json_agg(json_build_object('type', k.contype,
     'columns', (SELECT json_agg(a.attname) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = ANY (k.conkey)),
     'target', f.relname, 'targetColumns', (SELECT json_agg(a.attname) FROM pg_attribute a WHERE a.attrelid = k.confrelid AND a.attnum = ANY (k.confkey))))
   FROM pg_constraint k LEFT JOIN pg_class f ON f.oid = k.confrelid WHERE k.conrelid = c.oid AND k.contype IN ('p', 'f')) AS keys
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
  AND n.nspname NOT LIKE 'pg\\_temp\\_%' AND c.relpersistence <> 't'
ORDER BY n.nspname, c.relname`;

/** Domains and enums as `format_type` writes them. */
const TYPES = `
SELECT format_type(t.oid, NULL) AS name,
  CASE WHEN t.typtype = 'e' THEN 'text' ELSE format_type(t.typbasetype, t.typtypmod) END AS base
FROM pg_type t WHERE t.typtype IN ('d', 'e')`;

export interface CatalogRow {
  oid: string;
  schema: string;
  name: string;
  /** An ordinary table, a partitioned one, a view, a materialized view, a foreign table. */
  kind: "r" | "p" | "v" | "m" | "f";
  rows: string;
  bytes: string;
  parents: string[];
  /** The user may read some column of it. */
  readable: boolean;
  /** Row security may hide rows from the user. */
  filtered: boolean;
  columns: { name: string; type: string; generated: boolean; readable: boolean }[] | null;
  keys: { type: "p" | "f"; columns: string[]; target: string; targetColumns: string[] }[] | null;
}

/** Every table outside the system's schemas, by schema and name. */
export async function catalogOfServer(client: pg.Client): Promise<CatalogRow[]> {
  const shown = await client.query<{ server_version_num: string }>("SHOW server_version_num");
  return (await client.query<CatalogRow>(catalogOf(Number(shown.rows[0]?.server_version_num)))).rows;
}

/** As `TableData.types`. */
export async function typesOfServer(client: pg.Client): Promise<Map<string, string>> {
  const { rows } = await client.query<{ name: string; base: string }>(TYPES);
  return new Map(rows.map((row) => [`.${asDumped(row.name)}`, asDumped(row.base)]));
}

/** A type as it is read from a dump: `public.Mood` for `public."Mood"`. */
function asDumped(type: string): string {
  return type.replace(/"((?:[^"]|"")*)"/g, (_, name: string) => name.replaceAll('""', '"'));
}

export function keyOf(row: CatalogRow): string {
  return `.${row.schema}.${row.name}`;
}

/** As it stands in the store: `public` is left out. */
export function shownName(row: CatalogRow): string {
  return row.schema === "public" ? row.name : `${row.schema}.${row.name}`;
}

/** As SQL. */
export function sqlName(row: CatalogRow): string {
  return `${ident(row.schema)}.${ident(row.name)}`;
}

/** The table that a row stands for, still without rows. */
export function tableOf(row: CatalogRow, byOid: ReadonlyMap<string, CatalogRow>): DumpTable {
  const table = newTable("", row.schema, row.name);
  const keys = row.keys ?? [];
  table.columns = (row.columns ?? []).map(({ name, type, generated }) => ({
    name,
    type: asDumped(type),
    generated,
  }));
  table.primaryKey = keys.filter((k) => k.type === "p").flatMap((k) => k.columns);
  table.references = keys
    .filter((k) => k.type === "f")
    .map((k) => ({
      columns: k.columns,
      target: { schema: null, name: k.target },
      targetColumns: k.targetColumns,
    }));
  table.parents = row.parents.flatMap((oid) => {
    const parent = byOid.get(oid);
    return parent ? [keyOf(parent)] : [];
  });
  if (row.kind === "v" || row.kind === "m") table.absent = "view";
  if (row.kind === "f") table.absent = "foreign table";
  return table;
}
