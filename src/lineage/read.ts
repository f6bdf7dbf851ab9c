/** Reads and lowers all files of a tree: in worker threads when the tree is large, else right here. */

import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { messageOf } from "../contract/errors.ts";
import { readSource, type Skipped, type SourceFile } from "./files.ts";
import type { ModuleIR } from "./ir.ts";
import { lowerFile } from "./lower/index.ts";

/** Below this, starting workers costs more than it saves. */
const WORKER_BYTES_MIN = 1_500_000;
/** Files per message: large enough to amortise it, small enough to keep the workers even. */
const BATCH = 24;

export interface Read {
  modules: ModuleIR[];
  /** Files that could not be read, or only in part, with the reason. */
  skipped: Skipped[];
  notes: Skipped[];
  bytes: number;
  lines: number;
}

/** Reads one batch of files. */
export async function readBatch(files: readonly SourceFile[]): Promise<Read> {
  const read: Read = { modules: [], skipped: [], notes: [], bytes: 0, lines: 0 };
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
    } catch (error) {
      read.skipped.push({ file: source.file, reason: `cannot be parsed: ${messageOf(error)}` });
    }
  }
  return read;
}

/** Reads all files; modules come in the order of the files. */
export async function readAll(files: readonly SourceFile[], threads: number): Promise<Read> {
  const worker = workerFile();
  const bytes = files.reduce(
    (sum, one) => sum + (statSync(one.path, { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
  if (worker === null || threads < 2 || bytes < WORKER_BYTES_MIN) return readBatch(files);
  const batches: SourceFile[][] = [];
  for (let start = 0; start < files.length; start += BATCH) batches.push(files.slice(start, start + BATCH));
  const results: Read[] = new Array(batches.length);
  let next = 0;
  await Promise.all(Array.from({ length: Math.min(threads, batches.length) }, () => serve(worker)));
  return {
    modules: results.flatMap((one) => one.modules),
    skipped: results.flatMap((one) => one.skipped),
    notes: results.flatMap((one) => one.notes),
    bytes: results.reduce((sum, one) => sum + one.bytes, 0),
    lines: results.reduce((sum, one) => sum + one.lines, 0),
  };

  function serve(path: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const thread = new Worker(path);
      const give = () => {
        const batch = batches[next];
        if (!batch) return void thread.terminate().then(() => resolve(), reject);
        thread.postMessage({ index: next, files: batch });
        next++;
      };
      thread.on("message", (message: { index: number; read: Read }) => {
        results[message.index] = message.read;
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
