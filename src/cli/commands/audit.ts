/** `trueup audit`: load, check, report. */

import { exitCodeOf, rejectionLines } from "../exit.ts";
import { readManifest } from "../manifest.ts";
import type { Invocation } from "../program.ts";
import { planReports, writeReports } from "../reports.ts";
import { withSession } from "../session.ts";
import { settingsOf } from "../settings.ts";
import { narrate } from "../streams.ts";

export async function run(invocation: Invocation): Promise<number> {
  const { settings, ...run } = await settingsOf(invocation, readManifest().checks, Date.now());
  const plan = planReports(invocation, run);
  const library = await import("../../index.ts");
  const report = await withSession({ progress: run.progress, cleanUp: library.removeTempDirs }, (hooks) =>
    library.audit(settings, hooks),
  );
  await writeReports(report, plan);
  for (const line of rejectionLines(report.inputs, settings.maxRejected)) narrate(`trueup: ${line}`);
  return exitCodeOf(report, run.failOn, settings.maxRejected);
}
