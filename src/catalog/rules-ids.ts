/** Which column identifies a row, which its parent, which its session: judged together, since each explains the others. */

import type { Candidate, Context } from "./candidates.ts";
import { type Guess, guess, hasAny, noRole, setOf } from "./guess.ts";
import { isShared } from "./keys.ts";
import { share } from "./values.ts";

const ID = setOf("id uuid guid ulid rowid oid uid");
const SESSION: Readonly<Record<string, number>> = {
  conv: 0.88,
  convo: 0.88,
  session: 0.95,
  conversation: 0.93,
  chat: 0.91,
  thread: 0.89,
  dialog: 0.85,
  dialogue: 0.85,
};
/** What a row of a trail is: `span_id`, `job_id`. */
const ENTITY = setOf(
  "request req job task span call event message msg generation completion response record log observation execution invocation step part usage entry transaction operation row run interaction query validation",
);
/** Ids of these are better identities than a counted surrogate `id` beside them. */
const NATURAL = setOf("job task span execution uuid guid event call generation validation invocation");

/** The guesses about id, parent and session of every candidate. */
export function identityGuesses(context: Context): Map<Candidate, Guess[]> {
  const guesses = new Map<Candidate, Guess[]>();
  const idLike = context.candidates.filter(isIdLike);
  const parents = idLike.filter((c) => isParent(c));
  const parent = [...parents].sort((a, b) => parentScore(b) - parentScore(a))[0] ?? null;
  for (const candidate of parents)
    guesses.set(candidate, [guess("parent_id", parentScore(candidate), "the name says the parent's id")]);
  const rest = idLike.filter((c) => !guesses.has(c));
  const ids = rest.map((c) => ({ c, score: idScore(c, context, parent) })).filter((one) => one.score > 0);
  const best = Math.max(0, ...ids.map((one) => one.score));
  for (const { c, score } of ids) {
    const other = ids.find((one) => one.c !== c && isNatural(one.c) && isSurrogate(c));
    guesses.set(c, [guess("id", other ? Math.min(score, other.score - 0.02) : score, idReason(c, parent))]);
  }
  const project = isProject(context);
  for (const candidate of rest) {
    const found = sessionGuess(candidate, context, best, project);
    if (found) guesses.set(candidate, [...(guesses.get(candidate) ?? []), found]);
  }
  return guesses;
}

function isIdLike({ leaf, facts, depth, words, column }: Candidate): boolean {
  if (facts.booleans > 0 || facts.length > 128) return false;
  if (facts.count > 0 && share(facts.numbers - facts.integers, facts) > 0) return false;
  if (facts.texts > 0 && facts.times > facts.count / 2) return false;
  if (hasAny(leaf, ID)) return !hasAny(leaf, setOf("key model provider user token"));
  if (leaf.length === 1 && /^(session|conversation|parent|thread|trace)$/.test(leaf[0] as string))
    return facts.count === 0 || share(facts.numbers, facts) < 1;
  if (column.primaryKey && depth === 0) return true;
  return depth > 0 && leaf.includes("id") && words.length > 1;
}

const isParent = ({ leaf, words }: Candidate) =>
  (leaf.includes("parent") || (words.at(-2) === "parent" && leaf.join("_") === "id")) &&
  !hasAny(leaf, setOf("grandparent root child"));

function parentScore({ leaf, depth }: Candidate): number {
  const session = leaf.some((w) => w in SESSION) ? 0.12 : 0;
  return 0.96 - session - depth * 0.04;
}

/** 0 when the candidate names something else than the row. */
function idScore(candidate: Candidate, context: Context, parent: Candidate | null): number {
  // `conversation.id` and `user.id` identify something else than the row.
  const scope = candidate.above.at(-1) ?? "";
  if (candidate.leaf.every((w) => ID.has(w)) && (scope in SESSION || isShared([scope]) || scope === "trace"))
    return 0;
  const { leaf, facts, column, depth, above } = candidate;
  if (hasAny(leaf, setOf("child root previous prev next external reference ref correlation"))) return 0;
  const entity = leaf.filter((w) => !ID.has(w));
  const stem = parent ? parent.leaf.filter((w) => w !== "parent").join("_") : null;
  const last = entity.at(-1) ?? "";
  const own = last !== "" && context.table.at(-1) === last;
  let score = 0;
  if (entity.length === 0) score = leaf.includes("id") ? 0.95 : 0.93;
  else if (own) score = last in SESSION || last === "trace" ? 0.9 : 0.92;
  else if (last === "request" && entity.length === 1) score = 0.9;
  else if (ENTITY.has(last)) score = entity.length === 1 ? 0.87 : 0.82;
  else if (last === "trace" && !context.candidates.some((c) => /^(span_)?(id|uuid)$/.test(c.leaf.join("_"))))
    score = 0.6;
  else if (last in SESSION && column.primaryKey) score = 0.7;
  // A column of a key of several columns identifies no row by itself, unless it is called so.
  if (column.primaryKey && entity.length > 0 && context.keyColumns > 1) return 0;
  if (depth === 0 && column.primaryKey && column.references === null) score = Math.max(score, 0.8);
  if (score === 0) return 0;
  if (column.references && !column.primaryKey) score -= 0.3;
  // `parent_trace_id` refers to `trace_id`: the stem of the parent's name is the id's name.
  if (stem && leaf.join("_") === stem) score = Math.max(score, 0.98);
  if (stem && parent && !sameShape(candidate, parent)) score -= 0.2;
  if (depth > 0) score -= 0.12 + depth * 0.02 + (above.length > 4 ? 0.1 : 0);
  // An id that repeats in most of the sample names a group, unless its name leaves no doubt.
  if (entity.length > 0 && facts.count >= 10 && facts.distinct < facts.count * 0.5)
    score -= stem === leaf.join("_") ? 0 : 0.15;
  return score;
}

const idReason = ({ leaf }: Candidate, parent: Candidate | null) =>
  parent && parent.leaf.filter((w) => w !== "parent").join("_") === leaf.join("_")
    ? `the column that ${parent.name} refers to`
    : "the name says the row's own id";

const isNatural = ({ leaf, facts, column }: Candidate) =>
  hasAny(leaf, NATURAL) &&
  leaf.length <= 2 &&
  column.references === null &&
  facts.count > 0 &&
  share(facts.ids, facts) > 0.5 &&
  share(facts.integers, facts) < 0.5;

const isSurrogate = ({ leaf, facts }: Candidate) =>
  leaf.join("_") === "id" && facts.count > 0 && share(facts.integers, facts) === 1 && facts.max < 1e12;

/** Numbers against numbers, texts against texts; unknown when one has no values. */
function sameShape(a: Candidate, b: Candidate): boolean {
  if (a.facts.count === 0 || b.facts.count === 0) return true;
  return share(a.facts.integers, a.facts) > 0.5 === share(b.facts.integers, b.facts) > 0.5;
}

/** LangSmith calls the project a session; its runs are grouped by `trace_id`. */
function isProject(context: Context): boolean {
  return (
    context.columns.has("session_id") &&
    context.columns.has("trace_id") &&
    ["parent_run_id", "run_type", "dotted_order"].some((name) => context.columns.has(name))
  );
}

function sessionGuess(
  candidate: Candidate,
  context: Context,
  bestId: number,
  project: boolean,
): Guess | null {
  const { leaf, depth, above, facts } = candidate;
  if (hasAny(leaf, setOf("child root parent user previous prev"))) return null;
  const entity = [...(leaf.join("_") === "id" ? above.slice(-1) : []), ...leaf.filter((w) => !ID.has(w))];
  const last = entity.at(-1) ?? "";
  const lower = depth * 0.03;
  if (last in SESSION) {
    if (project && leaf.join("_") === "session_id")
      return noRole("LangSmith's session is a project; trace_id groups its runs");
    // In a table of sessions the session is the row itself.
    if (depth === 0 && context.table.at(-1) === last && bestId <= 0.9) return null;
    return guess("session_id", (SESSION[last] as number) - lower, `the name says which ${last}`);
  }
  if (last === "trace" || /^trace_(row)?id$/.test(leaf.join("_")))
    return guess(
      "session_id",
      (facts.count > 0 && share(facts.numbers, facts) === 1 ? 0.82 : 0.85) - lower,
      "rows of one trace share it",
    );
  return null;
}
