import { describe, expect, test } from "vitest";
import { readLog } from "./reading.ts";

const syslog = (times: string[]) => times.map((time) => `${time} host cron[1]: x\n`).join("");

describe("lines without a year", () => {
  const cases: [string, string, string[], string[]][] = [
    [
      "the latest year that is not after now",
      "2026-06-01T00:00:00Z",
      ["May 31 23:59:59"],
      ["2026-05-31T23:59:59Z"],
    ],
    [
      "last year's, when this year's is to come",
      "2026-06-01T00:00:00Z",
      ["Dec 10 06:55:46"],
      ["2025-12-10T06:55:46Z"],
    ],
    [
      "a new year inside the file",
      "2026-06-01T00:00:00Z",
      ["Dec 31 23:59:59", "Jan  1 00:00:01"],
      ["2025-12-31T23:59:59Z", "2026-01-01T00:00:01Z"],
    ],
    [
      "a late line around the new year",
      "2026-06-01T00:00:00Z",
      ["Dec 31 23:59:58", "Jan  1 00:00:01", "Dec 31 23:59:59", "Jan  1 00:00:02"],
      ["2025-12-31T23:59:58Z", "2026-01-01T00:00:01Z", "2025-12-31T23:59:59Z", "2026-01-01T00:00:02Z"],
    ],
    [
      "lines that are a little out of order",
      "2026-06-01T00:00:00Z",
      ["Mar 10 10:00:00", "Mar  9 10:00:00", "Mar 10 10:00:01"],
      ["2026-03-10T10:00:00Z", "2026-03-09T10:00:00Z", "2026-03-10T10:00:01Z"],
    ],
    ["29 February is in a leap year", "2026-06-01T00:00:00Z", ["Feb 29 10:00:00"], ["2024-02-29T10:00:00Z"]],
  ];
  test.each(cases)("%s", async (_name, now, times, expected) => {
    const { loaded, lines } = await readLog(syslog(times), { now });
    expect(lines.map((row) => row.time)).toEqual(expected);
    expect(loaded.input.notes.join()).toContain("no year");
  });

  test("local times are turned to UTC in the year they get", async () => {
    const { lines } = await readLog(syslog(["Jul  1 12:00:00"]), {
      now: "2026-08-01T00:00:00Z",
      timezone: "Europe/Berlin",
    });
    expect(lines[0]?.time).toBe("2026-07-01T10:00:00Z");
  });
});

describe("lines without a date", () => {
  test("take that of the file's last change, a new day whenever the clock falls back", async () => {
    const { loaded, lines } = await readLog(
      "23:59:58 a DEBUG x\n23:59:59 a DEBUG x\n00:00:01 a DEBUG y\n03:00:00.250 a DEBUG z\n",
      { modified: "2025-11-23T03:00:01Z" },
    );
    expect(lines.map((row) => row.time)).toEqual([
      "2025-11-22T23:59:58Z",
      "2025-11-22T23:59:59Z",
      "2025-11-23T00:00:01Z",
      "2025-11-23T03:00:00.25Z",
    ]);
    expect(loaded.input.notes.join()).toContain("2025-11-23");
  });

  test("belong to the day before when the file was changed earlier in the day than its last line says", async () => {
    const { lines } = await readLog("17:42:04 - LiteLLM Proxy:DEBUG: p.py:1 - x\n", {
      modified: "2025-11-23T09:00:00Z",
    });
    expect(lines[0]?.time).toBe("2025-11-22T17:42:04Z");
  });

  test("a clock that is a little out of order is no new day", async () => {
    const { lines } = await readLog("10:00:05 x y\n10:00:03 x y\n10:00:06 x y\n", {
      modified: "2025-11-23T11:00:00Z",
    });
    expect(lines.map((row) => row.time)).toEqual([
      "2025-11-23T10:00:05Z",
      "2025-11-23T10:00:03Z",
      "2025-11-23T10:00:06Z",
    ]);
  });
});

describe("day and month", () => {
  const cases: [string, string[], string[], boolean][] = [
    ["a first number above 12 is the day", ["13-08-2025", "05-09-2025"], ["2025-08-13", "2025-09-05"], false],
    [
      "a second number above 12 is the day",
      ["08-13-2025", "09-05-2025"],
      ["2025-08-13", "2025-09-05"],
      false,
    ],
    [
      "nothing tells: day first, and said so",
      ["03-08-2025", "03-08-2025"],
      ["2025-08-03", "2025-08-03"],
      true,
    ],
    ["the order that is not in the future", ["12-05-2025", "12-05-2025"], ["2025-05-12", "2025-05-12"], true],
    [
      "the order in which the days follow each other",
      ["03/08/2025", "03/09/2025", "03/10/2025"],
      ["2025-03-08", "2025-03-09", "2025-03-10"],
      true,
    ],
  ];
  test.each(cases)("%s", async (_name, dates, expected, told) => {
    const { loaded, lines } = await readLog(dates.map((date) => `${date} 14:05:09 | x\n`).join(""), {
      now: "2025-11-30T00:00:00Z",
    });
    expect(lines.map((row) => String(row.time).slice(0, 10))).toEqual(expected);
    expect(loaded.input.notes.some((note) => note.includes("order of day and month"))).toBe(told);
  });

  test("a day above 12 where no sample looks still decides", async () => {
    const rows = Array.from(
      { length: 30_000 },
      (_, i) => `${i === 9_000 ? "08-25" : "08-05"}-2025 14:05:09 | number ${i}\n`,
    );
    const { answers } = await readLog(rows.join(""), { named: "", now: "2025-11-30T00:00:00Z" }, [
      'SELECT count(time) AS n, max(time) AS last FROM trueup."log app_log"',
    ]);
    expect(answers[0]).toEqual([{ n: 30_000, last: "2025-08-25T14:05:09Z" }]);
  });
});

describe("--since and --until", () => {
  test("leave only the lines of that time, with their own numbers", async () => {
    const { answers } = await readLog(
      [1, 2, 3, 4]
        .map((n) => `2025-11-2${n} 10:00:00 - a - INFO - Token usage: ${n} prompt + 1 completion = 2 total\n`)
        .join(""),
      { since: "2025-11-22T00:00:00Z", until: "2025-11-23T23:59:59Z" },
      [
        'SELECT line FROM trueup."log app_log" ORDER BY line',
        "SELECT line FROM app_log.token_usage ORDER BY line",
        "SELECT line FROM app_log.lines ORDER BY line",
      ],
    );
    for (const answer of answers) expect(answer).toEqual([{ line: 2 }, { line: 3 }]);
  });
});

describe("impossible times", () => {
  test("are no times", async () => {
    const { lines } = await readLog(
      "2025-11-23 16:30:35 - a - INFO - x\n2025-13-45 99:99:99 - a - INFO - x\n0001-01-01 00:00:00 - a - INFO - x\n",
    );
    expect(lines.map((row) => row.time)).toEqual(new Array(3).fill("2025-11-23T16:30:35Z"));
  });
});
