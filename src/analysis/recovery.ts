/** Finds the token counts of rows that lack them in other tables and logs; only one-to-one matches count. */

import type { CheckContext } from "../contract/check.ts";
import type { Link, UsageRelation } from "../contract/evidence.ts";
import type { RepairPlan } from "../contract/repair.ts";
import { TOKEN_ROLES, type TokenRole } from "../contract/roles.ts";
import { secondsSql } from "./activity.ts";
import { noTokens } from "./scope.ts";

/** A line of a log belongs to a call that ended within this time of it. */
const NEAR_SECONDS = 120;
/** Clocks of one system differ by less. */
const SKEW_SECONDS = 5;
/** Of rows that have counts on both sides, this share must agree, or the two record different things. */
const AGREE_MIN = 0.9;

interface Source {
  usage: UsageRelation;
  /** By the id of a row, by the ids that lines of a log mention, or by time alone. */
  how: "id" | "line" | "time";
  roles: TokenRole[];
}

/** What is said of each way: where the counts come from, and why a row without a single match is lost. */
const TOLD: Record<Source["how"], { how: (name: string) => string; none: string; several: string }> = {
  id: {
    how: (name) => `The counts are those of the row with the same id in ${name}.`,
    none: "no row with its id has counts",
    several: "several rows with its id have different counts",
  },
  line: {
    how: (name) =>
      `The counts are those of the line of ${name} that mentions the row's id, or that stands between two lines that do.`,
    none: "no line with its id has counts",
    several: "several lines with its id have different counts",
  },
  time: {
    how: (name) => `The counts are those of the only line of ${name} within two minutes of the call's end.`,
    none: "no line within two minutes has counts",
    several: "several calls or lines lie within two minutes",
  },
};

/**
 * A plan for the rows of `usage` where `scope` holds and no token count stands. Of the sources that could have them the
 * one with most one-to-one matches is taken; rows without such a match are lost. Null when no row can be addressed.
 */
export async function recoveryPlan(
  usage: UsageRelation,
  scope: string,
  ctx: CheckContext,
): Promise<RepairPlan | null> {
  const key = usage.columnOf("id")?.name;
  if (key === undefined) return null;
  const missing = `${scope} AND ${noTokens(usage)}`;
  let best: { source: Source; matches: number } | null = null;
  for (const source of sourcesOf(usage, ctx)) {
    const matches = await matchesOf(usage, source, missing, ctx);
    if (matches > (best?.matches ?? 0)) best = { source, matches };
  }
  const roles = best?.source.roles ?? TOKEN_ROLES.filter((role) => usage.has(role));
  const plan = {
    table: usage.name,
    key,
    columns: roles.map((role) => usage.columnOf(role)?.name ?? role),
    guard: "unfilled" as const,
    among: null,
  };
  const olds = roles.map((role, i) => `w.${role} AS old_${i}`).join(", ");
  if (!best)
    return {
      ...plan,
      rows: `SELECT w.id AS key, ${olds}, ${roles.map((_, i) => `CAST(NULL AS BIGINT) AS new_${i}`).join(", ")},
        'no other table or log has its counts' AS lost FROM ${usage.relation} AS w WHERE ${missing}`,
      how: "No other table or log at hand has these counts.",
    };
  const { source } = best;
  const { how, none, several } = TOLD[source.how];
  return {
    ...plan,
    rows: `WITH ${matchedSql(usage, source, ctx)} SELECT w.id AS key, ${olds}, ${roles.map((_, i) => `m.new_${i}`).join(", ")},
      CASE WHEN m.row_matched IS NULL THEN '${none}' WHEN NOT m.single THEN '${several}' END AS lost
      FROM (SELECT * FROM ${usage.relation} WHERE ${missing}) AS w LEFT JOIN matched AS m ON m.row_matched = w.row`,
    how: how(source.usage.name),
  };
}

function sourcesOf(usage: UsageRelation, ctx: CheckContext): Source[] {
  const sources: Source[] = [];
  for (const one of ctx.evidence.usage) {
    if (one.name === usage.name || one.grain !== null) continue;
    const roles = TOKEN_ROLES.filter((role) => usage.has(role) && (one.has(role) || isSum(one, role)));
    if (roles.length === 0) continue;
    if (one.has("id")) sources.push({ usage: one, how: "id", roles });
    const mentioned = ctx.evidence.links.some(
      (link) =>
        link.how === "mentions" && touches(link, usage.name) && touches(link, `${one.table.input}.lines`),
    );
    if (one.origin === "events" && mentioned) sources.push({ usage: one, how: "line", roles });
    if (one.origin === "events" && one.has("time") && usage.has("time"))
      sources.push({ usage: one, how: "time", roles });
  }
  return sources;
}

const touches = ({ leftTable, rightTable }: Link, name: string) => leftTable === name || rightTable === name;

/** A total can be had from input and output. */
const isSum = (usage: UsageRelation, role: TokenRole) =>
  role === "total_tokens" && usage.has("input_tokens", "output_tokens");

const countOf = (usage: UsageRelation, role: TokenRole) =>
  usage.has(role) ? role : "(input_tokens + output_tokens)";

/** CTEs that end in `matched(row_matched, single, new_0 …)`: a row per row of `usage` with candidates. */
function matchedSql(usage: UsageRelation, source: Source, ctx: CheckContext): string {
  const { usage: other, roles } = source;
  const values = roles.map((role, i) => `${countOf(other, role)} AS new_${i}`).join(", ");
  const some = roles.map((role) => `COALESCE(${countOf(other, role)}, 0) > 0`).join(" OR ");
  const news = roles.map((_, i) => `max(new_${i}) AS new_${i}`).join(", ");
  if (source.how !== "time") {
    const given =
      source.how === "line"
        ? linesSql(usage, source, ctx)
        : `given AS (SELECT id AS given_id, ${values} FROM ${other.relation} WHERE id IS NOT NULL AND (${some}))`;
    return `${given},
      matched AS (SELECT row AS row_matched, ${roles.map((_, i) => `min(new_${i}) IS NOT DISTINCT FROM max(new_${i})`).join(" AND ")} AS single, ${news}
        FROM ${usage.relation} JOIN given ON given_id = id GROUP BY row)`;
  }
  const end = usage.has("end_time") ? "COALESCE(end_time, time)" : "time";
  const slot = (seconds: string) => `CAST(floor((${seconds}) / ${NEAR_SECONDS}) AS BIGINT)`;
  return `lines AS (SELECT row AS line_row, ${secondsSql(ctx, "time")} AS said, ${values} FROM ${other.relation}
        WHERE time IS NOT NULL AND (${some})),
      slots AS (SELECT *, ${slot("said")} AS slot FROM lines UNION ALL SELECT *, ${slot("said")} - 1 FROM lines
        UNION ALL SELECT *, ${slot("said")} + 1 FROM lines),
      calls AS (SELECT row AS call_row, ${secondsSql(ctx, "time")} AS began, ${secondsSql(ctx, end)} AS ended FROM ${usage.relation}
        WHERE time IS NOT NULL AND is_call),
      pairs AS (SELECT * FROM calls JOIN slots ON slot = ${slot("ended")}
        WHERE said BETWEEN began - ${SKEW_SECONDS} AND ended + ${NEAR_SECONDS} AND said >= ended - ${NEAR_SECONDS}),
      counted AS (SELECT *, count(*) OVER (PARTITION BY call_row) AS of_call, count(*) OVER (PARTITION BY line_row) AS of_line FROM pairs),
      matched AS (SELECT call_row AS row_matched, max(of_call) = 1 AND max(of_line) = 1 AS single, ${news} FROM counted GROUP BY call_row)`;
}

/**
 * CTEs that end in `given(given_id, new_0 …)`: the lines with counts, each with the id that it or both the lines before
 * and after it mention. Where those name different ids, several calls are under way and the line is no one's.
 */
function linesSql(usage: UsageRelation, { usage: other, roles }: Source, ctx: CheckContext): string {
  const of = (role: TokenRole) => other.columnOf(role)?.expression ?? "NULL";
  const counts = roles.map((role) =>
    other.has(role) ? `(${of(role)})` : `((${of("input_tokens")}) + (${of("output_tokens")}))`,
  );
  const news = roles.map((_, i) => `new_${i}`).join(", ");
  return `counted AS (SELECT line, ${counts.map((count, i) => `${count} AS new_${i}`).join(", ")} FROM ${other.table.relation}
        WHERE ${counts.map((count) => `COALESCE(${count}, 0) > 0`).join(" OR ")}),
      named AS (SELECT line, CASE WHEN count(*) = 1 THEN min(id) END AS id FROM trueup.mentions
        WHERE input = ${ctx.sql.literal(other.table.input)} AND id IN (SELECT id FROM ${usage.relation}) GROUP BY line),
      around AS (SELECT line, is_counted,
          max(named_line) OVER (ORDER BY line ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS before_line,
          min(named_line) OVER (ORDER BY line ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS after_line
        FROM (SELECT COALESCE(named.line, counted.line) AS line, named.line AS named_line, counted.line IS NOT NULL AS is_counted
              FROM named FULL JOIN counted ON counted.line = named.line) AS lines_seen),
      given AS (SELECT before_one.id AS given_id, ${news} FROM around JOIN counted ON counted.line = around.line
        JOIN named AS before_one ON before_one.line = before_line
        JOIN named AS after_one ON after_one.line = after_line AND after_one.id = before_one.id WHERE is_counted)`;
}

/** How many rows the source recovers; 0 when what both sides have does not agree. */
async function matchesOf(
  usage: UsageRelation,
  source: Source,
  missing: string,
  ctx: CheckContext,
): Promise<number> {
  const agrees = source.roles.map((role, i) => `${role} = new_${i}`).join(" AND ");
  const [row = {}] = await ctx.query(
    `WITH ${matchedSql(usage, source, ctx)} SELECT count(*) FILTER (WHERE ${missing}) AS matches,
       count(*) FILTER (WHERE NOT (${noTokens(usage)})) AS peers,
       count(*) FILTER (WHERE NOT (${noTokens(usage)}) AND ${agrees}) AS agreeing
     FROM ${usage.relation} JOIN matched ON row_matched = row WHERE single`,
  );
  const [matches, peers, agreeing] = [row.matches, row.peers, row.agreeing].map(Number) as [
    number,
    number,
    number,
  ];
  if (peers > 0 && agreeing < AGREE_MIN * peers) return 0;
  // Nearness in time alone proves nothing: counts that agree, or ids that both carry, must tie the two.
  const tied = ctx.evidence.links.some(
    ({ leftTable, rightTable }) =>
      [leftTable, rightTable].includes(usage.name) &&
      [leftTable, rightTable].some((name) => name.startsWith(`${source.usage.table.input}.`)),
  );
  return source.how !== "time" || peers > 0 || tied ? matches : 0;
}
