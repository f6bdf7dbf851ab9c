/** Reads a saved JSON report back, for `trueup convert`. */

import { UserError } from "../contract/errors.ts";
import { type Finding, SEVERITIES } from "../contract/finding.ts";
import type { Report } from "../contract/report.ts";

/** A value's shape: a type, a list of one shape, one of several, or an object's members. */
type Shape =
  | "string"
  | "number"
  | "boolean"
  | "null"
  | "any"
  | readonly [Shape]
  | ReadonlySet<Shape>
  | { [key: string]: Shape };

const orNull = (shape: Shape): Shape => new Set([shape, "null" as const]);
const TEXT = orNull("string");

const CAUSE: Shape = {
  hypothesis: "string",
  score: "number",
  for: ["string"],
  against: ["string"],
  confirm: "string",
  sql: "string",
};

const FINDING: Shape = {
  check: "string",
  severity: "string",
  fingerprint: "string",
  title: "string",
  message: "string",
  target: "string",
  location: { input: TEXT, table: TEXT, column: TEXT, file: TEXT, line: orNull("number") },
  measure: { name: "string", value: "any" },
  evidence: {},
  samples: [{}],
  sql: "string",
  causes: [CAUSE],
  fix: "string",
  baseline: TEXT,
  timeline: orNull({
    from: "string",
    to: "string",
    lanes: [{ name: "string", counts: ["number"] }],
    marks: [{ time: "string", label: "string" }],
  }),
};

const FLOW: Shape = {
  tables: [
    {
      table: "string",
      rows: orNull("number"),
      findings: ["string"],
      accesses: [
        {
          mode: "string",
          function: "string",
          file: "string",
          line: "number",
          findings: ["string"],
          ways: [{ kind: "string", name: "string", file: "string", line: "number", routes: ["string"] }],
        },
      ],
    },
  ],
  cut: { tables: "number", accesses: "number", ways: "number" },
};

const OWN_CHECK: Shape = {
  id: "string",
  meta: {
    title: "string",
    severity: "string",
    what: "string",
    why: "string",
    fix: "string",
    silent: ["string"],
    needs: "string",
  },
};

/** As much of `schema/report.schema.json` as renderers rely on. */
const REPORT: Shape = {
  tool: { name: "string", version: "string" },
  now: "string",
  timezone: "string",
  inputs: [
    {
      name: "string",
      kind: "string",
      path: "string",
      rows: "number",
      rejected: "number",
      notes: ["string"],
      error: TEXT,
    },
  ],
  tables: [{ name: "string", input: "string", timeRange: orNull({ from: "string", to: "string" }) }],
  outcomes: [{ check: "string", target: "string", status: "string", reason: TEXT }],
  findings: [FINDING],
  fixed: [FINDING],
  suppressed: [FINDING],
  summary: { errors: "number", warnings: "number", infos: "number" },
};

function matches(value: unknown, shape: Shape): boolean {
  if (shape === "any") return true;
  if (shape === "null") return value === null;
  if (shape === "number") return typeof value === "number" || typeof value === "bigint";
  if (typeof shape === "string") return typeof value === shape;
  if (shape instanceof Set) return [...shape].some((one) => matches(value, one));
  if (Array.isArray(shape))
    return Array.isArray(value) && value.every((item) => matches(item, shape[0] as Shape));
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const members = value as Record<string, unknown>;
  return Object.entries(shape as Record<string, Shape>).every(([key, member]) =>
    matches(members[key], member),
  );
}

const NO_REPORT = "no report of trueup; `trueup audit --format json` prints one";

/**
 * The report that `renderJson` printed. `where` names the file in errors.
 * @throws UserError when the text is no JSON or no report of a version that is known.
 */
export function parseReport(text: string, where: string): Report {
  const value = parsed(text, where);
  if (!matches(value, { schemaVersion: "number" }) || !matches(value, REPORT))
    throw new UserError(`${where}: ${NO_REPORT}`);
  const report = value as Report;
  if (report.schemaVersion !== 1)
    throw new UserError(
      `${where}: a report of schema version ${report.schemaVersion}; this trueup reads version 1`,
    );
  // Reports of earlier versions have none.
  if (!matches(report.flow ?? null, orNull(FLOW)) || !matches(report.ownChecks ?? [], [OWN_CHECK]))
    throw new UserError(`${where}: ${NO_REPORT}`);
  for (const finding of [...report.findings, ...report.fixed, ...report.suppressed])
    if (!SEVERITIES.includes(finding.severity))
      throw new UserError(`${where}: "${finding.severity}" is no severity`);
  return {
    ...report,
    findings: withTitledCauses(report.findings),
    fixed: withTitledCauses(report.fixed),
    suppressed: withTitledCauses(report.suppressed),
    notes: report.notes ?? [],
    flow: report.flow ?? null,
    ownChecks: report.ownChecks ?? [],
    inputs: report.inputs.map(({ error, ...input }) => (error ? { ...input, error } : input)),
  };
}

/** Reports of earlier versions name a cause by its hypothesis alone. */
function withTitledCauses<T extends Finding>(findings: readonly T[]): T[] {
  return findings.map((finding) => ({
    ...finding,
    causes: finding.causes.map((cause) => ({
      ...cause,
      title: cause.title ?? cause.hypothesis,
      evidence: cause.evidence ?? [],
    })),
  }));
}

/** Integers past 2^53 stay exact: they become bigint. */
function parsed(text: string, where: string): unknown {
  const tag = "\u0000big ";
  const marked = text.replace(/"(?:[^"\\]|\\.)*"|-?\d{16,}(?![\d.eE])/g, (token) =>
    token.startsWith('"') ? token : `"\\u0000big ${token}"`,
  );
  try {
    return JSON.parse(marked, (_, value: unknown) => {
      if (typeof value !== "string" || !value.startsWith(tag)) return value;
      const exact = BigInt(value.slice(tag.length));
      return Number.isSafeInteger(Number(exact)) ? Number(exact) : exact;
    });
  } catch {
    throw new UserError(`${where}: no JSON`);
  }
}
