/**
 * Counts what each source did before and after the onset. Sources are compared by what they give per row of the table,
 * so that the rhythm of day and week and the growth that all of them share cancel out.
 */

import { timestampSql } from "../../analysis/activity.ts";
import type { Log } from "../../contract/evidence.ts";
import type { HypothesisContext, Incident } from "../../contract/hypothesis.ts";
import { afterSql, beforeSql } from "./window.ts";

export interface Sides {
  before: number;
  after: number;
}

/** What is counted: `near` are lines with the words of a token line that no pattern reads. */
type Counted = "rows" | "calls" | "sound" | "lost" | "lines" | "events" | "near";

export interface Counts {
  /** Rows of the table, whatever they carry. */
  rows: Sides;
  /** Calls of the table that should carry tokens, those that do and those that lack them. */
  calls: Sides;
  sound: Sides;
  lost: Sides;
  /** Rows that are defective in the time of the incident. */
  bad: number;
  /** Lines, token events and near misses of one log: that in which most went on. */
  lines: Sides;
  events: Sides;
  near: Sides;
  log: string | null;
  /** The time of its last line before the end of the onset, and how many lines it has up to then. */
  lastLine: string | null;
  linesByThen: number;
  /** How many times as many lines (events) per row as before; null when that cannot be said. */
  linesKept: number | null;
  eventsKept: number | null;
  /** Of the defective rows, the share whose token events the log has beside those of the sound rows; null if unknown. */
  unstored: number | null;
  /** The query that returns these counts. */
  sql(...counted: Counted[]): string;
}

/** Fewer than this on a side are no measure. */
const SIDE_MIN = 5;

export const countsOf = (incident: Incident, ctx: HypothesisContext): Promise<Counts> =>
  ctx.once("counts", () => measure(incident, ctx));

/** A source and which of its rows count. */
interface Part {
  counted: Counted;
  name: string;
  relation: string;
  where: string;
  timed: boolean;
}

interface Counter extends Sides {
  all: number;
  byThen: number;
  last: string | null;
}

async function measure(incident: Incident, ctx: HypothesisContext): Promise<Counts> {
  const ofTable = await countParts(tableParts(incident), incident, ctx);
  const numbers = (of: Map<Counted, Counter>, counted: Counted) => of.get(counted) ?? NONE;
  const all: { log: Log; parts: Part[]; of: Map<Counted, Counter> }[] = [];
  for (const log of incident.logs) {
    const parts = logParts(log, incident, ctx);
    all.push({ log, parts, of: await countParts(parts, incident, ctx) });
  }
  // A log that never told tokens, such as that of a web server, cannot stand for the one that did.
  const telling = all.filter(({ of }) => numbers(of, "events").all + numbers(of, "near").all > 0);
  const sides = telling.length > 0 ? telling : all;
  const most = (counted: Counted): Sides => ({
    before: Math.max(0, ...sides.map(({ of }) => numbers(of, counted).before)),
    after: Math.max(0, ...sides.map(({ of }) => numbers(of, counted).after)),
  });
  const chosen = sides.reduce<(typeof sides)[number] | null>((best, one) => {
    const [a, b] = [one, best].map((side) => (side ? numbers(side.of, "lines") : NONE)) as [Counter, Counter];
    return best === null || a.after > b.after || (a.after === b.after && a.before > b.before) ? one : best;
  }, null);
  const rows = numbers(ofTable, "rows");
  const lost = numbers(ofTable, "lost");
  const lines = chosen ? numbers(chosen.of, "lines") : NONE;
  const isSplit = incident.kind === "began" && incident.onset !== null && incident.table?.has("time");
  return {
    rows,
    calls: numbers(ofTable, "calls"),
    sound: numbers(ofTable, "sound"),
    lost,
    bad: isSplit ? lost.after : lost.all,
    lines,
    events: chosen ? numbers(chosen.of, "events") : NONE,
    near: chosen ? numbers(chosen.of, "near") : NONE,
    log: chosen?.log.input ?? null,
    lastLine: lines.last,
    linesByThen: lines.byThen,
    // Of several copies of one log, the longest says how it was, and the one that goes on what happened.
    linesKept: kept(most("lines"), rows),
    eventsKept: kept(most("events"), rows),
    unstored: unstored(most("events"), numbers(ofTable, "sound"), lost),
    sql: (...counted) =>
      countSql(
        [...(chosen?.parts ?? []), ...tableParts(incident)].filter((part) => counted.includes(part.counted)),
        incident,
      ),
  };
}

const NONE: Counter = { before: 0, after: 0, all: 0, byThen: 0, last: null };

const eventsOf = ({ events }: Incident, log: Log) =>
  events.filter((usage) => usage.table.input === log.input);

function tableParts({ table, scope, defect }: Incident): Part[] {
  if (!table) return [];
  const timed = table.has("time");
  const part = (counted: Counted, name: string, where: string): Part => ({
    counted,
    name: `${name} of ${table.name}`,
    relation: table.relation,
    where,
    timed,
  });
  return [
    part("rows", "rows", "TRUE"),
    part("calls", "calls", scope),
    ...(defect === null
      ? []
      : [
          part("sound", "calls with tokens", `${scope} AND NOT (${defect})`),
          part("lost", "calls without tokens", `${scope} AND (${defect})`),
        ]),
  ];
}

function logParts(log: Log, incident: Incident, ctx: HypothesisContext): Part[] {
  const part = (counted: Counted, name: string, relation: string, where = "TRUE"): Part => ({
    counted,
    name,
    relation,
    where,
    timed: true,
  });
  return [
    part("lines", `lines of ${log.input}`, log.relation),
    ...eventsOf(incident, log).map((usage) => part("events", usage.name, usage.relation)),
    part(
      "near",
      `near misses in ${log.input}`,
      "trueup.near_misses",
      `input = ${ctx.sql.literal(log.input)} AND text NOT LIKE '%N/A%'`,
    ),
  ];
}

/** One row per part that has any: its counts before and after, and those up to the end of the onset with their last time. */
function countSql(parts: readonly Part[], incident: Incident): string {
  const then = incident.onset ? `time <= ${timestampSql(incident.onset.latest)}` : "TRUE";
  const sources = parts.map(
    ({ name, relation, where, timed }) =>
      `SELECT '${name.replaceAll("'", "''")}' AS source, ${timed ? "time" : "CAST(NULL AS TIMESTAMP) AS time"} FROM ${relation}${where === "TRUE" ? "" : ` WHERE ${where}`}`,
  );
  return `SELECT source, count(*) FILTER (WHERE ${beforeSql(incident)}) AS before, count(*) FILTER (WHERE ${afterSql(incident)}) AS after,
  count(*) AS in_all, count(*) FILTER (WHERE ${then}) AS by_then, max(time) FILTER (WHERE ${then}) AS last_by_then
FROM (${sources.join("\n  UNION ALL ")}) AS counted GROUP BY 1 ORDER BY 1`;
}

async function countParts(
  parts: readonly Part[],
  incident: Incident,
  ctx: HypothesisContext,
): Promise<Map<Counted, Counter>> {
  const counters = new Map<Counted, Counter>();
  if (parts.length === 0) return counters;
  const rows = await ctx.query(countSql(parts, incident));
  for (const part of parts) {
    const row = rows.find((one) => one.source === part.name) ?? {};
    const sum = counters.get(part.counted) ?? NONE;
    const last = typeof row.last_by_then === "string" ? row.last_by_then : null;
    counters.set(part.counted, {
      before: sum.before + Number(row.before ?? 0),
      after: sum.after + Number(row.after ?? 0),
      all: sum.all + Number(row.in_all ?? 0),
      byThen: sum.byThen + Number(row.by_then ?? 0),
      last: sum.last === null || (last !== null && last > sum.last) ? last : sum.last,
    });
  }
  return counters;
}

/** How many times as many per row as before. */
function kept(source: Sides, rows: Sides): number | null {
  if (source.before < SIDE_MIN || rows.after < SIDE_MIN) return null;
  // A table that began with the incident: one row per thing is the least that can be expected.
  const usual = rows.before >= SIDE_MIN ? source.before / rows.before : 1;
  return source.after / rows.after / usual;
}

/** Events beyond those that the sound rows account for, per defective row. */
function unstored(events: Sides, sound: Sides, lost: Sides): number | null {
  if (events.before < SIDE_MIN || lost.after < SIDE_MIN) return null;
  const usual = sound.before >= SIDE_MIN ? events.before / sound.before : 1;
  return Math.max(0, events.after / usual - sound.after) / lost.after;
}

/** Below this share of the usual the source has stopped; above the other it goes on. */
export const STOPPED = 0.05;
export const GOES_ON = 0.3;
