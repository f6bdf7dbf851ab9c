/** The wording of the token line changed, and what reads it no longer matches. */

import { isOneWording, templateSql, wordingOf } from "../../analysis/template.ts";
import {
  type Answer,
  defineHypothesis,
  type HypothesisContext,
  type Incident,
  NO_EVIDENCE,
  speaksAgainst,
  speaksFor,
} from "../../contract/hypothesis.ts";
import { number, percent, plural } from "../../contract/wording.ts";
import { countsOf, GOES_ON } from "../measure/counts.ts";
import { missingLog } from "../measure/missing.ts";
import { ownPattern, toldSidesSql } from "../measure/told.ts";
import { afterText, beforeText, onsetText } from "../measure/window.ts";

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
    {
      id: "own-pattern",
      // The regular expression of the code reads the token lines before the onset and not those after it: 20 times.
      // One that still reads them is no reason for their loss.
      weight: { for: 3, against: 3 },
      run: ownPatternMisses,
    },
  ],
  confirm: () => "read one of the lines that no pattern matches, and the commit that changed its wording",
  missing: missingLog,
});

async function nearMissesBegin(incident: Incident, ctx: HypothesisContext) {
  const counts = await countsOf(incident, ctx);
  const { events, near, eventsKept, linesKept, log } = counts;
  if (log === null || !incident.onset) return NO_EVIDENCE;
  const sql = counts.sql("near", "events");
  const matching = events.before + near.before > 0 ? events.before / (events.before + near.before) : 1;
  const matchingAfter = events.after + near.after > 0 ? events.after / (events.after + near.after) : 1;
  if (near.after >= 5 && matching >= 0.5 && matchingAfter <= 0.5 * matching)
    return speaksFor(
      `${plural(near.after, "line")} with the words of a token line that no pattern reads ${afterText(incident)} (${number(near.before)} ${beforeText(incident)}), ` +
        `as matches go from ${number(events.before)} to ${number(events.after)}`,
      sql,
    );
  const goesOn = linesKept !== null && linesKept >= GOES_ON;
  if (goesOn && near.after === 0 && (await wordingChanges(incident, ctx)).verdict === "none")
    return speaksAgainst(
      `no line ${afterText(incident)} has the words of a token line without matching${eventsKept !== null && eventsKept < GOES_ON ? ", though the log goes on" : ""}`,
      sql,
    );
  return NO_EVIDENCE;
}

const SIDE_MIN = 5;

function wordingChanges(incident: Incident, ctx: HypothesisContext): Promise<Answer> {
  return ctx.once("wording", () => compareWordings(incident, ctx));
}

async function compareWordings(incident: Incident, ctx: HypothesisContext): Promise<Answer> {
  const { bad } = await countsOf(incident, ctx);
  if (!incident.onset || bad < 5) return NO_EVIDENCE;
  const told = toldSidesSql(incident, ctx, false);
  if (told === null) return NO_EVIDENCE;
  const sides = `SELECT side, ${templateSql(ctx.sql, "text")} AS template FROM (${told}) AS told`;
  const templates = (await ctx.query(`SELECT side, template, count(*) AS n FROM (${sides}) AS sides
    GROUP BY 1, 2 ORDER BY n DESC, template`)) as { side: string; template: string; n: number }[];
  const of = (name: string) => templates.filter((one) => one.side === name);
  const sum = (list: readonly { n: number }[]) => list.reduce((total, { n }) => total + Number(n), 0);
  const [before, after] = [of("before"), of("after")];
  if (sum(before) < SIDE_MIN || sum(after) < SIDE_MIN) return NO_EVIDENCE;
  const old = before.map((one) => wordingOf(one.template));
  const fresh = after.filter((one) => {
    const wording = wordingOf(one.template);
    return !old.some((known) => known === wording || isOneWording(known, wording));
  });
  const [first] = fresh;
  const share = sum(fresh) / sum(after);
  if (!first || share < 0.5) return NO_EVIDENCE;
  const isNew = fresh.map((one) => ctx.sql.literal(one.template)).join(", ");
  return speaksFor(
    `the wording of the token line changes at ${onsetText(incident)}: ${percent(share)} of the next ${number(sum(after))} are new and read "${wordingOf(first.template).slice(0, 100)}", before it "${(old[0] ?? "").slice(0, 100)}"`,
    `SELECT side, template, template IN (${isNew}) AS is_new, count(*) AS lines FROM (${sides}) AS sides GROUP BY 1, 2, 3 ORDER BY side, lines DESC, template`,
  );
}

async function ownPatternMisses(incident: Incident, ctx: HypothesisContext) {
  const pattern = await ownPattern(incident, ctx);
  if (!pattern || pattern.after.lines < SIDE_MIN) return NO_EVIDENCE;
  const { file, line, before, after, sql } = pattern;
  const text = `the pattern in ${file}:${line} reads ${number(before.read)} of the last ${number(before.lines)} token lines ${beforeText(incident)} and ${number(after.read)} of the next ${number(after.lines)}`;
  if (after.read <= 0.1 * after.lines) return speaksFor(text, sql);
  return after.read >= 0.8 * after.lines ? speaksAgainst(text, sql) : NO_EVIDENCE;
}
