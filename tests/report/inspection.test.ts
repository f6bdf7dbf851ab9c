import stringWidth from "string-width";
import { describe, expect, test } from "vitest";
import type { Rollup } from "../../src/contract/evidence.ts";
import type { InspectedTable, Inspection } from "../../src/contract/inspection.ts";
import { renderInspection } from "../../src/report/inspection.ts";
import { column, HOSTILE_TEXT, hostile, input, PLAIN, table, typical } from "./reports.ts";

const STATS = {
  count: 95,
  nulls: 94,
  zeros: 0,
  negatives: 0,
  min: 3984,
  median: 3984,
  p95: 3984,
  max: 3984,
  sum: 9007199254740993n,
};

function inspected(name: string, more: Partial<InspectedTable> = {}): InspectedTable {
  const { rows, timeRange, form } = table(name, name.split(".")[0]!, []);
  return {
    name,
    input: name.split(".")[0]!,
    form,
    rows,
    timeRange,
    rhythm: null,
    columns: [],
    usage: null,
    links: [],
    ...more,
  };
}

const LINK = {
  leftTable: "validations.validations",
  leftColumn: "job_id",
  rightTable: "app_log.lines",
  rightColumn: "id",
  matchedRatio: 0.982,
  how: "mentions",
};

const ROLLUP: Rollup = {
  rollup: "validations.usage_daily",
  detail: "validations.validations",
  grain: "day",
  measures: ["total_tokens"],
  keys: [],
  reason: "the name says usage per day",
};

const inspections: Record<string, Inspection> = {
  empty: {
    inputs: [input("usage", "usage.db", { rows: 0 })],
    tables: [],
    links: [],
    rollups: [],
    logs: [],
    now: typical.now,
    timezone: "UTC",
  },
  typical: {
    inputs: typical.inputs,
    tables: [
      inspected("validations.validations", {
        rhythm: {
          name: "rows",
          counts: [0, 3, 9, 1],
          from: "2025-11-23T16:28:11Z",
          to: "2025-11-30T19:42:10Z",
        },
        columns: [
          { ...column("token_usage_total", "total_tokens", "BIGINT"), stats: STATS },
          { ...column("job_id", "id"), stats: null },
          { ...column("created_at", "time", "TIMESTAMP"), stats: null },
          { ...column("note", null), stats: null },
          { ...column("blob", null, "BLOB"), loaded: false, stats: null },
        ],
        usage: {
          grain: null,
          format: null,
          statuses: [
            { value: "completed", rows: 90, withTokens: 1, counts: true, why: "a word for success" },
            { value: null, rows: 5, withTokens: 0, counts: false, why: "" },
          ],
          kinds: [],
          dimensions: [],
        },
      }),
      inspected("validations.empty", { rows: 0, timeRange: null }),
    ],
    links: [LINK],
    rollups: [ROLLUP],
    logs: [],
    now: typical.now,
    timezone: "UTC",
  },
  hostile: {
    inputs: hostile.inputs,
    tables: [
      inspected(HOSTILE_TEXT, {
        columns: [{ ...column(HOSTILE_TEXT, "id"), reason: HOSTILE_TEXT, stats: null }],
      }),
    ],
    links: [{ ...LINK, leftColumn: HOSTILE_TEXT }],
    rollups: [{ ...ROLLUP, reason: HOSTILE_TEXT }],
    logs: [],
    now: hostile.now,
    timezone: "UTC",
  },
};

describe("the inspection", () => {
  test.each(Object.entries(inspections))("that is %s", (_, inspection) => {
    expect(renderInspection(inspection, PLAIN)).toMatchSnapshot();
  });

  test.each([60, 80, 120])("keeps every line within %i columns and is harmless", (width) => {
    for (const inspection of Object.values(inspections)) {
      const text = renderInspection(inspection, { ...PLAIN, width, verbose: true });
      expect(text).not.toMatch(
        /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f]/,
      );
      for (const line of text.split("\n")) expect(stringWidth(line), line).toBeLessThanOrEqual(width);
    }
  });
});
