/** Which column says when a row began, and which when it ended. */

import { type Guess, guess, hasAny, noRole, type Rule, setOf } from "./guess.ts";
import { share } from "./values.ts";

const NEVER = setOf(
  "expire expires expired expiry expiration delete deleted archived birth birthday hire hired last next due scheduled schedule update updated modified modify reset valid until since retention trial login seen duration latency elapsed took timeout ttl interval zone timezone tz offset renew revoked read viewed budget estimated expected planned release published anchor ago format",
);
const START = setOf("start started starts begin began begun launched");
const END = setOf(
  "end ended ends finish finished complete completed completion done stop stopped close closed",
);
const MOMENT = setOf("occurred happened invoked called executed fired emitted observed");
const RECEIVED = setOf("requested submitted sent issued asked");
const STORED = setOf(
  "inserted logged recorded ingested received indexed saved stored queued enqueued processed added",
);
const STAMP = setOf("timestamp ts time datetime timestamptz utc epoch when");
const UNIT = setOf("ms s us ns unix nano nanos micros millis seconds utc epoch iso local on at");
const CALENDAR = setOf("date day datekey hour month bucket period week");
const SUFFIX = setOf("at time ts timestamp date datetime utc ms unix nano on");

const TIME_TYPE = /date|time/i;

/** Times, by words and by values that read as times. A word like `started` on a flag is none. */
export const timeRule: Rule = (candidate, context) => {
  const { leaf, above, facts, depth, column } = candidate;
  if (facts.booleans > 0 || leaf.length === 0) return [];
  const typed = TIME_TYPE.test(column.declared) && depth === 0;
  if (facts.count > 0 ? share(facts.times, facts) < 0.5 : !typed && !hasAny(leaf, SUFFIX) && !isWhole(leaf))
    return [];
  const words = above.at(-1) === "time" ? [...leaf, "time"] : leaf;
  const lower = depth * 0.02 + (facts.count === 0 ? 0.05 : 0);
  const first = words.includes("first") || (words.includes("completion") && hasAny(words, START));
  if (first) return [noRole("when the first token came, not when the row began")];
  if (hasAny(words, NEVER)) return [noRole("no time at which the row began or ended")];
  const meaning = meaningOf(words, facts.count > 0 || typed);
  if (!meaning) return [];
  // In a rollup the bucket says when, not the time at which the bucket was written.
  const bucket = hasAny(words, CALENDAR) && facts.count > 0 && facts.days === facts.count;
  if (bucket && context.rollup && meaning.role === "time")
    return [guess("time", 0.97 - lower, "the day that the row sums up")];
  return [guess(meaning.role ?? "time", meaning.confidence - lower, meaning.reason)];
};

const isWhole = (words: readonly string[]) =>
  words.every((w) => STAMP.has(w) || UNIT.has(w) || w === "created" || w === "started");

function meaningOf(words: readonly string[], valuesAreTimes: boolean): Guess | null {
  if (hasAny(words, START) && !words.includes("end"))
    return guess("time", 0.95, "the name says when it started");
  if (words.includes("response") && words.includes("created"))
    return guess("end_time", 0.85, "the name says when the response came");
  if (hasAny(words, END)) return guess("end_time", 0.95, "the name says when it ended");
  if (hasAny(words, MOMENT)) return guess("time", 0.93, "the name says when it happened");
  const plain = words.every((w) => STAMP.has(w) || UNIT.has(w) || w === "event");
  if (plain && (hasAny(words, STAMP) || words.includes("event")))
    return guess("time", 0.93, "the name says when it happened");
  if (words.includes("created") || words.includes("creation"))
    return guess("time", 0.9, "the name says when the row was created");
  if (hasAny(words, RECEIVED) || (words.includes("request") && hasAny(words, SUFFIX)))
    return guess("time", 0.88, "the name says when it was requested");
  if (hasAny(words, STORED)) return guess("time", 0.8, "the name says when the row was stored");
  if (!valuesAreTimes) return null;
  if (words.every((w) => CALENDAR.has(w) || UNIT.has(w) || w === "key" || w === "usage" || w === "start"))
    return guess("time", 0.82, "the values are calendar days or times");
  if (hasAny(words, STAMP)) return guess("time", 0.7, "the name and the values say a time");
  if (hasAny(words, SUFFIX) || hasAny(words, CALENDAR)) return guess("time", 0.6, "the values are times");
  return null;
}
