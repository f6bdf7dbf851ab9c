/** Finds the one span of time in which a share was high and after which it was as before: an incident that ended. */

import { PROFILE, type Trials } from "./changepoint.ts";

export interface Episode {
  /** It began between these; seconds since 1970. */
  earliest: number;
  latest: number;
  /** The last rows of it. */
  until: number;
}

/** Rows of the episode, and on either side of it. */
const SIDE_MIN = 5;
/** The share inside at least, outside at most, and how many times the one is of the other. */
const INSIDE_MIN = 0.5;
const OUTSIDE_MAX = 0.05;
const FACTOR_MIN = 10;
/** Logarithm of the likelihood ratio: any of some hundred thousand spans would reach it by chance once in a million. */
const STRENGTH_MIN = 25;

/**
 * The likeliest span with one share inside and a much lower one on both sides (the epidemic alternative, Levin and
 * Kline 1985), or null: the largest sum of log-likelihood ratios (Kadane), with the two shares estimated anew until
 * the span stays. Linear in the trials.
 */
export function shareEpisode(trials: readonly Trials[]): Episode | null {
  let [inside, outside] = [0.9, 0.02];
  let span = { first: 0, last: -1 };
  let gains: number[] = [];
  for (let round = 0; round < 8; round++) {
    const [hit, miss] = [Math.log(inside / outside), Math.log((1 - inside) / (1 - outside))];
    gains = trials.map(({ n, k }) => k * hit + (n - k) * miss);
    const next = largestSum(gains);
    if (next.first === span.first && next.last === span.last) break;
    span = next;
    const within = sumOf(trials.slice(span.first, span.last + 1));
    const all = sumOf(trials);
    inside = Math.min(0.999, (within.k + 0.5) / (within.n + 1));
    outside = Math.max(0.001, (all.k - within.k + 0.5) / (all.n - within.n + 1));
    if (inside < INSIDE_MIN || outside > OUTSIDE_MAX || inside < FACTOR_MIN * outside) return null;
  }
  const { first, last } = span;
  const [before, within, after] = [
    sumOf(trials.slice(0, first)),
    sumOf(trials.slice(first, last + 1)),
    sumOf(trials.slice(last + 1)),
  ];
  if (Math.min(before.n - before.k, within.k, after.n - after.k) < SIDE_MIN) return null;
  const total = gains.slice(first, last + 1).reduce((sum, gain) => sum + gain, 0);
  if (total < STRENGTH_MIN) return null;
  // Other beginnings that fit about as well.
  let [lo, hi] = [first, first];
  for (let i = first - 1, sum = 0; i > 0; i--) {
    sum += gains[i]!;
    if (2 * sum >= -PROFILE) lo = i;
  }
  for (let i = first, sum = 0; i < last; i++) {
    sum += gains[i]!;
    if (2 * sum <= PROFILE) hi = i + 1;
  }
  return { earliest: trials[lo - 1]!.to, latest: trials[hi]!.from, until: trials[last]!.to };
}

function sumOf(trials: readonly Trials[]): { n: number; k: number } {
  return trials.reduce((sum, { n, k }) => ({ n: sum.n + n, k: sum.k + k }), { n: 0, k: 0 });
}

/** The consecutive numbers with the largest sum: the indexes of the first and the last. */
function largestSum(numbers: readonly number[]): { first: number; last: number } {
  let best = { first: 0, last: -1, sum: 0 };
  let [first, sum] = [0, 0];
  for (const [i, value] of numbers.entries()) {
    if (sum <= 0) [first, sum] = [i, 0];
    sum += value;
    if (sum > best.sum) best = { first, last: i, sum };
  }
  return { first: best.first, last: best.last };
}
