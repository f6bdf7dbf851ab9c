/** What counts as before and after the onset of an incident, as SQL on a column `time` and in words. */

import { instantOf, timestampSql } from "../../analysis/activity.ts";
import type { Incident } from "../../contract/hypothesis.ts";
import { instant } from "../../contract/wording.ts";

/** Up to the onset's earliest moment; nothing without one. */
export function beforeSql({ onset }: Incident, time = "time"): string {
  return onset ? `${time} <= ${timestampSql(onset.earliest)}` : "FALSE";
}

/** From the onset's latest moment to the end of the incident; everything without one. What lies between is neither. */
export function afterSql(incident: Incident, time = "time"): string {
  const { onset, until } = incident;
  if (!onset) return "TRUE";
  const start = `${time} >= ${timestampSql(onset.latest)} AND ${time} > ${timestampSql(onset.earliest)}`;
  return until === null || until < onset.latest ? start : `${start} AND ${time} <= ${timestampSql(until)}`;
}

const spoken = (seconds: number) => instant(instantOf(seconds));

/** The onset in words: `2025-11-23 16:30:35`. */
export function onsetText({ onset }: Incident): string {
  return onset ? spoken(onset.earliest) : "the beginning";
}

/** What `beforeSql` selects, in words: `up to 2025-11-23 16:30:35`. */
export function beforeText(incident: Incident): string {
  return `up to ${onsetText(incident)}`;
}

/** What `afterSql` selects, in words: `from 2025-11-23 17:38:56 to 2025-11-30 19:41:23`. */
export function afterText({ onset, until }: Incident): string {
  if (!onset) return "in all";
  const isMoment = onset.latest <= onset.earliest;
  const start = `${isMoment ? "after" : "from"} ${spoken(onset.latest)}`;
  if (until !== null && until >= onset.latest)
    return `${start} ${isMoment ? "up to" : "to"} ${spoken(until)}`;
  return isMoment ? start : `${start} on`;
}

/** The rows that are defective in the time of the incident, as an SQL condition on the usage relation. */
export function badSql(incident: Incident): string {
  const { table, scope, defect } = incident;
  const time =
    incident.onset && incident.kind === "began" && table?.has("time") ? afterSql(incident) : "TRUE";
  return `${scope} AND (${defect ?? "TRUE"}) AND ${time}`;
}
