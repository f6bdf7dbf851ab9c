/** Tells which sources record the same thing: by ids they share, or by what their rows say and when. */

import type { CheckContext } from "../contract/check.ts";
import type { Evidence, Link, Series, Table, UsageRelation } from "../contract/evidence.ts";
import type { TokenRole } from "../contract/roles.ts";
import { secondsOf, secondsSql } from "./activity.ts";

/** Two sources that may record the same thing: of two inputs, or two tables of one. */
export interface Pair {
  /** Stable: the names of both sides. */
  name: string;
  left: Series[];
  right: Series[];
  /** Links between them, the best first; without any, what the rows say has to prove the pair. */
  links: Link[];
}

/** Sources of which less than this share is also in the other do not record the same thing. */
export const MATCHED_MIN = 0.5;

/** Seconds within which a line and the row it tells of stand (SOURCES.md: a ±120 s window). */
const NEAR_SECONDS = 120;

/** The time of a table's row as SQL over the table itself, or null. */
export const timeOf = (table: Table): string | null =>
  table.columns.find((column) => column.role === "time")?.expression ?? null;

/**
 * Every pair of sources that could be compared: pairs of inputs with a log or with links between them, and linked
 * tables of one input. A log without links pairs with the only other input that has usage rows, never with one of many.
 */
export function pairsOf(evidence: Evidence): Pair[] {
  const pairs = new Map<string, Pair>();
  const seriesOf = (name: string) => evidence.series.filter((s) => s.name === name);
  const ofInput = (input: string) => evidence.series.filter((s) => s.input === input);
  const isLog = (input: string) => evidence.logs.some((log) => log.input === input);
  const add = (name: string, left: Series[], right: Series[], link: Link | null) => {
    const pair = pairs.get(name) ?? { name, left, right, links: [] };
    pairs.set(name, pair);
    for (const one of left) if (!pair.left.includes(one)) pair.left.push(one);
    for (const one of right) if (!pair.right.includes(one)) pair.right.push(one);
    if (link) pair.links.push(link);
  };
  for (const link of [...evidence.links].sort((a, b) => b.matchedRatio - a.matchedRatio)) {
    if (link.matchedRatio < MATCHED_MIN || link.leftTable === link.rightTable) continue;
    const tables = [link.leftTable, link.rightTable].sort();
    const [one, two] = tables.map((name) => evidence.tables.find((t) => t.name === name));
    if (!one || !two) continue;
    // Of a log all series belong to the side: its lines carry the ids, its events the tokens.
    const side = (table: Table) => (isLog(table.input) ? ofInput(table.input) : seriesOf(table.name));
    const name =
      one.input === two.input ? `${one.name}, ${two.name}` : [one.input, two.input].sort().join(", ");
    if (one.input === two.input && isLog(one.input)) continue;
    const [first, second] = one.input <= two.input ? [one, two] : [two, one];
    if (side(first).length > 0 && side(second).length > 0) add(name, side(first), side(second), link);
  }
  const usage = evidence.usage.filter((u) => u.timeRange && u.grain === null && tokenRoles(u).length > 0);
  const tables = usage.filter((u) => u.origin === "table");
  const logs = new Set(usage.filter((u) => u.origin === "events").map((u) => u.table.input));
  if (logs.size === 1 && tables.length === 1) {
    const log = [...logs][0] as string;
    const name = [log, tables[0]!.table.input].sort().join(", ");
    if (!pairs.has(name) && log !== tables[0]!.table.input)
      add(name, ofInput(log), seriesOf(tables[0]!.name), null);
  }
  return [...pairs.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The roles by which a call can be told again elsewhere. */
export const tokenRoles = (usage: UsageRelation): TokenRole[] =>
  (["input_tokens", "output_tokens", "total_tokens"] as const).filter((role) => usage.has(role));

/** Why two usage relations without a link plainly record the same calls, or null. */
export async function sameCalls(
  ctx: CheckContext,
  a: UsageRelation,
  b: UsageRelation,
): Promise<string | null> {
  return (await sameTokens(ctx, a, b)) ?? (await sameTimes(ctx, a, b));
}

/** The counts of most rows of `b` stand in `a` on the same day, and they are no small numbers. */
async function sameTokens(ctx: CheckContext, a: UsageRelation, b: UsageRelation): Promise<string | null> {
  const roles = tokenRoles(a).filter((role) => tokenRoles(b).includes(role));
  if (roles.length === 0) return null;
  const day = (shift: number) => `floor((${secondsSql(ctx, "time")} + ${shift}) / 86400)`;
  // Below 100 tokens two calls agree by chance.
  const large = `${roles.join(" + ")} >= 100`;
  const rows = await ctx.query(
    `WITH one AS (
       SELECT DISTINCT ${roles.join(", ")}, ${day(0)} AS day FROM ${a.relation} WHERE ${large}
       UNION SELECT DISTINCT ${roles.join(", ")}, ${day(7200)} FROM ${a.relation} WHERE ${large}
       UNION SELECT DISTINCT ${roles.join(", ")}, ${day(-7200)} FROM ${a.relation} WHERE ${large}),
     days AS (SELECT min(day) AS lo, max(day) AS hi FROM one),
     two AS (SELECT DISTINCT ${roles.join(", ")}, ${day(0)} AS day FROM ${b.relation} WHERE ${large})
     SELECT count(*) AS n, count(*) FILTER (WHERE one.day IS NOT NULL) AS matched
     FROM two CROSS JOIN days LEFT JOIN one ON ${roles.map((r) => `one.${r} = two.${r}`).join(" AND ")} AND one.day = two.day
     WHERE two.day BETWEEN days.lo AND days.hi`,
  );
  const n = Number(rows[0]?.n ?? 0);
  const matched = Number(rows[0]?.matched ?? 0);
  return n > 0 && matched / n >= MATCHED_MIN ? `${matched} of ${n} token counts agree` : null;
}

/** Most rows of `b` within the common time have a row of `a` within two minutes, far more than chance gives. */
async function sameTimes(ctx: CheckContext, a: UsageRelation, b: UsageRelation): Promise<string | null> {
  const slot = (shift: number) => `floor((${secondsSql(ctx, "time")} + ${shift}) / ${NEAR_SECONDS})`;
  const rows = await ctx.query(
    `WITH one AS (
       SELECT ${slot(0)} AS slot FROM ${a.relation} WHERE time IS NOT NULL
       UNION SELECT ${slot(NEAR_SECONDS)} FROM ${a.relation} WHERE time IS NOT NULL
       UNION SELECT ${slot(-NEAR_SECONDS)} FROM ${a.relation} WHERE time IS NOT NULL),
     ends AS (SELECT min(slot) AS lo, max(slot) AS hi, count(*) AS covered FROM one),
     two AS (SELECT ${slot(0)} AS slot FROM ${b.relation} WHERE time IS NOT NULL)
     SELECT count(*) AS n, count(*) FILTER (WHERE one.slot IS NOT NULL) AS matched,
       max(ends.covered) AS covered, max(ends.hi - ends.lo + 1) AS slots
     FROM two CROSS JOIN ends LEFT JOIN one ON one.slot = two.slot
     WHERE two.slot BETWEEN ends.lo AND ends.hi`,
  );
  const [n, matched, covered, slots] = ["n", "matched", "covered", "slots"].map((c) =>
    Number(rows[0]?.[c] ?? 0),
  ) as [number, number, number, number];
  // Ten rows of which 80 % match where chance gives at most 30 %: p < 0.002 (binomial).
  return n >= 10 && matched / n >= 0.8 && covered / slots <= 0.3
    ? `${matched} of ${n} rows have one within two minutes`
    : null;
}

/** The ids of one side of a link as a query (id VARCHAR, time TIMESTAMP, n BIGINT): each with its first time and its rows. */
export function idsOf(
  ctx: CheckContext,
  evidence: Evidence,
  link: Link,
  side: "left" | "right",
): string | null {
  const name = side === "left" ? link.leftTable : link.rightTable;
  const column = side === "left" ? link.leftColumn : link.rightColumn;
  const table = evidence.tables.find((t) => t.name === name);
  if (!table) return null;
  const group = "GROUP BY 1";
  if (table.form === "lines")
    return `SELECT id, min(time) AS time, count(*) AS n FROM trueup.mentions WHERE input = ${ctx.sql.literal(table.input)} AND id IS NOT NULL ${group}`;
  const time = timeOf(table);
  const found = table.columns.find((c) => c.name === column);
  // A path inside a JSON column that has no role has no expression either: it cannot be read from here.
  if (!time || !found || (!found.expression && column.includes("."))) return null;
  const id = `CAST(${found.expression ?? ctx.sql.ident(column)} AS VARCHAR)`;
  return `SELECT ${id} AS id, min(${time}) AS time, count(*) AS n FROM ${table.relation} WHERE ${id} IS NOT NULL ${group}`;
}

/** Whether another log of the same format begins where this one ends: a set rotated by hand is no silence. */
export function isTakenOver(evidence: Evidence, input: string, end: number, patience: number): boolean {
  const own = evidence.logs.find((log) => log.input === input);
  if (!own) return false;
  return evidence.logs.some((log) => {
    const range = log.table.timeRange;
    if (log.input === own.input || log.format !== own.format || !range) return false;
    return Math.abs(secondsOf(range.from) - end) <= patience && secondsOf(range.to) > end;
  });
}
