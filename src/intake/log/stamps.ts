/** How logs write times: each spelling, and the SQL that turns it into a TIMESTAMP. */

import { literal } from "../../store/index.ts";

const MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)";
const DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)";
const CLOCK = "\\d\\d:\\d\\d:\\d\\d";

/** Stands for the year of times that are written without one. Leap, and no log is that old. */
export const NO_YEAR = 1904;

/** One spelling of date and time to the second. Fraction and zone may follow any of them. */
export interface Stamp {
  name: string;
  /** JavaScript and RE2 read it alike; no groups that capture. */
  pattern: string;
  /** Characters, when every such stamp has as many; else null. */
  width: number | null;
  /** As wide as the stamp, for LIKE: what `guard` asks for; null where it asks for a pattern. */
  mask: string | null;
  /** A cheap SQL condition that lines without the stamp fail: casts that fail are slow. */
  guard(text: string): string;
  /** From exactly the stamp's text to TIMESTAMP, NULL when it is none. */
  parse(text: string): string;
  /** What the spelling leaves open. */
  lacks: "year" | "date" | null;
  /** Which number of the date is day, month and year: `dmy`. */
  fields?: string;
  /** The same text with its numbers in another order. */
  orders?: readonly Stamp[];
  /** Already UTC, whatever the zone of the log: no zone follows. */
  utc?: boolean;
}

const charIs = (text: string, position: number, char: string) => `${text}[${position}] = ${literal(char)}`;
const strptime = (text: string, format: string) => `try_strptime(${text}, ${literal(format)})`;

function at(position: number, char: string, width: number): Pick<Stamp, "guard" | "mask"> {
  return {
    guard: (text) => charIs(text, position, char),
    mask: "_".repeat(position - 1) + char + "_".repeat(width - position),
  };
}

function fixed(
  name: string,
  pattern: string,
  width: number,
  colon: number,
  parse: (text: string) => string,
  lacks: Stamp["lacks"] = null,
): Stamp {
  return { name, pattern, width, ...at(colon, ":", width), parse, lacks };
}

function free(name: string, pattern: string, first: string, parse: (text: string) => string): Stamp {
  return {
    name,
    pattern,
    width: null,
    mask: null,
    guard: (text) => `regexp_matches(left(${text}, 48), ${literal(`^${first}`)})`,
    parse,
    lacks: null,
  };
}

/** A stamp whose numbers can be read in several orders, the likeliest first; only the values tell. */
function ordered(orders: readonly string[], make: (order: string) => Stamp): Stamp {
  const [first, ...others] = orders.map((fields) => ({ ...make(fields), fields }));
  return { ...(first as Stamp), orders: others };
}

/** `dmy` → `%d-%m-%Y`. */
function dateFormat(order: string, between: string, year: string): string {
  return [...order].map((field) => (field === "y" ? year : `%${field}`)).join(between);
}

const withYear = (text: string) => `'${NO_YEAR} ' || ${text}`;

/** Tried in this order: the more exact spelling first. */
export const STAMPS: readonly Stamp[] = [
  fixed("ISO 8601", `\\d{4}[-/]\\d\\d[-/]\\d\\d[ T]${CLOCK}`, 19, 14, (t) => `TRY_CAST(${t} AS TIMESTAMP)`),
  fixed(
    "ISO 8601 with a dash",
    `\\d{4}[-/]\\d\\d[-/]\\d\\d - ${CLOCK}`,
    21,
    16,
    (t) => `TRY_CAST(replace(${t}, ' - ', ' ') AS TIMESTAMP)`,
  ),
  fixed("year first with dots", `\\d{4}\\.\\d\\d\\.\\d\\d[ T-]${CLOCK}`, 19, 14, (t) =>
    strptime(`translate(${t}, 'T-', '  ')`, "%Y.%m.%d %H:%M:%S"),
  ),
  {
    ...fixed("compact ISO 8601", "\\d{8}T\\d{6}", 15, 9, (t) => strptime(t, "%Y%m%dT%H%M%S")),
    ...at(9, "T", 15),
  },
  fixed("YYYYMMDD", `\\d{8}[ -]${CLOCK}`, 17, 12, (t) =>
    strptime(`replace(${t}, '-', ' ')`, "%Y%m%d %H:%M:%S"),
  ),
  fixed("common log", `\\d\\d/${MONTH}/\\d{4}:${CLOCK}`, 20, 12, (t) => strptime(t, "%d/%b/%Y:%H:%M:%S")),
  fixed("day, month name", `\\d\\d[ -]${MONTH}[ -]\\d{4}[ :]${CLOCK}`, 20, 15, (t) =>
    strptime(`translate(${t}, '-', ' ')`, "%d %b %Y %H:%M:%S"),
  ),
  fixed("RFC 1123", `${DAY}, \\d\\d ${MONTH} \\d{4} ${CLOCK}`, 25, 20, (t) =>
    strptime(`substr(${t}, 6)`, "%d %b %Y %H:%M:%S"),
  ),
  fixed("ctime", `${DAY} ${MONTH} [ \\d]\\d ${CLOCK} \\d{4}`, 24, 14, (t) =>
    strptime(`substr(${t}, 5)`, "%b %d %H:%M:%S %Y"),
  ),
  fixed("ctime with microseconds", `${DAY} ${MONTH} [ \\d]\\d ${CLOCK}\\.\\d{6} \\d{4}`, 31, 14, (t) =>
    strptime(`substr(${t}, 5)`, "%b %d %H:%M:%S.%f %Y"),
  ),
  {
    ...fixed("date(1)", `${DAY} ${MONTH} [ \\d]\\d ${CLOCK} (?:UTC|GMT) \\d{4}`, 28, 14, (t) =>
      strptime(`substr(${t}, 5, 16) || substr(${t}, 25)`, "%b %d %H:%M:%S %Y"),
    ),
    utc: true,
  },
  fixed("month name, year", `${MONTH} [ \\d]\\d \\d{4} ${CLOCK}`, 20, 15, (t) =>
    strptime(t, "%b %d %Y %H:%M:%S"),
  ),
  free(
    "month name, 12 hours",
    `${MONTH} \\d{1,2}, \\d{4},? \\d{1,2}:\\d\\d:\\d\\d ?[AP]M`,
    `${MONTH} \\d{1,2}, \\d{4}`,
    (t) => strptime(`replace(${t}, ',', '')`, "%b %d %Y %I:%M:%S %p"),
  ),
  ordered(["dmy", "mdy"], (order) =>
    free(
      "day, month, year, 12 hours",
      "\\d{1,2}[-/.]\\d{1,2}[-/.]\\d{4},? \\d{1,2}:\\d\\d:\\d\\d ?[AP]M",
      "\\d{1,2}[-/.]\\d",
      (t) => strptime(`translate(${t}, '/.,', '--')`, `${dateFormat(order, "-", "%Y")} %I:%M:%S %p`),
    ),
  ),
  ordered(["dmy", "mdy"], (order) =>
    fixed("DD-MM-YYYY", `\\d\\d[-/.]\\d\\d[-/.]\\d{4}[ T]${CLOCK}`, 19, 14, (t) =>
      strptime(`translate(${t}, '/.T', '-- ')`, `${dateFormat(order, "-", "%Y")} %H:%M:%S`),
    ),
  ),
  ordered(["dmy", "mdy"], (order) =>
    free("D-M-YYYY", "\\d{1,2}[-/.]\\d{1,2}[-/.]\\d{4},? \\d{1,2}:\\d\\d:\\d\\d", "\\d{1,2}[-/.]\\d", (t) =>
      strptime(`translate(${t}, '/.,', '--')`, `${dateFormat(order, "-", "%Y")} %H:%M:%S`),
    ),
  ),
  ordered(["ymd", "dmy", "mdy"], (order) =>
    fixed("YY/MM/DD", `\\d\\d[-/]\\d\\d[-/]\\d\\d ${CLOCK}`, 17, 12, (t) =>
      strptime(`translate(${t}, '-', '/')`, `${dateFormat(order, "/", "%y")} %H:%M:%S`),
    ),
  ),
  {
    ...fixed("YYMMDD HHMMSS", "\\d{6} \\d{6}", 13, 7, (t) => strptime(t, "%y%m%d %H%M%S")),
    mask: null,
    guard: (t) => `regexp_matches(left(${t}, 13), '^\\d{6} \\d{6}$')`,
  },
  fixed("YYMMDD", `\\d{6} [ \\d]\\d:\\d\\d:\\d\\d`, 15, 10, (t) => strptime(t, "%y%m%d %H:%M:%S")),
  fixed(
    "month name, no year",
    `${MONTH} [ \\d]\\d ${CLOCK}`,
    15,
    10,
    (t) => strptime(withYear(t), "%Y %b %d %H:%M:%S"),
    "year",
  ),
  fixed(
    "MM-DD, no year",
    `\\d\\d[-/.]\\d\\d ${CLOCK}`,
    14,
    9,
    (t) => strptime(withYear(`translate(${t}, '/.', '--')`), "%Y %m-%d %H:%M:%S"),
    "year",
  ),
  fixed("MMDD, no year", `\\d{4} ${CLOCK}`, 13, 8, (t) => strptime(withYear(t), "%Y %m%d %H:%M:%S"), "year"),
  {
    name: "epoch",
    pattern: "1\\d{9}(?:\\d{9}|\\d{6}|\\d{3})?(?:\\.\\d{1,9})?\\b",
    width: null,
    mask: null,
    guard: (t) => `regexp_matches(left(${t}, 10), '^1\\d{9}$')`,
    parse: epoch,
    lacks: null,
    utc: true,
  },
  fixed("time of day", CLOCK, 8, 3, (t) => `TRY_CAST('${NO_YEAR}-01-01 ' || ${t} AS TIMESTAMP)`, "date"),
];

/** Seconds (with or without a fraction), ms, µs or ns since 1970, told apart by the number of digits. */
function epoch(text: string): string {
  const whole = `split_part(${text}, '.', 1)`;
  const scaled = (factor: string) => `make_timestamp(TRY_CAST(${whole} AS BIGINT) ${factor})`;
  return `CASE length(${whole})
    WHEN 13 THEN ${scaled("* 1000")} WHEN 16 THEN ${scaled("")} WHEN 19 THEN ${scaled("// 1000")}
    WHEN 10 THEN make_timestamp(CAST(round(TRY_CAST(${text} AS DECIMAL(30, 9)) * 1000000) AS BIGINT)) END`;
}
