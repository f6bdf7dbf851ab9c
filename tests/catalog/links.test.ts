import { tmpdir } from "node:os";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { buildCatalog } from "../../src/catalog/catalog.ts";
import { idShapesFor, shapesOf } from "../../src/catalog/shapes.ts";
import type { LoadedInput } from "../../src/contract/loaded.ts";
import { qualified, Store } from "../../src/store/index.ts";
import { loadTables, type TableData, testSettings } from "../kit/tables.ts";

let store: Store;
beforeEach(async () => {
  store = await Store.open({ memoryLimit: 2 ** 28, threads: 2, tempDir: tmpdir(), file: null });
});
afterEach(() => store.close());

const uuid = (n: number, head = "3f2b8c1e") => `${head}-7a41-4c02-9d10-${String(n).padStart(12, "0")}`;
const time = (n: number) =>
  `2026-01-15 ${String(9 + Math.floor(n / 60)).padStart(2, "0")}:${String(n % 60).padStart(2, "0")}:00`;
const times = (count: number) => Array.from({ length: count }, (_, n) => n);

async function linksOf(tables: Record<string, TableData>, change?: (loaded: LoadedInput[]) => void) {
  const loaded = await loadTables(store, tables);
  change?.(loaded);
  const { links } = await buildCatalog(store, loaded, testSettings());
  const told = links.map(
    (l) => `${l.leftTable}.${l.leftColumn} → ${l.rightTable}.${l.rightColumn} ${l.matchedRatio} ${l.how}`,
  );
  const facts = await store.all("SELECT left_table FROM trueup.links");
  expect(facts).toHaveLength(links.length);
  return told;
}

/** A log of `count` lines, a minute apart, that mentions one id per line. */
async function addLog(loaded: LoadedInput[], ids: string[]): Promise<void> {
  await store.run("CREATE SCHEMA app_log");
  await store.run("CREATE TABLE app_log.lines (file VARCHAR, line BIGINT, time TIMESTAMP, message VARCHAR)");
  const rows = ids.map((id, n) => `('app.log', ${n + 1}, TIMESTAMP '${time(n)}', 'Job ${id}: done')`);
  await store.run(`INSERT INTO app_log.lines VALUES ${rows.join(",")}`);
  await store.run(
    "INSERT INTO trueup.mentions (input, line, time, id) SELECT 'app_log', line, time, regexp_extract(message, 'Job (.*): done', 1) FROM app_log.lines",
  );
  const lines = {
    schema: "app_log",
    name: "lines",
    input: "app_log",
    form: "lines" as const,
    rows: ids.length,
    columns: [],
    known: {},
    format: null,
    timezone: "UTC",
    view: false,
  };
  loaded.push({
    input: {
      name: "app_log",
      kind: "log",
      path: "app.log",
      bytes: 0,
      rows: ids.length,
      rejected: 0,
      tables: ["app_log.lines"],
      notes: [],
    },
    tables: [lines],
    log: {
      format: "python logging",
      relation: qualified("app_log", "lines"),
      lines,
      timeRange: { from: "2026-01-15T09:00:00Z", to: `${time(ids.length - 1).replace(" ", "T")}Z` },
      undated: false,
      extractIds: async () => {},
    },
  });
}

const jobs = (count: number): TableData => ({
  rows: times(count).map((n) => ({ job_id: uuid(n), created_at: time(n), status: "done" })),
});

describe("a log and a table", () => {
  test("are linked by the ids that lines mention, within the time both cover", async () => {
    const loaded = await loadTables(store, { "db.jobs": jobs(40) });
    await addLog(
      loaded,
      times(20).map((n) => uuid(n)),
    );
    const { links } = await buildCatalog(store, loaded, testSettings());
    expect(links).toEqual([
      {
        leftTable: "app_log.lines",
        leftColumn: "message",
        rightTable: "db.jobs",
        rightColumn: "job_id",
        matchedRatio: 1,
        how: "mentions",
      },
    ]);
  });

  test("in the direction that matches better, when lines mention other ids too", async () => {
    const loaded = await loadTables(store, { "db.jobs": jobs(10) });
    await addLog(
      loaded,
      times(30).map((n) => (n % 3 === 0 ? uuid(n / 3) : uuid(n, "99999999"))),
    );
    const { links } = await buildCatalog(store, loaded, testSettings());
    expect(links.map((l) => [l.leftTable, l.matchedRatio])).toEqual([["db.jobs", 1]]);
  });

  test("are not linked when they share no ids", async () => {
    const loaded = await loadTables(store, { "db.jobs": jobs(10) });
    await addLog(
      loaded,
      times(10).map((n) => uuid(n, "99999999")),
    );
    expect((await buildCatalog(store, loaded, testSettings())).links).toEqual([]);
  });
});

describe("tables", () => {
  const spans: TableData = {
    rows: times(20).map((n) => ({
      id: uuid(n),
      trace_id: uuid(Math.floor(n / 5), "bbbbbbbb"),
      parent_id: n % 5 === 0 ? null : uuid(n - 1),
      start_time: time(n),
      prompt_tokens: n,
    })),
    primaryKey: ["id"],
  };

  test("a reference and the ids it refers to, in the same table and in another", async () => {
    const traces: TableData = {
      rows: times(4).map((n) => ({ id: uuid(n, "bbbbbbbb"), timestamp: time(n), user_id: "u1" })),
      primaryKey: ["id"],
    };
    expect(await linksOf({ "db.spans": spans, "db.traces": traces })).toEqual([
      "db.spans.parent_id → db.spans.id 1 values",
      "db.spans.trace_id → db.traces.id 1 values",
    ]);
  });

  test("the same ids in two inputs", async () => {
    const copy: TableData = {
      rows: times(5).map((n) => ({ id: uuid(n * 4), start_time: time(n * 4), cost: n })),
    };
    expect(await linksOf({ "one.spans": spans, "two.spans": copy })).toContain(
      "two.spans.id → one.spans.id 1 values",
    );
  });

  test("small integers only by a name or a declared key, and when nearly all are there", async () => {
    const sessions: TableData = {
      rows: times(10).map((n) => ({ id: n + 1, title: `t${n}`, created_at: time(n) })),
      primaryKey: ["id"],
    };
    const messages: TableData = {
      rows: times(30).map((n) => ({
        id: n + 1,
        session_id: (n % 10) + 1,
        thing_id: (n % 5) + 1,
        created_at: time(n),
      })),
      primaryKey: ["id"],
    };
    const things: TableData = {
      rows: times(5).map((n) => ({ id: n + 1, label: `l${n}` })),
      primaryKey: ["id"],
    };
    const told = await linksOf(
      { "db.sessions": sessions, "db.messages": messages, "db.others": things },
      (loaded) => {
        const column = loaded[0]!.tables[1]!.columns.find((c) => c.name === "thing_id")!;
        column.references = { table: "others", column: "id" };
      },
    );
    expect(told).toEqual([
      "db.messages.session_id → db.sessions.id 1 names",
      "db.messages.thing_id → db.others.id 1 declared",
    ]);
  });

  test("a shared user links no two tables", async () => {
    const one: TableData = {
      rows: times(6).map((n) => ({
        id: uuid(n),
        user_id: uuid(n, "77777777"),
        created_at: time(n),
        cost: 1,
      })),
    };
    const two: TableData = {
      rows: times(6).map((n) => ({
        id: uuid(n, "88888888"),
        user_id: uuid(n, "77777777"),
        created_at: time(n),
        cost: 1,
      })),
    };
    expect(await linksOf({ "db.one": one, "db.two": two })).toEqual([]);
  });
});

describe("shapes of ids", () => {
  test.each<[string, string[], { pattern: string; contains: string | null }[]]>([
    [
      "UUID",
      [uuid(1), uuid(2)],
      [
        {
          pattern: "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}",
          contains: null,
        },
      ],
    ],
    ["hex", ["a1b2c3d4", "00ff00ff"], [{ pattern: "[0-9a-f]{8}", contains: null }]],
    [
      "prefixed",
      ["chatcmpl-9xYz", "chatcmpl-8aBcD"],
      [{ pattern: "chatcmpl-[0-9A-Za-z]{4,5}", contains: "chatcmpl-" }],
    ],
    ["a counter behind a prefix", ["job-1", "job-25"], [{ pattern: "job-[0-9]+", contains: "job-" }]],
    ["long numbers", ["123456789012", "1234567890123"], [{ pattern: "[0-9]{12,13}", contains: null }]],
    [
      "two prefixes",
      ["root_a1", "trc_b2", "trc_c3"],
      [
        { pattern: "trc_[0-9a-z]{2}", contains: "trc_" },
        { pattern: "root_[0-9a-z]{2}", contains: "root_" },
      ],
    ],
    ["small integers: none", ["1", "22", "333"], []],
    ["words: none", ["alpha", "beta-gamma"], []],
  ])("%s", (_, given, expected) => {
    expect(shapesOf(given)).toEqual(expected);
    for (const value of given)
      if (expected.length > 0)
        expect(expected.some((s) => new RegExp(`^(${s.pattern})$`).test(value))).toBe(true);
  });

  test("a log is searched for the keys of other inputs, not for their users, secrets or texts", async () => {
    const loaded = await loadTables(store, {
      "db.jobs": {
        rows: times(5).map((n) => ({
          job_id: uuid(n),
          user_id: `usr_a${n}b2c3d4`,
          api_key: `a1b2c3d4e5f6071${n}`,
          note: `a1b2c3d4-${n}`,
        })),
      },
    });
    await addLog(loaded, [uuid(1)]);
    expect(idShapesFor(loaded[1]!, loaded).map((s) => s.pattern)).toEqual([shapesOf([uuid(1)])[0]!.pattern]);
  });
});
