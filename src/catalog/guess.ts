/** What a rule says about one candidate: a role it may have, or why it has none. */

import type { Role } from "../contract/roles.ts";
import type { Candidate, Context } from "./candidates.ts";

export interface Guess {
  /** Null when the rule knows the name and knows that it is no usage. */
  role: Role | null;
  /** 0 to 1; below 0.5 a guess is not taken. */
  confidence: number;
  /** For people: completes "… because". */
  reason: string;
}

/** Pure; an empty list when the rule has nothing to say. */
export type Rule = (candidate: Candidate, context: Context) => Guess[];

export const guess = (role: Role, confidence: number, reason: string): Guess => ({
  role,
  confidence: Math.round(Math.max(0, Math.min(1, confidence)) * 1000) / 1000,
  reason,
});

export const noRole = (reason: string): Guess => ({ role: null, confidence: 0, reason });

export const hasAny = (words: readonly string[], set: ReadonlySet<string>) => words.some((w) => set.has(w));

export const setOf = (words: string): ReadonlySet<string> => new Set(words.split(" "));
