/** Whether another table gets what this one lacks. */

import { tokenRoles } from "../../analysis/pairing.ts";
import type { UsageRelation } from "../../contract/evidence.ts";
import type { HypothesisContext, Incident } from "../../contract/hypothesis.ts";
import { afterSql, badSql, beforeSql } from "./window.ts";

export interface Sibling {
  table: UsageRelation;
  /** Rows with tokens before the onset and after it. */
  before: number;
  after: number;
  /** Distinct ids of the defective rows, and how many stand in the sibling with tokens; null without ids. */
  ids: number | null;
  found: number;
  /** Returns `ids` and `found`; `""` without ids. */
  idsSql: string;
  /** Returns `before` and `after`. */
  countsSql: string;
}

/** Tables that could be the other place of the same record, the one with the most evidence first. */
export const siblingsOf = (incident: Incident, ctx: HypothesisContext): Promise<Sibling[]> =>
  ctx.once("siblings", async () => {
    const { table } = incident;
    if (!table || incident.defect === null) return [];
    const others = ctx.evidence.usage.filter(
      (u) => u.origin === "table" && u !== table && u.grain === null && tokenRoles(u).length > 0,
    );
    const siblings: Sibling[] = [];
    for (const other of others.slice(0, 20)) siblings.push(await compare(incident, table, other, ctx));
    return siblings.sort(
      (a, b) => b.found - a.found || b.after - a.after || (a.table.name < b.table.name ? -1 : 1),
    );
  });

/** A sibling that has the very rows, and one that begins to fill at the onset; the first evidence is the stronger. */
export function elsewhereIn(siblings: readonly Sibling[]): { rows: Sibling | null; begins: Sibling | null } {
  return {
    rows: siblings.find((s) => s.ids !== null && s.found >= 5 && s.found >= 0.5 * s.ids) ?? null,
    begins: siblings.find((s) => s.after >= 5 && s.before <= 0.05 * s.after) ?? null,
  };
}

async function compare(
  incident: Incident,
  table: UsageRelation,
  other: UsageRelation,
  ctx: HypothesisContext,
): Promise<Sibling> {
  const carries = `(${tokenRoles(other)
    .map((role) => `COALESCE(${role}, 0) > 0`)
    .join(" OR ")})`;
  const timed = other.has("time") && incident.onset !== null;
  const countsSql = `SELECT ${ctx.sql.literal(other.name)} AS source, count(*) FILTER (WHERE ${timed ? beforeSql(incident) : "FALSE"}) AS before,
  count(*) FILTER (WHERE ${timed ? afterSql(incident) : "TRUE"}) AS after FROM ${other.relation} WHERE ${carries}`;
  const [counts = {}] = await ctx.query(countsSql);
  let best: { ids: number; found: number; sql: string } | null = null;
  for (const mine of ["id", "session_id", "parent_id"] as const)
    for (const theirs of ["id", "session_id", "parent_id"] as const) {
      if (!table.has(mine) || !other.has(theirs)) continue;
      const ids = `SELECT DISTINCT CAST(${mine} AS VARCHAR) AS id FROM ${table.relation} WHERE ${badSql(incident)} AND ${mine} IS NOT NULL`;
      const there = `SELECT DISTINCT CAST(${theirs} AS VARCHAR) AS id FROM ${other.relation} WHERE ${carries} AND ${theirs} IS NOT NULL`;
      const sql = `SELECT count(*) AS ids, count(there.id) AS found FROM (${ids}) AS bad_rows LEFT JOIN (${there}) AS there ON there.id = bad_rows.id`;
      const [row = {}] = await ctx.query(sql);
      const one = { ids: Number(row.ids ?? 0), found: Number(row.found ?? 0), sql };
      if (!best || one.found > best.found) best = one;
    }
  return {
    table: other,
    before: Number(counts.before ?? 0),
    after: Number(counts.after ?? 0),
    ids: best?.ids ?? null,
    found: best?.found ?? 0,
    idsSql: best?.sql ?? "",
    countsSql,
  };
}
