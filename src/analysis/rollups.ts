/** Reads a rollup: its buckets of time, or its keys beside the sums of the rows that refer to them. */

import type { CheckContext } from "../contract/check.ts";
import type { Rollup, UsageRelation } from "../contract/evidence.ts";
import type { Row } from "../contract/finding.ts";
import { horizonOf, secondsSql, timestampSql } from "./activity.ts";
import { Detail, type Fit, type RollupBucket, refit, SLOT_SECONDS, zoneOffset } from "./refit.ts";
import { HAS_PARENT } from "./scope.ts";

const DAY = 86_400;
/** Buckets below which nothing can be told. */
export const BUCKETS_MIN = 3;
/** Buckets that are compared: ten years of hours. */
const BUCKETS_MAX = 90_000;
/** Days (or hours) without a row at the end of a rollup that a job may still be late with. */
const LATE = 2;

/** The buckets of a rollup per hour, day or month in order, those that it lacks between its first and last included. */
export async function readBuckets(
  ctx: CheckContext,
  usage: UsageRelation,
  rollup: Rollup,
): Promise<RollupBucket[]> {
  const detail = ctx.evidence.usage.find((u) => u.name === rollup.detail);
  const rows = await ctx.query(
    `SELECT ${secondsSql(ctx, "time")} AS bucket, ${rollup.measures.map((role, m) => `sum(${role}) AS s${m}`).join(", ")}
     FROM ${usage.relation} WHERE time >= ${timestampSql(365 * DAY)} AND time <= ${timestampSql(horizonOf(ctx))}
     GROUP BY 1 ORDER BY 1 LIMIT ${BUCKETS_MAX}`,
  );
  const known = new Map<number, number[]>();
  const none = rollup.measures.map(() => 0);
  const start = (at: number) => startOf(at, rollup.grain, base);
  // Days that begin at the same odd hour are days of another clock, written as instants: they stay as they are.
  const base = rollup.grain === "day" ? commonRest(rows.map((row) => Number(row.bucket))) : 0;
  for (const row of rows) {
    const at = start(Number(row.bucket));
    const sums = known.get(at) ?? none;
    known.set(
      at,
      sums.map((sum, m) => sum + Number(row[`s${m}`] ?? 0)),
    );
  }
  if (known.size === 0) return [];
  const present = [...known.keys()].sort((a, b) => a - b);
  const [first, last] = [present[0]!, present.at(-1)!];
  const buckets: RollupBucket[] = [];
  // A rollup that ends well before its detail has stopped: the buckets after it are missing, too.
  const detailEnd = detail?.timeRange
    ? Math.min(Date.parse(detail.timeRange.to) / 1000, horizonOf(ctx))
    : last;
  const until = Math.max(last, before(start(detailEnd), rollup.grain, LATE));
  for (let at = first; at <= until && buckets.length < BUCKETS_MAX; ) {
    const to = after(at, rollup.grain);
    buckets.push({ from: at, to, sums: known.get(at) ?? none, present: known.has(at) });
    at = to;
  }
  return buckets;
}

function commonRest(times: readonly number[]): number {
  const rest = (times[0] ?? 0) % DAY;
  return times.every((time) => time % DAY === rest) ? rest : 0;
}

function startOf(at: number, grain: Rollup["grain"], base: number): number {
  if (grain === "hour") return Math.floor(at / 3600) * 3600;
  if (grain === "day") return Math.floor((at - base) / DAY) * DAY + base;
  const date = new Date(at * 1000);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1) / 1000;
}

function after(at: number, grain: Rollup["grain"]): number {
  if (grain !== "month") return at + (grain === "hour" ? 3600 : DAY);
  const date = new Date(at * 1000);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1) / 1000;
}

function before(at: number, grain: Rollup["grain"], count: number): number {
  if (grain !== "month") return at - count * (grain === "hour" ? 3600 : DAY);
  const date = new Date(at * 1000);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() - count, 1) / 1000;
}

/** A rollup by key beside its detail. */
export interface Keyed {
  /** Keys with rows that carry something. */
  keys: number;
  /** Keys whose stored sums are all 0 or NULL. */
  zero: number;
  /** Of the others, those that agree in every measure. */
  agreeing: number;
  /** Detail rows of all keys. */
  rows: number;
  /** Of the keys that differ (of a session's only where it is not 0): the first measure as stored and as summed up. */
  stored: number;
  right: number;
  evidence: Row;
  sql: string;
}

/** Compares the rows of a rollup with the sums of the rows that refer to them; keys older than the detail are left out. */
export async function keyedSums(
  ctx: CheckContext,
  usage: UsageRelation,
  detail: UsageRelation,
  rollup: Rollup,
  condition: string,
): Promise<Keyed> {
  const key = rollup.keys[0]!;
  const { measures } = rollup;
  const sums = (relation: string, column: string, where: string) =>
    `SELECT ${column} AS k, count(*) AS n, ${measures.map((role, m) => `sum(${role}) AS s${m}`).join(", ")}
FROM ${relation} WHERE ${column} IS NOT NULL AND ${where} GROUP BY 1`;
  // A session that began before the detail does has rows that are gone.
  const since =
    usage.has("time") && detail.timeRange
      ? `(time IS NULL OR time >= ${timestampSql(Date.parse(detail.timeRange.from) / 1000 - 3600)})`
      : "TRUE";
  const differs = measures
    .map((role, m) =>
      role === "cost"
        ? `abs(stored.s${m} - rows_of.s${m}) > 0.0051 AND abs(stored.s${m} - rows_of.s${m}) > 0.001 * abs(rows_of.s${m})`
        : `COALESCE(stored.s${m}, 0) <> COALESCE(rows_of.s${m}, 0)`,
    )
    .join(" OR ");
  const all = (side: string, test: string) => measures.map((_, m) => `COALESCE(${side}.s${m}, 0) ${test}`);
  const joined = `FROM (${sums(usage.relation, key.rollup, since)}) AS stored
JOIN (${sums(detail.relation, key.detail, condition)}) AS rows_of ON rows_of.k = stored.k
WHERE (${all("rows_of", "> 0").join(" OR ")})`;
  const zero = all("stored", "= 0").join(" AND ");
  const counts = rollup.grain === "total" ? "differs" : "differs AND NOT zero";
  const counted = await ctx.query(
    `SELECT count(*) AS keys, count(*) FILTER (WHERE zero) AS zero, count(*) FILTER (WHERE NOT zero AND NOT differs) AS agreeing,
       sum(n) AS n, sum(stored) FILTER (WHERE ${counts}) AS stored, sum(rows_of) FILTER (WHERE ${counts}) AS rows_sum
     FROM (SELECT ${zero} AS zero, COALESCE(${differs}, FALSE) AS differs, rows_of.n AS n, stored.s0 AS stored, rows_of.s0 AS rows_of ${joined}) AS compared`,
  );
  const row = counted[0] ?? {};
  const at = (name: string) => Number(row[name] ?? 0);
  return {
    keys: at("keys"),
    zero: at("zero"),
    agreeing: at("agreeing"),
    rows: at("n"),
    stored: at("stored"),
    right: at("rows_sum"),
    evidence: {
      keys: at("keys"),
      zero_keys: at("zero"),
      agreeing: at("agreeing"),
      detail_rows: at("n"),
      stored_sum: at("stored"),
      detail_sum: at("rows_sum"),
      key: key.name,
    },
    sql: `SELECT stored.k AS key, stored.s0 AS stored, rows_of.s0 AS rows_sum_up_to ${joined} AND (${differs}) ORDER BY 1`,
  };
}

/** Which rows of a detail table a rollup may count: a condition on its usage relation. */
export interface Variant {
  name: string;
  condition: string;
}

/** The rollup as sums of one detail table's rows. */
export interface Reading {
  rollup: Rollup;
  variant: Variant;
  fit: Fit;
}

/** The share of a fit's buckets that agree. */
export const shareOf = (fit: Fit): number => fit.agreeing / Math.max(1, fit.compared.length);

/** Rows that are the parent of another row, as a condition. */
export const isParent = (detail: UsageRelation): string =>
  `(id IS NOT NULL AND id IN (SELECT parent_id FROM ${detail.relation} WHERE ${HAS_PARENT}))`;

/** The plausible ways to count rows, the plainest first. */
export function variantsOf(detail: UsageRelation): Variant[] {
  const variants = [
    { name: "all rows", condition: "TRUE" },
    { name: "successful rows", condition: "ok" },
    { name: "calls", condition: "is_call" },
    { name: "successful calls", condition: "ok AND is_call" },
  ];
  if (!detail.has("id", "parent_id")) return variants;
  return [
    ...variants,
    { name: "rows without children", condition: `NOT ${isParent(detail)}` },
    { name: "roots", condition: `NOT ${HAS_PARENT}` },
  ];
}

/** The rollup by time read in every plausible way; none with too few complete buckets in common. */
export async function readingsOf(ctx: CheckContext, rollup: Rollup): Promise<Reading[]> {
  const usageOf = (name: string) => ctx.evidence.usage.find((u) => u.name === name) as UsageRelation;
  const buckets = await readBuckets(ctx, usageOf(rollup.rollup), rollup);
  if (buckets.length < BUCKETS_MIN) return [];
  const detail = usageOf(rollup.detail);
  const variants = variantsOf(detail);
  const sums = variants.flatMap((_, v) =>
    rollup.measures.map((role, m) => `sum(${role}) FILTER (WHERE v${v}) AS s${v}_${m}`),
  );
  const flags = variants.map(({ condition }, v) => `(${condition}) AS v${v}`);
  // A day or month that began by another clock, and what came after the rollup stopped.
  const [from, to] = [buckets[0]!.from - 2 * DAY, buckets.at(-1)!.to + 33 * DAY];
  const rows = await ctx.query(
    `SELECT floor(${secondsSql(ctx, "time")} / ${SLOT_SECONDS}) * ${SLOT_SECONDS} AS slot, ${sums.join(", ")}
     FROM (SELECT time, ${rollup.measures.join(", ")}, ${flags.join(", ")} FROM ${detail.relation}
           WHERE time >= ${timestampSql(from)} AND time < ${timestampSql(to)}) AS counted GROUP BY 1 ORDER BY 1`,
  );
  if (rows.length === 0) return [];
  const zone = zoneOffset(ctx.evidence.timezone);
  const expected = ctx.evidence.timezone === "UTC" ? [() => 0] : [zone, () => 0];
  const exact = rollup.measures.map((role) => role !== "cost");
  return variants.flatMap((variant, v) => {
    const slots = rows.map((row) => ({
      from: Number(row.slot),
      sums: rollup.measures.map((_, m) => Number(row[`s${v}_${m}`] ?? 0)),
    }));
    const fit = refit(buckets, new Detail(slots), exact, expected, rollup.grain !== "hour");
    return fit.compared.length >= BUCKETS_MIN ? [{ rollup, variant, fit }] : [];
  });
}
