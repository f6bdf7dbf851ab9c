/** Times whole processes against each other in one run: alternating, median of the pairs' ratios. */

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

export interface Command {
  /** Program and arguments. */
  argv: readonly string[];
  /** Exit codes that mean it worked. */
  ok?: readonly number[];
}

export interface Ratio {
  /** Seconds, median. */
  work: number;
  anchor: number;
  /** Median of work ÷ anchor, pair by pair. */
  ratio: number;
  /** Largest resident set of the work in MiB, or null where /usr/bin/time is missing. */
  peakMiB: number | null;
}

/** Runs `work` and `anchor` in turn, once to warm up and `runs` times counted. */
export function compare(work: Command, anchor: Command, runs: number): Ratio {
  run(anchor);
  run(work);
  const pairs = Array.from({ length: runs }, () => {
    const b = run(anchor);
    const a = run(work);
    return { a, b };
  });
  return {
    work: median(pairs.map(({ a }) => a.seconds)),
    anchor: median(pairs.map(({ b }) => b.seconds)),
    ratio: median(pairs.map(({ a, b }) => a.seconds / b.seconds)),
    peakMiB: pairs[0]?.a.peakMiB == null ? null : Math.max(...pairs.map(({ a }) => a.peakMiB ?? 0)),
  };
}

/** One run: wall seconds, peak memory and standard output. Throws when the command fails: a failed run has no time. */
export function run(command: Command): { seconds: number; peakMiB: number | null; output: string } {
  const timed = existsSync("/usr/bin/time");
  const argv = timed ? ["/usr/bin/time", "-f", "%M", ...command.argv] : [...command.argv];
  const start = process.hrtime.bigint();
  const result = spawnSync(argv[0] as string, argv.slice(1), {
    encoding: "utf8",
    maxBuffer: 2 ** 28,
    env: { ...process.env, CI: "true" },
  });
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  if (!(command.ok ?? [0]).includes(result.status ?? -1))
    throw new Error(`${command.argv.join(" ")} exited ${result.status}: ${result.stderr.slice(-2000)}`);
  const kib = timed ? Number(result.stderr.trim().split("\n").at(-1)) : Number.NaN;
  return { seconds, peakMiB: Number.isFinite(kib) ? Math.round(kib / 1024) : null, output: result.stdout };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}
