/** Only some calls lose their tokens: one condition tells which. */

import { defineHypothesis, NO_EVIDENCE, speaksAgainst, speaksFor } from "../../contract/hypothesis.ts";
import { percent } from "../../contract/wording.ts";
import { separationText } from "../dimensions.ts";
import { countsOf } from "../measure/counts.ts";
import { ALL_OR_NOTHING, coverageOf, separationOf } from "../measure/loss.ts";
import { FRESH_MIN, mixOfColumn } from "../measure/mix.ts";
import { afterText } from "../measure/window.ts";

export default defineHypothesis({
  id: "conditional",
  meta: {
    title: "Only some calls lose it",
    sentence:
      "The tokens are lost under one condition: a user type, a model, a status, streaming, or two of them together.",
    limits:
      "Only columns of at most 1,000 values are searched, up to 128 of a table, the day of the week and the hours of the day, alone and in pairs. A condition that stands in no column, or only in free text, stays unseen.",
  },
  tests: [
    {
      id: "dimension-explains",
      // A dimension that separates after correction for all values tried: 30 times as likely when it is the condition.
      weight: { for: 3.4, against: 3.5 },
      async run(incident, ctx) {
        const coverage = await coverageOf(incident, ctx);
        if (coverage === null || !incident.table) return NO_EVIDENCE;
        if (coverage <= ALL_OR_NOTHING || coverage >= 1 - ALL_OR_NOTHING / 5)
          return speaksAgainst(
            `${percent(coverage)} of the calls ${afterText(incident)} have tokens: all or nothing`,
            (await countsOf(incident, ctx)).sql("calls", "lost"),
          );
        const separation = await separationOf(incident, ctx);
        if (!separation) return NO_EVIDENCE;
        const { table } = incident;
        // A value that came with the onset is no condition among the calls: something took over.
        const role = (["provider", "model"] as const).find(
          (r) => table.columnOf(r)?.name === separation.dimension,
        );
        const mix = role ? await mixOfColumn(incident, table, role, ctx) : null;
        if (
          mix &&
          mix.freshShare >= FRESH_MIN &&
          separation.values.every((v) => v !== null && mix.fresh.includes(v))
        )
          return NO_EVIDENCE;
        return speaksFor(separationText(separation), separation.sql);
      },
    },
  ],
  confirm: () => "make one call under that condition and look for its usage, in the answer and in the log",
  missing: (incident) =>
    incident.table && incident.table.dimensions.length === 0
      ? "columns that tell the calls apart (user type, model, endpoint, streaming)"
      : null,
});
