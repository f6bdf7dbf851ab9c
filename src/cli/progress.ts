/** Progress on a terminal: one line per input while it loads, one while the checks run. */

import type { Progress } from "../contract/settings.ts";
import { duration, plural } from "../contract/wording.ts";
import { printable } from "../report/printable.ts";

export interface ProgressDisplay {
  show(progress: Progress): void;
  stop(): void;
}

/** Redraws at most this often, in milliseconds: drawing must not slow the load down. */
const REDRAW_MS = 80;

/** Shows a spinner on standard error; a line stays for every input that was read. */
export async function startProgress(): Promise<ProgressDisplay> {
  const { default: ora } = await import("ora");
  const spinner = ora({ stream: process.stderr, discardStdin: false });
  const started = new Map<string, number>();
  let drawn = 0;
  return {
    show(progress) {
      const now = performance.now();
      const begin = started.get(progress.subject) ?? now;
      started.set(progress.subject, begin);
      const text = lineOf(progress, (now - begin) / 1000);
      if (progress.done && progress.stage === "load") {
        spinner.succeed(text);
        return;
      }
      if (spinner.isSpinning && now - drawn < REDRAW_MS) return;
      drawn = now;
      spinner.text = text;
      if (!spinner.isSpinning) spinner.start();
    },
    stop() {
      spinner.stop();
    },
  };
}

/** `reading app_log  12.4 of 520.0 MB  81,000 rows  104.2 MB/s  3 s`. */
export function lineOf(progress: Progress, seconds: number): string {
  const subject = printable(progress.subject);
  if (progress.stage === "check") return `checking ${subject}`;
  if (progress.stage === "catalog") return `finding ${subject}`;
  const { done, bytes = done ? progress.bytesTotal : undefined, bytesTotal, rows } = progress;
  const parts = [done ? subject : `reading ${subject}`];
  if (bytes && bytesTotal && !done) parts.push(`${megabytes(bytes)} of ${megabytes(bytesTotal)} MB`);
  else if (bytes || bytesTotal) parts.push(`${megabytes(bytes || bytesTotal || 0)} MB`);
  if (rows) parts.push(plural(rows, "row"));
  if (bytes && seconds >= 0.2) parts.push(`${megabytes(bytes / seconds)} MB/s`);
  if (seconds >= 2) parts.push(duration(seconds));
  return parts.join("  ");
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
