/** The report for people: what was read, what is wrong, worst first, what was not looked at, what to do next. */

import { type Finding, type OutcomeStatus, SEVERITIES } from "../contract/finding.ts";
import type { RenderOptions, Report } from "../contract/report.ts";
import { instant, number, plural } from "../contract/wording.ts";
import { groupLines, groupsOf, hanging, shortLines } from "./finding-text.ts";
import { fixedLines, isHushed, noteLines, stateParts, suppressedLines } from "./gate-text.ts";
import { inputLines } from "./inputs.ts";
import { cutTo, joinParts, type Paint, pad, paintOf, SEVERITY_STYLE } from "./layout.ts";
import { printable } from "./printable.ts";

/** Groups of errors and warnings shown in full; the others get their title and numbers. */
const FULL_MAX = 12;
/** Findings shown in short after that. */
const SHORT_MAX = 30;
/** Infos shown without --verbose. */
const INFOS_MAX = 5;

export function renderText(report: Report, options: RenderOptions): string {
  const paint = paintOf(options.color);
  const sections = [headerLines(report, options, paint)];
  sections.push(...findingSections(report, options, paint));
  sections.push(fixedLines(report, options, paint));
  if (options.showSuppressed) sections.push(suppressedLines(report, options, paint));
  if (options.verbose) sections.push(outcomeLines(report, options, paint));
  sections.push(summaryLines(report, options, paint));
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}

function headerLines(report: Report, options: RenderOptions, paint: Paint): string[] {
  const rows = report.inputs.reduce((sum, input) => sum + input.rows, 0);
  const facts = [
    plural(report.inputs.length, "input"),
    plural(rows, "row"),
    `times in ${report.timezone}`,
    `now ${instant(report.now)}`,
  ].map((fact) => paint.dim(fact));
  const name = `${paint.bold("trueup")} ${report.tool.version}`;
  return [
    ...joinParts([name, ...facts], options.width, paint),
    "",
    ...inputLines(report.inputs, report.tables, options, paint),
  ];
}

function findingSections(report: Report, options: RenderOptions, paint: Paint): string[][] {
  const bar = SEVERITIES.indexOf(options.severity);
  const shown = report.findings.filter((f) => SEVERITIES.indexOf(f.severity) <= bar && !isHushed(f, options));
  const groups = groupsOf(shown.filter((f) => f.severity !== "info"));
  const fullMax = options.verbose ? groups.length : FULL_MAX;
  const sections = groups.slice(0, fullMax).map((group) => groupLines(group, options, paint));
  const rest = groups.slice(fullMax).flat();
  if (rest.length > 0) sections.push(shortSection(rest, SHORT_MAX, options, paint));
  const infos = shown.filter((f) => f.severity === "info");
  if (infos.length > 0)
    sections.push(shortSection(infos, options.verbose ? infos.length : INFOS_MAX, options, paint));
  return sections;
}

function shortSection(
  findings: readonly Finding[],
  max: number,
  options: RenderOptions,
  paint: Paint,
): string[] {
  const lines = findings.slice(0, max).flatMap((finding) => shortLines(finding, options, paint));
  if (findings.length > max)
    lines.push(paint.dim(`  and ${number(findings.length - max)} more; --verbose shows them`));
  return lines;
}

function outcomeLines(report: Report, options: RenderOptions, paint: Paint): string[] {
  const width = Math.max(...report.outcomes.map((o) => o.check.length), 0);
  return report.outcomes.map((outcome) => {
    const color = { clean: paint.green, found: paint.yellow, skipped: paint.dim, failed: paint.red }[
      outcome.status
    ];
    const reason = outcome.reason === null ? "" : `: ${outcome.reason}`;
    const text = printable(`${outcome.target}${reason}`);
    return `${color(pad(outcome.status, 7))}  ${pad(printable(outcome.check), width)}  ${cutTo(text, Math.max(10, options.width - width - 11))}`;
  });
}

function summaryLines(report: Report, options: RenderOptions, paint: Paint): string[] {
  const { summary, outcomes } = report;
  const counts = (
    [
      ["error", summary.errors],
      ["warning", summary.warnings],
      ["info", summary.infos],
    ] as const
  )
    .filter(([, count]) => count > 0)
    .map(([severity, count]) => paint[SEVERITY_STYLE[severity].color].bold(plural(count, severity)));
  const of = (status: OutcomeStatus) => outcomes.filter((o) => o.status === status).length;
  const ran = of("clean") + of("found") > 0;
  const whole = ran && of("failed") === 0 && report.inputs.every((input) => input.error === undefined);
  // What was not evaluated is never shown as passed.
  const none = whole
    ? paint.green.bold("✔ no findings")
    : paint.bold("no findings in what could be evaluated");
  const statuses = (["found", "clean", "skipped", "failed"] as const)
    .filter((status) => of(status) > 0)
    .map((status) => `${number(of(status))} ${status}`);
  const parts = [
    ...stateParts(report),
    statuses.length > 0 ? `checks: ${statuses.join(", ")}` : "no check ran",
  ];
  const hidden = report.findings.filter(
    (f) => SEVERITIES.indexOf(f.severity) > SEVERITIES.indexOf(options.severity),
  );
  if (hidden.length > 0)
    parts.push(`${number(hidden.length)} below --severity ${options.severity} not shown`);
  if (report.suppressed.length > 0) parts.push(`${number(report.suppressed.length)} suppressed`);
  if (of("skipped") > 0 && !options.verbose) parts.push("--verbose tells why");
  const head = counts.length > 0 ? counts.join(", ") : none;
  const lines = joinParts([head, ...parts.map((part) => paint.dim(part))], options.width, paint);
  const unread = report.inputs.filter((input) => input.error !== undefined).map((input) => input.path);
  if (unread.length > 0)
    lines.push(
      ...hanging(
        paint.red("not evaluated: "),
        "  ",
        `${printable(unread.join(", "))} (see above)`,
        options.width,
      ),
    );
  for (const outcome of outcomes.filter((o) => o.status === "failed"))
    lines.push(
      ...hanging(
        paint.red("not evaluated: "),
        "  ",
        printable(`${outcome.check} on ${outcome.target}: ${outcome.reason}`),
        options.width,
      ),
    );
  lines.push(...noteLines(report, options, paint));
  lines.push(...hanging(`${paint.dim("next:")} `, "  ", nextCommand(report), options.width));
  return lines;
}

/** What a reader does next: understand the worst finding, or see what was understood. */
function nextCommand(report: Report): string {
  const worst = report.findings.find(
    (finding) => finding.severity !== "info" && finding.baseline !== "known",
  );
  if (worst) return `trueup explain ${printable(worst.check)}`;
  const paths = report.inputs
    .filter((input) => input.error === undefined)
    .map((input) => shellWord(input.path));
  return paths.length === 0 ? "trueup audit --help" : `trueup inspect ${paths.join(" ")}`;
}

function shellWord(text: string): string {
  const safe = printable(text);
  return /^[\w@%+=:,./-]+$/.test(safe) ? safe : `'${safe.replace(/'/g, "'\\''")}'`;
}
