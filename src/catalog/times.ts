/** The spellings of a point in time that are read, and the SQL that turns each into UTC. */

import type { Value } from "../contract/finding.ts";
import { literal } from "../store/index.ts";

/** One spelling of a time as text. */
interface TimeStyle {
  test: RegExp;
  /** A TIMESTAMP from a text expression: UTC where the text names a zone, else local. */
  sql(text: string): string;
}

const CLOCK = "\\d{1,2}:\\d\\d(:\\d\\d([.,]\\d+)?)?";
const strptime = (...formats: string[]) => {
  const list = formats.map((format) => literal(format)).join(", ");
  return (text: string) => `CAST(try_strptime(${text}, [${list}]) AS TIMESTAMP)`;
};
const withClocks = (day: string) => [
  `${day} %H:%M:%S.%g`,
  `${day} %H:%M:%S`,
  `${day} %H:%M`,
  day,
  `${day} %I:%M:%S %p`,
  `${day} %I:%M %p`,
];

/**
 * DuckDB reads `+02:00` into a TIMESTAMP and drops it; a TIMESTAMPTZ keeps it and takes five times as long. So only
 * texts that are longer than a plain time and have a sign behind the date take that way.
 */
const isoSql = (text: string) =>
  `CASE WHEN strlen(${text}) > 19 AND NOT ends_with(${text}, 'Z') AND NOT ends_with(${text}, '+00:00')
    AND (contains(${text}[12:], '+') OR contains(${text}[12:], '-'))
    THEN ${offsetSql(`regexp_replace(${text}, ' ([+-]\\d\\d)', '\\1')`)} ELSE TRY_CAST(${text} AS TIMESTAMP) END`;

const offsetSql = (text: string) => `CAST(TRY_CAST(${text} AS TIMESTAMPTZ) AS TIMESTAMP)`;

const ISO: TimeStyle = {
  test: new RegExp(`^\\d{4}([-/])\\d{1,2}\\1\\d{1,2}([ T]${CLOCK}( ?(Z|UTC|[+-]\\d\\d(:?\\d\\d)?))?)?$`, "i"),
  sql: isoSql,
};

const STYLES: readonly TimeStyle[] = [
  {
    test: /^\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d,\d+/,
    sql: (text) => `TRY_CAST(replace(${text}, ',', '.') AS TIMESTAMP)`,
  },
  ISO,
  { test: /^(19|20)\d\d(0\d|1[0-2])([0-2]\d|3[01])$/, sql: strptime("%Y%m%d") },
  { test: /^(19|20)\d{6}T\d{6}Z?$/, sql: strptime("%Y%m%dT%H%M%SZ", "%Y%m%dT%H%M%S") },
  {
    test: /^[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d (GMT|UTC|[+-]\d{4})$/,
    sql: strptime("%a, %d %b %Y %H:%M:%S %Z", "%a, %d %b %Y %H:%M:%S %z"),
  },
  {
    // Go's time.String().
    test: /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? [+-]\d{4} [A-Z]{2,5}/,
    sql: (text) => offsetSql(`regexp_replace(${text}, '^(\\S+ \\S+) ([+-]\\d{4}) .*$', '\\1\\2')`),
  },
];

/** Day and month first, with any of three separators; which one is first shows only over all values. */
const DAY_MONTH = new RegExp(`^(\\d{1,2})([-./])(\\d{1,2})\\2\\d{4}( ${CLOCK}( [AP]M)?)?$`, "i");

const ZONED = `':\\d\\d(\\.\\d+)?\\s*(Z|z|GMT|UTC|[+-]\\d\\d(:?\\d\\d)?)( [A-Z]+)?( m=.*)?$'`;

/** True when the text reads as a point in time, a plain calendar day included. */
export function isTimeText(text: string): boolean {
  if (text.length < 8 || text.length > 64) return false;
  return DAY_MONTH.test(text) || STYLES.some((style) => style.test.test(text));
}

/** True when the text is a calendar day without a clock. */
export function isDayText(text: string): boolean {
  return isTimeText(text) && !/[:T]/.test(text);
}

/** True for a time at a full hour, a plain day included. */
export function isFullHour(text: string): boolean {
  return !/:(?!00)\d\d/.test(text.replace(/[+-]\d\d:\d\d$/, "")) && !/T\d\d(?!00)\d{4}/.test(text);
}

/** Milliseconds of an epoch in s, ms, µs or ns of the years 1980 to 2100, or null. */
export function epochMillis(value: number): number | null {
  for (const scale of [1000, 1, 1e-3, 1e-6]) {
    const millis = value * scale;
    if (millis >= 315_532_800_000 && millis < 4_102_444_800_000) return Math.round(millis);
  }
  return null;
}

/** Of what a time expression is made. */
export interface TimeSource {
  /** The SQL that yields the raw value. */
  raw: string;
  /** DuckDB's type of it. */
  type: string;
  sample: readonly Value[];
  /** Values of more than one storage class may stand in the column. */
  mixed: boolean;
  /** IANA zone of times that carry none. */
  timezone: string;
}

/** A TIMESTAMP in UTC. Calendar days stay at 00:00 of that day, in no zone. */
export function timeSql({ raw, type, sample, mixed, timezone }: TimeSource): string {
  if (/^TIMESTAMP( WITH TIME ZONE|TZ)$/.test(type)) return `CAST(${raw} AS TIMESTAMP)`;
  if (type === "DATE") return `CAST(${raw} AS TIMESTAMP)`;
  if (type === "TIMESTAMP") return toUtc(raw, timezone);
  if (type.startsWith("TIMESTAMP")) return toUtc(`CAST(${raw} AS TIMESTAMP)`, timezone);
  if (/^(U?(TINY|SMALL|BIG|HUGE)?INT|U?INTEGER)/.test(type))
    return epochSql(type === "BIGINT" ? raw : `TRY_CAST(${raw} AS BIGINT)`, true);
  if (/^(DOUBLE|FLOAT|DECIMAL|REAL)/.test(type)) return epochSql(`CAST(${raw} AS DOUBLE)`, false);
  const text = type === "VARCHAR" ? raw : `CAST(${raw} AS VARCHAR)`;
  return textSql(text, sample, mixed, timezone);
}

function textSql(text: string, sample: readonly Value[], mixed: boolean, timezone: string): string {
  const texts = sample.filter((value) => value !== null && value !== "").map((value) => String(value).trim());
  const found = STYLES.filter((style) => texts.some((t) => style.test.test(t)));
  const readers = (found.length === 0 ? [ISO] : found).map((style) => style.sql(text));
  const dayMonth = texts.flatMap((t) => DAY_MONTH.exec(t) ?? []).length > 0 ? dayMonthSql(text, texts) : null;
  const clocked = texts.length === 0 || texts.some((t) => t.includes(":"));
  const read = [...readers, ...(dayMonth ? [dayMonth] : [])];
  const local = read.length === 1 ? (read[0] as string) : `COALESCE(${read.join(", ")})`;
  const utc =
    timezone === "UTC" || !clocked
      ? local
      : `CASE WHEN regexp_matches(${text}, ${ZONED}) OR NOT contains(${text}, ':') THEN ${local} ELSE ${toUtc(local, timezone)} END`;
  const numbers = mixed || texts.length === 0 || texts.some((t) => /^\d{9,20}(\.\d+)?$/.test(t));
  return numbers ? `COALESCE(${utc}, ${epochSql(`TRY_CAST(${text} AS DOUBLE)`, false)})` : utc;
}

function dayMonthSql(text: string, texts: readonly string[]): string {
  const parts = texts.flatMap((t) => {
    const match = DAY_MONTH.exec(t);
    return match ? [match] : [];
  });
  const separator = (parts[0]?.[2] as string) ?? "/";
  // 03/08/2026 alone is taken as month first, as only slashes are written in the United States.
  const dayFirst = separator !== "/" || parts.some((match) => Number(match[1]) > 12);
  const day = dayFirst ? ["%d", "%m", "%Y"] : ["%m", "%d", "%Y"];
  return strptime(...withClocks(day.join(separator)))(text);
}

/** s, ms, µs and ns told apart row by row, since one column may hold several; 0 and below are no time. */
function epochSql(value: string, whole: boolean): string {
  const micros = whole
    ? ["v * 1000000", "v * 1000", "v", "v // 1000"]
    : ["v * 1000000", "v * 1000", "v", "v / 1000"];
  const branches = [1e11, 1e14, 1e17, 4e18].map((limit, i) => `WHEN v < ${BigInt(limit)} THEN ${micros[i]}`);
  const body = `CASE WHEN v <= 0 THEN NULL ${branches.join(" ")} END`.replaceAll(/\bv\b/g, () => value);
  return `make_timestamp(CAST(${body} AS BIGINT))`;
}

function toUtc(local: string, timezone: string): string {
  return timezone === "UTC" ? local : `timezone('UTC', timezone(${literal(timezone)}, ${local}))`;
}
