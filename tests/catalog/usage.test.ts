import { tmpdir } from "node:os";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { buildCatalog } from "../../src/catalog/catalog.ts";
import { UserError } from "../../src/contract/errors.ts";
import type { Evidence, UsageRelation } from "../../src/contract/evidence.ts";
import type { LoadedInput } from "../../src/contract/loaded.ts";
import type { Settings } from "../../src/contract/settings.ts";
import { Store } from "../../src/store/index.ts";
import { loadTables, type TableData, testSettings } from "../kit/tables.ts";

let store: Store;
beforeEach(async () => {
  store = await Store.open({ memoryLimit: 2 ** 28, threads: 2, tempDir: tmpdir(), file: null });
});
afterEach(() => store.close());

interface Given {
  settings?: Partial<Settings>;
  timezone?: string;
  change?: (loaded: LoadedInput[]) => void;
}

async function catalogOf(tables: Record<string, TableData>, given: Given = {}): Promise<Evidence> {
  const loaded = await loadTables(store, tables);
  for (const table of loaded.flatMap((one) => one.tables)) table.timezone = given.timezone ?? "UTC";
  given.change?.(loaded);
  return buildCatalog(store, loaded, testSettings(given.settings));
}

/** The usage relation of the only table. */
async function usageOf(data: TableData, given: Given = {}): Promise<UsageRelation> {
  const { usage } = await catalogOf({ "db.calls": data }, given);
  if (!usage[0]) throw new Error("no usage relation");
  return usage[0];
}

async function values(usage: UsageRelation, columns: string): Promise<unknown[][]> {
  return (await store.all(`SELECT ${columns} FROM ${usage.relation} ORDER BY row`)).map(Object.values);
}

const ids = [
  "a1b2c3d4e5f60718",
  "b1b2c3d4e5f60718",
  "c1b2c3d4e5f60718",
  "d1b2c3d4e5f60718",
  "e1b2c3d4e5f60718",
];
const rowsOf = (column: string, list: (string | number | boolean | null)[]) =>
  list.map((value, i) => ({ id: ids[i] ?? `x${i}b2c3d4e5f607`, prompt_tokens: i + 1, [column]: value }));

describe("times become UTC", () => {
  test.each([
    [
      "ISO without zone",
      "created_at",
      ["2026-01-15 09:01:12", "2026-01-15T09:01:12.5"],
      ["2026-01-15T09:01:12Z", "2026-01-15T09:01:12.5Z"],
    ],
    [
      "ISO with zone",
      "created_at",
      ["2026-01-15T09:01:12Z", "2026-01-15T09:01:12+02:00"],
      ["2026-01-15T09:01:12Z", "2026-01-15T07:01:12Z"],
    ],
    ["epoch s", "created_at", [1737000000, 1737000001], ["2025-01-16T04:00:00Z", "2025-01-16T04:00:01Z"]],
    [
      "epoch s with a fraction",
      "ts",
      [1737000000.25, 1737000001.5],
      ["2025-01-16T04:00:00.25Z", "2025-01-16T04:00:01.5Z"],
    ],
    [
      "epoch ms",
      "created_at",
      [1737000000123, 1737000001000],
      ["2025-01-16T04:00:00.123Z", "2025-01-16T04:00:01Z"],
    ],
    [
      "epoch µs",
      "ts",
      [1737000000123456, 1737000001000000],
      ["2025-01-16T04:00:00.123456Z", "2025-01-16T04:00:01Z"],
    ],
    [
      "epoch ns as text",
      "startTimeUnixNano",
      ["1737000000123456000", "1737000001000000000"],
      ["2025-01-16T04:00:00.123456Z", "2025-01-16T04:00:01Z"],
    ],
    [
      "two units in one column",
      "created_at",
      [1737000000, 1737000001000],
      ["2025-01-16T04:00:00Z", "2025-01-16T04:00:01Z"],
    ],
    [
      "numbers and texts in one column",
      "created_at",
      ["1737000000123", "2026-01-15 09:01:12"],
      ["2025-01-16T04:00:00.123Z", "2026-01-15T09:01:12Z"],
    ],
    ["0 is no time", "created_at", [1737000000, 0], ["2025-01-16T04:00:00Z", null]],
    ["what is no time", "created_at", ["2026-01-15 09:01:12", "soon"], ["2026-01-15T09:01:12Z", null]],
    [
      "a comma before the milliseconds",
      "timestamp",
      ["2026-01-15 09:01:12,250", "2026-01-15 09:01:13,500"],
      ["2026-01-15T09:01:12.25Z", "2026-01-15T09:01:13.5Z"],
    ],
    [
      "mail headers",
      "date",
      ["Thu, 15 Jan 2026 09:01:12 GMT", "Thu, 15 Jan 2026 09:01:12 GMT"],
      ["2026-01-15T09:01:12Z", "2026-01-15T09:01:12Z"],
    ],
    [
      "Go",
      "created_at",
      ["2026-01-15 09:01:12.5 +0200 CEST m=+0.1", "2026-01-15 09:01:12 +0000 UTC"],
      ["2026-01-15T07:01:12.5Z", "2026-01-15T09:01:12Z"],
    ],
    [
      "day first with dots",
      "created_at",
      ["15.01.2026 09:01:12", "03.02.2026 09:01"],
      ["2026-01-15T09:01:12Z", "2026-02-03T09:01:00Z"],
    ],
    [
      "day first, told by one value",
      "created_at",
      ["15/01/2026 09:01:12", "03/02/2026 09:01:12"],
      ["2026-01-15T09:01:12Z", "2026-02-03T09:01:12Z"],
    ],
    [
      "month first",
      "created_at",
      ["01/15/2026 09:01 PM", "02/03/2026 09:01 AM"],
      ["2026-01-15T21:01:00Z", "2026-02-03T09:01:00Z"],
    ],
  ])("%s", async (_, column, given, expected) => {
    const usage = await usageOf({ rows: rowsOf(column, given) });
    expect((await values(usage, "time")).flat()).toEqual(expected);
  });

  test.each([
    ["winter", "2026-01-15 09:01:12", "2026-01-15T08:01:12Z"],
    ["summer", "2026-07-15 09:01:12", "2026-07-15T07:01:12Z"],
    ["the hour before the clocks change", "2026-03-29 01:59:59", "2026-03-29T00:59:59Z"],
    ["the hour after", "2026-03-29 03:00:00", "2026-03-29T01:00:00Z"],
    ["with a zone of its own", "2026-07-15T09:01:12Z", "2026-07-15T09:01:12Z"],
    ["with an offset of its own", "2026-07-15 09:01:12-05", "2026-07-15T14:01:12Z"],
  ])("a local time of Berlin in %s", async (_, text, expected) => {
    const usage = await usageOf({ rows: rowsOf("created_at", [text]) }, { timezone: "Europe/Berlin" });
    expect((await values(usage, "time")).flat()).toEqual([expected]);
  });

  test.each([
    ["TIMESTAMP", "2026-07-15 09:01:12", "2026-07-15T07:01:12Z"],
    ["TIMESTAMPTZ", "2026-07-15 09:01:12+00", "2026-07-15T09:01:12Z"],
    ["TIMESTAMP_MS", "2026-07-15 09:01:12.250", "2026-07-15T07:01:12.25Z"],
    ["DATE", "2026-07-15", "2026-07-15T00:00:00Z"],
    ["VARCHAR", "2026-07-15", "2026-07-15T00:00:00Z"],
  ])("%s, in Berlin; a calendar day has no zone", async (type, text, expected) => {
    const usage = await usageOf(
      {
        rows: rowsOf("created_at", [text]),
        types: { id: "VARCHAR", prompt_tokens: "BIGINT", created_at: type },
      },
      { timezone: "Europe/Berlin" },
    );
    expect((await values(usage, "time")).flat()).toEqual([expected]);
  });
});

describe("numbers and ids", () => {
  test("token counts are whole numbers; decimal text of 64 bits stays exact; other text is NULL", async () => {
    const usage = await usageOf({
      rows: rowsOf("completion_tokens", ["12", "9007199254740993", "1,200", "", null]),
    });
    expect((await values(usage, "output_tokens")).flat()).toEqual([12, 9007199254740993n, null, null, null]);
  });

  test("costs are exact: ten times 0.1 is 1", async () => {
    const usage = await usageOf({
      rows: Array.from({ length: 10 }, (_, i) => ({ id: `${i}b2c3d4e5f607`, cost: 0.1 })),
    });
    const row = await store.one(`SELECT CAST(sum(cost) AS VARCHAR) AS total FROM ${usage.relation}`);
    expect(row?.total).toBe("1.000000000000");
  });

  test("empty ids are NULL; a parent of '', 0 or zeros is none", async () => {
    const usage = await usageOf({
      rows: ["", "0", "0000000000000000", null, ids[0] as string].map((parent, i) => ({
        span_id: i === 4 ? "" : (ids[i] as string),
        parent_span_id: parent,
        prompt_tokens: 1,
      })),
    });
    expect(await values(usage, "id, parent_id")).toEqual([
      [ids[0], null],
      [ids[1], null],
      [ids[2], null],
      [ids[3], null],
      [null, ids[0]],
    ]);
  });

  test("row is the position in the table, also when a column is called rowid or row", async () => {
    const usage = await usageOf({ rows: [7, 9, 8].map((n) => ({ rowid: n, row: n * 2, prompt_tokens: n })) });
    expect(await values(usage, "row, input_tokens")).toEqual([
      [1, 7],
      [2, 9],
      [3, 8],
    ]);
  });
});

describe("JSON", () => {
  test("roles inside a text column, JSON in JSON, broken and absent JSON", async () => {
    const inner = JSON.stringify({ cost: 0.25 });
    const usage = await usageOf({
      rows: [
        {
          id: ids[0]!,
          data: JSON.stringify({
            tokens: { input: 10, cache: { read: "5" } },
            "a/b~c": inner,
            role: "assistant",
          }),
        },
        { id: ids[1]!, data: '{"tokens": {"input": 1' },
        { id: ids[2]!, data: null },
        { id: ids[3]!, data: "[]" },
      ],
    });
    expect(usage.columnOf("input_tokens")?.name).toBe("data.tokens.input");
    expect(usage.columnOf("cost")?.name).toBe("data.a/b~c.cost");
    expect(await values(usage, "input_tokens, cache_read_tokens, CAST(cost AS DOUBLE)")).toEqual([
      [10, 5, 0.25],
      [null, null, null],
      [null, null, null],
      [null, null, null],
    ]);
  });

  test("structs, maps and JSON typed columns; the expression of each column works on its own", async () => {
    const loaded = await loadTables(store, { "db.calls": { rows: [{ id: ids[0]!, model: "gpt-4o" }] } });
    await store.run(`CREATE OR REPLACE TABLE db.calls AS SELECT 'a1b2c3d4e5f60718' AS id,
      {'input_tokens': 12, 'in': {'x': 1}} AS usage, MAP {'output': 5} AS token_counts, '{"total_cost": 0.5}'::JSON AS meta`);
    const table = loaded[0]!.tables[0]!;
    const row = (await store.all("SELECT * FROM db.calls"))[0]!;
    const types = await store.all("DESCRIBE db.calls");
    table.columns = types.map((t) => ({
      name: String(t.column_name),
      declared: String(t.column_type),
      type: String(t.column_type),
      primaryKey: false,
      references: null,
      sample: [row[String(t.column_name)] ?? null],
      loaded: true,
      storage: null,
    }));
    const { usage, tables } = await buildCatalog(store, loaded, testSettings());
    expect(await values(usage[0]!, "input_tokens, output_tokens, CAST(cost AS DOUBLE)")).toEqual([
      [12, 5, 0.5],
    ]);
    for (const column of tables[0]!.columns.filter((c) => c.expression)) {
      const one = await store.all(`SELECT ${column.expression} AS v FROM ${tables[0]!.relation}`);
      expect(one[0]?.v).not.toBeNull();
    }
  });
});

describe("ok", () => {
  const statusRows = (list: [string | number | null, number | null][]) => ({
    rows: list.map(([status, tokens], i) => ({ id: `${i}1b2c3d4e5f607`, status, prompt_tokens: tokens })),
    types: {},
  });

  test.each([
    [
      "words",
      ["success", "Completed", "failed", "pending", "in_progress", null, ""],
      [true, true, false, false, false, true, true],
    ],
    ["phrases", ["200 OK", "error: timeout", "validation_failed", "completed"], [true, false, false, true]],
    ["HTTP numbers", [200, 204, 429, 500, 301], [true, true, false, false, false]],
  ])("%s", async (_, statuses, expected) => {
    const usage = await usageOf(statusRows(statuses.map((s) => [s, 1])));
    expect((await values(usage, "ok")).flat()).toEqual(expected);
  });

  test("an unknown word counts when most rows that carry it have tokens", async () => {
    const usage = await usageOf(
      statusRows([
        ["verified", 5],
        ["verified", 7],
        ["verified", null],
        ["odd", null],
        ["odd", 3],
        ["odd", null],
      ]),
    );
    expect((await values(usage, "ok")).flat()).toEqual([true, true, true, false, false, false]);
    expect(
      usage.statuses.map(({ value, rows, withTokens, counts }) => ({ value, rows, withTokens, counts })),
    ).toEqual([
      { value: "odd", rows: 3, withTokens: 1, counts: false },
      { value: "verified", rows: 3, withTokens: 2, counts: true },
    ]);
  });

  test("where none is a word of success, the word of most rows is", async () => {
    const usage = await usageOf(
      statusRows([
        ["verarbeitet", null],
        ["verarbeitet", null],
        ["verarbeitet", 5],
        ["failed", null],
        ["wartet", null],
      ]),
    );
    expect((await values(usage, "ok")).flat()).toEqual([true, true, true, false, false]);
  });

  test.each([
    ["success", [1, 0], [true, false]],
    ["exit_status_code", [0, 1], [true, false]],
  ])("0 and 1 as the column %s says", async (name, given, expected) => {
    const usage = await usageOf({
      rows: given.map((status, i) => ({ id: ids[i]!, [name]: status, prompt_tokens: 3 })),
    });
    expect((await values(usage, "ok")).flat()).toEqual(expected);
  });

  test("a flag that says error", async () => {
    const usage = await usageOf({
      rows: [true, false, null].map((e, i) => ({ id: ids[i]!, is_error: e, prompt_tokens: 3 })),
    });
    expect((await values(usage, "ok")).flat()).toEqual([false, true, true]);
  });
});

describe("is_call", () => {
  test("rows of kinds that carry no tokens are no calls, beside kinds that do", async () => {
    const usage = await usageOf({
      rows: [
        { id: ids[0]!, role: "user", prompt_tokens: null },
        { id: ids[1]!, role: "assistant", prompt_tokens: 10 },
        { id: ids[2]!, role: "user", prompt_tokens: null },
        { id: ids[3]!, role: "assistant", prompt_tokens: null },
      ],
    });
    expect((await values(usage, "is_call")).flat()).toEqual([false, true, false, true]);
    expect(usage.kinds.map((kind) => [kind.value, kind.counts])).toEqual([
      ["assistant", true],
      ["user", false],
    ]);
  });

  test("kinds are found inside JSON too", async () => {
    const usage = await usageOf({
      rows: ["user", "assistant", "user", "assistant"].map((role, i) => ({
        id: ids[i]!,
        data: JSON.stringify(role === "user" ? { role } : { role, tokens: { input: 5, output: 6 } }),
      })),
    });
    expect((await values(usage, "is_call")).flat()).toEqual([false, true, false, true]);
  });

  test("a number as a kind goes by its tokens", async () => {
    const usage = await usageOf({
      rows: [2, 2, 1, 3].map((type, i) => ({ id: ids[i]!, type, prompt_tokens: type === 2 ? 5 : 0 })),
    });
    expect((await values(usage, "is_call")).flat()).toEqual([true, true, false, false]);
  });

  test("where no kind carries tokens, all rows stay calls", async () => {
    const usage = await usageOf({
      rows: ["x", "y", "x"].map((type, i) => ({ id: ids[i]!, type, prompt_tokens: null })),
      types: { id: "VARCHAR", type: "VARCHAR", prompt_tokens: "BIGINT" },
    });
    expect((await values(usage, "is_call")).flat()).toEqual([true, true, true]);
  });

  test("streaming calls without tokens are calls all the same", async () => {
    const usage = await usageOf({
      rows: ["stream", "sync"].map((t, i) => ({
        id: ids[i]!,
        request_type: t,
        prompt_tokens: i === 1 ? 5 : 0,
      })),
    });
    expect((await values(usage, "is_call")).flat()).toEqual([true, true]);
  });

  test("a user type is no kind", async () => {
    const usage = await usageOf({
      rows: ["free", "paid"].map((t, i) => ({
        id: ids[i]!,
        user_type: t,
        prompt_tokens: i === 0 ? 5 : null,
      })),
    });
    expect((await values(usage, "is_call")).flat()).toEqual([true, true]);
  });
});

describe("dimensions", () => {
  test("columns of few values, as text; no free text, ids, secrets or times", async () => {
    const usage = await usageOf({
      rows: Array.from({ length: 40 }, (_, i) => ({
        id: `${i}b2c3d4e5f607181920`,
        created_at: `2026-01-15 09:${10 + i}:12`,
        prompt_tokens: i,
        model: i % 2 ? "gpt-4o" : "gpt-4o-mini",
        user_type: i % 2 ? "free" : "paid",
        streaming: i % 3 === 0,
        channel: i % 4,
        note: `An ordinary sentence that says something about row ${i}`,
        apiKey: i % 2 ? "sk-aaaaaaaaaaaaaaaa" : "sk-bbbbbbbbbbbbbbbb",
        constant: "same",
      })),
    });
    expect(usage.dimensions.map((d) => [d.name, d.distinct])).toEqual([
      ["model", 2],
      ["user_type", 2],
      ["streaming", 2],
      ["channel", 4],
    ]);
    const row = (
      await store.all(
        `SELECT typeof("dim_streaming") AS t, "dim_channel" AS c FROM ${usage.relation} WHERE row = 2`,
      )
    )[0];
    expect(row).toEqual({ t: "VARCHAR", c: "1" });
  });

  test("more than 1,000 values are no dimension", async () => {
    const usage = await usageOf({
      rows: Array.from({ length: 2400 }, (_, i) => ({
        prompt_tokens: 5,
        region: `r ${i % 60}`,
        path: `p ${Math.floor(i / 2)}`,
      })),
      types: { prompt_tokens: "BIGINT", region: "VARCHAR", path: "VARCHAR" },
    });
    expect(usage.dimensions.map((d) => d.name)).toEqual(["region"]);
  });
});

describe("which tables are usage", () => {
  const time = "2026-01-15 09:01:12";
  test.each<[string, TableData["rows"][number], boolean]>([
    ["tokens", { prompt_tokens: 5 }, true],
    ["a cost", { cost: 0.5 }, true],
    ["jobs with a status", { job_id: ids[0]!, created_at: time, status: "pending" }, true],
    ["spans with parents", { span_id: ids[0]!, parent_span_id: ids[1]!, name: "x" }, true],
    ["messages of sessions", { id: ids[0]!, session_id: ids[1]!, created_at: time }, true],
    ["users", { id: ids[0]!, name: "Ann", created_at: time }, false],
    ["a lookup", { id: 1, name: "Rock" }, false],
    ["prices", { id: 1, unit_price: 0.99, name: "x" }, false],
  ])("%s", async (_, row, expected) => {
    const { usage } = await catalogOf({ "db.things": { rows: [row] } });
    expect(usage.length === 1).toBe(expected);
  });
});

describe("trueup.yaml", () => {
  const rows = [{ id: ids[0]!, n: 5, m: 6, prompt_tokens: 7, data: '{"x":{"y":8}}' }];

  test("a configured role wins, with confidence 1; null takes a role away", async () => {
    const usage = await usageOf(
      { rows },
      { settings: { roles: { "db.calls": { n: "input_tokens", m: "output_tokens", id: null } } } },
    );
    expect(usage.columnOf("input_tokens")).toMatchObject({
      name: "n",
      confidence: 1,
      reason: "set in trueup.yaml",
    });
    expect(usage.has("id")).toBe(false);
    expect(usage.table.columns.find((c) => c.name === "prompt_tokens")?.role).toBeNull();
    expect(await values(usage, "input_tokens, output_tokens")).toEqual([[5, 6]]);
  });

  test("a path inside JSON may be named", async () => {
    const usage = await usageOf({ rows }, { settings: { roles: { calls: { "data.x.y": "total_tokens" } } } });
    expect(await values(usage, "total_tokens")).toEqual([[8]]);
  });

  test("an unknown column is the user's error, in one line", async () => {
    const failing = catalogOf(
      { "db.calls": { rows } },
      { settings: { roles: { calls: { promt: "input_tokens" } } } },
    );
    await expect(failing).rejects.toThrow(UserError);
    await expect(failing).rejects.toThrow(/db\.calls has no column promt/);
  });
});

test("hostile names of tables and columns do no harm", async () => {
  const name = 'a"; DROP TABLE x; --';
  const { usage } = await catalogOf({
    [`db.${name}`]: {
      rows: [
        {
          "prompt'tokens\"": 5,
          "größe; DELETE": "x",
          выход: "y",
          data: JSON.stringify({ "tok'en\"s": { "in/put~": 1, input: 2 } }),
        },
      ],
    },
  });
  expect(await values(usage[0]!, "input_tokens")).toEqual([[5]]);
});

test("facts hold every column with its role and reason", async () => {
  await catalogOf({ "db.calls": { rows: [{ id: ids[0]!, prompt_tokens: 5, max_tokens: 100 }] } });
  const rows = await store.all("SELECT name, role, reason FROM trueup.columns ORDER BY name");
  expect(rows).toEqual([
    { name: "id", role: "id", reason: "the name says the row's own id" },
    { name: "max_tokens", role: null, reason: "a limit, not usage" },
    { name: "prompt_tokens", role: "input_tokens", reason: "the name says tokens sent to the model" },
  ]);
});
