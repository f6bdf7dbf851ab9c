/** A daily, hourly, session or counter table differs from the sum of the rows it rolls up. */

import { instantOf, secondsSql } from "../src/analysis/activity.ts";
import { type ByKey, byKey } from "../src/analysis/bykey.ts";
import { refillPlan } from "../src/analysis/refill.ts";
import { type Compared, type Fit, multipleOf, zoneOffset } from "../src/analysis/refit.ts";
import {
  BUCKETS_MIN,
  type Keyed,
  keyedSums,
  type Reading,
  readingsOf,
  shareOf,
  variantsOf,
} from "../src/analysis/rollups.ts";
import { type CheckContext, defineCheck, Skip } from "../src/contract/check.ts";
import type { Rollup, UsageRelation } from "../src/contract/evidence.ts";
import type { FindingDraft, Row } from "../src/contract/finding.ts";
import { instant, number, percent, plural } from "../src/contract/wording.ts";

/** Of the buckets, this share must agree, or the table rolls up something else. */
const AGREE_MIN = 0.5;
/** A rollup of everything that is always a little off still lies this near, bucket by bucket. */
const NEAR: readonly [number, number] = [0.5, 1.5];

/** Pairs of bucket and key below which they prove nothing. */
const PAIRS_MIN = 10;
/** Where every bucket is right, this share of the pairs must be, or the two keys mean something else. */
const NEARLY = 0.75;

interface RollupTarget {
  name: string;
  rollups: Rollup[];
}

export default defineCheck({
  id: "rollup-mismatch",
  meta: {
    title: "A rollup differs from the rows it sums up",
    severity: "error",
    what: "Compares a table of sums (per hour, day, month, session or key) with the sums of the rows it rolls up, after finding the clock by which its days begin.",
    why: "Dashboards and bills read the sums. Seen as daily spend that was drained from a queue and lost, as counters that stay 0, and as days that begin in another time zone.",
    fix: "Recompute the buckets that differ from the detail rows, and look at how the rollup is written: a queue that is dropped on restart, an upsert that overwrites, a job that runs before the day is over.",
    silent: [
      "Buckets before the detail begins (its retention), and the current, unfinished bucket.",
      "Sessions and keys whose sums are 0 while every other fits are told by `zero-token-root`.",
      "A rollup of only some rows: successful ones, or one team's.",
      "A rollup whose days begin at another hour: told as that, as info, unless `--timezone` says so.",
      "Costs that differ by their rounding, and models or users that the rollup names otherwise.",
      "Counters that are lower than the rows (a budget that was reset) or higher (older rows are gone).",
    ],
    needs: "a table of sums beside the table that it sums up",
  },
  options: {
    min_rows: { describe: "Detail rows below which a key or session tells nothing.", default: 5 },
  },
  targets: (evidence): RollupTarget[] => {
    const names = [...new Set(evidence.rollups.map((rollup) => rollup.rollup))];
    return names.map((name) => ({ name, rollups: evidence.rollups.filter((r) => r.rollup === name) }));
  },
  run: async ({ rollups }, ctx) => {
    const [first] = rollups;
    if (first?.grain === "session" || first?.grain === "total")
      return keyedFindings(ctx, rollups, ctx.options.min_rows);
    const readings = await bestReadings(ctx, rollups);
    const best = readings[0];
    if (!best) return new Skip(`fewer than ${BUCKETS_MIN} complete buckets in common`);
    const { fit, rollup } = best;
    const differing = fit.compared.filter((one) => !one.agrees);
    if (differing.length === 0) {
      if (isMoved(ctx, fit)) return [await movedDraft(ctx, best)];
      // Every day is right: rows may still have been added to the wrong model or user.
      const keys = await byKey(ctx, best);
      const differing = keys ? keys.pairs - keys.agreeing : 0;
      if (!keys || differing === 0 || keys.agreeing < NEARLY * keys.pairs) return [];
      return keys.onBoth * 2 >= differing ? [keysDraft(best, keys)] : [];
    }
    const factor = shareOf(fit) < AGREE_MIN ? multipleOf(fit.compared) : null;
    if (!isRelated(best, rollups, factor)) {
      // Every day is wrong by a little: by key most sums are still right, and those tell what it rolls up.
      for (const reading of readings) {
        const keys = await byKey(ctx, reading);
        if (keys && keys.pairs >= PAIRS_MIN && keys.agreeing >= AGREE_MIN * keys.pairs)
          return [keysDraft(reading, keys)];
      }
      return new Skip(
        `its sums follow from no table at hand: ${fit.agreeing} of ${plural(fit.compared.length, "bucket")} agree with ${rollup.detail}`,
      );
    }
    return [await differingDraft(ctx, best, differing, factor)];
  },
  async repair({ rollups }, ctx) {
    const [first] = rollups;
    if (!first || first.grain === "session" || first.grain === "total") return null;
    const [best] = await bestReadings(ctx, rollups);
    // What is stored k times over is no bucket that was lost.
    if (!best || !isRelated(best, rollups, null)) return null;
    return refillPlan(usageOf(ctx, best.rollup.rollup), best, ctx);
  },
});

/** The best way to read the rollup as sums of each table that it may sum up, the best first. */
async function bestReadings(ctx: CheckContext, rollups: readonly Rollup[]): Promise<Reading[]> {
  const best: Reading[] = [];
  const byShare = (a: Reading, b: Reading) => shareOf(b.fit) - shareOf(a.fit);
  for (const rollup of rollups) best.push(...(await readingsOf(ctx, rollup)).sort(byShare).slice(0, 1));
  return best.sort(byShare);
}

/** Whether the rollup sums up that detail at all, however wrongly. */
const isRelated = ({ fit, rollup }: Reading, rollups: readonly Rollup[], factor: number | null) =>
  shareOf(fit) >= AGREE_MIN || factor !== null || isNear(rollup, rollups, fit);

const usageOf = (ctx: CheckContext, name: string) =>
  ctx.evidence.usage.find((u) => u.name === name) as UsageRelation;

const isMoved = (ctx: CheckContext, fit: Fit) => {
  const zone = zoneOffset(ctx.evidence.timezone);
  return (
    fit.offsets.some((o) => o !== 0) && !fit.compared.every((one) => fit.offsets.includes(zone(one.from)))
  );
};

/** The only detail there is, grouped by nothing that could leave rows out, and every bucket about right. */
function isNear(rollup: Rollup, rollups: readonly Rollup[], fit: Fit): boolean {
  if (rollups.length > 1 || rollup.keys.some((key) => !/model|provider/i.test(key.name))) return false;
  const near = fit.compared.filter((one) =>
    one.detail.every(
      (sum, i) => sum === 0 || (one.sums[i]! / sum >= NEAR[0] && one.sums[i]! / sum <= NEAR[1]),
    ),
  );
  return near.length >= 0.9 * fit.compared.length;
}

const clock = (offsets: readonly number[]) =>
  offsets.map((o) => `UTC${o < 0 ? "−" : "+"}${Math.abs(o)}`).join(" or ");

async function movedDraft(ctx: CheckContext, { rollup, fit }: Reading): Promise<FindingDraft> {
  return {
    title: "A rollup's days begin at another hour",
    message: `The days of ${rollup.rollup} agree with ${rollup.detail} when they begin at midnight of ${clock(fit.offsets)}, not of ${ctx.evidence.timezone}: all ${plural(fit.compared.length, "bucket")} then agree.`,
    measure: { name: "offset_hours", value: fit.offsets[0]! },
    evidence: {
      rollup: rollup.rollup,
      detail: rollup.detail,
      offset_hours: fit.offsets.length === 1 ? fit.offsets[0]! : [...fit.offsets],
      buckets: fit.compared.length,
      agreeing: fit.agreeing,
    },
    sql: compareSql(ctx, rollup, "TRUE", fit.offsets[0]!),
    severity: "info",
    key: "offset",
    fix: `Say --timezone, or compare the two by the same clock: whoever adds up ${rollup.detail} by UTC days gets other sums.`,
  };
}

/** The rollup per bucket and key, where the buckets alone tell nothing. */
function keysDraft({ rollup, fit, variant }: Reading, keys: ByKey): FindingDraft {
  const differing = keys.pairs - keys.agreeing;
  const off = keys.stored - keys.right;
  return {
    title: "A rollup differs from the rows it sums up",
    message:
      `${number(differing)} of ${number(keys.pairs)} sums per ${[rollup.grain, ...rollup.keys.map((key) => key.name)].join(", ")} in ${rollup.rollup} ` +
      `(${percent(differing / keys.pairs)}) differ from the rows of ${rollup.detail}: ${keys.measure} is ${number(keys.stored)} where the rows sum up to ${number(keys.right)} ` +
      `(${off < 0 ? "−" : "+"}${number(Math.abs(off))}).`,
    measure: { name: "differing_ratio", value: differing / keys.pairs },
    evidence: {
      rollup: rollup.rollup,
      detail: rollup.detail,
      grain: rollup.grain,
      keys: rollup.keys.map((key) => key.name),
      buckets: fit.compared.length,
      agreeing_buckets: fit.agreeing,
      pairs: keys.pairs,
      differing,
      measure: keys.measure,
      stored_sum: keys.stored,
      detail_sum: keys.right,
      difference: off,
      counted: variant.name,
      offset_hours: fit.offsets[0]!,
      first: instantOf(fit.compared[0]!.from),
      last: instantOf(fit.compared.at(-1)!.from),
      worst: keys.worst,
    },
    sql: keys.sql,
    key: `${rollup.detail} keys`,
  };
}

async function differingDraft(
  ctx: CheckContext,
  { rollup, variant, fit }: Reading,
  differing: readonly Compared[],
  factor: number | null,
): Promise<FindingDraft> {
  const m = worstMeasure(differing);
  const measure = rollup.measures[m]!;
  const sum = (list: readonly Compared[], pick: (one: Compared) => readonly number[]) =>
    list.reduce((total, one) => total + pick(one)[m]!, 0);
  const [stored, right] = [sum(differing, (c) => c.sums), sum(differing, (c) => c.detail)];
  const absent = differing.filter((one) => !one.present).length;
  const worst = [...differing].sort(
    (a, b) => Math.abs(b.sums[m]! - b.detail[m]!) - Math.abs(a.sums[m]! - a.detail[m]!) || a.from - b.from,
  );
  const one = worst[0]!;
  const label = (at: number) =>
    rollup.grain === "hour" ? instant(instantOf(at)) : instantOf(at).slice(0, 10);
  const [from, to] = [differing[0]!.from, differing.at(-1)!.from];
  const off = stored - right;
  return {
    title:
      factor === 0
        ? "A rollup stays 0"
        : factor
          ? "A rollup counts its rows several times"
          : "A rollup differs from the rows it sums up",
    message:
      `${number(differing.length)} of ${plural(fit.compared.length, rollup.grain)} of ${rollup.rollup} (${percent(differing.length / fit.compared.length)}) differ from the rows of ${rollup.detail}: ` +
      `${measure} is ${number(stored)} where the rows sum up to ${number(right)} (${off < 0 ? "−" : "+"}${number(Math.abs(off))})` +
      (factor ? `, ${factor} times as much` : "") +
      `; the worst is ${label(one.from)} with ${number(one.sums[m]!)} for ${number(one.detail[m]!)}.` +
      (absent > 0 ? ` ${plural(absent, "bucket is", "buckets are")} not there at all.` : ""),
    measure: { name: "differing_ratio", value: differing.length / fit.compared.length },
    evidence: {
      rollup: rollup.rollup,
      detail: rollup.detail,
      grain: rollup.grain,
      buckets: fit.compared.length,
      differing: differing.length,
      absent,
      measure,
      stored_sum: stored,
      detail_sum: right,
      difference: off,
      factor,
      counted: variant.name,
      offset_hours: fit.offsets.length === 1 ? fit.offsets[0]! : [...fit.offsets],
      first: instantOf(from),
      last: instantOf(to),
      worst: worst
        .slice(0, 5)
        .map((w): Row => ({ bucket: label(w.from), stored: w.sums[m]!, rows: w.detail[m]! })),
    },
    sql: compareSql(ctx, rollup, variant.condition, fit.offsets[0]!),
    key: rollup.detail,
    timeline: {
      from: instantOf(fit.compared[0]!.from),
      to: instantOf(fit.compared.at(-1)!.to),
      lanes: [
        { name: rollup.rollup, counts: resampled(fit.compared.map((c) => c.sums[m]!)) },
        { name: rollup.detail, counts: resampled(fit.compared.map((c) => c.detail[m]!)) },
      ],
      marks: [{ time: instantOf(from), label: "differs" }],
    },
  };
}

/** The measure that differs in most buckets, tokens before cost. */
function worstMeasure(differing: readonly Compared[]): number {
  const counts = (differing[0]?.sums ?? []).map(
    (_, m) => differing.filter((one) => Math.abs(one.sums[m]! - one.detail[m]!) > 0.0051).length,
  );
  return counts.indexOf(Math.max(...counts));
}

/** At most 48 values, sums of equal runs. */
function resampled(values: readonly number[]): number[] {
  const size = Math.max(1, Math.ceil(values.length / 48));
  const out: number[] = [];
  for (let i = 0; i < values.length; i += size)
    out.push(values.slice(i, i + size).reduce((sum, value) => sum + Math.max(0, value), 0));
  return out;
}

/** A query that shows rollup and detail side by side, by the rollup's clock. */
function compareSql(ctx: CheckContext, rollup: Rollup, condition: string, offset: number): string {
  const seconds = { hour: 3600, day: 86400, month: 86400, session: 1, total: 1 }[rollup.grain];
  const measure = rollup.measures[0]!;
  const bucket = (shift: number) => `floor((${secondsSql(ctx, "time")} + ${shift * 3600}) / ${seconds})`;
  return `SELECT stored.time AS bucket, stored.amount AS stored, rows_of.amount AS rows_sum_up_to
FROM (SELECT min(time) AS time, ${bucket(0)} AS bucket, sum(${measure}) AS amount FROM ${usageOf(ctx, rollup.rollup).relation} GROUP BY 2) AS stored
LEFT JOIN (SELECT ${bucket(offset)} AS bucket, sum(${measure}) AS amount FROM ${usageOf(ctx, rollup.detail).relation} WHERE ${condition} GROUP BY 1) AS rows_of
ON rows_of.bucket = stored.bucket ORDER BY 1`;
}

/** Sessions and counters: by key instead of by time. */
async function keyedFindings(
  ctx: CheckContext,
  rollups: readonly Rollup[],
  minRows: number,
): Promise<FindingDraft[] | Skip> {
  let best: { rollup: Rollup; keyed: Keyed } | null = null;
  for (const rollup of rollups)
    for (const { condition } of variantsOf(usageOf(ctx, rollup.detail))) {
      const keyed = await keyedSums(
        ctx,
        usageOf(ctx, rollup.rollup),
        usageOf(ctx, rollup.detail),
        rollup,
        condition,
      );
      if (!best || keyed.agreeing > best.keyed.agreeing) best = { rollup, keyed };
    }
  if (!best || best.keyed.keys === 0) return new Skip("no key has rows to sum up");
  const { rollup, keyed } = best;
  const measure = rollup.measures[0]!;
  const draft = (title: string, message: string, measureOf: number, stays: boolean): FindingDraft => ({
    title,
    message,
    measure: { name: "differing_ratio", value: measureOf },
    evidence: {
      ...keyed.evidence,
      rollup: rollup.rollup,
      detail: rollup.detail,
      grain: rollup.grain,
      measure,
    },
    sql: keyed.sql,
    key: `${rollup.detail}${stays ? " zero" : ""}`,
  });
  if (rollup.grain === "total") {
    if (keyed.zero < keyed.keys || keyed.rows < minRows) return [];
    return [
      draft(
        "A counter stays 0",
        `${measure} of ${rollup.rollup} is 0 for all ${plural(keyed.keys, "key")} that have rows in ${rollup.detail}, which sum up to ${number(keyed.right)}.`,
        1,
        true,
      ),
    ];
  }
  const judged = keyed.keys - keyed.zero;
  if (judged < minRows || keyed.agreeing < AGREE_MIN * judged)
    return new Skip(
      `its sums follow from no table at hand: ${keyed.agreeing} of ${plural(judged, "session")} agree with ${rollup.detail}`,
    );
  const differing = judged - keyed.agreeing;
  if (differing === 0) return [];
  return [
    draft(
      "A rollup differs from the rows it sums up",
      `${number(differing)} of ${plural(judged, "session")} of ${rollup.rollup} (${percent(differing / judged)}) differ from the rows of ${rollup.detail}: ` +
        `${measure} is ${number(keyed.stored)} where the rows sum up to ${number(keyed.right)}.`,
      differing / judged,
      false,
    ),
  ];
}
