/** Progress on a terminal: one line per input while it loads, one while the checks run. */

import type { Progress } from "../contract/settings.ts";
import { plural } from "../contract/wording.ts";

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

/** `app.log  12.4 of 520.0 MB  81,000 rows  104.2 MB/s`. */
export function lineOf(progress: Progress, seconds: number): string {
  const subject = progress.subject.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, "?");
  if (progress.stage === "check") return `checking ${subject}`;
  if (progress.stage === "catalog") return `finding ${subject}`;
  const parts = [progress.done ? subject : `reading ${subject}`];
  const bytes = progress.done ? (progress.bytes ?? progress.bytesTotal) : progress.bytes;
  if (bytes !== undefined) {
    const total = progress.bytesTotal && !progress.done ? ` of ${megabytes(progress.bytesTotal)}` : "";
    parts.push(`${megabytes(bytes)}${total} MB`);
  }
  if (progress.rows !== undefined) parts.push(plural(progress.rows, "row"));
  if (bytes !== undefined && seconds >= 0.2) parts.push(`${megabytes(bytes / seconds)} MB/s`);
  return parts.join("  ");
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
