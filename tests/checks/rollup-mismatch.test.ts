import { describe, expect, test } from "vitest";
import { type AuditResult, auditTables, type TableData } from "../kit/tables.ts";
import { poisson, random, seconds, text } from "../kit/times.ts";

const START = seconds("2025-03-03 00:00:00");
const HOUR = 3600;
const DAY = 86400;

interface Call {
  at: number;
  session: string;
  model: string;
  input: number;
  output: number;
  cost: number;
  status: string;
}

function callsOf(days = 30, perHour = 3): Call[] {
  const next = random(3);
  return poisson(next, START, START + days * DAY, perHour).map((at, i) => ({
    at,
    session: `s-${Math.floor(i / 12)}`,
    model: next() < 0.5 ? "gpt-4o" : "claude-3-opus",
    input: 100 + Math.floor(next() * 900),
    output: 10 + Math.floor(next() * 90),
    cost: Math.round(next() * 1e6) / 1e8,
    status: next() < 0.05 ? "failed" : "success",
  }));
}

const history = (calls: readonly Call[]): TableData => ({
  rows: calls.map((call, i) => ({
    id: `c-${i}`,
    session_id: call.session,
    timestamp: text(call.at),
    model: call.model,
    input_tokens: call.input,
    output_tokens: call.output,
    cost: call.cost,
    status: call.status,
  })),
  types: { timestamp: "TIMESTAMP" },
});

interface Sum {
  input: number;
  output: number;
  cost: number;
}

/** Sums per key of a call; `change` may damage one, null drops it. */
function sums(
  calls: readonly Call[],
  key: (call: Call) => string,
  change: (sum: Sum, index: number) => Sum | null = (sum) => sum,
): [string, Sum][] {
  const all = new Map<string, Sum>();
  for (const call of calls) {
    const sum = all.get(key(call)) ?? { input: 0, output: 0, cost: 0 };
    sum.input += call.input;
    sum.output += call.output;
    sum.cost += call.cost;
    all.set(key(call), sum);
  }
  return [...all.entries()].sort().flatMap(([name, sum], i) => {
    const changed = change(sum, i);
    return changed ? [[name, changed] as [string, Sum]] : [];
  });
}

const day =
  (offset = 0) =>
  (call: Call) =>
    text(call.at + offset * HOUR).slice(0, 10);

const daily = (list: [string, Sum][]): TableData => ({
  rows: list.map(([date, sum]) => ({
    date,
    input_tokens: sum.input,
    output_tokens: sum.output,
    cost: Math.round(sum.cost * 1e6) / 1e6,
  })),
  types: { date: "DATE" },
  primaryKey: ["date"],
});

const mismatch = (tables: Record<string, TableData>, timezone = "UTC"): Promise<AuditResult> =>
  auditTables("rollup-mismatch", tables, { settings: { timezone } });

const calls = callsOf();

describe("rollup-mismatch fires", () => {
  test("on days that lost some of their rows, at the rollup, with both sums", async () => {
    const list = sums(calls, day(), (sum, i) => (i % 7 === 3 ? { ...sum, input: sum.input - 500 } : sum));
    const { findings } = await mismatch({
      "db.usage_history": history(calls),
      "db.usage_daily": daily(list),
    });
    expect(findings).toHaveLength(1);
    const [finding] = findings;
    expect(finding?.severity).toBe("error");
    expect(finding?.target).toBe("db.usage_daily");
    expect(finding?.evidence).toMatchObject({
      detail: "db.usage_history",
      differing: 4,
      absent: 0,
      measure: "input_tokens",
      difference: -2000,
      offset_hours: 0,
    });
    expect(finding?.evidence.worst).toHaveLength(4);
  });

  test("on days that are not there, and on days after the rollup stopped", async () => {
    const list = sums(calls, day(), (sum, i) => (i === 10 || i > 24 ? null : sum));
    const { findings } = await mismatch({
      "db.usage_history": history(calls),
      "db.usage_daily": daily(list),
    });
    expect(findings.map((f) => [f.evidence.differing, f.evidence.absent])).toEqual([[4, 4]]);
  });

  test("on a rollup that stays 0", async () => {
    const list = sums(calls, day(), () => ({ input: 0, output: 0, cost: 0 }));
    const { findings } = await mismatch({
      "db.usage_history": history(calls),
      "db.usage_daily": daily(list),
    });
    expect(findings.map((f) => [f.title, f.evidence.factor])).toEqual([["A rollup stays 0", 0]]);
  });

  test("on a rollup that counts every row twice", async () => {
    const list = sums(calls, day(), (s) => ({ input: s.input * 2, output: s.output * 2, cost: s.cost * 2 }));
    const { findings } = await mismatch({
      "db.usage_history": history(calls),
      "db.usage_daily": daily(list),
    });
    expect(findings.map((f) => f.evidence.factor)).toEqual([2]);
  });

  test("on a rollup of local days that also lost rows, by its own clock", async () => {
    const list = sums(calls, day(9), (sum, i) => (i === 12 ? { ...sum, output: sum.output + 7 } : sum));
    const { findings } = await mismatch({
      "db.usage_history": history(calls),
      "db.usage_daily": daily(list),
    });
    expect(findings.map((f) => [f.severity, f.evidence.differing, f.evidence.offset_hours])).toEqual([
      ["error", 1, 9],
    ]);
  });

  test("on hours", async () => {
    const some = callsOf(4, 10);
    const list = sums(
      some,
      (call) => text(call.at).slice(0, 13),
      (sum, i) => (i === 30 ? { ...sum, input: 1 } : sum),
    );
    const { findings } = await mismatch({
      "db.logs": history(some),
      "db.hourly_usage": {
        rows: list.map(([hour, sum]) => ({
          hour: `${hour}:00:00`,
          input_tokens: sum.input,
          output_tokens: sum.output,
        })),
        types: { hour: "TIMESTAMP" },
      },
    });
    expect(findings.map((f) => [f.evidence.grain, f.evidence.differing])).toEqual([["hour", 1]]);
  });
});

describe("rollup-mismatch tells another day boundary as that", () => {
  test.each([9, -5, 5.5, -8])("when days begin at UTC%d", async (offset) => {
    const list = sums(calls, day(offset));
    const { findings } = await mismatch({
      "db.usage_history": history(calls),
      "db.usage_daily": daily(list),
    });
    expect(findings.map((f) => [f.severity, f.title, f.evidence.offset_hours])).toEqual([
      ["info", "A rollup's days begin at another hour", offset],
    ]);
  });

  test("and not at all when --timezone says so, daylight saving included", async () => {
    const change = seconds("2025-03-09 07:00:00");
    const list = sums(calls, (call) => day(call.at >= change ? -4 : -5)(call));
    const { findings } = await mismatch(
      { "db.usage_history": history(calls), "db.usage_daily": daily(list) },
      "America/New_York",
    );
    expect(findings.map((f) => f.message)).toEqual([]);
  });

  test("with both offsets when daylight saving began in between", async () => {
    const change = seconds("2025-03-15 07:00:00");
    const list = sums(calls, (call) => day(call.at >= change ? 2 : 1)(call));
    const { findings } = await mismatch({
      "db.usage_history": history(calls),
      "db.usage_daily": daily(list),
    });
    expect(findings.map((f) => [f.severity, f.evidence.offset_hours])).toEqual([["info", [1, 2]]]);
  });
});

describe("rollup-mismatch is silent", () => {
  const silent: [string, Record<string, TableData>][] = [
    ["days that agree", { "db.usage_history": history(calls), "db.usage_daily": daily(sums(calls, day())) }],
    [
      "days before the detail's retention starts",
      {
        "db.usage_history": history(calls.filter((call) => call.at > START + 10.4 * DAY)),
        "db.usage_daily": daily(sums(calls, day())),
      },
    ],
    [
      "the current, unfinished day",
      {
        "db.usage_history": history(calls),
        "db.usage_daily": daily(sums(calls, day(), (sum, i) => (i === 29 ? { ...sum, input: 5 } : sum))),
      },
    ],
    [
      "a rollup whose last job has not run yet",
      {
        "db.usage_history": history(calls),
        "db.usage_daily": daily(sums(calls, day(), (sum, i) => (i > 27 ? null : sum))),
      },
    ],
    [
      "a rollup of successful calls only",
      {
        "db.usage_history": history(calls),
        "db.usage_daily": daily(
          sums(
            calls.filter((call) => call.status === "success"),
            day(),
          ),
        ),
      },
    ],
    [
      "a rollup of another thing altogether",
      {
        "db.usage_history": history(calls),
        "db.embedding_daily": daily(sums(calls, day(), (sum, i) => ({ ...sum, input: 17 * (i + 3) ** 3 }))),
      },
    ],
    [
      "costs that differ by their rounding",
      {
        "db.usage_history": history(calls),
        "db.usage_daily": daily(
          sums(calls, day(), (sum) => ({ ...sum, cost: Math.round(sum.cost * 100) / 100 })),
        ),
      },
    ],
  ];
  test.each(silent)("about %s", async (_name, tables) => {
    const { findings, evidence } = await mismatch(tables);
    expect(evidence.rollups.length).toBeGreaterThan(0);
    expect(findings.map((f) => f.message)).toEqual([]);
  });

  test("and says what it looked at when the sums follow from no table", async () => {
    const { outcomes } = await mismatch({
      "db.usage_history": history(calls),
      "db.embedding_daily": daily(sums(calls, day(), (sum, i) => ({ ...sum, input: 17 * (i + 3) ** 3 }))),
    });
    expect(outcomes[0]?.reason).toMatch(/^its sums follow from no table at hand: \d of 29 buckets agree/);
  });
});

describe("rollup-mismatch by model", () => {
  /** Sums per day and model, of calls whose model may be changed and of which some may be lost. */
  const byModel = (change: (call: Call, i: number) => Call | null): TableData => {
    const kept = calls.flatMap((call, i) => change(call, i) ?? []);
    return {
      rows: sums(kept, (call) => `${day()(call)} ${call.model}`).map(([key, sum]) => ({
        date: key.slice(0, 10),
        model: key.slice(11),
        input_tokens: sum.input,
        output_tokens: sum.output,
      })),
      types: { date: "DATE" },
    };
  };
  const models = ["a-1", "b-1", "c-1", "d-1", "e-1", "f-1", "g-1", "h-1"];
  const spread = (call: Call, i: number): Call => ({ ...call, model: models[i % 8] ?? "" });

  test("fires when every day is right and some models are not", async () => {
    const moved = byModel((call, i) => (i % 100 === 0 ? { ...call, model: "b-1" } : spread(call, i)));
    const { findings } = await mismatch({
      "db.usage_history": history(calls.map(spread)),
      "db.usage_daily": moved,
    });
    expect(findings.map((f) => [f.key, f.evidence.agreeing_buckets])).toEqual([
      ["db.usage_history keys", 29],
    ]);
  });

  test("fires when every day lost a little", async () => {
    const lost = byModel((call, i) => (i % 40 === 0 ? null : spread(call, i)));
    const { findings } = await mismatch({
      "db.usage_history": history(calls.map(spread)),
      "db.usage_daily": lost,
      "db.other_calls": history(callsOf(30, 1)),
    });
    expect(findings).toHaveLength(1);
    expect(Number(findings[0]?.evidence.difference)).toBeLessThan(0);
  });

  test.each([
    ["that agree", (call: Call, i: number) => spread(call, i)],
    [
      "of which one is named otherwise",
      (call: Call, i: number) => (i % 8 === 3 ? { ...call, model: "d" } : spread(call, i)),
    ],
  ])("is silent about models %s", async (_name, change) => {
    const { findings } = await mismatch({
      "db.usage_history": history(calls.map(spread)),
      "db.usage_daily": byModel(change),
    });
    expect(findings.map((f) => f.message)).toEqual([]);
  });
});

describe("rollup-mismatch by session and key", () => {
  const sessions = (change?: (sum: Sum, i: number) => Sum | null): TableData => ({
    rows: sums(calls, (call) => call.session, change).map(([id, sum]) => ({
      id,
      title: `about ${id}`,
      input_tokens: sum.input,
      output_tokens: sum.output,
    })),
    primaryKey: ["id"],
  });

  test("fires on sessions that differ from their calls", async () => {
    const { findings } = await mismatch({
      "db.messages": history(calls),
      "db.sessions": sessions((sum, i) => (i % 10 === 0 ? { ...sum, input: sum.input + 1000 } : sum)),
    });
    expect(findings.map((f) => [f.target, f.evidence.grain])).toEqual([["db.sessions", "session"]]);
  });

  test.each([
    ["that agree", undefined],
    [
      "of which some are 0, as roots are",
      (sum: Sum, i: number) => (i % 5 === 0 ? { input: 0, output: 0, cost: 0 } : sum),
    ],
    ["that count something else", (sum: Sum, i: number) => ({ ...sum, input: 5000 + 13 * i })],
  ])("is silent about sessions %s", async (_name, change) => {
    const { findings, evidence } = await mismatch({
      "db.messages": history(calls),
      "db.sessions": sessions(change),
    });
    expect(evidence.rollups).toMatchObject([{ rollup: "db.sessions", keys: [{ name: "session_id" }] }]);
    expect(findings.map((f) => f.message)).toEqual([]);
  });

  const users = (value: number): TableData => ({
    rows: [...Array(8).keys()].map((i) => ({ id: `user-${i}`, max_budget: 100, total_tokens: value })),
    primaryKey: ["id"],
  });
  const byUser: TableData = {
    rows: calls.slice(0, 400).map((call, i) => ({
      id: `c-${i}`,
      user_id: `user-${i % 8}`,
      timestamp: text(call.at),
      model: call.model,
      input_tokens: call.input,
      total_tokens: call.input + call.output,
    })),
    types: { timestamp: "TIMESTAMP" },
  };

  test("fires on counters that stay 0", async () => {
    const { findings } = await mismatch({ "db.calls": byUser, "db.users": users(0) });
    expect(findings.map((f) => [f.title, f.target, f.evidence.keys])).toEqual([
      ["A counter stays 0", "db.users", 8],
    ]);
  });

  test("is silent about counters that were reset or kept older rows", async () => {
    const { findings, evidence } = await mismatch({ "db.calls": byUser, "db.users": users(777) });
    expect(evidence.rollups).toHaveLength(1);
    expect(findings).toEqual([]);
  });
});
