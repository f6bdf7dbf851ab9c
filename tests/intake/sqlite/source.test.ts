/** Whatever state a database is in, it is read as it stands and left byte for byte as it was. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Folder, load } from "../../kit/intake.ts";

let folder: Folder;
const processes: ChildProcess[] = [];
beforeEach(() => {
  folder = new Folder();
});
afterEach(() => {
  for (const one of processes.splice(0)) one.kill("SIGKILL");
  folder.remove();
});

/** A database that another process holds open: it prints a line when `sql` was run, then stays or goes on writing. */
async function held(file: string, sql: string, loop = ""): Promise<ChildProcess> {
  const script = `
    import { DatabaseSync } from ${JSON.stringify(join(import.meta.dirname, "../../../node_modules/@photostructure/sqlite/dist/index.mjs"))};
    const db = new DatabaseSync(${JSON.stringify(file)}, { timeout: 5000 });
    // Held for good: a connection that nothing refers to is closed when memory is tidied up.
    globalThis.held = db;
    db.exec(${JSON.stringify(sql)});
    console.log("ready");
    const step = () => { ${loop === "" ? "" : `db.exec(${JSON.stringify(loop)});`} setTimeout(step, 1); };
    step();`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  processes.push(child);
  await once(child.stdout!, "data");
  return child;
}

function make(name: string, sql: string): string {
  const file = folder.at(name);
  const db = new DatabaseSync(file);
  db.exec(sql);
  db.close();
  return file;
}

/** Loads and checks that nothing in the folder changed. */
async function loadUntouched(file: string) {
  const before = folder.contents();
  const loaded = await load("sqlite", [file]);
  loaded.close();
  expect(folder.contents()).toEqual(before);
  return loaded;
}

const TABLE = "CREATE TABLE t (a INTEGER, b TEXT); INSERT INTO t VALUES (1, 'x'), (2, 'y');";

test("a plain database", async () => {
  expect((await loadUntouched(make("a.db", TABLE))).input.rows).toBe(2);
});

test("a name with a question mark, a hash, a percent sign and spaces", async () => {
  expect((await loadUntouched(make("a?b#c %41.db", TABLE))).input.rows).toBe(2);
});

test("write-ahead mode without a log beside it", async () => {
  expect((await loadUntouched(make("wal.db", `PRAGMA journal_mode = WAL; ${TABLE}`))).input.rows).toBe(2);
});

test("rows that are only in the write-ahead log are read", async () => {
  const file = folder.at("live.db");
  const child = await held(file, `PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; ${TABLE}`);
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(Object.keys(folder.contents())).toContain("live.db-wal");
  expect((await loadUntouched(file)).input.rows).toBe(2);
});

test("a hot journal is rolled back in the copy only", async () => {
  const file = make(
    "hot.db",
    `${TABLE} CREATE TABLE big (x); INSERT INTO big SELECT randomblob(500) FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000) SELECT i FROM n);`,
  );
  // A cache of few pages spills the transaction into the file while its journal lies beside.
  const child = await held(
    file,
    "PRAGMA cache_size = 5; BEGIN; UPDATE big SET x = randomblob(500); DELETE FROM t;",
  );
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(Object.keys(folder.contents())).toContain("hot.db-journal");
  expect((await loadUntouched(file)).tables.map((table) => table.rows)).toEqual([2, 4000]);
});

test("under a writer in write-ahead mode, every snapshot is whole", async () => {
  const file = folder.at("busy.db");
  await held(
    file,
    "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 20; CREATE TABLE a (n INTEGER, pad TEXT); CREATE TABLE b (n INTEGER, pad TEXT);",
    "BEGIN; INSERT INTO a SELECT count(*), hex(randomblob(400)) FROM a; INSERT INTO b SELECT count(*), hex(randomblob(400)) FROM b; COMMIT;",
  );
  for (let i = 0; i < 5; i++) {
    const loaded = await load("sqlite", [file]);
    const row = (
      await loaded.rows(
        "SELECT (SELECT count(*) FROM input.a) AS a, (SELECT count(*) FROM input.b) AS b, (SELECT coalesce(max(n), -1) + 1 FROM input.a) AS last",
      )
    )[0]!;
    loaded.close();
    expect(loaded.input.error).toBeUndefined();
    expect(row["a"]).toBe(row["b"]);
    expect(row["a"]).toBe(row["last"]);
  }
});

test("a writer in rollback mode does not spoil what is read", async () => {
  const file = make("rollback.db", "CREATE TABLE a (n INTEGER); CREATE TABLE b (n INTEGER)");
  await held(
    file,
    "SELECT 1",
    "BEGIN IMMEDIATE; INSERT INTO a VALUES (1); INSERT INTO b VALUES (1); COMMIT;",
  );
  const loaded = await load("sqlite", [file]);
  loaded.close();
  expect(loaded.tables[0]!.rows).toBe(loaded.tables[1]!.rows);
});

test("a database that another process has locked is told", async () => {
  const file = make("locked.db", TABLE);
  await held(file, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;");
  await expect(load("sqlite", [file])).rejects.toThrow("locked.db: locked by another process");
});

test.each([
  ["cut off in its header", (bytes: Buffer) => bytes.subarray(0, 60)],
  [
    "encrypted behind its header",
    (bytes: Buffer) => Buffer.concat([bytes.subarray(0, 16), Buffer.alloc(8000, 0xa7)]),
  ],
])("a database %s is one clear line", async (_name, damage) => {
  const file = make("whole.db", TABLE);
  writeFileSync(folder.at("bad.db"), damage(readFileSync(file)));
  await expect(load("sqlite", [folder.at("bad.db")])).rejects.toThrow(
    /^bad\.db: (encrypted or damaged|damaged|cannot be opened)[^\n]*$/,
  );
});

test("of a damaged database everything readable is loaded and the rest told", async () => {
  const file = make(
    "pages.db",
    "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT); INSERT INTO t SELECT i, 'row ' || i || hex(zeroblob(50)) FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) SELECT i FROM n); CREATE TABLE other (x); INSERT INTO other VALUES (1);",
  );
  const bytes = readFileSync(file);
  bytes.fill(0xff, 40 * 4096, 41 * 4096);
  writeFileSync(file, bytes);
  const loaded = await loadUntouched(file);
  const table = loaded.tables[0]!;
  expect(table.rows).toBeGreaterThan(2900);
  expect(table.rows).toBeLessThan(3000);
  expect(loaded.tables[1]!.rows).toBe(1);
  expect(loaded.input.error).toMatch(/t: rows with rowids from \d+ to \d+ could not be read/);
  expect(loaded.rejects).toHaveLength(1);
  const [, from, to] = /from (\d+) to (\d+)/.exec(loaded.input.error ?? "") ?? [];
  expect(Number(to) - Number(from) + 1).toBe(3000 - table.rows);
});

test("a copy of half a file gives what is in it", async () => {
  const file = make(
    "half.db",
    "CREATE TABLE t (b TEXT); INSERT INTO t SELECT hex(zeroblob(200)) FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) SELECT i FROM n)",
  );
  const bytes = readFileSync(file);
  copyFileSync(file, folder.at("cut.db"));
  writeFileSync(folder.at("cut.db"), bytes.subarray(0, bytes.length / 2));
  const loaded = await loadUntouched(folder.at("cut.db"));
  expect(loaded.input.rows).toBeGreaterThan(1000);
  expect(loaded.input.error).toMatch(/could not be read/);
});
