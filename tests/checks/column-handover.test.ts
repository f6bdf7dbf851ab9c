import { describe, expect, test } from "vitest";
import { type Cells, calls } from "../kit/calls.ts";
import { auditTables } from "../kit/tables.ts";

async function findings(rows: Cells[], name = "app.calls") {
  const types = Object.fromEntries(
    Object.keys(Object.assign({}, ...rows)).flatMap((column) =>
      /token/.test(column) ? [[column, "BIGINT"]] : [],
    ),
  );
  return (await auditTables("column-handover", { [name]: { rows, types } })).findings;
}

/** 60 calls; `before(i)` says which rows have the old column, `after(i)` which have the new. */
const renamed = (old: string, next: string, before: (i: number) => boolean, after: (i: number) => boolean) =>
  calls(60, (i) => ({ [old]: before(i) ? 100 + i : null, [next]: after(i) ? 100 + i : null })).map(
    ({ prompt_tokens, ...row }) =>
      old === "prompt_tokens" ? { ...row, prompt_tokens: prompt_tokens ?? null } : row,
  );

describe("column-handover", () => {
  test("reports an attribute that was renamed, and which name is read", async () => {
    const rows = renamed(
      "gen_ai.usage.prompt_tokens",
      "gen_ai.usage.input_tokens",
      (i) => i < 40,
      (i) => i >= 40,
    );
    const [finding, ...rest] = await findings(rows);
    expect(rest).toEqual([]);
    expect(finding).toMatchObject({
      severity: "warning",
      evidence: {
        old_column: "gen_ai.usage.prompt_tokens",
        new_column: "gen_ai.usage.input_tokens",
        old_last: "2025-11-02T15:00:00Z",
        new_first: "2025-11-02T16:00:00Z",
        old_rows: 40,
        new_rows: 20,
      },
      location: { column: "gen_ai.usage.prompt_tokens" },
    });
    expect(finding?.message).toContain("is read as input tokens");
  });

  test("allows a few rows in which both or neither are filled", async () => {
    const both = renamed(
      "prompt_tokens",
      "input_tokens",
      (i) => i < 41,
      (i) => i >= 39,
    );
    expect(await findings(both)).toHaveLength(1);
    const neither = renamed(
      "prompt_tokens",
      "input_tokens",
      (i) => i < 39,
      (i) => i >= 41,
    );
    expect(await findings(neither)).toHaveLength(1);
  });

  test.each([
    ["optional columns", (i: number) => i < 40 && i % 3 === 0, (i: number) => i >= 40 && i % 3 === 0],
    ["columns that overlap", (i: number) => i < 50, (i: number) => i >= 30],
    ["columns with a long gap between them", (i: number) => i < 20, (i: number) => i >= 40],
    ["a column that ends and one that is always filled", (i: number) => i < 40, () => true],
    ["a column that begins and one that is always filled", () => true, (i: number) => i >= 40],
    ["columns that alternate", (i: number) => i % 2 === 0, (i: number) => i % 2 === 1],
  ])("is silent on %s", async (_, before, after) => {
    expect(await findings(renamed("prompt_tokens", "input_tokens", before, after))).toEqual([]);
  });

  test("is silent on columns of different types and on names with nothing in common", async () => {
    const types = calls(60, (i) => ({ region_name: i < 40 ? "eu" : null, region_code: i >= 40 ? 7 : null }));
    expect(await findings(types)).toEqual([]);
    const names = calls(60, (i) => ({ temperature: i < 40 ? 0.7 : null, retries: i >= 40 ? 1.5 : null }));
    expect(await findings(names)).toEqual([]);
  });

  test.each([
    [4, 0],
    [5, 1],
  ])("with %i rows of the new column reports %i", async (count, expected) => {
    const rows = renamed(
      "prompt_tokens",
      "input_tokens",
      (i) => i < 60 - count,
      (i) => i >= 60 - count,
    );
    expect(await findings(rows)).toHaveLength(expected);
  });

  test("does no harm with hostile names", async () => {
    const rows = renamed(
      `prompt_tokens"; --`,
      `input_tokens'; DROP TABLE x`,
      (i) => i < 40,
      (i) => i >= 40,
    );
    expect(await findings(rows, `app.a"; --`)).toHaveLength(1);
  });
});
