/** Decides what of the findings counts: applies suppressions and the baseline, and sums up. */

import type { Finding, Severity } from "../contract/finding.ts";
import type { Report, Summary } from "../contract/report.ts";
import type { Settings } from "../contract/settings.ts";
import { type Audited, baselineNotes, compareWithBaseline } from "./baseline.ts";
import { suppress } from "./suppress.ts";

/** The parts of a report that depend on what the team has accepted. */
export type Gated = Pick<Report, "findings" | "fixed" | "suppressed" | "notes" | "summary">;

/** Suppressions first, then the baseline: what is suppressed is neither new nor fixed. */
export function gateFindings(
  audited: Audited,
  settings: Pick<Settings, "baseline" | "suppressions" | "now">,
): Gated {
  const { suppressed, notes, ...left } = suppress(
    audited.findings,
    settings.suppressions ?? [],
    audited.inputs,
    settings.now,
  );
  if (!settings.baseline)
    return { findings: left.findings, fixed: [], suppressed, notes, summary: summaryOf(left.findings, 0) };
  const { file, baseline } = settings.baseline;
  const compared = compareWithBaseline({ ...audited, findings: left.findings }, suppressed, baseline);
  const { findings, fixed } = compared;
  notes.push(...baselineNotes(file, compared));
  return { findings, fixed, suppressed, notes, summary: summaryOf(findings, fixed.length) };
}

function summaryOf(findings: readonly Finding[], fixed: number): Summary {
  const count = (severity: Severity) => findings.filter((f) => f.severity === severity).length;
  const baseline = (state: string) => findings.filter((f) => f.baseline === state).length;
  return {
    errors: count("error"),
    warnings: count("warning"),
    infos: count("info"),
    new: baseline("new"),
    worse: baseline("worse"),
    known: baseline("known"),
    fixed,
  };
}
