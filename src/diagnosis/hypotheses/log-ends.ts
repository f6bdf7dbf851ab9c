/** The log is a stale or truncated copy, was rotated away, or is no longer shipped. */

import { defineHypothesis, NO_EVIDENCE, speaksAgainst, speaksFor } from "../../contract/hypothesis.ts";
import { instant, number, percent, plural } from "../../contract/wording.ts";
import { countsOf, GOES_ON, STOPPED } from "../measure/counts.ts";
import { missingLog } from "../measure/missing.ts";
import { namedIn } from "../measure/named.ts";
import { afterText, beforeText } from "../measure/window.ts";

export default defineHypothesis({
  id: "log-ends",
  meta: {
    title: "The log ends",
    sentence:
      "The log that was loaded is a stale or truncated copy, was rotated away, or is no longer shipped: what it does not hold could not be imported.",
    limits:
      "A log that ends says nothing about what came later: the program may have stopped logging, or the log may be an old copy. Only the log of the time in question tells.",
  },
  tests: [
    {
      id: "all-lines-stop",
      // All lines of a live log stop while rows go on in hardly any other case (1 in 30); lines that go on refute it.
      weight: { for: 3.4, against: 4 },
      async run(incident, ctx) {
        const counts = await countsOf(incident, ctx);
        const { rows, lines, events, linesKept, log, lastLine } = counts;
        if (linesKept === null || log === null) return NO_EVIDENCE;
        const sql = counts.sql("lines", "rows");
        const after = afterText(incident);
        const follow = `while ${plural(rows.after, "row")} ${rows.after === 1 ? "follows" : "follow"} ${after}`;
        if (linesKept <= STOPPED && events.before > 0.95 * lines.before)
          return speaksFor(
            `${log} holds hardly anything but token lines, and ends: ${number(events.before)} token lines among ${number(lines.before)} lines ${beforeText(incident)}, ${number(lines.after)} lines ${after}, ${follow}`,
            counts.sql("lines", "events", "rows"),
            // A program that stopped logging tokens leaves the same log.
            0.4,
          );
        if (linesKept <= STOPPED && lines.after === 0)
          return speaksFor(
            `all lines of ${log} stop at ${instant(lastLine)}, not only token lines: ${number(counts.linesByThen)} up to then and none later, ${follow}`,
            sql,
          );
        if (linesKept <= STOPPED)
          return speaksFor(
            `nearly all lines of ${log} stop, not only token lines: ${number(lines.before)} ${beforeText(incident)}, ${number(lines.after)} ${after}, ${follow}`,
            sql,
          );
        if (linesKept >= GOES_ON)
          return speaksAgainst(`other lines of ${log} go on: ${number(lines.after)} ${after}`, sql);
        return NO_EVIDENCE;
      },
    },
    {
      id: "ids-absent",
      // Where ids are usually logged, rows without any trace are 5 times as likely in a log that ends.
      weight: { for: 1.6, against: 2.5 },
      async run(incident, ctx) {
        const named = await namedIn(incident, ctx);
        if (!named || named.bad < 5) return NO_EVIDENCE;
        const usually = named.sound < 5 || named.soundNamed >= 0.5 * named.sound;
        if (usually && named.badNamed <= 0.05 * named.bad)
          return speaksFor(
            `${named.badNamed === 0 ? "no id" : `${number(named.badNamed)} of ${number(named.bad)} ids`} of the ${plural(named.bad, "row")} without tokens ${named.badNamed > 1 ? "appear" : "appears"} anywhere in the log` +
              (named.sound >= 5 ? `; of earlier rows ${percent(named.soundNamed / named.sound)} do` : ""),
            named.sql,
          );
        if (named.badNamed >= 0.5 * named.bad)
          return speaksAgainst(
            `the log names ${number(named.badNamed)} of the ${number(named.bad)} rows without tokens`,
            named.sql,
          );
        return NO_EVIDENCE;
      },
    },
    {
      id: "part-missing",
      // Loaders tell a hole in the numbers of a rotated set, or parts that were not named.
      weight: { for: 1, against: 0 },
      async run(incident, ctx) {
        const { linesKept } = await countsOf(incident, ctx);
        if (linesKept === null || linesKept > STOPPED) return NO_EVIDENCE;
        const inputs = ctx.evidence.inputs.filter((input) =>
          incident.logs.some((log) => log.input === input.name),
        );
        const note = inputs
          .flatMap((input) => input.notes)
          .find((text) => /rotated set are missing|rotated parts beside it were not read/.test(text));
        return note ? speaksFor(note, "") : NO_EVIDENCE;
      },
    },
  ],
  confirm: () => "load the production log to decide",
  missing: (incident) => missingLog(incident) ?? (incident.table ? null : "the table that the log feeds"),
});
