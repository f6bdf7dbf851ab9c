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

/**
 * What makes a finding an incident: when it began, in which sources, and which rows lack something. Findings whose
 * intervals overlap are one incident.
 */
export interface Onset {
  /** It began between these; null where the rows have no times. */
  earliest: Instant | null;
  latest: Instant | null;
  /** `began`: rows are defective from then on. `ended`: rows were defective up to then. */
  kind: "began" | "ended";
  /** Of what began: when it was over; absent while it lasts. */
  until?: Instant;
  /** Names of series or usage relations, the one with the defect first. */
  sources: readonly string[];
  /** SQL conditions on the first source's usage relation: the rows that count, and those of them that are defective. */
  scope?: string;
  defect?: string;
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
  /** Given by findings that are incidents: their causes are ranked. */
  onset?: Onset;
}

/** A draft that the engine has placed: which check, on which target, how severe. */
export interface NamedDraft extends FindingDraft {
  check: string;
  target: string;
  severity: Severity;
  fix: string;
  causes?: Cause[];
}

/** What one test of a cause said. */
export interface CauseEvidence {
  test: string;
  verdict: "for" | "against";
  /** How much it counted: a log-odds. */
  weight: number;
  text: string;
  /** The query over the loaded evidence that returns the numbers of the text; `""` when they are in no table. */
  sql: string;
}

/** One ranked cause of an incident. */
export interface Cause {
  hypothesis: string;
  /** The hypothesis in a few words: `The log ends`. */
  title: string;
  /** Its share among all causes and "none of these": 0 to 1; 0 when nothing speaks for it. */
  score: number;
  for: string[];
  against: string[];
  /** The cheapest look that would settle it. */
  confirm: string;
  /** The query of its strongest test; `""` when the evidence is no table. */
  sql: string;
  /** What its tests said, the weightiest first, those against it last. */
  evidence: CauseEvidence[];
  /** Another cause has the same evidence: nothing loaded tells the two apart. */
  tied?: boolean;
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
