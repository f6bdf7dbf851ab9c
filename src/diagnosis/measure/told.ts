/** The token lines next to the onset: their texts, and which of them the code's own patterns read. */

import { anchorsOf, numbersIn, speaksOfTokens } from "../../analysis/log-wording.ts";
import type { HypothesisContext, Incident } from "../../contract/hypothesis.ts";
import { afterSql, beforeSql } from "./window.ts";

/** Token lines on either side of the onset that are looked at. */
const NEAREST = 60;
/** Patterns of the code that are tried. */
const PATTERNS_MAX = 20;

/** (side, text) of the token lines next to the onset; null where none are kept. `unread` adds those that no pattern of trueup reads. */
export function toldSidesSql(incident: Incident, ctx: HypothesisContext, unread: boolean): string | null {
  if (!incident.onset) return null;
  const parts = incident.logs.flatMap((log) => {
    const told = incident.events
      .filter((usage) => log.kept && usage.table.input === log.input)
      .filter((usage) => usage.table.columns.some((column) => column.name === "line"))
      .map(
        (usage) =>
          `SELECT kept.time, kept.line, kept.text FROM ${log.kept} AS kept JOIN ${usage.table.relation} AS told ON told.line = kept.line`,
      );
    const missed = `SELECT time, line, text FROM trueup.near_misses WHERE input = ${ctx.sql.literal(log.input)} AND text NOT LIKE '%N/A%'`;
    return unread ? [...told, missed] : told;
  });
  if (parts.length === 0) return null;
  const side = (name: string, when: string, order: string) =>
    `SELECT '${name}' AS side, text FROM (SELECT text FROM (${parts.join(" UNION ALL ")}) AS told_lines
  WHERE ${when} ORDER BY time ${order}, line LIMIT ${NEAREST}) AS nearest`;
  return `${side("before", beforeSql(incident), "DESC")}\nUNION ALL ${side("after", afterSql(incident), "ASC")}`;
}

/** A regular expression of the code, and how many of the token lines next to the onset it reads. */
export interface OwnPattern {
  file: string;
  line: number;
  before: { lines: number; read: number };
  after: { lines: number; read: number };
  sql: string;
}

/** The code's pattern that reads most token lines before the onset; null without one that reads most of them. */
export const ownPattern = (incident: Incident, ctx: HypothesisContext): Promise<OwnPattern | null> =>
  ctx.once("own pattern", async () => {
    const sides = toldSidesSql(incident, ctx, true);
    if (sides === null || !ctx.evidence.inputs.some((input) => input.kind === "code")) return null;
    const rows = await ctx.query(
      "SELECT DISTINCT file, line, pattern FROM trueup.code_patterns ORDER BY file, line, pattern LIMIT 2000",
    );
    const patterns = rows.filter(
      ({ pattern }) => numbersIn(String(pattern)) > 0 && speaksOfTokens(anchorsOf(String(pattern))),
    );
    const reads: OwnPattern[] = [];
    for (const { file, line, pattern } of patterns.slice(0, PATTERNS_MAX)) {
      const read = ctx.sql.matches("text", String(pattern));
      const sql = `SELECT side, count(*) AS lines, count(*) FILTER (WHERE ${read}) AS read FROM (${sides}) AS sides GROUP BY 1 ORDER BY 1 DESC`;
      // Look-around and the like are no RE2: what such a pattern reads cannot be told.
      const counts = await ctx.query(sql).catch(() => []);
      const of = (side: string) => {
        const row = counts.find((one) => one.side === side);
        return { lines: Number(row?.lines ?? 0), read: Number(row?.read ?? 0) };
      };
      reads.push({ file: String(file), line: Number(line), before: of("before"), after: of("after"), sql });
    }
    const best = reads.sort((a, b) => b.before.read - a.before.read || b.after.read - a.after.read)[0];
    return best && best.before.read >= 5 && best.before.read >= 0.5 * best.before.lines ? best : null;
  });
