/** Tells whether two tables record the same thing: what their names and columns mean, not how they are spelled. */

import { singular } from "../contract/code.ts";

/** Words that say how rows are kept, not what they are about. */
const GENERIC =
  /^(history|record|log|entry|event|data|item|table|list|row|new|old|legacy|v\d+|detail|info|tracking|tracker|metric|raw|store|main|all|billing|audit)$/;
/** Words of tables that sum others up. */
const ROLLUP =
  /^(daily|hourly|monthly|weekly|yearly|day|hour|month|summary|stat|statistic|total|rollup|aggregate|agg|count|counter|snapshot|archive|backup|cache)$/;

/** The words of a name in the singular: `usageRecords` → usage, record. */
export function wordsOf(name: string): string[] {
  return name
    .replace(/([\p{Ll}\d])(\p{Lu})/gu, "$1_$2")
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== "")
    .map(singular);
}

/**
 * What a table is about, whatever its name says of how rows are kept; null for a rollup and for a name that says nothing.
 * Two tables of one subject may record the same thing.
 */
export function subjectOf(table: string): string | null {
  const words = wordsOf(table);
  if (words.some((word) => ROLLUP.test(word))) return null;
  const subject = [...new Set(words.filter((word) => !GENERIC.test(word)))].sort().join(" ");
  return subject === "" ? null : subject;
}

const CONCEPTS: [concept: string, pattern: RegExp][] = [
  ["input_tokens", /^(input|prompt)_?tokens?$|^tokens?_(in|input|prompt)$|^(prompt|input)_(count|usage)$/],
  ["output_tokens", /^(output|completion)_?tokens?$|^tokens?_(out|output|completion)$/],
  ["total_tokens", /^(total_)?tokens?(_total|_used|_count)?$/],
  ["cost", /(^|_)(cost|spend|price|amount)(_|$)/],
  ["time", /^(timestamp|time|ts|date|created_at|created|logged_at|recorded_at|at|event_time|request_time)$/],
  ["model", /^(model|model_name|model_id)$/],
  ["provider", /^(provider|provider_name|vendor)$/],
  ["status", /^(status|state|success|result)$/],
  ["user", /^(user|user_id|userid|account_id|owner_id|customer_id)$/],
  ["api_key", /^(api_?key|api_?key_id|key|key_id|token_id|key_hash)$/],
  ["endpoint", /^(endpoint|path|route|url)$/],
  ["session", /^(session|session_id|conversation_id|thread_id)$/],
];
const MEASURES = new Set(["input_tokens", "output_tokens", "total_tokens", "cost"]);

/** What a column means; its own words where nothing is known. */
export function conceptOf(column: string): string {
  const name = column.replace(/([\p{Ll}\d])(\p{Lu})/gu, "$1_$2").toLowerCase();
  return CONCEPTS.find(([, pattern]) => pattern.test(name))?.[0] ?? name;
}

/** Both carry the same measurement, and three or more columns of the same meaning. */
export function sameColumns(a: Iterable<string>, b: Iterable<string>): boolean {
  const left = new Set([...a].map(conceptOf));
  const shared = [...new Set([...b].map(conceptOf))].filter(
    (concept) => left.has(concept) && concept !== "id",
  );
  return shared.length >= 3 && shared.some((concept) => MEASURES.has(concept));
}

/** How columns of one table are called in the other: `inputTokens → promptTokens`. */
export function mapping(
  from: Iterable<string>,
  to: Iterable<string>,
): { pairs: [string, string][]; missing: string[] } {
  const targets = new Map([...to].map((column) => [conceptOf(column), column]));
  const pairs: [string, string][] = [];
  const missing: string[] = [];
  for (const column of from) {
    const target = targets.get(conceptOf(column));
    if (target !== undefined) pairs.push([column, target]);
    else if (conceptOf(column) !== "id") missing.push(column);
  }
  return { pairs, missing };
}
