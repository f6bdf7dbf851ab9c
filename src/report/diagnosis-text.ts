/** The diagnosis for people: per incident the likeliest cause and the next look, then the picture and all causes with what speaks for and against. */

import type { DiagnosedIncident, Diagnosis } from "../contract/diagnosis.ts";
import type { Cause } from "../contract/finding.ts";
import type { RenderOptions } from "../contract/report.ts";
import { instant, percent, plural } from "../contract/wording.ts";
import { hanging, placeOf, sqlLines } from "./finding-text.ts";
import { type Paint, paintOf, SEVERITY_STYLE, wrap } from "./layout.ts";
import { drawTimeline } from "./picture.ts";
import { printable } from "./printable.ts";

/** Characters of a full bar. */
const BAR = 10;

export function renderDiagnosisText(diagnosis: Diagnosis, options: RenderOptions): string {
  const paint = paintOf(options.color);
  const sections = diagnosis.incidents.map((incident, i) => incidentLines(incident, i, options, paint));
  sections.push(endLines(diagnosis, options, paint));
  return `${sections.map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

function incidentLines(
  incident: DiagnosedIncident,
  index: number,
  options: RenderOptions,
  paint: Paint,
): string[] {
  const { width } = options;
  const lines = [paint.bold(`Incident ${index + 1}  ${onsetOf(incident)}`)];
  const head = (name: string) => `  ${paint.bold(name.padEnd(5))}  `;
  lines.push(...hanging(head("cause"), "         ", printable(verdictOf(incident)), width));
  lines.push(...hanging(head("next"), "         ", printable(incident.next), width), "");
  for (const finding of incident.findings) {
    const { mark, color } = SEVERITY_STYLE[finding.severity];
    const head = `  ${paint[color](mark)} `;
    const text = `${printable(finding.title)} · ${printable(placeOf(finding))}: ${printable(finding.message)}`;
    lines.push(...hanging(head, "    ", text, width));
  }
  if (incident.timeline && incident.timeline.lanes.length > 0)
    lines.push("", ...drawTimeline(incident.timeline, width - 4, paint).map((line) => `    ${line}`));
  const supported = incident.causes.filter((cause) => cause.score > 0);
  const refuted = incident.causes.filter((cause) => cause.score === 0);
  for (const cause of supported) lines.push("", ...causeLines(cause, options, paint));
  if (refuted.length > 0) {
    lines.push("", `  ${paint.dim("nothing speaks for")}`);
    for (const cause of refuted)
      lines.push(
        ...hanging(
          `    ${printable(cause.hypothesis)}: `,
          "      ",
          printable(cause.against.join("; ")),
          width,
        ),
      );
  }
  if (incident.missing.length > 0) {
    lines.push("", `  ${paint.dim("evidence that is missing")}`);
    for (const missing of incident.missing)
      lines.push(...hanging("    · ", "      ", printable(missing), width));
  }
  return lines;
}

/** The likeliest cause and its share, and the one that is tied with it; or that nothing decides. */
export function verdictOf({ causes }: DiagnosedIncident): string {
  const [first, second] = causes.filter((cause) => cause.score > 0);
  if (!first) return "not enough evidence to name one";
  const told = `${first.title} (${first.hypothesis}, ${percent(first.score)})`;
  return first.tied && second ? `${told}, or just as likely ${second.title} (${second.hypothesis})` : told;
}

function causeLines(cause: Cause, options: RenderOptions, paint: Paint): string[] {
  const { width } = options;
  const full = Math.round(cause.score * BAR);
  const bar = "█".repeat(full) + "░".repeat(BAR - full);
  const tied = cause.tied ? paint.dim("  tied: what is loaded does not tell them apart") : "";
  const lines = [
    `  ${paint.cyan(bar)} ${percent(cause.score).padStart(7)}  ${paint.bold(printable(cause.hypothesis))}  ${printable(cause.title)}${tied}`,
  ];
  const query = (sql: string) =>
    sqlLines(sql, { ...options, width: width - 4 }, paint).map((line) => `    ${line}`);
  for (const { verdict, text, sql } of cause.evidence) {
    const sign = verdict === "for" ? paint.green("+") : paint.red("−");
    lines.push(...hanging(`    ${sign} `, "      ", printable(text), width));
    if (options.verbose) lines.push(...query(sql));
  }
  lines.push(...hanging(`    ${paint.dim("settle")}  `, "            ", printable(cause.confirm), width));
  if (!options.verbose) lines.push(...query(cause.sql).map((line) => line.slice(2)));
  return lines;
}

/** `began between 2025-11-23 16:30:35 and 2025-11-24 08:00:01`. */
export function onsetOf({ from, to, findings }: DiagnosedIncident): string {
  if (from === null || to === null) return "without a time";
  const ended = findings.every((finding) => finding.severity === "info");
  const verb = ended ? "up to" : "began";
  return from === to ? `${verb} ${instant(from)}` : `${verb} between ${instant(from)} and ${instant(to)}`;
}

function endLines(diagnosis: Diagnosis, options: RenderOptions, paint: Paint): string[] {
  const { incidents, outcomes, inputs } = diagnosis;
  const whole =
    inputs.every((input) => input.error === undefined) && outcomes.every((o) => o.status !== "failed");
  const lines: string[] = [];
  const [first] = incidents;
  if (first && incidents.length === 1)
    lines.push(
      ...hanging(
        `${paint.bold("1 incident")}  `,
        "  ",
        printable(`${verdictOf(first)}; next: ${first.next}`),
        options.width,
      ),
    );
  else if (first) {
    lines.push(paint.bold(plural(incidents.length, "incident")));
    incidents.forEach((one, i) => {
      const text = `${onsetOf(one)}: ${verdictOf(one)}; next: ${one.next}`;
      lines.push(...hanging(`  ${i + 1}  `, "     ", printable(text), options.width));
    });
  } else if (whole) lines.push(paint.green.bold("✔ no incident"));
  else lines.push(paint.bold("no incident in what could be evaluated"));
  for (const input of inputs.filter((i) => i.error !== undefined))
    lines.push(...wrap(`${paint.red("not evaluated:")} ${printable(input.error ?? "")}`, options.width));
  for (const outcome of outcomes.filter((o) => o.status === "failed"))
    lines.push(
      ...wrap(
        `${paint.red("failed:")} ${outcome.check} on ${printable(outcome.target)}: ${printable(outcome.reason ?? "")}`,
        options.width,
      ),
    );
  return lines;
}
