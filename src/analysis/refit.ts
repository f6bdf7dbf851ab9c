/** Compares the buckets of a rollup with sums of its detail, and finds the day boundary under which they agree. */

/** Sums of the detail in one slot of half an hour; `from` in seconds since 1970, one sum per measure. */
export interface Slot {
  from: number;
  sums: readonly number[];
}

/** One bucket of a rollup: from `from` to `to` by its own clock, in seconds. */
export interface RollupBucket {
  from: number;
  to: number;
  sums: readonly number[];
  /** False where the rollup has no row for it. */
  present: boolean;
}

/** A bucket beside what the detail says. */
export interface Compared extends RollupBucket {
  detail: number[];
  agrees: boolean;
}

export interface Fit {
  /** Hours by which the rollup's clock is ahead of UTC: one, or two with daylight saving. */
  offsets: number[];
  compared: Compared[];
  /** Buckets that agree and hold something. */
  agreeing: number;
}

export const SLOT_SECONDS = 1800;
const HOUR = 3600;

/** Sums of the detail between any two instants on slot boundaries. */
export class Detail {
  readonly first: number;
  readonly last: number;
  readonly #starts: number[];
  readonly #running: number[][];

  /** @param slots in order of time, at least one */
  constructor(slots: readonly Slot[]) {
    this.#starts = slots.map((slot) => slot.from);
    this.first = this.#starts[0] ?? 0;
    this.last = this.#starts.at(-1) ?? 0;
    const measures = slots[0]?.sums.length ?? 0;
    this.#running = [new Array<number>(measures).fill(0)];
    for (const { sums } of slots) {
      const before = this.#running.at(-1)!;
      this.#running.push(sums.map((sum, i) => before[i]! + sum));
    }
  }

  /** The sum of each measure from `from` up to, not including, `to`. */
  between(from: number, to: number): number[] {
    const [low, high] = [this.#running[this.#position(from)]!, this.#running[this.#position(to)]!];
    return high.map((sum, i) => sum - low[i]!);
  }

  #position(at: number): number {
    let [low, high] = [0, this.#starts.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#starts[middle]! < at) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Equal, but for the rounding of a cost: half a cent, or a thousandth. */
export function sameSum(a: number, b: number, exact: boolean): boolean {
  if (exact) return Math.abs(a - b) < 0.5;
  return Math.abs(a - b) <= Math.max(0.0051, 0.001 * Math.max(Math.abs(a), Math.abs(b)));
}

/**
 * Compares every bucket that is complete: not the one in which the detail begins (retention may have cut it), nor the
 * last one while nothing follows it. `exact[i]` is true of token counts. `offset` is in hours, or a function of the
 * bucket's start for a zone with daylight saving.
 */
export function compare(
  buckets: readonly RollupBucket[],
  detail: Detail,
  exact: readonly boolean[],
  offset: (from: number) => number,
): Compared[] {
  const finished = buckets.reduce((last, b) => (b.present ? Math.max(last, b.from) : last), 0);
  return buckets.flatMap((bucket) => {
    // The day on which the clocks change is an hour longer or shorter than the others.
    const [from, to] = [bucket.from - offset(bucket.from) * HOUR, bucket.to - offset(bucket.to) * HOUR];
    // Half an hour of grace: a source that begins within the first slot of a day begins with the day.
    if (from < detail.first - SLOT_SECONDS || from > detail.last) return [];
    if (to > detail.last && bucket.from >= finished) return [];
    const sums = detail.between(from, to);
    const agrees = sums.every((sum, i) => sameSum(sum, bucket.sums[i]!, exact[i]!));
    const empty = [...sums, ...bucket.sums].every((sum) => sum === 0);
    return empty ? [] : [{ ...bucket, detail: sums, agrees }];
  });
}

/**
 * The clock under which most buckets agree: the expected one unless another fits clearly better, then any offset from
 * −14 to +14 hours in half hours, then two of them an hour apart (daylight saving).
 */
export function refit(
  buckets: readonly RollupBucket[],
  detail: Detail,
  exact: readonly boolean[],
  expected: readonly ((from: number) => number)[],
  movable: boolean,
): Fit {
  const fitOf = (offsets: number[], compared: Compared[]): Fit => ({
    offsets,
    compared,
    agreeing: compared.filter((one) => one.agrees).length,
  });
  const share = (fit: Fit) => fit.agreeing / Math.max(1, fit.compared.length);
  let best: Fit | null = null;
  for (const offset of expected) {
    const compared = compare(buckets, detail, exact, offset);
    const offsets = [...new Set(compared.map((one) => offset(one.from)))].sort((a, b) => a - b);
    const fit = fitOf(offsets.length > 0 ? offsets : [0], compared);
    if (!best || share(fit) > share(best)) best = fit;
  }
  const own = best as Fit;
  if (!movable || own.compared.length === 0 || share(own) >= 0.9) return own;
  const others: Fit[] = [];
  for (let half = 0; half <= 28; half++)
    for (const hours of half === 0 ? [0] : [half / 2, -half / 2])
      others.push(
        fitOf(
          [hours],
          compare(buckets, detail, exact, () => hours),
        ),
      );
  const moved = others.reduce((a, b) => (share(b) > share(a) ? b : a), own);
  // A day without rows at night fits many clocks; the nearest stays, and a few more days are no proof.
  if (moved !== own && share(moved) >= 0.9 && moved.agreeing >= own.agreeing + 2) return moved;
  for (const one of others) {
    const two = others.find((other) => other.offsets[0] === one.offsets[0]! + 1);
    if (!two) continue;
    const [a, b] = [one.offsets[0]!, two.offsets[0]!];
    const agreeing = new Map(two.compared.filter((c) => c.agrees).map((c) => [c.from, c]));
    const compared = one.compared.map((c) => {
      if (c.agrees) return c;
      const changes = [
        [a, b],
        [b, a],
      ].map(([begin, end]) => compare([c], detail, exact, (at) => (at === c.from ? begin! : end!)));
      return agreeing.get(c.from) ?? changes.flat().find((other) => other.agrees) ?? c;
    });
    const both = fitOf([a, b], compared);
    if (share(both) >= 0.95 && both.agreeing >= own.agreeing + 4 && one.agreeing >= 4 && two.agreeing >= 4)
      return both;
  }
  return own;
}

/** How the rollup relates to the detail where most buckets differ: always 0, or a whole multiple of it. */
export function multipleOf(compared: readonly Compared[]): number | null {
  const ratios = compared.flatMap((one) => {
    const i = one.detail.findIndex((sum) => sum > 0);
    return i < 0 ? [] : [one.sums[i]! / one.detail[i]!];
  });
  if (ratios.length < 3) return null;
  for (const k of [0, 2, 3, 4, 5])
    if (ratios.filter((ratio) => Math.abs(ratio - k) < 1e-6).length >= 0.9 * ratios.length) return k;
  return null;
}

/** Hours by which a zone is ahead of UTC at an instant (seconds). */
export function zoneOffset(timezone: string): (at: number) => number {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: timezone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
  });
  return (at) => {
    const parts = Object.fromEntries(format.formatToParts(at * 1000).map((p) => [p.type, Number(p.value)]));
    const local = Date.UTC(parts.year!, parts.month! - 1, parts.day!, parts.hour!, parts.minute!);
    return Math.round((local / 1000 - at) / 900) / 4;
  };
}
