/** Writes the SQL that yields a role's value from a raw row; plain columns stay plain, so that they stay fast. */

import { ROLE_TYPES, type Role } from "../contract/roles.ts";
import { ident, literal } from "../store/index.ts";
import type { Candidate } from "./candidates.ts";
import { isFailureFlag } from "./rules-labels.ts";
import { timeSql } from "./times.ts";

/** A candidate as it stands in DuckDB. */
export interface Source {
  candidate: Candidate;
  /** DuckDB's type of the column. */
  type: string;
  /** Values of more than one storage class stand in the column. */
  mixed: boolean;
  timezone: string;
  /** No value is known to be the empty text. */
  neverEmpty?: boolean;
}

/** The raw value: the column, or the text at a path inside it (NULL where the JSON is broken or the path absent). */
export function rawOf({ candidate, type }: Source): { sql: string; type: string } {
  if (candidate.path.length === 0) return { sql: ident(candidate.column.name), type };
  const [first = [], ...rest] = candidate.path;
  return inner(`json_extract_string(${documentOf(candidate, type)}, ${literal(pointer(first))})`, rest);
}

/** The column as JSON; a text that is none becomes NULL. */
export function documentOf(candidate: Candidate, type: string): string {
  const column = ident(candidate.column.name);
  if (type === "JSON") return column;
  return /^(STRUCT|MAP|UNION)/.test(type) ? `to_json(${column})` : `TRY_CAST(${column} AS JSON)`;
}

/** Steps into JSON that stands as text inside JSON. */
export function inner(text: string, rest: readonly string[][]): { sql: string; type: string } {
  const sql = rest.reduce(
    (value, keys) => `json_extract_string(TRY_CAST(${value} AS JSON), ${literal(pointer(keys))})`,
    text,
  );
  return { sql, type: "VARCHAR" };
}

/** A JSON pointer: any key is allowed in it. */
export function pointer(keys: readonly string[]): string {
  return keys.map((key) => `/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

/** How systems write that a row has no parent; OTLP and Dify write an id of nothing but zeros. */
const NO_PARENT = [
  "",
  "0",
  "0000000000000000",
  "00000000-0000-0000-0000-000000000000",
  "undefined",
  "null",
  "None",
]
  .map((one) => literal(one))
  .join(", ");

/** The value of a role, typed as ROLE_TYPES says. `raw` stands in for the column when it was read already. */
export function expressionOf(role: Role, source: Source, raw = rawOf(source)): string {
  const { sql, type } = raw;
  switch (role) {
    case "time":
    case "end_time":
      return timeSql({
        raw: sql,
        type,
        sample: source.candidate.sample,
        mixed: source.mixed,
        timezone: source.timezone,
      });
    case "id":
    case "session_id":
      return source.neverEmpty ? text(sql, type) : `NULLIF(${text(sql, type)}, '')`;
    case "parent_id":
      return `CASE WHEN ${text(sql, type)} NOT IN (${NO_PARENT}) THEN ${text(sql, type)} END`;
    case "status":
      return isFailureFlag(source.candidate)
        ? `CASE WHEN CAST(${sql} AS VARCHAR) IN ('true', '1') THEN 'failed' WHEN ${sql} IS NOT NULL THEN 'ok' END`
        : text(sql, type);
    case "model":
    case "provider":
    case "user":
    case "credential":
      return text(sql, type);
    default:
      return typed(sql, type, ROLE_TYPES[role]);
  }
}

/** True when reading the value again in every query would cost more than keeping it: JSON, and times as text. */
export function isCostly(role: Role | null, { candidate, type }: Source): boolean {
  return candidate.path.length > 0 || ((role === "time" || role === "end_time") && type === "VARCHAR");
}

const text = (sql: string, type: string) => (type === "VARCHAR" ? sql : `CAST(${sql} AS VARCHAR)`);

function typed(sql: string, type: string, wanted: string): string {
  if (type === wanted) return sql;
  if (wanted === "BIGINT" && /^(TINYINT|SMALLINT|INTEGER|UTINYINT|USMALLINT|UINTEGER)$/.test(type))
    return `CAST(${sql} AS BIGINT)`;
  return `TRY_CAST(${sql} AS ${wanted})`;
}
