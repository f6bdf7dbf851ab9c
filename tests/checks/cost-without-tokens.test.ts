import { describe, expect, test } from "vitest";
import { type Cells, calls, TOKEN_TYPES as types } from "../kit/calls.ts";
import { type AuditOptions, auditTables } from "../kit/tables.ts";

async function findings(rows: Cells[], options: AuditOptions = {}, name = "app.calls") {
  return (await auditTables("cost-without-tokens", { [name]: { rows, types } }, options)).findings;
}

/** Calls that cost a cent; every fifth has these tokens. */
const paid = (tokens: Cells, more: (i: number) => Cells = () => ({}), count = 40) =>
  calls(count, (i) => ({ cost: 0.01, ...(i % 5 === 2 ? tokens : {}), ...more(i) }));
const ZERO = { prompt_tokens: 0, completion_tokens: 0 };

describe("cost-without-tokens", () => {
  test.each([
    ["0", ZERO],
    ["NULL", { prompt_tokens: null, completion_tokens: null }],
    ["0 and NULL", { prompt_tokens: 0, completion_tokens: null }],
  ])("counts calls with a cost and tokens that are %s, and what they cost", async (_, tokens) => {
    const [finding, ...rest] = await findings(paid(tokens));
    expect(rest).toEqual([]);
    expect(finding).toMatchObject({
      severity: "warning",
      measure: { name: "without_tokens_ratio", value: 0.2 },
      evidence: { without_tokens: 8, rows: 40, cost: 0.08, cost_all: 0.4 },
      location: { column: "cost" },
      samples: [{ row: 3 }, { row: 8 }, { row: 13 }, { row: 18 }, { row: 23 }],
    });
  });

  test("names the model that explains them", async () => {
    const rows = paid(ZERO, (i) => ({ model: i % 5 === 2 ? "sonar" : "gpt-4o" }));
    expect((await findings(rows))[0]?.message).toContain('model "sonar"');
  });

  test("is silent on models that are paid per request, once configured", async () => {
    const rows = paid(ZERO, (i) => ({ model: i % 5 === 2 ? "sonar-pro" : "gpt-4o" }));
    expect(await findings(rows, { options: { per_request: ["sonar*"] } })).toEqual([]);
    expect(await findings(rows, { options: { per_request: ["sonar"] } })).toHaveLength(1);
  });

  test("is silent on costs with tokens, and on calls without a cost", async () => {
    expect(await findings(calls(40, () => ({ cost: 0.01 })))).toEqual([]);
    expect(await findings(calls(40, (i) => (i % 5 === 2 ? { ...ZERO, cost: 0 } : { cost: 0.01 })))).toEqual(
      [],
    );
    expect(
      await findings(calls(40, (i) => (i % 5 === 2 ? { ...ZERO, cost: null } : { cost: 0.01 }))),
    ).toEqual([]);
  });

  test("is silent on images, cache hits, failed calls and calls with cache tokens alone", async () => {
    const odd: Cells[] = [
      { model: "dall-e-3" },
      { cache_hit: "True" },
      { status: "failed" },
      { cache_read_tokens: 900 },
    ];
    const rows = calls(80, (i) => ({
      cost: 0.01,
      model: "gpt-4o",
      cache_hit: "False",
      status: "success",
      cache_read_tokens: 0,
      ...(i % 5 === 2 ? { ...ZERO, ...odd[Math.floor(i / 5) % 4] } : {}),
    }));
    expect(await findings(rows)).toEqual([]);
  });

  test.each([
    [4, 0],
    [5, 1],
  ])("with %i priced calls reports %i", async (count, expected) => {
    expect(await findings(paid(ZERO, undefined, count))).toHaveLength(expected);
  });

  test("is silent on tables whose rows sum up calls, and takes NULL statuses and hostile names", async () => {
    expect(await findings(paid(ZERO), {}, "app.usage_daily")).toEqual([]);
    const rows = paid(ZERO, (i) => ({ status: i % 2 ? null : "ok", model: `'; DROP TABLE x; --` }));
    expect(await findings(rows, {}, `app.a"; --`)).toMatchObject([{ evidence: { without_tokens: 8 } }]);
  });
});
