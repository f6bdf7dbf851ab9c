import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Folder, load } from "../kit/intake.ts";

let folder: Folder;
beforeEach(() => {
  folder = new Folder();
});
afterEach(() => folder.remove());

const typesOf = (loaded: Awaited<ReturnType<typeof load>>) =>
  Object.fromEntries(loaded.tables[0]?.columns.map((column) => [column.name, column.type]) ?? []);

describe("CSV", () => {
  test("numbers are numbers, everything else stays the text it is", async () => {
    const path = folder.write(
      "usage.csv",
      `id,zip,at,tokens,cost,big,word,gap
1,00123,2026-01-01T00:00:00Z,10,0.25,12345678901234567890,true,
2,99999,2026-01-01 00:00:00,,1e-5,1,no,
`,
    );
    const loaded = await load("csv", [path], { name: "usage" });
    expect(typesOf(loaded)).toEqual({
      id: "BIGINT",
      zip: "VARCHAR",
      at: "VARCHAR",
      tokens: "BIGINT",
      cost: "DOUBLE",
      big: "VARCHAR",
      word: "VARCHAR",
      gap: "VARCHAR",
    });
    expect(await loaded.rows("SELECT * FROM usage.usage")).toEqual([
      {
        id: 1,
        zip: "00123",
        at: "2026-01-01T00:00:00Z",
        tokens: 10,
        cost: 0.25,
        big: "12345678901234567890",
        word: "true",
        gap: null,
      },
      {
        id: 2,
        zip: "99999",
        at: "2026-01-01 00:00:00",
        tokens: null,
        cost: 0.00001,
        big: "1",
        word: "no",
        gap: null,
      },
    ]);
    expect(loaded.input).toMatchObject({ rows: 2, rejected: 0, tables: ["usage.usage"], notes: [] });
    loaded.close();
  });

  test("a number column with a word far below what is looked at first stays text", async () => {
    const path = folder.write("usage.csv", `id,tokens\n${"7,7\n".repeat(30_000)}8,7.5\n9,n/a\n`);
    const loaded = await load("csv", [path]);
    expect(typesOf(loaded)).toEqual({ id: "BIGINT", tokens: "VARCHAR" });
    expect(await loaded.rows("SELECT tokens FROM input.input WHERE id > 7")).toEqual([
      { tokens: "7.5" },
      { tokens: "n/a" },
    ]);
    expect(loaded.input.rejected).toBe(0);
    loaded.close();
  });

  test("rows with another number of columns are rejected with line and reason", async () => {
    const path = folder.write("usage.csv", "a,b,c\n1,2,3\n4,5\n6,7,8,9\n10,11,12\n");
    const loaded = await load("csv", [path]);
    expect(loaded.input).toMatchObject({ rows: 2, rejected: 2 });
    expect(loaded.rejects).toEqual([
      { file: "usage.csv", line: 3, reason: "expected 3 columns, found 2", text: "4,5" },
      { file: "usage.csv", line: 4, reason: "expected 3 columns, found 4", text: "6,7,8,9" },
    ]);
    loaded.close();
  });

  test("when the number of columns changes for good, the first half is read and the other rejected", async () => {
    const path = folder.write("usage.csv", `a,b\n${"1,2\n".repeat(500)}${"1,2,3\n".repeat(500)}`);
    const loaded = await load("csv", [path]);
    expect(loaded.input).toMatchObject({ rows: 500, rejected: 500 });
    expect(loaded.rejects[0]).toMatchObject({ line: 502, reason: "expected 2 columns, found 3" });
    loaded.close();
  });

  test("a quote that first appears far below still quotes", async () => {
    const path = folder.write("usage.csv", `a,b\n${"x,y\n".repeat(300_000)}"one, ""two""\nthree",z\n`);
    const loaded = await load("csv", [path]);
    expect(loaded.input).toMatchObject({ rows: 300_001, rejected: 0 });
    expect(await loaded.rows("SELECT a FROM input.input WHERE b = 'z'")).toEqual([
      { a: 'one, "two"\nthree' },
    ]);
    loaded.close();
  });

  test.each([
    ["semicolons", "a;b\n1;x\n2;y\n"],
    ["tabs", "a\tb\n1\tx\n2\ty\n"],
    ["pipes", "a|b\n1|x\n2|y\n"],
    ["CRLF and a byte order mark", "\ufeffa,b\r\n1,x\r\n2,y\r\n"],
    ["no newline at the end", "a,b\n1,x\n2,y"],
    ["comment lines above the header", "# from a tool\n# of 2026\na,b\n1,x\n2,y\n"],
    ["UTF-16", Buffer.from("\ufeffa,b\n1,x\n2,y\n", "utf16le")],
    ["gzip", gzipSync("a,b\n1,x\n2,y\n")],
  ])("%s are understood", async (_, content) => {
    const loaded = await load("csv", [folder.write("usage.csv", content)]);
    expect(await loaded.rows("SELECT * FROM input.input")).toEqual([
      { a: 1, b: "x" },
      { a: 2, b: "y" },
    ]);
    loaded.close();
  });

  test("zstd is understood", async () => {
    const path = folder.at("usage.csv.zst");
    const maker = await load("csv", [folder.write("usage.csv", "a,b\n1,x\n2,y\n")]);
    await maker.rows(`COPY input.input TO '${path}' (FORMAT csv, COMPRESSION zstd)`);
    maker.close();
    const loaded = await load("csv", [path]);
    expect(loaded.input).toMatchObject({ rows: 2, rejected: 0 });
    loaded.close();
  });

  test("a gzip file that was cut off gives the rows before the cut and says so", async () => {
    const lines = Array.from({ length: 50_000 }, (_, i) => `${i},${(i * 7919) % 104729}`);
    const whole = gzipSync(`a,b\n${lines.join("\n")}\n`);
    const loaded = await load("csv", [folder.write("usage.csv.gz", whole.subarray(0, whole.length >> 1))]);
    expect(loaded.input.rows).toBeGreaterThan(10_000);
    expect(
      await loaded.rows("SELECT count(*) AS wrong FROM input.input WHERE a * 7919 % 104729 <> b"),
    ).toEqual([{ wrong: 0 }]);
    expect(loaded.input.error).toMatch(
      /^usage\.csv\.gz: its gzip data ends early \([^\n]+\); the rows before were read$/,
    );
    loaded.close();
  });

  test("Latin-1 is read as such and told", async () => {
    const path = folder.write("usage.csv", Buffer.from("a,b\n1,ü\n", "latin1"));
    const loaded = await load("csv", [path]);
    expect(await loaded.rows("SELECT b FROM input.input")).toEqual([{ b: "ü" }]);
    expect(loaded.input.notes).toEqual(["is no UTF-8 and was read as Latin-1"]);
    loaded.close();
  });

  test("a row of bad bytes in UTF-8 text is rejected alone", async () => {
    const bad = Buffer.concat([
      Buffer.from("a,b\n1,ü\n2,"),
      Buffer.from([0xff, 0xfe]),
      Buffer.from("\n3,z\n"),
    ]);
    const loaded = await load("csv", [folder.write("usage.csv", bad)]);
    expect(loaded.input).toMatchObject({ rows: 2, rejected: 1 });
    expect(loaded.rejects[0]).toMatchObject({ line: 3, reason: "not valid in the file's encoding" });
    loaded.close();
  });

  test("a quoted empty value is empty text, an unquoted one is no value", async () => {
    const loaded = await load("csv", [folder.write("usage.csv", 'a,b\n"",1\n,2\nx,""\n')]);
    expect(await loaded.rows("SELECT * FROM input.input")).toEqual([
      { a: "", b: 1 },
      { a: null, b: 2 },
      { a: "x", b: null },
    ]);
    loaded.close();
  });

  test("several files are one table with the columns of all, a wrong file among them is told", async () => {
    const loaded = await load("csv", [
      folder.write("a.csv", "id,tokens\n1,5\n"),
      folder.write("b.csv", "tokens,model\n7,m\n"),
      folder.write("c.csv", "id,tokens\nx,8\n"),
    ]);
    expect(await loaded.rows("SELECT id, tokens, model FROM input.input")).toEqual([
      { id: "1", tokens: 5, model: null },
      { id: null, tokens: 7, model: "m" },
      { id: "x", tokens: 8, model: null },
    ]);
    expect(loaded.input.notes).toEqual(["3 files read as one table"]);
    loaded.close();
  });

  test("only needed columns are loaded, the others are described", async () => {
    const path = folder.write("usage.csv", "id,body,tokens\n1,hello,5\n");
    const loaded = await load("csv", [path], { needed: ["tokens"] });
    expect(await loaded.rows("SELECT * FROM input.input")).toEqual([{ tokens: 5 }]);
    expect(loaded.tables[0]?.columns.map((c) => [c.name, c.loaded, c.sample])).toEqual([
      ["id", false, [1]],
      ["body", false, ["hello"]],
      ["tokens", true, [5]],
    ]);
    loaded.close();
  });

  test("an empty file and a header alone are notes", async () => {
    const empty = await load("csv", [folder.write("empty.csv", "")]);
    expect(empty.input).toMatchObject({ rows: 0, tables: [], notes: ["is empty"] });
    empty.close();
    const header = await load("csv", [folder.write("header.csv", "a,b\n")]);
    expect(header.input).toMatchObject({ rows: 0, tables: ["input.input"], notes: [] });
    header.close();
  });

  test("no record is lost: any rows written as CSV come back, each as it was", async () => {
    const cell = fc.option(
      fc.oneof(
        fc.string({ unit: "grapheme", maxLength: 12 }),
        fc.constantFrom(
          "",
          "NULL",
          "007",
          "1e3",
          "-5",
          "1.50",
          "a,b",
          'say "x"',
          "two\nlines",
          "'",
          "#",
          " x ",
        ),
        fc.integer().map(String),
      ),
      { nil: null },
    );
    const quoted = (value: string | null) => (value === null ? "" : `"${value.replaceAll('"', '""')}"`);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 30 }), async (cells) => {
        const clean = cells.map((row) => row.map((v) => v?.replace(/[\0\r]/g, "") ?? null));
        const text = `"k","left","right"\n${clean.map((row, i) => `"r${i}",${row.map(quoted).join(",")}`).join("\n")}\n`;
        const loaded = await load("csv", [folder.write("any.csv", text)]);
        try {
          expect(loaded.input.rejected).toBe(0);
          const rows = await loaded.rows(
            'SELECT CAST("left" AS VARCHAR) AS l, CAST("right" AS VARCHAR) AS r FROM input.input',
          );
          const types = typesOf(loaded);
          const expected = clean.map(([l = null, r = null]) => ({
            l: types.left === "VARCHAR" ? l : l || null,
            r: types.right === "VARCHAR" ? r : r || null,
          }));
          const same = (a: unknown, b: string | null, type?: string) =>
            type === "DOUBLE" && b !== null ? Number(a) === Number(b) : a === b;
          for (const [i, row] of expected.entries()) {
            expect(same(rows[i]?.l, row.l, types.left)).toBe(true);
            expect(same(rows[i]?.r, row.r, types.right)).toBe(true);
          }
          expect(rows).toHaveLength(expected.length);
        } finally {
          loaded.close();
        }
      }),
      { numRuns: 60 },
    );
  });
});
