import { describe, expect, test } from "vitest";
import type { Link } from "../../src/contract/evidence.ts";
import { addLog, type LogData } from "../kit/logs.ts";
import { type AuditResult, auditTables, type TableData } from "../kit/tables.ts";
import { poisson, random, seconds, text } from "../kit/times.ts";

const START = seconds("2025-10-31 07:00:00");
const SPLIT = seconds("2025-11-23 16:30:35");
const DAY = 86400;
const iso = (at: number) => `${text(at).replace(" ", "T")}Z`;

/** One call: when, how many tokens, and its id. */
interface Call {
  at: number;
  id: string;
  tokens: [number, number] | null;
}

function calls(seed: number, from: number, to: number, perDay: number): Call[] {
  const next = random(seed);
  return poisson(next, from, to, perDay / 24).map((at, i) => ({
    at,
    id: `job-${seed}-${i}`,
    tokens: [200 + Math.floor(next() * 2000), 100 + Math.floor(next() * 3000)],
  }));
}

const table = (rows: readonly Call[]): TableData => ({
  rows: rows.map(({ at, id, tokens }) => ({
    job_id: id,
    created_at: text(at),
    input_tokens: tokens?.[0] ?? null,
    output_tokens: tokens?.[1] ?? null,
  })),
  types: { created_at: "TIMESTAMP", input_tokens: "BIGINT", output_tokens: "BIGINT" },
});

/** Token events of the calls, an hour-long chatter of other lines around them up to `until`. */
const log = (events: readonly Call[], until: number, lag = 40): LogData => ({
  lines: [...poisson(random(99), START, until, 8), ...events.map((e) => e.at + lag), until].map(text),
  events: events.map(({ at, tokens }) => ({
    time: text(at + lag),
    input_tokens: tokens?.[0] ?? 0,
    output_tokens: tokens?.[1] ?? 0,
  })),
  mentions: events.map(({ at, id }) => ({ time: text(at), id })),
});

const mentions = (matchedRatio = 1): Link => ({
  leftTable: "app_log.lines",
  leftColumn: "id",
  rightTable: "db.validations",
  rightColumn: "job_id",
  matchedRatio,
  how: "mentions",
});

interface Case {
  tables: Record<string, Call[]>;
  logs?: Record<string, LogData>;
  links?: Link[];
  options?: Record<string, number>;
}

const divergence = ({ tables, logs = {}, links = [], options = {} }: Case): Promise<AuditResult> =>
  auditTables(
    "source-divergence",
    Object.fromEntries(Object.entries(tables).map(([name, rows]) => [name, table(rows)])),
    {
      options,
      settings: {
        roles: Object.fromEntries(
          Object.keys(tables).map((name) => [name, { created_at: "time" as const, job_id: "id" as const }]),
        ),
      },
      prepare: async (store, loaded) => {
        for (const [name, data] of Object.entries(logs)) await addLog(store, loaded, name, data);
      },
      adjust: (evidence) => ({ ...evidence, links }),
    },
  );

const logged = calls(1, START, SPLIT - 100, 6.5);
const lastLogged = { at: SPLIT - 40, id: "last", tokens: [1352, 2632] as [number, number] };
const events = [...logged, lastLogged];
const after = calls(2, SPLIT + 3600, SPLIT + 7.1 * DAY, 13).map((call) => ({ ...call, tokens: null }));
const incident: Case = {
  tables: { "db.validations": [lastLogged, ...after] },
  logs: { app_log: log(events, SPLIT + 20) },
};

describe("source-divergence fires", () => {
  test.each([
    ["by the ids its lines mention", [mentions()]],
    ["by the token counts that agree, without any id", []],
  ])("when a log ends and rows go on, %s: both ends, at the log, once", async (_name, links) => {
    const { findings } = await divergence({ ...incident, links });
    expect(findings).toHaveLength(1);
    const [finding] = findings;
    expect(finding?.severity).toBe("error");
    expect(finding?.target).toBe("app_log, db");
    expect(finding?.location).toEqual({ input: "app_log", table: "app_log.token_usage" });
    expect(finding?.evidence).toMatchObject({
      stopped_at: iso(SPLIT),
      goes_on_to: iso(after.at(-1)!.at),
      rows_after_split: after.length,
      rows_before_split: 1,
      also: [{ source: "app_log.lines", ends: iso(SPLIT + 20) }],
    });
    expect(finding?.message).toContain("2025-11-23 16:30:35");
    expect(finding?.message).toContain("2025-11-30");
    expect(finding?.message).toContain(`${after.length} rows`);
  });

  test("when only the token events stop and the lines go on", async () => {
    const { findings } = await divergence({
      ...incident,
      logs: { app_log: log(events, SPLIT + 7 * DAY) },
      links: [mentions()],
    });
    expect(findings.map((f) => f.location?.table)).toEqual(["app_log.token_usage"]);
  });

  test("at the table when the table stops and the log goes on", async () => {
    const all = calls(3, START, SPLIT, 12);
    const { findings } = await divergence({
      tables: { "db.validations": all.filter((call) => call.at < SPLIT - 6 * DAY) },
      logs: { app_log: log(all, SPLIT) },
      links: [mentions()],
    });
    expect(findings.map((f) => f.location?.table)).toEqual(["db.validations"]);
  });

  test("between two tables of one database whose ids are shared", async () => {
    const all = calls(4, START, SPLIT, 20);
    const { findings } = await divergence({
      tables: { "db.requests": all, "db.validations": all.filter((call) => call.at < SPLIT - 5 * DAY) },
      links: [{ ...mentions(), leftTable: "db.requests", leftColumn: "job_id", how: "values" }],
    });
    expect(findings.map((f) => [f.target, f.location?.table])).toEqual([
      ["db.requests, db.validations", "db.validations"],
    ]);
    expect(findings[0]?.evidence.rows_after_split).toBe(
      all.filter((call) => call.at >= SPLIT - 5 * DAY).length,
    );
  });
});

describe("source-divergence, when one source falls behind", () => {
  const many = calls(20, START, SPLIT, 60);
  const half = START + 12 * DAY;
  const of = (keep: (call: Call, i: number) => boolean): Case => ({
    tables: { "db.validations": many },
    logs: { app_log: log(many.filter(keep), SPLIT) },
    links: [mentions()],
  });

  test("fires on token events that become scarcer from one moment on, with the moment", async () => {
    const { findings } = await divergence(of((call, i) => call.at < half || i % 4 === 0));
    expect(findings.map((f) => [f.title, f.location?.table])).toEqual([
      ["One source falls behind the other", "app_log.token_usage"],
    ]);
    expect(Math.abs(Date.parse(String(findings[0]?.evidence.at)) / 1000 - half)).toBeLessThan(DAY);
    expect(findings[0]?.measure.value).toBeCloseTo(0.75, 1);
  });

  test.each([
    ["both grow", () => true],
    ["events that were always fewer", (_call: Call, i: number) => i % 2 === 0],
    ["a day without events", (call: Call) => call.at < half || call.at > half + DAY],
    [
      "slowly fewer events",
      (call: Call, i: number) => (i % 100) / 100 > (call.at - START) / (SPLIT - START) / 2,
    ],
  ])("is silent about %s", async (_name, keep) => {
    expect((await divergence(of(keep))).findings.map((f) => f.message)).toEqual([]);
  });
});

describe("source-divergence is silent", () => {
  const all = calls(5, START, SPLIT, 12);
  const silent: [string, Case][] = [
    [
      "sources that end together",
      {
        tables: { "db.validations": all },
        logs: { app_log: log(all, SPLIT) },
        links: [mentions()],
      },
    ],
    [
      "different retention at the start",
      {
        tables: { "db.validations": all.filter((call) => call.at > SPLIT - 4 * DAY) },
        logs: { app_log: log(all, SPLIT) },
        links: [mentions()],
      },
    ],
    [
      "a source that ends a few hours earlier, as its rhythm allows",
      {
        tables: { "db.validations": all },
        logs: {
          app_log: log(
            all.filter((call) => call.at < SPLIT - 5 * 3600),
            SPLIT - 5 * 3600,
          ),
        },
        links: [mentions()],
      },
    ],
    [
      "a table that is filled a day late by an importer",
      {
        tables: { "db.validations": all.map((call) => ({ ...call, at: call.at + 0.9 * DAY })) },
        logs: { app_log: log(all, SPLIT) },
        links: [mentions()],
      },
    ],
    [
      "sources that nothing links",
      {
        tables: { "db.validations": calls(6, START, SPLIT + 7 * DAY, 12) },
        logs: { app_log: log(events, SPLIT) },
      },
    ],
    [
      "links that match few ids",
      {
        tables: { "db.validations": [lastLogged, ...calls(7, START, SPLIT + 7 * DAY, 12)] },
        logs: { app_log: log(calls(8, START, SPLIT, 12), SPLIT) },
        links: [mentions(0.1)],
      },
    ],
    [
      "users whose rows are referred to long after they were made",
      {
        tables: {
          "db.users": calls(9, START - 300 * DAY, START - 30 * DAY, 3),
          "db.validations": [...Array(800).keys()].map((i) => ({
            at: START + i * 2000,
            id: `job-9-${i}`,
            tokens: null,
          })),
        },
        links: [
          {
            ...mentions(),
            leftTable: "db.validations",
            leftColumn: "job_id",
            rightTable: "db.users",
            how: "values",
          },
        ],
      },
    ],
    [
      "a table that has a counterpart for few rows",
      {
        tables: {
          "db.refunds": all.filter((call, i) => i % 5 === 0 && call.at < SPLIT - 9 * DAY),
          "db.validations": all,
        },
        links: [{ ...mentions(), leftTable: "db.refunds", leftColumn: "job_id", how: "values" }],
      },
    ],
    [
      "a table that takes over from another",
      {
        tables: {
          "db.old": calls(10, START - 40 * DAY, START + 600, 20),
          "db.validations": calls(10, START, START + 40 * DAY, 20),
        },
        links: [{ ...mentions(), leftTable: "db.old", leftColumn: "job_id", how: "values" }],
      },
    ],
    [
      "sources that never overlap",
      {
        tables: { "db.validations": calls(11, SPLIT + DAY, SPLIT + 20 * DAY, 12) },
        logs: { app_log: log(events, SPLIT) },
        links: [mentions()],
      },
    ],
    [
      "fewer rows after the split than min_rows",
      {
        tables: { "db.validations": [...all, ...after.slice(0, 4)] },
        logs: { app_log: log(all, SPLIT) },
        links: [mentions()],
      },
    ],
  ];
  test.each(silent)("about %s", async (_name, sources) => {
    const { findings } = await divergence(sources);
    expect(findings.map((f) => f.message)).toEqual([]);
  });

  test("and says so when nothing shows that two sources record the same thing", async () => {
    const { outcomes } = await divergence({
      tables: { "db.validations": calls(6, START, SPLIT + 7 * DAY, 12) },
      logs: { app_log: log(events, SPLIT) },
    });
    expect(outcomes).toMatchObject([
      { status: "skipped", reason: "nothing shows that they record the same thing" },
    ]);
  });

  test("about a log that another log takes over", async () => {
    const { findings } = await divergence({
      tables: { "db.validations": all },
      logs: {
        app_log: log(
          all.filter((call) => call.at < SPLIT - 6 * DAY),
          SPLIT - 6 * DAY,
        ),
        app_log_2: { lines: poisson(random(12), SPLIT - 6 * DAY, SPLIT, 8).map(text) },
      },
      links: [mentions()],
    });
    expect(findings).toEqual([]);
  });
});
