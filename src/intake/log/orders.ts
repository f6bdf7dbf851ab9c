/** Tells day from month (and from a year of two digits) where a date is three numbers. */

import type { SampledTime, Shape } from "./shapes.ts";
import type { Stamp } from "./stamps.ts";

/** How much longer the span of one order must be before the other is believed. */
const SPAN_RATIO = 5;

export interface Learned {
  stamp: Stamp;
  /** False when the values allow another order, and the order was chosen by likelihood. */
  certain: boolean;
}

/** The order of a shape's dates, from its sampled lines. Day first when nothing tells. */
export function learnOrder(shape: Shape, now: string): Learned {
  const { stamp } = shape;
  const orders = [stamp, ...(stamp.orders ?? [])];
  if (orders.length === 1) return { stamp, certain: true };
  const tried = orders.map((order) => ({ order, times: shape.lines.map((line) => timeOf(line, order)) }));
  const valid = tried.filter(({ times }) => times.every((time) => time !== null));
  const first = valid[0];
  if (first === undefined) return { stamp, certain: false };
  if (valid.length === 1) return { stamp: first.order, certain: true };
  const limit = Date.parse(now) + 86_400_000;
  let best = first;
  for (const other of valid.slice(1)) if (isLikelier(other.times, best.times, limit)) best = other;
  return { stamp: best.order, certain: false };
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
