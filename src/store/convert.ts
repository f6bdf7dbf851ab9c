/** Turns DuckDB's values into plain ones, once: numbers, text, booleans, null, lists and objects. */

import {
  DuckDBArrayValue,
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBUnionValue,
  type DuckDBValue,
} from "@duckdb/node-api";
import type { Value } from "../contract/finding.ts";

/** `iso`: `2025-11-23T16:30:35Z`, for reports. `text`: as DuckDB prints it, for `query`. */
export type TimeStyle = "iso" | "text";

/** Integers stay exact: a number up to 2^53, a bigint beyond. NaN and infinities become null. */
export function plain(value: DuckDBValue, times: TimeStyle): Value {
  if (value === null || value === undefined) return null;
  switch (typeof value) {
    case "bigint":
      return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)
        ? Number(value)
        : value;
    case "number":
      return Number.isFinite(value) ? value : null;
    case "string":
    case "boolean":
      return value;
  }
  if (value instanceof DuckDBDecimalValue) {
    if (value.scale === 0) return plain(value.value, times);
    return value.toDouble();
  }
  if (
    value instanceof DuckDBTimestampValue ||
    value instanceof DuckDBTimestampTZValue ||
    value instanceof DuckDBTimestampSecondsValue ||
    value instanceof DuckDBTimestampMillisecondsValue ||
    value instanceof DuckDBTimestampNanosecondsValue
  ) {
    const text = value.toString();
    return times === "iso" ? isoOf(text) : text;
  }
  if (value instanceof DuckDBDateValue) return value.toString();
  if (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue)
    return value.items.map((item) => plain(item, times));
  if (value instanceof DuckDBStructValue) {
    const object: Record<string, Value> = {};
    for (const [key, item] of Object.entries(value.entries)) object[key] = plain(item, times);
    return object;
  }
  if (value instanceof DuckDBMapValue) {
    const object: Record<string, Value> = {};
    for (const { key, value: item } of value.entries) object[String(plain(key, times))] = plain(item, times);
    return object;
  }
  if (value instanceof DuckDBUnionValue) return plain(value.value, times);
  if (value instanceof DuckDBBlobValue) return value.toString();
  return String(value);
}

/** `2025-11-23 16:30:35.5+00` → `2025-11-23T16:30:35.5Z`; infinities stay as they are. */
function isoOf(text: string): string {
  const match = /^(.*\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)(?:\+00(?::00)?)?$/.exec(text);
  if (!match) return text;
  return `${match[1]}T${(match[2] as string).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "")}Z`;
}
