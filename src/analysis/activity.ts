/** Reads when a source was active: counts per bucket of time, so that statistics never see single rows. */

import type { CheckContext } from "../contract/check.ts";
import type { Evidence, Instant } from "../contract/evidence.ts";

/** One bucket that holds something. Times are seconds since 1970, UTC. */
export interface Bucket {
  first: number;
  last: number;
  n: number;
}

/** When a source was active: its buckets in order, without the empty ones. */
export interface Activity {
  /** Seconds per bucket. */
  width: number;
  buckets: Bucket[];
  /** Rows in all buckets. */
  total: number;
}

/** Bucket widths in seconds; the finest that keeps the number of buckets bounded is used. */
const WIDTHS = [1, 10, 60, 300, 900, 3600, 21600, 86400, 604800] as const;
const BUCKETS_MAX = 20_000;

/** Rows later than this after `now` are no evidence of when a source was active: their clock is wrong. */
const FUTURE_SECONDS = 86_400;
/** 1971: earlier times are epoch zero and its time zones, never when something was recorded. */
const PAST_SECONDS = 365 * 86_400;

/** `2025-11-23T16:30:35Z` → seconds since 1970. */
export const secondsOf = (instant: Instant): number => Date.parse(instant) / 1000;

/** Seconds since 1970 → `2025-11-23T16:30:35Z`, with milliseconds only where there are any. */
export function instantOf(seconds: number): Instant {
  return new Date(Math.round(seconds * 1000)).toISOString().replace(/\.000Z$/, "Z");
}

/** A TIMESTAMP literal for seconds since 1970. */
export function timestampSql(seconds: number): string {
  return `TIMESTAMP '${new Date(Math.round(seconds * 1000)).toISOString().replace("T", " ").replace("Z", "")}'`;
}

/** The SQL that turns `time` into seconds since 1970. */
export function secondsSql(ctx: CheckContext, time: string): string {
  return ctx.sql.seconds_between("TIMESTAMP '1970-01-01 00:00:00'", time);
}

/** The last instant that counts as evidence, in seconds: a little after now, since clocks and zones differ. */
export const horizonOf = (ctx: CheckContext): number => secondsOf(ctx.now) + FUTURE_SECONDS;

/** Several checks ask when the same source was active; the evidence of a run does not change. */
const known = new WeakMap<Evidence, Map<string, Promise<Activity>>>();

/**
 * When the rows of a relation with a column `time` happened, in at most 20,000 buckets; read once per run.
 * Rows before 1971 or after the horizon are left out, and so is a far outlier before everything else.
 */
export function activityOf(ctx: CheckContext, relation: string): Promise<Activity> {
  const ofRun = known.get(ctx.evidence) ?? new Map<string, Promise<Activity>>();
  known.set(ctx.evidence, ofRun);
  const activity = ofRun.get(relation) ?? readActivity(ctx, relation);
  ofRun.set(relation, activity);
  return activity;
}

async function readActivity(ctx: CheckContext, relation: string): Promise<Activity> {
  const inside = (from: number) =>
    `time >= ${timestampSql(from)} AND time <= ${timestampSql(horizonOf(ctx))}`;
  const range = await ctx.query(
    `SELECT ${secondsSql(ctx, "min(time)")} AS first, ${secondsSql(ctx, "max(time)")} AS last
     FROM ${relation} WHERE ${inside(PAST_SECONDS)}`,
  );
  const first = range[0]?.first;
  const last = range[0]?.last;
  if (typeof first !== "number" || typeof last !== "number") return { width: 1, buckets: [], total: 0 };
  const activity = await bucketsOf(ctx, relation, inside(first), last - first);
  const start = afterOutlier(activity);
  return start === null ? activity : bucketsOf(ctx, relation, inside(start), last - start);
}

async function bucketsOf(
  ctx: CheckContext,
  relation: string,
  where: string,
  span: number,
): Promise<Activity> {
  const width = WIDTHS.find((seconds) => span / seconds <= BUCKETS_MAX) ?? 604800;
  const rows = await ctx.query(
    `SELECT ${secondsSql(ctx, "min(time)")} AS first, ${secondsSql(ctx, "max(time)")} AS last, count(*) AS n
     FROM ${relation} WHERE ${where} GROUP BY floor(${secondsSql(ctx, "time")} / ${width}) ORDER BY 1`,
  );
  const buckets = rows.map((r) => ({ first: Number(r.first), last: Number(r.last), n: Number(r.n) }));
  return { width, buckets, total: buckets.reduce((sum, b) => sum + b.n, 0) };
}

/** Where the activity proper begins, when under 1 % of the rows stand before a silence of over 80 % of the span. */
function afterOutlier({ buckets, total }: Activity): number | null {
  const span = (buckets.at(-1)?.last ?? 0) - (buckets[0]?.first ?? 0);
  let before = 0;
  for (let i = 1; i < buckets.length; i++) {
    before += buckets[i - 1]!.n;
    if (before > total / 100) return null;
    if (buckets[i]!.first - buckets[i - 1]!.last > span * 0.8) return buckets[i]!.first;
  }
  return null;
}
