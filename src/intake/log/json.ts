/** JSON lines: under which keys loggers put time, level, logger and message. */

import { literal } from "../../store/index.ts";

/** JSON paths, the most telling first. */
const TIME_PATHS = [
  "$.time",
  "$.timestamp",
  "$.ts",
  '$."@timestamp"',
  "$.datetime",
  "$.asctime",
  "$.date",
  "$.t",
  '$."@t"',
  "$.eventTime",
  "$.event_time",
  "$.created_at",
  "$.createdAt",
  "$.timeMillis",
  "$.record.time.timestamp",
  "$.log.time",
  "$.start_time",
  "$.startTime",
  "$.resourceLogs[0].scopeLogs[0].logRecords[0].timeUnixNano",
  "$.resourceSpans[0].scopeSpans[0].spans[0].startTimeUnixNano",
  "$.timeUnixNano",
] as const;

export const LEVEL_PATHS = [
  "$.level",
  "$.severity",
  "$.levelname",
  "$.log_level",
  "$.loglevel",
  "$.lvl",
  '$."@l"',
  '$."log.level"',
  "$.record.level.name",
  "$.resourceLogs[0].scopeLogs[0].logRecords[0].severityText",
] as const;

export const LOGGER_PATHS = [
  "$.logger",
  "$.logger_name",
  "$.loggerName",
  "$.name",
  "$.module",
  "$.component",
  "$.record.name",
  "$.resourceLogs[0].scopeLogs[0].scope.name",
] as const;

export const MESSAGE_PATHS = [
  "$.msg",
  "$.message",
  "$.event",
  '$."@m"',
  '$."@mt"',
  "$.record.message",
  "$.text",
  "$.body",
  "$.resourceLogs[0].scopeLogs[0].logRecords[0].body.stringValue",
] as const;

/** The path under which a line has its time, and that time as text; null when it is no object or has none. */
export function jsonTimeOf(line: string): { path: string; value: string } | null {
  const object = parsed(line);
  if (object === null) return null;
  for (const path of TIME_PATHS) {
    const value = valueAt(object, path);
    if (typeof value === "string" || typeof value === "number") return { path, value: String(value) };
  }
  return null;
}

/** The text at a JSON path of a line that may be no JSON at all; NULL there. */
export function jsonTimeSql(text: string, path: string): string {
  return `TRY(json_extract_string(${text}, ${literal(path)}))`;
}

/** The first of several paths that has a text. */
export function jsonFirstSql(text: string, paths: readonly string[]): string {
  return `COALESCE(${paths.map((path) => jsonTimeSql(text, path)).join(", ")})`;
}

export function parsed(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

function valueAt(object: Record<string, unknown>, path: string): unknown {
  const steps = [...path.matchAll(/\."([^"]+)"|\.(\w+)|\[(\d+)\]/g)].map((m) => m[1] ?? m[2] ?? m[3] ?? "");
  let value: unknown = object;
  for (const step of steps) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Record<string, unknown>)[step];
  }
  return value;
}
