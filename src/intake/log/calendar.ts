/** Gives times their year or their date where lines are written without one. */

import { literal } from "../../store/index.ts";
import type { IntakeContext } from "../context.ts";
import { NO_YEAR } from "./stamps.ts";
import { toUtc } from "./tails.ts";

/** Lines that are later than the next by this little are merely out of order. */
const YEAR_SLACK = "7 DAY";
const DAY_SLACK = "10 MINUTE";

export interface Anchor {
  lacks: "year" | "date";
  /** IANA zone of the local times. */
  timezone: string;
  /** When the log was last written: the date of its last line, where lines have none. */
  modified: Date;
}

/**
 * Rewrites the table's times in place: the year (or day) goes up whenever the times fall back, and the last line
 * is in the latest year that is not after `now` (or on the day of the last change).
 * @param table quoted (time TIMESTAMP, kept VARCHAR); times without a year are in NO_YEAR
 * @returns a sentence on what was assumed, or null when no time lacks anything
 */
export async function completeTimes(
  table: string,
  anchor: Anchor,
  ctx: IntakeContext,
): Promise<string | null> {
  const { store } = ctx;
  const open = `time < TIMESTAMP '${NO_YEAR + 1}-01-01'`;
  const [slack, most, unit] =
    anchor.lacks === "year" ? [YEAR_SLACK, "358 DAY", "YEAR"] : [DAY_SLACK, "1430 MINUTE", "DAY"];
  const stepped = `SELECT line, time, kept, CASE WHEN ${open} THEN
      sum(CASE WHEN ${open} AND time < before - INTERVAL ${slack} THEN 1
               WHEN ${open} AND time > before + INTERVAL ${most} THEN -1 ELSE 0 END) OVER (ORDER BY line) END AS step
    FROM (SELECT rowid AS line, time, kept,
      lag(CASE WHEN ${open} THEN time END IGNORE NULLS) OVER (ORDER BY rowid) AS before FROM ${table})`;
  const steps = await store.all(
    `SELECT CAST(step AS INTEGER) AS step, arg_max(time, line) AS last, max(time) AS latest,
       bool_or(month(time) = 2 AND day(time) = 29) AS leap
     FROM (${stepped}) WHERE step IS NOT NULL GROUP BY 1 ORDER BY 1`,
  );
  if (steps.length === 0) return null;
  const shift =
    anchor.lacks === "year"
      ? yearsToAdd(
          steps.map((row) => ({
            step: Number(row.step),
            latest: String(row.latest),
            leap: row.leap === true,
          })),
          ctx.settings.now,
        )
      : await daysToAdd(Number(steps.at(-1)?.step), String(steps.at(-1)?.last), anchor, ctx);
  const moved = `time + to_${unit.toLowerCase()}s(CAST(step + ${shift} AS INTEGER))`;
  await store.run(`CREATE TABLE ${completed(table)} AS SELECT
    CASE WHEN step IS NULL THEN time ELSE ${toUtc(moved, anchor.timezone)} END AS time, kept
    FROM (${stepped}) ORDER BY line`);
  await store.run(`DROP TABLE ${table}`);
  await store.run(`ALTER TABLE ${completed(table)} RENAME TO ${table.slice(table.indexOf(".") + 1)}`);
  return anchor.lacks === "year"
    ? `lines have no year: the latest that is not after ${ctx.settings.now.slice(0, 10)} is assumed`
    : `lines have no date: that of the file's last change (${anchor.modified.toISOString().slice(0, 10)}) is assumed`;
}

function completed(table: string): string {
  return `${table.slice(0, -1)} completed"`;
}

interface Step {
  step: number;
  latest: string;
  leap: boolean;
}

/** The shift from NO_YEAR that puts the last step into the latest year with no line after `now`. */
function yearsToAdd(steps: readonly Step[], now: string): number {
  const limit = Date.parse(now) + 86_400_000;
  const last = steps.at(-1)?.step ?? 0;
  const thisYear = new Date(limit).getUTCFullYear();
  for (let year = thisYear; year > thisYear - 9; year--) {
    const fits = steps.every(({ step, latest, leap }) => {
      const its = year - last + step;
      if (leap && !isLeap(its)) return false;
      return Date.parse(latest.replace(/^\d{4}/, String(its))) <= limit;
    });
    if (fits) return year - last - NO_YEAR;
  }
  return thisYear - 1 - last - NO_YEAR;
}

function isLeap(year: number): boolean {
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
}

/** The shift in days that puts the last line on the day of the last change, or before when it is later than that. */
async function daysToAdd(last: number, time: string, anchor: Anchor, ctx: IntakeContext): Promise<number> {
  const changed = new Date(Math.min(anchor.modified.getTime(), Date.parse(ctx.settings.now)));
  const local = `timezone(${literal(anchor.timezone)}, TIMESTAMPTZ ${literal(changed.toISOString())})`;
  const clock = `CAST(TIMESTAMP ${literal(time.replace("T", " ").replace("Z", ""))} AS TIME)`;
  const row = await ctx.store.one(`SELECT date_diff('day', DATE '${NO_YEAR}-01-01', CAST(${local} AS DATE))
    - CASE WHEN CAST(${local} AS DATE) + ${clock} > ${local} + INTERVAL 1 HOUR THEN 1 ELSE 0 END AS days`);
  return Number(row?.days ?? 0) - last;
}
