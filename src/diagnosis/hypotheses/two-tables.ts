/** The tokens are recorded, in another table. */

import { defineHypothesis, NO_EVIDENCE, speaksAgainst, speaksFor } from "../../contract/hypothesis.ts";
import { number, plural } from "../../contract/wording.ts";
import { elsewhereIn, siblingsOf } from "../measure/siblings.ts";
import { afterText, beforeText } from "../measure/window.ts";

export default defineHypothesis({
  id: "two-tables",
  meta: {
    title: "It is written to another table",
    sentence: "The tokens are recorded, in a sibling table that this one's readers do not look at.",
    limits:
      "Only tables that are loaded are seen: a sibling in another database stays unknown until it is named.",
  },
  tests: [
    {
      id: "sibling-fills",
      // The very rows stand in a sibling with tokens, or it begins to fill at the onset: 40 times. A sibling that filled
      // all along says nothing.
      weight: { for: 3.7, against: 1.2 },
      async run(incident, ctx) {
        if (!incident.table || incident.defect === null) return NO_EVIDENCE;
        const siblings = await siblingsOf(incident, ctx);
        const [first] = siblings;
        if (!first) return speaksAgainst("no other loaded table records tokens: there is no sibling", "");
        const { rows, begins } = elsewhereIn(siblings);
        if (rows)
          return speaksFor(
            `${rows.table.name} has tokens for ${number(rows.found)} of the ${number(rows.ids ?? 0)} ids that lack them in ${incident.table.name}`,
            rows.idsSql,
          );
        const after = afterText(incident);
        if (begins && incident.onset)
          return speaksFor(
            `${begins.table.name} begins to fill as this one ends: ${plural(begins.after, "row")} with tokens ${after}, ${number(begins.before)} ${beforeText(incident)}`,
            begins.countsSql,
            0.8,
          );
        if (siblings.every((s) => s.after === 0))
          return speaksAgainst(
            siblings.length === 1
              ? `${first.table.name} has no row with tokens ${after}`
              : `none of ${plural(siblings.length, "other table")} has a row with tokens ${after}`,
            siblings.map((s) => s.countsSql).join("\nUNION ALL\n"),
          );
        return NO_EVIDENCE;
      },
    },
  ],
  confirm: () => "compare the two tables by id, and look at which of them each reader uses",
  missing: () => null,
});
