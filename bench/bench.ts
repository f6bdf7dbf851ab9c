/** `npm run bench`: every budget as a ratio of trueup to an anchor, both measured in this run. */

import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { benchCode } from "./code.ts";
import { makeLog, makeSqlite, SQLITE_COLUMNS } from "./data.ts";
import { benchDiagnosis } from "./diagnosis.ts";
import { type Command, compare } from "./measure.ts";
import { benchPostgres } from "./postgres.ts";
import { tell } from "./tell.ts";
import { benchTraces } from "./traces.ts";

const dist = join(import.meta.dirname, "..");
const trueup = (...args: string[]): Command => ({
  argv: [process.execPath, join(dist, "bin/trueup.js"), ...args],
  ok: [0, 1],
});
const node = (script: string, ...args: string[]): Command => ({ argv: [process.execPath, script, ...args] });

const folder = mkdtempSync(join(tmpdir(), "trueup-bench-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(130));

const mib = (file: string) => `${Math.round(statSync(file).size / 1e6)} MB`;

function benchStartUp(): void {
  const nothing: Command = { argv: [process.execPath, "-e", "0"] };
  for (const args of [["--help"], ["list"], ["explain", "missing-tokens"]])
    tell.ratio(`start-up: trueup ${args[0]}`, compare(trueup(...args), nothing, 15), 1.5);
}

function benchLog(): void {
  const [small, large] = [join(folder, "small.log"), join(folder, "app.log")];
  tell.say("making a log of 4 M lines …");
  makeLog(small, 400_000);
  makeLog(large, 4_000_000);
  tell.ratio(
    `audit of a log, ${mib(large)}, 4 M lines, against counting and time-parsing`,
    compare(trueup("audit", large), node(join(dist, "bench/anchor-log.js"), large, folder), 3),
    2.5,
  );
  tell.ratio(
    "audit of a log of 10 × the lines",
    compare(trueup("audit", large), trueup("audit", small), 3),
    11,
  );
  rmSync(small);
  rmSync(large);
}

function benchSqlite(): void {
  const [small, large] = [join(folder, "small.db"), join(folder, "usage.db")];
  tell.say("making a database of 2 M rows …");
  makeSqlite(small, 200_000);
  makeSqlite(large, 2_000_000);
  const scan = `SELECT ${SQLITE_COLUMNS.map((c) => `sum(length(${c}))`).join(", ")} FROM requests`;
  tell.ratio(
    `audit of SQLite, ${mib(large)}, 2 M rows, against one scan by sqlite3`,
    compare(trueup("audit", large), { argv: ["sqlite3", "-readonly", large, scan] }, 3),
    3.5,
  );
  tell.ratio(
    "audit of SQLite of 10 × the rows",
    compare(trueup("audit", large), trueup("audit", small), 3),
    11,
  );
  rmSync(small);
  rmSync(large);
}

const PARTS: Record<string, () => void | Promise<void>> = {
  "start-up": benchStartUp,
  log: benchLog,
  sqlite: benchSqlite,
  diagnosis: () => benchDiagnosis(folder, trueup, tell),
  postgres: () => benchPostgres(folder, trueup, tell),
  code: () => benchCode(folder, trueup, (root) => node(join(dist, "bench/anchor-parse.js"), root), tell),
  traces: () => benchTraces(folder, trueup, (...args) => node(join(dist, "bench/roots.js"), ...args), tell),
};

// `npm run bench -- sqlite` measures only the parts that are named.
const named = process.argv.slice(2);
const unknown = named.find((part) => PARTS[part] === undefined);
if (unknown !== undefined) {
  tell.say(`no part ${unknown}; there are ${Object.keys(PARTS).join(", ")}`);
  process.exit(2);
}
for (const [part, bench] of Object.entries(PARTS))
  if (named.length === 0 || named.includes(part)) await bench();
