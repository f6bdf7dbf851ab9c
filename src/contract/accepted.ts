/** What trueup.yaml says of single tables and findings: suppressions and expectations. */

/** A finding that nobody needs to see again. At least one of `check`, `table` and `path` is set. */
export interface Suppression {
  /** A check's id or a pattern, or null for all. */
  check: string | null;
  /** `schema.table`, a table's bare name, or a pattern. */
  table: string | null;
  /** A file of the code or an input's path, or a pattern. */
  path: string | null;
  reason: string;
  /** The last day on which it holds, `2026-01-31`, or null for ever. */
  until: string | null;
}

/** A value that an expectation names. */
export type Scalar = string | number | boolean | null;

/** A bound; null where it is open. Both ends belong to it. */
export interface Bounds {
  min: number | string | null;
  max: number | string | null;
}

/** What one table is expected to obey. */
export interface TableExpectations {
  not_null: string[];
  /** Each a column or a combination of columns. */
  unique: string[][];
  accepted_values: Record<string, Scalar[]>;
  between: Record<string, Bounds>;
  /** RE2 patterns, anywhere in the value. */
  matches: Record<string, string>;
  /** `table.column` or `schema.table.column`. */
  references: Record<string, string>;
  /** Seconds from the latest time of the column (or of the table's time role) to now. */
  freshness: { column: string | null; maxAgeSeconds: number } | null;
  row_count: { min: number | null; max: number | null } | null;
  /** A condition that every row obeys, or a SELECT whose rows are violations; `{table}` is the table. */
  sql: { name: string; sql: string }[];
}

/** Every kind of expectation; each is reported as a check of its own. */
export const EXPECTATION_KINDS = [
  "not_null",
  "unique",
  "accepted_values",
  "between",
  "matches",
  "references",
  "freshness",
  "row_count",
  "sql",
] as const satisfies readonly (keyof TableExpectations)[];

/** `expect/not_null` and so on. */
export const EXPECTATION_IDS: readonly string[] = EXPECTATION_KINDS.map((kind) => `expect/${kind}`);
