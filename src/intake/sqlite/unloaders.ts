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
/** Rows of a range: as many as DuckDB stores together. What comes in smaller parts is copied again and again. */
const RANGE_ROWS = 122_880;
/** Text of one range at most, so that what is staged on disk stays bounded. */
const RANGE_BYTES = 32 * 1024 * 1024;
const RANGES_MAX = 100_000;
/** Ranges that are handed over together: one statement reads them, a thread for each. */
const BATCH_ROWS = 4 * RANGE_ROWS;
const BATCH_BYTES = 4 * RANGE_BYTES;
/** Ranges for each thread that may be staged while DuckDB reads a batch. */
const AHEAD = 2;

/** A range whose rows stand in its file. */
export interface StagedRange {
  path: string;
  unloaded: Unloaded;
}

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
    { rows, rowBytes }: { rows: number; rowBytes: number },
    path: (index: number) => string,
  ): UnloadRange[] {
    if (bounds === null) return [{ from: 0n, to: 0n, path: path(0) }];
    const span = bounds.max - bounds.min + 1n;
    const most = Math.min(RANGE_ROWS, Math.max(1, Math.floor(RANGE_BYTES / Math.max(1, rowBytes))));
    const parts = BigInt(Math.max(1, Math.min(RANGES_MAX, Math.ceil(rows / most))));
    // Where no rowid is missing, every range but the last has exactly as many rows as it should.
    const dense = span === BigInt(rows) && rows / most <= RANGES_MAX;
    const step = dense ? BigInt(most) : (span + parts - 1n) / parts;
    const ranges: UnloadRange[] = [];
    for (let from = bounds.min; from <= bounds.max; from += step) {
      const to = from + step - 1n;
      ranges.push({ from, to: to < bounds.max ? to : bounds.max, path: path(ranges.length) });
    }
    return ranges;
  }

  /** The ranges' results in order, several at a time. Their files are removed once the next are asked for. */
  async *run(plan: UnloadPlan, ranges: readonly UnloadRange[], bytes: number): AsyncGenerator<StagedRange[]> {
    const script = bytes < THREADED_BYTES ? null : workerScript();
    const ahead = script === null ? 1 : this.#threads * AHEAD;
    const pending: Promise<Unloaded>[] = [];
    const start = (count: number) => {
      while (pending.length < Math.min(ranges.length, count)) {
        const next = this.#unload(script, plan, ranges[pending.length] as UnloadRange, pending.length);
        // Awaited in order below; a failure before its turn must not count as unhandled.
        next.catch(() => {});
        pending.push(next);
      }
    };
    try {
      for (let i = 0; i < ranges.length; ) {
        const batch: StagedRange[] = [];
        for (let rows = 0; i < ranges.length; i++) {
          if (rows >= BATCH_ROWS || rows * plan.rowBytes >= BATCH_BYTES) break;
          start(i + ahead);
          const unloaded = await (pending[i] as Promise<Unloaded>);
          batch.push({ path: (ranges[i] as UnloadRange).path, unloaded });
          rows += unloaded.rows;
        }
        start(i + ahead);
        yield batch;
        for (const { path } of batch) rmSync(path, { force: true });
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
