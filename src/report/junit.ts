/** JUnit XML: a test case per check and target, so that a CI shows what ran, what was skipped and what failed. */

import type { Finding, Outcome, Severity } from "../contract/finding.ts";
import { SEVERITIES } from "../contract/finding.ts";
import type { Report, SuppressedFinding } from "../contract/report.ts";
import { type ExportOptions, isKnown, placeIn, type Renderer, shownFindings } from "./export.ts";
import { placeOf } from "./finding-text.ts";
import { stringify } from "./json.ts";
import { printable } from "./printable.ts";

/** `tests/report/junit.xsd` describes it. */
export const renderJunit: Renderer = (report, options) => {
  const suites = [inputSuite(report), ...checkSuites(report, options)];
  const total = (name: keyof Counts) => suites.reduce((sum, suite) => sum + suite.counts[name], 0);
  const head = `tests="${total("tests")}" failures="${total("failures")}" errors="${total("errors")}" skipped="${total("skipped")}"`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="trueup" ${head}>\n${suites
    .map((suite) => suite.xml)
    .join("")}</testsuites>\n`;
};

interface Counts {
  tests: number;
  failures: number;
  errors: number;
  skipped: number;
}

interface Case {
  name: string;
  kind: "passed" | "failures" | "errors" | "skipped";
  /** What stands inside the element. */
  body: string;
  file?: string;
}

interface Suite {
  counts: Counts;
  xml: string;
}

function suiteOf(name: string, cases: readonly Case[], report: Report): Suite {
  const count = (kind: Case["kind"]) => cases.filter((c) => c.kind === kind).length;
  const counts = {
    tests: cases.length,
    failures: count("failures"),
    errors: count("errors"),
    skipped: count("skipped"),
  };
  const time = report.now.replace(/(\.\d+)?Z$/, "");
  const lines = cases.map((c) => {
    const file = c.file === undefined ? "" : ` file="${attribute(c.file)}"`;
    const open = `    <testcase classname="${attribute(name)}" name="${attribute(c.name)}"${file} time="0"`;
    return c.body === "" ? `${open}/>\n` : `${open}>\n${c.body}    </testcase>\n`;
  });
  const head = `name="${attribute(name)}" tests="${counts.tests}" failures="${counts.failures}" errors="${counts.errors}" skipped="${counts.skipped}" time="0" timestamp="${attribute(time)}"`;
  return { counts, xml: `  <testsuite ${head}>\n${lines.join("")}  </testsuite>\n` };
}

/** Every input that was named is a case: one that could not be read is an error, not a silent pass. */
function inputSuite(report: Report): Suite {
  const cases = report.inputs.map(({ path, error }): Case => {
    if (error === undefined) return { name: path, kind: "passed", body: "" };
    return { name: path, kind: "errors", body: element("error", error, "not-evaluated", "") };
  });
  return suiteOf("inputs", cases, report);
}

function checkSuites(report: Report, options: ExportOptions): Suite[] {
  const findings = shownFindings(report, options);
  const settled = [
    ...report.fixed.map((finding) => ({ finding, told: "fixed: " })),
    ...report.suppressed.map((finding) => ({ finding, told: `suppressed (${reasonOf(finding)}): ` })),
  ];
  const isAt =
    ({ check, target }: Outcome) =>
    (finding: Finding) =>
      finding.check === check && finding.target === target;
  // The target of what is fixed may be gone, and with it its outcome.
  const gone = report.fixed
    .filter((finding) => !report.outcomes.some((outcome) => isAt(outcome)(finding)))
    .map(({ check, target }): Outcome => ({ check, target, status: "clean", reason: null }));
  return [...groupByCheck([...report.outcomes, ...gone])].map(([check, outcomes]) =>
    suiteOf(
      check,
      outcomes.map((outcome) => {
        const notes = settled
          .filter(({ finding }) => isAt(outcome)(finding))
          .map(({ finding, told }) => `${told}${finding.title} (${placeOf(finding)})`);
        return caseOf(outcome, findings.filter(isAt(outcome)), notes, report, options);
      }),
      report,
    ),
  );
}

function reasonOf({ suppression }: SuppressedFinding): string {
  return suppression?.reason ?? "";
}

function groupByCheck(outcomes: readonly Outcome[]): Map<string, Outcome[]> {
  const groups = new Map<string, Outcome[]>();
  for (const outcome of outcomes) groups.set(outcome.check, [...(groups.get(outcome.check) ?? []), outcome]);
  return groups;
}

function caseOf(
  outcome: Outcome,
  findings: readonly Finding[],
  /** What is fixed and what is suppressed there. */
  notes: readonly string[],
  report: Report,
  options: ExportOptions,
): Case {
  const name = outcome.target;
  if (outcome.status === "failed")
    return { name, kind: "errors", body: element("error", outcome.reason ?? "failed", "not-evaluated", "") };
  if (outcome.status === "skipped")
    return { name, kind: "skipped", body: `      <skipped message="${attribute(outcome.reason ?? "")}"/>\n` };
  const failing = findings.filter((finding) => fails(finding, options.failOn));
  const place = findings[0] && placeIn(report, findings[0], options).path;
  const file = place === undefined ? {} : { file: place };
  const passing = findings.filter((finding) => !failing.includes(finding));
  const told = [...passing.map((finding) => textOf(finding, options)), ...notes];
  const output = told.length === 0 ? "" : `      <system-out>${content(told.join("\n\n"))}</system-out>\n`;
  if (failing.length === 0) return { name, kind: "passed", body: output, ...file };
  const [first] = failing as [Finding, ...Finding[]];
  const message = failing.length === 1 ? first.message : `${failing.length} findings: ${first.message}`;
  const failure = element(
    "failure",
    message,
    first.severity,
    failing.map((f) => textOf(f, options)).join("\n\n"),
  );
  return { name, kind: "failures", body: failure + output, ...file };
}

function fails(finding: Finding, failOn: Severity | "never"): boolean {
  if (failOn === "never" || isKnown(finding)) return false;
  return SEVERITIES.indexOf(finding.severity) <= SEVERITIES.indexOf(failOn);
}

function textOf(finding: Finding, options: ExportOptions): string {
  const lines = [
    `${isKnown(finding) ? "known " : ""}${finding.severity}: ${finding.title} (${placeOf(finding)})`,
    finding.message,
    `sql: ${finding.sql}`,
    `fix: ${finding.fix}`,
  ];
  if (options.samples) lines.push(...finding.samples.map((row) => `sample: ${stringify(row)}`));
  return lines.join("\n");
}

function element(name: string, message: string, type: string, text: string): string {
  const head = `      <${name} message="${attribute(message)}" type="${attribute(type)}"`;
  return text === "" ? `${head}/>\n` : `${head}>${content(text)}</${name}>\n`;
}

/** XML 1.0 has no characters for controls; they are written out. */
function escaped(text: string): string {
  return text
    .replace(/[\ufffe\uffff]/g, "\ufffd")
    .replace(/&/g, "&amp;")
    .replace(/</g, "&lt;")
    .replace(/>/g, "&gt;")
    .replace(/"/g, "&quot;");
}

function attribute(text: string): string {
  return escaped(printable(text));
}

function content(text: string): string {
  return escaped(text.split("\n").map(printable).join("\n"));
}
