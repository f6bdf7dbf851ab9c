/** The volume, zero rate, missing rate or mix of models of a source changes its level for good. */

import { type Activity, activityOf, instantOf, timestampSql } from "../src/analysis/activity.ts";
import { type Day, type Shift, shareShift, volumeShift } from "../src/analysis/changepoint.ts";
import type { Span } from "../src/analysis/rhythm.ts";
import { anyRow, callScope, listUsage, noTokens, tokenRoles } from "../src/analysis/scope.ts";
import { mixOf, OTHERS, trialsOf } from "../src/analysis/trials.ts";
import { type CheckContext, defineCheck, Skip } from "../src/contract/check.ts";
import type { Series, UsageRelation } from "../src/contract/evidence.ts";
import type { FindingDraft, Row } from "../src/contract/finding.ts";
import { timelineOf } from "../src/contract/timeline.ts";
import { instant, number, percent } from "../src/contract/wording.ts";

const DAY = 86_400;

/** What can shift, the most telling first: a loss of data before a change of habits. */
type Metric = "missing" | "zero" | "model" | "provider" | "volume";

interface Sources {
  name: string;
  series: Series[];
}

/** One metric that shifted. */
interface Shifted {
  metric: Metric;
  shift: Shift;
  /** Of a mix: the value whose share changed most, and the shares of all before and after. */
  value: string | null;
  mix: Row[];
  /** An SQL condition on the series that tells the rows in question, for the picture. */
  where: string | null;
  scope: string;
}

interface Limits {
  min_rows: number;
  min_change: number;
  min_mix_change: number;
  factor: number;
}

export default defineCheck({
  id: "rate-shift",
  meta: {
    title: "A rate changes its level for good",
    severity: "warning",
    what: "Looks for the moment at which the volume of a source, its share of calls with no or zero tokens, or its mix of models and providers changes from one level to another and stays there.",
    why: "Such a moment is a deployment, a configuration or a provider that changed. Seen where a mock provider took over and every dashboard went on drawing.",
    fix: "Look at what changed at that time: restarts, deployments, configuration, keys. If it was meant, ignore the finding or put it in the baseline.",
    silent: [
      "A single spike, and a pause after which everything is as before.",
      "Growth and decline, and a share that drifts little by little.",
      "The rhythm of the day and the week, models that alternate, and clumps of one user's calls.",
      "A source that stops: that is `timeline-gap`.",
      "Fewer than `min_rows` rows or two days (20 % of a short source) on either side; for volume, seven days.",
      "A missing or zero rate that falls: a column that was added later, a defect that was mended.",
      "A change of the volume of events that the lines of their log show too.",
    ],
    needs: "a log or a table with times",
  },
  options: {
    min_rows: { describe: "Rows on either side of the change.", default: 20 },
    min_change: { describe: "Difference of the two missing or zero rates.", default: 0.1 },
    min_mix_change: { describe: "Difference of the two shares of a model or provider.", default: 0.2 },
    factor: { describe: "Times by which the volume must rise or fall.", default: 2 },
  },
  targets: (evidence): Sources[] =>
    evidence.inputs
      .map((input) => ({
        name: input.name,
        series: evidence.series
          .filter((s) => s.input === input.name)
          .sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1)),
      }))
      .filter((sources) => sources.series.length > 0),
  run: async (target, ctx) => {
    if (ctx.evidence.logs.some((log) => log.input === target.name && log.undated))
      return new Skip("its lines have no date");
    const findings: FindingDraft[] = [];
    const volumes: Shift[] = [];
    let judged = 0;
    for (const series of target.series) {
      // Rows that sum up an hour or a day have no rate of their own.
      const usage = ctx.evidence.usage.find((u) => u.name === series.name);
      if (series.rows < 2 * ctx.options.min_rows || (usage && usage.grain !== null)) continue;
      judged++;
      const activity = await activityOf(ctx, series.relation);
      const [first, last] = [activity.buckets[0], activity.buckets.at(-1)];
      if (!first || !last) continue;
      const range = { from: first.first, to: last.last };
      const shifted = await sharesOf(ctx, series, range, ctx.options);
      const volume = volumeShift(daysOf(activity), ctx.options.factor);
      // Lines and events of one log rise together: that is told once.
      if (volume && !volumes.some((other) => overlap(other, volume)))
        shifted.push({ metric: "volume", shift: volume, value: null, mix: [], where: null, scope: "TRUE" });
      if (volume) volumes.push(volume);
      for (const story of storiesOf(shifted)) findings.push(await draftOf(ctx, series, range, story));
    }
    return judged === 0 ? new Skip(`fewer than ${2 * ctx.options.min_rows} rows with a time`) : findings;
  },
});

const rank = (series: Series) => ["lines", "rows", "events"].indexOf(series.form);

const overlap = (a: Shift, b: Shift) => a.earliest <= b.latest + DAY && b.earliest <= a.latest + DAY;

/** What shifted at one time is one story, told by its most telling metric. */
function storiesOf(shifted: readonly Shifted[]): Shifted[][] {
  const stories: Shifted[][] = [];
  for (const one of shifted) {
    const story = stories.find((other) => overlap(other[0]!.shift, one.shift));
    if (story) story.push(one);
    else stories.push([one]);
  }
  return stories;
}

/** Rows per day; the first and the last day are left out, since they are cut off somewhere. */
function daysOf({ buckets, width }: Activity): Day[] {
  const [first, last] = [buckets[0], buckets.at(-1)];
  if (!first || !last || width > DAY) return [];
  const days: Day[] = [];
  const from = Math.floor(first.first / DAY) + 1;
  const to = Math.floor(last.last / DAY) - 1;
  for (let day = from; day <= to; day++) days.push({ from: day * DAY, n: 0 });
  for (const bucket of buckets) {
    const day = days[Math.floor(bucket.first / DAY) - from];
    if (day) day.n += bucket.n;
  }
  return days;
}

async function sharesOf(ctx: CheckContext, series: Series, range: Span, options: Limits): Promise<Shifted[]> {
  const usage = ctx.evidence.usage.find((u) => u.name === series.name);
  if (!usage) return [];
  const sides = {
    min_rows: options.min_rows,
    min_seconds: Math.min(2 * DAY, 0.2 * (range.to - range.from)),
  };
  const found: Shifted[] = [];
  const roles = tokenRoles(usage);
  if (roles.length > 0) {
    const scope = await callScope(usage, ctx);
    const missing = noTokens(usage);
    const counted = roles.filter(
      (r) => r === "input_tokens" || r === "output_tokens" || r === "total_tokens",
    );
    const zero = `(${counted.map((role) => `COALESCE(${role}, 0)`).join(" + ")}) = 0`;
    const defects: [Metric, string, string][] = [["missing", scope, missing]];
    if (counted.length > 0) defects.push(["zero", `${scope} AND NOT (${missing})`, zero]);
    for (const [metric, within, where] of defects) {
      // A share that is nowhere above zero does not rise.
      if (!(await anyRow(usage, `${within} AND ${where}`, ctx))) continue;
      const trials = await trialsOf(ctx, usage.relation, range, within, where);
      const shift = shareShift(trials, { ...sides, min_change: options.min_change });
      if (shift && shift.after > shift.before)
        found.push({ metric, shift, value: null, mix: [], where, scope: within });
    }
  }
  for (const metric of ["model", "provider"] as const)
    if (usage.has(metric)) {
      const mix = await mixShift(ctx, usage, metric, range, {
        ...sides,
        min_change: options.min_mix_change,
      });
      if (mix) found.push(mix);
    }
  return found;
}

/** The value whose share shifted most, among the most frequent values of a column. */
async function mixShift(
  ctx: CheckContext,
  usage: UsageRelation,
  role: "model" | "provider",
  range: Span,
  limits: { min_rows: number; min_seconds: number; min_change: number },
): Promise<Shifted | null> {
  const scope = `is_call AND ${role} IS NOT NULL`;
  const { values, spans } = await mixOf(ctx, usage, role, range, scope);
  let best: { shift: Shift; value: string } | null = null;
  for (const value of values) {
    const trials = spans.map((span) => ({ ...span, k: span.values.get(value) ?? 0 }));
    const shift = shareShift(trials, limits);
    if (shift && (!best || shift.strength > best.shift.strength)) best = { shift, value };
  }
  if (!best) return null;
  const { shift, value } = best;
  const rowsOf = (name: string, after: boolean) =>
    spans.reduce((sum, s) => sum + (s.from >= shift.at === after ? (s.values.get(name) ?? 0) : 0), 0);
  const mix = [...values, OTHERS].map(
    (name): Row => ({
      value: name,
      share_before: rowsOf(name, false) / shift.sizeBefore,
      share_after: rowsOf(name, true) / shift.sizeAfter,
    }),
  );
  return {
    metric: role,
    shift,
    value,
    mix: mix.filter((row) => Number(row.share_before) + Number(row.share_after) > 0),
    where: `${role} = ${ctx.sql.literal(value)}`,
    scope,
  };
}

const TITLES: Record<Metric, string> = {
  missing: "More calls lack tokens from one moment on",
  zero: "More calls have zero tokens from one moment on",
  model: "The mix of models changes from one moment on",
  provider: "The mix of providers changes from one moment on",
  volume: "The volume changes its level",
};

/** `calls without tokens rise from 2 % to 60 %`. */
function levels({ metric, shift, value }: Shifted): string {
  if (metric === "volume") {
    const verb = shift.after > shift.before ? "rises" : "falls";
    return `the volume ${verb} from ${number(shift.before)} to ${number(shift.after)} rows a day (medians)`;
  }
  const what =
    metric === "missing"
      ? "the share of calls without tokens"
      : metric === "zero"
        ? "the share of calls with zero tokens"
        : `the share of ${metric} ${value}`;
  const verb = shift.after > shift.before ? "rises" : "falls";
  return `${what} ${verb} from ${percent(shift.before)} to ${percent(shift.after)}`;
}

async function draftOf(
  ctx: CheckContext,
  series: Series,
  range: Span,
  story: readonly Shifted[],
): Promise<FindingDraft> {
  const main = story[0]!;
  const { shift, metric } = main;
  const at = instantOf(shift.at);
  const usage = ctx.evidence.usage.find((u) => u.name === series.name);
  const share = metric !== "volume";
  const after = `time >= ${timestampSql(shift.at)}`;
  const value = share ? `CAST(count(*) FILTER (WHERE ${main.where}) AS DOUBLE) / count(*)` : "count(*)";
  return {
    title: TITLES[metric],
    message: `From ${instant(at)} on ${story.map(levels).join(", and ")} in ${series.name}.`,
    measure: {
      name: share ? "change" : "volume_ratio",
      value: share ? Math.abs(shift.after - shift.before) : shift.after / shift.before,
    },
    evidence: {
      metric,
      at,
      at_earliest: instantOf(shift.earliest),
      at_latest: instantOf(shift.latest),
      before: shift.before,
      after: shift.after,
      [share ? "rows_before" : "days_before"]: shift.sizeBefore,
      [share ? "rows_after" : "days_after"]: shift.sizeAfter,
      strength: Number(shift.strength.toPrecision(4)),
      value: main.value,
      mix: main.mix,
      also: story.slice(1).map((other) => ({
        metric: other.metric,
        value: other.value,
        at: instantOf(other.shift.at),
        before: other.shift.before,
        after: other.shift.after,
      })),
    },
    samples:
      usage && share && main.where
        ? await ctx.samples(listUsage(usage, `${main.scope} AND ${main.where} AND ${after}`, "time, row"))
        : [],
    sql: `SELECT CAST(time AS DATE) AS day, ${value} AS ${share ? "share" : "rows_of_day"}, count(*) AS n
FROM ${series.relation} WHERE time IS NOT NULL AND (${main.scope}) GROUP BY 1 ORDER BY 1`,
    location: {
      input: series.input,
      table: series.name,
      column: metric === "model" || metric === "provider" ? (usage?.columnOf(metric)?.name ?? null) : null,
    },
    key: `${series.name} ${metric}`,
    timeline: await timelineOf(
      ctx,
      instantOf(range.from),
      instantOf(range.to),
      [
        { name: series.name, relation: series.relation, where: main.scope },
        ...(main.where
          ? [
              {
                name: main.value ?? metric,
                relation: series.relation,
                where: `${main.scope} AND ${main.where}`,
              },
            ]
          : []),
      ],
      [{ time: at, label: "change" }],
    ),
    onset: {
      earliest: instantOf(shift.earliest),
      latest: instantOf(shift.latest),
      kind: "began",
      sources: [series.name],
      ...((metric === "missing" || metric === "zero") && main.where
        ? { scope: main.scope, defect: main.where }
        : {}),
    },
  };
}
