/** Makes the usage relation of a table: its roles, typed and named alike whatever the source calls them. */

import type { Column, Dimension, Table, UsageRelation } from "../contract/evidence.ts";
import type { Value } from "../contract/finding.ts";
import { ROLE_TYPES, ROLES, type Role, TOKEN_ROLES } from "../contract/roles.ts";
import { ident, qualified, type Store } from "../store/index.ts";

const OK_WORDS = "success|succeeded|completed|complete|ok|done|finished|normal|stop|default|2[0-9][0-9]|0|1";

/** Null when the table has no token and no cost role and is no trail of calls. */
export async function buildUsage(store: Store, table: Table): Promise<UsageRelation | null> {
  const byRole = new Map<Role, Column>();
  for (const column of table.columns)
    if (column.role && column.role !== "credential" && column.expression) byRole.set(column.role, column);
  if (byRole.size === 0) return null;
  const roles = ROLES.filter((role) => byRole.has(role));
  const selected = roles.map((role) => `${byRole.get(role)?.expression} AS ${ident(role)}`);
  const dimensions: Dimension[] = [];
  for (const column of table.columns) {
    if (column.role !== null || !column.loaded || column.type !== "VARCHAR") continue;
    const row = await store.one(
      `SELECT approx_count_distinct(${ident(column.name)}) AS n FROM ${table.relation}`,
    );
    const distinct = Number(row?.n ?? 0);
    if (distinct < 2 || distinct > 1000) continue;
    const quoted = ident(`dim_${column.name}`);
    dimensions.push({ name: column.name, column: quoted, distinct });
    selected.push(`${ident(column.name)} AS ${quoted}`);
  }
  const ok = byRole.has("status")
    ? `(status IS NULL OR regexp_full_match(lower(trim(status)), '${OK_WORDS}'))`
    : "TRUE";
  const relation = qualified("trueup", `usage ${table.name}`);
  await store.run(
    `CREATE TABLE ${relation} AS SELECT *, ${ok} AS ok, TRUE AS is_call FROM (SELECT rowid + 1 AS row${selected
      .map((s) => `, ${s}`)
      .join("")} FROM ${table.relation})`,
  );
  const range = byRole.has("time")
    ? await store.one(`SELECT min(time) AS lo, max(time) AS hi FROM ${relation}`)
    : undefined;
  const known = new Set(roles);
  for (const role of ["model", "provider", "status"] as const)
    if (known.has(role))
      dimensions.push({ name: byRole.get(role)?.name ?? role, column: ident(role), distinct: 0 });
  return {
    name: table.name,
    table,
    relation,
    rows: table.rows,
    roles: known,
    has: (...wanted) => wanted.every((role) => known.has(role)),
    columnOf: (role) => byRole.get(role) ?? null,
    dimensions,
    statuses: [],
    kinds: [],
    timeRange: range?.lo ? { from: text(range.lo), to: text(range.hi) } : null,
    origin: table.form === "events" ? "events" : "table",
    format: null,
    grain: null,
  };
}

/** The expression of a role over the raw column, typed as ROLE_TYPES says. */
export function expressionOf(column: string, role: Role): string {
  if (role === "credential") return ident(column);
  if ((TOKEN_ROLES as readonly Role[]).includes(role)) return `TRY_CAST(${ident(column)} AS BIGINT)`;
  return `TRY_CAST(${ident(column)} AS ${ROLE_TYPES[role]})`;
}

const text = (value: Value | undefined) => String(value);
