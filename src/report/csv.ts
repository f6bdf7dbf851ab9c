/** One finding a row, for spreadsheets (RFC 4180); `baseline` tells new, worse, known, fixed and suppressed apart. */

import type { Finding } from "../contract/finding.ts";
import { type Renderer, shownFindings } from "./export.ts";
import { stringify } from "./json.ts";
import { printable } from "./printable.ts";

type Row = Omit<Finding, "baseline"> & { baseline: Finding["baseline"] | "fixed" | "suppressed" };

const COLUMNS: readonly (readonly [string, (finding: Row) => string | number | null])[] = [
  ["severity", (f) => f.severity],
  ["check", (f) => f.check],
  ["title", (f) => f.title],
  ["message", (f) => f.message],
  ["target", (f) => f.target],
  ["input", (f) => f.location.input],
  ["table", (f) => f.location.table],
  ["column", (f) => f.location.column],
  ["file", (f) => f.location.file],
  ["line", (f) => f.location.line],
  ["measure", (f) => f.measure.name],
  ["value", (f) => f.measure.value],
  ["baseline", (f) => f.baseline],
  ["fingerprint", (f) => f.fingerprint],
  ["fix", (f) => f.fix],
  ["sql", (f) => f.sql],
];

export const renderCsv: Renderer = (report, options) => {
  const findings: Row[] = [
    ...shownFindings(report, options),
    ...report.fixed.map((finding) => ({ ...finding, baseline: "fixed" as const })),
    ...(options.showSuppressed ? report.suppressed : []).map((finding) => ({
      ...finding,
      baseline: "suppressed" as const,
    })),
  ];
  const rows = findings.map((finding) => COLUMNS.map(([, read]) => cell(read(finding))));
  return [COLUMNS.map(([name]) => name), ...rows].map((row) => `${row.join(",")}\r\n`).join("");
};

/** Text that a spreadsheet would run as a formula gets an apostrophe. */
function cell(value: string | number | null): string {
  if (value === null) return "";
  if (typeof value === "number") return stringify(value);
  const text = value.split(/\r?\n/).map(printable).join("\n");
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
}
