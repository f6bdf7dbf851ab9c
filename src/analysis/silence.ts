/** Finds the silences of a source that are much longer than its own rhythm explains. */

import type { Activity } from "./activity.ts";
import { activeSeconds, isQuiet, learnRhythm, type Rhythm, type Span } from "./rhythm.ts";

/** A silence and how unusual it is for its source. Seconds throughout. */
export interface Silence extends Span {
  /** Seconds of it in which the source is usually active. */
  active: number;
  /** The longest ordinary silence, in the same measure. */
  ordinary: number;
  /** Silences this long that would be expected in the whole source if nothing were wrong. */
  expected: number;
  /** It lasts until the end that was given, not until the source's next row. */
  trailing: boolean;
  /** It begins and ends in quiet hours and is not much longer than a week-end: it may be a holiday. */
  dayOff: boolean;
}

export interface SilenceOptions {
  /** Rows (and silences between them) below which a source has no rhythm. */
  min_rows: number;
  /** How many times the longest ordinary silence. */
  factor: number;
  /** Seconds below which no silence counts. */
  min_seconds: number;
  /** Seconds by which a long source may end earlier than the evidence: files are copied at different times. */
  copy_seconds: number;
}

/** More exceptional silences than this are no exception: the source pauses by nature. */
const EXCEPTIONS_MAX = 3;
/** Rows on either side of a silence, so that a test row before the start is no start. */
const SIDE_ROWS = 10;
/** A source that was active for less than this share of the silence after it was a one-time run. */
const ONE_TIME = 0.05;
/** Exceptional silences that make up more than this share of the span are how the source lives. */
const SILENT_SHARE = 1 / 3;
/** Of a short source, the share of its span by which it may end earlier than the evidence. */
const COPY_SHARE = 0.05;
/** The tail is fitted to a quarter of the silences, at most to so many of the longest. */
const TAIL_MAX = 30;
/** Expected false alarms per source. */
const ALPHA = 0.03;
/** A day off is not longer than this many of the longest ordinary silences on the clock (Friday to Tuesday). */
const DAY_OFF = 1.5;

interface Gap extends Span {
  active: number;
  before: number;
}

/**
 * The exceptional silences of a source, in order of time; `until` (seconds) ends the last one, null leaves it out.
 *
 * Time is first rescaled by the rhythm (the time-rescaling theorem, Brown et al. 2002, with occupancy as the
 * intensity), so that nights and week-ends count for nothing. Silences over a high threshold then follow a
 * generalised Pareto distribution whatever the source (Pickands 1975; Balkema and de Haan 1974); it is fitted by
 * probability-weighted moments (Hosking and Wallis 1987) to the ordinary silences, never lighter than exponential,
 * so that bursty sources get the heavy tail they have. A silence is exceptional when less than three in a hundred
 * healthy sources would show it, and when it is `factor` times the longest ordinary one.
 */
export function exceptionalSilences(
  activity: Activity,
  until: number | null,
  options: SilenceOptions,
): Silence[] {
  const { buckets, width, total } = activity;
  const first = buckets[0];
  const last = buckets.at(-1);
  if (!first || !last || total < options.min_rows || buckets.length <= options.min_rows) return [];
  const rhythm = learnRhythm(buckets, width);
  const all = gapsOf(activity, rhythm);
  const gaps = longest(all);
  const floor = Math.min(width, options.min_seconds) * rhythm.mean;
  // `count` silences stand apart; the others are the ordinary ones.
  const judge = (gap: Span & { active: number }, count: number) => {
    const ordinary = Math.max(gaps[count]?.active ?? 0, floor);
    const expected = expectedBeyond(gap.active, gaps, count, all.length, floor);
    return { ordinary, expected, exceptional: gap.active >= options.factor * ordinary && expected < ALPHA };
  };
  let count = Math.min(EXCEPTIONS_MAX, all.length - 1);
  for (; count > 0; count--) {
    const inner = gaps.slice(0, count);
    const silent = inner.reduce((sum, gap) => sum + gap.to - gap.from, 0);
    const sides = inner.every((gap) => Math.min(gap.before, total - gap.before) >= SIDE_ROWS);
    if (!sides || silent > (last.last - first.first) * SILENT_SHARE) continue;
    if (judge(inner.at(-1)!, count).exceptional) break;
  }
  let clock = 0;
  const exceptions = new Set(gaps.slice(0, count));
  for (const gap of all) if (!exceptions.has(gap)) clock = Math.max(clock, gap.to - gap.from);
  const found: Silence[] = gaps.slice(0, count).map((gap) => {
    const { ordinary, expected } = judge(gap, count);
    return silenceOf(gap, rhythm, { ordinary, expected, clock, trailing: false });
  });
  if (until !== null && until > last.last) {
    const span = { from: last.last, to: until };
    const active = activeSeconds(rhythm, span, false);
    const { ordinary, expected, exceptional } = judge({ ...span, active }, count);
    const length = last.last - first.first;
    const oneTime = length < (until - last.last) * ONE_TIME;
    const copied = until - last.last < Math.min(options.copy_seconds, length * COPY_SHARE);
    if (exceptional && !oneTime && !copied)
      found.push(silenceOf({ ...span, active }, rhythm, { ordinary, expected, clock, trailing: true }));
  }
  return found
    .filter((silence) => silence.to - silence.from >= options.min_seconds)
    .sort((a, b) => a.from - b.from);
}

function gapsOf({ buckets }: Activity, rhythm: Rhythm): Gap[] {
  const gaps: Gap[] = [];
  let before = 0;
  for (let i = 1; i < buckets.length; i++) {
    before += buckets[i - 1]!.n;
    const [from, to] = [buckets[i - 1]!.last, buckets[i]!.first];
    gaps.push({ from, to, before, active: activeSeconds(rhythm, { from, to }, true) });
  }
  return gaps;
}

/** The longest silences, descending: as many as the tail and the exceptions need. */
function longest(gaps: readonly Gap[]): Gap[] {
  const wanted = TAIL_MAX + EXCEPTIONS_MAX + 1;
  const active = Float64Array.from(gaps, (gap) => gap.active).sort();
  const least = active[Math.max(0, active.length - wanted)] ?? 0;
  return gaps
    .filter((gap) => gap.active >= least)
    .sort((a, b) => b.active - a.active || a.from - b.from)
    .slice(0, wanted);
}

/**
 * How many of the silences would be expected to be longer than `active` under the tail of the ordinary ones: `sorted`
 * is descending, its first `skip` do not count, and there are `gaps` in all. `floor` keeps a perfectly regular source from having no tail.
 */
function expectedBeyond(
  active: number,
  sorted: readonly Gap[],
  skip: number,
  gaps: number,
  floor: number,
): number {
  const k = Math.min(gaps - skip - 1, Math.max(10, Math.min(TAIL_MAX, Math.round((gaps - skip) / 4))));
  if (k < 10) return Number.POSITIVE_INFINITY;
  const threshold = sorted[skip + k]!.active;
  const excess = sorted
    .slice(skip, skip + k)
    .map((gap) => gap.active - threshold)
    .reverse();
  const mean = excess.reduce((sum, x) => sum + x, 0) / k;
  const weighted = excess.reduce((sum, x, i) => sum + x * (1 - (i + 0.65) / k), 0) / k;
  const fitted = mean > 0 ? 2 - mean / (mean - 2 * weighted) : 0;
  // One standard error more than fitted: with few silences the tail may be heavier than it looks.
  const shape = Math.min(0.9, Math.max(0.1, fitted + 1 / Math.sqrt(k)));
  const scale = Math.max(mean * (1 - shape), 0.1 * threshold, 0.1 * floor, 1e-6);
  return k * (1 + (shape * Math.max(0, active - threshold)) / scale) ** (-1 / shape);
}

function silenceOf(
  gap: Span & { active: number },
  rhythm: Rhythm,
  facts: { ordinary: number; expected: number; clock: number; trailing: boolean },
): Silence {
  const { ordinary, expected, clock, trailing } = facts;
  const { from, to, active } = gap;
  // Up to the first quiet hour the source should still have been active, and again from the last one on.
  const hour = 3600;
  let start = from;
  while (start < to && !isQuiet(rhythm, start)) start = (Math.floor(start / hour) + 1) * hour;
  let end = to;
  while (end > from && !isQuiet(rhythm, end - 1)) end = Math.floor((end - 1) / hour) * hour;
  const edges =
    start < to &&
    activeSeconds(rhythm, { from, to: start }, false) <= ordinary &&
    (trailing || activeSeconds(rhythm, { from: end, to }, false) <= ordinary);
  return { from, to, active, ordinary, expected, trailing, dayOff: edges && to - from <= DAY_OFF * clock };
}
