/** What is known of one SQL text: accesses, tables declared, constants, and what else happens to tables. */

export type Operation = "select" | "insert" | "update" | "delete" | "upsert";

export interface SqlAccess {
  /** As written, without schema; null when an interpolation names it. */
  table: string | null;
  mode: "read" | "write";
  operation: Operation;
  columns: string[];
}

export interface SqlTable {
  name: string;
  columns: string[];
  /** `create`, `alter`, `rename` (columns: the new name) or `view`. */
  how: "create" | "alter" | "rename" | "view";
  offset: number;
}

/** A constant that a statement gives to a column of every row it writes or returns. */
export interface SqlLiteral {
  /** Null for a plain SELECT. */
  table: string | null;
  column: string;
  /** `0`, `NULL` or a text. */
  value: string;
  operation: Operation;
  offset: number;
}

/** A view or trigger: rows of `target` come from `sources`. A dropped or renamed column is the source of its table. */
export interface SqlDerived {
  target: string;
  sources: string[];
  how: "view" | "trigger" | "drop" | "rename" | "drop-column" | "alter";
  /** Where its statement starts. */
  offset?: number;
}

export interface SqlAnalysis {
  accesses: SqlAccess[];
  tables: SqlTable[];
  literals: SqlLiteral[];
  derived: SqlDerived[];
  /** Names of its CTEs in lower case. */
  ctes: string[];
  /** False when no parser read it and names were only scanned for. */
  parsed: boolean;
}
