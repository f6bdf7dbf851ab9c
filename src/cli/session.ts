/** One run of the library under the command's hands: progress, signals, and clean-up on every way out. */

import type { Hooks } from "../contract/settings.ts";
import { EXIT } from "./exit.ts";
import { startProgress } from "./progress.ts";
import { terminal } from "./streams.ts";

export interface SessionOptions {
  /** False with --no-progress. */
  progress: boolean;
  /** Removes what a run cut off in the middle would leave behind; synchronous. */
  cleanUp: () => void;
}

/** Runs `work`; the first SIGINT or SIGTERM aborts it, a second one ends the process at once. */
export async function withSession<T>(
  options: SessionOptions,
  work: (hooks: Hooks) => Promise<T>,
): Promise<T> {
  const abort = new AbortController();
  const onSignal = () => {
    if (abort.signal.aborted) {
      options.cleanUp();
      process.exit(EXIT.interrupted);
    }
    abort.abort();
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  process.on("exit", options.cleanUp);
  const progress = options.progress && terminal().interactive ? await startProgress() : null;
  try {
    return await work({ progress: (event) => progress?.show(event), signal: abort.signal });
  } finally {
    progress?.stop();
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal).off("exit", options.cleanUp);
  }
}
