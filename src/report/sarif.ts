/** SARIF 2.1.0, for code scanning: the checks as rules, the findings as results, what failed as notifications. */

import type { Finding, Severity } from "../contract/finding.ts";
import type { Report, Rule, SuppressedFinding } from "../contract/report.ts";
import {
  type ExportOptions,
  isKnown,
  notEvaluated,
  placeIn,
  type Renderer,
  shownFindings,
} from "./export.ts";
import { placeOf } from "./finding-text.ts";
import { stringify } from "./json.ts";
import { printable } from "./printable.ts";

const LEVELS: Readonly<Record<Severity, string>> = { error: "error", warning: "warning", info: "note" };

export const renderSarif: Renderer = (report, options) => {
  const { rules, index } = rulesOf(report, options);
  const result = (finding: Finding) => resultOf(report, finding, index, options);
  const run = {
    tool: {
      driver: {
        name: report.tool.name,
        version: report.tool.version,
        semanticVersion: report.tool.version,
        rules,
      },
    },
    invocations: [
      {
        executionSuccessful: notEvaluated(report).length === 0,
        toolExecutionNotifications: notEvaluated(report).map(({ what, why }) => ({
          level: "error",
          message: { text: printable(`Not evaluated: ${what}: ${why}`) },
        })),
      },
    ],
    originalUriBaseIds: { SRCROOT: { description: { text: "The root of the repository." } } },
    columnKind: "utf16CodeUnits",
    results: [
      ...shownFindings(report, options).map((finding) => ({ ...result(finding), ...baselineState(finding) })),
      // Found no more: readers that know nothing of baselines must not take it for a defect.
      ...report.fixed.map((finding) => ({
        ...result(finding),
        kind: "pass",
        level: "none",
        baselineState: "absent",
      })),
      ...report.suppressed.map((finding) => ({
        ...result(finding),
        suppressions: [suppressionOf(finding)],
      })),
    ],
  };
  const log = { $schema: "https://json.schemastore.org/sarif-2.1.0.json", version: "2.1.0", runs: [run] };
  return `${stringify(log, 2)}\n`;
};

/** The rules of the findings' checks, each with its help. */
function rulesOf(report: Report, options: ExportOptions): { rules: object[]; index: Map<string, number> } {
  const known = new Map([...options.rules, ...(report.ownChecks ?? [])].map((rule) => [rule.id, rule]));
  const used = new Set(
    [...report.outcomes, ...report.findings, ...report.fixed, ...report.suppressed].map((o) => o.check),
  );
  const ids = [...used].sort();
  return {
    rules: ids.map((id) => ruleOf(id, known.get(id))),
    index: new Map(ids.map((id, i) => [id, i])),
  };
}

function ruleOf(id: string, rule: Rule | undefined): object {
  // A check that could not be loaded, or one of a baseline that is gone.
  if (!rule) {
    const text = "This check was not part of the run, so nothing describes it.";
    return { id, shortDescription: { text: id }, help: { text, markdown: text } };
  }
  const { title, what, why, fix, silent, severity } = rule.meta;
  const text = [
    what,
    `Why it matters: ${why}`,
    `What to do: ${fix}`,
    ...(silent.length > 0 ? [`Silent when:\n${silent.map((s) => `- ${s}`).join("\n")}`] : []),
  ].map((paragraph) => paragraph.split("\n").map(printable).join("\n"));
  return {
    id,
    name: id,
    shortDescription: { text: printable(title) },
    fullDescription: { text: printable(what) },
    help: { text: text.join("\n\n"), markdown: text.join("\n\n") },
    defaultConfiguration: { level: LEVELS[severity] },
    properties: { tags: ["data-quality"], precision: "high" },
  };
}

function resultOf(
  report: Report,
  finding: Finding,
  index: ReadonlyMap<string, number>,
  options: ExportOptions,
): object {
  const { path, line } = placeIn(report, finding, options);
  return {
    ruleId: finding.check,
    ruleIndex: index.get(finding.check),
    level: LEVELS[finding.severity],
    message: { text: printable(`${finding.title}. ${finding.message} ${finding.fix}`) },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: uriOf(path), ...(isRelative(path) && { uriBaseId: "SRCROOT" }) },
          region: { startLine: Math.max(1, line) },
        },
        logicalLocations: [{ fullyQualifiedName: printable(placeOf(finding)) }],
      },
    ],
    partialFingerprints: { "trueup/v1": finding.fingerprint },
    properties: {
      severity: finding.severity,
      target: printable(finding.target),
      measure: finding.measure,
      sql: printable(finding.sql),
      ...(options.samples && { samples: finding.samples }),
    },
  };
}

function suppressionOf({ suppression }: SuppressedFinding): object {
  const { reason, until } = suppression ?? { reason: "", until: null };
  const justification = printable(`${reason}${until === null ? "" : ` (until ${until})`}`);
  return { kind: "external", ...(justification !== "" && { justification }) };
}

/** What is known keeps its severity among the properties: its level must not fail a gate. */
function baselineState(finding: Finding): { baselineState?: string; level?: string } {
  if (finding.baseline === null) return {};
  if (isKnown(finding)) return { baselineState: "unchanged", level: LEVELS.info };
  return { baselineState: finding.baseline === "worse" ? "updated" : "new" };
}

function isRelative(path: string): boolean {
  return !path.startsWith("/") && !/^[a-z][a-z0-9+.-]*:\/\//i.test(path);
}

function uriOf(path: string): string {
  return wellFormed(path)
    .split("/")
    .map(encodeURIComponent)
    .join("/")
    .replace(/^([a-z][a-z0-9+.-]*)%3A(?=\/\/)/i, "$1:");
}

/** A broken half of a character has no place in a URI. */
function wellFormed(path: string): string {
  return path.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "\ufffd");
}
