import { copyFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { describe, expect, test } from "vitest";
import type { Repair } from "../../src/contract/repair.ts";
import { auditReport, ROOT, sha256, temporaryFolder, trueup } from "../kit/command.ts";

const CHECK = ["--check", "zero-token-root"];

/** A copy of the sample's database in a folder of its own. */
function sample(): { folder: string; file: string } {
  const folder = temporaryFolder();
  const file = join(folder, "monitor.duckdb");
  copyFileSync(join(ROOT, "sample-data/opencode/monitor.duckdb"), file);
  return { folder, file };
}

const repairsOf = (text: string) => (JSON.parse(text) as { repairs: Repair[] }).repairs;

/** opencode-monitor's tables in SQLite, with every edge case that was seen. */
function edgeCases(): { folder: string; file: string } {
  const folder = temporaryFolder();
  const file = join(folder, "monitor.db");
  const db = new DatabaseSync(file);
  db.exec(`
    CREATE TABLE sessions (id TEXT PRIMARY KEY, parent_id TEXT);
    CREATE TABLE messages (id TEXT PRIMARY KEY, session_id TEXT, role TEXT, tokens_input INTEGER, tokens_output INTEGER, created_at TEXT);
    CREATE TABLE agent_traces (trace_id TEXT PRIMARY KEY, session_id TEXT, parent_trace_id TEXT, started_at TEXT, tokens_in INTEGER, tokens_out INTEGER, status TEXT);
    INSERT INTO sessions VALUES ('plain', NULL), ('empty', NULL), ('free', NULL), ('minus', NULL), ('huge', NULL), ('half', NULL), ('null', NULL);
    INSERT INTO messages VALUES
      ('m1', 'plain', 'assistant', 3000, 6000, '2026-01-01T10:00:01Z'), ('m2', 'plain', 'assistant', 300, 600, '2026-01-01T10:00:02Z'),
      ('m3', 'free', 'user', 0, 0, '2026-01-01T11:00:01Z'), ('m4', 'minus', 'assistant', -50, 70, '2026-01-01T12:00:01Z'),
      ('m5', 'minus', 'assistant', 200, 30, '2026-01-01T12:00:02Z'), ('m6', 'huge', 'assistant', 150000, 60000, '2026-01-01T13:00:01Z'),
      ('m7', 'half', 'assistant', 10, 20, '2026-01-01T14:00:01Z'), ('m8', 'null', 'assistant', 11, 21, '2026-01-01T15:00:01Z');
    INSERT INTO agent_traces VALUES
      ('root_plain', 'plain', NULL, '2026-01-01T10:00:00Z', 0, 0, 'completed'), ('root_empty', 'empty', NULL, '2026-01-01T10:30:00Z', 0, 0, 'completed'),
      ('root_free', 'free', NULL, '2026-01-01T11:00:00Z', 0, 0, 'completed'), ('root_minus', 'minus', NULL, '2026-01-01T12:00:00Z', -1, 0, 'completed'),
      ('root_huge', 'huge', NULL, '2026-01-01T13:00:00Z', 0, 0, 'completed'), ('root_half', 'half', NULL, '2026-01-01T14:00:00Z', 0, 5, 'completed'),
      ('root_null', 'null', NULL, '2026-01-01T15:00:00Z', NULL, NULL, 'completed'),
      ('orphan', 'gone', 'root_gone', '2026-01-01T16:00:00Z', 7, 7, 'completed');`);
  db.close();
  return { folder, file };
}

function tracesOf(file: string): Record<string, [number | null, number | null]> {
  const db = new DatabaseSync(file, { readOnly: true });
  const rows = db.prepare("SELECT trace_id, tokens_in, tokens_out FROM agent_traces").all() as {
    trace_id: string;
    tokens_in: number | null;
    tokens_out: number | null;
  }[];
  db.close();
  return Object.fromEntries(rows.map((row) => [row.trace_id, [row.tokens_in, row.tokens_out]]));
}

describe("trueup backfill", () => {
  test("without --apply shows what it would do and writes nothing", () => {
    const { folder, file } = sample();
    const before = sha256(file);
    const ran = trueup(["backfill", file, ...CHECK, "--format", "json"]);
    expect(ran.code).toBe(0);
    expect(repairsOf(ran.stdout)).toMatchObject([
      {
        target: "monitor.agent_traces",
        table: "agent_traces",
        rows: 14,
        before: { tokens_in: 0, tokens_out: 0 },
        after: { tokens_in: 109446, tokens_out: 34295 },
        lost: [{ reason: "its session has no tokens either", rows: 2 }],
      },
    ]);
    expect(ran.stderr).toContain("nothing was written");
    expect(trueup(["backfill", file, ...CHECK]).stdout).toContain('UPDATE "agent_traces"');
    expect([sha256(file), readdirSync(folder)]).toEqual([before, ["monitor.duckdb"]]);
  });

  test("--apply repairs the sample: the audit is clean after it, and a second time changes nothing", () => {
    const { folder, file } = sample();
    const before = sha256(file);
    const first = trueup(["backfill", file, ...CHECK, "--apply", "--yes"]);
    expect(first.code).toBe(0);
    expect(first.stdout).toBe(
      "monitor.agent_traces: 16 rows, 14 with values (87.5 %); tokens_in 109,446, tokens_out 34,295.\n",
    );
    expect(first.stderr).toContain("monitor: 14 rows written");
    expect(sha256(`${file}.before-backfill`)).toBe(before);
    expect(auditReport([file])).toMatchObject({ code: 0, report: { findings: [] } });
    const repaired = sha256(file);
    const second = trueup(["backfill", file, ...CHECK, "--apply", "--yes", "--format", "json"]);
    expect(repairsOf(second.stdout)).toEqual([]);
    expect([sha256(file), readdirSync(folder).length]).toEqual([repaired, 2]);
  });

  test("sessions without messages or tokens stay, negative counts count as 0, large ones are kept, orphans are left alone", () => {
    const { file } = edgeCases();
    const ran = trueup(["backfill", file, ...CHECK, "--apply", "--yes", "--format", "json"]);
    expect(ran.code).toBe(0);
    expect(tracesOf(file)).toEqual({
      root_plain: [3300, 6600],
      root_empty: [0, 0],
      root_free: [0, 0],
      root_minus: [200, 100],
      root_huge: [150000, 60000],
      root_half: [0, 5],
      root_null: [11, 21],
      orphan: [7, 7],
    });
    expect(repairsOf(ran.stdout)).toMatchObject([{ rows: 4, before: { tokens_in: -1, tokens_out: 0 } }]);
    expect(auditReport([file, "--select", "zero-token-root"]).report.findings).toEqual([]);
  });

  test("--limit repairs so many rows", () => {
    const { file } = edgeCases();
    trueup(["backfill", file, ...CHECK, "--limit", "1", "--apply", "--yes"]);
    expect(Object.values(tracesOf(file)).filter(([n]) => (n ?? 0) > 0)).toHaveLength(2);
  });

  test("--apply without a terminal asks for --yes and writes nothing", () => {
    const { file } = sample();
    const before = sha256(file);
    const ran = trueup(["backfill", file, "--apply"]);
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain("trueup: --apply asks on a terminal; without one, give --yes");
    expect(sha256(file)).toBe(before);
  });

  test("an input that takes no SQL is told in one line, and nothing is written", () => {
    const storage = join(ROOT, "sample-data/opencode/storage");
    expect(trueup(["backfill", storage, "--apply", "--yes"]).code).toBe(0);
    const ran = trueup(["backfill", join(ROOT, "no-such.db"), "--apply", "--yes"]);
    expect(ran.code).toBe(2);
  });
});

describe("trueup backfill of missing tokens", () => {
  /** The healthy sample, where the importer left every third row without counts. */
  function incident(): { folder: string; rows: Map<string, number[]> } {
    const folder = temporaryFolder();
    for (const file of ["app.log", "validations.db"])
      copyFileSync(join(ROOT, "sample-data/citations-clean", file), join(folder, file));
    const db = new DatabaseSync(join(folder, "validations.db"));
    const rows = countsOf(db);
    db.exec(
      "UPDATE validations SET token_usage_prompt = NULL, token_usage_completion = NULL, token_usage_total = NULL WHERE rowid % 3 = 0",
    );
    db.close();
    return { folder, rows };
  }

  function countsOf(db: InstanceType<typeof DatabaseSync>): Map<string, number[]> {
    const all = db
      .prepare(
        "SELECT job_id, token_usage_prompt AS p, token_usage_completion AS c, token_usage_total AS t FROM validations",
      )
      .all() as { job_id: string; p: number; c: number; t: number }[];
    return new Map(all.map((row) => [row.job_id, [row.p, row.c, row.t]]));
  }

  test("from a log, what one line alone can mean is recovered as it was, the rest is told as lost", () => {
    const { folder, rows } = incident();
    const args = ["app.log", "validations.db", "--check", "missing-tokens"];
    const ran = trueup(["backfill", ...args, "--apply", "--yes", "--format", "json"], { cwd: folder });
    expect(ran.code).toBe(0);
    const [repair] = repairsOf(ran.stdout);
    const lost = repair?.lost.reduce((sum, one) => sum + one.rows, 0) ?? 0;
    expect((repair?.rows ?? 0) + lost).toBe(44);
    expect(repair?.rows).toBeGreaterThan(30);
    const db = new DatabaseSync(join(folder, "validations.db"), { readOnly: true });
    const after = countsOf(db);
    db.close();
    let empty = 0;
    for (const [id, counts] of after)
      if (counts[0] === null) empty++;
      else expect(counts).toEqual(rows.get(id));
    expect(empty).toBe(lost);
  });

  describe("from a log whose lines mention the rows' ids", () => {
    const second = (n: number) => `2026-01-15 09:00:${String(n).padStart(2, "0")}`;
    const id = (n: number) => `req_${(n * 7919).toString(16).padStart(8, "0")}`;
    const usage = (n: number) => `Token usage: ${100 + n} input + ${50 + n} output = ${150 + 2 * n} total`;
    const line = (at: number, text: string) => `${second(at)} - provider - INFO - provider.py:10 - ${text}\n`;
    /** 40 calls within 20 seconds, so that no time tells one from the other; the last 20 lack their counts. */
    const calls = Array.from({ length: 40 }, (_, n) => n);

    test.each([
      ["in the line itself", (n: number) => line(n >> 1, `[${id(n)}] ${usage(n)}`), 20],
      [
        "in the lines before and after it",
        (n: number) =>
          line(n >> 1, `Creating async job ${id(n)}`) +
          line(n >> 1, usage(n)) +
          line(n >> 1, `Job ${id(n)}: Completed successfully`),
        20,
      ],
      [
        "in lines of several calls at once: none is told apart",
        (n: number) =>
          n % 2 === 1
            ? ""
            : line(n >> 1, `Creating async job ${id(n)}`) +
              line(n >> 1, `Creating async job ${id(n + 1)}`) +
              line(n >> 1, usage(n)) +
              line(n >> 1, usage(n + 1)) +
              line(n >> 1, `Job ${id(n)}: Completed successfully`) +
              line(n >> 1, `Job ${id(n + 1)}: Completed successfully`),
        0,
      ],
      [
        "only behind it: it may be the next call's",
        (n: number) => line(n >> 1, usage(n)) + line(n >> 1, `Job ${id(n)}: Completed successfully`),
        0,
      ],
    ])("%s", (_name, write, recovered) => {
      const folder = temporaryFolder();
      writeFileSync(join(folder, "app.log"), calls.map(write).join(""));
      const db = new DatabaseSync(join(folder, "calls.db"));
      db.exec(
        "CREATE TABLE requests (id TEXT PRIMARY KEY, created_at TEXT, model TEXT, status TEXT, input_tokens INTEGER, output_tokens INTEGER)",
      );
      const insert = db.prepare("INSERT INTO requests VALUES (?, ?, 'm', 'success', ?, ?)");
      for (const n of calls)
        insert.run(
          id(n),
          `${second(n >> 1)}Z`.replace(" ", "T"),
          n < 20 ? 100 + n : null,
          n < 20 ? 50 + n : null,
        );
      const args = ["backfill", "app.log", "calls.db", "--check", "missing-tokens", "--format", "json"];
      const [repair] = repairsOf(trueup([...args, "--apply", "--yes"], { cwd: folder }).stdout);
      expect(repair?.rows).toBe(recovered);
      const right = db
        .prepare(
          "SELECT count(*) AS n FROM requests WHERE input_tokens = 99 + rowid AND output_tokens = 49 + rowid",
        )
        .get() as { n: number };
      expect(right.n).toBe(20 + recovered);
      db.close();
    });
  });

  test("from a table with the same ids; ids with different counts are lost", () => {
    const folder = temporaryFolder();
    const db = new DatabaseSync(join(folder, "calls.db"));
    db.exec(`
      CREATE TABLE calls (request_id TEXT PRIMARY KEY, created_at TEXT, model TEXT, prompt_tokens INTEGER, completion_tokens INTEGER);
      CREATE TABLE gateway_requests (request_id TEXT, created_at TEXT, model TEXT, prompt_tokens INTEGER, completion_tokens INTEGER);
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
      INSERT INTO calls SELECT 'req-' || i, '2026-01-01T' || printf('%02d', i % 24) || ':00:00Z', 'm', iif(i > 20, NULL, 100 + i), iif(i > 20, NULL, 50 + i) FROM n;
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 38)
      INSERT INTO gateway_requests SELECT 'req-' || i, '2026-01-01T' || printf('%02d', i % 24) || ':00:01Z', 'm', 100 + i, 50 + i FROM n;
      INSERT INTO gateway_requests VALUES ('req-30', '2026-01-01T05:00:02Z', 'm', 9, 9);`);
    db.close();
    const ran = trueup(
      ["backfill", "calls.db", "--check", "missing-tokens", "--apply", "--yes", "--format", "json"],
      {
        cwd: folder,
      },
    );
    expect(repairsOf(ran.stdout)).toMatchObject([
      {
        target: "calls.calls",
        rows: 17,
        lost: [
          { reason: "no row with its id has counts", rows: 2 },
          { reason: "several rows with its id have different counts", rows: 1 },
        ],
      },
    ]);
    const read = new DatabaseSync(join(folder, "calls.db"), { readOnly: true });
    expect(
      read
        .prepare(
          "SELECT count(*) AS n FROM calls WHERE prompt_tokens = 100 + CAST(substr(request_id, 5) AS INTEGER)",
        )
        .get(),
    ).toEqual({ n: 37 });
    read.close();
  });
});

test("trueup backfill of a daily table sets the days that are empty, too low or counted twice; what holds more is lost", () => {
  const folder = temporaryFolder();
  const db = new DatabaseSync(join(folder, "usage.db"));
  db.exec(`
    CREATE TABLE calls (id TEXT PRIMARY KEY, created_at TEXT, model TEXT, prompt_tokens INTEGER, completion_tokens INTEGER);
    WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 479)
    INSERT INTO calls SELECT 'c' || i, strftime('%Y-%m-%dT%H:%M:%SZ', '2026-01-01', '+' || (i * 90) || ' minutes'), 'm', 100 + i, 10 + i % 7 FROM n;
    CREATE TABLE daily_usage (date TEXT PRIMARY KEY, prompt_tokens INTEGER, completion_tokens INTEGER, requests INTEGER);
    INSERT INTO daily_usage SELECT substr(created_at, 1, 10), sum(prompt_tokens), sum(completion_tokens), count(*) FROM calls GROUP BY 1;
    UPDATE daily_usage SET prompt_tokens = 0, completion_tokens = NULL WHERE date IN ('2026-01-09', '2026-01-10');
    UPDATE daily_usage SET prompt_tokens = 7 WHERE date = '2026-01-20';
    UPDATE daily_usage SET prompt_tokens = 2 * prompt_tokens, completion_tokens = 2 * completion_tokens WHERE date = '2026-01-15';
    UPDATE daily_usage SET prompt_tokens = prompt_tokens + 77 WHERE date = '2026-01-17';`);
  const all = "SELECT date, prompt_tokens AS p, completion_tokens AS c FROM daily_usage ORDER BY date";
  const rowsNow = () =>
    db
      .prepare(all)
      .all()
      .map((row) => ({ ...(row as object) }));
  const before = rowsNow();
  const args = ["usage.db", "--check", "rollup-mismatch", "--format", "json"];
  const preview = trueup(["backfill", ...args], { cwd: folder });
  expect(rowsNow()).toEqual(before);
  expect(repairsOf(preview.stdout)).toMatchObject([
    {
      target: "usage.daily_usage",
      rows: 4,
      lost: [{ reason: "it holds more than its rows, of which some may be gone", rows: 1 }],
    },
  ]);
  trueup(["backfill", ...args, "--apply", "--yes"], { cwd: folder });
  const after = rowsNow();
  const right = db
    .prepare(
      "SELECT substr(created_at, 1, 10) AS date, sum(prompt_tokens) AS p, sum(completion_tokens) AS c FROM calls GROUP BY 1 ORDER BY 1",
    )
    .all()
    .map((row) => ({ ...(row as object) }));
  const higher = before.findIndex((row) => (row as { date: string }).date === "2026-01-17");
  expect(after).toEqual(right.with(higher, before[higher] as object));
  expect(repairsOf(trueup(["backfill", ...args], { cwd: folder }).stdout)).toMatchObject([{ rows: 0 }]);
  db.close();
});
