/** Tells how two sources are known to record the same thing, and how far apart in time they usually do. */

import type { CheckContext } from "../contract/check.ts";
import type { Link, Series, UsageRelation } from "../contract/evidence.ts";
import { secondsOf, timestampSql } from "./activity.ts";
import { idsOf, MATCHED_MIN, type Pair, sameCalls, tokenRoles } from "./pairing.ts";

/** Half of the matched rows of sources that record together stand this near in time, in seconds. */
const TOGETHER_SECONDS = 86_400;

/** Two sources of a pair, the one that may have stopped first. */
export interface Candidate {
  stopped: Series;
  goesOn: Series;
}

/** How a pair is known to record the same thing, and how far apart in time. */
export interface Bond {
  link: Link | null;
  why: string;
  /** Seconds by which the side that goes on usually comes later; 0 or more. */
  lag: number;
}

/** The usage relation of a series, when it carries tokens. */
export const tokenUsageOf = (ctx: CheckContext, series: Series): UsageRelation | null => {
  const usage = ctx.evidence.usage.find((u) => u.name === series.name);
  return usage && tokenRoles(usage).length > 0 ? usage : null;
};

/** What ties the two together, or null when nothing does. */
export async function bondOf(
  ctx: CheckContext,
  pair: Pair,
  { stopped, goesOn }: Candidate,
): Promise<Bond | null> {
  for (const link of pair.links) {
    const sides = [link.leftTable, link.rightTable];
    const carries = (series: Series) =>
      series.form === "rows"
        ? sides.includes(series.name)
        : sides.some((name) => ctx.evidence.tables.some((t) => t.name === name && t.input === series.input));
    if (!carries(stopped) || !carries(goesOn)) continue;
    const left = ctx.evidence.tables.find((t) => t.name === link.leftTable);
    const stoppedIsLeft =
      stopped.form === "rows" ? stopped.name === link.leftTable : left?.input === stopped.input;
    const one = idsOf(ctx, ctx.evidence, link, stoppedIsLeft ? "left" : "right");
    const two = idsOf(ctx, ctx.evidence, link, stoppedIsLeft ? "right" : "left");
    if (!one || !two) continue;
    const apart = ctx.sql.seconds_between("one.time", "two.time");
    const from = Math.max(secondsOf(stopped.timeRange.from), secondsOf(goesOn.timeRange.from));
    const common = `two.time >= ${timestampSql(from)} AND two.time <= ${timestampSql(secondsOf(stopped.timeRange.to))}`;
    const rows = await ctx.query(
      `SELECT ${ctx.sql.quantile(apart, 0.5)} AS middle, ${ctx.sql.quantile(apart, 0.95)} AS late,
         count(*) FILTER (WHERE ${common}) AS n, count(one.id) FILTER (WHERE ${common}) AS matched
       FROM (${two}) AS two LEFT JOIN (${one}) AS one ON one.id = two.id WHERE two.time IS NOT NULL`,
    );
    const { middle, late, n, matched } = rows[0] ?? {};
    if (typeof middle !== "number" || Math.abs(middle) > TOGETHER_SECONDS) continue;
    // Most of what goes on had its counterpart before: a table of refunds does not record what orders do.
    if (Number(matched) === 0 || Number(matched) < MATCHED_MIN * Number(n)) continue;
    const why = `${link.leftTable}.${link.leftColumn} and ${link.rightTable}.${link.rightColumn} share ids`;
    return { link, why, lag: Math.max(0, Number(late)) };
  }
  const [a, b] = [tokenUsageOf(ctx, stopped), tokenUsageOf(ctx, goesOn)];
  if (pair.links.length > 0 || !a || !b) return null;
  const [events, table] = a.origin === "events" ? [a, b] : [b, a];
  const why = await sameCalls(ctx, events, table);
  return why ? { link: null, why, lag: 120 } : null;
}
