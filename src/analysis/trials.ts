/** Cuts a source into spans of time and counts in each what a share is made of. */

import type { CheckContext } from "../contract/check.ts";
import type { UsageRelation } from "../contract/evidence.ts";
import { horizonOf, secondsSql, timestampSql } from "./activity.ts";
import type { Trials } from "./changepoint.ts";
import type { Span } from "./rhythm.ts";

/** Spans a source is cut into: fine enough for a moment, few enough for JavaScript. */
const SPANS_MAX = 1000;
/** Values of a column that are followed by name; the others are counted together. */
const VALUES_MAX = 12;
export const OTHERS = "(others)";

const spanSql = (ctx: CheckContext, range: Span) =>
  `floor((${secondsSql(ctx, "time")} - ${range.from}) / ${Math.max(1, (range.to - range.from) / SPANS_MAX)})`;

const inside = (ctx: CheckContext, range: Span) =>
  `time >= ${timestampSql(range.from)} AND time <= ${timestampSql(horizonOf(ctx))}`;

/** The spans of a relation with a column `time` that hold something in `scope`; `k` counts the rows of a condition. */
export async function trialsOf(
  ctx: CheckContext,
  relation: string,
  range: Span,
  scope: string,
  condition: string,
): Promise<Trials[]> {
  const rows = await ctx.query(
    `SELECT ${spanSql(ctx, range)} AS span, ${secondsSql(ctx, "min(time)")} AS first, ${secondsSql(ctx, "max(time)")} AS last,
       count(*) AS n, count(*) FILTER (WHERE ${condition}) AS k
     FROM ${relation} WHERE ${inside(ctx, range)} AND (${scope}) GROUP BY 1 ORDER BY 1`,
  );
  return rows.map((r) => ({ from: Number(r.first), to: Number(r.last), n: Number(r.n), k: Number(r.k) }));
}

/** A span and how often each value stands in it. */
export interface MixedSpan extends Span {
  n: number;
  values: Map<string, number>;
}

/** The most frequent values of a column, and the spans that hold any. */
export async function mixOf(
  ctx: CheckContext,
  usage: UsageRelation,
  column: string,
  range: Span,
  scope: string,
): Promise<{ values: string[]; spans: MixedSpan[] }> {
  const where = `${inside(ctx, range)} AND (${scope})`;
  const top = await ctx.query(
    `SELECT ${column} AS value, count(*) AS n FROM ${usage.relation} WHERE ${where}
     GROUP BY 1 ORDER BY n DESC, 1 LIMIT ${VALUES_MAX}`,
  );
  const values = top.map((row) => String(row.value));
  if (values.length < 2) return { values, spans: [] };
  const listed = values.map((value) => ctx.sql.literal(value)).join(", ");
  const named =
    values.length < VALUES_MAX
      ? column
      : `CASE WHEN ${column} IN (${listed}) THEN ${column} ELSE ${ctx.sql.literal(OTHERS)} END`;
  const rows = await ctx.query(
    `SELECT ${spanSql(ctx, range)} AS span, ${named} AS value,
       ${secondsSql(ctx, "min(time)")} AS first, ${secondsSql(ctx, "max(time)")} AS last, count(*) AS n
     FROM ${usage.relation} WHERE ${where} GROUP BY 1, 2 ORDER BY 1, 2`,
  );
  const spans = new Map<number, MixedSpan>();
  for (const row of rows) {
    const [from, to, n] = [Number(row.first), Number(row.last), Number(row.n)];
    const span = spans.get(Number(row.span)) ?? { from, to, n: 0, values: new Map<string, number>() };
    spans.set(Number(row.span), span);
    span.from = Math.min(span.from, from);
    span.to = Math.max(span.to, to);
    span.n += n;
    span.values.set(String(row.value), n);
  }
  return { values, spans: [...spans.values()] };
}
