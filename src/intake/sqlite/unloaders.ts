/** Runs the ranges of a table: in worker threads where there is much to read, else right here. */

import { existsSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { Interrupted } from "../../contract/errors.ts";
import { closeUnloader, type Unloaded, type UnloadPlan, type UnloadRange, unload } from "./unload.ts";
import type { WorkerReply } from "./unload-worker.ts";

/** Text from which on starting threads pays. */
const THREADED_BYTES = 8 * 1024 * 1024;
/** Text of one range: what is staged on disk at a time stays a few of these. */
const RANGE_BYTES = 16 * 1024 * 1024;
/** Staged ranges that may wait for DuckDB. */
const AHEAD = 2;

export class Unloaders {
  readonly #threads: number;
  readonly #signal: AbortSignal;
  readonly #workers: Worker[] = [];

  constructor(threads: number, signal: AbortSignal) {
    this.#threads = Math.max(1, Math.min(4, threads));
    this.#signal = signal;
  }

  /** Cuts the rowids into ranges of about equal text, and gives each a file of its own. */
  static ranges(
    bounds: { min: bigint; max: bigint } | null,
    bytes: number,
    path: (index: number) => string,
  ): UnloadRange[] {
    if (bounds === null) return [{ from: 0n, to: 0n, path: path(0) }];
    const span = bounds.max - bounds.min + 1n;
    const wanted = BigInt(Math.max(1, Math.min(1000, Math.ceil(bytes / RANGE_BYTES))));
    const count = wanted < span ? wanted : span;
    return Array.from({ length: Number(count) }, (_, i) => ({
      from: bounds.min + (span * BigInt(i)) / count,
      to: bounds.min + (span * BigInt(i + 1)) / count - 1n,
      path: path(i),
    }));
  }

  /** The ranges' results in order. A file is removed once its consumer asks for the next. */
  async *run(
    plan: UnloadPlan,
    ranges: readonly UnloadRange[],
    bytes: number,
  ): AsyncGenerator<[UnloadRange, Unloaded]> {
    const script = bytes < THREADED_BYTES ? null : workerScript();
    const ahead = script === null ? 1 : this.#threads + AHEAD;
    const pending: Promise<Unloaded>[] = [];
    try {
      for (let i = 0; i < ranges.length; i++) {
        while (pending.length < Math.min(ranges.length, i + ahead)) {
          const next = this.#unload(script, plan, ranges[pending.length] as UnloadRange, pending.length);
          // Awaited in order below; a failure before its turn must not count as unhandled.
          next.catch(() => {});
          pending.push(next);
        }
        const range = ranges[i] as UnloadRange;
        yield [range, await (pending[i] as Promise<Unloaded>)];
        rmSync(range.path, { force: true });
      }
    } finally {
      await Promise.allSettled(pending);
      for (const range of ranges.slice(0, pending.length)) rmSync(range.path, { force: true });
    }
  }

  /** Ends the threads and closes their connections. */
  async close(): Promise<void> {
    closeUnloader();
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  #unload(script: string | null, plan: UnloadPlan, range: UnloadRange, index: number): Promise<Unloaded> {
    if (this.#signal.aborted) return Promise.reject(new Interrupted());
    // A failure is a rejection here too, so that it is met in its turn.
    if (script === null) return new Promise((resolve) => resolve(unload(plan, range)));
    while (this.#workers.length < this.#threads) this.#workers.push(new Worker(script));
    return ask(this.#workers[index % this.#threads] as Worker, { plan, range }, this.#signal);
  }
}

/** One question, one answer. A worker answers in the order it was asked; the range's file tells answers apart. */
function ask(
  worker: Worker,
  question: { plan: UnloadPlan; range: UnloadRange },
  signal: AbortSignal,
): Promise<Unloaded> {
  return new Promise((resolve, reject) => {
    const done = (finish: () => void) => {
      worker.off("message", answered);
      worker.off("error", failed);
      worker.off("exit", ended);
      signal.removeEventListener("abort", ended);
      finish();
    };
    const answered = (reply: WorkerReply) => {
      if (reply.path !== question.range.path) return;
      done(() =>
        reply.unloaded !== null
          ? resolve(reply.unloaded)
          : reject(new Error(reply.error ?? "the thread failed")),
      );
    };
    const failed = (error: Error) => done(() => reject(error));
    const ended = () => done(() => reject(new Interrupted()));
    worker.on("message", answered);
    worker.on("error", failed);
    worker.on("exit", ended);
    signal.addEventListener("abort", ended);
    worker.postMessage(question);
  });
}

/** The built worker, or null when trueup runs from its sources: Node 20 starts no thread from TypeScript. */
function workerScript(): string | null {
  const here = fileURLToPath(import.meta.url);
  if (here.endsWith(".ts")) return null;
  let folder = dirname(here);
  while (!existsSync(join(folder, "package.json"))) folder = dirname(folder);
  const script = join(folder, "dist", "workers", "sqlite-unload-worker.js");
  return existsSync(script) ? script : null;
}
