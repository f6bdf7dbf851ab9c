/** Tells day from month (and from a year of two digits) where a date is three numbers. */

import { Interrupted, UserError } from "../../contract/errors.ts";
import { literal } from "../../store/index.ts";
import type { IntakeContext } from "../context.ts";
import type { SampledTime, Shape } from "./shapes.ts";
import type { Stamp } from "./stamps.ts";

/** How much longer the span of one order must be before the other is believed. */
const SPAN_RATIO = 5;

export interface Learned {
  stamp: Stamp;
  /** False when the values allow another order, and the order was chosen by likelihood. */
  certain: boolean;
}

/** The largest first and second number of all dates of a log. */
export type Widest = readonly [first: number, second: number];

/** The order of a shape's dates, from its sampled lines and what all lines hold. Day first when nothing tells. */
export function learnOrder(shape: Shape, now: string, widest: Widest | null): Learned {
  const { stamp } = shape;
  const orders = [stamp, ...(stamp.orders ?? [])];
  if (orders.length === 1) return { stamp, certain: true };
  const tried = orders.map((order) => ({ order, times: shape.lines.map((line) => timeOf(line, order)) }));
  const valid = tried.filter(({ order, times }) => {
    const month = (order.fields ?? "dmy").indexOf("m");
    return times.every((time) => time !== null) && (widest === null || (widest[month] ?? 0) <= 12);
  });
  const first = valid[0];
  if (first === undefined) return { stamp, certain: false };
  if (valid.length === 1) return { stamp: first.order, certain: true };
  const limit = Date.parse(now) + 86_400_000;
  let best = first;
  for (const other of valid.slice(1)) if (isLikelier(other.times, best.times, limit)) best = other;
  return { stamp: best.order, certain: false };
}

/** Reads the two numbers from every line of the parts that DuckDB can read as they are; null when none can be. */
export async function widestNumbers(
  shape: Shape,
  relations: readonly string[],
  ctx: IntakeContext,
): Promise<Widest | null> {
  const at = shape.at("raw");
  const nth = (pattern: string) => `max(TRY_CAST(regexp_extract(${at}, '${pattern}', 1) AS INTEGER))`;
  const widest: [number, number] = [0, 0];
  for (const relation of relations) {
    try {
      const row = await ctx.store.one(`SELECT ${nth("^(\\d+)")} AS first, ${nth("^\\d+\\D(\\d+)")} AS second
        FROM ${relation} WHERE ${shape.condition("raw")} AND ${shape.stamp.guard(at)}
          AND regexp_matches(left(${at}, 64), ${literal(`^(?:${shape.stamp.pattern})`)})`);
      widest[0] = Math.max(widest[0], Number(row?.first ?? 0));
      widest[1] = Math.max(widest[1], Number(row?.second ?? 0));
    } catch (error) {
      if (error instanceof UserError || error instanceof Interrupted) throw error;
      return null;
    }
  }
  return widest;
}

function isLikelier(a: (number | null)[], b: (number | null)[], limit: number): boolean {
  const late = (times: (number | null)[]) => times.some((time) => (time ?? 0) > limit);
  if (late(a) !== late(b)) return late(b);
  const falls = (times: (number | null)[]) =>
    times.filter((time, i) => i > 0 && (time ?? 0) < (times[i - 1] ?? 0)).length;
  if (falls(a) !== falls(b)) return falls(a) < falls(b);
  return span(a) * SPAN_RATIO < span(b);
}

function span(times: (number | null)[]): number {
  const known = times.filter((time) => time !== null);
  return known.length === 0 ? 0 : Math.max(...known) - Math.min(...known);
}

/** Milliseconds of the sampled time read in that order; null when it is no date then. */
function timeOf(line: SampledTime, stamp: Stamp): number | null {
  const match = /^(\d{1,4})\D(\d{1,2})\D(\d{1,4})\D+(\d{1,2}):(\d\d):(\d\d) ?([AP]M)?/.exec(line.text);
  if (!match) return null;
  const at = (field: string) => Number(match[(stamp.fields ?? "dmy").indexOf(field) + 1]);
  const year = at("y") < 100 ? 2000 + at("y") : at("y");
  const date = new Date(Date.UTC(year, at("m") - 1, at("d"), Number(match[4]), Number(match[5])));
  return date.getUTCMonth() === at("m") - 1 && date.getUTCDate() === at("d") ? date.getTime() : null;
}
