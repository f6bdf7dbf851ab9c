import { describe, expect, test } from "vitest";
import { addLog, type LogData } from "../kit/logs.ts";
import { type AuditResult, auditTables, type TableData } from "../kit/tables.ts";
import { office, poisson, random, seconds, text } from "../kit/times.ts";

const START = seconds("2025-03-03 00:00:00"); // a Monday
const DAY = 86400;

const rowsAt = (times: readonly number[]): TableData => ({
  rows: times.map((time, i) => ({ id: `r${i}`, created_at: text(time), input_tokens: 10, output_tokens: 5 })),
  types: { created_at: "TIMESTAMP" },
});

interface Case {
  tables?: Record<string, number[]>;
  logs?: Record<string, { lines: number[]; events?: number[]; format?: string; undated?: boolean }>;
  settings?: { now?: string; nowGiven?: boolean };
  options?: Record<string, number>;
}

function gap({ tables = {}, logs = {}, settings = {}, options = {} }: Case): Promise<AuditResult> {
  return auditTables(
    "timeline-gap",
    Object.fromEntries(Object.entries(tables).map(([name, times]) => [name, rowsAt(times)])),
    {
      options,
      settings: {
        roles: Object.fromEntries(Object.keys(tables).map((name) => [name, { created_at: "time" as const }])),
        ...settings,
      },
      prepare: async (store, loaded) => {
        for (const [name, log] of Object.entries(logs)) {
          const data: LogData = {
            lines: log.lines.map(text),
            format: log.format,
            undated: log.undated,
            events: log.events?.map((time) => ({ time: text(time), input_tokens: 10, output_tokens: 5 })),
          };
          await addLog(store, loaded, name, data);
        }
      },
    },
  );
}

const without = (times: readonly number[], from: number, to: number) =>
  times.filter((t) => t < from || t > to);
const steady = (seed: number, from: number, to: number, perHour: number) =>
  poisson(random(seed), from, to, perHour);
const inOffice = (seed: number, days: number, perHour = 20, shift: (at: number) => number = () => 0) =>
  poisson(random(seed), START, START + days * DAY, perHour, (at) => perHour * office(at, shift(at)));

describe("timeline-gap fires", () => {
  test("when a log stops a week before the table beside it, at the log and with both ends", async () => {
    const stop = START + 20 * DAY;
    const lines = steady(1, START, stop, 8);
    const { findings } = await gap({
      logs: { app_log: { lines } },
      tables: { "db.calls": steady(2, START, stop + 7 * DAY, 2) },
    });
    expect(findings).toHaveLength(1);
    const [finding] = findings;
    expect(finding?.severity).toBe("warning");
    expect(finding?.location).toEqual({ input: "app_log", table: "app_log.lines" });
    expect(finding?.evidence.last_before).toBe(text(lines.at(-1)!).replace(" ", "T") + "Z");
    expect(finding?.evidence.first_after).toBeNull();
    expect(finding?.measure.value).toBeGreaterThan(6.8 * DAY);
    expect(finding?.evidence.meanwhile).toMatchObject([{ source: "db.calls" }]);
    expect(finding?.message).toMatch(/^app_log\.lines ends at 2025-03-2\d .*: (6 d 2\d h|7 d)/);
  });

  test("once for a log, though its token events stop with its lines", async () => {
    const stop = START + 10 * DAY;
    const { findings } = await gap({
      logs: { app_log: { lines: steady(1, START, stop, 8), events: steady(3, START, stop, 2) } },
      tables: { "db.calls": steady(2, START, stop + 7 * DAY, 2) },
    });
    expect(findings.map((f) => f.location?.table)).toEqual(["app_log.lines"]);
  });

  test("at the token events when only they stop and the lines of the log go on", async () => {
    const { findings } = await gap({
      logs: {
        app_log: {
          lines: steady(1, START, START + 20 * DAY, 8),
          events: steady(3, START, START + 14 * DAY, 2),
        },
      },
    });
    expect(findings.map((f) => f.location?.table)).toEqual(["app_log.token_usage"]);
  });

  test.each([
    ["three hours of a log that writes every minute", 60, 2, 6, 9],
    ["a week-day of a source that is always on", 5, 30, 10 * 24, 11 * 24],
    ["five hours in the working time of an always-on source", 30, 10, 5 * 24 + 9, 5 * 24 + 14],
  ])("%s missing", async (_name, perHour, days, fromHour, toHour) => {
    const times = without(
      steady(4, START, START + days * DAY, perHour),
      START + fromHour * 3600,
      START + toHour * 3600,
    );
    const { findings } = await gap({ tables: { "db.calls": times } });
    expect(findings).toHaveLength(1);
    expect(findings[0]?.measure.value).toBeGreaterThanOrEqual((toHour - fromHour) * 3600);
    expect(findings[0]?.evidence.first_after).toBe(
      text(times.find((t) => t > START + toHour * 3600)!).replace(" ", "T") + "Z",
    );
  });

  test("six working hours of an office source, though its nights are longer", async () => {
    const day = START + 22 * DAY; // Tuesday
    const times = without(inOffice(5, 42), day + 10 * 3600, day + 16 * 3600);
    const { findings } = await gap({ tables: { "db.calls": times } });
    expect(findings).toHaveLength(1);
    expect(findings[0]?.measure.value).toBeLessThan(7 * 3600);
  });

  test("once for two silences of one source, and lists both", async () => {
    const times = without(
      without(steady(6, START, START + 30 * DAY, 6), START + 5 * DAY, START + 6 * DAY),
      START + 20 * DAY,
      START + 22 * DAY,
    );
    const { findings } = await gap({ tables: { "db.calls": times } });
    expect(findings).toHaveLength(1);
    expect(findings[0]?.evidence.silences).toHaveLength(2);
  });

  test("on a job that ran every day and has not for a week", async () => {
    const times = [...Array(40).keys()]
      .filter((d) => d < 20 || d > 26)
      .map((d) => START + d * DAY + 3 * 3600);
    const { findings } = await gap({ tables: { "db.runs": times } });
    expect(findings).toHaveLength(1);
  });

  test("on a single source up to now, with --now only", async () => {
    const times = steady(7, START, START + 20 * DAY, 5);
    const now = text(START + 30 * DAY).replace(" ", "T") + "Z";
    expect((await gap({ tables: { "db.calls": times }, settings: { now } })).findings).toEqual([]);
    expect(
      (await gap({ tables: { "db.calls": times }, settings: { now, nowGiven: true } })).findings,
    ).toHaveLength(1);
  });

  test("on an office day without rows when another input has rows on it", async () => {
    const day = START + 23 * DAY; // Wednesday
    const times = without(inOffice(8, 42), day, day + DAY);
    const { findings } = await gap({
      tables: { "db.calls": times },
      logs: { app_log: { lines: inOffice(9, 42) } },
    });
    expect(findings.map((f) => f.location?.table)).toEqual(["db.calls"]);
  });
});

describe("timeline-gap is silent", () => {
  const silent: [string, Case][] = [
    ["steady rows", { tables: { "db.calls": steady(1, START, START + 30 * DAY, 4) } }],
    ["nights and week-ends", { tables: { "db.calls": inOffice(2, 42) } }],
    ["a first week-end, the source being younger than two weeks", { tables: { "db.calls": inOffice(3, 8) } }],
    [
      "a change of the clocks in the middle",
      { tables: { "db.calls": inOffice(4, 56, 20, (at) => (at > START + 27 * DAY ? 1 : 0)) } },
    ],
    [
      "a day off between quiet hours",
      { tables: { "db.calls": without(inOffice(5, 42), START + 23 * DAY, START + 24 * DAY) } },
    ],
    [
      "a week-end that the other input works through",
      {
        tables: { "db.calls": inOffice(6, 33) },
        logs: { app_log: { lines: steady(7, START, START + 35 * DAY, 6) } },
      },
    ],
    [
      "a source that is sparse by nature",
      { tables: { "db.calls": steady(8, START, START + 200 * DAY, 0.01) } },
    ],
    [
      "a bursty source: every few days an hour of work",
      {
        tables: {
          "db.calls": poisson(random(9), START, START + 120 * DAY, 0.02).flatMap((at) =>
            steady(Math.round(at), at, at + 3600, 40),
          ),
        },
      },
    ],
    ["a weekly job", { tables: { "db.runs": [...Array(30).keys()].map((w) => START + w * 7 * DAY + 3600) } }],
    [
      "fewer rows than a rhythm needs",
      { tables: { "db.few": [0, 1, 2, 3, 4, 5, 6, 7, 90].map((d) => START + d * DAY) } },
    ],
    [
      "a one-time import, months before the end of the evidence",
      {
        tables: { "db.import": [...Array(3000).keys()].map((i) => START + i) },
        logs: { app_log: { lines: steady(10, START, START + 100 * DAY, 3) } },
      },
    ],
    [
      "a test row long before the start",
      { tables: { "db.calls": [START - 200 * DAY, ...steady(11, START, START + 30 * DAY, 4)] } },
    ],
    [
      "other retention at the start",
      {
        tables: { "db.calls": steady(12, START, START + 60 * DAY, 2) },
        logs: { app_log: { lines: steady(13, START + 50 * DAY, START + 60 * DAY, 20) } },
      },
    ],
    [
      "logs rotated by hand, one taking over from the other",
      {
        logs: {
          app_log_1: { lines: steady(14, START, START + 10 * DAY, 20) },
          app_log: { lines: steady(15, START + 10 * DAY, START + 20 * DAY, 20) },
        },
      },
    ],
    [
      "the end of an old log beside one that began later",
      {
        logs: {
          old: { lines: steady(20, START, START + 20 * DAY, 8), format: "syslog" },
          app_log: { lines: steady(21, START + 40 * DAY, START + 60 * DAY, 8) },
        },
      },
    ],
    [
      "growth from a few rows a day to hundreds",
      {
        tables: {
          "db.calls": poisson(
            random(16),
            START,
            START + 60 * DAY,
            30,
            (at) => 0.3 * 1.08 ** ((at - START) / DAY),
          ),
        },
      },
    ],
    [
      "one row in the far future",
      { tables: { "db.calls": [...steady(17, START, START + 20 * DAY, 4), seconds("2199-01-01 00:00:00")] } },
    ],
    [
      "a source that ends minutes earlier than the other",
      {
        tables: { "db.calls": steady(18, START, START + 20 * DAY, 2) },
        logs: { app_log: { lines: steady(19, START, START + 20 * DAY - 1500, 60) } },
      },
    ],
  ];
  test.each(silent)("about %s", async (_name, sources) => {
    const { findings } = await gap(sources);
    expect(findings.map((f) => f.message)).toEqual([]);
  });

  test("and says so when lines have no date", async () => {
    const { outcomes } = await gap({
      logs: { app_log: { lines: steady(1, START, START + DAY, 8), undated: true } },
    });
    expect(outcomes).toMatchObject([{ status: "skipped", reason: "its lines have no date" }]);
  });

  test("and says so when there are too few rows", async () => {
    const { outcomes } = await gap({ tables: { "db.few": [START, START + DAY, START + 90 * DAY] } });
    expect(outcomes).toMatchObject([{ status: "skipped", reason: "fewer than 20 rows with a time" }]);
  });
});
