import { describe, expect, test } from "vitest";
import { type Cells, calls, TOKEN_TYPES as types } from "../kit/calls.ts";
import { type AuditOptions, auditTables } from "../kit/tables.ts";

const ZERO = { prompt_tokens: 0, completion_tokens: 0 };
const without = (lacks: boolean): Cells => (lacks ? ZERO : {});

async function findings(rows: Cells[], options: AuditOptions = {}) {
  return (await auditTables("zero-tokens", { "app.calls": { rows, types } }, options)).findings;
}

describe("zero-tokens", () => {
  test("says how many calls are zero, since when, and in which segment", async () => {
    const rows = calls(60, (i) => ({ ...without(i % 3 === 0), stream: i % 3 === 0 ? "true" : "false" }));
    const [finding, ...rest] = await findings(rows);
    expect(rest).toEqual([]);
    expect(finding).toMatchObject({
      severity: "warning",
      measure: { name: "zero_ratio", value: 1 / 3 },
      evidence: { zero: 20, ok_rows: 60, since: "2025-11-01T00:00:00Z", explained_by: "stream" },
    });
    expect(finding?.message).toContain('100 % of the rows with stream "true" against 0 % of the others');
    expect(finding?.sql).toContain("ORDER BY");
  });

  test("is silent on calls with tokens", async () => {
    expect(await findings(calls(60))).toEqual([]);
  });

  test.each([
    ["the newest eight", 200, (i: number) => i >= 192, 1],
    ["only the newest four", 200, (i: number) => i >= 196, 0],
    ["eight in a row, and sound ones after them", 200, (i: number) => i >= 180 && i < 188, 0],
  ])("tells a share below the limit by where it lies: %s", async (_, count, zero, expected) => {
    expect(await findings(calls(count, (i) => without(zero(i))))).toHaveLength(expected);
  });

  test.each([
    ["at the limit", 100, 5, 0],
    ["above the limit", 100, 6, 1],
    ["below min_rows", 4, 2, 0],
    ["at min_rows", 5, 2, 1],
  ])("%s: of %i calls %i are zero", async (_, count, lost, expected) => {
    const rows = calls(count, (i) => without(i % 2 === 1 && i < lost * 2));
    expect(await findings(rows)).toHaveLength(expected);
  });

  test.each([
    ["endpoint", "/v1/stream"],
    ["model", "gpt-4o-mini"],
    ["provider", "azure"],
    ["is_streaming", "true"],
  ])("finds one small segment by %s whose calls are all zero", async (name, value) => {
    const rows = calls(400, (i) => ({ ...without(i % 40 === 0), [name]: i % 40 === 0 ? value : "usual" }));
    const [finding] = await findings(rows);
    expect(finding).toMatchObject({
      evidence: { zero: 10, ok_rows: 400, explained_by: name, explained_values: [value] },
    });
  });

  test("is silent on a few zero calls spread over all segments", async () => {
    const rows = calls(400, (i) => ({ ...without(i % 40 === 0), model: `m${i % 7}` }));
    expect(await findings(rows)).toEqual([]);
  });

  test("is silent on a segment with fewer than min_rows zero calls", async () => {
    const rows = calls(400, (i) => ({ ...without(i % 100 === 0), model: i % 100 === 0 ? "rare" : "usual" }));
    expect(await findings(rows)).toEqual([]);
  });

  test("is silent on a client whose calls are zero: a client is no segment of calls", async () => {
    const rows = calls(400, (i) => ({
      ...without(i % 40 === 0),
      customer: i % 40 === 0 ? "acme" : `c${i % 9}`,
    }));
    expect(await findings(rows)).toEqual([]);
  });

  test("is silent on embeddings, whose output alone is zero", async () => {
    const rows = calls(60, (i) =>
      i % 2 === 0 ? { completion_tokens: 0, model: "text-embedding-3-small" } : { model: "gpt-4o" },
    );
    expect(await findings(rows)).toEqual([]);
  });

  test("is silent on cancelled and failed calls", async () => {
    const rows = calls(60, (i) => ({
      ...without(i % 2 === 0),
      cost: i % 2 === 0 ? 0 : 0.01,
      status: i % 4 === 0 ? "cancelled" : i % 4 === 2 ? "failed" : "success",
    }));
    expect(await findings(rows)).toEqual([]);
  });

  test("is silent on speech and images, which are not metered in tokens", async () => {
    const rows = calls(60, (i) => ({
      ...without(i % 2 === 0),
      model: i % 4 === 0 ? "whisper-1" : i % 4 === 2 ? "gpt-image-1" : "gpt-4o",
    }));
    expect(await findings(rows)).toEqual([]);
  });

  test("leaves rows without counts to missing-tokens", async () => {
    const rows = calls(60, (i) => (i % 2 === 0 ? { prompt_tokens: null, completion_tokens: null } : {}));
    expect(await findings(rows)).toEqual([]);
  });

  test("leaves parents that are zero while their children are not to zero-token-root", async () => {
    const rows = calls(60, (i) => ({
      ...without(i % 3 === 0),
      parent_id: i % 3 === 0 ? null : `call-${i - (i % 3)}`,
    }));
    expect(await findings(rows)).toEqual([]);
  });

  test("counts a half-recorded zero: one count 0, the other NULL", async () => {
    const rows = calls(60, (i) => (i % 2 === 0 ? { prompt_tokens: null, completion_tokens: 0 } : {}));
    expect(await findings(rows)).toMatchObject([{ evidence: { zero: 30 } }]);
  });

  test("works where only a total is recorded", async () => {
    const rows = calls(20, (i) => ({ total_tokens: i % 2 === 0 ? 0 : 50 })).map(
      ({ prompt_tokens: _, completion_tokens: __, ...row }) => row,
    );
    const { findings: found } = await auditTables("zero-tokens", { "app.calls": { rows } });
    expect(found).toMatchObject([{ evidence: { zero: 10 } }]);
  });

  test("does not look at a table whose rows sum up calls", async () => {
    const { outcomes } = await auditTables("zero-tokens", {
      "app.usageDaily": { rows: calls(20, () => ZERO), types },
    });
    expect(outcomes).toMatchObject([{ status: "skipped" }]);
  });

  test("does no harm with hostile names and values", async () => {
    const rows = calls(40, (i) => ({ ...without(i % 2 === 0), model: i % 2 === 0 ? `"; --\u001b` : "m'" }));
    const { findings: found } = await auditTables("zero-tokens", { [`app.x"y; --`]: { rows, types } });
    expect(found).toMatchObject([{ evidence: { zero: 20, explained_by: "model" } }]);
  });
});

test("is silent about roots without children where roots are sessions and carry nothing", async () => {
  const rows = Array.from({ length: 12 }, (_, i) => [
    {
      id: `root_${i}`,
      parent_id: null,
      tokens_in: 0,
      tokens_out: 0,
      created_at: `2025-01-02T0${i % 10}:00:00Z`,
    },
    // Every other session has calls below its root.
    ...(i % 2 === 0
      ? [
          {
            id: `call_${i}`,
            parent_id: `root_${i}`,
            tokens_in: 900,
            tokens_out: 80,
            created_at: `2025-01-02T0${i % 10}:01:00Z`,
          },
        ]
      : []),
  ]).flat();
  const { findings } = await auditTables("zero-tokens", { "db.traces": { rows } });
  expect(findings).toEqual([]);
});
