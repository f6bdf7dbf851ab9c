/** The diagnosis: incidents with their ranked causes, ready for any format. */

import type { Input, Instant } from "./evidence.ts";
import type { Cause, Finding, Outcome, Timeline } from "./finding.ts";

export interface DiagnosedIncident {
  /** It began between these; null where the rows have no times. */
  from: Instant | null;
  to: Instant | null;
  findings: Finding[];
  /** What each source did around the onset. */
  timeline: Timeline | null;
  /** The best first. Empty: nothing that is loaded speaks for any. */
  causes: Cause[];
  /** What to load, and which hypotheses it would decide. */
  missing: string[];
  /** The cheapest next look. */
  next: string;
}

export interface Diagnosis {
  schemaVersion: 1;
  tool: { name: "trueup"; version: string };
  now: Instant;
  timezone: string;
  inputs: Input[];
  outcomes: Outcome[];
  incidents: DiagnosedIncident[];
}
