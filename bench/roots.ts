/** Times `zero-token-root` over loaded traces, and DuckDB running the same aggregations bare over the same tables. */

import { builtInChecks } from "../src/engine/discover.ts";
import { runChecks } from "../src/engine/run.ts";
import { withEvidence } from "../src/evidence.ts";
import { testSettings } from "../tests/kit/tables.ts";

const [file, tempDir] = process.argv.slice(2) as [string, string];
const RUNS = 3;
/** The roots beside the sums of their sessions' messages, and beside those of the traces below them. */
const BARE = ["messages", "children"].map((side) => {
  const sums =
    side === "messages"
      ? "SELECT session_id AS k, sum(tokens_input) AS right_in, sum(tokens_output) AS right_out FROM traces.messages GROUP BY 1"
      : "SELECT parent_trace_id AS k, sum(tokens_in) AS right_in, sum(tokens_out) AS right_out FROM traces.agent_traces GROUP BY 1";
  return `SELECT count(*) AS roots, count(*) FILTER (WHERE zero AND right_in > 0) AS wrong, sum(right_in), sum(right_out)
    FROM (SELECT COALESCE(tokens_in, 0) <= 0 AND COALESCE(tokens_out, 0) <= 0 AS zero, right_in, right_out
          FROM traces.agent_traces AS t LEFT JOIN (${sums}) AS m ON m.k = t.${side === "messages" ? "session_id" : "trace_id"}
          WHERE parent_trace_id IS NULL)`;
});

const settings = testSettings({
  inputs: [{ name: "traces", path: file, timezone: null }],
  memoryLimit: 2 ** 30,
  tempDir,
  select: ["zero-token-root"],
});
const hooks = { progress: () => {}, signal: new AbortController().signal };
const timed = async (work: () => Promise<unknown>) => {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
};

const times = await withEvidence(settings, hooks, async (store, evidence) => {
  const checks = await builtInChecks();
  const check = () => runChecks(store, evidence, checks, settings, hooks);
  const { drafts } = await check();
  if (drafts.length !== 1) throw new Error(`expected one finding of ${file}, got ${drafts.length}`);
  const bare = async () => {
    for (const sql of BARE) await store.all(sql);
  };
  await bare();
  const pairs: { check: number; bare: number }[] = [];
  for (let i = 0; i < RUNS; i++) pairs.push({ bare: await timed(bare), check: await timed(check) });
  return pairs;
});
process.stdout.write(`${JSON.stringify(times)}\n`);
