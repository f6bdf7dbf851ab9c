/** A later write wipes what an earlier one recorded. */

import {
  defineHypothesis,
  type HypothesisContext,
  type Incident,
  NO_EVIDENCE,
  speaksAgainst,
  speaksFor,
} from "../../contract/hypothesis.ts";
import { number } from "../../contract/wording.ts";
import { codeOf } from "../measure/code.ts";
import { lifecycleOf } from "../measure/columns.ts";
import { missingCode } from "../measure/missing.ts";

export default defineHypothesis({
  id: "overwritten",
  meta: {
    title: "A later write wipes it",
    sentence:
      "The tokens were recorded and a later write of the same row, such as INSERT OR REPLACE with only some columns, wiped them.",
    limits:
      "Where every row has had its later write, nothing in the table tells it from rows that never had tokens; then only the code or a log does.",
  },
  tests: [
    {
      id: "later-columns",
      // Rows with the columns of a later step have lost the earlier ones, rows without have them: 30 times.
      // Rows that have both refute it.
      weight: { for: 3.6, against: 2.5 },
      run: laterColumns,
    },
    {
      id: "lost-together",
      // Other columns of the first write are gone as well: a whole row was replaced.
      weight: { for: 1.4, against: 0 },
      async run(incident, ctx) {
        const lifecycle = await lifecycleOf(incident, ctx);
        const [first] = lifecycle?.wiped ?? [];
        if (!lifecycle || !first || lifecycle.later.length === 0) return NO_EVIDENCE;
        const others = lifecycle.wiped.slice(1, 3).map((c) => c.column);
        const too =
          others.length === 0 ? "" : `, and so ${others.length === 1 ? "is" : "are"} ${others.join(" and ")}`;
        return speaksFor(
          `${first.column} is lost with the tokens: ${number(first.lostSet)} of ${number(first.lost)} rows without tokens have it, ${number(first.soundSet)} of ${number(first.sound)} with tokens${too}`,
          lifecycle.sql,
        );
      },
    },
    {
      id: "two-writers",
      // The code has a second writer that leaves the column out: possible; a single writer cannot overwrite itself.
      weight: { for: 1.6, against: 2 },
      run: twoWriters,
    },
  ],
  confirm: () => "write one row, let its later step run, and read the row again",
  missing: (incident, ctx) => (incident.table ? missingCode(ctx) : null),
});

async function laterColumns(incident: Incident, ctx: HypothesisContext) {
  const lifecycle = await lifecycleOf(incident, ctx);
  if (!lifecycle) return NO_EVIDENCE;
  const [later] = lifecycle.later;
  if (later)
    return speaksFor(
      `rows with ${later.column} have lost their tokens: ${number(later.lostSet)} of ${number(later.lost)} rows without tokens have it, ${number(later.soundSet)} of ${number(later.sound)} with tokens`,
      lifecycle.sql,
    );
  return speaksAgainst("no column of a later step is set in the rows without tokens only", lifecycle.sql);
}

async function twoWriters(incident: Incident, ctx: HypothesisContext) {
  const code = await codeOf(incident, ctx);
  if (!code || code.writers.length === 0) return NO_EVIDENCE;
  const replacing = code.writers.filter(
    (w) => w.columns.length > 0 && !w.withTokens && /replace|upsert|merge/i.test(w.operation),
  );
  const writing = code.writers.filter((w) => w.withTokens);
  const [one] = replacing;
  if (one && writing.length > 0)
    return speaksFor(
      `${one.function} (${one.file}:${one.line}) replaces rows without the token columns, which ${writing[0]!.function} writes`,
      code.sql,
    );
  if (code.writers.length === 1)
    return speaksAgainst(`the code has one writer of the table, ${code.writers[0]!.function}`, code.sql);
  return NO_EVIDENCE;
}
