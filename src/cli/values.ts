/** Reads what people type for sizes, times, zones, counts and choices; every fault is one line. */

import { UserError } from "../contract/errors.ts";
import type { Instant } from "../contract/evidence.ts";
import { didYouMean } from "../contract/nearest.ts";

const SIZE_UNITS: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  k: 2 ** 10,
  kb: 1e3,
  kib: 2 ** 10,
  m: 2 ** 20,
  mb: 1e6,
  mib: 2 ** 20,
  g: 2 ** 30,
  gb: 1e9,
  gib: 2 ** 30,
  t: 2 ** 40,
  tb: 1e12,
  tib: 2 ** 40,
};

/** `512MiB`, `4GB`, `1.5g` → bytes. */
export function readSize(text: string, where: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim());
  const unit = SIZE_UNITS[match?.[2]?.toLowerCase() ?? "none"];
  if (!match || unit === undefined)
    throw new UserError(`${where}: "${text}" is no size; write 512MiB or 4GB`);
  return Math.floor(Number(match[1]) * unit);
}

/** A whole number of at least 1. */
export function readCount(text: string, where: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new UserError(`${where}: "${text}" is no whole number above 0`);
  return Number(text);
}

export function readChoice(text: string, choices: readonly string[], where: string): string {
  if (!choices.includes(text))
    throw new UserError(`${where}: "${text}" is none of ${choices.join(", ")}${didYouMean(text, choices)}`);
  return text;
}

/** An IANA zone in its canonical spelling. */
export function readZone(text: string, where: string): string {
  try {
    // Offsets (+02:00) are no zones: they have no days of 23 hours, and DuckDB knows them by other names.
    if (!/^[A-Za-z][A-Za-z0-9_+\-/]*$/.test(text)) throw new RangeError(text);
    return new Intl.DateTimeFormat("en", { timeZone: text }).resolvedOptions().timeZone;
  } catch {
    const zones = Intl.supportedValuesOf("timeZone");
    throw new UserError(
      `${where}: "${text}" is no IANA time zone${didYouMean(text, zones) || " (Europe/Berlin)"}`,
    );
  }
}

const BACK_UNITS: Readonly<Record<string, number>> = {
  s: 1e3,
  m: 6e4,
  min: 6e4,
  h: 3.6e6,
  d: 8.64e7,
  w: 6.048e8,
};

export interface TimeContext {
  /** Milliseconds since the epoch. */
  now: number;
  /** Of times that carry no zone. */
  timezone: string;
  /** Whether a date alone means its first or its last instant. */
  dateMeans: "start" | "end";
}

/** `2025-11-23`, `2025-11-23T16:30`, `2025-11-23 16:30:35+01:00`, `7d` (back from now) or `now` → UTC. */
export function readTime(text: string, where: string, context: TimeContext): Instant {
  const trimmed = text.trim();
  if (trimmed === "now") return instantOf(context.now);
  const back = /^(\d{1,9})\s*(s|min|m|h|d|w)$/i.exec(trimmed);
  if (back) {
    const then = context.now - Number(back[1]) * BACK_UNITS[back[2]!.toLowerCase()]!;
    if (Math.abs(then) < 8.64e15) return instantOf(then);
  }
  const iso =
    /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?\s*(Z|[+-]\d\d:?\d\d)?$/i.exec(
      trimmed,
    );
  if (iso) {
    const [, year, month, day, hour, minute, second, , zone] = iso;
    const millis = Number((iso[7] ?? "0").padEnd(3, "0").slice(0, 3));
    const dateOnly = hour === undefined;
    const local = Date.UTC(+year!, +month! - 1, +day!, +(hour ?? 0), +(minute ?? 0), +(second ?? 0), millis);
    const real = new Date(local);
    const exists =
      real.getUTCMonth() === +month! - 1 &&
      real.getUTCDate() === +day! &&
      +(hour ?? 0) < 24 &&
      +(minute ?? 0) < 60;
    if (exists) {
      const toUtc = (time: number) => (zone ? time - offsetOf(zone) : utcOfLocal(time, context.timezone));
      if (!dateOnly || context.dateMeans === "start") return instantOf(toUtc(local));
      return instantOf(toUtc(local + 8.64e7) - 1).replace(/\.999Z$/, ".999999Z");
    }
  }
  throw new UserError(
    `${where}: "${text}" is no time; write 2025-11-23, 2025-11-23T16:30:35Z or 7d (7 days ago)`,
  );
}

/** `2025-11-23T16:30:35Z`, with milliseconds only where there are some. */
export function instantOf(millis: number): Instant {
  return new Date(millis).toISOString().replace(".000Z", "Z");
}

/** `Z`, `+01:00`, `-0530` → milliseconds east of UTC. */
function offsetOf(zone: string): number {
  const match = /^([+-])(\d\d):?(\d\d)$/.exec(zone);
  if (!match) return 0;
  return (match[1] === "-" ? -1 : 1) * (Number(match[2]) * 60 + Number(match[3])) * 6e4;
}

/** The instant at which a zone's clocks show a local time; of two, the first, of none, the one after the jump. */
function utcOfLocal(local: number, timezone: string): number {
  const guess = local - zoneOffset(local, timezone);
  return local - zoneOffset(guess, timezone);
}

function zoneOffset(utc: number, timezone: string): number {
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone: timezone,
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  }).formatToParts(utc);
  const at = (type: string) => Number(parts.find((part) => part.type === type)?.value);
  const shown = Date.UTC(at("year"), at("month") - 1, at("day"), at("hour"), at("minute"), at("second"));
  return shown - Math.floor(utc / 1000) * 1000;
}
