/** What container runtimes and log services put around each line: taken off before the line is read. */

import { literal } from "../../store/index.ts";
import { jsonTimeSql, parsed } from "./json.ts";

/** The envelope of a line. */
export interface Wrapper {
  name: string;
  /** The line inside, or null when the line is no such envelope. */
  inner(line: string): string | null;
  /** SQL of the same: NULL where the line is no such envelope. */
  innerSql(raw: string): string;
  /** SQL of the time on the envelope (UTC); null when it has none. */
  timeSql: ((raw: string) => string) | null;
}

const CRI =
  "^(\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(?:\\.\\d+)?(?:Z|[+-]\\d\\d:\\d\\d)) (?:stdout|stderr) [FP] ?";
const COMPOSE = "^[a-z0-9][\\w.-]{0,80} +\\| ?";
const AWS_TAIL =
  "^(\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(?:\\.\\d+)?(?:Z|[+-]\\d\\d:\\d\\d)) \\S*[/\\]\\[]\\S* ";

const utc = (text: string) => `timezone('UTC', TRY_CAST(${text} AS TIMESTAMPTZ))`;
const epochMs = (text: string) => `make_timestamp(TRY_CAST(${text} AS BIGINT) * 1000)`;

function ofJson(
  name: string,
  key: string,
  marks: readonly string[],
  timeSql: (raw: string) => string,
): Wrapper {
  return {
    name,
    inner: (line) => {
      if (!line.startsWith("{")) return null;
      const object = parsed(line);
      const value = object?.[key];
      if (!object || typeof value !== "string" || !marks.every((mark) => mark in object)) return null;
      return value.replace(/\r?\n$/, "");
    },
    innerSql: (raw) =>
      `CASE WHEN ${raw}[1] = '{' THEN rtrim(${jsonTimeSql(raw, `$.${key}`)}, chr(10) || chr(13)) END`,
    timeSql: (raw) => `CASE WHEN ${raw}[1] = '{' THEN ${timeSql(raw)} END`,
  };
}

function ofPrefix(name: string, pattern: string, dated: boolean): Wrapper {
  const regex = new RegExp(pattern);
  return {
    name,
    inner: (line) => (regex.test(line) ? line.replace(regex, "") : null),
    innerSql: (raw) =>
      `CASE WHEN regexp_matches(${raw}, ${literal(pattern)}) THEN regexp_replace(${raw}, ${literal(pattern)}, '') END`,
    timeSql: dated ? (raw) => utc(`nullif(regexp_extract(${raw}, ${literal(pattern)}, 1), '')`) : null,
  };
}

export const WRAPPERS: readonly Wrapper[] = [
  ofJson("Docker", "log", ["stream", "time"], (raw) => utc(jsonTimeSql(raw, "$.time"))),
  ofJson(
    "journald",
    "MESSAGE",
    ["__REALTIME_TIMESTAMP"],
    (raw) => `make_timestamp(TRY_CAST(${jsonTimeSql(raw, "$.__REALTIME_TIMESTAMP")} AS BIGINT))`,
  ),
  ofJson("CloudWatch", "message", ["timestamp", "ingestionTime"], (raw) =>
    epochMs(jsonTimeSql(raw, "$.timestamp")),
  ),
  ofPrefix("CRI", CRI, true),
  ofPrefix("CloudWatch", AWS_TAIL, true),
  ofPrefix("docker compose", COMPOSE, false),
];

/** The envelope that most sampled lines have, or null. */
export function wrapperOf(lines: readonly string[]): Wrapper | null {
  for (const wrapper of WRAPPERS) {
    const wrapped = lines.filter((line) => wrapper.inner(line) !== null).length;
    if (wrapped > 0 && wrapped >= lines.length * 0.8) return wrapper;
  }
  return null;
}
