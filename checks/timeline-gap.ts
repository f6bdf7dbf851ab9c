/** A source falls silent for much longer than its own rhythm explains. */

import {
  type Activity,
  activityOf,
  horizonOf,
  instantOf,
  secondsOf,
  secondsSql,
  timestampSql,
} from "../src/analysis/activity.ts";
import { isTakenOver } from "../src/analysis/pairing.ts";
import { exceptionalSilences, type Silence } from "../src/analysis/silence.ts";
import { type CheckContext, defineCheck, Skip } from "../src/contract/check.ts";
import type { Evidence, Series } from "../src/contract/evidence.ts";
import type { FindingDraft, Row } from "../src/contract/finding.ts";
import { timelineOf } from "../src/contract/timeline.ts";
import { duration, instant, plural } from "../src/contract/wording.ts";

/** Rows of another input that tell that a day without rows was no day off. */
const OTHERS_ROWS = 5;

/** The series of one input: what falls silent together there is one story. */
interface Sources {
  name: string;
  series: Series[];
}

interface Silent {
  series: Series;
  activity: Activity;
  silences: Silence[];
}

export default defineCheck({
  id: "timeline-gap",
  meta: {
    title: "A source falls silent",
    severity: "warning",
    what: "Looks for a silence in a log, its events or a timed table that is much longer than the source's own rhythm for those hours of the week, the last silence up to the end of the evidence included.",
    why: "A silence is where usage went unrecorded: logging was switched off, a log was rotated away, a job died. Seen where the token lines of a log stopped on the 23rd and nobody noticed for a week.",
    fix: "Find out whether nothing happened in that time or nothing was recorded: look for restarts, deployments and rotated or truncated files around its start, and compare with another source.",
    silent: [
      "Nights, week-ends and other quiet hours of the source's own week, a change of the clocks included.",
      "A source that is sparse or bursty by nature, and a source with fewer rows than `min_rows`.",
      "A one-time run or import that was short against the silence after it.",
      "A day off between quiet hours, unless another input has rows in it.",
      "A log that another log of the same format takes over.",
      "The silence before the first row, and the one after the last when every other input began later.",
      "An end a few hours before that of the other inputs: files are copied at different times.",
    ],
    needs: "a log or a table with times",
  },
  options: {
    min_rows: { describe: "Rows a source needs before it has a rhythm.", default: 20 },
    factor: { describe: "How many times longer than the longest ordinary silence.", default: 3 },
    min_minutes: { describe: "Silences shorter than this many minutes do not count.", default: 30 },
    copy_hours: {
      describe: "A source may end this many hours before the others (5 % of its span if that is less).",
      default: 12,
    },
  },
  targets: (evidence): Sources[] =>
    evidence.inputs
      .map((input) => ({
        name: input.name,
        series: evidence.series
          .filter((s) => s.input === input.name)
          .sort((a, b) => rank(a) - rank(b) || b.rows - a.rows || (a.name < b.name ? -1 : 1)),
      }))
      .filter((sources) => sources.series.length > 0),
  run: async (target, ctx) => {
    const { evidence, options } = ctx;
    if (evidence.logs.some((log) => log.input === target.name && log.undated))
      return new Skip("its lines have no date");
    const ends = await endsOf(ctx);
    const silent: Silent[] = [];
    let judged = 0;
    for (const series of target.series) {
      // A running counter shows when it was last written, not when something happened.
      const grain = evidence.usage.find((u) => u.name === series.name)?.grain ?? null;
      if (series.rows < options.min_rows || grain === "total") continue;
      judged++;
      const activity = await activityOf(ctx, series.relation);
      const silences: Silence[] = [];
      for (const silence of exceptionalSilences(activity, untilOf(ctx, series, ends), {
        min_rows: options.min_rows,
        factor: options.factor,
        min_seconds: options.min_minutes * 60,
        // Up to now nothing is a copy.
        copy_seconds: evidence.nowCounts ? 0 : options.copy_hours * 3600,
      })) {
        const patience = Math.max(3600, 3 * silence.ordinary);
        if (silence.trailing && isTakenOver(evidence, series.input, silence.from, patience)) continue;
        if (silence.dayOff && !(await othersWentOn(ctx, series, silence))) continue;
        // Lines and their events fall silent together: that is one story, told where it is widest.
        const told = silent.some((other) => other.silences.some((s) => isSameStory(s, silence)));
        if (!told) silences.push(silence);
      }
      if (silences.length > 0) silent.push({ series, activity, silences });
    }
    if (judged === 0) return new Skip(`fewer than ${plural(options.min_rows, "row")} with a time`);
    return Promise.all(silent.map((one) => draftOf(ctx, one)));
  },
});

const rank = (series: Series) => ["lines", "rows", "events"].indexOf(series.form);

/** The end of each series in seconds; rows dated after now do not count. */
async function endsOf(ctx: CheckContext): Promise<Map<Series, number>> {
  const horizon = horizonOf(ctx);
  const ends = new Map<Series, number>();
  for (const series of ctx.evidence.series) {
    let last = secondsOf(series.timeRange.to);
    if (!(last <= horizon)) {
      const rows = await ctx.query(
        `SELECT ${secondsSql(ctx, "max(time)")} AS last FROM ${series.relation} WHERE time <= ${timestampSql(horizon)}`,
      );
      last = Number(rows[0]?.last ?? 0);
    }
    ends.set(series, last);
  }
  return ends;
}

/**
 * Until when a source could have gone on: now with `--now` or a live input, else the end of whatever was active
 * beside it. What only began after it ended (a log of another year) tells nothing of it.
 */
function untilOf(ctx: CheckContext, series: Series, ends: ReadonlyMap<Series, number>): number {
  const own = ends.get(series) ?? 0;
  const beside = [...ends].filter(([other]) => secondsOf(other.timeRange.from) <= own).map(([, end]) => end);
  const end = Math.max(own, ...beside);
  return ctx.evidence.nowCounts ? Math.max(end, secondsOf(ctx.now)) : end;
}

const isSameStory = (a: Silence, b: Silence) => {
  const shared = Math.min(a.to, b.to) - Math.max(a.from, b.from);
  return shared > 0.5 * Math.min(a.to - a.from, b.to - b.from);
};

const within = (silence: Silence) =>
  `time > ${timestampSql(silence.from)} AND time < ${timestampSql(silence.to)}`;

/** Whether another input has rows in the silence. */
async function othersWentOn(ctx: CheckContext, series: Series, silence: Silence): Promise<boolean> {
  for (const other of othersOf(ctx.evidence, series)) {
    const rows = await ctx.query(
      `SELECT count(*) AS n FROM (SELECT time FROM ${other.relation} WHERE ${within(silence)} LIMIT ${OTHERS_ROWS}) AS meanwhile`,
    );
    if (Number(rows[0]?.n) >= OTHERS_ROWS) return true;
  }
  return false;
}

const othersOf = (evidence: Evidence, series: Series) =>
  evidence.series.filter((s) => s.input !== series.input);

async function draftOf(ctx: CheckContext, { series, activity, silences }: Silent): Promise<FindingDraft> {
  const main = silences.find((s) => s.trailing) ?? silences.reduce((a, b) => (b.active > a.active ? b : a));
  const from = instantOf(main.from);
  const to = instantOf(main.to);
  const seconds = main.to - main.from;
  const others: Row[] = [];
  for (const other of othersOf(ctx.evidence, series)) {
    const rows = await ctx.query(
      `SELECT count(*) AS n, max(time) AS last FROM ${other.relation} WHERE ${within({ ...main, to: main.to + 1 })}`,
    );
    if (Number(rows[0]?.n) > 0) others.push({ source: other.name, rows: rows[0]!.n!, last: rows[0]!.last! });
  }
  others.sort((a, b) => Number(b.rows) - Number(a.rows) || (String(a.source) < String(b.source) ? -1 : 1));
  const start = activity.buckets[0]!.first;
  const busiest = ctx.evidence.series.find((s) => s.name === others[0]?.source);
  return {
    title: "A source falls silent",
    message:
      (main.trailing
        ? `${series.name} ends at ${instant(from)} and stays silent to the end of the evidence at ${instant(to)}: ${duration(seconds)}`
        : `${series.name} is silent from ${instant(from)} to ${instant(to)}: ${duration(seconds)}`) +
      `, ${duration(main.active)} of it in hours when it is usually active; its longest ordinary silence there is ${duration(main.ordinary)}.` +
      (silences.length > 1 ? ` ${plural(silences.length, "such silence")} in all.` : "") +
      (others[0] ? ` Meanwhile ${others[0].source} has ${plural(Number(others[0].rows), "row")}.` : ""),
    measure: { name: "gap_seconds", value: Math.round(seconds) },
    evidence: {
      last_before: from,
      first_after: main.trailing ? null : to,
      until: main.trailing ? to : null,
      gap_seconds: Math.round(seconds),
      usually_active_seconds: Math.round(main.active),
      longest_ordinary_seconds: Math.round(main.ordinary),
      expected_by_chance: Number(main.expected.toPrecision(3)),
      rows: activity.total,
      silences: silences.map((s) => ({ from: instantOf(s.from), to: instantOf(s.to), trailing: s.trailing })),
      meanwhile: others.slice(0, 5),
    },
    sql: main.trailing
      ? `SELECT max(time) AS last_row, ${timestampSql(main.to)} AS evidence_ends FROM ${series.relation} WHERE time <= ${timestampSql(main.to)}`
      : `SELECT previous AS last_before, time AS first_after, ${ctx.sql.seconds_between("previous", "time")} AS gap_seconds
FROM (SELECT time, lag(time) OVER (ORDER BY time) AS previous FROM ${series.relation} WHERE time IS NOT NULL) AS steps
WHERE previous IS NOT NULL ORDER BY gap_seconds DESC, time LIMIT 5`,
    location: { input: series.input, table: series.name },
    key: series.name,
    timeline: await timelineOf(
      ctx,
      instantOf(start),
      instantOf(Math.max(main.to, activity.buckets.at(-1)!.last)),
      [
        { name: series.name, relation: series.relation },
        ...(busiest ? [{ name: busiest.name, relation: busiest.relation }] : []),
      ],
      [{ time: from, label: "silent since" }],
    ),
    onset: {
      earliest: from,
      // The longest ordinary silence, in the hours of this one.
      latest: instantOf(Math.min(main.to, main.from + (main.ordinary * seconds) / Math.max(main.active, 1))),
      kind: "began",
      ...(main.trailing ? {} : { until: instantOf(main.to) }),
      sources: [series.name],
    },
  };
}
