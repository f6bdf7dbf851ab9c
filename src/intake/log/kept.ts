/** The lines whose text was kept, each with the time and the first line of the entry it belongs to. */

import { qualified } from "../../store/index.ts";
import type { IntakeContext, Source } from "../context.ts";

/** Quoted name of the table (line, time, entry, own, text): `own` is true where the line itself has a time. */
export function keptTable(source: Source): string {
  return qualified("trueup", `log kept ${source.name}`);
}

/**
 * Fills it from a relation (line, time, kept). A line without a time belongs to the entry above it: only those
 * lines are looked at to find where their entry begins, so a log of one-line entries costs nothing.
 */
export async function keepLines(source: Source, relation: string, ctx: IntakeContext): Promise<void> {
  await ctx.store.run(`CREATE TABLE ${keptTable(source)} AS
    WITH bare AS (SELECT line, kept FROM ${relation} WHERE time IS NULL),
    runs AS (SELECT line, kept, line - row_number() OVER (ORDER BY line) AS run FROM bare),
    heads AS (SELECT run, min(line) - 1 AS head FROM runs GROUP BY run HAVING count(kept) > 0),
    entries AS (SELECT run, head, log.time FROM heads LEFT JOIN ${relation} log ON log.line = heads.head)
    SELECT line, time, line AS entry, TRUE AS own, kept AS text FROM ${relation}
      WHERE kept IS NOT NULL AND time IS NOT NULL
    UNION ALL
    SELECT line, time, CASE WHEN time IS NULL THEN line ELSE head END AS entry, FALSE AS own, kept AS text
      FROM runs JOIN entries USING (run) WHERE kept IS NOT NULL`);
}
