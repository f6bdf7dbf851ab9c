/** How a mix of values (models, providers, loggers) stands right before and right after the onset. */

import type { UsageRelation } from "../../contract/evidence.ts";
import type { HypothesisContext, Incident } from "../../contract/hypothesis.ts";
import { number, percent } from "../../contract/wording.ts";
import { tokenLinesSql } from "./named.ts";
import { afterSql, beforeSql, onsetText } from "./window.ts";

export interface Mix {
  before: number;
  after: number;
  /** Values that hardly stood before the onset, the most frequent first, and their share after it. */
  fresh: string[];
  freshShare: number;
  /** By how much the share of any value moves at most: 0 is the same mix. */
  distance: number;
  /** The moment that parts the two sides, in words. */
  from: string;
  sql: string;
}

/** Rows on either side: those next to the onset, so that a change at another time does not count. */
const NEAREST = 120;
/** Lines of a row that are read to find its values, on average. */
const VALUES_PER_UNIT = 10;
/** Fewer on a side are no mix. */
const SIDE_MIN = 5;
/** A value with at most this share before, and at least the other after, is new. */
const FRESH_MAX = 0.02;
const PRESENT_MIN = 0.05;

/** A change of a mix: so much of what comes after was not there before. */
export const FRESH_MIN = 0.3;
/** Mixes that differ by less than this are the same. */
export const SAME_MAX = 0.2;

/** The mix of a column of the table's calls. */
export function mixOfColumn(
  incident: Incident,
  table: UsageRelation,
  column: string,
  ctx: HypothesisContext,
): Promise<Mix | null> {
  return ctx.once(`mix of ${table.name} ${column}`, () =>
    mixOf(
      `SELECT row AS unit, time, CAST(${column} AS VARCHAR) AS value FROM ${table.relation} WHERE is_call AND ${column} IS NOT NULL`,
      incident,
      ctx,
    ),
  );
}

/** The mix of loggers, functions or endpoints in the lines that name rows of the table; token lines are left out. */
export function mixOfOrigins(incident: Incident, ctx: HypothesisContext): Promise<Mix | null> {
  return ctx.once("mix of origins", async () => {
    if (incident.logs.length === 0) return null;
    const inputs = incident.logs.map((log) => ctx.sql.literal(log.input)).join(", ");
    const told = [tokenLinesSql(incident, ctx), "SELECT input, line FROM trueup.near_misses"].filter(
      (sql) => sql !== null,
    );
    return mixOf(
      `SELECT named.id AS unit, named.time, named.origin AS value FROM trueup.mentions AS named
LEFT JOIN (SELECT DISTINCT input, line FROM (${told.join(" UNION ALL ")}) AS lines) AS told ON told.input = named.input AND told.line = named.line
WHERE named.input IN (${inputs}) AND named.origin IS NOT NULL AND told.line IS NULL`,
      incident,
      ctx,
    );
  });
}

/** `from` yields (unit, time, value): of a row that stands in several lines, each value counts once. */
async function mixOf(from: string, incident: Incident, ctx: HypothesisContext): Promise<Mix | null> {
  if (!incident.onset) return null;
  const rows = (when: string, order: string) =>
    `SELECT unit, value, time FROM (${from}) AS all_rows WHERE ${when} ORDER BY time ${order}, unit, value LIMIT ${NEAREST * VALUES_PER_UNIT}`;
  const side = (name: string, order: string) =>
    `SELECT '${name}' AS side, unit, value FROM ${name}_rows WHERE unit IN (
    SELECT unit FROM ${name}_rows GROUP BY 1 ORDER BY ${order}, unit LIMIT ${NEAREST})`;
  const count = (name: string) => `count(DISTINCT unit) FILTER (WHERE side = '${name}')`;
  const sql = `WITH before_rows AS (${rows(beforeSql(incident), "DESC")}),
after_rows AS (${rows(afterSql(incident), "ASC")}),
sides AS (${side("before", "max(time) DESC")}
  UNION ALL ${side("after", "min(time) ASC")}),
totals AS (SELECT ${count("before")} AS all_before, ${count("after")} AS all_after FROM sides),
shares AS (SELECT value, before, after, all_before, all_after, abs(before / all_before - after / all_after) AS difference,
  before <= ${FRESH_MAX} * all_before AND after >= ${PRESENT_MIN} * all_after AS is_new
  FROM (SELECT value, ${count("before")} AS before, ${count("after")} AS after FROM sides GROUP BY 1) AS counts CROSS JOIN totals)
SELECT *, (SELECT ${count("after")} FROM sides WHERE value IN (SELECT value FROM shares WHERE is_new)) AS with_new
FROM shares ORDER BY after DESC, before DESC, value`;
  const values = await ctx.query(sql);
  const [first] = values;
  const [before, after] = [Number(first?.all_before ?? 0), Number(first?.all_after ?? 0)];
  if (before < SIDE_MIN || after < SIDE_MIN) return null;
  return {
    before,
    after,
    fresh: values.filter((row) => row.is_new === true).map((row) => String(row.value)),
    freshShare: Number(first?.with_new ?? 0) / after,
    distance: Math.max(...values.map((row) => Number(row.difference ?? 0))),
    from: onsetText(incident),
    sql,
  };
}

/** `from 2025-11-23 16:30:35 on, 95 % of the next 120 calls have "mock", which the 120 before it hardly have`. */
export function changedText(mix: Mix, what: string): string {
  const values = mix.fresh.slice(0, 3).map((value) => `"${value}"`);
  const more = mix.fresh.length > 3 ? ` and ${number(mix.fresh.length - 3)} more` : "";
  return `from ${mix.from} on, ${percent(mix.freshShare)} of the next ${number(mix.after)} ${what} have ${values.join(", ")}${more}, which the last ${number(mix.before)} before hardly have`;
}
