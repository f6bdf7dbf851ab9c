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
    SELECT line, time, line AS entry, TRUE AS own, kept AS text FROM ${relation}
      WHERE kept IS NOT NULL AND time IS NOT NULL
    UNION ALL
    SELECT bare.line, log.time, CASE WHEN log.time IS NULL THEN bare.line ELSE head END AS entry, FALSE AS own,
      bare.kept AS text
      FROM (${entryHeads(relation, "kept")}) bare LEFT JOIN ${relation} log ON log.line = head
      WHERE bare.kept IS NOT NULL`);
}

/**
 * SQL (line, head, …) of the lines without a time: `head` is the line above that begins their entry, 0 where none does.
 * @param relation SQL with columns line and time
 * @param columns others of its columns that are wanted too
 */
export function entryHeads(relation: string, ...columns: string[]): string {
  const all = ["line", ...columns].join(", ");
  return `SELECT ${all}, min(line) OVER (PARTITION BY run) - 1 AS head
    FROM (SELECT ${all}, line - row_number() OVER (ORDER BY line) AS run FROM ${relation} WHERE time IS NULL)`;
}
