/** Seeded times for tests: what a source with a rhythm would have recorded. */

/** Uniform numbers in [0, 1) from a seed (mulberry32). */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Seconds since 1970 → `2025-11-23 16:30:35`. */
export const text = (seconds: number): string =>
  new Date(Math.round(seconds) * 1000).toISOString().slice(0, 19).replace("T", " ");

export const seconds = (instant: string): number => Date.parse(`${instant.replace(" ", "T")}Z`) / 1000;

/**
 * Times of a Poisson process between two instants whose rate (per hour) may change with time, by thinning.
 * `rate` gets seconds since 1970; `most` is its upper bound.
 */
export function poisson(
  next: () => number,
  from: number,
  to: number,
  most: number,
  rate: (at: number) => number = () => most,
): number[] {
  const times: number[] = [];
  for (let at = from; ; ) {
    at += (-Math.log(1 - next()) / most) * 3600;
    if (at >= to) return times;
    if (next() * most < rate(at)) times.push(at);
  }
}

/** Office hours, Monday to Friday: 1 inside, `rest` outside. `shift` hours move the day (a time zone, a clock change). */
export function office(at: number, shift = 0, rest = 0): number {
  const date = new Date((at + shift * 3600) * 1000);
  const working = date.getUTCDay() >= 1 && date.getUTCDay() <= 5;
  return working && date.getUTCHours() >= 8 && date.getUTCHours() < 18 ? 1 : rest;
}
