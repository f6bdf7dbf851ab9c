/** `trueup diagnose`: the causes of incidents, ranked. */

import { renderDiagnosisJson } from "../../report/diagnosis-json.ts";
import { renderDiagnosisMarkdown } from "../../report/diagnosis-markdown.ts";
import { renderDiagnosisText } from "../../report/diagnosis-text.ts";
import { exitCodeOf } from "../exit.ts";
import { readManifest } from "../manifest.ts";
import type { Invocation } from "../program.ts";
import { withSession } from "../session.ts";
import { settingsOf } from "../settings.ts";
import { terminal, writeOut } from "../streams.ts";

export async function run(invocation: Invocation): Promise<number> {
  const { settings, ...run } = await settingsOf(invocation, readManifest().checks, Date.now());
  const library = await import("../../index.ts");
  const { diagnosis, report } = await withSession(
    { progress: run.progress, cleanUp: library.removeTempDirs },
    (hooks) => library.diagnose(settings, hooks),
  );
  const { color, width } = terminal();
  const render = {
    json: () => renderDiagnosisJson(diagnosis),
    markdown: () => renderDiagnosisMarkdown(diagnosis),
    text: () =>
      renderDiagnosisText(diagnosis, {
        color,
        width,
        severity: "info",
        verbose: invocation.given["verbose"] === true,
      }),
  };
  await writeOut(render[run.format as keyof typeof render]());
  // What is no incident is the business of an audit.
  const findings = diagnosis.incidents.flatMap((incident) => incident.findings);
  return exitCodeOf({ ...report, findings }, run.failOn, settings.maxRejected);
}
