/** How much of a table's token record is lost, and since when: what missing and zero counts have in common. */

import type { CheckContext } from "../contract/check.ts";
import type { Instant, UsageRelation } from "../contract/evidence.ts";
import type { Onset, Timeline, Value } from "../contract/finding.ts";
import type { SqlDialect } from "../contract/sql.ts";
import { timelineOf } from "../contract/timeline.ts";
import { instantOf, secondsOf } from "./activity.ts";
import { shareShift } from "./changepoint.ts";
import { shareEpisode } from "./episode.ts";
import type { Asking } from "./once.ts";
import { trialsOf } from "./trials.ts";

export interface Loss {
  /** Successful calls, and those of them that lack what they should carry. */
  okRows: number;
  lost: number;
  /** Times of the first and the last call, of the first and the last sound one; null without times or loss. */
  start: Instant | null;
  finish: Instant | null;
  firstWith: Instant | null;
  lastWith: Instant | null;
  /** When the loss began: after the last sound call where most of it lies there, else its first row. */
  since: Instant | null;
  /** Lost rows older than the first sound one, and later than the last. */
  beforeFirst: number;
  afterLast: number;
}

/** An instant as an SQL literal. */
export function timestamp(time: Instant, sql: SqlDialect): string {
  return `TIMESTAMP ${sql.literal(time.replace(/^(\S*\d)T(\d\d:.*)Z$/, "$1 $2"))}`;
}

/** Measures a loss in three scans; where nothing is lost the first, which reads no times, is enough. `scope` are the calls that count, `defect` is true in those that lost it. */
export async function lossOf(
  usage: UsageRelation,
  scope: string,
  defect: string,
  ctx: Asking,
): Promise<Loss> {
  const [counted = {}] = await ctx.query(
    `SELECT count(*) AS ok_rows, count(*) FILTER (WHERE ${defect}) AS lost FROM ${usage.relation} WHERE ${scope}`,
  );
  const loss: Loss = {
    okRows: Number(counted.ok_rows ?? 0),
    lost: Number(counted.lost ?? 0),
    start: null,
    finish: null,
    firstWith: null,
    lastWith: null,
    since: null,
    beforeFirst: 0,
    afterLast: 0,
  };
  if (loss.lost === 0) return loss;
  const time = usage.has("time") ? "time" : "CAST(NULL AS TIMESTAMP)";
  const [all = {}] = await ctx.query(
    `SELECT min(${time}) AS start, max(${time}) AS finish,
       min(${time}) FILTER (WHERE NOT (${defect})) AS first_with, max(${time}) FILTER (WHERE NOT (${defect})) AS last_with,
       min(${time}) FILTER (WHERE ${defect}) AS first_lost
     FROM ${usage.relation} WHERE ${scope}`,
  );
  loss.start = text(all.start);
  loss.finish = text(all.finish);
  loss.firstWith = text(all.first_with);
  loss.lastWith = text(all.last_with);
  loss.since = text(all.first_lost);
  if (loss.firstWith === null || loss.lastWith === null) return loss;
  const [split = {}] = await ctx.query(
    `SELECT count(*) FILTER (WHERE time < ${timestamp(loss.firstWith, ctx.sql)}) AS before_first,
       count(*) FILTER (WHERE time > ${timestamp(loss.lastWith, ctx.sql)}) AS after_last,
       min(time) FILTER (WHERE time > ${timestamp(loss.lastWith, ctx.sql)}) AS since
     FROM ${usage.relation} WHERE ${scope} AND (${defect})`,
  );
  loss.beforeFirst = Number(split.before_first ?? 0);
  loss.afterLast = Number(split.after_last ?? 0);
  if (loss.afterLast * 2 >= loss.lost) loss.since = text(split.since);
  return loss;
}

/** Calls in flight have no counts yet, but not so many for so long. */
const IN_FLIGHT_SECONDS = 600;
/** What fills the counts later, once a night, may not have come yet. */
export const IMPORT_LAG_SECONDS = 36 * 3600;

/** Seconds for which the newest calls all lack what the calls before them have, too surely for chance; 0 if they do not. */
export function freshLoss({ okRows, lost, afterLast, since, finish }: Loss, minRows: number): number {
  if (afterLast < minRows || since === null || finish === null) return 0;
  const before = (lost - afterLast + 0.5) / (okRows - afterLast + 1);
  const chance = okRows * before ** afterLast;
  const seconds = secondsOf(finish) - secondsOf(since);
  return chance < 1e-6 && seconds >= IN_FLIGHT_SECONDS ? seconds : 0;
}

/** All calls beside the sound ones, with a mark at the last sound one; undefined without usable times. */
export async function lossTimeline(
  usage: UsageRelation,
  scope: string,
  defect: string,
  loss: Loss,
  ctx: CheckContext,
): Promise<Timeline | undefined> {
  const { start, finish, lastWith } = loss;
  if (start === null || finish === null || Number.isNaN(Date.parse(start) + Date.parse(finish)))
    return undefined;
  return timelineOf(
    ctx,
    start,
    finish,
    [
      { name: "calls", relation: usage.relation, where: scope },
      { name: "with tokens", relation: usage.relation, where: `${scope} AND NOT (${defect})` },
    ],
    lastWith === null ? [] : [{ time: lastWith, label: "last row with tokens" }],
  );
}

/**
 * When the loss began, with an interval: between the last sound row and the first lost one where the two do not mix,
 * else where the share of lost rows changes its level, for good or for a time. A share has no rhythm of day and week, as both its parts have it.
 */
export async function lossOnset(
  usage: UsageRelation,
  scope: string,
  defect: string,
  loss: Loss,
  ctx: CheckContext,
): Promise<Onset> {
  const { start, finish, firstWith, lastWith, since, lost, beforeFirst } = loss;
  const onset = (earliest: Instant | null, latest: Instant | null, kind: Onset["kind"] = "began"): Onset => ({
    earliest,
    latest,
    kind,
    sources: [usage.name],
    scope,
    defect,
  });
  if (start === null || finish === null || since === null) return onset(null, null);
  if (firstWith === null || lastWith === null) return onset(start, start);
  if (beforeFirst >= 0.95 * lost) return onset(firstWith, firstWith, "ended");
  if (since > lastWith) return onset(lastWith, since);
  const range = { from: secondsOf(start), to: secondsOf(finish) };
  const trials = await trialsOf(ctx, usage.relation, range, scope, defect);
  const shift = shareShift(trials, { min_rows: 5, min_seconds: 0, min_change: 0.1 });
  if (shift && shift.after > shift.before) return onset(instantOf(shift.earliest), instantOf(shift.latest));
  const episode = shareEpisode(trials);
  if (episode)
    return {
      ...onset(instantOf(episode.earliest), instantOf(episode.latest)),
      until: instantOf(episode.until),
    };
  return onset((await firstPossible(usage, scope, defect, start, since, ctx)) ?? start, since);
}

/**
 * The earliest moment at which a partial loss can have begun, given its first lost call: had it begun so many calls
 * earlier that one of them would have been lost with a chance of 95 %, that one would be the first. Null when there are
 * fewer calls before it than that.
 */
async function firstPossible(
  usage: UsageRelation,
  scope: string,
  defect: string,
  start: Instant,
  since: Instant,
  ctx: Asking,
): Promise<Instant | null> {
  if (since <= start) return null;
  const first = timestamp(since, ctx.sql);
  const [row = {}] = await ctx.query(
    `SELECT count(*) AS calls, count(*) FILTER (WHERE ${defect}) AS lost FROM ${usage.relation} WHERE ${scope} AND time >= ${first}`,
  );
  const kept = 1 - Number(row.lost ?? 0) / Math.max(1, Number(row.calls ?? 0));
  const calls = kept <= 0 ? 1 : Math.max(1, Math.ceil(Math.log(0.05) / Math.log(Math.min(kept, 0.9999))));
  const [earlier = {}] = await ctx.query(
    `SELECT min(time) AS time, count(*) AS n FROM (
       SELECT time FROM ${usage.relation} WHERE ${scope} AND time < ${first} ORDER BY time DESC LIMIT ${calls}) AS before_it`,
  );
  return Number(earlier.n ?? 0) < calls ? null : text(earlier.time);
}

function text(value: Value | undefined): Instant | null {
  return typeof value === "string" ? value : null;
}
