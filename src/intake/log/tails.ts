/** What may follow a date and time, whatever its spelling: a fraction of a second and a zone. */

import { literal } from "../../store/index.ts";
import type { Stamp } from "./stamps.ts";

/** Minutes east of Greenwich. Abbreviations that mean several zones are left out. */
const ZONES: Readonly<Record<string, number>> = {
  Z: 0,
  UTC: 0,
  GMT: 0,
  WET: 0,
  WEST: 60,
  CET: 60,
  CEST: 120,
  EET: 120,
  EEST: 180,
  MSK: 180,
  JST: 540,
  KST: 540,
  HKT: 480,
  SGT: 480,
  AEST: 600,
  AEDT: 660,
  NZST: 720,
  NZDT: 780,
  EST: -300,
  EDT: -240,
  CST: -360,
  CDT: -300,
  MST: -420,
  MDT: -360,
  PST: -480,
  PDT: -420,
};

const OFFSET = "[+-]\\d\\d:?\\d\\d";
const ZONE = `(?:Z|${Object.keys(ZONES).slice(1).join("|")}|${OFFSET})`;

/** Fraction and zone after the seconds, as a pattern for JavaScript and RE2 with two groups. */
export const TAIL = `(?:[.,](\\d{1,9}))?(?: ?(${ZONE})\\b)?`;
const TAIL_PATTERN = new RegExp(`^${TAIL}`);

export interface Tail {
  /** Characters. */
  length: number;
  /** Digits of the fraction; 0 without one. */
  digits: number;
  zone: string | null;
  /** The three characters after fraction and zone. */
  next: string;
}

/** Of the text right after the seconds. */
export function tailOf(text: string): Tail {
  const match = TAIL_PATTERN.exec(text);
  const length = match?.[0].length ?? 0;
  return {
    length,
    digits: match?.[1]?.length ?? 0,
    zone: match?.[2] ?? null,
    next: text.slice(length, length + 3),
  };
}

/** Local time of an IANA zone to UTC, in SQL. */
export function toUtc(time: string, timezone: string): string {
  return isUtc(timezone) ? time : `timezone('UTC', timezone(${literal(timezone)}, ${time}))`;
}

function isUtc(timezone: string): boolean {
  return /^(UTC|GMT|Z|Etc\/UTC|Etc\/GMT)$/i.test(timezone);
}

/**
 * SQL from text that starts with a stamp to its time. The layouts that were sampled are read by position;
 * whatever else follows the stamp is read by a pattern, slower and just as exact.
 */
export function timeSql(
  stamp: Stamp,
  text: string,
  sampled: readonly { tail: Tail }[],
  timezone: string,
): string {
  const head =
    stamp.width === null
      ? `regexp_extract(left(${text}, 64), ${literal(`^(?:${stamp.pattern})`)})`
      : `left(${text}, ${stamp.width})`;
  const seconds = stamp.parse(head);
  if (stamp.utc) return seconds;
  const local = (time: string) => (stamp.lacks ? time : toUtc(time, timezone));
  const exact = exactSql(stamp, head, text, seconds, local);
  if (stamp.width === null) return exact;
  const width = stamp.width;
  const cases = layoutsOf(sampled.map((line) => line.tail)).map(({ digits, zulu, nexts }) => {
    const after = width + (digits > 0 ? digits + 1 : 0) + 1;
    const conditions = [
      digits > 0 ? `${text}[${width + 1}] IN ('.', ',')` : null,
      zulu ? `${text}[${after}] = 'Z'` : nextSql(text, after, nexts),
    ].filter((condition) => condition !== null);
    const time = seconds + fractionSql(text, width, digits);
    return `WHEN ${conditions.join(" AND ")} THEN ${zulu ? time : local(time)}`;
  });
  return cases.length === 0 ? exact : `CASE ${cases.join(" ")} ELSE ${exact} END`;
}

/** SQL that adds the fraction of so many digits after the stamp. */
function fractionSql(text: string, width: number, digits: number): string {
  if (digits === 0) return "";
  const fraction = `TRY_CAST(substr(${text}, ${width + 2}, ${Math.min(digits, 6)}) AS BIGINT)`;
  return ` + to_microseconds(${fraction} * ${10 ** Math.max(0, 6 - digits)})`;
}

/**
 * How most lines of a shape are alike from the stamp to the three characters after fraction and zone: one LIKE then
 * tells what takes several tests otherwise. Null where fewer than half are.
 */
export function likenessOf(
  stamp: Stamp,
  sampled: readonly { text: string; tail: Tail }[],
): { mask: string; time(text: string, timezone: string): string } | null {
  const { mask, width, utc, lacks } = stamp;
  if (mask === null || width === null || utc) return null;
  const counts = new Map<string, { tail: Tail; lines: number }>();
  for (const { text, tail } of sampled) {
    const follows = tail.zone === null ? tail.next : tail.zone;
    const plain = tail.zone === "Z" || (tail.zone === null && /^[^\d.,+-][^_%]{2}$/.test(tail.next));
    if (!plain || /[_%]/.test(follows)) continue;
    const fraction = tail.digits > 0 ? text.charAt(width) + "_".repeat(tail.digits) : "";
    const key = `${mask}${fraction}${follows}%`;
    const entry = counts.get(key) ?? { tail, lines: 0 };
    entry.lines++;
    counts.set(key, entry);
  }
  const [first] = [...counts].sort((a, b) => b[1].lines - a[1].lines || (a[0] < b[0] ? -1 : 1));
  if (!first || first[1].lines * 2 < sampled.length) return null;
  const [likeMask, { tail }] = first;
  return {
    mask: likeMask,
    time(text, timezone) {
      const time = stamp.parse(`left(${text}, ${width})`) + fractionSql(text, width, tail.digits);
      return tail.zone === "Z" || lacks ? time : toUtc(time, timezone);
    },
  };
}

/** True where what follows the time is no fraction and no zone: one of the sampled texts, or a small letter. */
function nextSql(text: string, after: number, nexts: readonly string[]): string {
  const known = `substr(${text}, ${after}, 3) IN (${nexts.map(literal).join(", ")})`;
  return `(${known} OR (${text}[${after}] = ' ' AND ${text}[${after + 1}] BETWEEN 'a' AND 'z'))`;
}

interface Layout {
  digits: number;
  zulu: boolean;
  nexts: string[];
}

/** The most frequent layouts without a zone or with `Z`. */
function layoutsOf(tails: readonly Tail[]): Layout[] {
  const counts = new Map<string, { layout: Layout; lines: number; nexts: Map<string, number> }>();
  for (const tail of tails) {
    if (tail.zone !== null && tail.zone !== "Z") continue;
    // A digit or a dot here would be read past.
    if (tail.zone === null && /^[\d.,+-]/.test(tail.next)) continue;
    const key = `${tail.digits} ${tail.zone}`;
    const entry = counts.get(key) ?? {
      layout: { digits: tail.digits, zulu: tail.zone === "Z", nexts: [] },
      lines: 0,
      nexts: new Map<string, number>(),
    };
    entry.lines++;
    entry.nexts.set(tail.next, (entry.nexts.get(tail.next) ?? 0) + 1);
    counts.set(key, entry);
  }
  return [...counts.values()]
    .sort((a, b) => b.lines - a.lines)
    .slice(0, 3)
    .map(({ layout, nexts }) => ({
      ...layout,
      nexts: [...nexts]
        .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
        .slice(0, 8)
        .map(([next]) => next),
    }));
}

function exactSql(
  stamp: Stamp,
  head: string,
  text: string,
  seconds: string,
  local: (time: string) => string,
): string {
  const rest = `substr(${text}, ${stamp.width === null ? `length(${head})` : stamp.width} + 1, 24)`;
  const group = (index: number) => `regexp_extract(${rest}, ${literal(`^${TAIL}`)}, ${index})`;
  const micros = `TRY_CAST(rpad(left(${group(1)}, 6), 6, '0') AS BIGINT)`;
  const time = `(${seconds} + to_microseconds(${micros}))`;
  const names = Object.entries(ZONES)
    .map(([zone, minutes]) => `WHEN ${literal(zone)} THEN ${minutes}`)
    .join(" ");
  const digits = `replace(${group(2)}, ':', '')`;
  const offset = `CASE ${group(2)} ${names} ELSE (CASE WHEN ${digits}[1] = '-' THEN -1 ELSE 1 END)
    * (TRY_CAST(substr(${digits}, 2, 2) AS BIGINT) * 60 + TRY_CAST(substr(${digits}, 4, 2) AS BIGINT)) END`;
  return `CASE WHEN ${group(2)} = '' THEN ${local(time)} ELSE ${time} - to_minutes(${offset}) END`;
}
