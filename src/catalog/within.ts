/** `--since` and `--until` for the rows of tables: what happened at another time is taken out of what was loaded. */

import type { Input } from "../contract/evidence.ts";
import type { Settings } from "../contract/settings.ts";
import { plural } from "../contract/wording.ts";
import { literal, type Store, timestamp } from "../store/index.ts";
import type { Described } from "./describe.ts";
import { expressionOf } from "./expressions.ts";

/**
 * Takes the rows of another time, and those without one, out of a table that is in time; tells so in the input's notes.
 * Tables that sum up sessions or keep totals stay whole; of those that sum up hours, days or months, the buckets stay
 * that lie in the time as a whole.
 */
export async function keepWithin(
  store: Store,
  { raw, table, sources, grain }: Described,
  input: Input,
  { since, until }: Pick<Settings, "since" | "until">,
): Promise<void> {
  const time = sources.get("time");
  if ((since === null && until === null) || !time || raw.form !== "table" || raw.view) return;
  if (grain === "session" || grain === "total") return;
  const value = expressionOf("time", time.source);
  const conditions = [
    ...(since === null ? [] : [`${value} >= ${timestamp(since)}`]),
    ...(until === null
      ? []
      : [
          `${value} ${grain === null ? "<=" : "<"} ${grain === null ? timestamp(until) : `date_trunc(${literal(grain)}, ${timestamp(until)})`}`,
        ]),
  ];
  const taken = await store.run(
    `DELETE FROM ${table.relation} WHERE (${conditions.join(" AND ")}) IS NOT TRUE`,
  );
  if (taken === 0) return;
  input.rows -= taken;
  raw.rows -= taken;
  table.rows = raw.rows;
  input.notes.push(
    `${table.name}: ${plural(taken, "row")} of another time ${taken === 1 ? "is" : "are"} left out (--since, --until)`,
  );
}
