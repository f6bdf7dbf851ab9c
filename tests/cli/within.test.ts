/** `--since` and `--until` over every kind of input that holds tables. */

import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { describe, expect, test } from "vitest";
import { Store } from "../../src/store/index.ts";
import { auditReport, temporaryFolder, trueup } from "../kit/command.ts";

/** 40 calls, one an hour from midnight on the first of March; the last one has no time. */
const CALLS = Array.from({ length: 40 }, (_, i) => ({
  id: `c${i}`,
  time: i === 39 ? null : new Date(Date.UTC(2026, 2, 1, i)).toISOString().slice(0, 19).replace("T", " "),
  tokens: 100 + i,
}));
const SINCE = ["--since", "2026-03-02T00:00:00Z", "--until", "2026-03-02T10:00:00Z"];

const csv = `id,created_at,input_tokens\n${CALLS.map((c) => `${c.id},${c.time ?? ""},${c.tokens}`).join("\n")}\n`;
const dump = `CREATE TABLE public.calls (id text, created_at timestamp, input_tokens integer);\nCOPY public.calls (id, created_at, input_tokens) FROM stdin;\n${CALLS.map((c) => `${c.id}\t${c.time ?? "\\N"}\t${c.tokens}`).join("\n")}\n\\.\n`;

const MAKERS: Record<string, (folder: string) => Promise<string> | string> = {
  "calls.csv": (folder) => written(folder, "calls.csv", csv),
  "calls.sql": (folder) => written(folder, "calls.sql", dump),
  "calls.jsonl": (folder) =>
    written(
      folder,
      "calls.jsonl",
      CALLS.map((c) => JSON.stringify({ id: c.id, created_at: c.time, input_tokens: c.tokens })).join("\n"),
    ),
  "calls.db": (folder) => {
    const file = join(folder, "calls.db");
    const db = new DatabaseSync(file);
    db.exec("CREATE TABLE calls (id TEXT PRIMARY KEY, created_at TEXT, input_tokens INTEGER)");
    const insert = db.prepare("INSERT INTO calls VALUES (?, ?, ?)");
    for (const c of CALLS) insert.run(c.id, c.time, c.tokens);
    db.close();
    return file;
  },
  "calls.duckdb": async (folder) => {
    const file = join(folder, "calls.duckdb");
    const source = written(folder, "made.csv", csv);
    const store = await Store.open({ memoryLimit: 2 ** 28, threads: 2, tempDir: tmpdir(), file: null });
    await store.run(
      `ATTACH '${file}' AS made; CREATE TABLE made.calls AS FROM read_csv('${source}'); DETACH made`,
    );
    store.close();
    return file;
  },
};

function written(folder: string, name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

describe("--since and --until", () => {
  test.each(Object.keys(MAKERS))("only the rows of that time are there: %s", async (name) => {
    const file = await (MAKERS[name] as (folder: string) => Promise<string> | string)(temporaryFolder());
    const { report } = auditReport([`calls=${file}`, ...SINCE]);
    expect(report.inputs[0]).toMatchObject({ rows: 11 });
    expect(report.inputs[0]?.notes).toContainEqual(
      expect.stringMatching(/29 rows of another time are left out/),
    );
    expect(report.tables[0]?.timeRange).toEqual({
      from: "2026-03-02T00:00:00Z",
      to: "2026-03-02T10:00:00Z",
    });
    const table = report.tables[0]?.name as string;
    const asked = trueup([
      "query",
      `SELECT min(input_tokens) AS lo, max(input_tokens) AS hi FROM ${table}`,
      `calls=${file}`,
      ...SINCE,
      "--format",
      "json",
    ]);
    expect(JSON.parse(asked.stdout)).toEqual([{ lo: 124, hi: 134 }]);
  });

  test("tables without a time and totals stay whole; of days those stay that lie in it as a whole", () => {
    const folder = temporaryFolder();
    const file = join(folder, "app.db");
    const db = new DatabaseSync(file);
    db.exec(`CREATE TABLE users (id TEXT, name TEXT); INSERT INTO users VALUES ('u1', 'a'), ('u2', 'b');
      CREATE TABLE usage_daily (day TEXT, input_tokens INTEGER, output_tokens INTEGER);
      INSERT INTO usage_daily VALUES ('2026-03-01', 1, 1), ('2026-03-02', 1, 1), ('2026-03-03', 1, 1), ('2026-03-04', 1, 1)`);
    db.close();
    const { report } = auditReport([
      file,
      "--since",
      "2026-03-01T12:00:00Z",
      "--until",
      "2026-03-03T12:00:00Z",
    ]);
    const rows = Object.fromEntries(report.tables.map((table) => [table.name, table.rows]));
    expect(rows).toEqual({ "app.users": 2, "app.usage_daily": 1 });
  });

  test("without them nothing is left out", async () => {
    const { report } = auditReport([written(temporaryFolder(), "calls.csv", csv)]);
    expect(report.inputs[0]).toMatchObject({ rows: 40 });
  });
});
