import { describe, expect, test } from "vitest";
import { type Cells, calls } from "../kit/calls.ts";
import { auditTables } from "../kit/tables.ts";

async function findings(rows: Cells[], name = "app.calls") {
  return (await auditTables("cache-token-semantics", { [name]: { rows } })).findings;
}

const context = (i: number) => 2000 + ((i * 977) % 9000);
const cached = (i: number) => Math.floor(context(i) * (0.3 + ((i * 13) % 65) / 100));
/** The cache is a part of the input, or stands beside the rest of it. */
const INSIDE = (i: number): Cells => ({ prompt_tokens: context(i), cache_read_tokens: cached(i) });
const BESIDE = (i: number): Cells => ({
  prompt_tokens: context(i) - cached(i),
  cache_read_tokens: cached(i),
});

describe("cache-token-semantics", () => {
  test("reports a table in which models count cached tokens in two ways", async () => {
    const rows = calls(60, (i) =>
      i % 3 ? { model: "gpt-4o", ...INSIDE(i) } : { model: "claude-opus", ...BESIDE(i) },
    );
    const [finding, ...rest] = await findings(rows);
    expect(rest).toEqual([]);
    expect(finding).toMatchObject({
      severity: "warning",
      measure: { name: "mixed_rows", value: 20 },
      evidence: { inside_rows: 40, beside_rows: 20 },
      location: { column: "cache_read_tokens" },
    });
    expect(finding?.message).toBe(
      '"gpt-4o" count cached tokens inside the input (40 calls), "claude-opus" beside it (20 calls): one column, two meanings.',
    );
  });

  test.each([
    ["inside", INSIDE],
    ["beside", BESIDE],
  ])("is silent where all models count it %s", async (_, tokens) => {
    expect(await findings(calls(60, (i) => ({ model: `m${i % 3}`, ...tokens(i) })))).toEqual([]);
  });

  test("does not judge a model whose cache is always small: it could be either", async () => {
    const rows = calls(60, (i) =>
      i % 2 ? { model: "a", ...BESIDE(i) } : { model: "b", prompt_tokens: 5000 + i, cache_read_tokens: 200 },
    );
    expect(await findings(rows)).toEqual([]);
  });

  test.each([
    [4, 0],
    [5, 1],
  ])("with %i calls of the other convention reports %i", async (count, expected) => {
    const rows = calls(60, (i) =>
      i < count ? { model: "claude", ...BESIDE(i * 7 + 5) } : { model: "gpt", ...INSIDE(i) },
    );
    expect(await findings(rows)).toHaveLength(expected);
  });

  test("reports calls without input where the cache is a part of the input", async () => {
    const rows = calls(60, (i) => ({
      model: "gpt-4o",
      ...INSIDE(i),
      ...(i % 10 === 3 ? { prompt_tokens: 0 } : {}),
    }));
    expect(await findings(rows)).toMatchObject([
      { title: "Calls read the cache and have no input", evidence: { no_input: 6, rows: 60 } },
    ]);
  });

  test("reports calls without input where most are so", async () => {
    const rows = calls(60, (i) => ({ ...BESIDE(i), ...(i % 4 ? { prompt_tokens: 0 } : {}) }));
    expect(await findings(rows)).toMatchObject([{ evidence: { no_input: 45 } }]);
  });

  test("is silent on an input of 0 now and then where the cache stands beside it", async () => {
    expect(
      await findings(calls(60, (i) => ({ ...BESIDE(i), ...(i % 10 === 3 ? { prompt_tokens: 0 } : {}) }))),
    ).toEqual([]);
  });

  test("is silent on failed calls, on calls without cache and on tables whose rows sum up calls", async () => {
    const mixed = (more: (i: number) => Cells = () => ({})) =>
      calls(60, (i) => ({ model: i % 2 ? "gpt" : "claude", ...(i % 2 ? INSIDE(i) : BESIDE(i)), ...more(i) }));
    expect(await findings(mixed((i) => ({ status: i % 2 ? "ok" : "failed" })))).toEqual([]);
    expect(await findings(mixed((i) => (i % 2 ? ({} as Cells) : { cache_read_tokens: 0 })))).toEqual([]);
    expect(await findings(mixed(), "app.usage_daily")).toEqual([]);
    expect(
      await findings(
        mixed((i) => ({ model: i % 2 ? `'; --` : `"; DROP TABLE x` })),
        `app.a"; --`,
      ),
    ).toHaveLength(1);
  });
});
