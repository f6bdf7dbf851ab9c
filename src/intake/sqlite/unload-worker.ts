/** A thread that unloads ranges of rows: receives a plan and a range, answers with what was written. */

import { parentPort } from "node:worker_threads";
import { type Unloaded, type UnloadPlan, type UnloadRange, unload } from "./unload.ts";

export interface WorkerReply {
  /** The range's file. */
  path: string;
  unloaded: Unloaded | null;
  error: string | null;
}

parentPort?.on("message", ({ plan, range }: { plan: UnloadPlan; range: UnloadRange }) => {
  const { path } = range;
  let reply: WorkerReply;
  try {
    reply = { path, unloaded: unload(plan, range), error: null };
  } catch (error) {
    reply = { path, unloaded: null, error: (error as Error).message };
  }
  parentPort?.postMessage(reply);
});
