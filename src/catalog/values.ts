/** What a sample of a column's values says: numbers, times, ids, or JSON; the name alone never decides. */

import type { Value } from "../contract/finding.ts";
import { epochMillis, isDayText, isFullHour, isTimeText } from "./times.ts";

export interface ValueFacts {
  /** Values that are neither NULL nor an empty text. */
  count: number;
  nulls: number;
  /** Numbers, and texts that are one number. Booleans are no numbers. */
  numbers: number;
  integers: number;
  booleans: number;
  texts: number;
  /** Texts that read as a point in time, or numbers that do as an epoch. */
  times: number;
  /** Of the times, those that are a calendar day without a clock. */
  days: number;
  /** Of the times, those at a full hour. */
  hours: number;
  /** Of the times, those at midnight UTC. */
  midnights: number;
  distinct: number;
  min: number;
  max: number;
  /** Texts and numbers shaped like identifiers: UUID, hex, prefixed, long digits. */
  ids: number;
  /** Secret by shape, whatever the name. */
  secrets: number;
  /** Longest text. */
  length: number;
  /** The distinct values as lower-case text, at most 200. */
  words: Set<string>;
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const ID =
  /^([0-9a-f]{8,}|\d{9,}|[A-Za-z]{2,12}[-_:][A-Za-z0-9_-]{6,}|[0-9A-HJKMNP-TV-Z]{26}|[A-Za-z0-9_-]{16,40})$/;
const SECRET =
  /^(sk-|pk-lf-|sk_live_|rk_live_|Bearer |gh[pousr]_|github_pat_|xox[abprs]-|AKIA|ASIA|AIza|glpat-|hf_|eyJ[\w-]+\.eyJ)/;

/** Looks at every value of the sample once. */
export function factsOf(sample: readonly Value[]): ValueFacts {
  const facts: ValueFacts = {
    count: 0,
    nulls: 0,
    numbers: 0,
    integers: 0,
    booleans: 0,
    texts: 0,
    times: 0,
    days: 0,
    hours: 0,
    midnights: 0,
    distinct: 0,
    min: Number.POSITIVE_INFINITY,
    max: Number.NEGATIVE_INFINITY,
    ids: 0,
    secrets: 0,
    length: 0,
    words: new Set(),
  };
  for (const value of sample) add(facts, value);
  facts.distinct = facts.words.size;
  return facts;
}

function add(facts: ValueFacts, value: Value): void {
  if (value === null || value === "") {
    facts.nulls++;
    return;
  }
  facts.count++;
  const text = typeof value === "object" ? JSON.stringify(value, plainBigint) : String(value).trim();
  facts.words.add(text.slice(0, 200).toLowerCase());
  if (typeof value === "boolean" || /^(true|false)$/i.test(text)) {
    facts.booleans++;
    return;
  }
  facts.length = Math.max(facts.length, text.length);
  if (UUID.test(text) || (typeof value !== "object" && ID.test(text))) facts.ids++;
  if (NUMBER.test(text)) {
    const number = Number(text);
    facts.numbers++;
    if (Number.isInteger(number)) facts.integers++;
    facts.min = Math.min(facts.min, number);
    facts.max = Math.max(facts.max, number);
    const millis = epochMillis(number);
    if (millis !== null || isDayText(text))
      addTime(facts, millis === null, (millis ?? 0) % 3_600_000 === 0, (millis ?? 0) % 86_400_000 === 0);
    return;
  }
  facts.texts++;
  if (SECRET.test(text) && text.length >= 8) facts.secrets++;
  if (isTimeText(text))
    addTime(
      facts,
      isDayText(text),
      isFullHour(text),
      /^\D*\d+\D\d+\D\d+(\D0?0(:00)+(\.0+)?\D*)?$/.test(text),
    );
}

function addTime(facts: ValueFacts, day: boolean, hour: boolean, midnight: boolean): void {
  facts.times++;
  if (midnight) facts.midnights++;
  if (day) facts.days++;
  if (hour) facts.hours++;
}

/** The share of values for which `part` counts; 0 of none. */
export function share(part: number, facts: ValueFacts): number {
  return facts.count === 0 ? 0 : part / facts.count;
}

const plainBigint = (_: string, value: unknown) => (typeof value === "bigint" ? value.toString() : value);
