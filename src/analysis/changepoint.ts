/** Finds the moment at which a share or a volume changes its level for good, with an interval for the moment. */

/** Consecutive rows of one span of time: `n` of them, `k` with the property. Times in seconds since 1970. */
export interface Trials {
  from: number;
  to: number;
  n: number;
  k: number;
}

/** One level before a moment, another after it. */
export interface Shift {
  /** The new level begins here: the first row after the change. Seconds since 1970. */
  at: number;
  /** The change lies between these (95 %). */
  earliest: number;
  latest: number;
  /** The two levels: shares, or rows per bucket. */
  before: number;
  after: number;
  /** Rows, or buckets, on either side. */
  sizeBefore: number;
  sizeAfter: number;
  /** Likelihood ratio over what chance and the source's own clumping give; comparable between shifts. */
  strength: number;
}

export interface ShareOptions {
  /** Rows on either side. */
  min_rows: number;
  /** Seconds on either side. */
  min_seconds: number;
  /** Difference of the two shares. */
  min_change: number;
}

/**
 * Moments whose likelihood ratio is less by at most this are in the interval. More than the 3.84 of chi-square, as a
 * change of level is no smooth parameter (Siegmund 1988): with it 93 to 100 % of the intervals hold the moment, fewer
 * only for a weak change in few rows.
 */
export const PROFILE = 5;
/** Parts of each side that must keep to their level. */
const PARTS = 8;
/** Share of them that must: one spike in eight is none, two pauses are. */
const KEEP = 0.85;
/** Of the difference, the part that must happen at the change itself and not little by little. */
const SUDDEN = 0.6;
/** How much better than a straight drift a step must fit (BIC; Kass and Raftery 1995: 6 is strong). */
const DRIFT_MIN = 6;
/** Likelihood ratio, dispersion taken off: p < 1e-6 at one place, and there are at most some thousand places. */
const STRENGTH_MIN = 25;

/**
 * The change of a share in a row of trials, or null. A likelihood-ratio scan for one change in a binomial sequence
 * (Worsley 1983), divided by the dispersion that is left on the two sides: users and jobs come in clumps, and without
 * that every clump would be significant. The threshold is fixed, no permutation. Both sides must keep to their
 * level, and the change must be sudden: a slow drift, a spike and what alternates are no shift.
 */
export function shareShift(trials: readonly Trials[], options: ShareOptions): Shift | null {
  const used = trials.filter((t) => t.n > 0);
  const first = used[0];
  const last = used.at(-1);
  if (!first || !last) return null;
  const rows = [0];
  const hits = [0];
  for (const { n, k } of used) {
    rows.push(rows.at(-1)! + n);
    hits.push(hits.at(-1)! + k);
  }
  const [n, k] = [rows.at(-1)!, hits.at(-1)!];
  const ratio = (i: number) =>
    2 * (logLikelihood(hits[i]!, rows[i]!) + logLikelihood(k - hits[i]!, n - rows[i]!) - logLikelihood(k, n));
  const allowed = (i: number) =>
    rows[i]! >= options.min_rows &&
    n - rows[i]! >= options.min_rows &&
    used[i - 1]!.to - first.from >= options.min_seconds &&
    last.to - used[i]!.from >= options.min_seconds;
  let best = 0;
  for (let i = 1; i < used.length; i++) if (allowed(i) && (best === 0 || ratio(i) > ratio(best))) best = i;
  if (best === 0) return null;
  const [before, after] = [hits[best]! / rows[best]!, (k - hits[best]!) / (n - rows[best]!)];
  if (Math.abs(after - before) < options.min_change) return null;
  const [left, right] = [used.slice(0, best), used.slice(best)];
  const dispersion = Math.max(1, dispersionOf(left), dispersionOf(right));
  const strength = ratio(best) / dispersion;
  if (strength < STRENGTH_MIN || !keepsLevel(left, right, before, after)) return null;
  const squares = (hit: number, miss: number, share: number) => hit * (1 - share) ** 2 + miss * share ** 2;
  const step =
    squares(hits[best]!, rows[best]! - hits[best]!, before) +
    squares(k - hits[best]!, n - rows[best]! - (k - hits[best]!), after);
  if ((n / dispersion) * Math.log(driftSquares(used) / Math.max(step, 0.5)) < DRIFT_MIN) return null;
  const near = [...used.keys()].filter((i) => i > 0 && ratio(i) >= ratio(best) - PROFILE * dispersion);
  const [last0, first1] = [used[Math.min(...near) - 1]!, used[Math.max(...near)]!];
  return {
    at: used[best]!.from,
    // A span in which both levels may stand is where it may have changed, all of it.
    earliest: isPure(last0, before) ? last0.to : last0.from,
    latest: isPure(first1, after) ? first1.from : first1.to,
    before,
    after,
    sizeBefore: rows[best]!,
    sizeAfter: n - rows[best]!,
    strength,
  };
}

/** Every row of the span is as the level has it, and the level allows no other. */
const isPure = ({ n, k }: Trials, level: number) => k === n * level && (level === 0 || level === 1);

function logLikelihood(k: number, n: number): number {
  const part = (count: number) => (count > 0 ? count * Math.log(count / n) : 0);
  return n > 0 ? part(k) + part(n - k) : 0;
}

/** Pearson's chi-square over its degrees of freedom, at the grain of time where the trials clump most. */
function dispersionOf(side: readonly Trials[]): number {
  const share = (side.reduce((sum, t) => sum + t.k, 0) + 0.5) / (side.reduce((sum, t) => sum + t.n, 0) + 1);
  let worst = 1;
  for (let grain = 1; side.length / grain >= PARTS; grain *= 2) {
    let chi = 0;
    let groups = 0;
    for (let i = 0; i + grain <= side.length; i += grain) {
      const group = side.slice(i, i + grain);
      const n = group.reduce((sum, t) => sum + t.n, 0);
      const k = group.reduce((sum, t) => sum + t.k, 0);
      chi += (k - n * share) ** 2 / (n * share * (1 - share));
      groups++;
    }
    worst = Math.max(worst, chi / Math.max(1, groups - 1));
  }
  return worst;
}

/** What a share that drifts in a straight line, by time or by row, leaves unexplained: the better of the two. */
function driftSquares(trials: readonly Trials[]): number {
  let passed = 0;
  const byRow = trials.map((t) => {
    passed += t.n;
    return passed - t.n / 2;
  });
  const left = [byRow, trials.map((t) => (t.from + t.to) / 2)].map((x) => {
    const n = trials.reduce((sum, t) => sum + t.n, 0);
    const meanX = trials.reduce((sum, t, i) => sum + t.n * x[i]!, 0) / n;
    const meanY = trials.reduce((sum, t) => sum + t.k, 0) / n;
    let [xx, xy] = [0, 0];
    for (const [i, t] of trials.entries()) {
      xx += t.n * (x[i]! - meanX) ** 2;
      xy += (x[i]! - meanX) * (t.k - t.n * meanY);
    }
    const slope = xx > 0 ? xy / xx : 0;
    return trials.reduce((sum, t, i) => {
      const share = meanY + slope * (x[i]! - meanX);
      return sum + t.k * (1 - share) ** 2 + (t.n - t.k) * share ** 2;
    }, 0);
  });
  return Math.min(...left);
}

/** Both sides keep to their level from beginning to end, and the step between them is sudden. */
function keepsLevel(
  left: readonly Trials[],
  right: readonly Trials[],
  before: number,
  after: number,
): boolean {
  const middle = (before + after) / 2;
  const up = after > before;
  const [one, two] = [partsOf(left), partsOf(right)];
  const kept = (shares: readonly number[], high: boolean) =>
    shares.filter((share) => share > middle === high).length >= KEEP * shares.length;
  if (!kept(one, !up) || !kept(two, up)) return false;
  if (one[0]! > middle === up || two.at(-1)! > middle !== up) return false;
  return (two[0]! - one.at(-1)!) / (after - before) >= SUDDEN;
}

/** The shares of up to eight parts of a side, each with about as many rows. */
function partsOf(side: readonly Trials[]): number[] {
  const n = side.reduce((sum, t) => sum + t.n, 0);
  const shares: number[] = [];
  let [rows, hits, done] = [0, 0, 0];
  for (const trial of side) {
    rows += trial.n;
    hits += trial.k;
    done += trial.n;
    if (rows < n / PARTS && done < n) continue;
    shares.push(hits / rows);
    [rows, hits] = [0, 0];
  }
  return shares;
}

/** Rows of one day. Seconds since 1970. */
export interface Day {
  from: number;
  n: number;
}

/** Days on either side of a change of volume. */
const SIDE_DAYS = 7;
/** The levels that are told are medians of this many days on either side. */
const LEVEL_DAYS = 28;
/** Evidence that it is a step and not smooth growth (BIC; Kass and Raftery 1995: 6 is strong). */
const EVIDENCE_MIN = 6;
/** The F statistic of the step: sup-F for one break has its 1 % point at 12 (Andrews 1993). */
const F_MIN = 16;

/**
 * The change of volume in a row of days, or null. Works on logarithms, the day of the week and single spikes taken
 * off; days of the week that are mostly empty do not count. A step on a straight trend has to explain the days much
 * better than the trend alone (an F test with the residuals' autocorrelation taken off, Andrews 1993 for the search)
 * and than a smooth curve with as many parameters (BIC): growth is neither. Both sides must keep to their level.
 */
export function volumeShift(days: readonly Day[], factor: number): Shift | null {
  const used = workingDays(days);
  const m = used.length;
  if (m < 2 * SIDE_DAYS) return null;
  const y = withoutSpikes(withoutWeek(used));
  const trend = residualSquares(y, (t) => [1, t]);
  const smooth = residualSquares(y, (t) => [1, t, t * t, t * t * t]);
  const squares = (split: number) => residualSquares(y, (t, i) => [1, t, i >= split ? 1 : 0]);
  const splits = [...new Array(m - 2 * SIDE_DAYS + 1).keys()].map((i) => i + SIDE_DAYS);
  const fits = splits.map((split) => ({ split, ...squares(split) }));
  const best = fits.reduce((a, b) => (b.sum < a.sum ? b : a));
  const floor = 1e-3 * m;
  const [, slope, step] = best.beta as [number, number, number];
  const week =
    median(y.slice(best.split, best.split + SIDE_DAYS)) - median(y.slice(best.split - SIDE_DAYS, best.split));
  if (Math.abs(step) < Math.log(factor) || week * Math.sign(step) < 0.8 * Math.log(factor)) return null;
  const rho = Math.max(0, autocorrelation(best.residuals));
  const noise = ((Math.max(best.sum, floor) / (m - 3)) * (1 + rho)) / (1 - rho);
  const strength = (trend.sum - best.sum) / noise;
  const evidence = m * Math.log(Math.max(smooth.sum, floor) / Math.max(best.sum, floor));
  if (strength < F_MIN || evidence < EVIDENCE_MIN) return null;
  const level = y.map((value, i) => value - slope * ((2 * i) / (m - 1) - 1));
  const [left, right] = [level.slice(0, best.split), level.slice(best.split)];
  const middle = (median(left) + median(right)) / 2;
  const kept = (side: readonly number[], above: boolean) =>
    side.filter((value) => value > middle === above).length >= KEEP * side.length;
  if (!kept(left, step < 0) || !kept(right, step > 0)) return null;
  const near = fits.filter((fit) => fit.sum - best.sum <= PROFILE * noise).map((fit) => fit.split);
  const counts = used.map((day) => day.n);
  return {
    at: used[best.split]!.from,
    earliest: used[Math.min(...near) - 1]!.from,
    latest: used[Math.max(...near)]!.from + 86400,
    before: median(counts.slice(Math.max(0, best.split - LEVEL_DAYS), best.split)),
    after: median(counts.slice(best.split, best.split + LEVEL_DAYS)),
    sizeBefore: best.split,
    sizeAfter: m - best.split,
    strength,
  };
}

const weekday = (day: Day) => Math.floor(day.from / 86400) % 7;

/** Of the days that usually have rows, the share that must have some: a source that pauses has no daily volume. */
const COVERED = 0.7;

/** Days with rows, of those days of the week that usually have some; none when the source pauses too often. */
function workingDays(days: readonly Day[]): Day[] {
  const typical = [...new Array(7).keys()].map((which) =>
    median(days.filter((day) => weekday(day) === which).map((day) => day.n)),
  );
  const most = Math.max(...typical);
  const working = days.filter((day) => typical[weekday(day)]! >= most / 4);
  const used = working.filter((day) => day.n > 0);
  return used.length >= COVERED * working.length ? used : [];
}

/** Logarithms of the counts; with four weeks and more, the usual effect of the day of the week taken off. */
function withoutWeek(days: readonly Day[]): number[] {
  const y = days.map((day) => Math.log(day.n + 0.5));
  if (y.length < 28) return y;
  const around = y.map((_, i) => median(y.slice(Math.max(0, i - 3), i + 4)));
  const effect = [...new Array(7).keys()].map((which) =>
    median(y.flatMap((value, i) => (weekday(days[i]!) === which ? [value - around[i]!] : []))),
  );
  return y.map((value, i) => value - effect[weekday(days[i]!)]!);
}

/** Hampel's filter: what stands out from the five days around it is put back among them. */
function withoutSpikes(y: readonly number[]): number[] {
  const around = y.map((_, i) => median(y.slice(Math.max(0, i - 2), i + 3)));
  const off = y.map((value, i) => Math.abs(value - around[i]!));
  const limit = Math.max(0.1, 3 * 1.4826 * median(off));
  return y.map((value, i) => (off[i]! > limit ? around[i]! : value));
}

function median(values: readonly number[]): number {
  if (values.length === 0) return 0;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function autocorrelation(residuals: readonly number[]): number {
  const square = residuals.reduce((sum, r) => sum + r * r, 0);
  const product = residuals.slice(1).reduce((sum, r, i) => sum + r * residuals[i]!, 0);
  return square > 0 ? Math.min(0.9, product / square) : 0;
}

/** Least squares of y on a few terms of time (−1 … 1), by the normal equations. */
function residualSquares(
  y: readonly number[],
  terms: (t: number, i: number) => number[],
): { sum: number; residuals: number[]; beta: number[] } {
  const x = y.map((_, i) => terms((2 * i) / (y.length - 1) - 1, i));
  const size = x[0]!.length;
  const matrix = [...new Array(size).keys()].map((a) => [
    ...[...new Array(size).keys()].map((b) => x.reduce((sum, row) => sum + row[a]! * row[b]!, 0)),
    x.reduce((sum, row, i) => sum + row[a]! * y[i]!, 0),
  ]);
  for (let a = 0; a < size; a++) {
    const pivot = [...new Array(size - a).keys()]
      .map((i) => i + a)
      .reduce((p, q) => (Math.abs(matrix[q]![a]!) > Math.abs(matrix[p]![a]!) ? q : p));
    [matrix[a], matrix[pivot]] = [matrix[pivot]!, matrix[a]!];
    for (let b = 0; b < size; b++) {
      if (b === a) continue;
      const by = matrix[b]![a]! / (matrix[a]![a]! || 1e-12);
      for (let c = a; c <= size; c++) matrix[b]![c]! -= by * matrix[a]![c]!;
    }
  }
  const beta = matrix.map((row, a) => row[size]! / (row[a]! || 1e-12));
  const residuals = y.map((value, i) => value - x[i]!.reduce((sum, term, a) => sum + term * beta[a]!, 0));
  return { sum: residuals.reduce((sum, r) => sum + r * r, 0), residuals, beta };
}
