/** Describes a table of events to the catalogue; columns that no event filled are left out. */

import type { LoadedColumn, LoadedTable } from "../../../contract/loaded.ts";
import { ROLES, type Role } from "../../../contract/roles.ts";
import { ident, qualified } from "../../../store/index.ts";
import type { IntakeContext, Source } from "../../context.ts";

/** Values of each column that the catalogue sees. */
const SAMPLE_ROWS = 200;
const ALWAYS = new Set(["line", "time", "input_tokens", "output_tokens"]);

/** Null, and the table is dropped, when it has no row. */
export async function describeEvents(
  source: Source,
  name: string,
  ctx: IntakeContext,
): Promise<LoadedTable | null> {
  const { store } = ctx;
  const table = qualified(source.name, name);
  const columns = (await store.all(`DESCRIBE ${table}`)).map((row) => String(row.column_name));
  const counted = await store.one(
    `SELECT count(*) AS "rows", ${columns.map((column, i) => `count(${ident(column)}) AS c${i}`).join(", ")} FROM ${table}`,
  );
  const rows = Number(counted?.rows ?? 0);
  if (rows === 0) {
    await store.run(`DROP TABLE ${table}`);
    return null;
  }
  for (const [i, column] of columns.entries())
    if (column === "entry" || (counted?.[`c${i}`] === 0 && !ALWAYS.has(column)))
      await store.run(`ALTER TABLE ${table} DROP COLUMN ${ident(column)}`);
  await nameGroups(table, ctx);
  const kept = (await store.all(`DESCRIBE ${table}`)).map((row) => ({
    name: String(row.column_name),
    type: String(row.column_type),
  }));
  const step = Math.max(1, Math.floor(rows / SAMPLE_ROWS));
  const sample = await store.all(
    `SELECT * FROM ${table} WHERE rowid % ${step} = 0 ORDER BY rowid LIMIT ${SAMPLE_ROWS}`,
  );
  const known: Record<string, Role> = {};
  for (const { name: column } of kept)
    if ((ROLES as readonly string[]).includes(column)) known[column] = column as Role;
  return {
    schema: source.name,
    name,
    input: source.name,
    form: "events",
    rows,
    columns: kept.map(
      (column): LoadedColumn => ({
        name: column.name,
        declared: column.type,
        primaryKey: false,
        references: null,
        sample: sample.map((row) => row[column.name] ?? null),
        type: column.type,
        loaded: true,
        storage: null,
      }),
    ),
    known,
    format: null,
    timezone: "UTC",
    view: false,
  };
}

/** A request that makes several calls is no id of a call: it groups them, as a session does. */
async function nameGroups(table: string, ctx: IntakeContext): Promise<void> {
  const columns = (await ctx.store.all(`DESCRIBE ${table}`)).map((row) => String(row.column_name));
  if (!columns.includes("id")) return;
  const row = await ctx.store.one(`SELECT count(id) - count(DISTINCT id) AS repeats FROM ${table}`);
  if (Number(row?.repeats) === 0) return;
  const name = columns.includes("session_id") ? "request" : "session_id";
  await ctx.store.run(`ALTER TABLE ${table} RENAME COLUMN id TO ${name}`);
}
