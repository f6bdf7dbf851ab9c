/** Reads and lowers all files of a tree: with the help of worker threads when the tree is large. */

import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { Interrupted, messageOf } from "../contract/errors.ts";
import { readSource, type Skipped, type SourceFile } from "./files.ts";
import type { ModuleIR } from "./ir.ts";
import { lowerFile } from "./lower/index.ts";
import type { SqlAnalysis } from "./sql/analysis.ts";
import { analyzeSql, rememberSql } from "./sql/analyze.ts";
import { statementsIn } from "./sql/statements.ts";

/** Below this, starting workers costs more than it saves. */
const WORKER_BYTES_MIN = 1_500_000;
/** Files per message: large enough to amortise it, small enough to keep the workers even. */
const BATCH = 24;
/** Batches that a worker holds at a time: it must not wait while this thread reads its own. */
const BATCHES_AHEAD = 3;

export interface Read {
  modules: ModuleIR[];
  /** The statements that stand whole in the files, as whoever read them has analysed them. */
  statements: [sql: string, analysis: SqlAnalysis][];
  /** Files that could not be read, or only in part, with the reason. */
  skipped: Skipped[];
  notes: Skipped[];
  bytes: number;
  lines: number;
}

/** Reads one batch of files. */
export async function readBatch(files: readonly SourceFile[]): Promise<Read> {
  const read: Read = { modules: [], statements: [], skipped: [], notes: [], bytes: 0, lines: 0 };
  for (const source of files) {
    const { text, note } = readSource(source.path);
    if (text === null) {
      read.skipped.push({ file: source.file, reason: note ?? "cannot be read" });
      continue;
    }
    read.bytes += text.length;
    read.lines += linesOf(text);
    if (note) read.notes.push({ file: source.file, reason: note });
    try {
      const module = await lowerFile(source, text);
      if (module.brokenAt !== null)
        read.notes.push({
          file: source.file,
          reason: `syntax error at line ${module.brokenAt}, read as far as possible`,
        });
      read.modules.push(module);
      for (const sql of statementsIn(module, text)) read.statements.push([sql, analyzeSql(sql)]);
    } catch (error) {
      read.skipped.push({ file: source.file, reason: `cannot be parsed: ${messageOf(error)}` });
    }
  }
  return read;
}

/**
 * Reads all files; modules come in the order of the files. This thread takes its share: what a worker reads has to be
 * copied over.
 * @throws Interrupted when the signal is aborted.
 */
export async function readAll(
  files: readonly SourceFile[],
  threads: number,
  signal?: AbortSignal,
): Promise<Read> {
  const worker = workerFile();
  const bytes = files.reduce(
    (sum, one) => sum + (statSync(one.path, { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
  const helpers = worker === null || bytes < WORKER_BYTES_MIN ? 0 : threads - 1;
  const batches: SourceFile[][] = [];
  for (let start = 0; start < files.length; start += BATCH) batches.push(files.slice(start, start + BATCH));
  const results: Read[] = new Array(batches.length);
  let next = 0;
  const threadsOpen: Worker[] = [];
  try {
    await Promise.all([...Array.from({ length: Math.min(helpers, batches.length) }, serve), readHere()]);
  } finally {
    await Promise.all(threadsOpen.map((thread) => thread.terminate()));
  }
  return {
    modules: results.flatMap((one) => one.modules),
    statements: [],
    skipped: results.flatMap((one) => one.skipped),
    notes: results.flatMap((one) => one.notes),
    bytes: results.reduce((sum, one) => sum + one.bytes, 0),
    lines: results.reduce((sum, one) => sum + one.lines, 0),
  };

  async function readHere(): Promise<void> {
    for (let batch = batches[next]; batch; batch = batches[next]) {
      const index = next++;
      results[index] = await readBatch(batch);
      // Signals and what the workers have read are looked at between batches.
      await turn();
      if (signal?.aborted) throw new Interrupted();
    }
  }

  function serve(): Promise<void> {
    return new Promise((resolve, reject) => {
      const thread = new Worker(worker as string);
      threadsOpen.push(thread);
      let held = 0;
      const give = () => {
        for (let batch = batches[next]; batch && held < BATCHES_AHEAD; batch = batches[next]) {
          thread.postMessage({ index: next++, files: batch });
          held++;
        }
        if (held === 0) resolve();
      };
      thread.on("message", (message: { index: number; read: Read }) => {
        results[message.index] = message.read;
        rememberSql(message.read.statements);
        held--;
        give();
      });
      thread.on("error", reject);
      give();
    });
  }
}

/** The built worker, or null when running from the sources. */
function workerFile(): string | null {
  const here = dirname(fileURLToPath(import.meta.url));
  const dist = here.lastIndexOf(`${join("dist")}`);
  if (dist < 0) return null;
  const path = join(here.slice(0, dist), "dist", "workers", "lineage-parse.worker.js");
  return existsSync(path) ? path : null;
}

function linesOf(text: string): number {
  let lines = text === "" || text.endsWith("\n") ? 0 : 1;
  for (let i = text.indexOf("\n"); i >= 0; i = text.indexOf("\n", i + 1)) lines++;
  return lines;
}
