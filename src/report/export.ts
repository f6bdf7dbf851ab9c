/** What the formats for other systems share: their options, where a finding stands in a repository, what was not read. */

import type { Finding, Severity } from "../contract/finding.ts";
import { SEVERITIES } from "../contract/finding.ts";
import type { RenderOptions, Report, Rule } from "../contract/report.ts";
import { pathOf } from "../contract/tree.ts";
import { number, percent, plural } from "../contract/wording.ts";

/** A place in a file of the repository. */
export interface Place {
  /** With `/`. */
  path: string;
  /** 1-based. */
  line: number;
}

export interface ExportOptions extends RenderOptions {
  /** Whether formats that leave the machine carry sample rows. */
  samples: boolean;
  failOn: Severity | "never";
  rules: readonly Rule[];
  /** Where trueup ran, relative to the repository's root: `""` or `sub/folder/`. */
  prefix: string;
  /** The line of the configuration that names an input, by the input's path; both relative to where trueup ran. */
  configured: ReadonlyMap<string, Place>;
}

export type Renderer = (report: Report, options: ExportOptions) => string;

/** The findings that are shown. */
export function shownFindings(report: Report, options: RenderOptions): Finding[] {
  const bar = SEVERITIES.indexOf(options.severity);
  return report.findings.filter((finding) => SEVERITIES.indexOf(finding.severity) <= bar);
}

/** What a baseline has accepted: told, but never as something that fails. */
export function isKnown(finding: Finding): boolean {
  return finding.baseline === "known";
}

/** `1 new, 2 known, 1 fixed`, or `""` without a baseline and suppressions. */
export function statesText({ summary, suppressed }: Report): string {
  const counts = { ...summary, suppressed: suppressed.length };
  return (["new", "worse", "known", "fixed", "suppressed"] as const)
    .filter((state) => counts[state] > 0)
    .map((state) => `${number(counts[state])} ${state}`)
    .join(", ");
}

/**
 * Where a finding stands in the repository: the code that is responsible, else the line of the configuration that names
 * its input, else the input itself.
 */
export function placeIn(report: Report, finding: Finding, options: ExportOptions): Place {
  const { location } = finding;
  const input = report.inputs.find((candidate) => candidate.name === location.input) ?? report.inputs[0];
  const path = input?.path ?? ".";
  if (location.file !== null) {
    const file = pathOf(input ?? { path }, location.file);
    return { path: joined(options.prefix, file), line: location.line ?? 1 };
  }
  const configured = options.configured.get(path);
  return { path: joined(options.prefix, configured?.path ?? path), line: configured?.line ?? 1 };
}

/** `sub/` and `../logs/a.log` → `logs/a.log`; what lies outside the repository keeps its `..`. */
function joined(prefix: string, path: string): string {
  if (path.startsWith("/") || /^[a-z][a-z0-9+.-]*:\/\//i.test(path)) return path;
  const parts: string[] = [];
  for (const part of `${prefix}${path}`.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === ".." && parts.length > 0 && parts.at(-1) !== "..") parts.pop();
    else parts.push(part);
  }
  return parts.join("/") || ".";
}

/** What could not be evaluated: inputs with an error and checks that failed, one line each. */
export function notEvaluated(report: Report): { what: string; why: string }[] {
  return [
    ...report.inputs.flatMap(({ path, error }) => (error === undefined ? [] : [{ what: path, why: error }])),
    ...report.outcomes.flatMap(({ check, target, status, reason }) =>
      status === "failed" ? [{ what: `${check} on ${target}`, why: reason ?? "failed" }] : [],
    ),
  ];
}

/** `2 errors, 1 warning; 3 checks could not be evaluated`. */
export function summarySentence(report: Report): string {
  const { errors, warnings, infos } = report.summary;
  const counts = [
    errors > 0 ? plural(errors, "error") : "",
    warnings > 0 ? plural(warnings, "warning") : "",
    infos > 0 ? plural(infos, "info") : "",
  ].filter(Boolean);
  const failed = notEvaluated(report).length;
  const states = statesText(report);
  const head = `${counts.length > 0 ? counts.join(", ") : "no findings"}${states === "" ? "" : ` (${states})`}`;
  return failed === 0
    ? head
    : `${head}; ${plural(failed, "input or check", "inputs or checks")} could not be evaluated`;
}

/** Rejected rows of an input as a sentence, or null. */
export function rejectedSentence(input: Report["inputs"][number]): string | null {
  if (input.rejected === 0) return null;
  return `${plural(input.rejected, "row")} rejected (${percent(input.rejected / (input.rows + input.rejected))})`;
}
