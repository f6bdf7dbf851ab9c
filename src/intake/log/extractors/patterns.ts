/** How programs word their token counts: the patterns of the built-in extractor `token_usage`. */

import type { Role } from "../../../contract/roles.ts";

/** A count as people write it: `1775`, `1,775`, `12k`, `3.1k`. */
const COUNT = "(-?\\d[\\d,_]*(?:\\.\\d+)?(?: ?[kKmM]\\b)?)";
const IN = "(?:prompt|input|in|sent)";
const OUT = "(?:completion|output|out|received|generated)";
const TOKENS = "(?: tokens?)?";
const TOTAL = `(?:\\s*[=,;(]\\s*(?:total:?\\s*)?${COUNT}(?: total)?${TOKENS})?`;
const AND = "(?:\\s*(?:[+,/|&;]|and)\\s*)+";

/** A pattern over one line; its groups, in order. RE2. */
export interface LinePattern {
  /** Text every such line has: looked for before the pattern. */
  contains: string;
  pattern: string;
  groups: readonly Role[];
}

/** `Token usage: 1775 input + 9014 output = 10789 total`: begins where `start` first stands, far cheaper than a search. */
export const EXACT_PATTERN = {
  start: "oken usage: ",
  pattern:
    "^oken usage: (\\d{1,18}) (?:prompt|input) \\+ (\\d{1,18}) (?:completion|output) = (\\d{1,18}) total",
  groups: ["input_tokens", "output_tokens", "total_tokens"],
} as const;

export const LINE_PATTERNS: readonly LinePattern[] = [
  {
    // Tokens: 12k sent, 5k cache hit, 3.1k received. Cost: $0.04 message, $0.12 session.
    contains: "oken",
    pattern:
      `(?i)\\btokens?(?: usage| used| count)?\\s*[:=-]?\\s*${COUNT} ${IN}${TOKENS}` +
      `(?:, [\\d.,]+k? cache (?:write|hit))*${AND}${COUNT} ${OUT}${TOKENS}${TOTAL}`,
    groups: ["input_tokens", "output_tokens", "total_tokens"],
  },
  {
    // used 1775 prompt tokens and 9014 completion tokens (10789 total)
    contains: "oken",
    pattern: `(?i)${COUNT} (?:prompt|input) tokens?${AND}${COUNT} (?:completion|output) tokens?` + TOTAL,
    groups: ["input_tokens", "output_tokens", "total_tokens"],
  },
  {
    // Token usage: prompt=12, completion=34, total=46
    contains: "oken",
    pattern:
      `(?i)\\btokens?(?: usage| used| count)?\\W{1,4}(?:prompt|input)${TOKENS}\\s*[:=]\\s*${COUNT}[\\s,;|/+]+` +
      `(?:completion|output)${TOKENS}\\s*[:=]\\s*${COUNT}(?:[\\s,;|/=]+total${TOKENS}\\s*[:=]\\s*${COUNT})?`,
    groups: ["input_tokens", "output_tokens", "total_tokens"],
  },
  {
    // 03-08-2026 14:05:09 | claude-opus | ANTIGRAVITY | acct | 1200 | 340 | 200 OK
    contains: " | ",
    pattern:
      "^[\\d:./T -]{16,24} \\| ([\\w./:@-]+) \\| ([A-Za-z][\\w-]*) \\| [^|]* \\| (\\d+) \\| (\\d+) \\| (\\d{3})(?: [A-Za-z ]+)?\\s*$",
    groups: ["model", "provider", "input_tokens", "output_tokens", "status"],
  },
  {
    // Total tokens used: 2022
    contains: "oken",
    pattern: `(?i)\\b(?:token usage|tokens used|total tokens(?: used)?)\\s*[:=]\\s*${COUNT}(?: tokens?| total)?\\s*(?:[.;)\\]]|$)`,
    groups: ["total_tokens"],
  },
];

/** What a usage line may add about a total that the provider counted otherwise. */
export const OVERHEAD_PATTERNS = [
  { column: "api_total_tokens", contains: "API reports", pattern: "API reports (\\d+)" },
  { column: "overhead_tokens", contains: "overhead", pattern: "(-?\\d+) overhead" },
] as const;

/** A key's value, wherever it stands: JSON, logfmt, Python's repr, an object literal. */
export interface KeyPattern {
  role: Role;
  contains: readonly string[];
  pattern: string;
}

const key = (names: string) => `(?:^|[^\\w-])(?:${names})\\\\*["']?\\s*[:=]\\s*\\\\*["']?`;
const INTEGER = "(-?\\d{1,3}(?:,\\d{3})+|-?\\d[\\d_]*)(?:[^\\w.%]|\\.?$|\\.\\D)";

export const COUNT_KEYS: readonly KeyPattern[] = [
  {
    role: "input_tokens",
    contains: ["oken"],
    pattern:
      key(
        "prompt_tokens?|promptTokens?|promptTokenCount|prompt_token_count|(?i:prompt tokens?)|input_tokens?|inputTokens?|inputTokenCount|input_token_count|(?i:input tokens?)|tokens[_.](?:in|input|prompt|sent)|tokens(?:In|Input|Prompt)|token_usage_prompt|n_prompt_tokens|(?:num|in)_input_tokens",
      ) + INTEGER,
  },
  {
    role: "output_tokens",
    contains: ["oken"],
    pattern:
      key(
        "completion_tokens?|completionTokens?|candidatesTokenCount|candidates_token_count|completion_token_count|(?i:completion tokens?)|output_tokens?|outputTokens?|outputTokenCount|output_token_count|(?i:output tokens?)|tokens[_.](?:out|output|completion|received)|tokens(?:Out|Output|Completion)|token_usage_completion|generated_tokens",
      ) + INTEGER,
  },
  {
    role: "total_tokens",
    contains: ["otal"],
    pattern:
      key(
        "total_tokens?|totalTokens?|totalTokenCount|total_token_count|(?i:total tokens?)|tokens[_.]total|tokensTotal|token_usage_total",
      ) + INTEGER,
  },
  {
    role: "reasoning_tokens",
    contains: ["easoning", "houghts"],
    pattern: key("reasoning_tokens|reasoningTokens|reasoning_output_tokens|thoughtsTokenCount") + INTEGER,
  },
  {
    role: "cache_read_tokens",
    contains: ["ache"],
    pattern:
      key(
        "cache_read_input_tokens|cacheReadInputTokens|cache_read_tokens|cacheReadTokens|cached_tokens|cachedTokens|cached_input_tokens|cachedInputTokens|cachedContentTokenCount",
      ) + INTEGER,
  },
  {
    role: "cache_write_tokens",
    contains: ["ache"],
    pattern:
      key(
        "cache_creation_input_tokens|cacheCreationInputTokens|cache_write_tokens|cacheWriteTokens|cache_creation_tokens|cacheCreationTokens",
      ) + INTEGER,
  },
];

/** A line without any of these has no counts under keys: one look before six. */
export const COUNT_KEY_HINT =
  "(?i)(?:prompt|completion|input|output|total|cached|reasoning|generated|candidates|thoughts|content)[_ ]?token|tokens?[_.]?(?:in|out|prompt|completion|total|usage_|sent|received)";

/** What else a usage line may say about its call. */
export const DETAIL_KEYS: readonly KeyPattern[] = [
  {
    role: "model",
    contains: ["odel"],
    pattern:
      key("model|model_name|modelName|model_id|modelId|gen_ai\\.request\\.model") + "([A-Za-z@][\\w./:@-]*)",
  },
  {
    role: "cost",
    contains: ["ost", "pend"],
    pattern:
      key("cost|total_cost|totalCost|response_cost|cost_usd|costUsd|costUSD|spend|(?i:cost)") +
      "\\$?(-?\\d+(?:\\.\\d+)?(?:[eE]-?\\d+)?)",
  },
  {
    role: "id",
    contains: ["equest", "req", "rid"],
    pattern:
      key("request_id|requestId|req_id|reqId|rid|request-id|x-request-id|requestID") + "([\\w.:@-]{3,128})",
  },
  {
    role: "session_id",
    contains: ["ession", "onversation", "hread", "trace"],
    pattern:
      key("session_id|sessionId|conversation_id|conversationId|thread_id|threadId|trace_id|traceId") +
      "([\\w.:@-]{3,128})",
  },
  {
    role: "status",
    contains: ["tatus"],
    pattern: key("status|status_code|statusCode") + "([A-Za-z0-9][\\w-]*)",
  },
];

/** Limits and settings that look like counts: taken out before keys are read. */
export const LIMITS =
  "(?i)\\b(?:max|maximum|min|minimum|limit|default|estimated|expected|remaining|available)[ _-]?(?:new|prompt|input|output|completion|context|total)?[ _-]?tokens?\\b\\\\*[\"']?\\s*[:=]?\\s*\\d*";

/** A usage line, whether or not its counts could be read: wording, then a number or a word for none. */
export const USAGE_WORDING =
  "(?i)(?:" +
  [
    "\\btoken ?usage\\b\\W{0,3}(?:is |was )?[:=(–-].{0,80}?(?:\\d|N/A|\\bnull\\b|\\bnone\\b|\\bunknown\\b)",
    "\\btoken ?usage (?:is|was|as|of)\\b\\D{0,30}?\\d[\\d,.]*k?\\b[^%\\d]\\D{1,40}\\d",
    "\\d[\\d,.]*k? tokens? (?:(?:for|of|as) )?(?:the )?(?:prompt|input|in|sent)\\b\\D{1,30}\\d.{0,30}?\\b(?:completion|output|out|received)\\b",
    "\\btokens? (?:used|consumed|spent|billed)\\b\\s*[:=(–-].{0,60}?(?:\\d|N/A|\\bnull\\b|\\bnone\\b|\\bunknown\\b)",
    "\\b(?:prompt|input)[ _-]?tokens?\\b[\"']?\\s*[:=]\\s*[\"']?(?:\\d|N/A|null|none|unknown)",
    "\\b(?:completion|output)[ _-]?tokens?\\b[\"']?\\s*[:=]\\s*[\"']?(?:\\d|N/A|null|none|unknown)",
    "\\d[\\d,.]*k? (?:prompt|input|completion|output)[ _-]tokens?\\b",
    "\\btokens?\\b.{0,40}?\\b(?:prompt|input|in|sent)\\b.{0,30}?\\d.{0,30}?\\b(?:completion|output|out|received)\\b.{0,30}?\\d",
    "\\btokens?\\b.{0,40}?\\d.{0,30}?\\b(?:prompt|input|in|sent)\\b.{0,30}?\\d.{0,30}?\\b(?:completion|output|out|received)\\b",
  ].join("|") +
  ")";

/** Words of lines that talk about limits or about parsing, not about usage. */
export const NOT_USAGE =
  "(?i)\\b(?:max|maximum|limits?|limited|exceed(?:s|ed|ing)?|budget|quota|context (?:length|window)|too (?:many|long)|estimated?|truncat\\w*|allowed|reserved?|remaining|per (?:minute|second|hour|day)|rate|tpm)\\b";
