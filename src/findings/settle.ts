/** Makes findings of drafts: location, fingerprint, order. */

import { createHash } from "node:crypto";
import { undated } from "../contract/baseline.ts";
import type { Evidence } from "../contract/evidence.ts";
import { type Finding, type Location, type NamedDraft, SEVERITIES } from "../contract/finding.ts";
import { treeOf } from "../contract/tree.ts";

/** What was loaded, as far as locations need it. */
type Loaded = Pick<Evidence, "inputs" | "tables">;

/** Findings in their order: worst first, then check, target and key. Same drafts, same bytes. */
export function settleFindings(drafts: readonly NamedDraft[], loaded: Loaded): Finding[] {
  const findings = drafts.map((draft) => findingOf(draft, loaded));
  const keyOf = (f: Finding) => `${SEVERITIES.indexOf(f.severity)} ${f.check} ${f.target} ${f.fingerprint}`;
  return findings.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : 0));
}

function findingOf(draft: NamedDraft, { inputs, tables }: Loaded): Finding {
  const tableName = draft.location?.table ?? tables.find((t) => t.name === draft.target)?.name ?? null;
  const file = draft.location?.file ?? null;
  const named = inputs.find((input) => input.name === draft.location?.input);
  // All code is one target: of several trees, the file tells which.
  const tree = file !== null && named?.root !== undefined ? treeOf(inputs, file) : named;
  const location: Location = {
    input: tree?.name ?? draft.location?.input ?? tables.find((t) => t.name === tableName)?.input ?? null,
    table: tableName,
    column: draft.location?.column ?? null,
    file,
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
