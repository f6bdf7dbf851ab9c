/** The tokens are recorded, in another table. */

import { defineHypothesis, NO_EVIDENCE } from "../../contract/hypothesis.ts";
import { number, plural } from "../../contract/wording.ts";
import { siblingsOf } from "../measure/siblings.ts";
import { onsetText } from "../measure/window.ts";

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
        if (!first)
          return {
            verdict: "against",
            text: "no other loaded table records tokens: there is no sibling",
            sql: "",
          };
        if (first.ids !== null && first.found >= 5 && first.found >= 0.5 * first.ids)
          return {
            verdict: "for",
            text: `${first.table.name} has tokens for ${number(first.found)} of the ${number(first.ids)} rows that lack them in ${incident.table.name}`,
            sql: first.sql,
          };
        const starts = siblings.find((s) => s.after >= 5 && s.before <= 0.05 * s.after);
        if (starts && incident.onset)
          return {
            verdict: "for",
            text: `${starts.table.name} begins to fill as this one ends: ${plural(starts.after, "row")} with tokens after ${onsetText(incident)}, ${number(starts.before)} before`,
            sql: starts.sql,
            share: 0.8,
          };
        if (siblings.every((s) => s.after === 0))
          return {
            verdict: "against",
            text: `no other table records tokens after ${onsetText(incident)}`,
            sql: first.sql,
          };
        return NO_EVIDENCE;
      },
    },
  ],
  confirm: () => "compare the two tables by id, and look at which of them each reader uses",
  missing: () => null,
});
