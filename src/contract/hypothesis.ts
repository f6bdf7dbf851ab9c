/** A hypothesis: one possible cause of an incident, with the tests that can speak for it and the tests that can refute it. */

import type { CheckContext } from "./check.ts";
import type { Instant, Log, UsageRelation } from "./evidence.ts";
import type { NamedDraft } from "./finding.ts";

/** Findings that began together, and what their causes are looked for in. */
export interface Incident {
  /** It began between these, in seconds since 1970; null where the rows have no times. */
  onset: { earliest: number; latest: number } | null;
  /** `began`: rows are defective from then on. `ended`: rows were defective up to then. */
  kind: "began" | "ended";
  /** The end of the defective rows, or of the evidence; seconds since 1970. */
  until: number | null;
  findings: readonly NamedDraft[];
  /** The table whose rows are defective, or that the log stands beside; null when there is none. */
  table: UsageRelation | null;
  /** SQL conditions on the table's usage relation: the rows that count, and those of them that are defective. */
  scope: string;
  defect: string | null;
  /** Token events of the logs that record the same calls. */
  events: readonly UsageRelation[];
  /** The logs that record the same calls: they have token events, or their lines name ids of the table. */
  logs: readonly Log[];
}

/** What the tests of hypotheses may use: what a check may, and measurements that are made once per incident. */
export interface HypothesisContext extends Omit<CheckContext, "options" | "samples"> {
  options: DiagnosisOptions;
  /** The value of `make`, made once per incident and name. */
  once<T>(name: string, make: () => Promise<T>): Promise<T>;
}

export interface DiagnosisOptions {
  /** How long before the onset a restart, version or deploy may be its cause. */
  restart_hours: number;
  /** The same for a commit. */
  commit_hours: number;
}

/** What one test says about one incident. */
export interface Answer {
  verdict: "for" | "against" | "none";
  /** One sentence; empty for `none`. Its counts name the time they were taken over. */
  text: string;
  /** The query that returns the sentence's counts; empty where no table does. */
  sql: string;
  /** Share of the weight that counts, for evidence that is weaker than usual: 0 to 1. */
  share?: number;
}

/** Evidence that is not there, or does not apply. */
export const NO_EVIDENCE: Answer = { verdict: "none", text: "", sql: "" };

export function speaksFor(text: string, sql: string, share = 1): Answer {
  return { verdict: "for", text, sql, share };
}

export function speaksAgainst(text: string, sql: string, share = 1): Answer {
  return { verdict: "against", text, sql, share };
}

export interface HypothesisTest {
  id: string;
  /**
   * Weights of evidence: natural logarithms of how many times likelier the observation is when the hypothesis is true
   * than when it is not (`for`), and the other way round (`against`).
   */
  weight: { for: number; against: number };
  run(incident: Incident, ctx: HypothesisContext): Promise<Answer>;
}

export interface Hypothesis {
  /** The file's name. */
  id: string;
  meta: {
    title: string;
    /** What the hypothesis says, one sentence. */
    sentence: string;
    /** What its tests cannot tell. */
    limits: string;
  };
  tests: readonly HypothesisTest[];
  /** The cheapest look that would settle it. */
  confirm(incident: Incident, ctx: HypothesisContext): string | Promise<string>;
  /** What to load so that its tests have something to say; null when it is there. */
  missing(incident: Incident, ctx: HypothesisContext): string | null;
}

/** Declares a hypothesis; only gives it its types. */
export function defineHypothesis(hypothesis: Hypothesis): Hypothesis {
  return hypothesis;
}

/** A marker or commit near the onset, as tests tell it. */
export interface Event {
  kind: string;
  time: Instant | null;
  text: string;
  source: string;
}
