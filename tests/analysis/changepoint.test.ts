import { describe, expect, test } from "vitest";
import {
  type Day,
  type Shift,
  shareShift,
  type Trials,
  volumeShift,
} from "../../src/analysis/changepoint.ts";
import { FAMILIES, healthy, START } from "../kit/healthy.ts";
import { poisson, random, text } from "../kit/times.ts";

const HOUR = 3600;
const DAY = 86400;
const SEEDS = 20;

function daysOf(times: readonly number[]): Day[] {
  const from = Math.floor((times[0] ?? 0) / DAY) + 1;
  const to = Math.floor((times.at(-1) ?? 0) / DAY) - 1;
  const days = [...Array(Math.max(0, to - from + 1)).keys()].map((i) => ({ from: (from + i) * DAY, n: 0 }));
  for (const time of times) {
    const day = days[Math.floor(time / DAY) - from];
    if (day) day.n++;
  }
  return days;
}

/** Calls with a property that each has with the probability of its moment. */
function trialsOf(times: readonly number[], next: () => number, share: (at: number) => number): Trials[] {
  const [first, last] = [times[0] ?? 0, times.at(-1) ?? 0];
  const width = (last - first) / 1000;
  const trials: Trials[] = [];
  let current = Number.NaN;
  for (const time of times) {
    const span = Math.floor((time - first) / width);
    if (span !== current) trials.push({ from: time, to: time, n: 0, k: 0 });
    current = span;
    const trial = trials.at(-1)!;
    trial.to = time;
    trial.n++;
    if (next() < share(time)) trial.k++;
  }
  return trials;
}

const report = (shift: Shift | null) =>
  shift && `${text(shift.at)}: ${shift.before} to ${shift.after}, strength ${shift.strength}`;
const middleOf = (times: readonly number[]) => ((times[0] ?? 0) + (times.at(-1) ?? 0)) / 2;
const options = (times: readonly number[]) => ({
  min_rows: 20,
  min_seconds: Math.min(2 * DAY, 0.2 * ((times.at(-1) ?? 0) - (times[0] ?? 0))),
  min_change: 0.1,
});

describe("a change of volume", () => {
  test("is found in at most one healthy source of a hundred", () => {
    const alarms: string[] = [];
    let sources = 0;
    for (const family of Object.keys(FAMILIES))
      for (let seed = 1; seed <= SEEDS; seed++) {
        const found = volumeShift(daysOf(healthy(family, seed)), 2);
        sources++;
        if (found) alarms.push(`${family} ${seed}: ${report(found)}`);
      }
    console.log(`volume, false alarms: ${alarms.length} of ${sources} healthy sources\n${alarms.join("\n")}`);
    expect(alarms.length / sources).toBeLessThanOrEqual(0.01);
  });

  test.each([
    ["always on", 0.3, 0.85],
    ["day and night", 0.3, 0.75],
    ["office hours", 0.3, 0.8],
    ["office hours with noisy days", 0.2, 0.2],
    ["every five minutes", 0.4, 0.8],
    ["growth", 0.2, 0.6],
  ] as const)("is found in %s when the volume falls to %d for good", (family, rate, least) => {
    let [found, sources] = [0, 0];
    for (let seed = 1; seed <= 2 * SEEDS; seed++) {
      const all = healthy(family, seed);
      const at = middleOf(all);
      const next = random(seed);
      const days = daysOf(all.filter((time) => time < at || next() < rate));
      const counts = days.filter((day) => day.n > 0).length;
      if (counts < 18 || all.length < counts * 10) continue;
      sources++;
      const shift = volumeShift(days, 2);
      if (shift && shift.earliest - 2 * DAY <= at && at <= shift.latest + 2 * DAY) found++;
    }
    console.log(`volume falls to ${rate} in ${family}: found ${found} of ${sources}`);
    expect(sources).toBeGreaterThan(0);
    expect(found / sources).toBeGreaterThanOrEqual(least);
  });
});

describe("a change of a share", () => {
  /** How a share behaves where nothing shifts. */
  const steady: Record<string, (seed: number, times: readonly number[]) => (at: number) => number> = {
    constant: (seed) => () => random(seed)(),
    "none at all": () => () => 0,
    "by the hour of the day": () => (at) => ((at / HOUR) % 24 < 8 ? 0.9 : 0.1),
    "by the day of the week": () => (at) => (Math.floor(at / DAY) % 7 < 2 ? 0.9 : 0.1),
    "one spike": (seed, times) => {
      const from = (times[0] ?? 0) + random(seed)() * ((times.at(-1) ?? 0) - (times[0] ?? 0)) * 0.9;
      return (at) => (at > from && at < from + ((times.at(-1) ?? 0) - (times[0] ?? 0)) * 0.04 ? 1 : 0.05);
    },
    "a slow drift": (_seed, times) => (at) =>
      (at - (times[0] ?? 0)) / ((times.at(-1) ?? 0) - (times[0] ?? 0)),
    "clumps of one kind": (seed) => (at) =>
      random(seed + Math.floor(at / (5 * HOUR)))() < 0.4 ? 0.95 : 0.02,
  };

  test("is found in at most one healthy source of a hundred", () => {
    const alarms: string[] = [];
    let sources = 0;
    for (const [kind, shareOf] of Object.entries(steady))
      for (const family of ["always on", "office hours", "one person at work", "bursts of work", "growth"])
        for (let seed = 1; seed <= SEEDS; seed++) {
          const times = healthy(family, seed);
          const found = shareShift(trialsOf(times, random(seed + 5), shareOf(seed, times)), options(times));
          sources++;
          if (found) alarms.push(`${kind}, ${family} ${seed}: ${report(found)}`);
        }
    console.log(`share, false alarms: ${alarms.length} of ${sources} healthy sources\n${alarms.join("\n")}`);
    expect(alarms.length / sources).toBeLessThanOrEqual(0.01);
  });

  test.each([
    ["always on", 0.02, 0.5, 0.95],
    ["always on", 0, 1, 0.95],
    ["office hours", 0.1, 0.5, 0.9],
    ["one person at work", 0.05, 0.9, 0.9],
    ["bursts of work", 0, 1, 0.8],
  ] as const)(
    "is found in %s when it goes from %d to %d, and its moment lies in the interval",
    (family, low, high, least) => {
      let [found, inside, sources] = [0, 0, 0];
      for (let seed = 1; seed <= SEEDS; seed++) {
        const times = healthy(family, seed);
        const at = middleOf(times);
        if (times.filter((time) => time > at).length < 40 || times.filter((time) => time < at).length < 40)
          continue;
        sources++;
        const shift = shareShift(
          trialsOf(times, random(seed), (time) => (time < at ? low : high)),
          options(times),
        );
        if (!shift) continue;
        found++;
        if (shift.earliest <= at && at <= shift.latest) inside++;
      }
      console.log(
        `share ${low} to ${high} in ${family}: found ${found} of ${sources}, moment inside ${inside}`,
      );
      expect(found / sources).toBeGreaterThanOrEqual(least);
      expect(inside / found).toBeGreaterThanOrEqual(0.85);
    },
  );

  test.each([
    [0, 1, 4000],
    [0.02, 0.9, 600],
    [0.02, 0.9, 4000],
    [0.1, 0.6, 600],
    [0.3, 0.7, 4000],
  ])(
    "from %d to %d in %i calls has an interval that holds its moment in at least 90 of 100",
    (low, high, calls) => {
      const held = Array.from({ length: 100 }, (_, seed) => {
        const next = random(31 * seed + calls);
        const perHour = calls / (40 * 24);
        const daily = (at: number) => perHour * (1 + Math.sin((at / DAY) * 2 * Math.PI));
        const times = poisson(next, START, START + 40 * DAY, 2 * perHour, daily);
        const moment = START + (0.3 + 0.4 * next()) * 40 * DAY;
        const shift = shareShift(
          trialsOf(times, next, (at) => (at < moment ? low : high)),
          options(times),
        );
        const before = times.filter((at) => at < moment).at(-1) ?? 0;
        const after = times.find((at) => at >= moment) ?? 0;
        return shift !== null && shift.earliest <= before && shift.latest >= after;
      });
      expect(held.filter(Boolean).length).toBeGreaterThanOrEqual(90);
    },
  );

  test("has both levels and both sizes", () => {
    const times = poisson(random(1), START, START + 20 * DAY, 5);
    const at = START + 12 * DAY;
    const shift = shareShift(
      trialsOf(times, random(2), (time) => (time < at ? 0 : 1)),
      options(times),
    );
    const before = times.filter((time) => time < at).length;
    expect(Math.abs((shift?.sizeBefore ?? 0) - before)).toBeLessThanOrEqual(5);
    expect((shift?.sizeBefore ?? 0) + (shift?.sizeAfter ?? 0)).toBe(times.length);
    expect(shift?.before).toBeCloseTo(0, 2);
    expect(shift?.after).toBe(1);
  });
});
