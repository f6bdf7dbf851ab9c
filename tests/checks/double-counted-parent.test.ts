import { describe, expect, test } from "vitest";
import { auditTables, type TableData } from "../kit/tables.ts";
import { poisson, random, seconds, text } from "../kit/times.ts";

const START = seconds("2025-03-03 00:00:00");
const DAY = 86400;

interface Span {
  id: string;
  parent: string | null;
  session: string;
  at: number;
  tokens: number;
}

/** Traces of a root, one or two agents and their calls; `carry` gives a parent its tokens. */
function spansOf(carry: (sum: number) => number): Span[] {
  const next = random(4);
  return poisson(next, START, START + 20 * DAY, 1).flatMap((at, t) => {
    const spans: Span[] = [];
    let whole = 0;
    for (let a = 0; a < 1 + Math.floor(next() * 2); a++) {
      const calls = [...Array(1 + Math.floor(next() * 3)).keys()].map(
        (c): Span => ({
          id: `t${t}-a${a}-c${c}`,
          parent: `t${t}-a${a}`,
          session: `t${t}`,
          at: at + 2 + c,
          tokens: 100 + Math.floor(next() * 900),
        }),
      );
      const sum = calls.reduce((total, call) => total + call.tokens, 0);
      whole += sum;
      spans.push(
        { id: `t${t}-a${a}`, parent: `t${t}`, session: `t${t}`, at: at + 1, tokens: carry(sum) },
        ...calls,
      );
    }
    return [{ id: `t${t}`, parent: null, session: `t${t}`, at, tokens: carry(whole) }, ...spans];
  });
}

const table = (spans: readonly Span[]): TableData => ({
  rows: spans.map((span) => ({
    span_id: span.id,
    parent_id: span.parent,
    session_id: span.session,
    start_time: text(span.at),
    total_tokens: span.tokens,
    input_tokens: span.tokens - 10,
  })),
  types: { start_time: "TIMESTAMP", parent_id: "VARCHAR" },
});

const dailyOf = (spans: readonly Span[]): TableData => {
  const days = new Map<string, number>();
  for (const span of spans) {
    const day = text(span.at).slice(0, 10);
    days.set(day, (days.get(day) ?? 0) + span.tokens);
  }
  return {
    rows: [...days].map(([date, total_tokens]) => ({ date, total_tokens })),
    types: { date: "DATE" },
    primaryKey: ["date"],
  };
};

const inclusive = spansOf((sum) => sum);
const isLeaf = (span: Span) => span.id.includes("-c");

const doubled = (spans: Span[], counted: Span[] | null) =>
  auditTables("double-counted-parent", {
    "db.spans": table(spans),
    ...(counted ? { "db.usage_daily": dailyOf(counted) } : {}),
  });

describe("double-counted-parent", () => {
  test("fires on a rollup of inclusive parents and their children, with the factor", async () => {
    const { findings } = await doubled(inclusive, inclusive);
    expect(findings).toHaveLength(1);
    const [finding] = findings;
    expect(finding?.severity).toBe("error");
    expect(finding?.target).toBe("db.usage_daily");
    expect(finding?.evidence).toMatchObject({ detail: "db.spans", measure: "total_tokens" });
    expect(finding?.measure.value).toBeCloseTo(3, 5);
    expect(finding?.message).toContain("3 times as much");
    expect(finding?.samples).toHaveLength(5);
  });

  test.each([
    ["inclusive parents that nobody sums", inclusive, null],
    ["a rollup of the leaves", inclusive, inclusive.filter(isLeaf)],
    ["a rollup of the roots", inclusive, inclusive.filter((span) => span.parent === null)],
    ["parents with tokens of their own", spansOf((sum) => 50 + (sum % 7)), spansOf((sum) => 50 + (sum % 7))],
    ["parents without tokens", spansOf(() => 0), spansOf(() => 0)],
    ["fewer parents than min_rows", inclusive.slice(0, 9), inclusive.slice(0, 9)],
  ])("is silent about %s", async (_name, spans, counted) => {
    expect((await doubled(spans, counted)).findings.map((f) => f.message)).toEqual([]);
  });

  test("a rollup of the leaves, or of the roots, is no mismatch either", async () => {
    for (const counted of [inclusive.filter(isLeaf), inclusive.filter((span) => span.parent === null)]) {
      const tables = { "db.spans": table(inclusive), "db.usage_daily": dailyOf(counted) };
      const { findings, evidence } = await auditTables("rollup-mismatch", tables);
      expect(evidence.rollups).toHaveLength(1);
      expect(findings).toEqual([]);
    }
  });
});
