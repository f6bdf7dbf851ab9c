/** Learns in which hours of the week a source is active, from the source itself, and weighs silences by it. */

import type { Bucket } from "./activity.ts";

/** A span of time in seconds since 1970. */
export interface Span {
  from: number;
  to: number;
}

const HOUR = 3600;
const WEEK_HOURS = 168;
const WEEK = WEEK_HOURS * HOUR;

/** A night is longer than this: a shorter silence in hours that were never seen cannot be one. */
const NIGHT_SECONDS = 5 * HOUR;

/** How many weeks' worth the same hour of other days counts when an hour of the week is estimated. */
const PRIOR_WEEKS = 2;

/** Below this share of active weeks an hour of the week is quiet. */
const QUIET = 0.25;

/**
 * The share of weeks in which each hour of the week was active.
 * Occupancy, not counts: a burst makes an hour no more active than one row does.
 */
export interface Rhythm {
  /** 168 shares, Monday 00:00 UTC first; NaN where nothing is known about an hour. */
  weight: readonly number[];
  /** Mean of the known shares. */
  mean: number;
}

/** The hour of the week of an instant; 0 is Monday 00:00 UTC. (1970 began on a Thursday.) */
const hourOfWeek = (hour: number) => (((hour + 72) % WEEK_HOURS) + WEEK_HOURS) % WEEK_HOURS;

/** Monday to Friday stand in for each other, and so do Saturday and Sunday; a day off never for a working day. */
const isWeekend = (slot: number) => slot >= 120;

/**
 * Learns the rhythm of what lies between the first and the last bucket, `holes` left out.
 * With buckets wider than an hour nothing is learned: every hour weighs the same.
 * Each hour of the week is drawn towards the same hour of its kind of day (Monday to Friday, week-end), the more so
 * the fewer weeks were seen (a beta-binomial estimate).
 */
export function learnRhythm(buckets: readonly Bucket[], width: number, holes: readonly Span[] = []): Rhythm {
  const first = buckets[0];
  const last = buckets.at(-1);
  if (!first || !last || width > HOUR) return { weight: new Array<number>(WEEK_HOURS).fill(1), mean: 1 };
  const active = new Set<number>();
  for (const bucket of buckets) {
    active.add(Math.floor(bucket.first / HOUR));
    active.add(Math.floor(bucket.last / HOUR));
  }
  const seen = new Array<number>(WEEK_HOURS).fill(0);
  const busy = new Array<number>(WEEK_HOURS).fill(0);
  for (let hour = Math.floor(first.first / HOUR); hour <= Math.floor(last.last / HOUR); hour++) {
    const occupied = active.has(hour);
    if (!occupied && holes.some((hole) => hour * HOUR < hole.to && (hour + 1) * HOUR > hole.from)) continue;
    const slot = hourOfWeek(hour);
    seen[slot]!++;
    if (occupied) busy[slot]!++;
  }
  const kind = (slot: number): { seen: number; busy: number } => {
    const alike = [...new Array(7).keys()]
      .map((day) => day * 24 + (slot % 24))
      .filter((other) => isWeekend(other) === isWeekend(slot));
    return {
      seen: alike.reduce((sum, other) => sum + seen[other]!, 0),
      busy: alike.reduce((sum, other) => sum + busy[other]!, 0),
    };
  };
  const weight = seen.map((weeks, slot) => {
    const like = kind(slot);
    if (like.seen === 0) return Number.NaN;
    return (busy[slot]! + PRIOR_WEEKS * (like.busy / like.seen)) / (weeks + PRIOR_WEEKS);
  });
  const known = weight.filter((share) => !Number.isNaN(share));
  return { weight, mean: known.reduce((sum, share) => sum + share, 0) / Math.max(1, known.length) };
}

/**
 * Seconds of a span in which the source is usually active.
 * Hours nothing is known about count nothing, since they may be its night; but a span too short for a night counts.
 */
export function activeSeconds(rhythm: Rhythm, span: Span): number {
  const length = span.to - span.from;
  if (length <= 0) return 0;
  const unknown = length < NIGHT_SECONDS ? rhythm.mean : 0;
  const share = (hour: number) => {
    const weight = rhythm.weight[hourOfWeek(hour)]!;
    return Number.isNaN(weight) ? unknown : weight;
  };
  const weeks = Math.floor(length / WEEK);
  let sum = 0;
  if (weeks > 0) for (let slot = 0; slot < WEEK_HOURS; slot++) sum += weeks * HOUR * share(slot);
  for (let at = span.from + weeks * WEEK; at < span.to; ) {
    const hour = Math.floor(at / HOUR);
    const next = Math.min(span.to, (hour + 1) * HOUR);
    sum += (next - at) * share(hour);
    at = next;
  }
  return sum;
}

/** True in an hour of the week in which the source is seldom active. */
export function isQuiet(rhythm: Rhythm, at: number): boolean {
  return !(rhythm.weight[hourOfWeek(Math.floor(at / HOUR))]! >= QUIET);
}
