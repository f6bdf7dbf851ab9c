import { describe, expect, test } from "vitest";
import { at, type Cells, calls } from "../kit/calls.ts";
import { auditTables, type TableData } from "../kit/tables.ts";

const uuid = (i: number) => `0198c0de-0000-4000-8000-${String(i).padStart(12, "0")}`;
const real = (i: number): Cells => ({ id: uuid(i) });

async function findings(rows: Cells[], data: Partial<TableData> = {}, name = "app.calls") {
  return (await auditTables("colliding-id", { [name]: { rows, ...data } })).findings;
}

describe("colliding-id", () => {
  test.each(["", "  ", "None", "null", "undefined", "NaN", "N/A"])("reports ids that are %j", async (id) => {
    const [finding, ...rest] = await findings(calls(40, (i) => (i % 4 === 1 ? { id } : real(i))));
    expect(rest).toEqual([]);
    expect(finding).toMatchObject({
      severity: "error",
      measure: { name: "colliding_rows", value: 10 },
      evidence: { rows: 10, all_rows: 40, primary_key: false },
      location: { column: "id" },
    });
    expect(finding?.samples?.[0]).toMatchObject({ id, created_at: "2025-11-01 01:00:00" });
  });

  test("one such id in a primary key is enough, since the others were dropped", async () => {
    const rows = calls(40, (i) => (i === 4 ? { id: "None" } : real(i)));
    expect(await findings(rows, { primaryKey: ["id"] })).toMatchObject([
      { evidence: { rows: 1, primary_key: true } },
    ]);
    expect(await findings(rows)).toEqual([]);
  });

  test("is silent where another column is the key", async () => {
    const rows = calls(40, (i) => ({ key: i, id: i % 2 ? "" : uuid(i) }));
    expect(await findings(rows, { primaryKey: ["key"] })).toEqual([]);
  });

  test("is silent on NULL ids and on real ones", async () => {
    expect(await findings(calls(40, (i) => (i % 4 === 1 ? { id: null } : real(i))))).toEqual([]);
    expect(await findings(calls(40, real))).toEqual([]);
  });

  test("tells empty ids older than the first real one as a column that was added later", async () => {
    expect(await findings(calls(40, (i) => (i < 20 ? { id: "" } : real(i))))).toMatchObject([
      { severity: "info", title: "Ids begin later than the rows" },
    ]);
  });

  test.each(["chatcmpl-", "req_", "msg:"])("reports the counter %sN that starts again", async (prefix) => {
    const rows = calls(60, (i) => ({ id: `${prefix}${(i % 25) + 1}` }));
    expect(await findings(rows)).toMatchObject([
      { severity: "error", title: "Ids are counters that start again", evidence: { ids: 25, rows: 60 } },
    ]);
  });

  test.each(["req_", "call-", "trace.", "job-"])(
    "is silent on the counter %sN that never comes back",
    async (prefix) => {
      expect(await findings(calls(60, (i) => ({ id: `${prefix}${i}` })))).toEqual([]);
    },
  );

  test("warns of a provider's ids that are counters, even before they collide", async () => {
    expect(await findings(calls(20, (i) => ({ id: `chatcmpl-${i}` })))).toMatchObject([
      { severity: "warning" },
    ]);
    expect(await findings(calls(4, (i) => ({ id: `chatcmpl-${i}` })))).toEqual([]);
    expect(await findings(calls(20, (i) => ({ id: `chatcmpl-9${i}aXk3mZ` })))).toEqual([]);
  });

  test("finds one provider's counters among the real ids of others, and no others' counters", async () => {
    const mixed = (prefix: string) =>
      calls(90, (i) => (i % 3 === 0 ? { id: `${prefix}${((i / 3) % 10) + 1}` } : real(i)));
    expect(await findings(mixed("chatcmpl-"))).toMatchObject([
      { severity: "error", title: "Ids are counters that start again", evidence: { ids: 10, rows: 30 } },
    ]);
    expect(await findings(mixed("batch-"))).toEqual([]);
    const twice = calls(90, (i) => (i % 30 === 0 ? { id: "chatcmpl-1" } : real(i)));
    expect(await findings(twice)).toEqual([]);
  });

  test("is silent on integers, even if they repeat", async () => {
    expect(
      await findings(
        calls(60, (i) => ({ id: i + 1 })),
        { primaryKey: ["id"] },
      ),
    ).toEqual([]);
    expect(await findings(calls(60, (i) => ({ id: (i % 30) + 1 })))).toEqual([]);
  });

  test("is silent on counters that are unique within a session", async () => {
    expect(
      await findings(calls(60, (i) => ({ id: `msg-${i % 10}`, session_id: `s${Math.floor(i / 10)}` }))),
    ).toEqual([]);
  });

  test("is silent on counters that rows next to each other share", async () => {
    const rows = calls(60, (i) => ({ id: `req-${i >> 1}`, created_at: at(i * 20) }));
    expect(await findings(rows)).toEqual([]);
  });

  test("does no harm with hostile names and values", async () => {
    const rows = calls(40, (i) => ({ id: i % 2 ? "null" : `'; DROP TABLE x; --${i}` }));
    expect(await findings(rows, {}, `app.a"; DROP TABLE x; --`)).toMatchObject([{ evidence: { rows: 20 } }]);
  });
});
