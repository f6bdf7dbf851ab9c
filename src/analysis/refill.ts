/** Plans the repair of wrong buckets of a rollup from the rows that it sums up. */

import type { CheckContext } from "../contract/check.ts";
import type { UsageRelation } from "../contract/evidence.ts";
import type { RepairPlan } from "../contract/repair.ts";
import { secondsSql } from "./activity.ts";
import { type Compared, sameSum } from "./refit.ts";
import type { Reading } from "./rollups.ts";

const GONE = "it holds more than its rows, of which some may be gone";

/** So often may every row of a bucket have been added. */
const TIMES = [2, 3, 4, 5];

/** Null when the rollup's rows cannot be addressed by their time. */
export function refillPlan(usage: UsageRelation, reading: Reading, ctx: CheckContext): RepairPlan | null {
  const { rollup, fit } = reading;
  const time = usage.columnOf("time");
  const held = rollup.measures.map((role) => usage.columnOf(role));
  if (!time?.expression || held.some((column) => !column?.expression)) return null;
  const wrong = fit.compared.filter((one) => !one.agrees && one.present);
  const olds = held.map((column, i) => `${column?.expression} AS old_${i}`).join(", ");
  const news = rollup.measures.map((_, i) => `new_${i}`);
  const bucketOf = (one: Compared) =>
    [one.from, one.to, ...one.detail, isRecoverable(one) ? "NULL" : ctx.sql.literal(GONE)].join(", ");
  const buckets =
    wrong.length > 0
      ? `VALUES ${wrong.map((one) => `(${bucketOf(one)})`).join(", ")}`
      : `SELECT ${[0, 0, ...news.map(() => 0), "''"].join(", ")} WHERE FALSE`;
  return {
    table: usage.name,
    key: time.name,
    columns: held.map((column) => column?.name ?? ""),
    guard: "unchanged",
    rows: `WITH buckets (bucket_from, bucket_to, ${news.join(", ")}, lost) AS (${buckets}),
      stored AS (SELECT CAST(${ctx.sql.ident(time.name)} AS VARCHAR) AS key, ${secondsSql(ctx, `(${time.expression})`)} AS began, ${olds}
        FROM ${usage.table.relation})
      SELECT key, ${rollup.measures.map((_, i) => `old_${i}, new_${i}`).join(", ")}, CAST(lost AS VARCHAR) AS lost
      FROM stored JOIN buckets ON began >= bucket_from AND began < bucket_to`,
    among: null,
    how: `Each row gets the sum of the rows of ${rollup.detail} in its ${rollup.grain}.`,
  };
}

/** Rows were lost on the way into the bucket, or all of them came several times; where it holds more, rows may be gone. */
function isRecoverable({ sums, detail }: Compared): boolean {
  const pairs = sums.map((sum, i) => [sum, detail[i] ?? 0] as const);
  return (
    pairs.every(([sum, right]) => sum <= right || sameSum(sum, right, false)) ||
    TIMES.some((k) => pairs.every(([sum, right]) => right > 0 && Math.abs(sum - k * right) <= 1e-6 * sum))
  );
}
