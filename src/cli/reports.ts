/** Writes a report in the formats that were asked for, to standard output and to files. */

import { appendFileSync, writeFileSync } from "node:fs";
import { relative, sep } from "node:path";
import { repositoryRoot } from "../config/find.ts";
import { messageOf, UserError } from "../contract/errors.ts";
import type { Severity } from "../contract/finding.ts";
import type { Report } from "../contract/report.ts";
import { type ExportOptions, notEvaluated, type Place } from "../report/export.ts";
import { FORMATS, type Format, rendererOf } from "../report/formats.ts";
import type { FailOn } from "./exit.ts";
import { readManifest } from "./manifest.ts";
import type { Invocation } from "./program.ts";
import { jobSummaryFile, narrate, terminal, writeOut } from "./streams.ts";
import { readChoice } from "./values.ts";

/** Columns of a text report in a file. */
const FILE_WIDTH = 100;

export interface ReportPlan {
  format: Format;
  outputs: { format: Format; file: string }[];
  options: ExportOptions;
}

/** Reads `--format`, `--output` and what goes with them; called before a long run, so that a mistake costs nothing. */
export function planReports(
  invocation: Invocation,
  run: { format: string; severity: Severity; failOn: FailOn; configured: ReadonlyMap<string, Place> },
): ReportPlan {
  const { given } = invocation;
  const { checks, expectations } = readManifest();
  const cwd = process.cwd();
  const below = relative(repositoryRoot(cwd) ?? cwd, cwd)
    .split(sep)
    .join("/");
  return {
    format: run.format as Format,
    outputs: ((given["output"] as string[] | undefined) ?? []).map(outputOf),
    options: {
      ...terminal(),
      severity: run.severity,
      verbose: given["verbose"] === true,
      showSuppressed: given["show-suppressed"] === true,
      samples: given["samples"] === true,
      failOn: run.failOn,
      rules: [...checks, ...expectations],
      prefix: below === "" ? "" : `${below}/`,
      configured: run.configured,
    },
  };
}

/** `sarif=out.sarif`. */
function outputOf(text: string): { format: Format; file: string } {
  const at = text.indexOf("=");
  const file = text.slice(at + 1);
  if (at < 1 || file === "")
    throw new UserError(`--output: "${text}" is no FORMAT=FILE; write json=report.json`);
  return { format: readChoice(text.slice(0, at), FORMATS, "--output") as Format, file };
}

/** Files first: a reader of standard output that leaves must not cost a file. */
export async function writeReports(report: Report, plan: ReportPlan): Promise<void> {
  const { format, outputs, options } = plan;
  const inFile = { ...options, color: false, width: FILE_WIDTH };
  for (const output of outputs) {
    const text = (await rendererOf(output.format))(report, inFile);
    try {
      writeFileSync(output.file, text);
    } catch (error) {
      throw new UserError(`--output: cannot write ${output.file}: ${messageOf(error)}`);
    }
  }
  const summary = jobSummaryFile();
  if (format === "github" && summary !== null)
    appendFileSync(summary, (await rendererOf("markdown"))(report, inFile));
  if (format !== "text" || !terminal().together)
    for (const { what, why } of notEvaluated(report))
      narrate(`trueup: not evaluated: ${why.startsWith(what) ? why : `${what}: ${why}`}`);
  await writeOut((await rendererOf(format))(report, options));
}
