/** What counts as before and after the onset of an incident, as SQL on a column `time`. */

import { instantOf, timestampSql } from "../../contract/activity.ts";
import type { Incident } from "../../contract/hypothesis.ts";
import { instant } from "../../contract/wording.ts";

/** Before the onset; nothing without one. */
export function beforeSql({ onset }: Incident, time = "time"): string {
  return onset ? `${time} <= ${timestampSql(onset.earliest)}` : "FALSE";
}

/** From the onset to the end of the incident; everything without one. */
export function afterSql(incident: Incident, time = "time"): string {
  const { onset, until } = incident;
  if (!onset) return "TRUE";
  const start = `${time} >= ${timestampSql(onset.latest)} AND ${time} > ${timestampSql(onset.earliest)}`;
  return until === null || until < onset.latest ? start : `${start} AND ${time} <= ${timestampSql(until)}`;
}

/** The onset in words: `2025-11-23 16:30:35`. */
export function onsetText({ onset }: Incident): string {
  return onset ? instant(instantOf(onset.earliest)) : "the beginning";
}

/** The rows that are defective in the time of the incident, as an SQL condition on the usage relation. */
export function badSql(incident: Incident): string {
  const { table, scope, defect } = incident;
  const time =
    incident.onset && incident.kind === "began" && table?.has("time") ? afterSql(incident) : "TRUE";
  return `${scope} AND (${defect ?? "TRUE"}) AND ${time}`;
}
