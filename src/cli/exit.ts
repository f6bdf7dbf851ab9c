/** The exit code of an audit, computed from its report in this one place. */

import type { Input } from "../contract/evidence.ts";
import { SEVERITIES, type Severity } from "../contract/finding.ts";
import type { Report } from "../contract/report.ts";
import { number, percent, plural } from "../contract/wording.ts";

export type FailOn = Severity | "never";

export const EXIT = { clean: 0, found: 1, failed: 2, interrupted: 130 } as const;

/** 2 when something could not be evaluated, else 1 when a finding is at or above `failOn`, else 0. */
export function exitCodeOf(report: Report, failOn: FailOn, maxRejected: number): number {
  if (notEvaluated(report, maxRejected).length > 0) return EXIT.failed;
  const bar = failOn === "never" ? -1 : SEVERITIES.indexOf(failOn);
  const counts = report.findings.some(
    (finding) => finding.baseline !== "known" && SEVERITIES.indexOf(finding.severity) <= bar,
  );
  return counts ? EXIT.found : EXIT.clean;
}

/** What could not be evaluated, a line each; empty when everything was. */
export function notEvaluated(report: Report, maxRejected: number): string[] {
  return [
    ...report.inputs
      .filter((input) => isNotEvaluated(input, maxRejected))
      .map((input) => input.error ?? `${input.path}: ${plural(input.rejected, "row")} could not be read`),
    ...report.outcomes
      .filter((outcome) => outcome.status === "failed")
      .map((outcome) => `${outcome.check} on ${outcome.target}: ${outcome.reason}`),
  ];
}

/** True for an input that failed, gave no readable row, or had more rows rejected than `maxRejected` (0 to 1). */
export function isNotEvaluated(input: Input, maxRejected: number): boolean {
  if (input.error !== undefined) return true;
  if (input.rejected === 0) return false;
  return input.rejected / (input.rows + input.rejected) > maxRejected;
}

/** For each input of which too many rows were rejected, one line that explains exit code 2. */
export function rejectionLines(inputs: readonly Input[], maxRejected: number): string[] {
  return inputs
    .filter((input) => input.error === undefined && isNotEvaluated(input, maxRejected))
    .map(({ path, rows, rejected }) => {
      const share = `${number(rejected)} of ${plural(rows + rejected, "row")} rejected`;
      return `${path}: ${share}, more than max_rejected allows (${percent(maxRejected)})`;
    });
}
