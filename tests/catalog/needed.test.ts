import { describe, expect, test } from "vitest";
import { neededColumns } from "../../src/catalog/needed.ts";
import type { Value } from "../../src/contract/finding.ts";
import type { ColumnProfile, TableProfile } from "../../src/contract/loaded.ts";
import type { Settings } from "../../src/contract/settings.ts";
import { testSettings } from "../kit/tables.ts";

const n = [0, 1, 2, 3, 4].map((i) => i);
const column = (name: string, sample: Value[], extra: Partial<ColumnProfile> = {}): ColumnProfile => ({
  name,
  declared: "",
  primaryKey: false,
  references: null,
  sample,
  ...extra,
});

const WIDE: TableProfile = {
  schema: "db",
  name: "spend_logs",
  rows: 2_000_000,
  columns: [
    column(
      "id",
      n.map((i) => i + 1),
      { primaryKey: true },
    ),
    column(
      "request_id",
      n.map((i) => `req_a${i}b2c3d4e5`),
    ),
    column(
      "startTime",
      n.map((i) => `2026-01-15 09:0${i}:12`),
    ),
    column("prompt_tokens", n),
    column("cumulative_tokens", n),
    column(
      "model",
      n.map(() => "gpt-4o"),
    ),
    column(
      "endpoint",
      n.map(() => "/v1/chat"),
    ),
    column(
      "messages",
      n.map((i) => `${"x".repeat(600)} ${i}`),
    ),
    column(
      "response",
      n.map((i) => JSON.stringify({ text: "y".repeat(600), i })),
    ),
    column(
      "metadata",
      n.map((i) => JSON.stringify({ usage: { cache_read_input_tokens: i }, pad: "z".repeat(600) })),
    ),
    column(
      "team_ref",
      n.map((i) => i),
      { references: { table: "teams", column: "id" } },
    ),
    column(
      "latency",
      n.map((i) => i * 1.37),
    ),
  ],
};

const needed = (table: TableProfile, settings: Partial<Settings> = {}) => [
  ...neededColumns(table, testSettings(settings)),
];

const ALL = WIDE.columns.map((c) => c.name);

describe("of a wide table", () => {
  test("roles, what nearly has one, keys, times, few values and JSON with roles are loaded; the rest is not", () => {
    const left = ALL.filter((name) => !needed(WIDE).includes(name));
    expect(left).toEqual(["messages", "response", "latency"]);
  });

  test.each<[string, Partial<Settings>, string[]]>([
    [
      "a query that names a column",
      { named: "SELECT avg(latency) FROM db.spend_logs" },
      ["messages", "response"],
    ],
    ["SELECT *", { named: "SELECT * FROM db.spend_logs" }, []],
    ["count(*)", { named: "SELECT count(*) FROM db.spend_logs" }, ["messages", "response", "latency"]],
    ["FROM first", { named: "FROM db.spend_logs" }, []],
    [
      "SELECT * from another table",
      { named: "SELECT * FROM trueup.links" },
      ["messages", "response", "latency"],
    ],
    ["a database to keep", { dbFile: "x.duckdb" }, []],
    [
      "a configured role inside JSON",
      { roles: { spend_logs: { "response.i": "cost" } } },
      ["messages", "latency"],
    ],
  ])("with %s", (_, settings, left) => {
    const loaded = needed(WIDE, settings);
    expect(ALL.filter((name) => !loaded.includes(name))).toEqual(left);
  });
});

test("a small table is loaded whole", () => {
  const columns = WIDE.columns.filter((c) => !["messages", "response", "metadata"].includes(c.name));
  expect(needed({ ...WIDE, columns, rows: 500 })).toEqual(columns.map((c) => c.name));
  expect(needed({ ...WIDE, columns: columns.slice(0, 5) })).toHaveLength(5);
});
