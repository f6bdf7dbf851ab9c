/** Which rows of a usage relation a token check may judge, and how a finding shows rows: SQL shared by checks. */

import type { Column, Dimension, UsageRelation } from "../contract/evidence.ts";
import type { Value } from "../contract/finding.ts";
import { type Role, TOKEN_ROLES, type TokenRole } from "../contract/roles.ts";
import type { SqlDialect } from "../contract/sql.ts";
import { type Asking, oncePerRelation } from "./once.ts";

/** Rows that `finding.sql` lists at most. */
const LISTED_MAX = 100;

/** Status values that say a call has not ended yet; RE2, lower case, whole value. */
const UNFINISHED =
  "^(running|pending|queued|in[ _-]?progress|processing|started|starting|executing|streaming|submitted|waiting)$";

/** Models and endpoints that are metered by image, minute or document, so that no tokens are to be expected. */
const NOT_METERED_IN_TOKENS =
  "(^|[^a-z])(whisper|tts|dall-?e|imagen|images?|a?image_generation|image_edit|flux|stable-?diffusion|sdxl|midjourney|sora|veo|audio|speech|a?transcri[a-z]*|voice|videos?|a?rerank|a?moderations?|ocr)([^a-z]|$)";

/** Names of columns that say what kind of service was called. */
const SERVICE = /(^|_)(endpoint|route|path|url|operation|call_?type|request_?type|api|modality)$/i;

/** Names of columns that say whether the answer came out of a cache. */
const CACHE_HIT = /^(is_)?(cache_?hit|cached|from_?cache|cache_?status|cachehit)$/i;

/** The token roles a relation has, in the order of TOKEN_ROLES. */
export function tokenRoles(usage: UsageRelation): TokenRole[] {
  return TOKEN_ROLES.filter((role) => usage.has(role));
}

/** True in rows without any token count. */
export function noTokens(usage: UsageRelation): string {
  return tokenRoles(usage)
    .map((role) => `${role} IS NULL`)
    .join(" AND ");
}

/** True in rows with a token count above zero. */
function someTokens(usage: UsageRelation): string {
  return `(${tokenRoles(usage)
    .map((role) => `COALESCE(${role}, 0) > 0`)
    .join(" OR ")})`;
}

/** True in rows whose parent is another row; `''` and the row itself are no parent. */
export const HAS_PARENT = "(parent_id IS NOT NULL AND parent_id <> '' AND (id IS NULL OR parent_id <> id))";

/**
 * True in rows that should carry tokens: successful calls that are metered in tokens and were not answered by a cache.
 * Names are judged once per value, not once per row.
 */
export const meteredScope = oncePerRelation(readMetered);

async function readMetered(usage: UsageRelation, ctx: Asking): Promise<string> {
  const conditions = ["ok", "is_call"];
  const services = usage.dimensions.filter((d) => SERVICE.test(d.name)).map((d) => d.column);
  if (usage.has("model")) services.push("model");
  for (const service of services) {
    const values = await matchingValues(usage, service, NOT_METERED_IN_TOKENS, ctx);
    if (values.length > 0)
      conditions.push(
        `(${service} IS NULL OR ${service} NOT IN (${values.map((value) => ctx.sql.literal(value)).join(", ")}))`,
      );
  }
  for (const hit of usage.dimensions.filter((d) => CACHE_HIT.test(d.name)))
    conditions.push(
      `(${hit.column} IS NULL OR lower(${hit.column}) NOT IN ('true', '1', 'yes', 'hit', 't'))`,
    );
  return conditions.join(" AND ");
}

/**
 * The values of a column whose lower case matches: a pattern on each value once, and not on every row, which is where
 * an engine would put a condition on the value itself.
 */
async function matchingValues(
  usage: UsageRelation,
  column: string,
  pattern: string,
  ctx: Asking,
): Promise<string[]> {
  const rows = await ctx.query(
    `SELECT ${column} AS value FROM ${usage.relation} GROUP BY ${column}
     HAVING ${ctx.sql.matches(`lower(min(${column}))`, pattern)} ORDER BY value`,
  );
  return rows.map((row) => String(row.value));
}

/**
 * The SQL condition on a usage relation's rows that a token check may judge. Beside what each row says of itself it
 * leaves out, where the table as a whole shows it: rows that have not ended, parents that carry no tokens while
 * their children do, and spans that name no model while those with tokens do. Read once for each relation.
 */
export const callScope = oncePerRelation(readScope);

async function readScope(usage: UsageRelation, ctx: Asking): Promise<string> {
  const conditions = [await meteredScope(usage, ctx)];
  const some = someTokens(usage);
  if (usage.has("end_time")) {
    const status = usage.has("status") ? "status IS NULL" : "TRUE";
    const [row] = await ctx.query(
      `SELECT count(*) FILTER (WHERE ${some}) AS n, count(end_time) FILTER (WHERE ${some}) AS ended
       FROM ${usage.relation} WHERE ${conditions[0]}`,
    );
    if (Number(row?.n) > 0 && Number(row?.ended) >= 0.9 * Number(row?.n))
      conditions.push(`(end_time IS NOT NULL OR NOT (${status}))`);
  }
  if (!usage.has("id", "parent_id")) return conditions.join(" AND ");
  const parents = `(SELECT parent_id FROM ${usage.relation} WHERE ${HAS_PARENT})`;
  const model = usage.has("model") ? "model" : "NULL";
  const [row] = await ctx.query(
    `SELECT count(*) FILTER (WHERE parent) AS parents, count(*) FILTER (WHERE parent AND carries) AS parents_with,
       count(*) FILTER (WHERE root) AS roots, count(*) FILTER (WHERE root AND carries) AS roots_with,
       count(*) FILTER (WHERE carries) AS carrying, count(*) FILTER (WHERE carries AND named) AS carrying_named
     FROM (SELECT id IS NOT NULL AND id IN ${parents} AS parent, NOT ${HAS_PARENT} AS root, ${some} AS carries,
             ${model} IS NOT NULL AS named
           FROM ${usage.relation} WHERE ${conditions[0]}) AS rows_seen`,
  );
  const count = (name: string) => Number(row?.[name] ?? 0);
  if (count("carrying") > count("parents_with") && count("parents_with") * 2 < count("parents")) {
    conditions.push(`(id IS NULL OR id NOT IN ${parents})`);
    // A root without children is of the same kind as those with: a session's own row, not a call.
    if (count("roots_with") * 2 < count("roots") && count("carrying") > count("roots_with"))
      conditions.push(HAS_PARENT);
  }
  if (usage.has("model") && count("carrying") > 0 && count("carrying_named") >= 0.95 * count("carrying"))
    conditions.push("model IS NOT NULL");
  return conditions.join(" AND ");
}

const SHOWN: readonly Role[] = [
  "id",
  "parent_id",
  "session_id",
  "time",
  "end_time",
  "provider",
  "model",
  "status",
  ...TOKEN_ROLES,
  "cost",
];

/** The columns of a usage relation that a sample row may hold: its position, ids, times, roles; never free text. */
export function sampleColumns(usage: UsageRelation): string {
  return ["row", ...SHOWN.filter((role) => usage.has(role))].join(", ");
}

/** A query over the usage relation that lists the rows of a defect; `order` is a list of its columns. */
export function listUsage(usage: UsageRelation, where: string, order = "row"): string {
  return `SELECT ${sampleColumns(usage)} FROM ${usage.relation} WHERE ${where} ORDER BY ${order} LIMIT ${LISTED_MAX}`;
}

/** The source column itself where it holds what the role holds, else the role's expression. */
export function sourceOf(column: Column, sql: SqlDialect): string {
  const name = sql.ident(column.name);
  const numeric = /^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DOUBLE|FLOAT|DECIMAL.*|VARCHAR|TIMESTAMP)$/;
  const own = column.expression?.includes(name) ?? true;
  const kept = column.role === null || !isNumber(column.role) ? true : column.type !== "VARCHAR";
  return own && kept && numeric.test(column.type) ? name : (column.expression ?? name);
}

/** A query over the source table itself, in its own names: `where` gets the expression of each role. */
export function listSource(
  usage: UsageRelation,
  sql: SqlDialect,
  where: (of: (role: Role) => string) => string,
  order: readonly Role[] = ["time", "id"],
): string {
  const of = (role: Role) => {
    const column = usage.columnOf(role);
    return column ? sourceOf(column, sql) : "NULL";
  };
  const shown = SHOWN.filter((role) => usage.has(role)).map((role) => {
    const name = sql.ident(usage.columnOf(role)?.name ?? role);
    return of(role) === name ? name : `${of(role)} AS ${name}`;
  });
  const by = order.filter((role) => usage.has(role)).map(of);
  return `SELECT ${shown.join(", ")} FROM ${usage.table.relation} WHERE ${where(of)} ORDER BY ${
    by.length > 0 ? by.join(", ") : "1"
  } LIMIT ${LISTED_MAX}`;
}

function isNumber(role: Role): boolean {
  return role === "cost" || (TOKEN_ROLES as readonly Role[]).includes(role);
}

/** Words at the end of a table's name that say its rows each sum up many calls. */
const SUMS =
  /^(rollups?|summar(y|ies)|stats|statistics|aggregates?|quotas?|totals?|sessions?|conversations?|threads?|users?|keys?|accounts?|teams?|organi[sz]ations?|tenants?|budgets?|projects?|workspaces?|customers?)$/;
/** Words anywhere in it that say so. */
const PERIODS = /^(daily|hourly|weekly|monthly|yearly|rollups?|aggregated|by|per|quota)$/;
/** Columns that count the calls a row stands for. */
const COUNTERS = /^(api_?)?(num_?|n_?|total_?)?(requests?_?counts?|calls?_?counts?|requests|calls)$/i;

/** Columns by which calls are handled differently: how they are sent, where to, and by which model. */
const SEGMENTS =
  /(^|_|is)(stream|streaming|streamed|endpoint|route|path|url|operation|api|call_?type|request_?type|mode)$/i;

/** The dimensions that can be a segment of calls: streaming, endpoint, provider, model. */
export function segmentDimensions(usage: UsageRelation): Dimension[] {
  const own = new Set(["model", "provider"].map((role) => usage.columnOf(role as Role)?.name));
  return usage.dimensions.filter(
    (d) => own.has(d.name) || SEGMENTS.test(d.name.replace(/([a-z0-9])([A-Z])/g, "$1_$2")),
  );
}

/** True for tables whose rows each sum up many calls: daily, hourly, session and counter tables. */
export function isRollup(usage: UsageRelation): boolean {
  const words = (usage.name.split(".").slice(1).join(".") || usage.name)
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== "");
  if (usage.grain !== null) return true;
  if (SUMS.test(words.at(-1) ?? "") || words.some((word) => PERIODS.test(word))) return true;
  return usage.table.columns.some(
    (c) => c.role === null && COUNTERS.test(c.name) && /INT|DOUBLE|DECIMAL/.test(c.type),
  );
}

/** True in rows whose status says that they have not ended. */
export function isUnfinished(usage: UsageRelation, sql: SqlDialect): string {
  if (!usage.has("status")) return "FALSE";
  // Of a column with more values than the catalogue classifies, only the pattern knows them all.
  if (usage.statuses.reduce((n, one) => n + one.rows, 0) < usage.rows)
    return `COALESCE(${sql.matches("lower(trim(status))", UNFINISHED)}, FALSE)`;
  const pattern = new RegExp(UNFINISHED);
  const words = usage.statuses.flatMap(({ value }) =>
    value !== null && pattern.test(value.trim().toLowerCase()) ? [sql.literal(value)] : [],
  );
  return words.length > 0 ? `COALESCE(status IN (${words.join(", ")}), FALSE)` : "FALSE";
}

/** The values of the status column and which of them count as a success, as evidence. */
export function statusEvidence(usage: UsageRelation): Record<string, Value> {
  if (usage.statuses.length === 0) return {};
  const short = (value: string | null) => (value === null ? "NULL" : value.slice(0, 40));
  return {
    statuses: usage.statuses.slice(0, 20).map((s) => ({ value: short(s.value), rows: s.rows, ok: s.counts })),
  };
}

/** Texts that stand in an id column for `no id`, in lower case. */
const PLACEHOLDER_IDS = [
  "",
  "none",
  "null",
  "nil",
  "undefined",
  "nan",
  "na",
  "n/a",
  "unknown",
  "-",
  "?",
  "[object object]",
];

/** True where an id says that there is none. Short ones only, and short ones with spaces around, are looked at closely. */
export function isPlaceholderId(sql: SqlDialect, id: string): string {
  const words = PLACEHOLDER_IDS.map((word) => sql.literal(word)).join(", ");
  const short = `(length(${id}) < 16 OR (length(${id}) < 25 AND (${id} LIKE ' %' OR ${id} LIKE '% ')))`;
  // CASE, as engines try the parts of AND and OR in an order of their own.
  return `CASE WHEN ${short} THEN lower(trim(${id})) IN (${words}) ELSE ${id} = '00000000-0000-0000-0000-000000000000' END`;
}

/** True when the id column names the row itself (`id`, `span_id`, `message_id` in `messages`), not what several rows share. */
export function isRowId(usage: UsageRelation): boolean {
  const leaf = (name: string) =>
    (name.split(".").at(-1) ?? name).replace(/([a-z0-9])([A-Z])/g, "$1_$2").toLowerCase();
  const id = leaf(usage.columnOf("id")?.name ?? "");
  const one = leaf(usage.name).replace(/s$/, "");
  if (/^(_?id|uuid|guid)$/.test(id)) return true;
  if (/^(row|record|span|observation|message|msg|generation|response|completion|entry)_?(id|uuid)$/.test(id))
    return true;
  return id === `${one}_id` || id === `${one}id`;
}

/** True where the text is one of the names, case ignored; `*` in a name stands for any text. */
export function isNamed(sql: SqlDialect, text: string, names: readonly string[]): string {
  if (names.length === 0) return "FALSE";
  const patterns = names.map((name) =>
    name
      .trim()
      .toLowerCase()
      .replace(/[.+?^${}()|[\]\\]/g, "\\$&")
      .replaceAll("*", ".*"),
  );
  return sql.matches(`lower(COALESCE(${text}, ''))`, `^(${patterns.join("|")})$`);
}

/** Whether any row of the relation meets the condition. */
export async function anyRow(usage: UsageRelation, where: string, ctx: Asking): Promise<boolean> {
  return (await ctx.query(`SELECT 1 AS found FROM ${usage.relation} WHERE ${where} LIMIT 1`)).length > 0;
}
