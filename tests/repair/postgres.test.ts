/** A repair written to a live Postgres by the built command: all or nothing, and a second time nothing. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { trueup } from "../kit/command.ts";
import { type PostgresServer, postgresPrograms, startPostgres } from "../kit/postgres.ts";

const TABLES = `
CREATE TABLE traces (trace_id text PRIMARY KEY, parent_trace_id text, session_id text, started_at timestamptz,
  tokens_in integer, tokens_out integer, status text);
CREATE TABLE messages (id text PRIMARY KEY, session_id text, created_at timestamptz, tokens_input integer,
  tokens_output integer, model text);
INSERT INTO traces SELECT 'root_s' || i, NULL, 's' || i, timestamptz '2026-01-01' + i * interval '1 h', 0, 0, 'completed'
  FROM generate_series(1, 8) i;
INSERT INTO messages SELECT 'm' || i || '_' || n, 's' || i, timestamptz '2026-01-01' + i * interval '1 h' + n * interval '1 min',
  100 * n, 10 * n, 'gpt-4o' FROM generate_series(1, 8) i, generate_series(1, 3) n;`;

const bin = postgresPrograms();

describe.skipIf(bin === null)("backfill of a live Postgres", () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres(bin as string);
    server.program("createdb", ["app"]);
    server.program("psql", ["-q", "-d", "app"], TABLES);
  });
  afterAll(() => server?.stop());

  const sums = () =>
    server
      .program("psql", ["-qAt", "-d", "app", "-c", "SELECT sum(tokens_in), sum(tokens_out) FROM traces"])
      .trim();
  const backfill = (...args: string[]) =>
    trueup(["backfill", server.url("app"), "--check", "zero-token-root", ...args]);

  test("previews, writes in one transaction, and changes nothing the second time", () => {
    expect(backfill().stdout).toContain("8 rows can be recovered");
    expect(sums()).toBe("0|0");
    const applied = backfill("--apply", "--yes");
    expect(applied.stderr).toContain("8 rows written");
    expect(applied.code).toBe(0);
    expect(sums()).toBe("4800|480");
    expect(backfill("--apply", "--yes").stdout).not.toContain("can be recovered");
    expect(sums()).toBe("4800|480");
  });
});
