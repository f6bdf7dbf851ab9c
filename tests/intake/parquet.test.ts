import { readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Store } from "../../src/store/index.ts";
import { Folder, load } from "../kit/intake.ts";

let folder: Folder;
beforeEach(() => {
  folder = new Folder();
});
afterEach(() => folder.remove());

/** Writes the rows of a SELECT as a Parquet file. */
async function parquet(name: string, select: string): Promise<string> {
  const path = folder.at(name);
  const store = await Store.open({ memoryLimit: 2 ** 28, threads: 2, tempDir: tmpdir(), file: null });
  await store.run(`COPY (${select}) TO '${path}' (FORMAT parquet)`);
  store.close();
  return path;
}

describe("Parquet", () => {
  test("types are kept, nested ones too, and the file is untouched", async () => {
    const path = await parquet(
      "usage.parquet",
      `SELECT 1::INTEGER AS id, {input: 5, "cache.read": 2} AS usage, MAP {'input': 7} AS usage_details, [1, 2] AS list,
        1.25::DECIMAL(20, 6) AS cost, TIMESTAMPTZ '2026-01-01 00:00:00+00' AS moment, '{"a": 1}'::JSON AS body`,
    );
    const before = folder.contents();
    const loaded = await load("parquet", [path], { name: "usage" });
    expect(loaded.tables[0]?.columns.map((c) => [c.name, c.type, c.sample[0]])).toEqual([
      ["id", "INTEGER", 1],
      ["usage", 'STRUCT("input" INTEGER, "cache.read" INTEGER)', { input: 5, "cache.read": 2 }],
      ["usage_details", "MAP(VARCHAR, INTEGER)", { input: 7 }],
      ["list", "INTEGER[]", [1, 2]],
      ["cost", "DECIMAL(20,6)", 1.25],
      ["moment", "TIMESTAMP WITH TIME ZONE", "2026-01-01T00:00:00Z"],
      ["body", "JSON", '{"a": 1}'],
    ]);
    expect(loaded.input).toMatchObject({ rows: 1, tables: ["usage.usage"], notes: [] });
    loaded.close();
    expect(folder.contents()).toEqual(before);
  });

  test("only needed columns are loaded, the others are described", async () => {
    const path = await parquet("usage.parquet", "SELECT 'long' AS body, 5 AS tokens");
    const loaded = await load("parquet", [path], { needed: ["tokens"] });
    expect(await loaded.rows("SELECT * FROM input.input")).toEqual([{ tokens: 5 }]);
    expect(loaded.tables[0]?.columns.map((c) => [c.name, c.loaded, c.sample])).toEqual([
      ["body", false, ["long"]],
      ["tokens", true, [5]],
    ]);
    loaded.close();
  });

  test("several files are one table with the columns of all, in the order of the files", async () => {
    const loaded = await load("parquet", [
      await parquet("a.parquet", "SELECT 1 AS id, 5 AS tokens"),
      await parquet("b.parquet", "SELECT 7::BIGINT AS tokens, 'm' AS model"),
    ]);
    expect(await loaded.rows("SELECT * FROM input.input")).toEqual([
      { id: 1, tokens: 5, model: null },
      { id: null, tokens: 7, model: "m" },
    ]);
    expect(loaded.input.notes).toEqual(["2 files read as one table"]);
    loaded.close();
  });

  test("a corrupt footer is one line; beside readable files these are read", async () => {
    const good = await parquet("a.parquet", "SELECT range AS tokens FROM range(10)");
    const cut = folder.write("b.parquet", readFileSync(good).subarray(0, 100));
    await expect(load("parquet", [cut])).rejects.toThrow(
      /^b\.parquet: no readable Parquet footer, the file is truncated or corrupt \([^\n]+\)$/,
    );
    const loaded = await load("parquet", [good, cut]);
    expect(loaded.input.rows).toBe(10);
    expect(loaded.input.error).toMatch(/^a\.parquet \(b\.parquet\): no readable Parquet footer/);
    loaded.close();
  });

  test("damaged data behind a good footer is one line", async () => {
    const path = await parquet("a.parquet", "SELECT md5(range::VARCHAR) AS id FROM range(5000)");
    const bytes = readFileSync(path);
    bytes.fill(0xff, 4, 40);
    writeFileSync(path, bytes);
    await expect(load("parquet", [path])).rejects.toThrow(
      /^a\.parquet: the Parquet data is damaged \([^\n]+\)$/,
    );
  });
});
