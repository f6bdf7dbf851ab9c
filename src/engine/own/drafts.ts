/** Checks what an own check returns: its author may have forgotten something, and the report must not break on it. */

import {
  type FindingDraft,
  type Row,
  SEVERITIES,
  type Severity,
  type Value,
} from "../../contract/finding.ts";

/** Longer texts of the data are told by their length. */
const TEXT_MAX = 200;
const SAMPLES_MAX = 5;

/** A draft with every part in its place. Throws one line that names what is missing. */
export function draftOf(value: unknown): FindingDraft {
  if (typeof value !== "object" || value === null) throw new Error("returned something that is no finding");
  const draft = value as Partial<FindingDraft>;
  const { title, message, measure, severity, location } = draft;
  if (typeof title !== "string" || title === "") throw new Error("returned a finding without a title");
  if (typeof message !== "string" || message === "") throw new Error("returned a finding without a message");
  if (
    typeof measure?.name !== "string" ||
    typeof measure.value !== "number" ||
    !Number.isFinite(measure.value)
  )
    throw new Error("returned a finding without a measure: { name, value }");
  if (severity !== undefined && !SEVERITIES.includes(severity))
    throw new Error(`returned a finding of severity "${String(severity)}"; use ${SEVERITIES.join(", ")}`);
  return {
    title,
    message,
    measure: { name: measure.name, value: measure.value },
    evidence: rowOf(draft.evidence ?? {}),
    samples: Array.isArray(draft.samples) ? draft.samples.slice(0, SAMPLES_MAX).map(rowOf) : [],
    sql: typeof draft.sql === "string" ? draft.sql : "",
    ...(severity && { severity }),
    ...(location && {
      location: {
        ...textsOf(location, ["input", "table", "column", "file"]),
        ...(Number.isInteger(location.line) && { line: location.line as number }),
      },
    }),
    ...(draft.key !== undefined && { key: String(draft.key) }),
    ...(typeof draft.fix === "string" && { fix: draft.fix }),
  };
}

function textsOf(object: object, keys: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    Object.entries(object).filter(([key, item]) => keys.includes(key) && typeof item === "string"),
  );
}

/** A row of plain values, its long texts told by their length. */
export function rowOf(row: unknown): Row {
  if (typeof row !== "object" || row === null) return {};
  return Object.fromEntries(Object.entries(row).map(([key, value]) => [key, shortened(value as Value)]));
}

function shortened(value: Value): Value {
  if (typeof value === "string") return value.length > TEXT_MAX ? `<${value.length} characters>` : value;
  if (Array.isArray(value)) return value.map(shortened);
  if (typeof value === "object" && value !== null) return rowOf(value);
  return ["number", "bigint", "boolean"].includes(typeof value) ? value : null;
}

export function severityOf(text: string, where: string): Severity {
  if ((SEVERITIES as readonly string[]).includes(text)) return text as Severity;
  throw new Error(`${where}: severity "${text}" is none of ${SEVERITIES.join(", ")}`);
}
