/** Which columns name the model, its provider, the outcome and the user, and which hold secrets. */

import type { Candidate, Context } from "./candidates.ts";
import { BAD_WORDS, OK_WORDS } from "./classes.ts";
import { type Guess, guess, hasAny, noRole, type Rule, setOf } from "./guess.ts";
import { singular } from "./names.ts";
import { share } from "./values.ts";

const MODEL_WITH = setOf(
  "model name id slug key request response requested resolved provided llm ai gen base main used deployment message invocation",
);

/** The model's name; ids of model rows count where no name is there. */
export const modelRule: Rule = ({ words, leaf, facts, depth }) => {
  if (facts.booleans > 0) return [];
  const texts = facts.count > 0 && share(facts.texts, facts) > 0.5 && facts.length <= 100;
  if (/^(mdl|llm|engine|deployment(_name)?|model_version|model_permaslug)$/.test(leaf.join("_")) && texts)
    return [guess("model", leaf.includes("model") ? 0.7 : 0.58, "the name and the values say which model")];
  if (!leaf.includes("model")) return [];
  const numeric = facts.count > 0 && share(facts.numbers, facts) > 0.5;
  if (leaf.includes("provider"))
    return [guess("provider", 0.9 - depth * 0.02, "the name says the model's provider")];
  if (leaf.join("_") === "model_group") return [guess("model", 0.6, "a group of models")];
  if (!leaf.every((w) => MODEL_WITH.has(w))) return [];
  if (facts.length > 200) return [];
  const own = leaf.length === 1 ? (words.includes("response") && words.includes("gen") ? 0.92 : 0.96) : 0.94;
  const lower =
    (leaf.includes("resolved") || leaf.includes("response") ? 0.04 : 0) + (leaf.includes("main") ? 0.2 : 0);
  return [guess("model", (numeric ? 0.6 : own) - lower - depth * 0.02, "the name says which model")];
};

const PROVIDER_WITH = setOf("provider name id slug llm ai gen api custom upstream used inference selected");

/** Who served the call. */
export const providerRule: Rule = ({ words, leaf, above, facts, depth }, context) => {
  if (facts.booleans > 0 || facts.length > 200) return [];
  const name = leaf.join("_");
  if (leaf.includes("provider") && leaf.every((w) => PROVIDER_WITH.has(w)))
    return [
      guess("provider", (leaf.length === 1 ? 0.95 : 0.92) - depth * 0.02, "the name says which provider"),
    ];
  if (words.includes("provider") && above.length > 0 && /^(name|id)$/.test(name))
    return [guess("provider", 0.9 - depth * 0.02, "the name says which provider")];
  if (words.join("_").endsWith("gen_ai_system"))
    return [guess("provider", 0.85, "OpenTelemetry's older name of the provider")];
  if (name === "vendor" && beside(context, "model"))
    return [guess("provider", 0.7, "a vendor beside a model")];
  if (/^channel(_id|_name)?$/.test(name) && context.columns.has("quota"))
    return [guess("provider", 0.55, "the upstream channel of a gateway")];
  return [];
};

const STATUS_WITH = setOf(
  "http ai llm gen exit return code response request job task run validation span call result processing execution status state statu message api final workflow",
);

/** How it ended; a `state` or `level` must hold words of success or failure. */
export const statusRule: Rule = (candidate, context) => {
  const { leaf, above, facts, depth } = candidate;
  const lower = depth * 0.03;
  const name = leaf.join("_");
  const outcome = [...facts.words].some((w) => OK_WORDS.has(w) || BAD_WORDS.has(w));
  if (facts.length > 64) return [];
  const of = above.at(-1) === "status" && /^(code|status_code|name|state)$/.test(name);
  if (
    of ||
    (leaf.includes("status") && leaf.every((w) => STATUS_WITH.has(w) || w === context.table.at(-1)))
  ) {
    if (leaf.includes("message")) return [];
    const own = name === "status" ? 0.95 : leaf.includes("code") ? 0.9 : 0.88;
    return [guess("status", own - lower, "the name says how it ended")];
  }
  if (leaf.at(-1) === "status" && outcome)
    return [guess("status", 0.75 - lower, "the name and the values say how it ended")];
  if (/^(state|outcome|result|finish_reason|stop_reason)$/.test(name) || leaf.at(-1) === "state")
    return outcome
      ? [guess("status", (name === "state" ? 0.8 : 0.62) - lower, "the values say how it ended")]
      : [];
  if (name === "level" && facts.words.has("default"))
    return [guess("status", 0.6 - lower, "Langfuse's level: ERROR marks a failed row")];
  const flag = facts.booleans > 0 && facts.booleans === facts.count;
  const bits = facts.count > 0 && share(facts.integers, facts) === 1 && facts.min >= 0 && facts.max <= 1;
  if ((!flag && !bits) || depth > 1 || hasAny(above, setOf("count counts"))) return [];
  if (/^(is_)?(success|successful|succeeded|ok|completed)$/.test(name))
    return [guess("status", 0.7 - lower, "a flag that says whether it succeeded")];
  if (/^(is_|has_)?(error|failed|failure|errored)$/.test(name))
    return [guess("status", 0.65 - lower, "a flag that says whether it failed")];
  return [];
};

/** True for a flag whose TRUE means failure: its status is spelled in words. */
export function isFailureFlag(candidate: Candidate): boolean {
  return /^(is_|has_)?(error|failed|failure|errored)$/.test(candidate.leaf.join("_"));
}

const USER_WITH = setOf("id uuid name email end external internal login app");

/** Who caused it. */
export const userRule: Rule = ({ leaf, above, facts, depth }, context) => {
  if (
    facts.booleans > 0 ||
    facts.length > 200 ||
    (facts.times > facts.count / 2 && facts.count > 0 && facts.texts > 0)
  )
    return [];
  const lower = depth * 0.03;
  const own = context.table.at(-1) === "user" ? 0.3 : 0;
  const scoped = above.at(-1) === "user" && leaf.join("_") === "id";
  if (scoped) return [guess("user", 0.9 - lower, "the name says which user")];
  if (leaf.includes("user") && leaf.every((w) => w === "user" || USER_WITH.has(w))) {
    const certain = leaf.includes("id") || leaf.includes("uuid") ? 0.95 : leaf.length === 1 ? 0.9 : 0.8;
    return [
      guess("user", certain - (leaf.includes("end") ? 0.05 : 0) - lower - own, "the name says which user"),
    ];
  }
  const name = leaf.join("_");
  if (/^(username|user_name|login)$/.test(name))
    return [guess("user", 0.75 - lower - own, "the name says which user")];
  if (/^((customer|account|acct|member|tenant|owner)(_id)?|distinct_id)$/.test(name))
    return [guess("user", 0.6 - lower, "the name says who caused it")];
  if (name === "email" && context.table.at(-1) !== "user")
    return [guess("user", 0.55 - lower, "an address of who caused it")];
  return [];
};

const SECRET = setOf(
  "secret secrets password passwd passphrase pwd credential credentials authorization bearer cookie apikey",
);
const KEY_BEFORE = setOf(
  "api private access secret signing encryption master virtual auth service public ssh user llm openai anthropic provider hashed",
);
const TOKEN_WORD = setOf("token tokens");
const COUNT_WORD = setOf(
  "type count counts kind usage used prompt completion input output total in out limit max num number n per cost price",
);

/** `timeToFirstToken`, `first_token_at`, `token_latency`. */
const DURATION_WORD = setOf("time first last second ms latency duration speed rate delay");

/** Secrets and what points at them: masked in every output. */
export const credentialRule: Rule = ({ leaf, facts, column, depth }, context) => {
  const secret = guess("credential", 0.95, "the name says a secret");
  if (facts.count > 0 && facts.secrets > 0 && facts.secrets * 2 >= facts.count)
    return [guess("credential", 0.97, "the values have the shape of secrets")];
  if (facts.booleans > 0 || hasAny(leaf, setOf("is has count"))) return [];
  if (hasAny(leaf, SECRET)) return hasAny(leaf, setOf("changed updated at expires")) ? [] : [secret];
  const key = leaf.indexOf("key");
  if (key > 0 && KEY_BEFORE.has(leaf[key - 1] as string)) {
    if (leaf.includes("public") || (leaf.includes("user") && !leaf.includes("api"))) return [];
    return [
      guess("credential", leaf.at(-1) === "key" ? 0.95 : 0.85, "the name says a key, or what points at one"),
    ];
  }
  if (leaf[0] === "key" && /^(hash|prefix|value|secret|suffix)$/.test(leaf[1] ?? "") && leaf.length === 2)
    return [guess("credential", 0.85, "the name says a part or a digest of a key")];
  if (hasAny(leaf, TOKEN_WORD) && !hasAny(leaf, COUNT_WORD) && !hasAny(leaf, DURATION_WORD))
    return tokenSecret(leaf, facts, column.declared, context, depth);
  if (
    leaf.at(-1) === "key" &&
    leaf.length === 1 &&
    facts.texts > 0 &&
    facts.ids * 2 > facts.texts &&
    facts.length >= 24
  )
    return [guess("credential", 0.8, "long random values in a column named key")];
  return [];
};

/** `token`, `access_token`, `token_id`, `token_name`; a number named `token` or `tokens` is a count. */
function tokenSecret(
  leaf: readonly string[],
  facts: Candidate["facts"],
  declared: string,
  context: Context,
  depth: number,
): Guess[] {
  if (hasAny(leaf, setOf("id ids name hash prefix alias uuid")))
    return leaf.includes("tokens") ? [] : [guess("credential", 0.85, "names or points at an access token")];
  if (leaf.at(-1) !== "token" && leaf.at(-1) !== "tokens") return [];
  if (facts.count > 0 && facts.texts * 2 <= facts.count) return [];
  if (facts.count === 0 && (leaf.at(-1) === "tokens" || /int|num|real|double|dec/i.test(declared))) return [];
  if (leaf.at(-1) === "tokens") return [];
  if (depth > 0 && facts.length > 0 && facts.length < 12) return [];
  // A tokeniser's table: short words, not secrets.
  if (facts.count > 0 && facts.length < 8 && context.table.at(-1) !== "token")
    return [noRole("short words, not secrets")];
  return [guess("credential", leaf.length === 1 ? 0.9 : 0.95, "the name says an access token")];
}

const beside = (context: Context, column: string) =>
  [...context.columns].some((name) => singular(name) === column || name === `${column}_name`);
