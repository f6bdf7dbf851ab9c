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
  /** Half the sum of the differences of all shares: 0 is the same mix, 1 shares nothing. */
  distance: number;
  /** The moment that parts the two sides, in words. */
  from: string;
  sql: string;
}

/** Rows on either side: those next to the onset, so that a change at another time does not count. */
const NEAREST = 120;
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
  return ctx.once(`mix ${column}`, () =>
    mixOf(
      `SELECT time, CAST(${column} AS VARCHAR) AS value FROM ${table.relation} WHERE is_call AND ${column} IS NOT NULL`,
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
      `SELECT named.time, named.origin AS value FROM trueup.mentions AS named
LEFT JOIN (SELECT DISTINCT input, line FROM (${told.join(" UNION ALL ")}) AS lines) AS told ON told.input = named.input AND told.line = named.line
WHERE named.input IN (${inputs}) AND named.origin IS NOT NULL AND told.line IS NULL`,
      incident,
      ctx,
    );
  });
}

async function mixOf(from: string, incident: Incident, ctx: HypothesisContext): Promise<Mix | null> {
  if (!incident.onset) return null;
  const side = (name: string, when: string, order: string) =>
    `SELECT '${name}' AS side, value FROM (SELECT value, time FROM (${from}) AS all_rows WHERE ${when} ORDER BY time ${order}, value LIMIT ${NEAREST}) AS nearest`;
  const sql = `SELECT value, before, after,
  before <= ${FRESH_MAX} * sum(before) OVER () AND after >= ${PRESENT_MIN} * sum(after) OVER () AS is_new,
  abs(before / sum(before) OVER () - after / sum(after) OVER ()) AS difference
FROM (SELECT value, count(*) FILTER (WHERE side = 'before') AS before, count(*) FILTER (WHERE side = 'after') AS after
  FROM (${side("before", beforeSql(incident), "DESC")}
  UNION ALL ${side("after", afterSql(incident), "ASC")}) AS sides GROUP BY 1) AS counts
ORDER BY after DESC, before DESC, value`;
  const rows = (await ctx.query(sql)).map((row) => ({
    value: String(row.value),
    before: Number(row.before),
    after: Number(row.after),
    isNew: row.is_new === true,
    difference: Number(row.difference ?? 0),
  }));
  const sum = (of: "before" | "after") => rows.reduce((total, row) => total + row[of], 0);
  const [before, after] = [sum("before"), sum("after")];
  if (before < SIDE_MIN || after < SIDE_MIN) return null;
  const fresh = rows.filter((row) => row.isNew);
  return {
    before,
    after,
    fresh: fresh.map((row) => row.value),
    freshShare: fresh.reduce((total, row) => total + row.after, 0) / after,
    distance: rows.reduce((total, row) => total + row.difference, 0) / 2,
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
