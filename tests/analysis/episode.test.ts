import { describe, expect, test } from "vitest";
import type { Trials } from "../../src/analysis/changepoint.ts";
import { shareEpisode } from "../../src/analysis/episode.ts";
import { random } from "../kit/times.ts";

const HOUR = 3600;

/** One call an hour; each has the property with the probability of its hour. */
function trials(hours: number, seed: number, share: (hour: number) => number): Trials[] {
  const next = random(seed);
  return Array.from({ length: hours }, (_, hour) => ({
    from: hour * HOUR,
    to: hour * HOUR,
    n: 1,
    k: next() < share(hour) ? 1 : 0,
  }));
}

const between = (from: number, to: number, inside: number, outside: number) => (hour: number) =>
  hour >= from && hour < to ? inside : outside;

describe("a share that is high for a time", () => {
  test("is found with an interval that holds its beginning in at least 90 of 100", () => {
    const found = Array.from({ length: 100 }, (_, seed) =>
      shareEpisode(trials(400, seed + 1, between(150, 230, 0.85, 0.02))),
    );
    const covered = found.filter((one) => one && one.earliest < 150 * HOUR && one.latest >= 150 * HOUR - 1);
    expect(found.filter(Boolean)).toHaveLength(100);
    expect(covered.length).toBeGreaterThanOrEqual(90);
    const ends = found.filter((one) => one && Math.abs(one.until - 229 * HOUR) <= 8 * HOUR);
    expect(ends.length).toBeGreaterThanOrEqual(90);
  });

  test.each<[string, (hour: number) => number]>([
    ["never", () => 0.02],
    ["for good", between(200, 400, 1, 0)],
    ["from the beginning on", between(0, 100, 1, 0)],
    ["every other day", (hour) => (Math.floor(hour / 24) % 2 === 0 ? 1 : 0)],
    ["at random", () => 0.3],
    ["for four calls", between(200, 204, 1, 0)],
  ])("is none when it is high %s", (_, share) => {
    for (let seed = 1; seed <= 20; seed++) expect(shareEpisode(trials(400, seed, share))).toBeNull();
  });
});
