/** `trueup audit`: load, check, report. */

import { renderJson } from "../../report/json.ts";
import { renderText } from "../../report/text.ts";
import { exitCodeOf } from "../exit.ts";
import { readManifest } from "../manifest.ts";
import type { Invocation } from "../program.ts";
import { withSession } from "../session.ts";
import { settingsOf } from "../settings.ts";
import { terminal, writeOut } from "../streams.ts";

export async function run(invocation: Invocation): Promise<number> {
  const { settings, ...run } = await settingsOf(invocation, readManifest().checks, Date.now());
  const library = await import("../../index.ts");
  const report = await withSession({ progress: run.progress, cleanUp: library.removeTempDirs }, (hooks) =>
    library.audit(settings, hooks),
  );
  const { color, width } = terminal();
  await writeOut(
    run.format === "json"
      ? renderJson(report)
      : renderText(report, { color, width, severity: run.severity, verbose: run.verbose }),
  );
  return exitCodeOf(report, run.failOn, settings.maxRejected);
}
