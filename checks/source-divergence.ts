/** Of two sources that record the same thing, one stops while the other goes on. */

import { activityOf, instantOf, secondsOf, secondsSql, timestampSql } from "../src/contract/activity.ts";
import { type CheckContext, defineCheck, Skip } from "../src/contract/check.ts";
import type { Link, Series, UsageRelation } from "../src/contract/evidence.ts";
import type { FindingDraft, Row } from "../src/contract/finding.ts";
import {
  idsOf,
  isTakenOver,
  MATCHED_MIN,
  type Pair,
  pairsOf,
  sameCalls,
  tokenRoles,
} from "../src/contract/pairing.ts";
import { exceptionalSilences, type Silence } from "../src/contract/silence.ts";
import { timelineOf } from "../src/contract/timeline.ts";
import { duration, instant, plural } from "../src/contract/wording.ts";

/** Half of the matched rows of sources that record together stand this near in time, in seconds. */
const TOGETHER_SECONDS = 86_400;

/** Two sources of a pair, the one that may have stopped first. */
interface Candidate {
  stopped: Series;
  goesOn: Series;
}

/** How a pair is known to record the same thing, and how far apart in time. */
interface Bond {
  link: Link | null;
  why: string;
  /** Seconds by which the side that goes on usually comes later; 0 or more. */
  lag: number;
}

export default defineCheck({
  id: "source-divergence",
  meta: {
    title: "One source stops while the other goes on",
    severity: "error",
    what: "Compares two sources that record the same thing (a log and a table, or two tables) and looks for one that stops, against its own rhythm, while the other goes on.",
    why: "What only one of two sources holds was lost on the way to the other. Seen where token lines ended on November 23 and rows went on to November 30: 94 of 95 rows had no tokens.",
    fix: "Look at what changed at the end of the source that stopped: its writer, the importer between the two, a rotated or stale copy. Load what is missing, then recover the rows after the split.",
    silent: [
      "Sources that start at different times, as retention cuts them.",
      "A source that ends a little earlier, measured by its own rhythm and their usual lag.",
      "Sources that nothing links: no shared ids, no shared token counts, no shared times.",
      "A table whose rows are referred to long after they were made (users, models), and one that has a counterpart for few rows (refunds).",
      "A source that another takes over from, and sources that never overlap.",
      "Fewer than `min_rows` rows after the split.",
    ],
    needs: "two sources with times that share ids, or a log with token lines beside a usage table",
  },
  options: {
    min_rows: { describe: "Rows that must follow after the split.", default: 5 },
    rhythm_rows: { describe: "Rows the source that stopped needs before it has a rhythm.", default: 20 },
    factor: { describe: "How many times longer than its longest ordinary silence.", default: 3 },
    min_minutes: { describe: "Ends less than this many minutes apart do not count.", default: 30 },
    copy_hours: {
      describe: "A source may end this many hours before the other (5 % of its span if that is less).",
      default: 12,
    },
  },
  targets: pairsOf,
  run: async (pair, ctx) => {
    const undated = ctx.evidence.logs.find((log) => log.undated && pair.name.split(", ").includes(log.input));
    if (undated) return new Skip(`the lines of ${undated.input} have no date`);
    let unlinked = false;
    for (const candidate of candidatesOf(ctx, pair)) {
      const bond = await bondOf(ctx, pair, candidate);
      if (!bond) unlinked = true;
      const draft = bond && (await judge(ctx, pair, candidate, bond, ctx.options));
      if (draft) return [draft];
    }
    return unlinked && pair.links.length === 0
      ? new Skip("nothing shows that they record the same thing")
      : [];
  },
});

const usageOf = (ctx: CheckContext, series: Series): UsageRelation | null => {
  const usage = ctx.evidence.usage.find((u) => u.name === series.name);
  return usage && tokenRoles(usage).length > 0 ? usage : null;
};

/**
 * Which series of the two sides to compare, the most telling first: token events against token rows, then lines.
 * Only pairs whose ends differ and whose times overlap.
 */
function candidatesOf(ctx: CheckContext, pair: Pair): Candidate[] {
  const candidates: (Candidate & { weight: number })[] = [];
  for (const left of pair.left)
    for (const right of pair.right) {
      const tokens = [left, right].every((series) => usageOf(ctx, series));
      const events = [left, right].some((series) => series.form === "events");
      // Events that carry no tokens, or have no tokens to stand against, tell of something else.
      if (events && !tokens) continue;
      const [stopped, goesOn] =
        secondsOf(left.timeRange.to) <= secondsOf(right.timeRange.to) ? [left, right] : [right, left];
      if (goesOn.form === "lines" && pair.links.length === 0) continue;
      if (secondsOf(goesOn.timeRange.from) > secondsOf(stopped.timeRange.to)) continue;
      candidates.push({ stopped, goesOn, weight: (events ? 0 : 2) + (tokens ? 0 : 1) });
    }
  return candidates.sort(
    (a, b) =>
      a.weight - b.weight ||
      b.goesOn.rows - a.goesOn.rows ||
      (a.stopped.name + a.goesOn.name < b.stopped.name + b.goesOn.name ? -1 : 1),
  );
}

/** What ties the two together, or null when nothing does. */
async function bondOf(ctx: CheckContext, pair: Pair, { stopped, goesOn }: Candidate): Promise<Bond | null> {
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
  const [a, b] = [usageOf(ctx, stopped), usageOf(ctx, goesOn)];
  if (pair.links.length > 0 || !a || !b) return null;
  const [events, table] = a.origin === "events" ? [a, b] : [b, a];
  const why = await sameCalls(ctx, events, table);
  return why ? { link: null, why, lag: 120 } : null;
}

async function judge(
  ctx: CheckContext,
  pair: Pair,
  { stopped, goesOn }: Candidate,
  bond: Bond,
  options: { min_rows: number; rhythm_rows: number; factor: number; min_minutes: number; copy_hours: number },
): Promise<FindingDraft | null> {
  const activity = await activityOf(ctx, stopped.relation);
  const last = activity.buckets.at(-1)?.last;
  if (last === undefined) return null;
  const after = `time > ${timestampSql(last + bond.lag)}`;
  const unmatched = unmatchedSql(ctx, bond, stopped, goesOn, after);
  const counts = await ctx.query(
    `SELECT count(*) AS n, ${secondsSql(ctx, "min(time)")} AS first, ${secondsSql(ctx, "max(time)")} AS last
     FROM (${unmatched}) AS later WHERE time <= ${timestampSql(secondsOf(ctx.now) + 86400)}`,
  );
  const rowsAfter = Number(counts[0]?.n ?? 0);
  if (rowsAfter < options.min_rows) return null;
  const until = Number(counts[0]?.last) - bond.lag;
  const silence = exceptionalSilences(activity, until, {
    min_rows: options.rhythm_rows,
    factor: options.factor,
    min_seconds: options.min_minutes * 60,
    copy_seconds: options.copy_hours * 3600,
  }).find((s) => s.trailing);
  if (!silence) return null;
  if (isTakenOver(ctx.evidence, stopped.input, last, Math.max(3600, 3 * silence.ordinary))) return null;
  const handover = (last - activity.buckets[0]!.first) * 0.05;
  const isTable = stopped.form === "rows" && goesOn.form === "rows";
  if (isTable && secondsOf(goesOn.timeRange.from) > last - handover) return null;
  const before = await ctx.query(
    `SELECT count(*) FILTER (WHERE time <= ${timestampSql(last)}) AS before, max(time) AS last FROM ${goesOn.relation}
     WHERE time <= ${timestampSql(secondsOf(ctx.now) + 86400)}`,
  );
  return draftOf(ctx, pair, { stopped, goesOn }, bond, {
    silence,
    rowsAfter,
    rowsBefore: Number(before[0]?.before ?? 0),
    rowsStopped: activity.total,
    start: activity.buckets[0]!.first,
    goesOnTo: String(before[0]?.last),
    sql: `SELECT count(*) AS rows_after, min(time) AS first, max(time) AS last FROM (${unmatched}) AS later`,
    sample: sampleSql(ctx, goesOn, ctx.sql.literal(instantOf(last).replace("T", " ").replace("Z", ""))),
  });
}

/** The rows that go on after the split; of two tables, only those whose id the other does not have. */
function unmatchedSql(ctx: CheckContext, bond: Bond, stopped: Series, goesOn: Series, after: string): string {
  if (bond.link && stopped.form !== "events" && goesOn.form !== "events") {
    const goesOnIsLeft =
      goesOn.form === "rows"
        ? bond.link.leftTable === goesOn.name
        : ctx.evidence.tables.find((t) => t.name === bond.link?.leftTable)?.input === goesOn.input;
    const ids = idsOf(ctx, ctx.evidence, bond.link, goesOnIsLeft ? "left" : "right");
    const known = idsOf(ctx, ctx.evidence, bond.link, goesOnIsLeft ? "right" : "left");
    if (ids && known)
      return `SELECT later.id, later.time FROM (${ids}) AS later LEFT JOIN (${known}) AS known ON known.id = later.id
WHERE known.id IS NULL AND later.${after}`;
  }
  return `SELECT time FROM ${goesOn.relation} WHERE ${after}`;
}

/** The first rows after the split: ids, times and roles only. */
function sampleSql(ctx: CheckContext, goesOn: Series, last: string): string | null {
  const usage = ctx.evidence.usage.find((u) => u.name === goesOn.name);
  if (!usage) return null;
  const shown = (["id", "session_id", "time", "model", "status", ...tokenRoles(usage)] as const).filter((r) =>
    usage.has(r),
  );
  return `SELECT ${shown.map((r) => ctx.sql.ident(r)).join(", ")} FROM ${usage.relation}
WHERE time > TIMESTAMP ${last} ORDER BY time, row`;
}

async function draftOf(
  ctx: CheckContext,
  pair: Pair,
  { stopped, goesOn }: Candidate,
  bond: Bond,
  facts: {
    silence: Silence;
    rowsAfter: number;
    rowsBefore: number;
    rowsStopped: number;
    start: number;
    goesOnTo: string;
    sql: string;
    sample: string | null;
  },
): Promise<FindingDraft> {
  const { silence, rowsAfter } = facts;
  const splitAt = instantOf(silence.from);
  const what = goesOn.form === "rows" ? "row" : goesOn.form === "events" ? "event" : "id";
  // The other series of the source that stopped: a log whose lines go on is another story than one that ends.
  const siblings: Row[] = ctx.evidence.series
    .filter((s) => s.input === stopped.input && s !== stopped && pair.left.concat(pair.right).includes(s))
    .map((s) => ({ source: s.name, ends: s.timeRange.to }));
  const start = Math.max(silence.from - (silence.to - silence.from), facts.start);
  return {
    title: "One source stops while the other goes on",
    message:
      `${stopped.name} stops at ${instant(splitAt)} while ${goesOn.name} goes on to ${instant(facts.goesOnTo)}: ` +
      `${plural(rowsAfter, what)} after the split ${rowsAfter === 1 ? "has" : "have"} nothing on the other side, over ${duration(silence.to - silence.from)}.`,
    measure: { name: "rows_after_split", value: rowsAfter },
    evidence: {
      stopped: stopped.name,
      stopped_at: splitAt,
      goes_on: goesOn.name,
      goes_on_to: facts.goesOnTo,
      rows_after_split: rowsAfter,
      rows_before_split: facts.rowsBefore,
      rows_of_stopped: facts.rowsStopped,
      seconds_apart: Math.round(silence.to - silence.from),
      longest_ordinary_silence_seconds: Math.round(silence.ordinary),
      usual_lag_seconds: Math.round(bond.lag),
      linked_by: bond.why,
      matched_ratio: bond.link?.matchedRatio ?? null,
      also: siblings,
    },
    samples: facts.sample ? await ctx.samples(facts.sample) : [],
    sql: facts.sql,
    location: { input: stopped.input, table: stopped.name },
    key: goesOn.name,
    timeline: await timelineOf(
      ctx,
      instantOf(start),
      facts.goesOnTo,
      [
        { name: stopped.name, relation: stopped.relation },
        { name: goesOn.name, relation: goesOn.relation },
      ],
      [{ time: splitAt, label: "split" }],
    ),
  };
}
