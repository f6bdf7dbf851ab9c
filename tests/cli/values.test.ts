import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readCount, readSize, readTime, readZone } from "../../src/cli/values.ts";

const NOW = Date.parse("2026-01-15T12:00:00Z");
const time = (text: string, timezone = "UTC", dateMeans: "start" | "end" = "start") =>
  readTime(text, "--since", { now: NOW, timezone, dateMeans });

describe("sizes", () => {
  test.each([
    ["1024", 1024],
    ["512MiB", 512 * 2 ** 20],
    ["4GB", 4e9],
    ["1.5g", 1.5 * 2 ** 30],
    ["2 kib", 2048],
  ])("%s", (text, bytes) => expect(readSize(text, "--memory-limit")).toBe(bytes));

  test.each(["", "-1", "12 parsecs", "MiB", "1e9", "0x10"])("%j is none", (text) => {
    expect(() => readSize(text, "--memory-limit")).toThrow(
      `--memory-limit: "${text}" is no size; write 512MiB or 4GB`,
    );
  });
});

describe("times", () => {
  test.each([
    ["2025-11-23T16:30:35Z", "2025-11-23T16:30:35Z"],
    ["2025-11-23 16:30:35.25+01:00", "2025-11-23T15:30:35.250Z"],
    ["2025-11-23T16:30-0530", "2025-11-23T22:00:00Z"],
    ["2025-11-23", "2025-11-23T00:00:00Z"],
    ["7d", "2026-01-08T12:00:00Z"],
    ["90min", "2026-01-15T10:30:00Z"],
    ["2w", "2026-01-01T12:00:00Z"],
    ["now", "2026-01-15T12:00:00Z"],
  ])("%s is %s", (text, expected) => expect(time(text)).toBe(expected));

  test("local times are read in the given zone, summer time included", () => {
    expect(time("2025-07-01T10:00:00", "Europe/Berlin")).toBe("2025-07-01T08:00:00Z");
    expect(time("2025-12-01T10:00:00", "Europe/Berlin")).toBe("2025-12-01T09:00:00Z");
    expect(time("2025-11-23", "America/New_York")).toBe("2025-11-23T05:00:00Z");
  });

  test("a date alone as an end is its last instant, on a day of 25 hours too", () => {
    expect(time("2025-11-30", "UTC", "end")).toBe("2025-11-30T23:59:59.999999Z");
    expect(time("2025-10-26", "Europe/Berlin", "end")).toBe("2025-10-26T22:59:59.999999Z");
  });

  test.each([
    "yesterday",
    "2025-13-01",
    "2025-02-30",
    "2025-1-1",
    "25:00",
    "2025-11-23T24:00:00",
    "2025-11-23T10:61",
    "7 lightyears",
    "",
  ])("%j is none", (text) => {
    expect(() => time(text)).toThrow("is no time; write 2025-11-23");
  });

  test("the same instant comes back in every zone", () => {
    const zones = ["UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Pacific/Apia"];
    const instants = fc.integer({ min: Date.parse("1990-01-01"), max: Date.parse("2035-01-01") });
    fc.assert(
      fc.property(instants, fc.constantFrom(...zones), (millis, zone) => {
        const seconds = Math.floor(millis / 1000) * 1000;
        const local = new Date(seconds).toLocaleString("sv-SE", { timeZone: zone });
        const back = Date.parse(time(local, zone));
        // In the hour that clocks show twice, either instant is right.
        expect([0, 1800, 3600, 86400]).toContain(Math.abs(back - seconds) / 1000);
        expect(new Date(back).toLocaleString("sv-SE", { timeZone: zone })).toBe(local);
      }),
    );
  });
});

describe("zones and counts", () => {
  test("zones are IANA names", () => {
    expect(readZone("Europe/Berlin", "--timezone")).toBe("Europe/Berlin");
    expect(readZone("utc", "--timezone")).toBe("UTC");
    expect(() => readZone("Europe/Berlni", "--timezone")).toThrow('did you mean "Europe/Berlin"?');
    expect(() => readZone("+02:00", "--timezone")).toThrow("is no IANA time zone");
    expect(() => readZone("UTC'; DROP", "--timezone")).toThrow("is no IANA time zone");
  });

  test("counts are whole and above 0", () => {
    expect(readCount("4", "--threads")).toBe(4);
    for (const text of ["0", "-1", "1.5", "four", ""])
      expect(() => readCount(text, "--threads")).toThrow("--threads");
  });
});
