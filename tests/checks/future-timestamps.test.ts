import { describe, expect, test } from "vitest";
import { type Cells, calls } from "../kit/calls.ts";
import { type AuditOptions, auditTables, type TableData } from "../kit/tables.ts";

/** The last of 20 hourly calls is from 2025-11-01 19:00:00. */
async function findings(
  now: string,
  rows: Cells[] = calls(20),
  options: AuditOptions = {},
  name = "app.calls",
) {
  const data: TableData = { rows };
  return (
    await auditTables(
      "future-timestamps",
      { [name]: data },
      { ...options, settings: { now, ...options.settings } },
    )
  ).findings;
}

describe("future-timestamps", () => {
  test("says how many rows are later than now, and by how much", async () => {
    const [finding, ...rest] = await findings("2025-11-01T12:00:00Z");
    expect(rest).toEqual([]);
    expect(finding).toMatchObject({
      severity: "warning",
      measure: { name: "future_rows", value: 7 },
      evidence: { future_rows: 7, rows: 20, last: "2025-11-01T19:00:00Z", ahead_seconds: 25_200 },
      location: { column: "created_at" },
    });
    expect(finding?.message).toBe(
      "7 of 20 rows (35 %) are later than now (2025-11-01 12:00:00); the latest, from 2025-11-01 19:00:00, by 7 h. Local times of a zone 7 hours or more ahead of UTC, read as UTC, look like that.",
    );
    expect(finding?.samples?.[0]).toMatchObject({ row: 20, time: "2025-11-01T19:00:00Z" });
  });

  test.each([
    ["2025-11-01T19:00:00Z", {}, 0],
    ["2025-11-01T18:55:00Z", {}, 0],
    ["2025-11-01T18:54:59Z", {}, 1],
    ["2025-11-01T18:54:59Z", { tolerance: 3600 }, 0],
  ])("at %s with options %j reports %i", async (now, options, expected) => {
    expect(await findings(now, calls(20), { options })).toHaveLength(expected);
  });

  test("uses now also where only files are read", async () => {
    expect(await findings("2025-11-01T12:00:00Z", calls(20), { settings: { nowGiven: false } })).toHaveLength(
      1,
    );
  });

  test("names no zone where the difference is longer than any", async () => {
    const [finding] = await findings("2024-11-01T12:00:00Z");
    expect(finding?.message).not.toContain("zone");
  });

  test("is silent on the bucket of a local day that has begun elsewhere", async () => {
    const days = Array.from({ length: 20 }, (_, i) => ({
      date: `2025-11-${String(i + 1).padStart(2, "0")}`,
      prompt_tokens: 1000 + i,
      completion_tokens: 500 + i,
      api_requests: 10 + i,
    }));
    expect(await findings("2025-11-19T13:00:00Z", days, {}, "app.usage_daily")).toEqual([]);
    expect(await findings("2025-11-18T09:00:00Z", days, {}, "app.usage_daily")).toHaveLength(1);
  });

  test("takes rows without a time, times without end and a hostile table name", async () => {
    const rows = calls(20, (i) =>
      i === 3 ? { created_at: null } : i === 4 ? { created_at: "infinity" } : {},
    );
    const { findings: found } = await auditTables(
      "future-timestamps",
      { [`app.t"; DROP TABLE x; --`]: { rows, types: { created_at: "TIMESTAMP" } } },
      { settings: { now: "2025-11-01T12:00:00Z" } },
    );
    expect(found).toMatchObject([{ evidence: { future_rows: 7 } }]);
  });
});
