import { mkdirSync } from "node:fs";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Folder, load } from "../../kit/intake.ts";

let folder: Folder;
beforeEach(() => {
  folder = new Folder();
});
afterEach(() => folder.remove());

const ROWS = [
  { id: "a", tokens: 1, usage: { input: 5 } },
  { id: "b", tokens: 2, usage: { input: 7 } },
];
const lines = (rows: readonly unknown[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join("");

describe("records that lie deep in one document", () => {
  test("are a table, named by their key", async () => {
    const document = { export: { version: 1, "da/ta~": { items: ROWS } }, tags: ["x"], name: "y" };
    const loaded = await load("json", [folder.write("export.json", JSON.stringify(document, null, 2))]);
    expect(loaded.input.tables).toEqual(["input.items", "input.input"]);
    expect(await loaded.rows("SELECT * FROM input.items")).toEqual(ROWS);
    loaded.close();
  });

  test.each([
    ["in one line", 0],
    ["printed", 2],
  ])("before a cut are read, %s", async (_name, indent) => {
    const items = Array.from({ length: 50 }, (_, i) => ({ id: `item-${i}`, usage: { input: i } }));
    const text = JSON.stringify({ name: "x", items, more: 1 }, null, indent);
    const cut = text.slice(0, text.indexOf('"item-30"') + 12);
    const loaded = await load("json", [folder.write("export.json", cut)]);
    expect(await loaded.rows("SELECT count(*) AS n, sum(usage.input) AS input FROM input.items")).toEqual([
      { n: 30, input: 435 },
    ]);
    expect(loaded.input.error).toMatch(
      /^export\.json: cut off in the middle of the record that begins on line \d+;/,
    );
    loaded.close();
  });

  test("too large to be held are an error that names them", async () => {
    const items = Array.from({ length: 180_000 }, (_, i) => `{"id":"item-${i}","text":"${"x".repeat(80)}"}`);
    const text = `{"name":"x","export":{"items":[${items.join(",")}]}}`;
    const loaded = await load("json", [folder.write("export.json", text)]);
    expect(loaded.input.error).toMatch(/^export\.json: larger than 16 MiB and not read: "export"; /);
    loaded.close();
  });
});

test.each([
  ["in one record", ['{"id":1,"model":"a","Model":"b"}'], { model: ["a"], Model_1: ["b"] }],
  [
    "in different records",
    ['{"id":1,"model":"a"}', '{"id":2,"MODEL":"b"}'],
    { model: ["a", null], MODEL_1: [null, "b"] },
  ],
])("keys that differ in case alone are all kept: %s", async (_name, records, columns) => {
  const loaded = await load("json", [folder.write("case.jsonl", `${records.join("\n")}\n`)]);
  for (const [column, values] of Object.entries(columns))
    expect(
      (await loaded.rows(`SELECT "${column}" AS v FROM input.input ORDER BY id`)).map((r) => r.v),
    ).toEqual(values);
  loaded.close();
});

test("keys of an inner object that differ in case alone are all kept, as JSON", async () => {
  const text = '{"id":1,"usage":{"input_tokens":5,"Input_Tokens":7}}\n{"id":2,"usage":{"input_tokens":6}}\n';
  const loaded = await load("json", [folder.write("case.jsonl", text)]);
  expect(
    await loaded.rows(
      "SELECT usage->>'input_tokens' AS a, usage->>'Input_Tokens' AS b FROM input.input ORDER BY id",
    ),
  ).toEqual([
    { a: "5", b: "7" },
    { a: "6", b: null },
  ]);
  loaded.close();
});

describe("JSON layouts", () => {
  test.each([
    ["lines", lines(ROWS)],
    ["lines without a newline at the end", lines(ROWS).trimEnd()],
    [
      "lines with CRLF, blank lines and a byte order mark",
      `\ufeff${lines(ROWS).replaceAll("\n", "\r\n\r\n")}`,
    ],
    ["one array", JSON.stringify(ROWS)],
    ["one printed array", JSON.stringify(ROWS, null, 2)],
    ["printed objects one after another", ROWS.map((row) => JSON.stringify(row, null, 2)).join("\n")],
    ["objects glued together", ROWS.map((row) => JSON.stringify(row)).join("")],
    ["an array with a byte order mark", `\ufeff${JSON.stringify(ROWS)}`],
    ["gzip", gzipSync(lines(ROWS))],
  ])("%s are the same records", async (_, content) => {
    const loaded = await load("json", [folder.write("usage.json", content)], { name: "usage" });
    expect(loaded.input).toMatchObject({ rows: 2, rejected: 0, tables: ["usage.usage"] });
    expect(loaded.input.error).toBeUndefined();
    expect(await loaded.rows("SELECT * FROM usage.usage")).toEqual(ROWS);
    loaded.close();
  });

  test.each([["zstd lines"], ["zstd lines that were cut off"]])("%s are read", async (name) => {
    const maker = await load("json", [folder.write("usage.jsonl", lines(ROWS))]);
    const path = folder.at("usage.jsonl.zst");
    await maker.rows(
      `COPY (SELECT 'id-' || range AS id, range AS tokens FROM range(50000)) TO '${path}' (FORMAT json, COMPRESSION zstd)`,
    );
    maker.close();
    const whole = Buffer.from(folder.contents()["usage.jsonl.zst"] ?? "", "base64");
    const cut = name.includes("cut");
    const loaded = await load("json", [
      cut ? folder.write("cut.zst", whole.subarray(0, whole.length >> 1)) : path,
    ]);
    expect(loaded.input.rejected).toBe(0);
    if (cut) {
      expect(loaded.input.rows).toBeLessThan(50_000);
      expect(loaded.input.error).toBe(
        "cut.zst: its zstd data ends early; the complete records before were read",
      );
    } else expect(loaded.input.rows).toBe(50_000);
    loaded.close();
  });

  test("a document gives a table per array of objects in it and one for the rest", async () => {
    const path = folder.write(
      "export.json",
      JSON.stringify({ version: 3, calls: ROWS, "odd key/~": [{ n: 1 }], tags: ["x"] }, null, 1),
    );
    const loaded = await load("json", [path], { name: "export" });
    expect(loaded.input.tables).toEqual(["export.calls", "export.odd key/~", "export.export"]);
    expect(await loaded.rows("SELECT * FROM export.calls")).toEqual(ROWS);
    expect(await loaded.rows("SELECT * FROM export.export")).toEqual([{ version: 3, tags: ["x"] }]);
    loaded.close();
  });

  test("a large document is cut into its elements", async () => {
    const calls = Array.from({ length: 40_000 }, (_, n) => ({ n, text: "x".repeat(500) }));
    const path = folder.write("large.json", JSON.stringify({ version: 1, calls, more: { a: 1 } }));
    const loaded = await load("json", [path], { name: "large" });
    expect(loaded.input.error).toBeUndefined();
    expect(await loaded.rows("SELECT count(*) AS n, sum(n) AS s FROM large.calls")).toEqual([
      { n: 40_000, s: (40_000 * 39_999) / 2 },
    ]);
    expect(
      await loaded.rows("SELECT version, more.a AS a FROM large.large WHERE version IS NOT NULL"),
    ).toEqual([{ version: 1, a: 1 }]);
    loaded.close();
  });

  test("several files of different layouts are one table", async () => {
    const loaded = await load("json", [
      folder.write("a.jsonl", lines(ROWS)),
      folder.write("b.json", JSON.stringify([{ id: "c", model: "m" }])),
      folder.write("c.json", JSON.stringify({ id: "d" }, null, 2)),
      folder.write("d.json", ""),
    ]);
    expect(await loaded.rows("SELECT id, model FROM input.input")).toEqual([
      { id: "a", model: null },
      { id: "b", model: null },
      { id: "c", model: "m" },
      { id: "d", model: null },
    ]);
    expect(loaded.input.notes).toEqual(["a.jsonl (d.json) is empty", "4 files read as one input"]);
    loaded.close();
  });
});

describe("JSON types", () => {
  test("values stay what they are: times and UUIDs are text, whole numbers whole, mixed values text", async () => {
    const path = folder.write(
      "usage.jsonl",
      lines([
        {
          at: "2026-01-01T00:00:00+02:00",
          key: "ABCDEFAB-0000-0000-0000-000000000001",
          n: 0,
          mixed: 1,
          e: {},
        },
        {
          at: "2026-01-02",
          key: "x",
          n: 1,
          mixed: "one",
          list: [{ a: 1 }],
          deep: { a: { b: { at: "2026-01-01T00:00:00Z" } } },
        },
      ]).replace('"n":0,', '"n":9007199254740993,'),
    );
    const loaded = await load("json", [path]);
    expect(loaded.tables[0]?.columns.map((c) => [c.name, c.type])).toEqual([
      ["at", "VARCHAR"],
      ["key", "VARCHAR"],
      ["n", "BIGINT"],
      ["mixed", "VARCHAR"],
      ["e", "JSON"],
      ["list", "JSON"],
      ["deep", 'STRUCT(a STRUCT(b STRUCT("at" VARCHAR)))'],
    ]);
    expect(await loaded.rows('SELECT "at", key, n, mixed FROM input.input')).toEqual([
      {
        at: "2026-01-01T00:00:00+02:00",
        key: "ABCDEFAB-0000-0000-0000-000000000001",
        n: 9007199254740993n,
        mixed: "1",
      },
      { at: "2026-01-02", key: "x", n: 1, mixed: "one" },
    ]);
    loaded.close();
  });

  test("a field that first appears in the last of many records has its type and its value", async () => {
    const rows = Array.from({ length: 30_000 }, (_, n) => ({ n }) as Record<string, unknown>);
    rows.push({ n: 0.5, usage: { late: 7 } });
    const loaded = await load("json", [folder.write("usage.jsonl", lines(rows))]);
    expect(
      await loaded.rows("SELECT n, usage.late AS late FROM input.input WHERE usage IS NOT NULL"),
    ).toEqual([{ n: 0.5, late: 7 }]);
    loaded.close();
  });

  test("keys that differ in case alone, empty and hostile keys are all there", async () => {
    const row = { a: 1, A: 2, "": 3, 'x"; DROP TABLE y; --': 4, __proto__x: 5, "it's": 6 };
    const loaded = await load("json", [folder.write("usage.jsonl", lines([row, row]))]);
    const [table] = loaded.tables;
    expect(table?.columns.map((c) => c.sample[0])).toEqual([1, 2, 3, 4, 5, 6]);
    loaded.close();
  });

  test("only needed columns are loaded, the others are described", async () => {
    const loaded = await load("json", [folder.write("usage.jsonl", lines(ROWS))], { needed: ["tokens"] });
    expect(await loaded.rows("SELECT * FROM input.input")).toEqual([{ tokens: 1 }, { tokens: 2 }]);
    expect(loaded.tables[0]?.columns.map((c) => [c.name, c.loaded])).toEqual([
      ["id", false],
      ["tokens", true],
      ["usage", false],
    ]);
    loaded.close();
  });
});

describe("broken JSON", () => {
  test("broken and mixed lines are rejected with line and reason, the others read", async () => {
    const path = folder.write(
      "usage.jsonl",
      '{"id":1}\nnot json\n\n[1,2]\n{"id":2}\n5\n{"id":"x}\n{"id":3}\n',
    );
    const loaded = await load("json", [path]);
    expect(loaded.input).toMatchObject({ rows: 3, rejected: 4 });
    expect(loaded.input.error).toBeUndefined();
    expect(loaded.rejects).toEqual([
      { file: "usage.jsonl", line: 2, reason: "not valid JSON", text: "not json" },
      { file: "usage.jsonl", line: 4, reason: "a JSON array, not an object", text: "[1,2]" },
      { file: "usage.jsonl", line: 6, reason: "a JSON ubigint, not an object", text: "5" },
      { file: "usage.jsonl", line: 7, reason: "not valid JSON", text: '{"id":"x}' },
    ]);
    expect(await loaded.rows("SELECT id FROM input.input")).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }]);
    loaded.close();
  });

  test("lines cut off in the middle: the complete ones are read, and it is told", async () => {
    const loaded = await load("json", [folder.write("usage.jsonl", `${lines(ROWS)}{"id":"c","tok`)]);
    expect(loaded.input).toMatchObject({
      rows: 2,
      rejected: 1,
      error: "usage.jsonl: cut off in the middle of line 3; the complete records before were read",
    });
    expect(loaded.rejects[0]).toMatchObject({ line: 3, reason: "cut off" });
    loaded.close();
  });

  test.each([
    ["inside a record", JSON.stringify(ROWS, null, 1).slice(0, -30)],
    ["between records", JSON.stringify(ROWS.concat(ROWS)).replace(/,[^,]+,[^,]+\]$/, "")],
  ])("an array cut off %s: the complete records are read, and it is told", async (_, text) => {
    const loaded = await load("json", [folder.write("usage.json", text)]);
    expect(loaded.input.rows).toBeGreaterThan(0);
    expect(loaded.input.error).toMatch(
      /^usage\.json: cut off in the middle of .*; the complete records before were read$/,
    );
    loaded.close();
  });

  test("a broken element of an array is rejected with its line", async () => {
    const loaded = await load("json", [
      folder.write("usage.json", '[\n{"id":1},\n{"id":oops},\n{"id":3}\n]'),
    ]);
    expect(loaded.input).toMatchObject({ rows: 2, rejected: 1 });
    expect(loaded.rejects[0]).toMatchObject({ line: 3, reason: "not valid JSON" });
    loaded.close();
  });

  test("a broken file among many small ones is rejected, the others read", async () => {
    mkdirSync(folder.at("many"));
    const files = Array.from({ length: 50 }, (_, n) =>
      folder.write(`many/${n}.json`, n === 7 ? '{"id":' : `{"id":${n}}`),
    );
    const loaded = await load("json", files);
    expect(loaded.input).toMatchObject({ rows: 49, rejected: 1 });
    expect(loaded.input.error).toMatch(/\(7\.json\): cut off in the middle/);
    loaded.close();
  });

  test("no record is lost: any objects written in any layout come back", async () => {
    const value = fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 10 }),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.constantFrom("2026-01-01", "1e5", "[", "}", '"', "\\", "\n", "\u2028", "{}"),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ a: value, b: fc.record({ c: value }) }), { minLength: 1, maxLength: 20 }),
        fc.constantFrom("lines", "array", "printed", "glued"),
        async (objects, layout) => {
          const rows = objects.map((object, i) => ({ i, ...object }));
          const text = {
            lines: lines(rows),
            array: JSON.stringify(rows),
            printed: rows.map((row) => JSON.stringify(row, null, 2)).join("\n"),
            glued: rows.map((row) => JSON.stringify(row)).join(""),
          }[layout];
          const loaded = await load("json", [folder.write("any.json", text)]);
          try {
            expect(loaded.input).toMatchObject({ rows: rows.length, rejected: 0 });
            const read = await loaded.rows(
              "SELECT i, a::VARCHAR AS a, (b->>'c')::VARCHAR AS c FROM (SELECT i, a, to_json(b) AS b FROM input.input)",
            );
            const text1 = (v: unknown) => (v === null ? null : String(v));
            expect(read).toEqual(rows.map((row) => ({ i: row.i, a: text1(row.a), c: text1(row.b.c) })));
          } finally {
            loaded.close();
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
