/** The two kinds of error: the user's (one line that says what to do) and ours (a stack). */

/**
 * A fault of the input, the configuration or the command line. Its message is one line: what, where, what to do.
 * Anything else that is thrown is a defect of trueup and is shown with its stack.
 */
export class UserError extends Error {
  override readonly name = "UserError";
}

/** The user interrupted the run (SIGINT, SIGTERM or an aborted signal). */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
  constructor() {
    super("interrupted");
  }
}

/** The message of anything that was thrown, as one line. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split(/\r?\n/, 1)[0] ?? "";
}
