/** A worker thread that reads and lowers source files, batch by batch. */

import { parentPort } from "node:worker_threads";
import type { SourceFile } from "./files.ts";
import { readBatch } from "./read.ts";

parentPort?.on("message", async (message: { index: number; files: SourceFile[] }) => {
  parentPort?.postMessage({ index: message.index, read: await readBatch(message.files) });
});
