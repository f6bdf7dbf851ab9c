/** The Postgres budgets: dumps and live reads against what Postgres' own programs take for the same rows. */

import { statSync } from "node:fs";
import { join } from "node:path";
import { postgresPrograms, startPostgres } from "../tests/kit/postgres.ts";
import { type Command, compare } from "./measure.ts";
import type { Tell } from "./tell.ts";

/**
 * A table of calls in 13 columns; `rows` rows make a plain dump of about 200 bytes each. As in the SQLite table, the
 * counts repeat only after 7.5 M rows, so that no run of calls looks like the copy of another.
 */
const schema = (rows: number) => `CREATE TABLE requests (
  id text PRIMARY KEY, session_id text, created_at timestamp, completed_at timestamp, provider text, model text,
  status text, input_tokens integer, output_tokens integer, total_tokens integer, cost numeric(12,8), endpoint text,
  user_email text);
INSERT INTO requests SELECT md5(i::text) || lpad(i::text, 8, '0'), 'sess_' || lpad((i / 12)::text, 8, '0'),
  timestamp '2025-01-01' + i * interval '9 s', timestamp '2025-01-01' + i * interval '9 s' + interval '3 s',
  CASE i % 3 WHEN 0 THEN 'anthropic' ELSE 'openai' END,
  CASE i % 3 WHEN 0 THEN 'claude-sonnet-4' WHEN 1 THEN 'gpt-4o' ELSE 'gpt-4o-mini' END, 'success',
  a, b, a + b, (a + 3 * b) / 1000000.0, '/v1/chat/completions', 'user' || (i % 5000) || '@example.com'
FROM (SELECT i, (i * i * 31 + i * 17) % 3989 + 10 AS a, (i * i * 13 + i * 7) % 1901 + 5 AS b
  FROM generate_series(0::bigint, ${rows - 1}) i) n;`;

/** Skipped with a line where no server is installed. */
export async function benchPostgres(
  folder: string,
  trueup: (...args: string[]) => Command,
  tell: Tell,
): Promise<void> {
  const bin = postgresPrograms();
  if (bin === null) {
    tell.skipped(
      "Postgres dumps and live reads",
      "no Postgres server is installed (apt-get install postgresql)",
    );
    return;
  }
  const server = await startPostgres(bin);
  try {
    server.program("createdb", ["app"]);
    tell.say("making a Postgres table of 2 M rows …");
    server.program("psql", ["-q", "-d", "app"], schema(2_000_000));
    const plain = join(folder, "app.sql");
    const custom = join(folder, "app.dump");
    server.program("pg_dump", ["-d", "app", "-f", plain]);
    server.program("pg_dump", ["-d", "app", "-Fc", "-f", custom]);
    const options = ["-h", "127.0.0.1", "-p", String(server.port), "-U", "postgres"];
    server.program("createdb", ["copy"]);
    const client = ["-q", ...options, "-d", "copy"];
    tell.ratio(
      `audit of a plain dump, ${Math.round(statSync(plain).size / 1e6)} MB, against psql`,
      compare(
        trueup("audit", plain),
        { argv: ["psql", ...client, "-c", "DROP TABLE IF EXISTS requests", "-f", plain] },
        3,
      ),
      0.7,
    );
    tell.figure(
      "audit of a custom dump, against pg_restore",
      compare(
        trueup("audit", custom),
        { argv: ["pg_restore", "--clean", "--if-exists", ...options, "-d", "copy", custom] },
        3,
      ),
    );
    tell.figure(
      "audit of a live table, against \\copy to a file",
      compare(
        trueup("audit", server.url("app")),
        {
          argv: [
            "psql",
            "-q",
            ...options,
            "-d",
            "app",
            "-c",
            `\\copy requests to '${join(folder, "copied.txt")}'`,
          ],
        },
        3,
      ),
    );
  } finally {
    server.stop();
  }
}
