import { spawn } from "node:child_process";
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

/** Makes a DuckDB file by running SQL in it. */
async function database(name: string, sql: string): Promise<string> {
  const path = folder.at(name);
  const store = await Store.open({ memoryLimit: 2 ** 28, threads: 2, tempDir: tmpdir(), file: null });
  await store.run(`ATTACH '${path}' AS made; USE made; ${sql}; USE memory; DETACH made`);
  store.close();
  return path;
}

const USAGE = `CREATE TABLE usage (id INTEGER PRIMARY KEY, session VARCHAR, tokens BIGINT);
  INSERT INTO usage SELECT range, 's' || range % 3, range FROM range(1000)`;

describe("a DuckDB file", () => {
  test("is read in place: its rows, keys and types are there and the file is untouched", async () => {
    const path = await database(
      "usage.duckdb",
      `${USAGE}; CREATE TABLE calls (usage_id INTEGER REFERENCES usage (id), detail STRUCT(model VARCHAR, n INTEGER[]),
        tags MAP(VARCHAR, INTEGER), body JSON, cost DECIMAL(20, 6), moment TIMESTAMPTZ, kind ENUM('a', 'b'), key UUID);
       INSERT INTO calls VALUES (1, {model: 'm', n: [1, 2]}, MAP {'k': 5}, '{"a": 1}', 1.25, '2026-01-01 12:00:00+02', 'b',
        '00000000-0000-0000-0000-000000000001')`,
    );
    const before = folder.contents();
    const loaded = await load("duckdb", [path], { name: "store" });
    expect(loaded.input).toMatchObject({ rows: 1001, rejected: 0, tables: ["store.calls", "store.usage"] });
    expect(loaded.input.error).toBeUndefined();
    const [calls, usage] = loaded.tables;
    expect(usage?.columns.find((c) => c.name === "id")).toMatchObject({
      primaryKey: true,
      type: "INTEGER",
      loaded: true,
    });
    expect(calls?.columns.map((c) => c.type)).toEqual([
      "INTEGER",
      "STRUCT(model VARCHAR, n INTEGER[])",
      "MAP(VARCHAR, INTEGER)",
      "JSON",
      "DECIMAL(20,6)",
      "TIMESTAMP WITH TIME ZONE",
      "ENUM('a', 'b')",
      "UUID",
    ]);
    expect(calls?.columns[0]?.references).toEqual({ table: "usage", column: "id" });
    expect(calls?.columns.map((c) => c.sample[0])).toEqual([
      1,
      { model: "m", n: [1, 2] },
      { k: 5 },
      '{"a": 1}',
      1.25,
      "2026-01-01T10:00:00Z",
      "b",
      "00000000-0000-0000-0000-000000000001",
    ]);
    await loaded.store.lockDown();
    expect(await loaded.rows("SELECT sum(tokens) AS n, min(rowid) AS first FROM store.usage")).toEqual([
      { n: 499500, first: 0 },
    ]);
    await expect(loaded.rows("DELETE FROM store.usage")).rejects.toThrow(/read-only/);
    loaded.close();
    expect(folder.contents()).toEqual(before);
  });

  test("samples come from all over a table", async () => {
    const path = await database("usage.duckdb", USAGE);
    const loaded = await load("duckdb", [path]);
    const sample = loaded.tables[0]?.columns[0]?.sample ?? [];
    expect(sample).toHaveLength(200);
    expect(Number(sample.at(-1))).toBeGreaterThanOrEqual(995);
    expect(new Set(sample.map((id) => Number(id) % 5)).size, "at even steps").toBeGreaterThan(1);
    loaded.close();
  });

  test("tables of other schemas carry the schema in their name; views are listed and not run", async () => {
    const path = await database(
      "usage.duckdb",
      `${USAGE}; CREATE SCHEMA billing; CREATE TABLE billing.usage AS SELECT 7 AS tokens, 'x' AS note;
       CREATE VIEW hostile AS SELECT * FROM read_text('/etc/hostname')`,
    );
    const loaded = await load("duckdb", [path], { name: "store" });
    expect(loaded.input.tables).toEqual(["store.usage", "store.billing.usage"]);
    expect(await loaded.rows('SELECT tokens FROM store."billing.usage"')).toEqual([{ tokens: 7 }]);
    expect(loaded.tables.find((t) => t.view)).toMatchObject({ name: "hostile", rows: 0 });
    loaded.close();
  });

  test("rows that only the write-ahead log holds are read, and log and database stay as they were", async () => {
    const path = folder.at("live.duckdb");
    await killedWhileOpen(path, "CREATE TABLE t (i INTEGER); CHECKPOINT; INSERT INTO t VALUES (1), (2)");
    const before = folder.contents();
    expect(Object.keys(before)).toEqual(["live.duckdb", "live.duckdb.wal"]);
    const loaded = await load("duckdb", [path]);
    expect(loaded.input).toMatchObject({
      rows: 2,
      notes: ["read together with the write-ahead log beside it"],
    });
    loaded.close();
    expect(folder.contents()).toEqual(before);
  });

  test("a file in use by another process is told in one line that names the process", async () => {
    const path = folder.at("live.duckdb");
    const writer = await openElsewhere(path, "CREATE TABLE t (i INTEGER)");
    try {
      await expect(load("duckdb", [path])).rejects.toThrow(
        new RegExp(
          `^live\\.duckdb: in use by another process, [^,]+ \\(PID ${writer.pid}\\); end it, or audit a copy of the file$`,
        ),
      );
    } finally {
      writer.kill("SIGKILL");
    }
  });

  test.each([
    ["cut in its header", (bytes: Buffer) => bytes.subarray(0, 5000), /truncated or corrupt/],
    ["cut in its first blocks", (bytes: Buffer) => bytes.subarray(0, 100_000), /truncated or corrupt/],
    ["overwritten", (bytes: Buffer) => bytes.fill(0x41, 8192), /truncated or corrupt/],
  ])("a file that is %s is told in one line", async (_, damage, expected) => {
    const path = await database("usage.duckdb", USAGE);
    writeFileSync(path, damage(readFileSync(path)));
    await expect(load("duckdb", [path])).rejects.toThrow(expected);
    await expect(load("duckdb", [path])).rejects.toThrow(/^usage\.duckdb: [^\n]+$/);
  });

  test("a table with a damaged block is told, and the other tables are read", async () => {
    const path = await database(
      "usage.duckdb",
      `CREATE TABLE big AS SELECT range AS n, md5(range::VARCHAR) AS text FROM range(200000); ${USAGE}`,
    );
    const bytes = readFileSync(path);
    const at = BLOCKS_FROM + BLOCK * (await firstTextBlock(path, "big"));
    bytes.fill(0x41, at + 1000, at + 1064);
    writeFileSync(path, bytes);
    const loaded = await load("duckdb", [path], { name: "store" });
    expect(loaded.input.tables).toEqual(["store.usage"]);
    expect(loaded.input.error).toMatch(
      /^usage\.duckdb: table big cannot be read: the file is corrupt \([^\n]+\)$/,
    );
    loaded.close();
  });

  test("with a database to keep, the rows are copied into it", async () => {
    const path = await database("usage.duckdb", USAGE);
    const kept = folder.at("kept.duckdb");
    const loaded = await load("duckdb", [path], { name: "store", settings: { dbFile: kept } });
    loaded.close();
    const again = await load("duckdb", [kept], { name: "kept" });
    expect(await again.rows('SELECT count(*) AS n FROM kept."store.usage"')).toEqual([{ n: 1000 }]);
    again.close();
  });

  test("hostile names of tables and columns are loaded as they are", async () => {
    const path = await database(
      "usage.duckdb",
      `CREATE TABLE "a""; DROP TABLE x; --" ("__proto__" INTEGER, "c'""d" INTEGER); INSERT INTO "a""; DROP TABLE x; --" VALUES (1, 2)`,
    );
    const loaded = await load("duckdb", [path], { name: "st ore" });
    const [table] = loaded.tables;
    expect(table?.name).toBe('a"; DROP TABLE x; --');
    expect(table?.columns.map((c) => [c.name, c.sample[0]])).toEqual([
      ["__proto__", 1],
      ["c'\"d", 2],
    ]);
    loaded.close();
  });

  test("a database without tables is a note", async () => {
    const path = await database("empty.duckdb", "SELECT 1");
    const loaded = await load("duckdb", [path]);
    expect(loaded.input).toMatchObject({ rows: 0, tables: [], notes: ["has no tables"] });
    loaded.close();
  });
});

/** DuckDB's storage: three headers of 4 KiB, then blocks. */
const BLOCKS_FROM = 3 * 4096;
const BLOCK = 256 * 1024;

async function firstTextBlock(path: string, table: string): Promise<number> {
  const store = await Store.open({ memoryLimit: 2 ** 28, threads: 2, tempDir: tmpdir(), file: null });
  await store.run(`ATTACH '${path}' AS made (READ_ONLY)`);
  const row = await store.one(
    `SELECT min(block_id) AS block FROM pragma_storage_info('made.${table}') WHERE column_name = 'text' AND block_id >= 0`,
  );
  store.close();
  return Number(row?.block);
}

/** Another process that has the file open, with the statements run. */
async function openElsewhere(path: string, sql: string) {
  const script = `
    const { DuckDBInstance } = require("@duckdb/node-api");
    DuckDBInstance.create(${JSON.stringify(path)}).then((i) => i.connect()).then((c) => c.run(${JSON.stringify(sql)}))
      .then(() => { console.log("ready"); setInterval(() => {}, 1000); });`;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  await new Promise((ready) => child.stdout.once("data", ready));
  return child;
}

async function killedWhileOpen(path: string, sql: string): Promise<void> {
  const child = await openElsewhere(path, sql);
  child.kill("SIGKILL");
  await new Promise((gone) => child.once("exit", gone));
}
