import { describe, expect, test } from "vitest";
import { type AuditOptions, auditTables, type TableData } from "../kit/tables.ts";

type Rows = TableData["rows"];

/** `count` calls one hour apart; `tokens(i)` gives a call's input and output, or null for none. */
function calls(
  count: number,
  tokens: (i: number) => [number | null, number | null],
  more: (i: number) => Rows[number] = () => ({}),
): Rows {
  return Array.from({ length: count }, (_, i) => {
    const [input, output] = tokens(i);
    return {
      id: `call-${i}`,
      created_at: new Date(Date.UTC(2025, 10, 1) + i * 3_600_000).toISOString().slice(0, 19),
      prompt_tokens: input,
      completion_tokens: output,
      ...more(i),
    };
  });
}

const types = { prompt_tokens: "BIGINT", completion_tokens: "BIGINT" };
const some: [number, number] = [120, 40];
const none: [null, null] = [null, null];

async function findings(rows: Rows, options: AuditOptions = {}, name = "app.calls") {
  return (await auditTables("missing-tokens", { [name]: { rows, types } }, options)).findings;
}

describe("missing-tokens", () => {
  test("says how many rows lack tokens, since when, and which row was the last that had them", async () => {
    const [finding, ...rest] = await findings(calls(95, (i) => (i === 0 ? some : none)));
    expect(rest).toEqual([]);
    expect(finding).toMatchObject({
      severity: "error",
      target: "app.calls",
      measure: { name: "missing_ratio", value: 94 / 95 },
      evidence: {
        missing: 94,
        ok_rows: 95,
        since: "2025-11-01T01:00:00Z",
        last_with: "2025-11-01T00:00:00Z",
      },
      location: { column: "prompt_tokens" },
    });
    expect(finding?.message).toBe(
      "94 of 95 succeeded rows (98.9 %) have no token counts, since 2025-11-01 01:00:00; the last row with tokens is from 2025-11-01 00:00:00.",
    );
    expect(finding?.samples?.[0]).toMatchObject({ row: 2, id: "call-1" });
    expect(finding?.samples).toHaveLength(5);
    expect(finding?.timeline?.lanes.map((lane) => lane.counts.reduce((a, b) => a + b))).toEqual([95, 1]);
  });

  test("gives a query over the source table in its own names that lists the rows", async () => {
    const { findings: found } = await auditTables("missing-tokens", {
      "app.calls": { rows: calls(10, (i) => (i < 5 ? some : none)), types },
    });
    expect(found[0]?.sql).toMatch(
      /FROM "app"\."calls" WHERE "prompt_tokens" IS NULL AND "completion_tokens" IS NULL/,
    );
  });

  test("is silent on a table where every call has tokens", async () => {
    expect(await findings(calls(50, () => some))).toEqual([]);
  });

  test("reports a table in which no row ever had tokens", async () => {
    const [finding] = await findings(calls(20, () => none));
    expect(finding?.message).toContain("20 of 20 succeeded rows (100 %)");
    expect(finding?.message).toContain("no row has any");
    expect(finding?.evidence).toMatchObject({ last_with: null, since: "2025-11-01T00:00:00Z" });
  });

  test.each([
    ["at the limit", 100, 5, 0],
    ["above the limit", 100, 6, 1],
    ["below min_rows", 4, 2, 0],
    ["at min_rows", 5, 2, 1],
  ])("%s: of %i calls %i lack tokens", async (_, count, lost, expected) => {
    expect(await findings(calls(count, (i) => (i % 2 === 1 && i < lost * 2 ? none : some)))).toHaveLength(
      expected,
    );
  });

  test("counts only calls that succeeded, and says which status words did", async () => {
    const rows = calls(
      40,
      (i) => (i % 2 === 0 ? some : none),
      (i) => ({
        status: i % 2 === 0 ? "succeeded" : (["failed", "cancelled", "pending", "timeout"][i % 4] ?? "error"),
      }),
    );
    expect(await findings(rows)).toEqual([]);
  });

  test("counts rows without a status as calls that succeeded", async () => {
    const rows = calls(
      20,
      (i) => (i < 10 ? some : none),
      (i) => ({ status: i < 10 ? "success" : null }),
    );
    expect((await findings(rows))[0]?.evidence).toMatchObject({ missing: 10, ok_rows: 20 });
  });

  test("is silent on calls that have not ended, where the table has no status", async () => {
    const rows = calls(
      40,
      (i) => (i < 34 ? some : none),
      (i) => ({ completed_at: i < 34 ? "2025-11-09 00:00:00" : null }),
    );
    expect(await findings(rows)).toEqual([]);
  });

  test("tells rows older than the first value as a column that was added later", async () => {
    const [finding, ...rest] = await findings(calls(60, (i) => (i < 40 ? none : some)));
    expect(rest).toEqual([]);
    expect(finding).toMatchObject({
      severity: "info",
      title: "Token counts begin later than the rows",
      evidence: { missing: 40, before_first: 40, first_with: "2025-11-02T16:00:00Z", since: null },
    });
  });

  test("reports a loss that follows a column that was added later", async () => {
    const [finding] = await findings(calls(60, (i) => (i < 20 || i >= 40 ? none : some)));
    expect(finding).toMatchObject({ severity: "error", evidence: { missing: 40, before_first: 20 } });
  });

  test("names the value of a dimension that tells the rows apart", async () => {
    const rows = calls(
      60,
      (i) => (i % 3 === 0 ? none : some),
      (i) => ({ endpoint: i % 3 === 0 ? "/v1/stream" : "/v1/chat", region: i % 2 === 0 ? "eu" : "us" }),
    );
    const [finding] = await findings(rows);
    expect(finding?.evidence).toMatchObject({
      explained_by: "endpoint",
      explained_values: ["/v1/stream"],
      explained_rate: 1,
      other_rate: 0,
    });
    expect(finding?.message).toContain('endpoint "/v1/stream"');
  });

  test("names no dimension where none tells the rows apart", async () => {
    const rows = calls(
      60,
      (i) => (i % 3 === 0 ? none : some),
      (i) => ({ region: i % 2 === 0 ? "eu" : "us", batch: `b${i % 30}` }),
    );
    const [finding] = await findings(rows);
    expect(finding?.evidence).not.toHaveProperty("explained_by");
    expect(finding?.message).not.toContain("against");
  });

  test.each([
    ["app.usageDaily", {}],
    ["app.sessions", {}],
    ["app.token_usage", { api_requests: 3 }],
  ])("does not look at %s, whose rows sum up calls", async (name, more) => {
    const result = await auditTables("missing-tokens", {
      [name]: {
        rows: calls(
          20,
          () => none,
          () => more,
        ),
        types,
      },
    });
    expect(result.outcomes).toMatchObject([{ status: "skipped" }]);
  });

  test("does not count parents that leave the tokens to their children", async () => {
    const rows = calls(
      60,
      (i) => (i % 3 === 0 ? none : some),
      (i) => ({ parent_id: i % 3 === 0 ? null : `call-${i - (i % 3)}` }),
    );
    expect(await findings(rows)).toEqual([]);
  });

  test("does not count spans without a model where spans with tokens name one", async () => {
    const rows = calls(
      60,
      (i) => (i % 3 === 1 ? some : none),
      (i) => ({
        parent_id: i % 3 === 0 ? null : `call-${i - (i % 3)}`,
        model: i % 3 === 1 ? "gpt-4o" : null,
      }),
    );
    expect(await findings(rows)).toEqual([]);
  });

  test("does not count images, speech or answers from a cache", async () => {
    const rows = calls(
      60,
      (i) => (i % 3 === 0 ? none : some),
      (i) => ({
        model: i % 6 === 0 ? "dall-e-3" : "gpt-4o",
        cache_hit: i % 6 === 3 ? "True" : "False",
      }),
    );
    expect(await findings(rows)).toEqual([]);
  });

  test("counts a row with any token count as one that has tokens", async () => {
    const rows = calls(
      20,
      () => none,
      () => ({ total_tokens: 12 }),
    );
    expect(await findings(rows)).toEqual([]);
  });

  test("does no harm with hostile names and values", async () => {
    const rows = calls(
      20,
      (i) => (i < 10 ? some : none),
      (i) => ({ [`x"; DROP TABLE calls; --`]: i < 10 ? `'; DELETE` : `\u001b[31m"red` }),
    );
    const { findings: found } = await auditTables("missing-tokens", {
      [`app.a"; DROP TABLE x; --`]: { rows, types },
    });
    expect(found).toHaveLength(1);
    expect(found[0]?.evidence).toMatchObject({ missing: 10 });
  });

  test("works on a table without times", async () => {
    const rows = calls(20, (i) => (i < 10 ? some : none)).map(({ created_at: _, ...row }) => row);
    const [finding] = await findings(rows);
    expect(finding?.message).toBe("10 of 20 succeeded rows (50 %) have no token counts.");
    expect(finding?.timeline).toBeUndefined();
  });
});
