/**
 * GitLab's code quality report. GitLab compares two of them by fingerprint, so what is known stays in it (as info), and
 * what is fixed or suppressed does not.
 */

import type { Severity } from "../contract/finding.ts";
import { isKnown, notEvaluated, placeIn, type Renderer, shownFindings } from "./export.ts";
import { printable } from "./printable.ts";

const SEVERITY: Readonly<Record<Severity, string>> = { error: "critical", warning: "minor", info: "info" };

interface Issue {
  description: string;
  check_name: string;
  fingerprint: string;
  severity: string;
  location: { path: string; lines: { begin: number } };
}

export const renderGitlab: Renderer = (report, options) => {
  const issues: Issue[] = shownFindings(report, options).map((finding) => {
    const { path, line } = placeIn(report, finding, options);
    return {
      description: printable(`${finding.title}: ${finding.message}`),
      check_name: finding.check,
      fingerprint: finding.fingerprint,
      severity: isKnown(finding) ? SEVERITY.info : SEVERITY[finding.severity],
      location: { path: printable(path), lines: { begin: line } },
    };
  });
  for (const { what, why } of notEvaluated(report))
    issues.push({
      description: printable(`Not evaluated: ${what}: ${why}`),
      check_name: "not-evaluated",
      fingerprint: `not-evaluated ${printable(what)}`,
      severity: "blocker",
      location: {
        path: printable(report.inputs.find((input) => input.path === what)?.path ?? "."),
        lines: { begin: 1 },
      },
    });
  return `${JSON.stringify(unique(issues), null, 2)}\n`;
};

/** GitLab drops an issue whose fingerprint it has seen. */
function unique(issues: readonly Issue[]): Issue[] {
  const seen = new Map<string, number>();
  return issues.map((issue) => {
    const times = (seen.get(issue.fingerprint) ?? 0) + 1;
    seen.set(issue.fingerprint, times);
    return times === 1 ? issue : { ...issue, fingerprint: `${issue.fingerprint}-${times}` };
  });
}
