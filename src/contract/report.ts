/** The report: everything an audit found, ready for any format. */

import type { CheckInfo } from "./check.ts";
import type { Input, Instant, Table } from "./evidence.ts";
import type { Finding, Outcome, Severity } from "./finding.ts";
import type { ReportFlow } from "./flow.ts";

export interface Summary {
  errors: number;
  warnings: number;
  infos: number;
  new: number;
  worse: number;
  known: number;
  fixed: number;
}

/** A finding that trueup.yaml accepts, and why. */
export interface SuppressedFinding extends Finding {
  suppression?: { reason: string; until: string | null };
}

export interface Report {
  schemaVersion: 1;
  tool: { name: "trueup"; version: string };
  now: Instant;
  timezone: string;
  inputs: Input[];
  tables: Table[];
  outcomes: Outcome[];
  findings: Finding[];
  fixed: Finding[];
  suppressed: SuppressedFinding[];
  /** What a reader should know about the run as a whole, one sentence each: stale entries of the baseline … */
  notes: string[];
  /** Which code reaches which table; null without source code among the inputs. */
  flow?: ReportFlow | null;
  /** What the user's own checks say of themselves, for formats that describe the checks of their findings. */
  ownChecks?: Rule[];
  summary: Summary;
}

/** A check as other systems describe it. */
export type Rule = Pick<CheckInfo, "id" | "meta">;

/** What a renderer may vary; nothing in it comes from the environment. */
export interface RenderOptions {
  color: boolean;
  /** Columns of the terminal. */
  width: number;
  /** Findings below this severity are not shown. */
  severity: Severity;
  /** Show outcomes and all samples. */
  verbose: boolean;
  /** List what trueup.yaml suppresses. */
  showSuppressed?: boolean;
}
