/** Compares a rollup with its detail per bucket and key: model, user, provider … */

import type { CheckContext } from "../contract/check.ts";
import type { UsageRelation } from "../contract/evidence.ts";
import type { Row } from "../contract/finding.ts";
import { instantOf, secondsSql } from "./activity.ts";
import type { Reading } from "./rollups.ts";

/** Sums per bucket and key, in the buckets that a reading could compare. */
export interface ByKey {
  /** Pairs of bucket and key on either side that hold something. */
  pairs: number;
  agreeing: number;
  /** Pairs that differ and hold something on both sides: not merely named otherwise. */
  onBoth: number;
  /** Of the pairs that differ: the measure as stored and as summed up. */
  stored: number;
  right: number;
  measure: string;
  /** The pairs that differ most. */
  worst: Row[];
  sql: string;
}

/** Null where the two are grouped by nothing else in common, by months, or by a clock that changes. */
export async function byKey(ctx: CheckContext, { rollup, variant, fit }: Reading): Promise<ByKey | null> {
  const unit = rollup.grain === "hour" ? 3600 : rollup.grain === "day" ? 86_400 : null;
  const [first, last] = [fit.compared[0], fit.compared.at(-1)];
  const offset = fit.offsets.length === 1 ? fit.offsets[0]! : null;
  if (unit === null || offset === null || !first || !last || rollup.keys.length === 0) return null;
  const usageOf = (name: string) => ctx.evidence.usage.find((u) => u.name === name) as UsageRelation;
  const base = first.from % unit;
  const m = rollup.measures.findIndex((role) => role !== "cost");
  const measure = rollup.measures[Math.max(0, m)]!;
  const side = (name: string, which: "rollup" | "detail", shift: number, condition: string) => {
    const bucket = `floor((${secondsSql(ctx, "time")} + ${shift - base}) / ${unit})`;
    const keys = rollup.keys.map((key, i) => `COALESCE(${key[which]}, '') AS k${i}`);
    const sums = rollup.measures.map((role, i) => `COALESCE(sum(${role}), 0) AS s${i}`);
    const groups = [1, ...rollup.keys.map((_, i) => i + 2)].join(", ");
    return `SELECT ${bucket} AS bucket, ${keys.join(", ")}, ${sums.join(", ")}
FROM ${usageOf(name).relation} WHERE time IS NOT NULL AND ${condition} GROUP BY ${groups}`;
  };
  const [from, to] = [first, last].map((one) => Math.floor((one.from - base) / unit)) as [number, number];
  const either = (column: string) => `COALESCE(stored.${column}, rows_of.${column})`;
  const value = (table: string, i: number) => `COALESCE(${table}.s${i}, 0)`;
  const differs = rollup.measures
    .map((role, i) => {
      const off = `abs(${value("stored", i)} - ${value("rows_of", i)})`;
      return role === "cost"
        ? `(${off} > 0.0051 AND ${off} > 0.001 * abs(${value("rows_of", i)}))`
        : `${off} >= 0.5`;
    })
    .join(" OR ");
  const some = rollup.measures.map((_, i) => `${value("stored", i)} <> 0 OR ${value("rows_of", i)} <> 0`);
  const at = Math.max(0, m);
  const compared = `SELECT ${either("bucket")} * ${unit} + ${base} AS bucket, ${rollup.keys.map((_, i) => `${either(`k${i}`)} AS k${i}`).join(", ")},
  ${value("stored", at)} AS stored, ${value("rows_of", at)} AS rows_sum_up_to, (${differs}) AS differs
FROM (${side(rollup.rollup, "rollup", 0, "TRUE")}) AS stored
FULL JOIN (${side(rollup.detail, "detail", offset * 3600, variant.condition)}) AS rows_of
ON ${["bucket", ...rollup.keys.map((_, i) => `k${i}`)].map((c) => `stored.${c} = rows_of.${c}`).join(" AND ")}
WHERE ${either("bucket")} BETWEEN ${from} AND ${to} AND (${some.join(" OR ")})`;
  const counted = await ctx.query(
    `SELECT count(*) AS pairs, count(*) FILTER (WHERE NOT differs) AS agreeing,
       count(*) FILTER (WHERE differs AND stored <> 0 AND rows_sum_up_to <> 0) AS on_both,
       sum(stored) FILTER (WHERE differs) AS stored, sum(rows_sum_up_to) FILTER (WHERE differs) AS rows_sum FROM (${compared}) AS compared`,
  );
  const keys = rollup.keys.map((_, i) => `k${i}`).join(", ");
  const worst = await ctx.query(
    `SELECT bucket, ${keys}, stored, rows_sum_up_to FROM (${compared}) AS compared WHERE differs
     ORDER BY abs(stored - rows_sum_up_to) DESC, bucket, ${keys} LIMIT 5`,
  );
  const row = counted[0] ?? {};
  return {
    pairs: Number(row.pairs ?? 0),
    agreeing: Number(row.agreeing ?? 0),
    onBoth: Number(row.on_both ?? 0),
    stored: Number(row.stored ?? 0),
    right: Number(row.rows_sum ?? 0),
    measure,
    worst: worst.map(
      (one): Row => ({
        bucket: instantOf(Number(one.bucket)),
        ...Object.fromEntries(rollup.keys.map((key, i) => [key.name, one[`k${i}`] ?? null])),
        stored: one.stored!,
        rows: one.rows_sum_up_to!,
      }),
    ),
    sql: `SELECT * FROM (${compared}) AS compared WHERE differs ORDER BY bucket, ${keys}`,
  };
}
