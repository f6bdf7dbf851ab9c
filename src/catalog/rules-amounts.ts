/** Which numbers count tokens and which are money. */

import type { Candidate, Context } from "./candidates.ts";
import { type Guess, guess, hasAny, noRole, type Rule, setOf } from "./guess.ts";
import { share } from "./values.ts";

const TOKEN = setOf("token tokens tok toks tkn tkns");
const IN = setOf("prompt prompts input inputs in sent request promt evaluated");
const OUT = setOf(
  "completion completions output outputs out generated generation received answer response candidates reply predicted sampled",
);
/** Containers that give their bare leaves (`total`, `count`) a direction. */
const IN_ABOVE = setOf("prompt input");
const OUT_ABOVE = setOf("completion output candidates");
const REASONING = setOf("reasoning thinking thoughts thought");
const CACHE = setOf("cache cached caching");
const CACHE_WRITE = setOf("creation create created write writes written stored");
const NEUTRAL = setOf(
  "total used usage count counts num n nb number of llm consumed spent sum qty quantity gen ai api model all overall details detail last metadata",
);

const LIMIT = setOf(
  "max maximum min minimum limit limits budget quota remaining allowed allowance threshold window cap capacity reserved available left tpm rpm tpd rpd size",
);
const DERIVED = setOf(
  "per rate avg average mean median p50 p90 p95 p99 std stddev percent pct percentage ratio share speed throughput",
);
const ABOUT = setOf("id ids name names type kind hash has is enabled key format encoding");
const DURATION = setOf("ms seconds latency duration time timestamp elapsed speed at date");
const RUNNING = setOf("cumulative cum cumulated running accumulated lifetime");
const PART = setOf(
  "audio image images video text character characters document documents speech tool tools web search accepted rejected prediction ephemeral function",
);
const SAVED = setOf("saved savings wasted free");
const MONEY = setOf("cost costs spend price charge charged fee fees credit credits usd eur dollars cents");

/** Token counts, by the words of the name; values must be whole numbers. */
export const tokenRule: Rule = (candidate, context) => {
  const { words, leaf, facts } = candidate;
  const named = hasAny(words, TOKEN);
  const about = named || words.includes("usage");
  if (!about) return bareCounts(candidate, context);
  if (hasAny(leaf, MONEY)) return [];
  if (facts.count > 0 && share(facts.numbers, facts) < 0.5) return [];
  const why = unlike(candidate, context);
  if (why) return named || hasAny(words, IN) || hasAny(words, OUT) ? [noRole(why)] : [];
  const read = meaningOf(candidate, context);
  if (!read?.role) return [];
  // `usage` alone also names disks and processors: without the word token a direction is needed.
  const unknown = leaf.filter((w) => !known(w)).length;
  if (!named && unknown > 0) return [];
  const certain = named ? 0 : 0.05;
  return [
    guess(
      read.role,
      read.confidence - certain - unknown * 0.03 - candidate.depth * 0.01 - (facts.count === 0 ? 0.05 : 0),
      read.reason,
    ),
  ];
};

const known = (word: string) =>
  [TOKEN, IN, OUT, REASONING, CACHE, CACHE_WRITE, NEUTRAL].some((set) => set.has(word)) ||
  /^(read|hit|hits|reads|content|eval)$/.test(word);

/** Why a name with the word token counts no tokens of a call, or null. */
function unlike({ words, leaf, above, facts }: Candidate, context: Context): string | null {
  if (hasAny(leaf, ABOUT)) return "names or flags a token, does not count tokens";
  if (hasAny(words, LIMIT)) return "a limit, not usage";
  if (hasAny(words, RUNNING)) return "a cumulative count, not the usage of one row";
  if (hasAny(leaf, DERIVED)) return "a rate or an average, not a count";
  if (hasAny(leaf, DURATION)) return "a time, not a count";
  if (hasAny(leaf, SAVED)) return "tokens that were not used";
  if (hasAny(words, PART)) return "only a part of the tokens";
  if (facts.booleans > 0) return "true or false, not a count";
  if (share(facts.numbers - facts.integers, facts) > 0.2) return "not whole numbers";
  if (above.includes("total") && hasAny(above, TOKEN) && hasSibling(context, above, "total", "last"))
    return "a running total beside the counts of the last call";
  return null;
}

/** True when the same container stands there under another word (`last_token_usage` beside `total_token_usage`). */
function hasSibling(context: Context, above: readonly string[], word: string, other: string): boolean {
  const wanted = above.map((w) => (w === word ? other : w)).join(" ");
  return context.candidates.some((c) => c.above.join(" ") === wanted);
}

function meaningOf({ words, leaf, above }: Candidate, context: Context): Guess | null {
  const cached = hasAny(words, CACHE);
  if (cached && hasAny(words, setOf("miss misses uncached no non un"))) return noCache(leaf);
  if (cached && hasAny(words, CACHE_WRITE))
    return guess("cache_write_tokens", 0.95, "the name says tokens written to a cache");
  if (cached)
    return guess(
      "cache_read_tokens",
      words.includes("read") ? 0.95 : hasAny(words, setOf("hit hits")) ? 0.93 : 0.88,
      "the name says tokens read from a cache",
    );
  if (hasAny(words, REASONING)) return guess("reasoning_tokens", 0.95, "the name says reasoning tokens");
  const bare = leaf.every((w) => NEUTRAL.has(w) || TOKEN.has(w));
  const into = hasAny(leaf, IN) || (bare && hasAny(above, IN_ABOVE)) || isMessageTokens(leaf, context);
  const out = hasAny(leaf, OUT) || (bare && hasAny(above, OUT_ABOVE));
  if (into && out) return guess("total_tokens", 0.7, "the name says input and output tokens together");
  const sum = leaf.includes("total") && !bare ? 0.05 : 0;
  if (into) return guess("input_tokens", 0.96 - sum, "the name says tokens sent to the model");
  if (out) return guess("output_tokens", 0.96 - sum, "the name says tokens the model wrote");
  if (!bare) return null;
  if (leaf.includes("total")) return guess("total_tokens", 0.96, "the name says all tokens");
  if (hasAny(leaf, TOKEN) && !singleton(leaf))
    return guess("total_tokens", 0.75, "a count of tokens without a direction");
  return null;
}

/** `uncached_input_tokens`: input that no cache gave; only where no column holds all input. */
function noCache(leaf: readonly string[]): Guess | null {
  return hasAny(leaf, IN) ? guess("input_tokens", 0.6, "input tokens that no cache gave") : null;
}

/** Dify's `message_tokens` beside `answer_tokens`. */
function isMessageTokens(leaf: readonly string[], context: Context): boolean {
  return leaf.join("_") === "message_tokens" && context.columns.has("answer_tokens");
}

/** A lone `token` is more often a secret than a count. */
const singleton = (leaf: readonly string[]) => leaf.length === 1 && leaf[0] === "token";

/** Counts that say neither token nor usage: Ollama's, a bare pair `input` and `output`, cache counts beside tokens. */
function bareCounts({ words, leaf, facts, depth }: Candidate, context: Context): Guess[] {
  const whole = facts.count > 0 && share(facts.integers, facts) >= 0.9 && facts.booleans === 0;
  const name = leaf.join("_");
  if (!whole) return [];
  if (name === "prompt_eval_count")
    return [guess("input_tokens", 0.9 - depth * 0.01, "Ollama's count of prompt tokens")];
  if (name === "eval_count")
    return [guess("output_tokens", 0.9 - depth * 0.01, "Ollama's count of written tokens")];
  const beside = context.candidates.some((c) => hasAny(c.words, TOKEN) && c.facts.integers > 0);
  if (beside && hasAny(words, CACHE) && leaf.every((w) => CACHE.has(w) || CACHE_WRITE.has(w) || w === "read"))
    return leaf.includes("read") || hasAny(leaf, CACHE_WRITE)
      ? [
          guess(
            leaf.includes("read") ? "cache_read_tokens" : "cache_write_tokens",
            0.7,
            "a whole number beside token counts, named after the cache",
          ),
        ]
      : [];
  const pairs = [
    ["input", "output"],
    ["prompt", "completion"],
    ["in", "out"],
  ] as const;
  for (const [a, b] of pairs) {
    if ((name !== a && name !== b) || !context.columns.has(a) || !context.columns.has(b)) continue;
    if (!context.columns.has("model")) continue;
    return [
      guess(
        name === a ? "input_tokens" : "output_tokens",
        0.55,
        "a whole number, one of a pair beside a model",
      ),
    ];
  }
  return [];
}

const PART_OF_COST = setOf(
  "input output prompt completion cache cached reasoning read write creation tool audio image",
);
const NO_COST = setOf(
  "per unit rate avg average mean center centre type id name currency saved savings code tier plan multiplier factor discount tax list",
);

/** Money spent on a row; parts of it (input cost, output cost) have no role. */
export const costRule: Rule = (candidate, context) => {
  const { leaf, above, facts, depth, words } = candidate;
  if (facts.count > 0 && share(facts.numbers, facts) < 0.5) return [];
  if (facts.booleans > 0) return [];
  const name = leaf.join("_");
  const tokens = () =>
    context.candidates.some(
      (c) => hasAny(c.words, TOKEN) && share(c.facts.integers, c.facts) > 0.5 && !hasAny(c.words, LIMIT),
    );
  if (name === "quota" && depth === 0)
    return tokens()
      ? [guess("cost", 0.85, "a quota that is taken beside token counts: what the row cost")]
      : [];
  const inCost = above.length > 0 && hasAny(above.slice(-3), setOf("cost costs"));
  const money = hasAny(leaf, MONEY) || (inCost && leaf.join("_") === "total");
  if (!money) return [];
  if (hasAny(words, LIMIT)) return [noRole("a limit, not usage")];
  if (hasAny(leaf, NO_COST)) return [noRole("a price or a label, not what a row cost")];
  if (hasAny(words, RUNNING)) return [noRole("a running total, not the cost of one row")];
  if (hasAny(leaf, PART_OF_COST) && !leaf.includes("total")) return [noRole("only a part of the cost")];
  const lower = depth * 0.01 + (facts.count === 0 ? 0.05 : 0);
  if (/^(cost|costs|spend)(_(usd|eur|dollars))?$|^usd_cost$/.test(name))
    return [guess("cost", 0.96 - lower, "the name says what it cost")];
  if (leaf.includes("session")) return [guess("cost", 0.55 - lower, "the cost of a session so far")];
  if (hasAny(leaf, setOf("cost costs spend")))
    return [guess("cost", (leaf.includes("total") ? 0.92 : 0.86) - lower, "the name says what it cost")];
  if (inCost) return [guess("cost", 0.9 - lower, "the total of the costs")];
  if (name === "total_price" || (name === "price" && tokens()))
    return [guess("cost", 0.85 - lower, "a price beside token counts")];
  if (tokens() && hasAny(leaf, MONEY)) return [guess("cost", 0.6 - lower, "money beside token counts")];
  return [];
};
