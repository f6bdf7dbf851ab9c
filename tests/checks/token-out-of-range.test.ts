import { describe, expect, test } from "vitest";
import { type Cells, calls, TOKEN_TYPES } from "../kit/calls.ts";
import { type AuditOptions, auditTables } from "../kit/tables.ts";

async function findings(rows: Cells[], options: AuditOptions = {}, name = "app.calls") {
  return (await auditTables("token-out-of-range", { [name]: { rows, types: TOKEN_TYPES } }, options))
    .findings;
}

describe("token-out-of-range: negative counts", () => {
  test("one negative count is an error", async () => {
    const [finding, ...rest] = await findings(calls(40, (i) => (i === 7 ? { completion_tokens: -12 } : {})));
    expect(rest).toEqual([]);
    expect(finding).toMatchObject({
      severity: "error",
      measure: { name: "negative_rows", value: 1 },
      evidence: { negative: 1, rows: 40, negative_output_tokens: 1, min_output_tokens: -12 },
      location: { column: "completion_tokens" },
      samples: [{ row: 8, output_tokens: -12 }],
    });
    expect(finding?.message).toBe("1 row of 40 has a negative count: output tokens in 1, down to -12.");
  });

  test("a column that is negative by design is silent, just below that it is not", async () => {
    const ledger = (positive: number) =>
      calls(100, (i) => ({
        prompt_tokens: i < positive ? 5 : -(50 + i),
        completion_tokens: i < 3 ? 0 : -(20 + i),
      }));
    expect(await findings(ledger(5))).toEqual([]);
    expect(await findings(ledger(6))).toMatchObject([{ evidence: { negative: 94 } }]);
  });

  test("a negative cost of a call is an error, a refund without tokens is not", async () => {
    expect(await findings(calls(40, (i) => ({ cost: i === 3 ? -0.25 : 0.01 })))).toMatchObject([
      { title: "Costs are negative", severity: "error", evidence: { negative_cost: 1, min_cost: -0.25 } },
    ]);
    const refund = { prompt_tokens: 0, completion_tokens: 0, cost: -3 };
    expect(await findings(calls(40, (i) => (i === 3 ? refund : { cost: 0.01 })))).toEqual([]);
  });

  test("is silent on counts that are in range", async () => {
    expect(await findings(calls(40))).toEqual([]);
  });
});

describe("token-out-of-range: limits", () => {
  test("a count above the limit and ten times the median is a warning", async () => {
    const rows = calls(40, (i) => (i === 7 ? { prompt_tokens: 4_000_000 } : {}));
    expect(await findings(rows)).toMatchObject([
      {
        severity: "warning",
        evidence: { above: 1, largest: 4_000_000 },
        location: { column: "prompt_tokens" },
      },
    ]);
  });

  test("a count above the limit that is usual for its model is told as info", async () => {
    const rows = calls(40, (i) => ({
      model: i % 2 ? "small" : "long",
      prompt_tokens: i % 2 ? 900 : 90_000 + i * 1000,
    }));
    expect(await findings(rows)).toMatchObject([{ severity: "info", evidence: { above: 14, models: 1 } }]);
  });

  test.each([
    ["prompt_tokens", 100_000, 0],
    ["prompt_tokens", 100_001, 1],
    ["completion_tokens", 50_000, 0],
    ["completion_tokens", 50_001, 1],
    ["reasoning_tokens", 100_000, 0],
    ["reasoning_tokens", 100_001, 1],
  ])("%s of %i is reported %i times", async (column, value, expected) => {
    const rows = calls(40, (i) => ({ reasoning_tokens: 30 + i, ...(i === 7 ? { [column]: value } : {}) }));
    expect(await findings(rows)).toHaveLength(expected);
  });

  test("is silent on a model with a larger context once it is configured", async () => {
    const rows = calls(40, (i) => ({ model: "gemini-2.5-pro", prompt_tokens: 400_000 + i }));
    expect(await findings(rows)).toHaveLength(1);
    expect(await findings(rows, { options: { model_limits: ["gemini-*=1000000"] } })).toEqual([]);
    expect(await findings(rows, { options: { model_limits: ["claude-*=1000000"] } })).toHaveLength(1);
    expect(await findings(rows, { options: { max_input: 500_000 } })).toEqual([]);
  });

  test("says what is wrong with a limit that cannot be read", async () => {
    await expect(findings(calls(10), { options: { model_limits: ["gemini"] } })).rejects.toThrow(
      'model_limits: "gemini" is not of the form model=tokens',
    );
  });

  test("tables whose rows sum up calls have no limit", async () => {
    const rows = calls(40, (i) => ({ prompt_tokens: 9_000_000 + i, requests: 50 }));
    expect(await findings(rows, {}, "app.usage_daily")).toEqual([]);
  });
});

describe("token-out-of-range: placeholders", () => {
  const tiny = (count: number, of: number, more: Cells = {}) =>
    calls(of, (i) => (i < count ? { prompt_tokens: i % 2, ...more } : {}));

  test.each([
    [20, 40, 0],
    [21, 40, 1],
    [4, 4, 0],
    [5, 5, 1],
  ])("%i of %i calls with 0 or 1 input tokens: %i", async (count, of, expected) => {
    const found = await findings(tiny(count, of));
    expect(found).toHaveLength(expected);
    if (expected > 0)
      expect(found).toMatchObject([{ severity: "warning", evidence: { placeholders: count, rows: of } }]);
  });

  test("is silent where the cache holds the rest of the input", async () => {
    expect(
      await findings(tiny(30, 40, { cache_read_tokens: 5000 }).map((r) => ({ cache_read_tokens: 0, ...r }))),
    ).toEqual([]);
  });

  test("does not count failed calls or rows without any tokens", async () => {
    expect(await findings(tiny(30, 40, { status: "failed" }).map((r) => ({ status: "ok", ...r })))).toEqual(
      [],
    );
    expect(
      await findings(calls(40, (i) => (i < 30 ? { prompt_tokens: 0, completion_tokens: 0 } : {}))),
    ).toEqual([]);
  });

  test("does no harm with hostile names", async () => {
    const rows = tiny(30, 40, { model: `'; DROP TABLE x; --` });
    expect(await findings(rows, {}, `app.a"; DROP TABLE x; --`)).toHaveLength(1);
  });
});
