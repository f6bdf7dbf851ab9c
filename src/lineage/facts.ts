/** The code facts: rows of the tables `trueup.code_*`, in the order and the shapes in which they are stored. */

import type { Skipped } from "./files.ts";
import type { Language } from "./ir.ts";

export interface FunctionFact {
  id: number;
  function: string;
  qualified: string;
  file: string;
  line: number;
  end_line: number;
  language: Language;
  is_test: boolean;
}

export interface CallFact {
  caller_id: number;
  /** Null when the callee cannot be known. */
  callee_id: number | null;
  callee: string;
  file: string;
  line: number;
  how: "call" | "http" | "render";
}

export interface AccessFact {
  function_id: number;
  function: string;
  file: string;
  line: number;
  /** Where the SQL text stands; null for builders and ORMs. */
  sql_file: string | null;
  sql_line: number | null;
  /** Null when only run time knows the table. */
  table_name: string | null;
  mode: "read" | "write";
  operation: "select" | "insert" | "update" | "delete" | "upsert";
  columns: string[];
  certainty: "sql" | "builder" | "name";
  is_test: boolean;
}

export interface EntryFact {
  id: number;
  kind: "route" | "page" | "job" | "main" | "handler";
  name: string;
  file: string;
  line: number;
  function_id: number;
}

export interface TableFact {
  name: string;
  /** As the code calls it: the key of a schema object, the class of a model. */
  declared_as: string;
  how: "ddl" | "migration" | "schema" | "orm";
  file: string;
  line: number;
  columns: string[];
}

export interface LogFact {
  function_id: number;
  file: string;
  line: number;
  level: string;
  /** Interpolations as `{}`. */
  template: string;
}

export interface PatternFact {
  function_id: number;
  file: string;
  line: number;
  pattern: string;
}

/** A constant that a statement gives to a column of every row. */
export interface LiteralFact {
  function_id: number;
  file: string;
  /** Of the literal itself. */
  line: number;
  /** Null for a plain SELECT, whose column is the alias. */
  table_name: string | null;
  column_name: string;
  /** `0`, `NULL` or a text. */
  value: string;
  operation: AccessFact["operation"];
  is_test: boolean;
}

/** What else SQL does to tables: a view's or trigger's source, a rename's old name, a dropped table or column, a script's rows, columns added by a name that only run time knows (`*`: to any table). */
export interface DerivedFact {
  target: string;
  source: string;
  how: "view" | "trigger" | "drop" | "rename" | "drop-column" | "script" | "alter" | "lent" | "made";
  file: string;
  line: number;
}

export interface CodeFacts {
  functions: FunctionFact[];
  calls: CallFact[];
  access: AccessFact[];
  entries: EntryFact[];
  tables: TableFact[];
  logs: LogFact[];
  patterns: PatternFact[];
  literals: LiteralFact[];
  derived: DerivedFact[];
  /** Files left out, and why. */
  skipped: Skipped[];
  /** Files read otherwise than as they stand, and how. */
  notes: Skipped[];
  /** Source files read. */
  files: number;
  bytes: number;
  lines: number;
}
