import { describe, expect, test } from "vitest";
import { at, type Cells, calls, TOKEN_TYPES } from "../kit/calls.ts";
import { type AuditOptions, auditTables } from "../kit/tables.ts";

async function findings(rows: Cells[], options: AuditOptions = {}, name = "app.calls") {
  return (await auditTables("duplicate-rows", { [name]: { rows, types: TOKEN_TYPES } }, options)).findings;
}

/** Calls of a few sessions and models, every minute. */
const healthy = (count = 60) =>
  calls(count, (i) => ({ created_at: at(i * 60), session_id: `s${i % 4}`, model: `m${i % 2}` }));

/** The rows, then these of them again. */
const again = (rows: Cells[], which: number[], more: (row: Cells, n: number) => Cells = (row) => row) => [
  ...rows,
  ...which.map((i, n) => more({ ...rows[i] } as Cells, n)),
];

describe("duplicate-rows: one id on several rows", () => {
  test("counts ids, rows and rows too many, and says which to keep", async () => {
    const copies = Array.from({ length: 115 }, () => 7);
    const [finding, ...rest] = await findings(again(healthy(), [...copies, 9]));
    expect(rest).toEqual([]);
    expect(finding).toMatchObject({
      severity: "error",
      measure: { name: "extra_rows", value: 116 },
      evidence: { ids: 2, rows: 118, extra_rows: 116, keep: "the row with the largest output" },
      location: { column: "id" },
    });
    expect(finding?.message).toContain("2 ids stand on 118 rows: 116 rows too many, which add");
    expect(finding?.samples?.[0]).toMatchObject({ place: 1, row: 8, id: "call-7" });
  });

  test("keeps the row with the largest output, not the first", async () => {
    const rows = again(healthy(), [3, 8], (row) => ({
      ...row,
      completion_tokens: Number(row.completion_tokens) + 400,
    }));
    const [finding] = await findings(rows);
    expect(finding).toMatchObject({ evidence: { ids: 2, rows: 4 } });
    expect(finding?.samples?.map((row) => [row.place, row.row])).toEqual([
      [1, 61],
      [2, 4],
      [1, 62],
      [2, 9],
    ]);
  });

  test("finds copies that were stored with the time of their import", async () => {
    const rows = again(healthy(), [3, 3, 3], (row, n) => ({ ...row, created_at: at(900_000 + n * 3600) }));
    expect(await findings(rows)).toMatchObject([{ evidence: { ids: 1, rows: 4, extra_rows: 3 } }]);
  });

  test("is silent on unique ids and on NULL ids", async () => {
    expect(await findings(healthy())).toEqual([]);
    expect(await findings(healthy().map((row) => ({ ...row, id: null })))).toEqual([]);
  });

  test("is silent on ids that are unique only within a session", async () => {
    const rows = healthy().map((row, i) => ({ ...row, id: `${Math.floor(i / 4)}` }));
    expect(await findings(rows)).toEqual([]);
  });

  test("is silent on an id that several calls share by design", async () => {
    const rows = healthy().map((row, i) => ({
      ...row,
      session_id: null,
      trace_id: `t${i >> 2}`,
      id: undefined,
    }));
    expect(await findings(rows.map(({ id: _, ...row }) => row))).toEqual([]);
  });

  test("is silent on a request that a tenth of the time makes two calls", async () => {
    const rows = healthy().map(({ id: _, session_id: __, ...row }, i) => ({
      request_id: `r${i % 10 === 9 ? i - 1 : i}`,
      ...row,
    }));
    expect(await findings(rows)).toEqual([]);
  });

  test("is silent on snapshots of a streamed response, whose output grows", async () => {
    const rows = healthy(20).flatMap((row, i) =>
      [1, 20, 60].map((output, n) => ({
        ...row,
        created_at: at(i * 60 + n * 2),
        completion_tokens: output + i,
      })),
    );
    expect(await findings(rows)).toEqual([]);
  });

  test("is silent on a failed attempt and the success after it", async () => {
    const ok = healthy().map((row): Cells => ({ ...row, status: "success" }));
    const failed = [2, 12, 22].map(
      (i): Cells => ({ ...ok[i], status: "failed", completion_tokens: 0, prompt_tokens: 0 }),
    );
    expect(await findings([...ok, ...failed])).toEqual([]);
  });

  test("leaves placeholder ids to colliding-id", async () => {
    const rows = healthy().map((row, i) =>
      i % 5 === 0 ? { ...row, id: ["None", "", "null"][i % 3] ?? "" } : row,
    );
    expect(await findings(rows)).toEqual([]);
  });
});

describe("duplicate-rows: one call under other ids", () => {
  const renamed = (row: Cells, n: number): Cells => ({ ...row, id: `copy-${n}` });

  test("finds rows that agree in session, model, time and counts", async () => {
    const [finding, ...rest] = await findings(again(healthy(), [3, 8, 8], renamed));
    expect(rest).toEqual([]);
    expect(finding).toMatchObject({
      title: "Calls are recorded more than once",
      severity: "error",
      evidence: { ids: 2, rows: 5, extra_rows: 3 },
    });
  });

  test.each([
    [1, 1],
    [3, 0],
    [300, 0],
  ])("a copy %i seconds later counts %i times", async (seconds, expected) => {
    const rows = again(healthy(), [3, 8], (row, n) => ({
      ...renamed(row, n),
      created_at: at([3, 8][n]! * 60 + seconds),
    }));
    expect(await findings(rows)).toHaveLength(expected);
  });

  test.each([
    ["session_id", "other"],
    ["model", "other"],
    ["prompt_tokens", 7777],
    ["completion_tokens", 7777],
  ])("rows that differ in %s are two calls", async (column, value) => {
    expect(
      await findings(again(healthy(), [3, 8], (row, n) => ({ ...renamed(row, n), [column]: value }))),
    ).toEqual([]);
  });

  test("is silent on the same small call made again and again, some within a second", async () => {
    const rows = calls(200, (i) => ({
      created_at: at(i * 30 - (i % 10 === 9 ? 29 : 0)),
      session_id: "health",
      model: "m",
      prompt_tokens: 500,
      completion_tokens: 12,
    }));
    expect(await findings(rows)).toEqual([]);
  });

  test("is silent on parallel calls of embeddings and on one-token answers", async () => {
    const embeddings = calls(60, (i) => ({
      created_at: at(i >> 3),
      prompt_tokens: 512,
      completion_tokens: 0,
    }));
    expect(await findings(embeddings)).toEqual([]);
    const labels = calls(60, (i) => ({ created_at: at(i >> 3), prompt_tokens: 300, completion_tokens: 1 }));
    expect(await findings(labels)).toEqual([]);
  });

  test("is silent on a batch that shares its time, where a few counts agree by chance", async () => {
    const rows = calls(800, (i) => ({
      created_at: at(40_000),
      model: "m",
      prompt_tokens: 200 + ((i * 7919) % 193),
      completion_tokens: 20 + ((i * 104_729) % 61),
    }));
    const doubled = again(rows, [4, 90, 300], renamed);
    expect(await findings(doubled)).toEqual([]);
  });

  test("finds a batch that was imported twice", async () => {
    const rows = calls(400, (i) => ({
      created_at: at(40_000),
      prompt_tokens: 200 + i,
      completion_tokens: 20 + (i % 61),
    }));
    expect(
      await findings(
        again(
          rows,
          rows.map((_, i) => i),
          renamed,
        ),
      ),
    ).toMatchObject([{ evidence: { ids: 400, rows: 800, extra_rows: 400 } }]);
  });

  test("is silent where calls are so dense that counts agree by chance", async () => {
    const random = (seed: number) => ((seed * 1_103_515_245 + 12_345) >>> 0) % 2_147_483_648;
    let seed = 1;
    const next = (below: number) => {
      seed = random(seed);
      return Math.floor((seed / 2_147_483_648) * below);
    };
    const rows = calls(4000, (i) => ({
      created_at: at(Math.floor(i / 4)),
      prompt_tokens: 100 + next(120),
      completion_tokens: 10 + next(90),
    }));
    expect(await findings(rows)).toEqual([]);
  });

  test("is silent on plain dates", async () => {
    const rows = calls(40, (i) => ({
      created_at: `2025-11-${String((i % 20) + 1).padStart(2, "0")} 00:00:00`,
      prompt_tokens: 500 + (i % 20),
      completion_tokens: 50,
    }));
    expect(await findings(rows)).toEqual([]);
  });

  test("is silent on tables whose rows sum up calls", async () => {
    expect(await findings(again(healthy(), [3, 8], renamed), {}, "app.usage_daily")).toEqual([]);
  });

  test("does no harm with hostile names and values", async () => {
    const rows = again(healthy(), [3, 8]).map((row) => ({ ...row, id: `'; DROP TABLE x; --${row.id}` }));
    expect(await findings(rows, {}, `app.a"; DROP TABLE x; --`)).toMatchObject([{ evidence: { ids: 2 } }]);
  });
});
