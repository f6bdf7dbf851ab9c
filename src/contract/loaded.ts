/** What intake hands to the catalogue: tables as they were loaded, before roles are known. */

import type { Input, TimeRange } from "./evidence.ts";
import type { Value } from "./finding.ts";
import type { Role } from "./roles.ts";

/** A column before it is loaded: enough to tell what it means and whether it is needed. */
export interface ColumnProfile {
  name: string;
  /** The type as the source declares it, `""` when it declares none. */
  declared: string;
  primaryKey: boolean;
  /** The declared foreign key, or null. */
  references: { table: string; column: string } | null;
  /** Up to 200 values spread over the table, NULLs included. */
  sample: Value[];
}

export interface TableProfile {
  schema: string;
  name: string;
  /** Rows, estimated where counting would cost a scan. */
  rows: number;
  columns: ColumnProfile[];
}

export interface LoadedColumn extends ColumnProfile {
  /** The type in DuckDB; of a column that was not loaded, what it would be. */
  type: string;
  loaded: boolean;
  /** How many values of each storage class (`integer`, `text` …), where the source types values and not columns. */
  storage: Record<string, number> | null;
}

export interface LoadedTable {
  schema: string;
  name: string;
  input: string;
  form: "table" | "events" | "lines";
  /** Rows in DuckDB. */
  rows: number;
  columns: LoadedColumn[];
  /** Roles that the loader knows for certain (events, known formats): column name or JSON path → role. */
  known: Record<string, Role>;
  /** The format whose own rule was applied, or null. */
  format: string | null;
  /** IANA zone of times that carry none. */
  timezone: string;
  /** True for a view of the source: listed, not loaded. */
  view: boolean;
}

/** A shape of key values: what ids in log lines are worth extracting. RE2, without anchors. */
export interface IdShape {
  /** A pattern that matches one whole id. */
  pattern: string;
  /** Text every such id contains (`chatcmpl-`), or null: a cheap filter before the pattern. */
  contains: string | null;
}

export interface LoadedLog {
  /** For people: `python logging`. */
  format: string;
  /** Quoted relation with (line BIGINT, time TIMESTAMP), a row per line. */
  relation: string;
  /** Quoted relation with (line, time, text): the lines whose text was kept. */
  kept?: string;
  lines: LoadedTable;
  timeRange: TimeRange | null;
  /** Lines had a time of day but no date, and nothing told the date. */
  undated: boolean;
  /** Fills `trueup.mentions` with the ids of these shapes. Called at most once, before lock-down. */
  extractIds(shapes: readonly IdShape[]): Promise<void>;
}

/** One input after loading. */
export interface LoadedInput {
  input: Input;
  tables: LoadedTable[];
  log: LoadedLog | null;
  /** Names of tables that the settings ask for and this input does not have; only of inputs that are asked. */
  unmatched?: string[];
}
