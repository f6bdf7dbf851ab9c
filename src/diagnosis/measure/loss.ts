/** How the loss stands in the table: all or nothing, in part, or from the first row on. */

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
    return separate(table, `${scope} AND ${time}`, defect, ctx);
  });
