/** Of two sources that record the same thing, one stops while the other goes on. */

import { activityOf, instantOf, secondsOf, secondsSql, timestampSql } from "../src/analysis/activity.ts";
import { type Bond, bondOf, type Candidate, tokenUsageOf } from "../src/analysis/bond.ts";
import { shareShift } from "../src/analysis/changepoint.ts";
import { idsOf, isTakenOver, type Pair, pairsOf, tokenRoles } from "../src/analysis/pairing.ts";
import { exceptionalSilences, type Silence } from "../src/analysis/silence.ts";
import { trialsOf } from "../src/analysis/trials.ts";
import { type CheckContext, defineCheck, Skip } from "../src/contract/check.ts";
import type { Series } from "../src/contract/evidence.ts";
import type { FindingDraft, Row } from "../src/contract/finding.ts";
import { timelineOf } from "../src/contract/timeline.ts";
import { duration, instant, number, percent, plural } from "../src/contract/wording.ts";

export default defineCheck({
  id: "source-divergence",
  meta: {
    title: "One source stops while the other goes on",
    severity: "error",
    what: "Compares two sources that record the same thing (a log and a table, or two tables) and looks for one that stops, against its own rhythm, or falls behind for good, while the other goes on.",
    why: "What only one of two sources holds was lost on the way to the other. Seen where token lines ended on November 23 and rows went on to November 30: 94 of 95 rows had no tokens.",
    fix: "Look at what changed at the end of the source that stopped: its writer, the importer between the two, a rotated or stale copy. Load what is missing, then recover the rows after the split.",
    silent: [
      "Sources that start at different times, as retention cuts them.",
      "A source that ends a little earlier, measured by its own rhythm and their usual lag.",
      "Sources that nothing links: no shared ids, no shared token counts, no shared times.",
      "A table whose rows are referred to long after they were made (users, models), and one that has a counterpart for few rows (refunds).",
      "A source that another takes over from, and sources that never overlap.",
      "Fewer than `min_rows` rows after the split.",
      "Events that were always fewer or more than rows, that become fewer little by little, or that are missing for a while.",
    ],
    needs: "two sources with times that share ids, or a log with token lines beside a usage table",
  },
  options: {
    min_rows: { describe: "Rows that must follow after the split.", default: 5 },
    rhythm_rows: { describe: "Rows the source that stopped needs before it has a rhythm.", default: 20 },
    factor: { describe: "How many times longer than its longest ordinary silence.", default: 3 },
    min_behind: {
      describe:
        "Of the events per row (or rows per event), the share that must go missing from one moment on.",
      default: 0.4,
    },
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
      const draft =
        bond &&
        ((await judge(ctx, pair, candidate, bond, ctx.options)) ??
          (await fallsBehind(ctx, candidate, bond, ctx.options.min_behind)));
      if (draft) return [draft];
    }
    return unlinked && pair.links.length === 0
      ? new Skip("nothing shows that they record the same thing")
      : [];
  },
});

/**
 * Which series of the two sides to compare, the most telling first: token events against token rows, then lines.
 * Only pairs whose ends differ and whose times overlap.
 */
function candidatesOf(ctx: CheckContext, pair: Pair): Candidate[] {
  const candidates: (Candidate & { weight: number })[] = [];
  for (const left of pair.left)
    for (const right of pair.right) {
      const tokens = [left, right].every((series) => tokenUsageOf(ctx, series));
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
    firstAfter: Number(counts[0]?.first),
    rowsBefore: Number(before[0]?.before ?? 0),
    rowsStopped: activity.total,
    start: activity.buckets[0]!.first,
    goesOnTo: String(before[0]?.last),
    sql: `SELECT count(*) AS rows_after, min(time) AS first, max(time) AS last FROM (${unmatched}) AS later`,
    sample: sampleSql(ctx, goesOn, ctx.sql.literal(instantOf(last).replace("T", " ").replace("Z", ""))),
  });
}

/** Rows on either side of the moment from which one of the two falls behind. */
const BEHIND_ROWS = 40;

/**
 * Token events and token rows of the same calls, of which one becomes scarcer from one moment on while the other does
 * not: seen in the share that events make up of both, so that growth and rhythm, which both have, cancel out.
 */
async function fallsBehind(
  ctx: CheckContext,
  { stopped, goesOn }: Candidate,
  bond: Bond,
  least: number,
): Promise<FindingDraft | null> {
  const [events, rows] = stopped.form === "events" ? [stopped, goesOn] : [goesOn, stopped];
  if (events.form !== "events" || rows.form !== "rows") return null;
  const [one, two] = [
    (await activityOf(ctx, events.relation)).buckets,
    (await activityOf(ctx, rows.relation)).buckets,
  ];
  if (!one[0] || !two[0]) return null;
  const from = Math.max(one[0].first, two[0].first);
  const to = Math.min(one.at(-1)!.last, two.at(-1)!.last);
  if (to - from <= 4 * bond.lag) return null;
  const both = `(SELECT time, 1 AS event FROM ${events.relation} UNION ALL SELECT time, 0 AS event FROM ${rows.relation}) AS calls`;
  const within = `time >= ${timestampSql(from)} AND time <= ${timestampSql(to)}`;
  const trials = await trialsOf(ctx, both, { from, to }, within, "event = 1");
  const shift = shareShift(trials, {
    min_rows: BEHIND_ROWS,
    min_seconds: 0.1 * (to - from),
    min_change: 0.1,
  });
  if (!shift) return null;
  const odds = (share: number) => share / (1 - share);
  const ratio = odds(shift.after) / odds(shift.before);
  const behind = ratio < 1 ? events : rows;
  const ahead = ratio < 1 ? rows : events;
  const lost = 1 - Math.min(ratio, 1 / ratio);
  if (!(lost >= least)) return null;
  const at = instantOf(shift.at);
  const per = [shift.before, shift.after].map((share) => (ratio < 1 ? odds(share) : 1 / odds(share)));
  return {
    title: "One source falls behind the other",
    message:
      `From ${instant(at)} on ${behind.name} falls behind ${ahead.name}: ${number(per[0]!)} for each of its rows before, ` +
      `${number(per[1]!)} after; ${percent(lost)} are missing.`,
    measure: { name: "missing_ratio", value: lost },
    evidence: {
      behind: behind.name,
      ahead: ahead.name,
      at,
      at_earliest: instantOf(shift.earliest),
      at_latest: instantOf(shift.latest),
      per_row_before: per[0]!,
      per_row_after: per[1]!,
      common_from: instantOf(from),
      common_to: instantOf(to),
      linked_by: bond.why,
    },
    sql: `SELECT CAST(time AS DATE) AS day, sum(event) AS events, count(*) - sum(event) AS table_rows
FROM ${both} WHERE ${within} GROUP BY 1 ORDER BY 1`,
    location: { input: behind.input, table: behind.name },
    key: `${ahead.name} behind`,
    timeline: await timelineOf(
      ctx,
      instantOf(from),
      instantOf(to),
      [behind, ahead].map((series) => ({ name: series.name, relation: series.relation })),
      [{ time: at, label: "falls behind" }],
    ),
    onset: {
      earliest: instantOf(shift.earliest),
      latest: instantOf(shift.latest),
      kind: "began",
      sources: [ahead.name, behind.name],
    },
  };
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
    firstAfter: number;
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
    onset: {
      earliest: splitAt,
      latest: instantOf(Math.max(silence.from, facts.firstAfter)),
      kind: "began",
      sources: [goesOn.name, stopped.name],
    },
  };
}
