/** The JSON report: the contract for machines, the same bytes for the same evidence. */

import type { Column } from "../contract/evidence.ts";
import type { Report } from "../contract/report.ts";

/** `schema/report.schema.json` describes it; a later version only adds. */
export function renderJson(report: Report): string {
  const { schemaVersion, tool, now, timezone, inputs, tables, outcomes } = report;
  const { findings, fixed, suppressed, notes, flow, ownChecks, summary } = report;
  return `${stringify(
    {
      schemaVersion,
      tool,
      now,
      timezone,
      inputs: inputs.map(({ error, ...input }) => ({ ...input, error: error ?? null })),
      tables: tables.map(({ name, input, form, rows, timeRange, columns }) => ({
        name,
        input,
        form,
        rows,
        timeRange,
        columns: columns.map(columnOf),
      })),
      outcomes,
      findings,
      fixed,
      suppressed,
      notes,
      flow: flow ?? null,
      ownChecks: ownChecks ?? [],
      summary,
    },
    2,
  )}\n`;
}

function columnOf(column: Column): Partial<Column> {
  const { name, type, role, expression, confidence, reason, primaryKey, loaded } = column;
  return { name, type, role, expression, confidence, reason, primaryKey, loaded };
}

/**
 * JSON with exact integers of any size and doubles of 12 significant digits, so that a sum taken in another order
 * prints the same.
 */
export function stringify(value: unknown, indent = 0, depth = 0): string {
  if (value === null || value === undefined) return "null";
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "number") {
    if (!Number.isFinite(value)) return "null";
    return String(Number.isInteger(value) ? value : Number(value.toPrecision(12)));
  }
  if (typeof value === "string") return quoted(value);
  if (typeof value !== "object") return JSON.stringify(value);
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  const parts = Array.isArray(value)
    ? value.map((item) => stringify(item, indent, depth + 1))
    : Object.entries(value)
        .filter(([, item]) => item !== undefined)
        .map(([key, item]) => `${quoted(key)}:${indent ? " " : ""}${stringify(item, indent, depth + 1)}`);
  if (parts.length === 0) return open + close;
  if (indent === 0) return open + parts.join(",") + close;
  const pad = " ".repeat(indent * (depth + 1));
  return `${open}\n${pad}${parts.join(`,\n${pad}`)}\n${" ".repeat(indent * depth)}${close}`;
}

/** A JSON string that is harmless on a terminal too: controls, direction marks and invisible characters are escaped. */
function quoted(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
