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
const SATURDAY = 120;
const WEEKEND_HOURS = 48;

/** A night is longer than this: a shorter silence in hours that were never seen cannot be one. */
const NIGHT_SECONDS = 5 * HOUR;

/** How many weeks the same hour of other days counts for when an hour of the week is estimated. */
const PRIOR_WEEKS = 1;

/** Below this share of active weeks an hour of the week is quiet. */
const QUIET = 0.25;

/**
 * In how many weeks each hour of the week was seen and was active; 168 hours, the first is Monday 00:00 UTC.
 * Occupancy, not counts: a burst makes an hour no more active than one row does.
 */
export interface Rhythm {
  seen: readonly number[];
  busy: readonly number[];
  /** Per hour of the week: the 24 × 2 group of the same hour of days of its kind (working day, week-end). */
  kind: readonly number[];
  kindSeen: readonly number[];
  kindBusy: readonly number[];
  /** Share of active weeks per hour of the week; NaN where nothing is known. */
  weight: readonly number[];
  /** Mean share of active weeks over the hours that were seen. */
  mean: number;
}

/** The hour of the week of an hour since 1970, which began on a Thursday. */
const slotOf = (hour: number) => (((hour + 72) % WEEK_HOURS) + WEEK_HOURS) % WEEK_HOURS;

/**
 * Learns the rhythm of what lies between the first and the last bucket.
 * With buckets wider than an hour nothing can be learned: every hour weighs the same.
 */
export function learnRhythm(buckets: readonly Bucket[], width: number): Rhythm {
  const seen = new Array<number>(WEEK_HOURS).fill(0);
  const busy = new Array<number>(WEEK_HOURS).fill(0);
  const [first, last] = [buckets[0], buckets.at(-1)];
  if (!first || !last || width > HOUR) {
    seen.fill(1);
    busy.fill(1);
  } else {
    const active = new Set<number>();
    for (const bucket of buckets) {
      active.add(Math.floor(bucket.first / HOUR));
      active.add(Math.floor(bucket.last / HOUR));
    }
    for (let hour = Math.floor(first.first / HOUR); hour <= Math.floor(last.last / HOUR); hour++)
      seen[slotOf(hour)]!++;
    for (const hour of active) busy[slotOf(hour)]!++;
  }
  const weekend = SATURDAY + weekendOffset(seen, busy);
  const kind = seen.map((_, slot) => {
    const isWeekend = (slot - weekend + WEEK_HOURS) % WEEK_HOURS < WEEKEND_HOURS;
    return (slot % 24) + (isWeekend ? 24 : 0);
  });
  const kindSeen = new Array<number>(48).fill(0);
  const kindBusy = new Array<number>(48).fill(0);
  for (let slot = 0; slot < WEEK_HOURS; slot++) {
    kindSeen[kind[slot]!]! += seen[slot]!;
    kindBusy[kind[slot]!]! += busy[slot]!;
  }
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const learned = { seen, busy, kind, kindSeen, kindBusy };
  const weight = seen.map((_, slot) => weightOf(learned, slot, 0, 0));
  return { ...learned, weight, mean: sum(busy) / Math.max(1, sum(seen)) };
}

/**
 * By how many hours the source's week-end begins later than in UTC: where two days together are least active.
 * Working days stand in for each other, and so do the days of the week-end, but never one for the other.
 */
function weekendOffset(seen: readonly number[], busy: readonly number[]): number {
  let best = { offset: 0, share: Number.POSITIVE_INFINITY };
  for (let i = 0; i < 24; i++) {
    const offset = i % 2 === 0 ? -i / 2 : (i + 1) / 2;
    let share = 0;
    for (let hour = 0; hour < WEEKEND_HOURS; hour++) {
      const slot = (SATURDAY + offset + hour) % WEEK_HOURS;
      if (seen[slot] === 0) return 0;
      share += busy[slot]! / seen[slot]!;
    }
    // By a clear half hour of activity, or the offset nearest to UTC stays.
    if (share < best.share - 0.5) best = { offset, share };
  }
  return best.offset;
}

/**
 * The share of weeks in which an hour of the week is active, NaN where nothing is known: a beta-binomial estimate that
 * is drawn towards the same hour of days of its kind. `less` and `kindLess` hours without activity are left out.
 */
function weightOf(
  rhythm: Pick<Rhythm, "seen" | "busy" | "kind" | "kindSeen" | "kindBusy">,
  slot: number,
  less: number,
  kindLess: number,
): number {
  const kind = rhythm.kind[slot]!;
  const kindSeen = rhythm.kindSeen[kind]! - kindLess;
  if (kindSeen <= 0) return Number.NaN;
  const prior = rhythm.kindBusy[kind]! / kindSeen;
  return (rhythm.busy[slot]! + PRIOR_WEEKS * prior) / (rhythm.seen[slot]! - less + PRIOR_WEEKS);
}

/**
 * Seconds of a span in which the source is usually active.
 * Hours nothing is known about count nothing, since they may be its night; but a span too short for a night counts.
 * A silence that the rhythm was learned with is `inside`: its own empty hours are left out of the estimate, or a
 * silence would teach that it is usual.
 */
export function activeSeconds(rhythm: Rhythm, span: Span, inside: boolean): number {
  const length = span.to - span.from;
  if (length <= 0) return 0;
  const unknown = length < NIGHT_SECONDS ? rhythm.mean : 0;
  const weight = inside && length >= HOUR ? weightWithout(rhythm, span) : rhythm.weight;
  const share = (slot: number) => {
    const known = weight[slot]!;
    return Number.isNaN(known) ? unknown : known;
  };
  const weeks = Math.floor(length / WEEK);
  let sum = 0;
  if (weeks > 0) for (let slot = 0; slot < WEEK_HOURS; slot++) sum += weeks * HOUR * share(slot);
  for (let at = span.from + weeks * WEEK; at < span.to; ) {
    const hour = Math.floor(at / HOUR);
    const next = Math.min(span.to, (hour + 1) * HOUR);
    sum += (next - at) * share(slotOf(hour));
    at = next;
  }
  return sum;
}

/** The weights that the rhythm would have if it had not seen the empty hours of a span. */
function weightWithout(rhythm: Rhythm, span: Span): readonly number[] {
  const less = new Map<number, number>();
  const kindLess = new Map<number, number>();
  for (let hour = Math.ceil(span.from / HOUR); (hour + 1) * HOUR <= span.to; hour++) {
    const slot = slotOf(hour);
    const kind = rhythm.kind[slot]!;
    less.set(slot, (less.get(slot) ?? 0) + 1);
    kindLess.set(kind, (kindLess.get(kind) ?? 0) + 1);
  }
  if (less.size === 0) return rhythm.weight;
  return rhythm.seen.map((_, slot) =>
    weightOf(rhythm, slot, less.get(slot) ?? 0, kindLess.get(rhythm.kind[slot]!) ?? 0),
  );
}

/** True in an hour of the week in which the source is seldom active. */
export function isQuiet(rhythm: Rhythm, at: number): boolean {
  return !(rhythm.weight[slotOf(Math.floor(at / HOUR))]! >= QUIET);
}
