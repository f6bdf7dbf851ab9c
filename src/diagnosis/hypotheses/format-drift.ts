/** The wording of the token line changed, and what reads it no longer matches. */

import { instantOf, timestampSql } from "../../contract/activity.ts";
import {
  defineHypothesis,
  type HypothesisContext,
  type Incident,
  NO_EVIDENCE,
} from "../../contract/hypothesis.ts";
import { number, plural } from "../../contract/wording.ts";
import { countsOf, GOES_ON } from "../measure/counts.ts";
import { afterSql, beforeSql, onsetText } from "../measure/window.ts";

export default defineHypothesis({
  id: "format-drift",
  meta: {
    title: "The wording of the token line changed",
    sentence: "The program still logs tokens, in words that the extractor no longer matches.",
    limits:
      "A wording that shares no word with the old one is no near miss, and looks like a path that does not log. Structured logs drift in their keys, which only the extractor's anchors show.",
  },
  tests: [
    {
      id: "near-misses-begin",
      // Lines with the words of a token line that no pattern reads, from the moment on at which matches end: 50 times.
      // A log that goes on without a single near miss refutes it.
      weight: { for: 4, against: 3 },
      run: nearMissesBegin,
    },
  ],
  confirm: () => "read one of the lines that no pattern matches, and the commit that changed its wording",
  missing: (incident) => (incident.logs.length === 0 ? "the log that the table is filled from" : null),
});

async function nearMissesBegin(incident: Incident, ctx: HypothesisContext) {
  const { events, eventsKept, linesKept } = await countsOf(incident, ctx);
  if (incident.logs.length === 0 || !incident.onset) return NO_EVIDENCE;
  const inputs = incident.logs.map((log) => ctx.sql.literal(log.input)).join(", ");
  const where = `input IN (${inputs}) AND text NOT LIKE '%N/A%'`;
  const [row = {}] = await ctx.query(
    `SELECT count(*) FILTER (WHERE ${beforeSql(incident)}) AS before, count(*) FILTER (WHERE ${afterSql(incident)}) AS after,
       count(DISTINCT CASE WHEN ${afterSql(incident)} THEN line END) AS lines FROM trueup.near_misses WHERE ${where}`,
  );
  const [before, after] = [Number(row.before ?? 0), Number(row.after ?? 0)];
  const sql = `SELECT time, line, text FROM trueup.near_misses WHERE ${where} AND time >= ${timestampSql(incident.onset.earliest)} ORDER BY time, line LIMIT 100`;
  const matches = events.before + before > 0 ? events.before / (events.before + before) : 1;
  const matchesAfter = events.after + after > 0 ? events.after / (events.after + after) : 1;
  if (after >= 5 && matches >= 0.5 && matchesAfter <= 0.5 * matches)
    return {
      verdict: "for" as const,
      text:
        `${plural(after, "line")} with the words of a token line that no pattern reads begin at ${onsetText(incident)} (${number(before)} before), ` +
        `as matches fall from ${number(events.before)} to ${number(events.after)}`,
      sql,
    };
  const goesOn = linesKept !== null && linesKept >= GOES_ON;
  if (goesOn && after === 0)
    return {
      verdict: "against" as const,
      text: `no line after ${onsetText(incident)} has the words of a token line without matching${eventsKept !== null && eventsKept < GOES_ON ? ", though the log goes on" : ""}`,
      sql: `SELECT count(*) AS near_misses FROM trueup.near_misses WHERE ${where} AND time > TIMESTAMP ${ctx.sql.literal(instantOf(incident.onset.earliest).replace("T", " ").replace("Z", ""))}`,
    };
  return NO_EVIDENCE;
}
