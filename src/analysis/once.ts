/** What is asked of a usage relation once, however many checks want to know it: a relation does not change. */

import type { CheckContext } from "../contract/check.ts";
import type { UsageRelation } from "../contract/evidence.ts";
import { oncePer } from "../contract/once.ts";

/** The part of a check's context that asks the store. */
export type Asking = Pick<CheckContext, "query" | "sql">;

/** `read`, run once for each relation; checks that ask at the same time wait for the same answer. */
export function oncePerRelation<T>(
  read: (usage: UsageRelation, ctx: Asking) => Promise<T>,
): (usage: UsageRelation, ctx: Asking) => Promise<T> {
  return oncePer((usage) => usage, read);
}
