/** `trueup inspect`: what was loaded, and how it was understood. */

import { renderInspection } from "../../report/inspection.ts";
import { stringify } from "../../report/json.ts";
import { EXIT, isNotEvaluated } from "../exit.ts";
import { readManifest } from "../manifest.ts";
import type { Invocation } from "../program.ts";
import { withSession } from "../session.ts";
import { settingsOf } from "../settings.ts";
import { terminal, writeOut } from "../streams.ts";

export async function run(invocation: Invocation): Promise<number> {
  const { settings, ...run } = await settingsOf(invocation, readManifest().checks, Date.now());
  const library = await import("../../index.ts");
  const inspection = await withSession({ progress: run.progress, cleanUp: library.removeTempDirs }, (hooks) =>
    library.inspect(settings, hooks),
  );
  const { color, width } = terminal();
  await writeOut(
    run.format === "json"
      ? `${stringify(inspection, 2)}\n`
      : renderInspection(inspection, {
          color,
          width,
          severity: "info",
          verbose: invocation.given["verbose"] === true,
        }),
  );
  return inspection.inputs.some((input) => isNotEvaluated(input, settings.maxRejected))
    ? EXIT.failed
    : EXIT.clean;
}
