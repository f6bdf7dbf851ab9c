/** What a check can put right, in no store's dialect, and what becomes of it. */

import type { Row } from "./finding.ts";

/** Which rows of one table are wrong and what should stand there. */
export interface RepairPlan {
  /** `schema.table` of the table that is wrong. */
  table: string;
  /** The source's column whose value identifies a row. */
  key: string;
  /** The source's columns to be set: whole numbers or amounts. */
  columns: readonly string[];
  /**
   * A SELECT over the evidence, one row per wrong row: `key` as VARCHAR; `old_0`, `new_0` … for the columns, numeric;
   * `lost` as VARCHAR, NULL or why the right values of this row cannot be known.
   */
  rows: string;
  /** `unfilled`: touch a row only while every column is NULL, 0 or negative. `unchanged`: only while they are as read. */
  guard: "unfilled" | "unchanged";
  /**
   * An SQL condition on the table's rows: those that should have values, right ones and wrong ones (the roots). Of them
   * the statistics tell how many do. NULL for all rows.
   */
  among: string | null;
  /** Where the right values come from, one sentence for people. */
  how: string;
}

/** A plan with its numbers: the preview, and the SQL that does it. */
export interface Repair {
  check: string;
  /** `schema.table`, as in findings. */
  target: string;
  /** The table in the source's own words: `agent_traces`, `billing.usage`. */
  table: string;
  how: string;
  columns: string[];
  /** Rows that can be recovered (with `--limit`, at most so many). */
  rows: number;
  /** Rows that stay as they are, by reason. */
  lost: { reason: string; rows: number }[];
  /** Sums of the columns over the rows that are repaired, as they stand and as they will. */
  before: Row;
  after: Row;
  /** The rows that should have values: how many there are, how many have some, and the sums of the columns. */
  among: { rows: number; filled: number; sums: Row };
  /** In the source's dialect, in one transaction; null when its kind of input takes no SQL. */
  sql: string | null;
}
