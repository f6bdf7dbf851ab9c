/** `npm run bench`: every budget as a ratio of trueup to an anchor, both measured in this run. */

import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeLog, makeSqlite } from "./data.ts";
import { type Command, compare, run } from "./measure.ts";

const dist = join(import.meta.dirname, "..");
const trueup = (...args: string[]): Command => ({
  argv: [process.execPath, join(dist, "bin/trueup.js"), ...args],
  ok: [0, 1],
});
const node = (script: string, ...args: string[]): Command => ({ argv: [process.execPath, script, ...args] });

const folder = mkdtempSync(join(tmpdir(), "trueup-bench-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(130));

/** Prints one line of the result. */
function tell(
  name: string,
  measured: { work: number; anchor: number; ratio: number; peakMiB: number | null },
  most: number,
) {
  const { work, anchor, ratio, peakMiB } = measured;
  const verdict = ratio <= most ? "within" : "OVER";
  process.stdout.write(
    `${name.padEnd(44)} ${work.toFixed(2).padStart(7)} s  anchor ${anchor.toFixed(2).padStart(6)} s  ratio ${ratio
      .toFixed(2)
      .padStart(5)}  at most ${most}  ${verdict}${peakMiB === null ? "" : `  peak ${peakMiB} MiB`}\n`,
  );
}

const say = (text: string) => process.stderr.write(`${text}\n`);
const mib = (file: string) => `${Math.round(statSync(file).size / 1e6)} MB`;

const nothing: Command = { argv: [process.execPath, "-e", "0"] };
for (const args of [["--help"], ["list"], ["explain", "missing-tokens"]])
  tell(`start-up: trueup ${args[0]}`, compare(trueup(...args), nothing, 15), 1.5);

const log = join(folder, "app.log");
say("making a log of 4 M lines …");
makeLog(log, 4_000_000);
tell(
  `audit of a log, ${mib(log)}`,
  compare(trueup("audit", log), node(join(dist, "bench/anchor-log.js"), log, folder), 3),
  2.5,
);

const small = join(folder, "small.log");
makeLog(small, 400_000);
const one = run(trueup("audit", small)).seconds;
const ten = run(trueup("audit", log));
tell(
  "10 × the lines",
  { work: ten.seconds, anchor: one, ratio: ten.seconds / one, peakMiB: ten.peakMiB },
  11,
);
rmSync(log);
rmSync(small);

const database = join(folder, "usage.db");
say("making a database of 2 M rows …");
makeSqlite(database, 2_000_000);
const columns = [
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
const scan = `SELECT ${columns.map((c) => `sum(length(${c}))`).join(", ")} FROM requests`;
tell(
  `audit of SQLite, ${mib(database)}, 2 M rows`,
  compare(trueup("audit", database), { argv: ["sqlite3", "-readonly", database, scan] }, 3),
  3.5,
);
