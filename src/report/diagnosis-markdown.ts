/** The diagnosis as Markdown for an incident's page: nothing of an input is markup in it. */

import type { DiagnosedIncident, Diagnosis } from "../contract/diagnosis.ts";
import type { Cause } from "../contract/finding.ts";
import { percent } from "../contract/wording.ts";
import { onsetOf, verdictOf } from "./diagnosis-text.ts";
import { placeOf } from "./finding-text.ts";
import { fence, prose, timelineBlock } from "./markdown.ts";
import { printable } from "./printable.ts";

export function renderDiagnosisMarkdown({ incidents, inputs }: Diagnosis): string {
  const failed = inputs.flatMap((input) =>
    input.error === undefined ? [] : [`- not evaluated: ${prose(input.error)}`],
  );
  const parts = [incidents.length === 0 ? "## trueup: no incident" : "## trueup: diagnosis"];
  if (failed.length > 0) parts.push(failed.join("\n"));
  parts.push(...incidents.map(incidentText));
  return `${parts.join("\n\n")}\n`;
}

function incidentText(incident: DiagnosedIncident, index: number): string {
  const parts = [
    `### Incident ${index + 1}: ${onsetOf(incident)}`,
    `**Cause:** ${prose(verdictOf(incident))}\\\n**Next:** ${prose(incident.next)}`,
    incident.findings
      .map((f) => `- **${prose(f.title)}** (${prose(placeOf(f))}): ${prose(f.message)}`)
      .join("\n"),
  ];
  if (incident.timeline && incident.timeline.lanes.length > 0) parts.push(timelineBlock(incident.timeline));
  parts.push(...incident.causes.filter((cause) => cause.score > 0).map(causeText));
  const refuted = incident.causes.filter((cause) => cause.score === 0);
  if (refuted.length > 0)
    parts.push(
      `Nothing speaks for:\n\n${refuted.map((c) => `- \`${c.hypothesis}\`: ${prose(c.against.join("; "))}`).join("\n")}`,
    );
  if (incident.missing.length > 0)
    parts.push(
      `Evidence that is missing:\n\n${incident.missing.map((text) => `- ${prose(text)}`).join("\n")}`,
    );
  return parts.join("\n\n");
}

function causeText(cause: Cause): string {
  const lines = [
    ...cause.for.map((text) => `- for: ${prose(text)}`),
    ...cause.against.map((text) => `- against: ${prose(text)}`),
    `- settle: ${prose(cause.confirm)}`,
  ];
  const tied = cause.tied ? " (tied)" : "";
  const parts = [
    `**${percent(cause.score)} \`${cause.hypothesis}\`** ${prose(cause.title)}${tied}`,
    lines.join("\n"),
  ];
  if (cause.sql !== "") parts.push(fence(cause.sql.split("\n").map(printable).join("\n"), "sql"));
  return parts.join("\n\n");
}
