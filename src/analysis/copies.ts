/** The SQL that finds copies of records: rows of one id, and rows of one content under other ids. */

import type { UsageRelation } from "../contract/evidence.ts";
import type { Role } from "../contract/roles.ts";
import type { SqlDialect } from "../contract/sql.ts";
import { type Asking, oncePerRelation } from "./once.ts";
import { isPlaceholderId, tokenRoles } from "./scope.ts";

/** Snapshots of one response follow each other within this many seconds. */
const RESPONSE_SECONDS_MAX = 900;
/** Below these a pair of counts is too common to tell a copy from another call. */
const CONTENT_TOKENS_MIN = 20;
const CONTENT_OUTPUT_MIN = 5;

/** The columns that make an id one record's: ids may be unique only within a session. */
export function idKeys(usage: UsageRelation): Role[] {
  return usage.has("session_id") ? ["session_id", "id"] : ["id"];
}

/** True in rows with an id that means something. */
export function hasId(sql: SqlDialect): string {
  return `id IS NOT NULL AND NOT ${isPlaceholderId(sql, "id")}`;
}

/** True when an id may stand on several rows: counted over hashes. */
export const idsRepeat = oncePerRelation(readRepeats);

async function readRepeats(usage: UsageRelation, ctx: Asking): Promise<boolean> {
  const repeated = async (scope: string) => {
    const [seen = {}] = await ctx.query(
      `SELECT count(*) AS n, count(DISTINCT ${ctx.sql.hash(idKeys(usage))}) AS ids FROM ${usage.relation} WHERE ${scope}`,
    );
    return Number(seen.n ?? 0) > Number(seen.ids ?? 0);
  };
  // Where nothing repeats, which ids mean something need not be asked.
  return (await repeated("id IS NOT NULL")) && repeated(hasId(ctx.sql));
}

/**
 * CTEs that end in `classes(d0 …, class)`, one row per id that repeats, and `joined`, the rows of those ids.
 * same: copies with equal tokens; chain, grown: the output rises from row to row, over more than two values or
 * just two; other: several successful calls that differ; attempts: the rest.
 */
export function idClasses(usage: UsageRelation, sql: SqlDialect): string {
  const keys = idKeys(usage);
  const tokens = tokenRoles(usage);
  const equal = (role: Role) =>
    `(count(${role}) = 0 OR (count(${role}) = count(*) AND min(${role}) = max(${role})))`;
  const same = [...tokens, ...(usage.has("model") ? (["model"] as const) : [])].map(equal);
  const carries = tokens.map((role) => `max(${role}) > 0`).join(" OR ") || "FALSE";
  const time = usage.has("time");
  const brief = time
    ? `COALESCE(${sql.seconds_between("min(time)", "max(time)")}, 0) <= ${RESPONSE_SECONDS_MAX}`
    : "TRUE";
  const output = usage.has("output_tokens");
  const before = output
    ? `lag(output_tokens) OVER (PARTITION BY ${keys.join(", ")} ORDER BY ${time ? "time, row" : "row"})`
    : "NULL";
  const grows = output
    ? `min(CASE WHEN output_tokens < before THEN 0 ELSE 1 END) = 1 AND count(DISTINCT output_tokens) > 1
         AND ${usage.has("input_tokens") ? equal("input_tokens") : "TRUE"} AND ${brief}`
    : "FALSE";
  return `repeated AS (SELECT ${keys.map((key, i) => `${key} AS d${i}`).join(", ")} FROM ${usage.relation}
      WHERE ${hasId(sql)} GROUP BY ${keys.join(", ")} HAVING count(*) > 1),
    joined AS (SELECT r.* FROM ${usage.relation} AS r JOIN repeated ON ${keys
      .map((key, i) => `r.${key} IS NOT DISTINCT FROM d${i}`)
      .join(" AND ")}),
    classes AS (SELECT ${keys.map((key, i) => `${key} AS d${i}`).join(", ")}, CASE
        WHEN (${carries}) AND count(*) FILTER (WHERE is_call) IN (0, count(*)) AND ${same.join(" AND ") || "TRUE"} THEN 'same'
        WHEN ${grows} THEN CASE WHEN count(DISTINCT ${output ? "output_tokens" : "row"}) > 2 THEN 'chain' ELSE 'grown' END
        WHEN count(*) FILTER (WHERE ok AND is_call) > 1 THEN 'other' ELSE 'attempts' END AS class
      FROM (SELECT *, ${before} AS before FROM joined) AS ordered GROUP BY ${keys.join(", ")})`;
}

/** CTEs that end in `copies`: the rows of ids of these classes, with `record` (the id's first row) and `place` (1: keep). */
export function idCopies(usage: UsageRelation, sql: SqlDialect, classes: readonly string[]): string {
  const keys = idKeys(usage);
  const own = keys.map((key) => `r.${key}`).join(", ");
  return `${idClasses(usage, sql)},
    copies AS (SELECT r.*, min(r.row) OVER (PARTITION BY ${own}) AS record,
        row_number() OVER (PARTITION BY ${own} ORDER BY ${largest(usage)}) AS place
      FROM joined AS r JOIN classes ON ${keys.map((key, i) => `r.${key} IS NOT DISTINCT FROM d${i}`).join(" AND ")}
      WHERE class IN (${classes.map((one) => sql.literal(one)).join(", ")}))`;
}

/** Of copies, the one with the largest output is complete. */
function largest(usage: UsageRelation): string {
  const by = usage.has("output_tokens") ? "output_tokens" : tokenRoles(usage)[0];
  return by ? `COALESCE(r.${by}, -1) DESC, r.row` : "r.row";
}

/** True in calls whose counts are distinctive enough to compare. */
export const CONTENT_SCOPE = `is_call AND time IS NOT NULL AND input_tokens > 0 AND output_tokens >= ${CONTENT_OUTPUT_MIN}
  AND CAST(input_tokens AS DOUBLE) + output_tokens >= ${CONTENT_TOKENS_MIN}`;

/** Calls that are near each other in more than time. */
export function nearRoles(usage: UsageRelation): Role[] {
  return (["session_id", "model"] as const).filter((role) => usage.has(role));
}

/** The counts that two calls have in common when one may be a copy of the other. */
export function contentCounts(usage: UsageRelation, sql: SqlDialect): string {
  return [...(usage.has("model") ? (["model"] as const) : []), ...tokenRoles(usage)]
    .map(sql.ident)
    .join(", ");
}

/** What else they have in common. */
function contentKeys(usage: UsageRelation): Role[] {
  const alike = (["provider", "user", "status", "cost", "parent_id"] as const).filter((role) =>
    usage.has(role),
  );
  return [...nearRoles(usage), ...alike, ...tokenRoles(usage)];
}

/** A query of the pairs of counts (k_in, k_out) of calls whose counts agree with another's within a second: mostly none. */
export function contentCandidates(usage: UsageRelation, sql: SqlDialect): string {
  return `SELECT DISTINCT input_tokens AS k_in, output_tokens AS k_out
    FROM (SELECT input_tokens, output_tokens, time, lag(time) OVER (PARTITION BY input_tokens, output_tokens ORDER BY time) AS before
      FROM ${usage.relation} WHERE ${CONTENT_SCOPE}) AS ordered WHERE ${sql.seconds_between("before", "time")} <= 1`;
}

/**
 * CTEs that end in `copies`: calls that agree in session, model, time (±1 s), all counts and whatever else they
 * record, under different ids, with `record` and `place` as `idCopies`. `runs` holds each group of such calls, single
 * ones included. Counts that occur mostly alone elsewhere are a repeated call, not a copied one; and where many calls
 * share a second, a few that agree are chance.
 */
export function contentCopies(usage: UsageRelation, sql: SqlDialect): string {
  const quoted = (roles: readonly Role[]) => roles.map((role) => sql.ident(role)).join(", ");
  const near = nearRoles(usage);
  const equal = quoted(contentKeys(usage));
  const counts = contentCounts(usage, sql);
  const fresh = [`lag(time) OVER w IS NULL`, `${sql.seconds_between("lag(time) OVER w", "time")} > 1`];
  if (usage.has("id")) fresh.push("id = lag(id) OVER w");
  if (usage.has("end_time")) {
    fresh.push("(end_time IS NULL) <> (lag(end_time) OVER w IS NULL)");
    fresh.push(`abs(${sql.seconds_between("lag(end_time) OVER w", "end_time")}) > 1`);
  }
  const nearBy = (prefix: string) => near.map((role) => `${prefix}.${role}`);
  return `candidates AS (${contentCandidates(usage, sql)}),
    base AS (SELECT r.* FROM ${usage.relation} AS r JOIN candidates ON input_tokens = k_in AND output_tokens = k_out
      WHERE ${CONTENT_SCOPE}),
    steps AS (SELECT *, CASE WHEN ${fresh.join(" OR ")} THEN 1 ELSE 0 END AS fresh
      FROM base WINDOW w AS (PARTITION BY ${equal} ORDER BY time, row)),
    numbered AS (SELECT *, sum(fresh) OVER (PARTITION BY ${equal} ORDER BY time, row ROWS UNBOUNDED PRECEDING) AS run FROM steps),
    placed AS (SELECT *, min(row) OVER (PARTITION BY ${equal}, run) AS record FROM numbered),
    grouped AS (SELECT ${[...near, ...tokenRoles(usage)].map((role) => `min(${role}) AS ${role}`).join(", ")}, record,
        count(*) AS n, min(time) AS t0, max(time) AS t1 FROM placed GROUP BY record),
    runs AS (SELECT *, count(*) OVER (PARTITION BY ${counts}) AS all_runs,
        count(CASE WHEN n > 1 THEN 1 END) OVER (PARTITION BY ${counts}) AS copied_runs FROM grouped),
    doubled AS (SELECT *, ${sql.bucket("t0", 1)} AS moment FROM runs
      WHERE n > 1 AND copied_runs * 2 >= all_runs AND ${sql.seconds_between("t0", "t1")} <= 2),
    crowds AS (SELECT ${[...nearBy("r").map((c, i) => `${c} AS c${i}`), `${sql.bucket("time", 1)} AS crowd_moment`, "count(*) AS crowd"].join(", ")}
      FROM ${usage.relation} AS r WHERE ${CONTENT_SCOPE} AND ${sql.bucket("time", 1)} IN (SELECT moment FROM doubled)
      GROUP BY ${[...nearBy("r"), sql.bucket("time", 1)].join(", ")}),
    kept AS (SELECT record AS kept_record, sum(n) OVER (PARTITION BY ${[...near, "moment"].join(", ")}) AS alike, crowd
      FROM doubled JOIN crowds ON crowd_moment = moment${near.map((role, i) => ` AND doubled.${role} IS NOT DISTINCT FROM c${i}`).join("")}),
    copies AS (SELECT r.*, row_number() OVER (PARTITION BY record ORDER BY ${largest(usage)}) AS place
      FROM placed AS r JOIN kept ON record = kept_record WHERE alike * 2 >= crowd)`;
}
