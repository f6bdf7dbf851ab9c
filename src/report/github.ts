/**
 * Annotations of GitHub Actions: one workflow command per finding that is not known, and one line for what is known,
 * fixed or suppressed. The job summary is the Markdown report.
 */

import type { Severity } from "../contract/finding.ts";
import { isKnown, notEvaluated, placeIn, type Renderer, shownFindings, statesText } from "./export.ts";
import { placeOf } from "./finding-text.ts";
import { printable } from "./printable.ts";

const LEVELS: Readonly<Record<Severity, string>> = { error: "error", warning: "warning", info: "notice" };

export const renderGithub: Renderer = (report, options) => {
  const lines = notEvaluated(report).map(({ what, why }) =>
    command("error", { title: `not evaluated: ${what}` }, why),
  );
  for (const finding of shownFindings(report, options).filter((one) => !isKnown(one))) {
    const { path, line } = placeIn(report, finding, options);
    const text = `${finding.message}\n${placeOf(finding)}\n${finding.fix}`;
    lines.push(
      command(
        LEVELS[finding.severity],
        { file: path, line: String(line), title: `${finding.title} (${finding.check})` },
        text,
      ),
    );
  }
  const { known, fixed } = report.summary;
  if (known + fixed + report.suppressed.length > 0)
    lines.push(command("notice", { title: "trueup" }, statesText(report)));
  return lines.map((line) => `${line}\n`).join("");
};

/** `::error file=a.py,line=3,title=…::message`. */
function command(level: string, properties: Readonly<Record<string, string>>, message: string): string {
  const list = Object.entries(properties).map(([name, value]) => `${name}=${property(value)}`);
  return `::${level} ${list.join(",")}::${data(message)}`;
}

function data(text: string): string {
  const clean = text.split("\n").map(printable).join("\n");
  return clean.replace(/%/g, "%25").replace(/\r/g, "%0D").replace(/\n/g, "%0A");
}

function property(text: string): string {
  return data(text).replace(/:/g, "%3A").replace(/,/g, "%2C");
}
