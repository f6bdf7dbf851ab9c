/** Makes the inputs of the benchmark: the sizes that docs/ARCHITECTURE.md gives budgets for. */

import { closeSync, openSync, writeSync } from "node:fs";
import { DatabaseSync } from "@photostructure/sqlite";
import { Random } from "../scripts/random.ts";

/** An application log of `lines` lines, about 130 bytes each; every 40th tells a token usage. */
export function makeLog(file: string, lines: number): void {
  const random = new Random(7);
  const fd = openSync(file, "w");
  let time = Date.parse("2025-08-01T00:00:00Z");
  let chunk: string[] = [];
  for (let i = 0; i < lines; i++) {
    time += 200 + random.below(4000);
    const stamp = new Date(time).toISOString().slice(0, 19).replace("T", " ");
    if (i % 40 === 0) {
      const a = 100 + random.below(3000);
      const b = 50 + random.below(900);
      chunk.push(
        `${stamp} - openai_provider - INFO - openai_provider.py:134 - Token usage: ${a} prompt + ${b} completion = ${a + b} total`,
      );
    } else {
      chunk.push(
        `${stamp} - app.service_${i % 17} - INFO - service.py:${i % 300} - handled ${random.hex(16)} for user ${i % 900} in ${random.below(900)} ms path=/api/v1/validate`,
      );
    }
    if (chunk.length === 20_000) {
      writeSync(fd, `${chunk.join("\n")}\n`);
      chunk = [];
    }
  }
  if (chunk.length > 0) writeSync(fd, `${chunk.join("\n")}\n`);
  closeSync(fd);
}

/** The columns of the table that `makeSqlite` makes. */
export const SQLITE_COLUMNS: readonly string[] = [
  "id",
  "session_id",
  "created_at",
  "completed_at",
  "provider",
  "model",
  "status",
  "input_tokens",
  "output_tokens",
  "total_tokens",
  "cost",
  "endpoint",
  "user_email",
];

/**
 * A table of `rows` calls in 13 columns, about 140 bytes a row, made by SQLite itself. The counts repeat only after
 * 7.5 M rows, so that no run of calls looks like the copy of another.
 */
export function makeSqlite(file: string, rows: number): void {
  const db = new DatabaseSync(file);
  db.exec(`PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
    CREATE TABLE requests (
      id TEXT NOT NULL, session_id TEXT, created_at TEXT, completed_at TEXT, provider TEXT, model TEXT, status TEXT,
      input_tokens INTEGER, output_tokens INTEGER, total_tokens INTEGER, cost REAL, endpoint TEXT, user_email TEXT
    );
    WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows - 1}),
    r AS (SELECT i, (i * i * 31 + i * 17) % 3989 + 10 AS a, (i * i * 13 + i * 7) % 1901 + 5 AS b FROM n)
    INSERT INTO requests SELECT
      printf('req_%08x%08x', (i * 2654435761) % 4294967296, i), printf('sess_%08d', i / 12),
      strftime('%Y-%m-%dT%H:%M:%S', 1735689600 + i * 9, 'unixepoch'), strftime('%Y-%m-%dT%H:%M:%S', 1735689600 + i * 9 + 3, 'unixepoch'),
      CASE i % 3 WHEN 0 THEN 'anthropic' ELSE 'openai' END,
      CASE i % 3 WHEN 0 THEN 'claude-sonnet-4' WHEN 1 THEN 'gpt-4o' ELSE 'gpt-4o-mini' END,
      'success', a, b, a + b, (a + 3 * b) / 1000000.0, '/v1/chat/completions', printf('user%04d@example.com', i % 5000)
    FROM r`);
  db.close();
}
