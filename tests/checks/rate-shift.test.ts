import { describe, expect, test } from "vitest";
import { addLog } from "../kit/logs.ts";
import { type AuditResult, auditTables } from "../kit/tables.ts";
import { office, poisson, random, seconds, text } from "../kit/times.ts";

const START = seconds("2025-03-03 00:00:00");
const DAY = 86400;
const CHANGE = START + 20 * DAY;

type Call = Record<string, string | number | null>;
/** What is special about a call of that moment. */
type Shape = (at: number, next: () => number) => Partial<Call>;

const CALL: Call = { input_tokens: 100, output_tokens: 50, model: "gpt-4o", provider: "openai" };

interface Case {
  times?: number[];
  call?: Shape;
  log?: { lines: number[]; events: number[] };
}

const steady = (perHour = 4, days = 40, seed = 1) =>
  poisson(random(seed), START, START + days * DAY, perHour);

async function shifts({ times = steady(), call = () => ({}), log }: Case): Promise<AuditResult> {
  const next = random(77);
  return auditTables(
    "rate-shift",
    log
      ? {}
      : {
          "db.calls": {
            rows: times.map((at, i) => ({
              id: `r${i}`,
              created_at: text(at),
              ...CALL,
              ...(call(at, next) as Call),
            })),
            types: {
              created_at: "TIMESTAMP",
              input_tokens: "BIGINT",
              output_tokens: "BIGINT",
              model: "VARCHAR",
              provider: "VARCHAR",
            },
          },
        },
    {
      settings: { roles: { "db.calls": { created_at: "time" } } },
      prepare: async (store, loaded) => {
        if (!log) return;
        const events = log.events.map((at) => ({ time: text(at), input_tokens: 10, output_tokens: 5 }));
        await addLog(store, loaded, "app_log", { lines: log.lines.map(text), events });
      },
    },
  );
}

const told = ({ findings }: AuditResult) => findings.map((f) => [f.evidence.metric, f.location?.table]);
const within = (at: unknown, moment: number, days: number) =>
  Math.abs(Date.parse(String(at)) / 1000 - moment) <= days * DAY;

describe("rate-shift fires", () => {
  test("when a mock provider takes over, with the time, both levels and the mix", async () => {
    const { findings } = await shifts({
      call: (at) => (at < CHANGE ? {} : { model: "mock-1", provider: "mock" }),
    });
    expect(findings).toHaveLength(1);
    const [finding] = findings;
    expect(finding?.severity).toBe("warning");
    expect(finding?.location).toEqual({ input: "db", table: "db.calls", column: "model" });
    expect(within(finding?.evidence.at, CHANGE, 0.1)).toBe(true);
    expect(finding?.evidence).toMatchObject({ metric: "model", also: [{ metric: "provider" }] });
    expect(finding?.message).toContain("gpt-4o");
    expect(finding?.message).toContain("falls from");
    const mix = finding?.evidence.mix as { value: string; share_after: number }[];
    expect(mix.find((row) => row.value === "mock-1")?.share_after).toBeGreaterThan(0.99);
  });

  test("when calls begin to lack tokens", async () => {
    const result = await shifts({
      call: (at, next) => (at > CHANGE && next() < 0.5 ? { input_tokens: null, output_tokens: null } : {}),
    });
    expect(told(result)).toEqual([["missing", "db.calls"]]);
    const { evidence } = result.findings[0]!;
    expect(within(evidence.at, CHANGE, 1)).toBe(true);
    expect(evidence.before).toBe(0);
    expect(evidence.after).toBeCloseTo(0.5, 1);
    expect(Date.parse(String(evidence.at_earliest)) / 1000).toBeLessThanOrEqual(CHANGE + DAY / 10);
    expect(Date.parse(String(evidence.at_latest)) / 1000).toBeGreaterThanOrEqual(CHANGE - DAY / 10);
  });

  test("when calls begin to have zero tokens", async () => {
    const result = await shifts({
      call: (at, next) => (at > CHANGE && next() < 0.3 ? { input_tokens: 0, output_tokens: 0 } : {}),
    });
    expect(told(result)).toEqual([["zero", "db.calls"]]);
  });

  test("when the volume falls to a third and stays there", async () => {
    const next = random(5);
    const result = await shifts({ times: steady(8).filter((at) => at < CHANGE || next() < 1 / 3) });
    expect(told(result)).toEqual([["volume", "db.calls"]]);
    const { evidence, message } = result.findings[0]!;
    expect(within(evidence.at, CHANGE, 2)).toBe(true);
    expect(message).toMatch(/the volume falls from (19|20)\d(\.5)? to 6\d(\.5)? rows a day/);
  });

  test("once when the lines and the events of a log rise together", async () => {
    const next = random(6);
    const some = (perHour: number, seed: number) =>
      steady(perHour, 40, seed).filter((at) => at > CHANGE || next() < 0.3);
    const result = await shifts({ log: { lines: some(20, 2), events: some(6, 3) } });
    expect(told(result)).toEqual([["volume", "app_log.lines"]]);
  });
});

describe("rate-shift is silent", () => {
  const spike = (at: number) => at > CHANGE && at < CHANGE + DAY;
  const silent: [string, Case][] = [
    ["steady calls", {}],
    ["a spike of volume", { times: [...steady(), ...poisson(random(3), CHANGE, CHANGE + DAY, 60)] }],
    [
      "a spike of missing tokens",
      { call: (at) => (spike(at) ? { input_tokens: null, output_tokens: null } : {}) },
    ],
    ["a spike of another model", { call: (at) => (spike(at) ? { model: "mock-1" } : {}) }],
    [
      "a week of less and then as before",
      { times: steady(8).filter((at, i) => at < CHANGE || at > CHANGE + 7 * DAY || i % 4 === 0) },
    ],
    [
      "growth",
      { times: poisson(random(4), START, START + 60 * DAY, 30, (at) => 1.05 ** ((at - START) / DAY)) },
    ],
    [
      "a model that takes over little by little",
      {
        call: (at, next) => (next() < (at - START) / (40 * DAY) ? { model: "gpt-5" } : {}),
      },
    ],
    [
      "models that alternate with the hour",
      { call: (at) => (at % DAY < DAY / 3 ? { model: "batch-1" } : {}) },
    ],
    [
      "models that users stay with for hours",
      { call: (at) => (random(Math.floor(at / 20000))() < 0.5 ? { model: "claude-3-opus" } : {}) },
    ],
    [
      "working days and week-ends",
      {
        times: poisson(random(8), START, START + 63 * DAY, 20, (at) => 20 * office(at, 2, 0.02)),
      },
    ],
    ["a source that stops", { times: steady(4, 20) }],
    [
      "too short a time after the change",
      {
        call: (at) => (at > START + 39.5 * DAY ? { model: "mock-1" } : {}),
      },
    ],
    [
      "too few rows after the change",
      {
        times: steady(0.3),
        call: (at) => (at > steady(0.3).at(-16)! ? { input_tokens: 0, output_tokens: 0 } : {}),
      },
    ],
    [
      "a column that was added later",
      {
        call: (at) => (at < CHANGE ? { input_tokens: null, output_tokens: null } : {}),
      },
    ],
    ["a zero rate that falls", { call: (at) => (at < CHANGE ? { input_tokens: 0, output_tokens: 0 } : {}) }],
  ];
  test.each(silent)("about %s", async (_name, sources) => {
    const { findings } = await shifts(sources);
    expect(findings.map((f) => f.message)).toEqual([]);
  });

  test("and says so when there are too few rows", async () => {
    const { outcomes } = await shifts({ times: steady(0.1, 10) });
    expect(outcomes).toMatchObject([{ status: "skipped", reason: "fewer than 40 rows with a time" }]);
  });
});
