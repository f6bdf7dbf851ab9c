/** The budgets of the diagnosis: against the audit of the same inputs, which ranks causes but draws no incident. */

import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { Random } from "../scripts/random.ts";
import { type Command, compare } from "./measure.ts";
import type { Tell } from "./tell.ts";

const START = Date.parse("2025-01-01T00:00:00Z");
const STEP_SECONDS = 9;

/** Once each: a run takes minutes. */
export function benchDiagnosis(folder: string, trueup: (...args: string[]) => Command, tell: Tell): void {
  const [log, database, wide] = [join(folder, "app.log"), join(folder, "usage.db"), join(folder, "wide.csv")];
  tell.say("making an incident of 5 M lines and 2 M rows …");
  makeIncident(log, database, 2_000_000);
  tell.ratio(
    "diagnosis of 5 M lines and 2 M rows, against their audit",
    compare(trueup("diagnose", log, database), trueup("audit", log, database), 1),
    2,
  );
  rmSync(log);
  rmSync(database);
  tell.say("making a table of 100 columns and 1 M rows …");
  makeWide(wide, 1_000_000, 100);
  tell.ratio(
    "diagnosis of 1 M rows in 100 columns, against their audit",
    compare(trueup("diagnose", wide), trueup("audit", wide), 1),
    2,
  );
  rmSync(wide);
}

/**
 * An incident: a table of `rows` calls whose last third lacks tokens, and a log of two and a half lines a call that has
 * all of their token lines. Their ids stand in both.
 */
function makeIncident(log: string, database: string, rows: number): void {
  const idOf = (i: number) =>
    `req_${((i * 2654435761) % 4294967296).toString(16).padStart(8, "0")}${i.toString(16).padStart(8, "0")}`;
  const fd = openSync(log, "w");
  let chunk: string[] = [];
  for (let i = 0; i < rows; i++) {
    const stamp = new Date(START + i * STEP_SECONDS * 1000).toISOString().slice(0, 19).replace("T", " ");
    const [a, b] = [10 + ((i * i * 31 + i * 17) % 3989), 5 + ((i * i * 13 + i * 7) % 1901)];
    chunk.push(
      `${stamp},${100 + (i % 900)} - app.api - INFO - api.py:88 - accepted ${idOf(i)} for user ${i % 5000}`,
    );
    chunk.push(
      `${stamp},${100 + (i % 900)} - openai_provider - INFO - openai_provider.py:134 - Token usage: ${a} prompt + ${b} completion = ${a + b} total`,
    );
    if (i % 2 === 0)
      chunk.push(`${stamp},999 - app.cache - DEBUG - cache.py:${i % 300} - stored ${i % 977} entries`);
    if (chunk.length > 20_000) {
      writeSync(fd, `${chunk.join("\n")}\n`);
      chunk = [];
    }
  }
  if (chunk.length > 0) writeSync(fd, `${chunk.join("\n")}\n`);
  closeSync(fd);
  const db = new DatabaseSync(database);
  db.exec(`PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
    CREATE TABLE calls (request_id TEXT NOT NULL, created_at TEXT, provider TEXT, model TEXT, status TEXT, user_type TEXT,
      streaming INTEGER, prompt_tokens INTEGER, completion_tokens INTEGER);
    WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows - 1}),
    r AS (SELECT i, CASE WHEN i < ${Math.floor((rows * 2) / 3)} THEN 1 END AS kept FROM n)
    INSERT INTO calls SELECT printf('req_%08x%08x', (i * 2654435761) % 4294967296, i),
      strftime('%Y-%m-%d %H:%M:%S', ${START / 1000} + i * ${STEP_SECONDS}, 'unixepoch'), 'openai',
      CASE i % 3 WHEN 0 THEN 'gpt-4o' ELSE 'gpt-4o-mini' END, 'success', CASE i % 4 WHEN 0 THEN 'pro' ELSE 'free' END, i % 2,
      kept * ((i * i * 31 + i * 17) % 3989 + 10), kept * ((i * i * 13 + i * 7) % 1901 + 5)
    FROM r`);
  db.close();
}

/** A CSV table of calls in `columns` columns of two or twelve values; those with v1 in two of them have lost their tokens. */
function makeWide(file: string, rows: number, columns: number): void {
  const fd = openSync(file, "w");
  const names = Array.from({ length: columns }, (_, c) => `setting_${c}`);
  writeSync(fd, `id,created_at,prompt_tokens,completion_tokens,${names.join(",")}\n`);
  const random = new Random(3);
  let chunk: string[] = [];
  for (let i = 0; i < rows; i++) {
    const values = names.map((_, c) => random.below(c % 2 === 0 ? 12 : 2));
    const lost = values[17] === 1 && values[61] === 1;
    const stamp = new Date(START + i * STEP_SECONDS * 1000).toISOString().slice(0, 19);
    const tokens = lost ? "," : `${100 + random.below(900)},${10 + random.below(90)}`;
    chunk.push(
      `call_${i.toString(16).padStart(8, "0")},${stamp},${tokens},${values.map((v) => `v${v}`).join(",")}`,
    );
    if (chunk.length === 5000 || i === rows - 1) {
      writeSync(fd, `${chunk.join("\n")}\n`);
      chunk = [];
    }
  }
  closeSync(fd);
}
