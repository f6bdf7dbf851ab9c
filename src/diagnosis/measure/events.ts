/** What happened to the program around the onset: restarts, versions, deploys, commits and failures. */

import { instantOf, secondsOf, timestampSql } from "../../analysis/activity.ts";
import type { Event, HypothesisContext, Incident } from "../../contract/hypothesis.ts";
import { instant } from "../../contract/wording.ts";

/** Markers of one incident are read up to here. */
const MARKERS_MAX = 20_000;
/** Lines of one restart stand within this many seconds. */
const CLUSTER_SECONDS = 900;

export interface Nearby {
  /** The event next to the onset, within the window; null when there is none. */
  nearest: (Event & { touches: string | null }) | null;
  /** All of them in the window, and in all the evidence. */
  near: number;
  all: number;
  /** How likely a window this long holds one by chance, from how often they happen: 0 to 1. */
  chance: number;
  /** The window, in words. */
  from: string;
  to: string;
  sql: string;
}

/** Restart, version and deploy markers up to `restart_hours` before the onset. */
export const markersNear = (incident: Incident, ctx: HypothesisContext): Promise<Nearby | null> =>
  ctx.once("markers", () =>
    nearby(
      `SELECT kind, time, text, input AS source, NULL AS touches FROM trueup.markers
WHERE kind IN ('restart', 'version', 'deploy') AND time IS NOT NULL`,
      ctx.options.restart_hours * 3600,
      incident,
      ctx,
    ),
  );

/** Commits up to `commit_hours` before the onset. */
export const commitsNear = (incident: Incident, ctx: HypothesisContext): Promise<Nearby | null> =>
  ctx.once("commits", () =>
    nearby(
      `SELECT 'commit' AS kind, time, subject AS text, sha AS source, max(touches) AS touches FROM trueup.commits
WHERE time IS NOT NULL GROUP BY 1, 2, 3, 4`,
      ctx.options.commit_hours * 3600,
      incident,
      ctx,
    ),
  );

async function nearby(
  from: string,
  seconds: number,
  incident: Incident,
  ctx: HypothesisContext,
): Promise<Nearby | null> {
  const { onset } = incident;
  if (!onset) return null;
  const rows = await ctx.query(`${from} ORDER BY time, text, source LIMIT ${MARKERS_MAX}`);
  if (rows.length === 0) return null;
  const events = rows.map((row) => ({
    kind: String(row.kind),
    time: String(row.time),
    text: String(row.text ?? ""),
    source: String(row.source ?? ""),
    touches: typeof row.touches === "string" && row.touches !== "" ? row.touches : null,
    at: secondsOf(String(row.time)),
  }));
  const [lo, hi] = [onset.earliest - seconds, onset.latest];
  const near = events.filter((event) => event.at >= lo && event.at <= hi);
  // What touches the trail says more than what is near; then the one next to the onset.
  const nearest = [...near].sort(
    (a, b) =>
      Number(b.touches !== null) - Number(a.touches !== null) ||
      Math.abs(a.at - onset.earliest) - Math.abs(b.at - onset.earliest) ||
      (a.text < b.text ? -1 : 1),
  )[0];
  const bursts = (list: readonly { at: number }[]) =>
    list.filter((event, i) => i === 0 || event.at - list[i - 1]!.at > CLUSTER_SECONDS).length;
  const ends = ctx.evidence.series.flatMap((s) => [secondsOf(s.timeRange.from), secondsOf(s.timeRange.to)]);
  const span = Math.max(...ends, events.at(-1)!.at, hi) - Math.min(...ends, events[0]!.at, lo);
  // A Poisson process of the same rate; those in the window are left out, or they would make themselves usual.
  const others = bursts(events.filter((event) => event.at < lo || event.at > hi));
  const rate = (others + 0.5) / Math.max(1, span - (hi - lo));
  return {
    nearest: nearest ?? null,
    near: near.length,
    all: events.length,
    chance: 1 - Math.exp(-rate * (hi - lo)),
    from: instant(instantOf(lo)),
    to: instant(instantOf(hi)),
    sql: `SELECT kind, time, text, source, touches, time >= ${timestampSql(lo)} AND time <= ${timestampSql(hi)} AS is_near, count(*) OVER () AS in_all
FROM (${from}) AS events ORDER BY is_near DESC, time, text, source LIMIT 100`,
  };
}

/** A failure, told by the last line of its traceback. */
export interface Failure {
  text: string;
  source: string;
  count: number;
  before: number;
  first: string | null;
  sql: string;
}

/** Tracebacks by their last line, those that begin with the incident first; undated ones count as after it. */
export const failuresOf = (incident: Incident, ctx: HypothesisContext): Promise<Failure[]> =>
  ctx.once("failures", async () => {
    const before = incident.onset ? `time < ${timestampSql(incident.onset.earliest - 86_400)}` : "FALSE";
    const rows = await ctx.query(
      `SELECT text, input AS source, count(*) AS n, count(*) FILTER (WHERE ${before}) AS before, min(time) AS first
       FROM trueup.markers WHERE kind = 'traceback' GROUP BY 1, 2 ORDER BY n DESC, text LIMIT 200`,
    );
    return rows.map((row) => ({
      text: String(row.text).trim(),
      sql: `SELECT count(*) AS failures, min(time) AS first, max(time) AS last FROM trueup.markers
WHERE kind = 'traceback' AND input = ${ctx.sql.literal(String(row.source))} AND text = ${ctx.sql.literal(String(row.text))}`,
      source: String(row.source),
      count: Number(row.n),
      before: Number(row.before),
      first: typeof row.first === "string" ? row.first : null,
    }));
  });
