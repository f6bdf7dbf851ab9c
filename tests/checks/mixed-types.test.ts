import { describe, expect, test } from "vitest";
import { type Cells, calls } from "../kit/calls.ts";
import { auditTables, type TableData } from "../kit/tables.ts";

async function findings(rows: Cells[], data: Partial<TableData> = {}, name = "app.calls") {
  return (await auditTables("mixed-types", { [name]: { rows, ...data } })).findings;
}

const SECOND = 1_762_000_000;
const iso = (i: number) => new Date((SECOND + i * 60) * 1000).toISOString();

/** The three spellings of the same instant that two writers of one column may use. */
const SPELLINGS: Record<string, (i: number) => string> = {
  "epoch seconds": (i) => String(SECOND + i * 60),
  "epoch milliseconds": (i) => String((SECOND + i * 60) * 1000),
  "epoch microseconds": (i) => String((SECOND + i * 60) * 1_000_000),
  "times with a zone": (i) => iso(i),
  "times without a zone": (i) => iso(i).slice(0, 19),
};
const PAIRS = Object.keys(SPELLINGS).flatMap((a, i) =>
  Object.keys(SPELLINGS)
    .slice(i + 1)
    .map((b) => [a, b] as const),
);

describe("mixed-types: times", () => {
  test.each(PAIRS)("reports %s beside %s in one column", async (usual, odd) => {
    const rows = calls(40, (i) => ({ created_at: (i % 8 === 3 ? SPELLINGS[odd] : SPELLINGS[usual])?.(i) }));
    const [finding, ...rest] = await findings(rows, { types: { created_at: "VARCHAR" } });
    expect(rest).toEqual([]);
    expect(finding).toMatchObject({
      severity: "warning",
      measure: { name: "odd_values", value: 5 },
      evidence: { values: 40, odd_values: 5, kinds: { [usual]: 35, [odd]: 5 } },
      location: { column: "created_at" },
    });
  });

  test.each(Object.keys(SPELLINGS))("is silent on %s alone", async (name) => {
    const rows = calls(40, (i) => ({ created_at: SPELLINGS[name]?.(i) }));
    expect(await findings(rows, { types: { created_at: "VARCHAR" } })).toEqual([]);
  });

  test("reports seconds and milliseconds in a column of integers, and not a zero", async () => {
    const integers = (odd: number) => calls(40, (i) => ({ created_at: i === 9 ? odd : SECOND + i }));
    expect(await findings(integers(SECOND * 1000))).toMatchObject([
      { evidence: { kinds: { "epoch seconds": 39, "epoch milliseconds": 1 } } },
    ]);
    expect(await findings(integers(0))).toEqual([]);
  });

  test.each([
    ["plain dates beside times", (i: number) => (i % 4 ? iso(i).slice(0, 19) : iso(i).slice(0, 10))],
    ["Z beside +00:00", (i: number) => (i % 4 ? iso(i) : iso(i).replace("Z", "+00:00"))],
    ["T beside a blank", (i: number) => (i % 4 ? iso(i) : iso(i).replace("T", " "))],
    ["fractions beside whole seconds", (i: number) => (i % 4 ? iso(i).slice(0, 23) : iso(i).slice(0, 19))],
  ])("is silent on %s", async (_, spell) => {
    expect(await findings(calls(40, (i) => ({ created_at: spell(i) })))).toEqual([]);
  });
});

describe("mixed-types: numbers", () => {
  test("reports text in a token column, and shows its length only", async () => {
    const rows = calls(40, (i) => ({ prompt_tokens: i === 7 ? "see attachment" : String(100 + i) }));
    const [finding, ...rest] = await findings(rows, {
      types: { prompt_tokens: "VARCHAR" },
      storage: { prompt_tokens: { integer: 39, text: 1 } },
    });
    expect(rest).toEqual([]);
    expect(finding).toMatchObject({
      title: "A number column holds text",
      evidence: { kinds: { numbers: 39, text: 1 }, storage: { integer: 39, text: 1 } },
      samples: [{ text_length: 14, n: 1 }],
      location: { column: "prompt_tokens" },
    });
    expect(JSON.stringify(finding?.samples)).not.toContain("attachment");
  });

  test("takes what stands for no value in a text file as no value", async () => {
    const words = ["N/A", "-", "", "null", "None"];
    const rows = calls(40, (i) => ({ prompt_tokens: i % 8 === 0 ? (words[i >> 3] ?? "") : String(100 + i) }));
    expect(await findings(rows, { types: { prompt_tokens: "VARCHAR" } })).toEqual([]);
  });

  test("is silent on whole numbers beside fractions and on typed columns", async () => {
    expect(
      await findings(
        calls(40, (i) => ({ cost: i % 2 ? "1" : "0.25" })),
        { types: { cost: "VARCHAR" } },
      ),
    ).toEqual([]);
    expect(await findings(calls(40))).toEqual([]);
  });

  test("is silent on a column that no declaration and no role makes a number", async () => {
    const rows = calls(40, (i) => ({ value: i % 2 ? "on" : "17" }));
    expect(await findings(rows, { storage: { value: { integer: 20, text: 20 } } })).toEqual([]);
  });

  test("does no harm with hostile names and values", async () => {
    const rows = calls(40, (i) => ({
      prompt_tokens: i === 7 ? `'; DROP TABLE x; --\u001b[0m` : String(100 + i),
    }));
    expect(
      await findings(rows, { types: { prompt_tokens: "VARCHAR" } }, `app.a"; DROP TABLE x; --`),
    ).toHaveLength(1);
  });
});
