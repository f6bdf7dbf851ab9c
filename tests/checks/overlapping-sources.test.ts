import { describe, expect, test } from "vitest";
import { addLog } from "../kit/logs.ts";
import { auditTables, type TableData } from "../kit/tables.ts";
import { random, seconds, text } from "../kit/times.ts";

const START = seconds("2025-03-03 00:00:00");

interface Call {
  id: string | number;
  at: number;
  input: number;
  output: number;
}

function calls(count: number, seed = 1, id: (i: number) => string | number = (i) => `call-${i}`): Call[] {
  const next = random(seed);
  return [...Array(count).keys()].map((i) => ({
    id: id(i),
    at: START + i * 1000,
    input: Math.floor(next() * 5000),
    output: Math.floor(next() * 500),
  }));
}

const table = (rows: readonly Call[]): TableData => ({
  rows: rows.map((call) => ({
    id: call.id,
    created_at: text(call.at),
    input_tokens: call.input,
    output_tokens: call.output,
  })),
  types: { created_at: "TIMESTAMP", input_tokens: "BIGINT", output_tokens: "BIGINT" },
  primaryKey: ["id"],
});

const overlaps = (tables: Record<string, TableData>) => auditTables("overlapping-sources", tables);
const all = calls(200);

describe("overlapping-sources fires", () => {
  test("on an old store whose calls are all in the new one, at the old one, with what is counted twice", async () => {
    const old = all.slice(0, 120);
    const { findings } = await overlaps({ "old_json.messages": table(old), "app.usage": table(all) });
    expect(findings).toHaveLength(1);
    const [finding] = findings;
    expect(finding?.severity).toBe("warning");
    expect(finding?.location).toMatchObject({ input: "old_json", table: "old_json.messages" });
    expect(finding?.evidence).toMatchObject({
      shared_ids: 120,
      agreeing_ids: old.filter((call) => call.input + call.output > 0).length,
      counted_twice: old.reduce((sum, call) => sum + call.input, 0),
    });
    expect(finding?.samples).toHaveLength(5);
  });

  test("on a copy inside one database, complete as it is", async () => {
    const { findings } = await overlaps({ "db.usage_records": table(all), "db.usage_history": table(all) });
    expect(findings.map((f) => f.evidence.shared_ids)).toEqual([200]);
  });

  test("on tables of which most, not all, ids are shared", async () => {
    const { findings } = await overlaps({
      "db.usage_records": table(all.slice(0, 100)),
      "db.usage_history": table(all.slice(40)),
    });
    expect(findings.map((f) => f.evidence.shared_ids)).toEqual([60]);
  });
});

describe("overlapping-sources is silent", () => {
  const silent: [string, Record<string, TableData>][] = [
    [
      "a store and the database that was imported from it, up to the same end",
      { "storage.messages": table(all), "monitor.messages": table(all) },
    ],
    ["a copy that is empty", { "db.usage_records": table(all), "db.usage_history": table([]) }],
    [
      "running numbers",
      { "db.calls": table(calls(200, 2, (i) => i + 1)), "db.runs": table(calls(150, 3, (i) => i + 1)) },
    ],
    [
      "running numbers of calls that all have the same counts",
      {
        "db.calls": table(calls(100, 2, (i) => i + 1).map((call) => ({ ...call, input: 5, output: 1 }))),
        "db.runs": table(calls(100, 3, (i) => i + 1).map((call) => ({ ...call, input: 5, output: 1 }))),
      },
    ],
    [
      "tables that share few ids",
      { "db.usage_records": table(all.slice(0, 110)), "db.usage_history": table(all.slice(90)) },
    ],
    [
      "fewer shared ids than min_rows",
      { "db.usage_records": table(all.slice(0, 4)), "db.usage_history": table(all) },
    ],
    [
      "details of the same calls in another table",
      {
        "db.calls": table(all),
        "db.cached_parts": table(
          all.map((call) => ({ ...call, input: Math.floor(call.input / 3), output: 0 })),
        ),
      },
    ],
    [
      "sums beside the rows",
      {
        "db.calls": table(all),
        "db.session_totals": table(all),
      },
    ],
  ];
  test.each(silent)("about %s", async (_name, tables) => {
    expect((await overlaps(tables)).findings.map((f) => f.message)).toEqual([]);
  });

  test("about a log that tells of the same calls", async () => {
    const { outcomes } = await auditTables(
      "overlapping-sources",
      { "db.calls": table(all) },
      {
        prepare: (store, loaded) =>
          addLog(store, loaded, "app_log", {
            lines: all.map((call) => text(call.at)),
            events: all.map((call) => ({
              time: text(call.at),
              input_tokens: call.input,
              output_tokens: call.output,
            })),
          }),
      },
    );
    expect(outcomes).toMatchObject([{ status: "skipped" }]);
  });
});
