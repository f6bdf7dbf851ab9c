/** What follows the time in the lines of known formats: where level, logger and message stand. */

import { literal } from "../../store/index.ts";
import { jsonFirstSql, LEVEL_PATHS, LOGGER_PATHS, MESSAGE_PATHS } from "./json.ts";
import type { Shape } from "./shapes.ts";
import { TAIL } from "./tails.ts";

const LEVELS = [
  "TRACE DEBUG INFO INFORMATION NOTICE WARN WARNING ERR ERROR CRIT CRITICAL FATAL SEVERE ALERT EMERG PANIC",
  "VERBOSE SUCCESS",
].flatMap((words) => words.split(" "));
const LEVEL = [...LEVELS]
  .sort((a, b) => b.length - a.length)
  .flatMap((word) => [word, word.toLowerCase(), word[0] + word.slice(1).toLowerCase()])
  .join("|");

/** A way of writing the rest of a line. JavaScript and RE2 read the pattern alike. */
export interface Layout {
  name: string;
  /** On the text after time, fraction and zone; every group is named. */
  pattern: string;
  /** The same with any word for a level: enough once the layout is known, and far cheaper. */
  loose: string;
  groups: readonly Field[];
}

const layout = (name: string, pattern: string, ...groups: Layout["groups"]): Layout => ({
  name,
  pattern: `^${pattern}`,
  loose: `^${pattern.replace(LEVEL, "[A-Za-z]+")}`,
  groups,
});

/** Tried in this order. */
const LAYOUTS: readonly Layout[] = [
  layout("python logging", ` - (\\S+) - (${LEVEL}) - (.*)`, "logger", "level", "message"),
  layout("python logging", `:(${LEVEL}):(?:([\\w.$-]+):)?(.*)`, "level", "logger", "message"),
  layout("python logging", ` - ([^:]{1,80}):(${LEVEL}): (.*)`, "logger", "level", "message"),
  layout(
    "python logging",
    ` +\\[?(${LEVEL})\\]? +\\[?([\\w.]+):\\d+\\]?:? (.*)`,
    "level",
    "logger",
    "message",
  ),
  layout("loguru", ` \\| (${LEVEL}) *\\| (\\S+) - (.*)`, "level", "logger", "message"),
  layout("log4j", ` - (${LEVEL}) +\\[(?:.*:)?([\\w$]+)@\\d+\\] - (.*)`, "level", "logger", "message"),
  layout(
    "Spring Boot",
    ` +(${LEVEL}) +\\d+ +--- +(?:\\[[^\\]]*\\] +)+(\\S+) *: (.*)`,
    "level",
    "logger",
    "message",
  ),
  layout("OpenStack", ` \\d+ (${LEVEL}) ([\\w.]+) (.*)`, "level", "logger", "message"),
  layout(
    "log4j",
    ` +(?:\\d+ +)?(?:\\[[^\\]]*\\] +)?(${LEVEL}) +(?:\\[[^\\]]*\\] +)?([\\w.$/*-]+) *(?::|--?) (.*)`,
    "level",
    "logger",
    "message",
  ),
  layout("Laravel", `\\] (\\w+)\\.(${LEVEL}): (.*)`, "logger", "level", "message"),
  layout("Ruby logger", ` #\\d+\\] +(\\w+) -- ([^:]*): (.*)`, "level", "logger", "message"),
  layout("PostgreSQL", ` \\[\\d+\\](?: (\\S+@\\S+))? ([A-Z]+): +(.*)`, "logger", "level", "message"),
  layout("nginx error", ` \\[(\\w+)\\] \\d+#\\d+: (.*)`, "level", "message"),
  layout("Apache error", `\\] \\[(?:(\\w+):)?(\\w+)\\] (.*)`, "logger", "level", "message"),
  layout("access log", `\\] "(.*)`, "message"),
  layout("syslog RFC 5424", ` \\S+ (\\S+) \\S+ \\S+ (?:-|\\[.*?\\]) ?(.*)`, "logger", "message"),
  layout("syslog", ` \\S+ ([^:\\[\\s]+)(?:\\[\\d+\\])?: (.*)`, "logger", "message"),
];

const ANY = `^[^A-Za-z0-9]*(?:.{0,60}?\\b(${LEVEL})\\b[\\]):|]*)?[ :|-]*(.*)`;
const SYSLOG_SITES = new Set(["syslog priority"]);

/** The layout of a shape's sampled lines; null when none fits half of them. */
export function layoutOf(shape: Shape): Layout | null {
  let best: Layout | null = null;
  let most = Math.max(1, shape.lines.length / 2) - 0.5;
  for (const one of LAYOUTS) {
    const isSyslog = one.name.startsWith("syslog");
    if (one.name === "syslog RFC 5424" && !SYSLOG_SITES.has(shape.site)) continue;
    if (one.name === "syslog" && shape.stamp.lacks !== "year" && !SYSLOG_SITES.has(shape.site)) continue;
    if (isSyslog && shape.site === "start" && shape.stamp.name !== "month name, no year") continue;
    const pattern = new RegExp(one.pattern);
    const fitting = shape.lines.filter((line) => pattern.test(line.rest)).length;
    if (fitting > most) {
      best = one;
      most = fitting;
    }
  }
  return best;
}

/** For people: `python logging`, `JSON lines`, `ISO 8601 times`. */
export function formatName(shape: Shape): string {
  if (shape.site === "json") return "JSON lines";
  if (shape.site === "key") return "logfmt";
  if (shape.site === "klog") return "klog";
  return layoutOf(shape)?.name ?? `${shape.stamp.name} times`;
}

/** What a line that begins an entry says besides its time. */
export type Field = "level" | "logger" | "message";

/** SQL for the fields of a shape's lines. */
export interface FieldsSql {
  /**
   * One look at the line for all of them: a struct, which the others read as the column they were given. NULL where
   * each reads the text itself.
   */
  head: string | null;
  /** '' or NULL where the line does not tell. */
  of: Record<Field, string>;
}

/**
 * How the lines of a shape tell their fields.
 * @param head SQL of the column that will hold `head`
 * @param wanted fields that will be read; the message is the longest part: who does not ask for it does not read it
 */
export function fieldsSql(shape: Shape, text: string, head: string, wanted: readonly Field[]): FieldsSql {
  if (shape.site === "json")
    return {
      head: null,
      of: {
        level: levelNumber(jsonFirstSql(text, LEVEL_PATHS)),
        logger: jsonFirstSql(text, LOGGER_PATHS),
        message: `COALESCE(${jsonFirstSql(text, MESSAGE_PATHS)}, ${text})`,
      },
    };
  if (shape.site === "key") {
    const value = (names: string) => {
      const pattern = `(?:^|\\s)(?:${names})=(?:"((?:[^"\\\\]|\\\\.)*)"|(\\S*))`;
      const group = (index: number) => `regexp_extract(${text}, ${literal(pattern)}, ${index})`;
      return `concat(${group(1)}, ${group(2)})`;
    };
    return {
      head: null,
      of: {
        level: value("level|lvl|severity"),
        logger: value("logger|component|module|caller"),
        message: `COALESCE(nullif(${value("msg|message|event")}, ''), ${text})`,
      },
    };
  }
  const at = shape.at(text, true);
  const width =
    shape.stamp.width ?? `length(regexp_extract(${at}, ${literal(`^(?:${shape.stamp.pattern})`)}))`;
  const rest = restSql(shape, at, String(width));
  const any = (index: number) => `regexp_extract(${rest}, ${literal(ANY)}, ${index})`;
  const before =
    shape.site === "level first"
      ? `regexp_extract(${text}, '^\\W?([A-Za-z]+)', 1)`
      : shape.site === "klog"
        ? `CASE left(${text}, 1) WHEN 'I' THEN 'INFO' WHEN 'W' THEN 'WARNING' WHEN 'E' THEN 'ERROR' ELSE 'FATAL' END`
        : "NULL";
  const found = layoutOf(shape);
  if (!found)
    return {
      head: null,
      of: { level: `COALESCE(${before}, ${any(1)})`, logger: "NULL", message: any(2) },
    };
  const groups = found.groups.filter((group) => group !== "message" || wanted.includes("message"));
  const pattern = wanted.includes("message") ? found.loose : found.loose.replace(/\(\.\*\)$/, "");
  const group = (name: Field) => (groups.includes(name) ? `nullif(${head}.${name}, '')` : "NULL");
  return {
    head:
      groups.length === 0
        ? null
        : `regexp_extract(${rest}, ${literal(pattern)}, [${groups.map(literal).join(", ")}])`,
    of: {
      level: `COALESCE(${group("level")}, ${before}, ${any(1)})`,
      logger: group("logger"),
      message: `COALESCE(${group("message")}, ${any(2)})`,
    },
  };
}

/** SQL of the text after time, fraction and zone; where all sampled lines are alike, by position. */
function restSql(shape: Shape, at: string, head: string): string {
  const lengths = new Set(shape.lines.map((line) => (line.tail.zone === null ? line.tail.length : -1)));
  const [length = -1] = lengths;
  const after = `substr(${at}, ${head} + 1)`;
  const any = `regexp_replace(${after}, ${literal(`^${TAIL}`)}, '')`;
  if (lengths.size !== 1 || length < 0) return any;
  const [next = ""] = new Set(shape.lines.map((line) => line.tail.next.slice(0, 1)));
  const alike = `substr(${at}, ${head} + ${length} + 1)`;
  return `CASE WHEN ${alike}[1] = ${literal(next)} THEN ${alike} ELSE ${any} END`;
}

/** pino's and bunyan's numbers as the words they stand for. */
function levelNumber(text: string): string {
  return `CASE ${text} WHEN '10' THEN 'trace' WHEN '20' THEN 'debug' WHEN '30' THEN 'info' WHEN '40' THEN 'warn'
    WHEN '50' THEN 'error' WHEN '60' THEN 'fatal' ELSE ${text} END`;
}
