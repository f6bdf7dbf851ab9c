import { describe, expect, test } from "vitest";
import { type Cells, calls, TOKEN_TYPES } from "../kit/calls.ts";
import { type AuditOptions, auditTables } from "../kit/tables.ts";

async function findings(rows: Cells[], options: AuditOptions = {}, name = "app.calls") {
  const types = { ...TOKEN_TYPES, cost: "DOUBLE" };
  return (await auditTables("unpriced-usage", { [name]: { rows, types } }, options)).findings;
}

/** Calls at 3 and 15 dollars per million tokens. */
const priced = (count: number, more: (i: number) => Record<string, Cells[string] | undefined> = () => ({})) =>
  calls(count, (i) => {
    const [input, output] = [900 + ((i * 37) % 211), 40 + ((i * 53) % 97)];
    return { model: i % 2 ? "a" : "b", cost: (input * 3 + output * 15) / 1e6, ...more(i) };
  });

describe("unpriced-usage: no cost", () => {
  test.each([
    ["0", 0],
    ["NULL", null],
  ])("counts the calls of an unknown model whose cost is %s", async (_, cost) => {
    const rows = priced(60, (i) => (i % 6 === 0 ? { model: "brand-new", cost } : {}));
    const [finding, ...rest] = await findings(rows);
    expect(rest).toEqual([]);
    expect(finding).toMatchObject({
      severity: "warning",
      measure: { name: "unpriced_ratio", value: 10 / 60 },
      evidence: { unpriced: 10, rows: 60, models: [{ model: "brand-new", unpriced: 10, rows: 10 }] },
      location: { column: "cost" },
    });
    expect(finding?.message).toContain('"brand-new" in 10 of 10 calls');
  });

  test("counts some calls of a model that is priced elsewhere", async () => {
    const rows = priced(60, (i) => (i % 12 === 0 ? { cost: 0 } : {}));
    expect(await findings(rows)).toMatchObject([
      { evidence: { unpriced: 5, models: [{ model: "b", rows: 30 }] } },
    ]);
  });

  test("is silent on a free model once it is configured, if all its rows are 0", async () => {
    const options = { options: { free_models: ["llama*"] } };
    const local = priced(60, (i) => (i % 6 === 0 ? { model: "llama3.1:8b", cost: 0 } : {}));
    expect(await findings(local)).toHaveLength(1);
    expect(await findings(local, options)).toEqual([]);
    const partly = priced(60, (i) =>
      i % 3 === 0 ? { model: "llama3.1:8b", ...(i % 6 === 0 ? { cost: 0 } : {}) } : {},
    );
    expect(await findings(partly, options)).toHaveLength(1);
  });

  test.each([
    ["the name of the model", { model: "ollama/llama3", cost: 0 }],
    ["the provider", { model: "llama3", provider: "ollama", cost: 0 }],
    ["the mark of a free offer", { model: "deepseek-r1:free", cost: 0 }],
  ])("is silent where %s says that it is free", async (_, local) => {
    const mixed = (count: number, cells: Cells) =>
      priced(count, (i) => ({ provider: "openai", ...(i % 6 === 0 ? cells : {}) }));
    expect(await findings(mixed(60, local))).toEqual([]);
    expect(await findings(mixed(60, { ...local, model: "llama3", provider: "groq" }))).toHaveLength(1);
  });

  test("takes no price from a call whose tokens are negative", async () => {
    const rows = priced(120, (i) => (i % 20 === 0 ? { prompt_tokens: 1000, completion_tokens: -245 } : {}));
    expect(await findings(rows)).toEqual([]);
  });

  test("is silent on priced calls and on a cost column that holds nothing", async () => {
    expect(await findings(priced(60))).toEqual([]);
    expect(await findings(priced(60, () => ({ cost: null })))).toEqual([]);
  });

  test("tells a table in which every cost is 0 as info", async () => {
    expect(await findings(priced(60, () => ({ cost: 0 })))).toMatchObject([
      { severity: "info", title: "No usage has a cost" },
    ]);
  });

  test("is silent on calls so small that their cost rounds to 0", async () => {
    const rows = priced(60, (i) => (i % 6 === 0 ? { prompt_tokens: 3, completion_tokens: 1 } : {}));
    const rounded = rows.map((row) => ({
      ...row,
      cost: Math.round((Number(row.prompt_tokens) * 3 + Number(row.completion_tokens) * 15) / 1e2) / 1e4,
    }));
    expect(rounded.filter((row) => row.cost === 0)).toHaveLength(10);
    expect(await findings(rounded)).toEqual([]);
  });

  test("is silent on calls without tokens, failed calls and answers from a cache", async () => {
    const odd: Cells[] = [
      { prompt_tokens: 0, completion_tokens: 0 },
      { status: "failed" },
      { cache_hit: "True" },
    ];
    const rows = priced(90, (i) => ({
      status: "ok",
      cache_hit: "False",
      ...(i % 5 === 0 ? { cost: 0, ...odd[(i / 5) % 3] } : {}),
    }));
    expect(await findings(rows)).toEqual([]);
  });

  test.each([
    [4, 0],
    [5, 1],
  ])("of a model with %i calls reports %i", async (count, expected) => {
    const rows = priced(60, (i) => (i < count ? { model: "rare", cost: 0 } : {}));
    expect(await findings(rows)).toHaveLength(expected);
  });

  test("is silent on tables whose rows sum up calls, and takes hostile names", async () => {
    const rows = priced(60, (i) => (i % 6 === 0 ? { model: `'; DROP TABLE x; --`, cost: 0 } : {}));
    expect(await findings(rows, {}, "app.usage_daily")).toEqual([]);
    expect(await findings(rows, {}, `app.a"; --`)).toMatchObject([{ evidence: { unpriced: 10 } }]);
  });
});

describe("unpriced-usage: prices that jump", () => {
  test.each([
    ["a few rows in another unit", (i: number) => (i % 20 === 1 ? 1000 : 1), 3],
    ["a few rows at a hundredth", (i: number) => (i % 20 === 1 ? 0.01 : 1), 3],
    ["half of the rows", (i: number) => (i < 30 ? 1 : 20), 15],
  ])("reports %s", async (_, factor, odd) => {
    const rows = priced(60).map((row, i) => ({ ...row, cost: Number(row.cost) * factor(i) }));
    const found = (await findings(rows)).filter((f) => f.title === "The price of a model jumps");
    expect(found).toHaveLength(1);
    expect(found[0]?.evidence.models).toMatchObject([
      { model: "a", odd_prices: odd },
      ...(odd === 15 ? [{ model: "b" }] : []),
    ]);
  });

  test("is silent on prices that differ by model, by the mix of tokens and by the cache", async () => {
    const rows = calls(200, (i) => {
      const [input, output] = [50 + ((i * 3701) % 9000), 5 + ((i * 533) % 2000)];
      const cached = i % 3 === 0 ? Math.floor(input * 0.9) : 0;
      const price = i % 2 ? 1 : 60;
      return {
        model: i % 2 ? "small" : "large",
        prompt_tokens: input,
        completion_tokens: output,
        cache_read_tokens: cached,
        cost: ((input - cached + cached / 10 + output * 5) * price) / 1e6,
      };
    });
    expect(await findings(rows)).toEqual([]);
  });
});
