/** A later write wipes what an earlier one recorded. */

import {
  defineHypothesis,
  type HypothesisContext,
  type Incident,
  NO_EVIDENCE,
} from "../../contract/hypothesis.ts";
import { number, plural } from "../../contract/wording.ts";
import { codeOf } from "../measure/code.ts";
import { lifecycleOf } from "../measure/columns.ts";

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
        return {
          verdict: "for",
          text: `${lifecycle.wiped
            .slice(0, 3)
            .map((c) => c.column)
            .join(
              ", ",
            )} ${lifecycle.wiped.length === 1 ? "is" : "are"} lost with the tokens (${number(first.lostSet)} of ${number(first.lost)} rows keep it, ${number(first.soundSet)} of ${number(first.sound)} others)`,
          sql: lifecycle.sql,
        };
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
  missing: (incident, ctx) =>
    incident.table && !ctx.evidence.inputs.some((input) => input.kind === "code")
      ? "the program's source code"
      : null,
});

async function laterColumns(incident: Incident, ctx: HypothesisContext) {
  const lifecycle = await lifecycleOf(incident, ctx);
  if (!lifecycle) return NO_EVIDENCE;
  const [later] = lifecycle.later;
  if (later)
    return {
      verdict: "for" as const,
      text: `rows with ${later.column} have lost their tokens: ${number(later.lostSet)} of ${number(later.lost)} rows without tokens have it, ${number(later.soundSet)} of ${number(later.sound)} with tokens`,
      sql: lifecycle.sql,
    };
  return {
    verdict: "against" as const,
    text: "no column of a later step is set in the rows without tokens only",
    sql: lifecycle.sql,
  };
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
    return {
      verdict: "for" as const,
      text: `${one.function} (${one.file}:${number(one.line)}) replaces rows without the token columns, which ${writing[0]!.function} writes`,
      sql: code.sql,
    };
  if (code.writers.length === 1)
    return {
      verdict: "against" as const,
      text: `the code has ${plural(1, "writer")} of the table, ${code.writers[0]!.function}`,
      sql: code.sql,
    };
  return NO_EVIDENCE;
}
