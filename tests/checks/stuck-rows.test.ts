import { describe, expect, test } from "vitest";
import { at, type Cells, calls } from "../kit/calls.ts";
import { type AuditOptions, auditTables } from "../kit/tables.ts";

async function findings(rows: Cells[], options: AuditOptions = {}) {
  const types = { completed_at: "VARCHAR", status: "VARCHAR" };
  const shown = Object.fromEntries(Object.entries(types).filter(([name]) => rows.some((row) => name in row)));
  return (await auditTables("stuck-rows", { "app.jobs": { rows, types: shown } }, options)).findings;
}

const ended = (i: number) => at(i * 3600 + 30);

describe("stuck-rows", () => {
  test("counts jobs that are pending for ever", async () => {
    const [finding, ...rest] = await findings(
      calls(94, (i) => ({
        status: i % 5 === 0 ? "completed" : "pending",
        completed_at: i % 5 === 0 ? ended(i) : null,
      })),
    );
    expect(rest).toEqual([]);
    expect(finding).toMatchObject({
      severity: "warning",
      measure: { name: "stuck_rows", value: 73 },
      evidence: {
        stuck: 73,
        rows: 94,
        oldest: "2025-11-01T01:00:00Z",
        reference: "2025-11-04T21:00:00Z",
        statuses: [{ value: "pending", rows: 73 }],
      },
      location: { column: "status" },
    });
    expect(finding?.message).toContain('73 "pending"');
    expect(finding?.samples?.[0]).toMatchObject({ row: 2, status: "pending" });
  });

  test("counts rows without an end where the table has no status", async () => {
    const rows = calls(40, (i) => ({ completed_at: i % 10 === 0 ? null : ended(i) }));
    expect(await findings(rows)).toMatchObject([{ evidence: { stuck: 4 } }]);
  });

  test("counts a NULL status without an end beside words that are final", async () => {
    const rows = calls(40, (i) => ({
      status: i === 5 ? null : "succeeded",
      completed_at: i === 5 ? null : ended(i),
    }));
    expect(await findings(rows)).toMatchObject([{ evidence: { stuck: 1, statuses: [{ value: "NULL" }] } }]);
  });

  test.each(["running", "PENDING", "queued", "in_progress", "in progress", "processing", "started"])(
    "takes %s as unfinished",
    async (status) => {
      expect(await findings(calls(20, (i) => ({ status: i === 2 ? status : "ok" })))).toHaveLength(1);
    },
  );

  test.each(["succeeded", "failed", "cancelled", "timeout", "active", "open", "scheduled"])(
    "does not take %s as stuck",
    async (status) => {
      expect(await findings(calls(20, (i) => ({ status: i % 2 === 0 ? status : "ok" })))).toEqual([]);
    },
  );

  test("is silent on rows younger than max_age at the latest time of the evidence", async () => {
    const rows = calls(20, (i) => ({ status: i >= 18 ? "running" : "done" }));
    expect(await findings(rows)).toEqual([]);
    expect(await findings(rows, { options: { max_age: 3599 } })).toMatchObject([{ evidence: { stuck: 1 } }]);
  });

  test("counts age to now when now counts", async () => {
    const rows = calls(20, (i) => ({ status: i === 19 ? "running" : "done" }));
    expect(await findings(rows, { settings: { nowGiven: true } })).toHaveLength(1);
    expect(await findings(rows, { settings: { nowGiven: false } })).toEqual([]);
  });

  test("a row from the future does not age the others", async () => {
    const rows = calls(20, (i) => ({
      status: i === 18 ? "running" : "done",
      ...(i === 19 ? { created_at: "2099-01-01 00:00:00" } : {}),
    }));
    expect(await findings(rows, { settings: { now: "2025-11-01T18:30:00Z" } })).toEqual([]);
  });

  test("is silent on a table that does not record ends", async () => {
    expect(
      await findings(calls(40, (i) => ({ completed_at: i === 7 ? ended(i) : null, status: "success" }))),
    ).toEqual([]);
    expect(await findings(calls(40, (i) => ({ completed_at: i === 7 ? ended(i) : null })))).toEqual([]);
  });

  test("is silent on failed rows without an end", async () => {
    const rows = calls(40, (i) => ({
      completed_at: i % 4 === 0 ? null : ended(i),
      status: i % 4 === 0 ? "failed" : "succeeded",
    }));
    expect(await findings(rows)).toEqual([]);
  });

  test("is silent on rows that are the earlier states of work whose last row is final", async () => {
    const states = calls(60, (i) => ({
      request_id: `req-${Math.floor(i / 3)}`,
      status: i % 3 === 2 ? "completed" : "streaming",
    }));
    expect(await findings(states)).toEqual([]);
    const without = states.filter((_, i) => i % 3 !== 2 || i > 30);
    expect(await findings(without)).toHaveLength(1);
  });

  test("rows of one session say nothing of each other", async () => {
    const rows = calls(60, (i) => ({
      session_id: `s-${Math.floor(i / 20)}`,
      status: i % 20 < 2 ? "running" : "done",
    }));
    expect(await findings(rows)).toMatchObject([{ evidence: { stuck: 6 } }]);
  });

  test("does no harm with hostile names and words", async () => {
    const rows = calls(20, (i) => ({ status: i === 3 ? "pending" : `'; DROP TABLE x; --\u001b` }));
    const { findings: found } = await auditTables("stuck-rows", { [`app.j"; --`]: { rows } });
    expect(found).toMatchObject([{ evidence: { stuck: 1 } }]);
  });
});
