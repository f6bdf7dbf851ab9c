/** The budget of traces: a million of them with ten million messages, all roots at 0. */

import { rmSync } from "node:fs";
import { join } from "node:path";
import { Store } from "../src/store/index.ts";
import { type Command, median, run } from "./measure.ts";
import type { Tell } from "./tell.ts";

/** Sessions have four traces: the root and three that it delegates to; every trace has ten messages. */
async function makeTraces(file: string, tempDir: string, traces: number): Promise<void> {
  const store = await Store.open({ memoryLimit: 2 ** 30, threads: 2, tempDir, file });
  await store.run(`CREATE TABLE messages AS SELECT 'msg_' || i AS id, 'ses_' || (i // 40) AS session_id,
      TIMESTAMP '2025-01-01' + INTERVAL (i) SECOND AS created_at, CASE i % 2 WHEN 0 THEN 'user' ELSE 'assistant' END AS role,
      CASE i % 2 WHEN 0 THEN 0 ELSE 100 + i * i % 3989 END AS tokens_input, CASE i % 2 WHEN 0 THEN 0 ELSE 5 + i * i % 1901 END AS tokens_output
    FROM range(${10 * traces}) t(i)`);
  await store.run(`CREATE TABLE agent_traces AS SELECT CASE i % 4 WHEN 0 THEN 'root_ses_' ELSE 'tra_' || i || '_' END || (i // 4) AS trace_id,
      CASE i % 4 WHEN 0 THEN NULL ELSE 'root_ses_' || (i // 4) END AS parent_trace_id, 'ses_' || (i // 4) AS session_id,
      TIMESTAMP '2025-01-01' + INTERVAL (10 * i) SECOND AS started_at, 'completed' AS status,
      CASE i % 4 WHEN 0 THEN 0 ELSE 1000 + i * i % 997 END AS tokens_in, CASE i % 4 WHEN 0 THEN 0 ELSE 100 + i * i % 499 END AS tokens_out
    FROM range(${traces}) t(i)`);
  store.close();
}

export async function benchTraces(
  folder: string,
  trueup: (...args: string[]) => Command,
  timeRoots: (file: string, tempDir: string) => Command,
  tell: Tell,
): Promise<void> {
  const file = join(folder, "traces.duckdb");
  tell.say("making 1 M traces with 10 M messages …");
  await makeTraces(file, folder, 1_000_000);
  const roots = run(timeRoots(file, folder));
  const times = JSON.parse(roots.output) as { check: number; bare: number }[];
  tell.ratio(
    "zero-token-root over 1 M traces and 10 M messages, against bare DuckDB",
    {
      work: median(times.map(({ check }) => check)),
      anchor: median(times.map(({ bare }) => bare)),
      ratio: median(times.map(({ check, bare }) => check / bare)),
      peakMiB: roots.peakMiB,
    },
    3,
  );
  const { seconds, peakMiB } = run(trueup("audit", file));
  tell.once("audit of the same traces with every check", seconds, peakMiB);
  rmSync(file);
}
