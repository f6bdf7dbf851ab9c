import { describe, expect, test } from "vitest";
import { type Cells, calls } from "../kit/calls.ts";
import { type AuditOptions, auditTables } from "../kit/tables.ts";

interface Parts {
  i: number;
  o: number;
  r: number;
  cr: number;
  cw: number;
}

/** Calls with every part; `total(parts, index)` is what the total column says. */
function rows(
  count: number,
  total: (p: Parts, index: number) => number | null,
  more: (index: number) => Cells = () => ({}),
): Cells[] {
  return calls(count, (index) => {
    const p = {
      i: 500 + ((index * 37) % 211),
      o: 40 + ((index * 53) % 97),
      r: index % 3 === 0 ? 20 + (index % 11) : 0,
      cr: index % 2 === 0 ? 300 + (index % 17) : 0,
      cw: index % 5 === 0 ? 70 + (index % 13) : 0,
    };
    return {
      prompt_tokens: p.i,
      completion_tokens: p.o,
      reasoning_tokens: p.r,
      cache_read_tokens: p.cr,
      cache_write_tokens: p.cw,
      total_tokens: total(p, index),
      ...more(index),
    };
  });
}

async function findings(data: Cells[], options: AuditOptions = {}) {
  return (await auditTables("token-sum-mismatch", { "app.calls": { rows: data } }, options)).findings;
}

describe("token-sum-mismatch", () => {
  test.each([
    ["input + output", (p: Parts) => p.i + p.o],
    ["input + output + reasoning", (p: Parts) => p.i + p.o + p.r],
    ["input + output + cache", (p: Parts) => p.i + p.o + p.cr + p.cw],
    ["input + output + reasoning + cache", (p: Parts) => p.i + p.o + p.r + p.cr + p.cw],
  ])("learns %s, accepts it, and reports the rows that deviate", async (name, sum) => {
    expect(await findings(rows(40, sum))).toEqual([]);
    const [finding] = await findings(rows(40, (p, index) => sum(p) + (index % 13 === 5 ? 8 : 0)));
    expect(finding).toMatchObject({
      severity: "warning",
      location: { column: "total_tokens" },
      measure: { name: "mismatch_ratio", value: 3 / 40 },
      evidence: { mismatched: 3, rows: 40, identity: name, difference_min: 8, difference_max: 8 },
    });
    expect(finding?.samples?.map((row) => row.row)).toEqual([6, 19, 32]);
    expect(finding?.message).toContain(`is not ${name}; each is off by +8`);
  });

  test("says when the totals of some rows leave out cache writes", async () => {
    const [finding] = await findings(rows(60, (p) => p.i + p.o + p.cr));
    expect(finding?.evidence).toMatchObject({ mismatched: 12, identity: "input + output + cache" });
    expect(finding?.message).toContain("the total leaves out cache writes");
  });

  test("learns each model's own sum", async () => {
    const data = rows(
      60,
      (p, index) => p.i + p.o + (index % 2 === 0 ? p.cr + p.cw : p.r),
      (index) => ({ model: index % 2 === 0 ? "claude-sonnet" : "gemini-pro", provider: "gateway" }),
    );
    expect(await findings(data)).toEqual([]);
  });

  test("reports only the model whose rows deviate", async () => {
    const data = rows(
      60,
      (p, index) => p.i + p.o + (index % 2 === 0 && index < 10 ? 100 : 0),
      (index) => ({ model: index % 2 === 0 ? "a" : "b" }),
    );
    expect(await findings(data)).toMatchObject([
      { evidence: { mismatched: 5, rows: 60, models: 1, groups: [{ model: "a", rows: 30, mismatched: 5 }] } },
    ]);
  });

  test("is silent where the totals follow no known sum", async () => {
    expect(await findings(rows(40, (p, index) => p.i + p.o + 8 + (index % 4)))).toEqual([]);
  });

  test("is silent on rounded columns", async () => {
    // Parts and total are each rounded: the total of the rounded parts is off by one in either direction.
    expect(await findings(rows(60, (p, index) => p.i + p.o + ([0, 1, 0, -1, 0][index % 5] ?? 0)))).toEqual(
      [],
    );
    const thousands = calls(60, (i) => ({
      prompt_tokens: 1000 * (5 + (i % 7)),
      completion_tokens: 1000 * (1 + (i % 3)),
      total_tokens: 1000 * (6 + (i % 7) + (i % 3) + ([0, 1, 0, 0, -1][i % 5] ?? 0)),
    }));
    const { findings: found } = await auditTables("token-sum-mismatch", { "app.calls": { rows: thousands } });
    expect(found).toEqual([]);
  });

  test("reports a single row that is off by one: one row is no rounding", async () => {
    expect(await findings(rows(40, (p, index) => p.i + p.o + (index === 7 ? 1 : 0)))).toHaveLength(1);
  });

  test("does not judge failed calls, rows without a total and rows that are all zero", async () => {
    const data = rows(
      60,
      (p, index) => (index % 6 === 0 ? null : index % 6 === 1 ? 0 : p.i + p.o),
      (index) => (index % 6 === 1 ? { status: "failed" } : { status: "success" }),
    );
    expect(await findings(data)).toEqual([]);
    const zeros = rows(
      20,
      (p, index) => (index < 10 ? 0 : p.i + p.o),
      (index) => (index < 10 ? { prompt_tokens: 0, completion_tokens: 0 } : ({} as Cells)),
    );
    expect(await findings(zeros)).toEqual([]);
  });

  test("does not take a NULL output for a zero", async () => {
    const data = rows(
      40,
      (p) => p.i + p.o,
      (index) => (index < 5 ? { completion_tokens: null } : ({} as Cells)),
    );
    expect(await findings(data)).toEqual([]);
  });

  test.each([
    [4, 0],
    [5, 1],
  ])("of %i rows with one that deviates, reports %i", async (count, expected) => {
    expect(await findings(rows(count, (p, index) => p.i + p.o + (index === 0 ? 50 : 0)))).toHaveLength(
      expected,
    );
  });

  test("in models too small to learn from, reports only rows that obey no sum at all", async () => {
    const few = (total: (p: Parts, index: number) => number) =>
      rows(12, total, (index) => ({ model: `m${index % 6}` }));
    expect(await findings(few((p, index) => p.i + p.o + (index % 6 === 0 ? p.cr + p.cw : 0)))).toEqual([]);
    expect(await findings(few((p, index) => p.i + p.o + (index === 3 ? 77 : 0)))).toMatchObject([
      { evidence: { mismatched: 1 } },
    ]);
  });

  test("takes counts of any size and hostile model names", async () => {
    const data = rows(
      20,
      (p, index) => (index === 0 ? Number.MAX_SAFE_INTEGER : p.i + p.o),
      () => ({ model: `'; DROP TABLE x; --"` }),
    );
    expect(await findings(data)).toMatchObject([{ evidence: { mismatched: 1 } }]);
  });

  test("counts NULL statuses and word statuses alike", async () => {
    const data = rows(
      40,
      (p, index) => p.i + p.o + (index === 4 ? 9 : 0),
      (index) => ({ status: index % 2 === 0 ? null : "ok" }),
    );
    expect(await findings(data)).toMatchObject([{ evidence: { mismatched: 1, rows: 40 } }]);
  });
});
