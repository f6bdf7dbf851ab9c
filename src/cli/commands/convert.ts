/** `trueup convert`: a saved JSON report in another format. */

import { readFileSync } from "node:fs";
import { messageOf, UserError } from "../../contract/errors.ts";
import type { Severity } from "../../contract/finding.ts";
import { MAX_REJECTED } from "../../contract/settings.ts";
import { parseReport } from "../../report/parse.ts";
import { exitCodeOf, type FailOn } from "../exit.ts";
import { choiceOf, type Invocation } from "../program.ts";
import { planReports, writeReports } from "../reports.ts";

export async function run(invocation: Invocation): Promise<number> {
  const file = invocation.args[0]!;
  const failOn = choiceOf(invocation, "fail-on", "error") as FailOn;
  const severity = choiceOf(invocation, "severity", "info") as Severity;
  const format = choiceOf(invocation, "format", "text");
  const plan = planReports(invocation, { format, severity, failOn, configured: new Map() });
  const report = parseReport(textOf(file), file === "-" ? "standard input" : file);
  const shown = invocation.given["no-samples"] ? withoutSamples(report) : report;
  await writeReports(shown, plan);
  return exitCodeOf(report, failOn, MAX_REJECTED);
}

function textOf(file: string): string {
  try {
    return readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (error) {
    throw new UserError(`${file}: cannot be read: ${messageOf(error)}`);
  }
}

function withoutSamples(report: ReturnType<typeof parseReport>): typeof report {
  const bare = (findings: typeof report.findings) => findings.map((finding) => ({ ...finding, samples: [] }));
  return {
    ...report,
    findings: bare(report.findings),
    fixed: bare(report.fixed),
    suppressed: bare(report.suppressed),
  };
}
