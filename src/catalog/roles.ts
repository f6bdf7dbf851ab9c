/** Infers what each column of a table means from its name, its type, its values and its siblings. */

import type { ColumnProfile } from "../contract/loaded.ts";
import type { Role } from "../contract/roles.ts";
import { type Candidate, type Context, contextOf } from "./candidates.ts";
import type { Guess, Rule } from "./guess.ts";
import { costRule, tokenRule } from "./rules-amounts.ts";
import { identityGuesses } from "./rules-ids.ts";
import { credentialRule, modelRule, providerRule, statusRule, userRule } from "./rules-labels.ts";
import { timeRule } from "./rules-times.ts";

const RULES: readonly Rule[] = [
  credentialRule,
  tokenRule,
  costRule,
  timeRule,
  modelRule,
  providerRule,
  statusRule,
  userRule,
];

/** Below this a guess is no better than none. */
export const CONFIDENCE_MIN = 0.5;

export interface RoleGuess {
  candidate: Candidate;
  role: Role | null;
  /** Null without a role. */
  confidence: number | null;
  reason: string | null;
}

export interface Inference {
  context: Context;
  /** Every column in order, then every path that has a role or nearly had one. */
  guesses: RoleGuess[];
}

/**
 * The best candidate of each role has it; a candidate has at most one. Credentials are the exception: every column
 * that may hold a secret is one. Pure: the order of columns matters only between equal confidences.
 */
export function inferRoles(table: string, columns: readonly ColumnProfile[]): Inference {
  const context = contextOf(table, columns);
  const byCandidate = guessesOf(context);
  const order = new Map(context.candidates.map((candidate, i) => [candidate, i]));
  const ranked = context.candidates
    .flatMap((candidate) => (byCandidate.get(candidate) ?? []).map((one) => ({ candidate, ...one })))
    .filter((one): one is Ranked => one.role !== null && one.confidence >= CONFIDENCE_MIN)
    .sort(
      (a, b) =>
        b.confidence - a.confidence || Number(order.get(a.candidate)) - Number(order.get(b.candidate)),
    );
  const holders = new Map<Role, Candidate>();
  const given = new Map<Candidate, Ranked>();
  for (const one of ranked) {
    if (given.has(one.candidate)) continue;
    if (one.role !== "credential" && holders.has(one.role)) continue;
    holders.set(one.role, one.candidate);
    given.set(one.candidate, one);
  }
  const guesses = context.candidates
    .map((candidate) => settled(candidate, given.get(candidate), byCandidate.get(candidate) ?? [], holders))
    .filter((one) => one.candidate.depth === 0 || one.reason !== null);
  return { context, guesses };
}

type Ranked = Guess & { candidate: Candidate; role: Role };

function guessesOf(context: Context): Map<Candidate, Guess[]> {
  const guesses = identityGuesses(context);
  for (const candidate of context.candidates) {
    const found = RULES.flatMap((rule) => rule(candidate, context));
    if (found.length > 0) guesses.set(candidate, [...(guesses.get(candidate) ?? []), ...found]);
  }
  for (const [candidate, found] of guesses) guesses.set(candidate, withoutVetoed(found));
  return guesses;
}

/** A secret is nothing else. */
function withoutVetoed(found: Guess[]): Guess[] {
  const secret = found.find((one) => one.role === "credential");
  return secret ? [secret] : found;
}

function settled(
  candidate: Candidate,
  given: Ranked | undefined,
  found: readonly Guess[],
  holders: ReadonlyMap<Role, Candidate>,
): RoleGuess {
  if (given) return { candidate, role: given.role, confidence: given.confidence, reason: given.reason };
  const none = { candidate, role: null, confidence: null };
  const lost = found.find((one) => one.role !== null && one.confidence >= CONFIDENCE_MIN);
  if (lost?.role) {
    const winner = holders.get(lost.role);
    return { ...none, reason: winner ? `${winner.name} holds ${lost.role} better` : lost.reason };
  }
  return { ...none, reason: found.find((one) => one.role === null)?.reason ?? null };
}
