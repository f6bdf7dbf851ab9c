/** How the loss stands in the table: all or nothing, in part, or from the first row on. */

import type { Dimension, UsageRelation } from "../../contract/evidence.ts";
import type { HypothesisContext, Incident } from "../../contract/hypothesis.ts";
import { type Separation, separate } from "../dimensions.ts";
import { countsOf } from "./counts.ts";
import { afterSql } from "./window.ts";

/** Share of calls with tokens in the time of the incident: below it nothing is covered, above one minus it all is. */
export const ALL_OR_NOTHING = 0.05;
const CALLS_MIN = 5;

/** The share of calls in the time of the incident that carry tokens; null with too few. */
export async function coverageOf(incident: Incident, ctx: HypothesisContext): Promise<number | null> {
  if (incident.defect === null || incident.kind === "ended") return null;
  const { calls, lost } = await countsOf(incident, ctx);
  return calls.after < CALLS_MIN ? null : 1 - lost.after / calls.after;
}

/** The dimension that tells the defective calls in the time of the incident from the sound ones, or null. */
export const separationOf = (incident: Incident, ctx: HypothesisContext): Promise<Separation | null> =>
  ctx.once("separation", async () => {
    const { table, scope, defect } = incident;
    if (!table || defect === null) return null;
    const time =
      table.has("time") && incident.onset && incident.kind === "began" ? afterSql(incident) : "TRUE";
    return separate(
      table,
      [...table.dimensions, ...rhythmOf(table, ctx)],
      `${scope} AND ${time}`,
      defect,
      ctx,
    );
  });

/** When in the week and the day a call was made, as dimensions: what runs at night or on Sundays may be the condition. */
function rhythmOf(table: UsageRelation, ctx: HypothesisContext): Dimension[] {
  if (!table.has("time")) return [];
  const seconds = ctx.sql.seconds_between("TIMESTAMP '1970-01-01 00:00:00'", "time");
  const named = (unit: number, names: readonly string[]) =>
    `CASE CAST(floor(${seconds} / ${unit}) % ${names.length} AS INTEGER) ${names.map((name, i) => `WHEN ${i} THEN '${name}'`).join(" ")} END`;
  const days = ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];
  const hours = [...new Array(12).keys()].map((i) => `${2 * i}:00 to ${2 * i + 2}:00`);
  return [
    { name: "day of the week (UTC)", column: named(86_400, days), distinct: days.length },
    { name: "hours of the day (UTC)", column: named(7200, hours), distinct: hours.length },
  ];
}
