/** Source trees → code facts. */

import type { Store } from "../store/index.ts";
import { type CollectOptions, collectCodeFacts } from "./collect.ts";
import type { CodeFacts } from "./facts.ts";
import { writeCodeFacts } from "./write.ts";

export { type CollectOptions, collectCodeFacts } from "./collect.ts";
export type { CodeFacts } from "./facts.ts";
export { buildFlow } from "./flow.ts";
export { buildReportFlow } from "./report-flow.ts";
export { writeCodeFacts } from "./write.ts";

/** Collects the facts of a source tree into the store, its files as below `folder`, and tells how much was read. */
export async function readCode(
  store: Store,
  root: string,
  { folder, ...options }: CollectOptions & { folder: string },
) {
  const facts: CodeFacts = await collectCodeFacts(root, options);
  await writeCodeFacts(store, facts, folder);
  const { files, bytes, lines, skipped, notes } = facts;
  return {
    files,
    bytes,
    lines,
    functions: facts.functions.length,
    accesses: facts.access.length,
    skipped,
    notes,
  };
}
