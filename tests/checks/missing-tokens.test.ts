import { describe, expect, test } from "vitest";
import { at, type Cells, calls, TOKEN_TYPES as types } from "../kit/calls.ts";
import { type AuditOptions, auditTables } from "../kit/tables.ts";

const NONE = { prompt_tokens: null, completion_tokens: null };
const without = (lacks: boolean): Cells => (lacks ? NONE : {});

async function findings(rows: Cells[], options: AuditOptions = {}) {
  return (await auditTables("missing-tokens", { "app.calls": { rows, types } }, options)).findings;
}

describe("missing-tokens", () => {
  test("says how many rows lack tokens, since when, and which row was the last that had them", async () => {
    const [finding, ...rest] = await findings(calls(95, (i) => without(i > 0)));
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

  test("gives a query over the source table, in its own names", async () => {
    const [finding] = await findings(calls(10, (i) => without(i >= 5)));
    expect(finding?.sql).toMatch(
      /FROM "app"\."calls" WHERE "prompt_tokens" IS NULL AND "completion_tokens" IS NULL/,
    );
  });

  test("is silent on a table where every call has tokens", async () => {
    expect(await findings(calls(50))).toEqual([]);
  });

  test("reports a table in which no row ever had tokens", async () => {
    const [finding] = await findings(calls(20, () => NONE));
    expect(finding?.message).toContain("20 of 20 succeeded rows (100 %)");
    expect(finding?.message).toContain("no row has any");
    expect(finding?.evidence).toMatchObject({ last_with: null, since: "2025-11-01T00:00:00Z" });
  });

  test("dates the loss to the first row without tokens where later rows have them again", async () => {
    const [finding] = await findings(calls(60, (i) => without(i >= 20 && i < 40)));
    expect(finding?.evidence).toMatchObject({
      since: "2025-11-01T20:00:00Z",
      last_with: "2025-11-03T11:00:00Z",
    });
  });

  test.each([
    ["at the limit", 100, 5, 0],
    ["above the limit", 100, 6, 1],
    ["below min_rows", 4, 2, 0],
    ["at min_rows", 5, 2, 1],
  ])("%s: of %i calls %i lack tokens", async (_, count, lost, expected) => {
    const rows = calls(count, (i) => without(i % 2 === 1 && i < lost * 2));
    expect(await findings(rows)).toHaveLength(expected);
  });

  test.each([
    ["a few hours", 8, 200, "info"],
    ["two days", 50, 1500, "warning"],
  ])(
    "tells when the newest calls lack tokens for %s, though that is no large share",
    async (_, newest, count, severity) => {
      const [finding, ...rest] = await findings(calls(count, (i) => without(i >= count - newest || i === 3)));
      expect(rest).toEqual([]);
      expect(finding?.severity).toBe(severity);
      expect(finding?.message).toMatch(
        new RegExp(
          `^The newest ${newest} calls have no token counts, since .*; of the .* calls before them 1 has none\\.`,
        ),
      );
    },
  );

  test.each<[string, number, (i: number) => Cells]>([
    ["only four of them", 200, (i) => without(i >= 196)],
    [
      "calls in flight when the copy was made",
      200,
      (i) => ({ ...without(i >= 193), ...(i >= 193 ? { created_at: at(3600 * 193 + i) } : {}) }),
    ],
    [
      "five of them, in a table in which one in forty lacks them anyway",
      300,
      (i) => without(i % 40 === 3 || i >= 295),
    ],
    ["calls that have them again later", 300, (i) => without(i >= 285 && i < 293)],
  ])("is silent when the newest calls lack tokens: %s", async (_, count, more) => {
    expect(await findings(calls(count, more))).toEqual([]);
  });

  test("tells a loss that ended as a span, and when it ended", async () => {
    const [finding] = await findings(calls(100, (i) => without(i >= 40 && i < 60)));
    expect(finding?.onset).toMatchObject({
      earliest: "2025-11-02T15:00:00Z",
      latest: "2025-11-02T16:00:00Z",
      until: "2025-11-03T11:00:00Z",
    });
    expect(finding?.message).toContain("most of them from 2025-11-02 16:00:00 to 2025-11-03 11:00:00");
  });

  test("counts only calls that succeeded", async () => {
    const words = ["failed", "cancelled", "pending", "timeout"];
    const rows = calls(40, (i) => ({
      ...without(i % 2 === 1),
      status: i % 2 === 0 ? "succeeded" : (words[(i >> 1) % 4] ?? ""),
    }));
    expect(await findings(rows)).toEqual([]);
  });

  test("counts rows with a NULL status as calls that succeeded", async () => {
    const rows = calls(20, (i) => ({ ...without(i >= 10), status: i < 10 ? "success" : null }));
    expect((await findings(rows))[0]?.evidence).toMatchObject({ missing: 10, ok_rows: 20 });
  });

  test("is silent on calls that have not ended, where the table has no status", async () => {
    const rows = calls(40, (i) => ({
      ...without(i >= 34),
      completed_at: i < 34 ? "2025-11-09 00:00:00" : null,
    }));
    expect(await findings(rows)).toEqual([]);
  });

  test("tells rows older than the first value as a column that was added later", async () => {
    const [finding, ...rest] = await findings(calls(60, (i) => without(i < 40)));
    expect(rest).toEqual([]);
    expect(finding).toMatchObject({
      severity: "info",
      title: "Token counts begin later than the rows",
      evidence: { missing: 40, before_first: 40, first_with: "2025-11-02T16:00:00Z", since: null },
    });
  });

  test("reports a loss that follows a column that was added later", async () => {
    const [finding] = await findings(calls(60, (i) => without(i < 20 || i >= 40)));
    expect(finding).toMatchObject({ severity: "error", evidence: { missing: 40, before_first: 20 } });
  });

  test("names the value of a dimension that tells the rows apart", async () => {
    const rows = calls(60, (i) => ({
      ...without(i % 3 === 0),
      endpoint: i % 3 === 0 ? "/v1/stream" : "/v1/chat",
      region: i % 2 === 0 ? "eu" : "us",
    }));
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
    const rows = calls(60, (i) => ({
      ...without(i % 3 === 0),
      region: i % 2 === 0 ? "eu" : "us",
      batch: `b${i % 30}`,
    }));
    const [finding] = await findings(rows);
    expect(finding?.evidence).not.toHaveProperty("explained_by");
    expect(finding?.message).not.toContain("against");
  });

  test.each([
    ["app.usageDaily", {}],
    ["app.sessions", {}],
    ["app.token_usage", { api_requests: 3 }],
  ])("does not look at %s, whose rows sum up calls", async (name, more) => {
    const rows = calls(20, () => ({ ...NONE, ...more }));
    const { outcomes } = await auditTables("missing-tokens", { [name]: { rows, types } });
    expect(outcomes).toMatchObject([{ status: "skipped" }]);
  });

  test("does not count parents that leave the tokens to their children", async () => {
    const rows = calls(60, (i) => ({
      ...without(i % 3 === 0),
      parent_id: i % 3 === 0 ? null : `call-${i - (i % 3)}`,
    }));
    expect(await findings(rows)).toEqual([]);
  });

  test("does not count spans without a model where spans with tokens name one", async () => {
    const rows = calls(60, (i) => ({
      ...without(i % 3 !== 1),
      parent_id: i % 3 === 0 ? null : `call-${i - (i % 3)}`,
      model: i % 3 === 1 ? "gpt-4o" : null,
    }));
    expect(await findings(rows)).toEqual([]);
  });

  test("does not count images, or answers from a cache", async () => {
    const rows = calls(60, (i) => ({
      ...without(i % 3 === 0),
      model: i % 6 === 0 ? "dall-e-3" : "gpt-4o",
      cache_hit: i % 6 === 3 ? "True" : "False",
    }));
    expect(await findings(rows)).toEqual([]);
  });

  test("takes a row with any one token count as a row with tokens", async () => {
    expect(await findings(calls(20, () => ({ ...NONE, total_tokens: 12 })))).toEqual([]);
  });

  test("does no harm with hostile names and values", async () => {
    const rows = calls(20, (i) => ({
      ...without(i >= 10),
      [`x"; DROP TABLE calls; --`]: i < 10 ? `'; DELETE` : `\u001b[31m"red`,
    }));
    const { findings: found } = await auditTables("missing-tokens", {
      [`app.a"; DROP TABLE x; --`]: { rows, types },
    });
    expect(found).toMatchObject([{ evidence: { missing: 10 } }]);
  });

  test("works on a table without times", async () => {
    const rows = calls(20, (i) => without(i >= 10)).map(({ created_at: _, ...row }) => row);
    const [finding] = await findings(rows);
    expect(finding?.message).toBe("10 of 20 succeeded rows (50 %) have no token counts.");
    expect(finding?.timeline).toBeUndefined();
  });
});
