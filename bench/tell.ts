/** Prints the benchmark's lines: data on standard output, narration on standard error. */

import type { Ratio } from "./measure.ts";

export interface Tell {
  say(text: string): void;
  /** A budget: within it or over it. */
  ratio(name: string, measured: Ratio, most: number): void;
  /** A figure without a budget. */
  figure(name: string, measured: Ratio): void;
  /** One run without an anchor. */
  once(name: string, seconds: number, peakMiB: number | null): void;
  skipped(name: string, reason: string): void;
}

const line = (name: string, { work, anchor, ratio, peakMiB }: Ratio, verdict: string) =>
  process.stdout.write(
    `${name.padEnd(58)} ${work.toFixed(2).padStart(7)} s  anchor ${anchor.toFixed(2).padStart(6)} s  ratio ${ratio
      .toFixed(2)
      .padStart(5)}  ${verdict}${peakMiB === null ? "" : `  peak ${peakMiB} MiB`}\n`,
  );

export const tell: Tell = {
  say: (text) => process.stderr.write(`${text}\n`),
  ratio: (name, measured, most) =>
    line(name, measured, `at most ${most}  ${measured.ratio <= most ? "within" : "OVER"}`),
  figure: (name, measured) => line(name, measured, "no budget"),
  once: (name, seconds, peakMiB) =>
    process.stdout.write(
      `${name.padEnd(58)} ${seconds.toFixed(2).padStart(7)} s${peakMiB === null ? "" : `  peak ${peakMiB} MiB`}\n`,
    ),
  skipped: (name, reason) => process.stdout.write(`${name.padEnd(58)} skipped: ${reason}\n`),
};
