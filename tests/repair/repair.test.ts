import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { DatabaseSync } from "@photostructure/sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { buildCatalog } from "../../src/catalog/catalog.ts";
import { defineCheck } from "../../src/contract/check.ts";
import type { RepairPlan } from "../../src/contract/repair.ts";
import { contextOf } from "../../src/engine/run.ts";
import { applyRepair } from "../../src/repair/apply.ts";
import { type PlannedRepair, planRepairs } from "../../src/repair/plan.ts";
import { Store } from "../../src/store/index.ts";
import { Folder, load } from "../kit/intake.ts";
import { testSettings } from "../kit/tables.ts";

let folder: Folder;
beforeEach(() => {
  folder = new Folder();
});
afterEach(() => folder.remove());

const OPEN = { memoryLimit: 2 ** 28, threads: 2, tempDir: tmpdir(), file: null };
const NO_STOP = new AbortController().signal;

/** Roots a and b are wrong (b is negative in one), c has nothing to be recovered from, d is right, e and e share a key. */
const SCHEMA = (number: string) => `
  CREATE TABLE traces (trace_id TEXT, tokens_in ${number}, tokens_out ${number}, note TEXT);
  INSERT INTO traces VALUES ('a''; DROP TABLE traces; --', 0, NULL, 'x'), ('b', -5, 0, 'x'), ('c', 0, 0, 'x'), ('d', 7, 0, 'x'),
    ('e', 0, 0, 'x'), ('e', 0, 0, 'y');
  CREATE TABLE truth (trace_id TEXT, i ${number}, o ${number});
  INSERT INTO truth VALUES ('a''; DROP TABLE traces; --', 100, 10), ('b', 200, 20), ('d', 300, 30), ('e', 1, 1);`;

async function database(kind: "sqlite" | "duckdb", sql = SCHEMA("INTEGER")): Promise<string> {
  const path = folder.at(`usage.${kind}`);
  if (kind === "sqlite") {
    const db = new DatabaseSync(path);
    db.exec(sql);
    db.close();
    return path;
  }
  const store = await Store.open(OPEN);
  await store.run(`ATTACH '${path}' AS made; USE made; ${sql}; USE memory; DETACH made`);
  store.close();
  return path;
}

async function rowsOf(kind: "sqlite" | "duckdb", path: string, sql: string): Promise<unknown[]> {
  if (kind === "sqlite") {
    const db = new DatabaseSync(path, { readOnly: true });
    const rows = db.prepare(sql).all();
    db.close();
    return rows.map((row) => ({ ...(row as object) }));
  }
  const store = await Store.open(OPEN);
  await store.run(`ATTACH '${path}' AS made (READ_ONLY); USE made`);
  const rows = await store.all(sql);
  store.close();
  return rows;
}

/** A check that takes the right values from the table `truth`. */
const check = (plan: Partial<RepairPlan> = {}) =>
  defineCheck({
    id: "zero-example",
    meta: { title: "", severity: "error", what: "", why: "", fix: "", silent: [], needs: "" },
    options: {},
    targets: () => [{ name: "input.traces" }],
    run: async () => [],
    repair: async (): Promise<RepairPlan> => ({
      table: "input.traces",
      key: "trace_id",
      columns: ["tokens_in", "tokens_out"],
      guard: "unfilled",
      among: null,
      how: "the sums of truth",
      rows: `SELECT t.trace_id AS key, t.tokens_in AS old_0, r.i AS new_0, t.tokens_out AS old_1, r.o AS new_1,
               CASE WHEN r.trace_id IS NULL THEN 'no messages' END AS lost
             FROM input.traces t LEFT JOIN input.truth r USING (trace_id) WHERE coalesce(t.tokens_in, 0) <= 0 AND coalesce(t.tokens_out, 0) <= 0`,
      ...plan,
    }),
  });

async function plannedFor(
  kind: "sqlite" | "duckdb",
  path: string,
  options: { limit?: number; plan?: Partial<RepairPlan> } = {},
): Promise<PlannedRepair> {
  const loaded = await load(kind, [path]);
  const settings = testSettings();
  const evidence = await buildCatalog(loaded.store, [loaded], settings);
  await loaded.store.lockDown();
  const [planned] = await planRepairs(
    loaded.store,
    evidence,
    [check(options.plan)],
    (one) => contextOf(loaded.store, evidence, one, settings),
    options.limit ?? null,
  );
  loaded.close();
  return planned as PlannedRepair;
}

const apply = (kind: "sqlite" | "duckdb", file: string, statements: readonly string[], signal = NO_STOP) =>
  applyRepair({
    target: { kind, file },
    shown: "usage",
    statements,
    signal,
    progress: () => {},
    store: OPEN,
  });

describe.each(["sqlite", "duckdb"] as const)("a repair of a %s file", (kind) => {
  test("tells what can be recovered and what is lost, with sums before and after", async () => {
    const { repair } = await plannedFor(kind, await database(kind));
    expect(repair).toMatchObject({
      check: "zero-example",
      target: "input.traces",
      table: "traces",
      rows: 2,
      lost: [
        { reason: "several rows have the same trace_id", rows: 2 },
        { reason: "no messages", rows: 1 },
      ],
      before: { tokens_in: -5, tokens_out: 0 },
      after: { tokens_in: 300, tokens_out: 30 },
      among: { rows: 6, filled: 1, sums: { tokens_in: 2, tokens_out: 0 } },
    });
  });

  test("a key that could steer a terminal is not written into SQL", async () => {
    const steering = SCHEMA("INTEGER").replaceAll("'b'", "'b\u001b[2J'");
    const { repair, statements } = await plannedFor(kind, await database(kind, steering));
    expect(repair.lost).toContainEqual({ reason: "trace_id holds control characters", rows: 1 });
    expect(statements.join("")).not.toContain("\u001b");
  });

  test("the plan alone writes nothing", async () => {
    const path = await database(kind);
    const before = folder.contents();
    await plannedFor(kind, path);
    expect(folder.contents()).toEqual(before);
  });

  test("writes the right values once, touches nothing else and keeps a copy of the file", async () => {
    const path = await database(kind);
    const { statements } = await plannedFor(kind, path);
    const all = "SELECT trace_id, tokens_in, tokens_out, note FROM traces ORDER BY rowid";
    const before = await rowsOf(kind, path, all);
    const first = await apply(kind, path, statements);
    expect(first.changed).toBe(2);
    expect(await rowsOf(kind, path, all)).toEqual([
      { trace_id: "a'; DROP TABLE traces; --", tokens_in: 100, tokens_out: 10, note: "x" },
      { trace_id: "b", tokens_in: 200, tokens_out: 20, note: "x" },
      ...before.slice(2),
    ]);
    expect(await rowsOf(kind, first.copy as string, all)).toEqual(before);
    const second = await apply(kind, path, statements);
    expect(second.changed).toBe(0);
    expect(second.copy).not.toBe(first.copy);
    const again = await plannedFor(kind, path);
    expect(again.repair.rows).toBe(0);
    expect(again.statements).toEqual([]);
  });

  test("a row that someone repaired meanwhile stays as they left it", async () => {
    const path = await database(kind);
    const { statements } = await plannedFor(kind, path);
    await apply(kind, path, ["UPDATE traces SET tokens_in = 99 WHERE trace_id = 'b'"]);
    expect((await apply(kind, path, statements)).changed).toBe(1);
    expect(await rowsOf(kind, path, "SELECT tokens_in AS n FROM traces WHERE trace_id = 'b'")).toEqual([
      { n: 99 },
    ]);
  });

  test("the printed SQL does the same in the database's own shell, and again changes nothing", async () => {
    const path = await database(kind);
    const { repair, statements } = await plannedFor(kind, path);
    expect(repair.sql).toContain("BEGIN;");
    if (kind === "sqlite") {
      const db = new DatabaseSync(path);
      db.exec(repair.sql as string);
      db.exec(repair.sql as string);
      db.close();
    } else {
      const store = await Store.open(OPEN);
      await store.run(`ATTACH '${path}' AS made; USE made`);
      await store.run(repair.sql as string);
      await store.run(repair.sql as string);
      store.close();
    }
    expect(await rowsOf(kind, path, "SELECT sum(tokens_in) AS n FROM traces")).toEqual([{ n: 307 }]);
    expect((await apply(kind, path, statements)).changed).toBe(0);
  });

  test("a limit repairs so many rows, in the order of their keys", async () => {
    const { repair } = await plannedFor(kind, await database(kind), { limit: 1 });
    expect(repair).toMatchObject({ rows: 1, after: { tokens_in: 100, tokens_out: 10 } });
  });

  test("rows that are not empty are replaced only while they are as they were read", async () => {
    const path = await database(kind);
    const { statements, repair } = await plannedFor(kind, path, {
      plan: {
        guard: "unchanged",
        rows: `SELECT t.trace_id AS key, t.tokens_in AS old_0, r.i AS new_0, t.tokens_out AS old_1, r.o AS new_1, NULL::VARCHAR AS lost
               FROM input.traces t JOIN input.truth r USING (trace_id) WHERE t.trace_id IN ('b', 'd')`,
      },
    });
    expect(repair.rows).toBe(2);
    await apply(kind, path, ["UPDATE traces SET tokens_in = 8 WHERE trace_id = 'd'"]);
    expect((await apply(kind, path, statements)).changed).toBe(1);
    expect(
      await rowsOf(kind, path, "SELECT tokens_in AS n FROM traces WHERE trace_id IN ('b', 'd') ORDER BY 1"),
    ).toEqual([{ n: 8 }, { n: 200 }]);
    expect((await apply(kind, path, statements)).changed).toBe(0);
  });

  test("interrupted in the middle, or failing, the file stays as it was and no copy is left", async () => {
    const path = await database(kind);
    const { statements } = await plannedFor(kind, path);
    const before = folder.contents();
    const stop = new AbortController();
    const stopping = applyRepair({
      target: { kind, file: path },
      shown: "usage",
      statements: [...statements, ...statements],
      signal: stop.signal,
      progress: () => stop.abort(),
      store: OPEN,
    });
    await expect(stopping).rejects.toThrow("interrupted");
    expect(Object.keys(folder.contents())).toEqual(Object.keys(before));
    expect(await rowsOf(kind, path, "SELECT sum(tokens_in) AS n FROM traces")).toEqual([{ n: 2 }]);
    await expect(apply(kind, path, [...statements, "UPDATE missing SET a = 1"])).rejects.toThrow(
      /^usage: nothing was changed: [^\n]+$/,
    );
    expect(Object.keys(folder.contents())).toEqual(Object.keys(before));
    expect(await rowsOf(kind, path, "SELECT sum(tokens_in) AS n FROM traces")).toEqual([{ n: 2 }]);
  });

  test("many rows go in batches, with integer keys too", async () => {
    const path = await database(
      kind,
      `CREATE TABLE traces (trace_id INTEGER PRIMARY KEY, tokens_in INTEGER, tokens_out INTEGER);
       CREATE TABLE truth (trace_id INTEGER, i INTEGER, o INTEGER);
       INSERT INTO truth WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1234) SELECT i, i, 1 FROM n;
       INSERT INTO traces SELECT trace_id, 0, 0 FROM truth;`,
    );
    const { statements, repair } = await plannedFor(kind, path, {
      plan: {
        rows: `SELECT t.trace_id::VARCHAR AS key, 0 AS old_0, r.i AS new_0, 0 AS old_1, r.o AS new_1, NULL::VARCHAR AS lost
               FROM input.traces t JOIN input.truth r USING (trace_id) WHERE t.tokens_in = 0`,
      },
    });
    expect(repair.rows).toBe(1234);
    expect(statements).toHaveLength(3);
    expect((await apply(kind, path, statements)).changed).toBe(1234);
    expect(
      await rowsOf(kind, path, "SELECT sum(tokens_in) AS n FROM traces WHERE tokens_in = trace_id"),
    ).toEqual([{ n: (1234 * 1235) / 2 }]);
  });
});

test("a SQLite database with a write-ahead log keeps it, and its copy holds what the log held", async () => {
  const path = await database("sqlite");
  const live = new DatabaseSync(path);
  live.exec("PRAGMA journal_mode = WAL; UPDATE traces SET note = 'in the log'");
  const { statements } = await plannedFor("sqlite", path);
  const { copy, changed } = await apply("sqlite", path, statements);
  expect(changed).toBe(2);
  live.close();
  const read = await rowsOf("sqlite", copy as string, "SELECT DISTINCT note FROM traces");
  expect(read).toEqual([{ note: "in the log" }]);
});

test("a database that another connection is writing to is told in one line, unchanged", async () => {
  const path = await database("sqlite");
  const { statements } = await plannedFor("sqlite", path);
  const writer = new DatabaseSync(path);
  writer.exec("BEGIN IMMEDIATE");
  const before = readFileSync(path);
  await expect(apply("sqlite", path, statements)).rejects.toThrow(/^usage: nothing was changed: .*locked/);
  writer.exec("ROLLBACK");
  writer.close();
  expect(readFileSync(path).equals(before)).toBe(true);
});
