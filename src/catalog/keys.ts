/** Which columns hold identifiers by which tables and logs can be joined. */

import type { Candidate } from "./candidates.ts";
import { hasAny, setOf } from "./guess.ts";
import { share } from "./values.ts";

const ID = setOf("id uuid guid ulid oid rowid session conversation parent trace");
/** Ids of what many rows have in common: joining by them tells nothing about a single call. */
const SHARED = setOf(
  "user project team org organization workspace model provider channel key token customer account tenant experiment agent tool category type tag group region host server device client app version",
);

/** True for text and long numbers that are named and shaped like the ids of rows, parents or sessions. */
export function isKeyColumn({ leaf, above, facts, column, depth }: Candidate): boolean {
  if (facts.count === 0 || facts.booleans > 0 || facts.secrets > 0) return false;
  if (share(facts.ids, facts) < 0.8 && !isPrefixed(facts.words)) return false;
  if (facts.times > facts.count / 2 && facts.texts > 0) return false;
  const key = depth === 0 && (column.primaryKey || column.references !== null);
  if (!key && !hasAny(leaf, ID)) return false;
  if (isShared(leaf) || (leaf.join("_") === "id" && isShared(above.slice(-1)))) return false;
  return depth === 0 || leaf.length <= 3;
}

/** True for `user_id`, `team_uuid`: the id of something that many rows share. */
export function isShared(words: readonly string[]): boolean {
  return hasAny(words, SHARED);
}

/** `job-17`, `task_3`: short, and still told by their prefix. */
function isPrefixed(words: ReadonlySet<string>): boolean {
  const prefixed = [...words].filter((word) => /^[a-z][a-z0-9]{1,15}[-_:]\d+$/.test(word)).length;
  return prefixed > 0 && prefixed >= words.size * 0.8;
}
