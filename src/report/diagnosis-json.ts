/** The diagnosis for machines: the same bytes for the same evidence. */

import type { Diagnosis } from "../contract/diagnosis.ts";
import { stringify } from "./json.ts";

export function renderDiagnosisJson(diagnosis: Diagnosis): string {
  const { schemaVersion, tool, now, timezone, inputs, incidents } = diagnosis;
  return `${stringify(
    {
      schemaVersion,
      tool,
      now,
      timezone,
      inputs: inputs.map(({ error, ...input }) => ({ ...input, error: error ?? null })),
      incidents: incidents.map(({ findings, ...incident }) => ({
        from: incident.from,
        to: incident.to,
        findings: findings.map(({ check, severity, fingerprint, title, message, target, location }) => ({
          check,
          severity,
          fingerprint,
          title,
          message,
          target,
          location,
        })),
        timeline: incident.timeline,
        causes: incident.causes,
        missing: incident.missing,
        next: incident.next,
      })),
    },
    2,
  )}\n`;
}
