/** Maps Postgres' types to DuckDB's, with the expression that turns COPY text into a value. */

import { literal } from "../../store/index.ts";

export interface TypeMapping {
  /** DuckDB's type. */
  type: string;
  /** The value from a VARCHAR expression; throws in DuckDB where a value does not convert. */
  convert(text: string): string;
}

const cast = (type: string): TypeMapping => ({ type, convert: (text) => `CAST(${text} AS ${type})` });
const TEXT: TypeMapping = { type: "VARCHAR", convert: (text) => text };

const PLAIN: Record<string, string> = {
  smallint: "SMALLINT",
  int2: "SMALLINT",
  smallserial: "SMALLINT",
  integer: "INTEGER",
  int: "INTEGER",
  int4: "INTEGER",
  serial: "INTEGER",
  bigint: "BIGINT",
  int8: "BIGINT",
  bigserial: "BIGINT",
  oid: "BIGINT",
  real: "FLOAT",
  float4: "FLOAT",
  "double precision": "DOUBLE",
  float8: "DOUBLE",
  uuid: "UUID",
  time: "TIME",
  "time without time zone": "TIME",
  json: "JSON",
  jsonb: "JSON",
};

const DATED: Record<string, string> = {
  date: "DATE",
  timestamp: "TIMESTAMP",
  "timestamp without time zone": "TIMESTAMP",
  timestamptz: "TIMESTAMPTZ",
  "timestamp with time zone": "TIMESTAMPTZ",
};

/** Postgres writes `0044-03-15 12:00:00 BC`, DuckDB `0044-03-15 (BC) 12:00:00` and ignores the other spelling. */
function dated(type: string): TypeMapping {
  return {
    type,
    convert: (text) =>
      `CAST(CASE WHEN ends_with(${text}, ' BC') THEN regexp_replace(${text}, '^(\\S+)(.*) BC$', '\\1 (BC)\\2') ELSE ${text} END AS ${type})`,
  };
}

/**
 * The mapping of a declared type. Enums and domains must be resolved before. Anything without an exact counterpart
 * (intervals, ranges, network addresses, geometry, `numeric` of more than 38 digits) stays the text Postgres wrote.
 */
export function mappingOf(declared: string): TypeMapping {
  const type = declared.toLowerCase().replace(/\s+/g, " ").trim();
  const array = /^(.*?)((?:\[\d*\])+| array(?:\[\d*\])?)$/.exec(type);
  if (array) return arrayOf(array[1] as string, (array[2] as string).split("[").length - 1 || 1);
  const bare = type.replace(/\(\d+\)/, "");
  const plain = PLAIN[bare];
  if (plain !== undefined) return cast(plain);
  const time = DATED[bare];
  if (time !== undefined) return dated(time);
  if (bare === "boolean" || bare === "bool") return cast("BOOLEAN");
  if (bare === "bytea") return { type: "BLOB", convert: bytea };
  const numeric = /^(?:numeric|decimal)\((\d+)(?:,(\d+))?\)$/.exec(type);
  if (numeric) {
    const [precision, scale] = [Number(numeric[1]), Number(numeric[2] ?? 0)];
    if (precision <= 38 && scale <= precision) return cast(`DECIMAL(${precision},${scale})`);
  }
  return TEXT;
}

/** Hex (`\x4142`) since 9.0; octal escapes before, and where the database is set so. */
function bytea(text: string): string {
  const digit = (at: number) => `CAST(piece[${at}] AS INTEGER)`;
  const escaped = `CASE WHEN piece = '\\\\' THEN '5C' WHEN starts_with(piece, '\\') THEN printf('%02X', 64 * ${digit(2)} + 8 * ${digit(3)} + ${digit(4)}) ELSE hex(piece) END`;
  const pieces = `regexp_extract_all(${text}, '\\\\\\\\|\\\\[0-7]{3}|[^\\\\]')`;
  return `CASE WHEN starts_with(${text}, ${literal("\\x")}) THEN unhex(substr(${text}, 3)) ELSE unhex(array_to_string(list_transform(${pieces}, lambda piece: ${escaped}), '')) END`;
}

/** One-dimensional arrays of numbers and booleans become lists; others keep Postgres' spelling. */
function arrayOf(element: string, dimensions: number): TypeMapping {
  const inner = mappingOf(element);
  if (dimensions !== 1 || !/^(SMALLINT|INTEGER|BIGINT|FLOAT|DOUBLE|DECIMAL.*)$/.test(inner.type)) return TEXT;
  const type = `${inner.type}[]`;
  return { type, convert: (text) => `CAST(translate(${text}, '{}', '[]') AS ${type})` };
}

/** Plain text, for a column whose values did not convert. */
export const TEXT_MAPPING = TEXT;
