/** Findings and outcomes: what a check returns and what the engine makes of it. */

import type { Instant } from "./evidence.ts";

export const SEVERITIES = ["error", "warning", "info"] as const;
export type Severity = (typeof SEVERITIES)[number];

/** A value that a store hands out: bigint only past 2^53. */
export type Value = string | number | bigint | boolean | null | Value[] | { [key: string]: Value };
export type Row = Record<string, Value>;

export interface Location {
  input: string | null;
  table: string | null;
  column: string | null;
  file: string | null;
  line: number | null;
}

export interface Measure {
  /** `missing_ratio`, `gap_seconds` …; a baseline calls a finding worse when it grows. */
  name: string;
  value: number;
}

/** One row of a picture of time: counts per equal bucket. */
export interface Lane {
  name: string;
  counts: number[];
}

/** A small picture of time: equal buckets from `from` to `to`, and the instants worth a mark. */
export interface Timeline {
  from: Instant;
  to: Instant;
  lanes: Lane[];
  marks: { time: Instant; label: string }[];
}

/** What a check returns. The engine adds id, location defaults, severity and fingerprint. */
export interface FindingDraft {
  /** The defect in a few words, without numbers that change: `Token counts are missing`. */
  title: string;
  /** One or two sentences with the numbers. */
  message: string;
  measure: Measure;
  /** Numbers and instants that a reader can check. Times are ISO 8601. */
  evidence: Row;
  /** Up to `ctx.samples`' bound; ids, times and roles only. */
  samples?: Row[];
  /** A query over the loaded evidence that shows the defect. */
  sql: string;
  severity?: Severity;
  location?: Partial<Location>;
  timeline?: Timeline;
  /** Tells two findings of one check on one target apart in the fingerprint. Never a count, row number or time. */
  key?: string;
  /** What to do, when it differs from the check's own advice. */
  fix?: string;
}

/** A draft that the engine has placed: which check, on which target, how severe. */
export interface NamedDraft extends FindingDraft {
  check: string;
  target: string;
  severity: Severity;
  fix: string;
}

export interface Cause {
  hypothesis: string;
  score: number;
  for: string[];
  against: string[];
  confirm: string;
  sql: string;
}

export interface Finding {
  check: string;
  severity: Severity;
  fingerprint: string;
  title: string;
  message: string;
  target: string;
  location: Location;
  measure: Measure;
  evidence: Row;
  samples: Row[];
  sql: string;
  causes: Cause[];
  fix: string;
  baseline: "new" | "worse" | "known" | null;
  timeline: Timeline | null;
}

export type OutcomeStatus = "clean" | "found" | "skipped" | "failed";

export interface Outcome {
  check: string;
  target: string;
  status: OutcomeStatus;
  reason: string | null;
}
