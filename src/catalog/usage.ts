/** Makes the usage relation of a table: its roles, typed and named alike whatever the source calls them. */

import type { Dimension, Table, UsageRelation, ValueClass } from "../contract/evidence.ts";
import type { Row } from "../contract/finding.ts";
import { ROLES, type Role, TOKEN_ROLES } from "../contract/roles.ts";
import { ident, literal, qualified, type Store } from "../store/index.ts";
import { kindVerdict, statusVerdict } from "./classes.ts";
import { type Described, kindCandidates, sourceOf } from "./describe.ts";
import { type DimensionCandidate, dimensionCandidates, keptDimensions } from "./dimensions.ts";
import { createRows, hasRowid } from "./rows.ts";

/** Values of a status or kind that are classified one by one. */
const VALUES_MAX = 1000;
/** A column with more values than this says nothing about kinds of rows. */
const KINDS_MAX = 60;

/**
 * Null when the table is no usage: no tokens, no cost, and no trail of work.
 * `ok` and `is_call` are a view over its rows, since they follow from few values.
 */
export async function buildUsage(store: Store, described: Described): Promise<UsageRelation | null> {
  const { table, sources, grain, raw } = described;
  const roles = ROLES.filter((role) => sources.has(role));
  if (!isUsage(new Set(roles), raw.form === "events")) return null;
  const kinds = kindCandidates(described.context).map(
    (candidate): DimensionCandidate => ({
      name: candidate.name,
      source: { ...sourceOf(described, candidate.column.name), candidate },
    }),
  );
  const candidates = dimensionCandidates(described, kinds);
  const rowid = await hasRowid(store, table);
  const dimensions = await keptDimensions(store, table, candidates, rowid);
  const stored = await createRows(store, described, roles, dimensions, rowid);
  const carries = carriesTokens(roles);
  const status = sources.get("status");
  const statuses = status
    ? withLikelySuccess(
        await classes(store, stored, "status", carries, (value, share) =>
          statusVerdict(value, status.column.name, share),
        ),
      )
    : [];
  const kind = carries ? await callKind(store, stored, dimensions, kinds, carries) : null;
  const relation = qualified("trueup", `usage ${table.name}`);
  await store.run(
    `CREATE VIEW ${relation} AS SELECT *, ${conditionOf("status", statuses)} AS ok,
     ${kind ? conditionOf(kind.column, kind.values) : "TRUE"} AS is_call FROM ${stored}`,
  );
  const known: ReadonlySet<Role> = new Set(roles);
  return {
    name: table.name,
    table,
    relation,
    rows: table.rows,
    roles: known,
    has: (...wanted) => wanted.every((role) => known.has(role)),
    columnOf: (role) => sources.get(role)?.column ?? null,
    dimensions: dimensions.map(({ name, column, distinct }) => ({ name, column, distinct })),
    statuses,
    kinds: kind?.values ?? [],
    timeRange: known.has("time") ? await timeRangeOf(store, relation) : null,
    origin: table.form === "events" ? "events" : "table",
    format: raw.format,
    grain,
  };
}

/** The range of a relation's finite times. */
export async function timeRangeOf(store: Store, relation: string): Promise<Table["timeRange"]> {
  const row = await store.one(
    `SELECT min(time) AS lo, max(time) AS hi FROM ${relation} WHERE isfinite(time)`,
  );
  return row?.lo ? { from: String(row.lo), to: String(row.hi) } : null;
}

/** Tokens or cost make a table usage; so does a trail of work, whose rows begin and end, fail, or have parents. */
function isUsage(roles: ReadonlySet<Role>, events: boolean): boolean {
  const has = (...any: Role[]) => any.some((role) => roles.has(role));
  if (events || has(...TOKEN_ROLES, "cost")) return roles.size > 0;
  if (has("id", "session_id") && has("parent_id")) return true;
  return has("time") && has("id", "session_id") && has("end_time", "status", "model", "session_id");
}

/** An SQL condition: the row has a positive count in one of its token roles (or a cost, where there are none). */
function carriesTokens(roles: readonly Role[]): string | null {
  const tokens = TOKEN_ROLES.filter((role) => roles.includes(role));
  const carrying = tokens.length > 0 ? tokens : roles.includes("cost") ? ["cost"] : [];
  return carrying.length === 0
    ? null
    : `(${carrying.map((role) => `coalesce(${ident(role)}, 0) > 0`).join(" OR ")})`;
}

async function classes(
  store: Store,
  stored: string,
  column: string,
  carries: string | null,
  verdict: (value: string | null, share: number | null) => { counts: boolean; why: string },
): Promise<ValueClass[]> {
  const rows = await valuesOf(store, stored, column, carries);
  return rows.map((row) => {
    const value = row.value === null ? null : String(row.value);
    const all = Number(row.n);
    const withTokens = Number(row.carrying);
    return { value, rows: all, withTokens, ...verdict(value, carries === null ? null : withTokens / all) };
  });
}

/** Where no value is a word of success, the word that most rows carry is: a system's own word for done. */
function withLikelySuccess(statuses: ValueClass[]): ValueClass[] {
  const all = statuses.reduce((sum, one) => sum + one.rows, 0);
  const [most] = statuses;
  if (!most?.why.startsWith("an unknown word") || statuses.some((one) => one.counts && one.value !== null))
    return statuses;
  if (most.rows * 2 <= all) return statuses;
  const why = "an unknown word, the one that most rows carry, and none is a word of success";
  return statuses.map((one) => (one === most ? { ...one, counts: true, why } : one));
}

async function valuesOf(
  store: Store,
  stored: string,
  column: string,
  carries: string | null,
): Promise<Row[]> {
  return store.all(
    `SELECT ${column} AS value, count(*) AS n, count(*) FILTER (${carries ?? "FALSE"}) AS carrying
     FROM ${stored} GROUP BY 1 ORDER BY n DESC, value LIMIT ${VALUES_MAX}`,
  );
}

/** The column that tells calls from other rows: of those whose values differ in carrying tokens, the first. */
async function callKind(
  store: Store,
  stored: string,
  dimensions: readonly Dimension[],
  kinds: readonly DimensionCandidate[],
  carries: string,
): Promise<{ column: string; values: ValueClass[] } | null> {
  for (const { name } of kinds) {
    const dimension = dimensions.find((one) => one.name === name);
    if (!dimension || dimension.distinct > KINDS_MAX) continue;
    const rows = await valuesOf(store, stored, dimension.column, carries);
    const mixed = rows.some((row) => Number(row.carrying) > 0);
    const values = rows.map((row): ValueClass => {
      const value = row.value === null ? null : String(row.value);
      const [all, withTokens] = [Number(row.n), Number(row.carrying)];
      return { value, rows: all, withTokens, ...kindVerdict(value, withTokens / all, mixed) };
    });
    // A kind that makes every row something else than a call explains nothing.
    if (values.some((one) => one.counts) && values.some((one) => !one.counts))
      return { column: dimension.column, values };
  }
  return null;
}

/** TRUE for the values that count; NULL counts when a NULL was classified so, or never seen. */
function conditionOf(column: string, values: readonly ValueClass[]): string {
  if (values.every((one) => one.counts)) return "TRUE";
  const counting = values.filter((one) => one.counts && one.value !== null).map((one) => literal(one.value));
  const nulls = values.some((one) => one.value === null && one.counts) ? `${column} IS NULL` : "FALSE";
  return counting.length === 0
    ? `(${nulls})`
    : `(${nulls} OR coalesce(${column} IN (${counting.join(", ")}), FALSE))`;
}
