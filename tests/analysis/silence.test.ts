import { describe, expect, test } from "vitest";
import { exceptionalSilences } from "../../src/analysis/silence.ts";
import { activityFrom, FAMILIES, healthy } from "../kit/healthy.ts";
import { random, text } from "../kit/times.ts";

const HOUR = 3600;
const OPTIONS = { min_rows: 20, factor: 3, min_seconds: 1800, copy_seconds: 12 * HOUR };
const SEEDS = 20;

const silences = (times: readonly number[], until: number | null) =>
  exceptionalSilences(activityFrom(times), until, OPTIONS).filter((s) => !s.dayOff);

describe("exceptional silences", () => {
  test("are found in at most one healthy source of a hundred, of every kind", () => {
    const alarms: string[] = [];
    let sources = 0;
    for (const family of Object.keys(FAMILIES))
      for (let seed = 1; seed <= SEEDS; seed++) {
        const all = healthy(family, seed);
        // The evidence ends at any moment, as a copy does: at night, at a week-end, between two bursts.
        const [start, end] = [all[0] ?? 0, all.at(-1) ?? 0];
        const until = start + (end - start) * (0.4 + 0.6 * random(seed)());
        const times = all.filter((t) => t <= until);
        sources++;
        for (const s of silences(times, until))
          alarms.push(
            `${family} ${seed}: ${text(s.from)} to ${text(s.to)}, active ${s.active / HOUR} h, ordinary ${s.ordinary / HOUR} h, expected ${s.expected}${s.trailing ? ", trailing" : ""}`,
          );
      }
    console.log(`false alarms: ${alarms.length} of ${sources} healthy sources\n${alarms.join("\n")}`);
    expect(alarms.length / sources).toBeLessThanOrEqual(0.01);
  });

  test.each([
    ["always on", 48, true, 0.9],
    ["always on", 48, false, 0.9],
    ["day and night", 72, true, 0.9],
    ["day and night", 72, false, 0.9],
    ["office hours", 168, true, 0.9],
    ["office hours", 168, false, 0.9],
    ["office hours over a change of the clocks", 168, false, 0.9],
    ["every five minutes", 4, false, 0.9],
    ["every five minutes", 24, true, 0.9],
    ["daily job", 168, true, 0.9],
    ["one spike", 48, true, 0.9],
    ["growth", 72, true, 0.8],
    ["bursts of work", 480, true, 0.3],
    ["one person at work", 336, true, 0.3],
    ["weekly job", 24 * 35, true, 0.5],
  ] as const)(
    "are found in %s when %d hours are missing (at the end: %s)",
    (family, hours, trailing, least) => {
      let found = 0;
      let sources = 0;
      for (let seed = 1; seed <= SEEDS; seed++) {
        const times = healthy(family, seed);
        const start = times[0] ?? 0;
        const span = (times.at(-1) ?? 0) - start;
        if (span < 6 * hours * HOUR) continue;
        const from = start + span * (0.4 + 0.3 * random(seed)());
        const to = from + hours * HOUR;
        const left = times.filter((t) => t < from || (!trailing && t > to));
        if (left.length < 40) continue;
        sources++;
        const seen = silences(left, trailing ? to : null);
        if (seen.some((s) => s.from <= from + HOUR && s.to >= to - HOUR)) found++;
      }
      console.log(
        `${family}, ${hours} h missing${trailing ? " at the end" : ""}: found ${found} of ${sources}`,
      );
      expect(sources).toBeGreaterThan(0);
      expect(found / sources).toBeGreaterThanOrEqual(least);
    },
  );
});
