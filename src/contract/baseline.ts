/** What a team has accepted: the findings and the schema of an earlier audit, kept in a committed file. */

import type { InputKind } from "./evidence.ts";
import type { Location, Measure, Severity } from "./finding.ts";

/** A finding as the baseline keeps it: where and how much, never a value of the data. */
export interface BaselineEntry {
  fingerprint: string;
  check: string;
  severity: Severity;
  title: string;
  target: string;
  location: Omit<Location, "line">;
  measure: Measure;
}

/** A table as the baseline keeps it. A type is `""` where it was only inferred from the data. */
export interface BaselineTable {
  input: string;
  /** The name behind the input's. */
  name: string;
  columns: { name: string; type: string }[];
}

/** The content of `trueup-baseline.json`. */
export interface Baseline {
  version: 1;
  findings: BaselineEntry[];
  tables: BaselineTable[];
}

/** A baseline and the file it stands in, as shown to people. */
export interface LoadedBaseline {
  file: string;
  baseline: Baseline;
}

/** The file beside trueup.yaml, or in the working directory. */
export const BASELINE_NAME = "trueup-baseline.json";

/** Kinds that declare their types: in others a type may change with the next row. */
export const TYPED_KINDS: ReadonlySet<InputKind> = new Set([
  "sqlite",
  "sql-dump",
  "postgres-archive",
  "postgres",
  "duckdb",
  "parquet",
]);

/** Names without the dates in them: what is rotated or exported every day keeps its name. */
export function undated(text: string): string {
  return text.replace(
    /(?<!\d)(?:19|20)\d\d([-_.]?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01])(?:[-_.T]?(?:[01]\d|2[0-3])[-_.:]?[0-5]\d(?:[-_.:]?[0-5]\d)?Z?)?(?!\d)/g,
    "<date>",
  );
}
