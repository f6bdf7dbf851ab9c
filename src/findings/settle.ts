/** Makes findings of drafts: location, fingerprint, order. */

import { createHash } from "node:crypto";
import { undated } from "../contract/baseline.ts";
import type { Table } from "../contract/evidence.ts";
import { type Finding, type Location, type NamedDraft, SEVERITIES } from "../contract/finding.ts";

/** Findings in their order: worst first, then check, target and key. Same drafts, same bytes. */
export function settleFindings(drafts: readonly NamedDraft[], tables: readonly Table[]): Finding[] {
  const findings = drafts.map((draft) => findingOf(draft, tables));
  const keyOf = (f: Finding) => `${SEVERITIES.indexOf(f.severity)} ${f.check} ${f.target} ${f.fingerprint}`;
  return findings.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : 0));
}

function findingOf(draft: NamedDraft, tables: readonly Table[]): Finding {
  const tableName = draft.location?.table ?? tables.find((t) => t.name === draft.target)?.name ?? null;
  const location: Location = {
    input: draft.location?.input ?? tables.find((t) => t.name === tableName)?.input ?? null,
    table: tableName,
    column: draft.location?.column ?? null,
    file: draft.location?.file ?? null,
    line: draft.location?.line ?? null,
  };
  return {
    check: draft.check,
    severity: draft.severity,
    fingerprint: fingerprintOf(draft, location),
    title: draft.title,
    message: draft.message,
    target: draft.target,
    location,
    measure: draft.measure,
    evidence: draft.evidence,
    samples: draft.samples ?? [],
    sql: draft.sql,
    causes: draft.causes ?? [],
    fix: draft.fix,
    baseline: null,
    timeline: draft.timeline ?? null,
  };
}

/** Of what the defect is and where, never of how much or when: it survives new rows, moved lines, rotated files. */
export function fingerprintOf(draft: NamedDraft, location: Location): string {
  const parts = [
    draft.check,
    undated(draft.target),
    undated(location.table ?? ""),
    location.column ?? "",
    undated(location.file ?? ""),
    (draft.key ?? "").normalize("NFC").replace(/\s+/g, " ").trim(),
  ];
  return createHash("sha256").update(parts.join("\0")).digest("hex").slice(0, 16);
}
