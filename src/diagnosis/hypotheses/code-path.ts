/** Newer rows take a path through the program that does not log tokens. */

import {
  defineHypothesis,
  type HypothesisContext,
  type Incident,
  NO_EVIDENCE,
  speaksAgainst,
  speaksFor,
} from "../../contract/hypothesis.ts";
import { number, percent, plural } from "../../contract/wording.ts";
import { codeOf } from "../measure/code.ts";
import { countsOf, GOES_ON, STOPPED } from "../measure/counts.ts";
import { missingCode, missingLog } from "../measure/missing.ts";
import { changedText, FRESH_MIN, mixOfOrigins, SAME_MAX } from "../measure/mix.ts";
import { namedIn } from "../measure/named.ts";
import { afterText, onsetText } from "../measure/window.ts";

export default defineHypothesis({
  id: "code-path",
  meta: {
    title: "Newer rows take another code path",
    sentence: "The rows after the onset go through code that does not log tokens.",
    limits:
      "Rows that are logged without token lines fit six hypotheses; only a change of loggers, functions or endpoints tells this one. A new path that logs under the old name stays unseen without the code.",
  },
  tests: [
    {
      id: "other-loggers",
      // Rows that are in the log without token lines, under loggers, functions or endpoints that are new: 30 times.
      // The same mix before and after is what another path cannot give.
      weight: { for: 3.4, against: 2.5 },
      run: otherLoggers,
    },
    {
      id: "entry-without-log",
      // The code has such a path: it makes the hypothesis possible, and does not show that it was taken.
      weight: { for: 1, against: 1 },
      run: entryWithoutLog,
    },
    {
      id: "not-in-log",
      // Rows on another path of the same program would still leave their id in its log.
      weight: { for: 0, against: 2.5 },
      async run(incident, ctx) {
        const named = await namedIn(incident, ctx);
        const counts = await countsOf(incident, ctx);
        if (named && named.bad >= 5 && named.badNamed <= STOPPED * named.bad)
          return speaksAgainst(
            `the log names ${number(named.badNamed)} of the ${number(named.bad)} rows without tokens: a path of the same program would name them`,
            named.sql,
          );
        if (named || counts.linesKept === null || counts.linesKept > STOPPED) return NO_EVIDENCE;
        return speaksAgainst(
          `${counts.log} has ${plural(counts.lines.after, "line")} of any kind ${afterText(incident)}`,
          counts.sql("lines"),
        );
      },
    },
  ],
  confirm: () =>
    "follow one of the newer ids through the log and the code, from its entry point to the write",
  missing: (incident, ctx) => missingLog(incident) ?? missingCode(ctx),
});

async function otherLoggers(incident: Incident, ctx: HypothesisContext) {
  const { eventsKept, linesKept } = await countsOf(incident, ctx);
  const named = await namedIn(incident, ctx);
  const mix = await mixOfOrigins(incident, ctx);
  if (!mix || (linesKept !== null && linesKept < GOES_ON)) return NO_EVIDENCE;
  // Rows that do have their token lines took the path that logs.
  const told = named && named.badTold > 0 ? named.badTold / Math.max(1, named.bad) : eventsKept;
  if (mix.freshShare >= FRESH_MIN && (told === null || told < 0.5))
    return speaksFor(changedText(mix, "rows by the lines that name them"), mix.sql);
  if (mix.distance <= SAME_MAX)
    return speaksAgainst(
      `the loggers, functions and endpoints of the lines that name rows are about the same before and after ${onsetText(incident)} (no share moves by more than ${percent(mix.distance)})`,
      mix.sql,
    );
  return NO_EVIDENCE;
}

async function entryWithoutLog(incident: Incident, ctx: HypothesisContext) {
  const code = await codeOf(incident, ctx);
  if (!code || code.entries < 2) return NO_EVIDENCE;
  const [first] = code.withoutLog;
  if (first !== undefined && code.withoutLog.length < code.entries)
    return speaksFor(
      `of ${number(code.entries)} entry points that reach the write of the row, ${number(code.withoutLog.length)} reach no line that logs tokens, ${first} among them`,
      code.entriesSql,
    );
  if (code.withoutLog.length === 0)
    return speaksAgainst(
      `all ${number(code.entries)} entry points that reach the write of the row reach a line that logs tokens`,
      code.entriesSql,
    );
  return NO_EVIDENCE;
}
