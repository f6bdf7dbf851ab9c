/** Plans the repair of empty buckets of a rollup from the rows that it sums up. */

import { secondsSql } from "./activity.ts";
import type { CheckContext } from "./check.ts";
import type { UsageRelation } from "./evidence.ts";
import type { RepairPlan } from "./repair.ts";
import type { Reading } from "./rollups.ts";

/** Null when the rollup's rows cannot be addressed by their time. */
export function refillPlan(usage: UsageRelation, reading: Reading, ctx: CheckContext): RepairPlan | null {
  const { rollup, fit } = reading;
  const time = usage.columnOf("time");
  const held = rollup.measures.map((role) => usage.columnOf(role));
  if (!time?.expression || held.some((column) => !column?.expression)) return null;
  const wrong = fit.compared.filter((one) => !one.agrees && one.present);
  const olds = held.map((column, i) => `${column?.expression} AS old_${i}`).join(", ");
  const news = rollup.measures.map((_, i) => `new_${i}`);
  const empty = rollup.measures.map((_, i) => `COALESCE(old_${i}, 0) <= 0`).join(" AND ");
  const buckets =
    wrong.length > 0
      ? `VALUES ${wrong.map((one) => `(${[one.from, one.to, ...one.detail].join(", ")})`).join(", ")}`
      : `SELECT ${[0, 0, ...news.map(() => 0)].join(", ")} WHERE FALSE`;
  return {
    table: usage.name,
    key: time.name,
    columns: held.map((column) => column?.name ?? ""),
    guard: "unfilled",
    rows: `WITH buckets (bucket_from, bucket_to, ${news.join(", ")}) AS (${buckets}),
      stored AS (SELECT CAST(${ctx.sql.ident(time.name)} AS VARCHAR) AS key, ${secondsSql(ctx, `(${time.expression})`)} AS began, ${olds}
        FROM ${usage.table.relation})
      SELECT key, ${rollup.measures.map((_, i) => `old_${i}, new_${i}`).join(", ")},
        CASE WHEN NOT (${empty}) THEN 'it holds another sum, and only empty rows are filled' END AS lost
      FROM stored JOIN buckets ON began >= bucket_from AND began < bucket_to`,
    among: null,
    how: `Each row gets the sum of the rows of ${rollup.detail} in its ${rollup.grain}.`,
  };
}
