/** The process's streams, environment and clock; nothing else in trueup touches them. */

import { UserError } from "../contract/errors.ts";
import { printable } from "../report/printable.ts";

/** What the terminal and the environment allow. */
export interface Terminal {
  /** Colour on standard output. */
  color: boolean;
  /** Columns to write for. */
  width: number;
  /** Progress on standard error. */
  interactive: boolean;
  /** Both streams end on one screen: what the report tells needs no narration. */
  together: boolean;
}

const WIDTH_DEFAULT = 100;
const WIDTH_MIN = 60;
const WIDTH_MAX = 160;

/** `NO_COLOR` beats `FORCE_COLOR`; `CI` turns progress off. */
export function terminal(): Terminal {
  const { NO_COLOR, FORCE_COLOR, CI, COLUMNS, TERM } = process.env;
  const forced = FORCE_COLOR !== undefined && FORCE_COLOR !== "0" && FORCE_COLOR !== "false";
  const refused = Boolean(NO_COLOR) || FORCE_COLOR === "0" || FORCE_COLOR === "false";
  const columns = process.stdout.columns || Number.parseInt(COLUMNS ?? "", 10);
  return {
    color: !refused && (forced || (process.stdout.isTTY === true && TERM !== "dumb")),
    width: columns > 0 ? Math.min(WIDTH_MAX, Math.max(WIDTH_MIN, columns)) : WIDTH_DEFAULT,
    together: process.stdout.isTTY === true && process.stderr.isTTY === true,
    // A terminal that tells no size (0 columns) would have the spinner clear lines for ever.
    interactive:
      process.stderr.isTTY === true &&
      process.stderr.columns > 0 &&
      TERM !== "dumb" &&
      (!CI || CI === "0" || CI === "false"),
  };
}

/** Writes data to standard output and waits until it is taken; a reader that left (`| head`) is no error. */
export async function writeOut(text: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const gone = (error: NodeJS.ErrnoException) => (isGone(error) ? resolve() : reject(failed(error)));
    process.stdout.once("error", gone);
    process.stdout.write(text, (error) => {
      process.stdout.off("error", gone);
      if (!error) resolve();
      else gone(error as NodeJS.ErrnoException);
    });
  });
}

/** The file to which GitHub Actions takes the summary of a job, or null. */
export function jobSummaryFile(): string | null {
  return process.env.GITHUB_STEP_SUMMARY || null;
}

/** Writes narration to standard error; what it quotes from inputs cannot touch the terminal. */
export function narrate(text: string): void {
  process.stderr.write(`${text.split("\n").map(printable).join("\n")}\n`);
}

/** Asks a yes-or-no question on standard error; null when nobody can answer. */
export async function confirm(question: string): Promise<boolean | null> {
  if (process.stdin.isTTY !== true || process.stderr.isTTY !== true) return null;
  const { createInterface } = await import("node:readline/promises");
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(question)).trim());
  } finally {
    terminal.close();
  }
}

/** Narration has nobody to tell when standard error is closed: ignored, as is a closed standard output. */
export function ignoreClosedStreams(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (!isGone(error) && stream === process.stderr) process.exitCode = 2;
    });
}

function isGone(error: NodeJS.ErrnoException): boolean {
  return error.code === "EPIPE" || error.code === "ERR_STREAM_DESTROYED";
}

function failed(error: Error): UserError {
  return new UserError(`cannot write to standard output: ${error.message}`);
}
