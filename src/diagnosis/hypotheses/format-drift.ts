/** The wording of the token line changed, and what reads it no longer matches. */

import { instantOf, timestampSql } from "../../contract/activity.ts";
import {
  type Answer,
  defineHypothesis,
  type HypothesisContext,
  type Incident,
  NO_EVIDENCE,
} from "../../contract/hypothesis.ts";
import { isOneWording, templateSql, wordingOf } from "../../contract/template.ts";
import { number, percent, plural } from "../../contract/wording.ts";
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
    {
      id: "wording-changes",
      // Token lines that this tool still reads, in other words from the onset on: what fills the table may be stricter.
      // More telling than that the table lacks what the log has, which it comes with.
      weight: { for: 5, against: 0 },
      run: wordingChanges,
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
  if (goesOn && after === 0 && (await wordingChanges(incident, ctx)).verdict === "none")
    return {
      verdict: "against" as const,
      text: `no line after ${onsetText(incident)} has the words of a token line without matching${eventsKept !== null && eventsKept < GOES_ON ? ", though the log goes on" : ""}`,
      sql: `SELECT count(*) AS near_misses FROM trueup.near_misses WHERE ${where} AND time > TIMESTAMP ${ctx.sql.literal(instantOf(incident.onset.earliest).replace("T", " ").replace("Z", ""))}`,
    };
  return NO_EVIDENCE;
}

/** Token lines on either side of the onset whose wording is compared. */
const NEAREST = 60;
const SIDE_MIN = 5;

function wordingChanges(incident: Incident, ctx: HypothesisContext): Promise<Answer> {
  return ctx.once("wording", () => compareWordings(incident, ctx));
}

async function compareWordings(incident: Incident, ctx: HypothesisContext): Promise<Answer> {
  const { bad } = await countsOf(incident, ctx);
  if (!incident.onset || bad < 5) return NO_EVIDENCE;
  const lines = incident.logs.flatMap((log) =>
    incident.events
      .filter((usage) => log.kept && usage.table.input === log.input)
      .filter((usage) => usage.table.columns.some((column) => column.name === "line"))
      .map(
        (usage) =>
          `SELECT kept.time, kept.line, kept.text FROM ${log.kept} AS kept JOIN ${usage.table.relation} AS told ON told.line = kept.line`,
      ),
  );
  if (lines.length === 0) return NO_EVIDENCE;
  const side = (when: string, order: string) =>
    `SELECT text FROM (SELECT text, time, line FROM (${lines.join(" UNION ALL ")}) AS told_lines WHERE ${when} ORDER BY time ${order}, line LIMIT ${NEAREST}) AS nearest`;
  const wordings = async (when: string, order: string) => {
    const rows = await ctx.query(
      `SELECT ${templateSql(ctx.sql, "text")} AS template, count(*) AS n FROM (${side(when, order)}) AS texts GROUP BY 1 ORDER BY n DESC, template`,
    );
    const counts = new Map<string, number>();
    for (const row of rows) {
      const wording = wordingOf(String(row.template));
      counts.set(wording, (counts.get(wording) ?? 0) + Number(row.n));
    }
    return counts;
  };
  const [before, after] = [
    await wordings(beforeSql(incident), "DESC"),
    await wordings(afterSql(incident), "ASC"),
  ];
  const sum = (counts: Map<string, number>) => [...counts.values()].reduce((total, n) => total + n, 0);
  if (sum(before) < SIDE_MIN || sum(after) < SIDE_MIN) return NO_EVIDENCE;
  const fresh = [...after].filter(
    ([text]) => ![...before.keys()].some((old) => old === text || isOneWording(old, text)),
  );
  const [first] = fresh;
  const share = fresh.reduce((total, [, n]) => total + n, 0) / sum(after);
  if (!first || share < 0.5) return NO_EVIDENCE;
  return {
    verdict: "for" as const,
    text: `the wording of the token line changes at ${onsetText(incident)}: ${percent(share)} of the next ${number(sum(after))} read "${first[0].slice(0, 100)}", before it "${([...before.keys()][0] ?? "").slice(0, 100)}"`,
    sql: `${side(afterSql(incident), "ASC")}`,
  };
}
