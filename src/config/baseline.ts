/** Reads and writes the baseline: a committed file whose bytes depend on its content alone. */

import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { relative, sep } from "node:path";
import { z } from "zod";
import type { Baseline, LoadedBaseline } from "../contract/baseline.ts";
import { messageOf, UserError } from "../contract/errors.ts";
import { SEVERITIES } from "../contract/finding.ts";

const text = z.string().nullable();

const schema = z.object({
  version: z.literal(1),
  findings: z.array(
    z.object({
      fingerprint: z.string(),
      check: z.string(),
      severity: z.enum(SEVERITIES),
      title: z.string(),
      target: z.string(),
      location: z.object({ input: text, table: text, column: text, file: text }),
      measure: z.object({ name: z.string(), value: z.number() }),
    }),
  ),
  tables: z.array(
    z.object({
      input: z.string(),
      name: z.string(),
      columns: z.array(z.object({ name: z.string(), type: z.string() })),
    }),
  ),
});

/**
 * The baseline in `file`.
 * @throws UserError when it cannot be read or is no baseline.
 */
export function readBaseline(file: string, cwd: string): LoadedBaseline {
  const shown = shownPath(file, cwd);
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, "utf8").replace(/^\uFEFF/, ""));
  } catch (error) {
    throw new UserError(
      `${shown}: cannot be read as JSON (${messageOf(error)}); write it anew with trueup baseline write`,
    );
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return { file: shown, baseline: parsed.data };
  const [issue] = parsed.error.issues;
  const newer = issue?.path[0] === "version" ? "a version this trueup does not know" : "no baseline";
  throw new UserError(
    `${shown}: ${newer} (${issue?.path.join(".") || "top level"}: ${issue?.message}); write it anew with trueup baseline write`,
  );
}

/** Replaces the file in one step. */
export function writeBaseline(file: string, baseline: Baseline, cwd: string): void {
  const lines = (items: readonly object[]) => items.map((item) => `\n    ${JSON.stringify(item)}`).join(",");
  const list = (items: readonly object[]) => (items.length === 0 ? "[]" : `[${lines(items)}\n  ]`);
  const { version, findings, tables } = baseline;
  const bytes = `{\n  "version": ${version},\n  "findings": ${list(findings.map(rounded))},\n  "tables": ${list(tables)}\n}\n`;
  const draft = `${file}.${process.pid}.tmp`;
  try {
    writeFileSync(draft, bytes, { flag: "wx" });
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw new UserError(`${shownPath(file, cwd)}: cannot be written: ${messageOf(error)}`);
  }
}

/** One finding a line merges well; a measure keeps 12 digits, so that a sum in another order gives the same bytes. */
function rounded(entry: Baseline["findings"][number]): object {
  const { name, value } = entry.measure;
  const { fingerprint, check, severity, title, target, location } = entry;
  const measure = { name, value: Number.isFinite(value) ? Number(value.toPrecision(12)) : 0 };
  return { check, target, severity, title, location, measure, fingerprint };
}

function shownPath(file: string, cwd: string): string {
  return relative(cwd, file).split(sep).join("/");
}
