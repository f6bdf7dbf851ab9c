/**
 * Counts what each source did before and after the onset. Sources are compared by what they give per row of the table,
 * so that the rhythm of day and week and the growth that all of them share cancel out.
 */

import type { HypothesisContext, Incident } from "../../contract/hypothesis.ts";
import { afterSql, badSql, beforeSql } from "./window.ts";

export interface Sides {
  before: number;
  after: number;
}

export interface Counts {
  /** Rows of the table, whatever they carry. */
  rows: Sides;
  /** Calls of the table that should carry tokens, and those that lack them. */
  calls: Sides;
  lost: Sides;
  /** Rows that are defective in the time of the incident. */
  bad: number;
  /** Lines and token events of the log in which most went on. */
  lines: Sides;
  events: Sides;
  /** The log that the two are counted in. */
  log: string | null;
  /** How many times as many lines (events) per row as before; null when that cannot be said. */
  linesKept: number | null;
  eventsKept: number | null;
}

/** Fewer than this on a side are no measure. */
const SIDE_MIN = 5;

export const countsOf = (incident: Incident, ctx: HypothesisContext): Promise<Counts> =>
  ctx.once("counts", () => measure(incident, ctx));

async function measure(incident: Incident, ctx: HypothesisContext): Promise<Counts> {
  const { table, scope, defect, logs } = incident;
  const [before, after] = [beforeSql(incident), afterSql(incident)];
  const none = { before: 0, after: 0 };
  const sidesOf = async (relation: string): Promise<Sides> => {
    const [row = {}] = await ctx.query(
      `SELECT count(*) FILTER (WHERE ${before}) AS before, count(*) FILTER (WHERE ${after}) AS after FROM ${relation}`,
    );
    return { before: Number(row.before ?? 0), after: Number(row.after ?? 0) };
  };
  const counts: Counts = {
    rows: none,
    calls: none,
    lost: none,
    bad: 0,
    lines: none,
    events: none,
    log: null,
    linesKept: null,
    eventsKept: null,
  };
  if (table) {
    const timed = table.has("time");
    const within = (when: string) => (timed ? when : "TRUE");
    const bad = defect ?? "FALSE";
    const [row = {}] = await ctx.query(
      `SELECT count(*) FILTER (WHERE ${within(before)}) AS rows_before, count(*) FILTER (WHERE ${within(after)}) AS rows_after,
         count(*) FILTER (WHERE ${scope} AND ${within(before)}) AS calls_before,
         count(*) FILTER (WHERE ${scope} AND ${within(after)}) AS calls_after,
         count(*) FILTER (WHERE ${scope} AND (${bad}) AND ${within(before)}) AS lost_before,
         count(*) FILTER (WHERE ${scope} AND (${bad}) AND ${within(after)}) AS lost_after,
         count(*) FILTER (WHERE ${badSql(incident)}) AS bad
       FROM ${table.relation}`,
    );
    const sides = (name: string): Sides => ({
      before: Number(row[`${name}_before`] ?? 0),
      after: Number(row[`${name}_after`] ?? 0),
    });
    counts.rows = sides("rows");
    counts.calls = sides("calls");
    counts.lost = sides("lost");
    counts.bad = defect === null ? 0 : Number(row.bad ?? 0);
  }
  for (const log of logs) {
    const lines = await sidesOf(log.relation);
    const events = { ...none };
    for (const usage of incident.events.filter((u) => u.table.input === log.input)) {
      const one = await sidesOf(usage.relation);
      events.before += one.before;
      events.after += one.after;
    }
    // Of several copies of one log, the longest says how it was, and the one that goes on what happened.
    if (counts.log === null || lines.after > counts.lines.after) counts.log = log.input;
    counts.lines = larger(counts.lines, lines);
    counts.events = larger(counts.events, events);
  }
  counts.linesKept = kept(counts.lines, counts.rows);
  counts.eventsKept = kept(counts.events, counts.rows);
  return counts;
}

function larger(a: Sides, b: Sides): Sides {
  return { before: Math.max(a.before, b.before), after: Math.max(a.after, b.after) };
}

/** How many times as many per row as before. */
function kept(source: Sides, rows: Sides): number | null {
  if (source.before < SIDE_MIN || rows.after < SIDE_MIN) return null;
  // A table that began with the incident: one row per thing is the least that can be expected.
  const usual = rows.before >= SIDE_MIN ? source.before / rows.before : 1;
  return source.after / rows.after / usual;
}

/** Below this share of the usual the source has stopped; above the other it goes on. */
export const STOPPED = 0.05;
export const GOES_ON = 0.3;
