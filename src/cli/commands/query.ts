/** `trueup query`: one SELECT over the loaded evidence. */

import { plural } from "../../contract/wording.ts";
import { stringify } from "../../report/json.ts";
import { renderRows } from "../../report/rows.ts";
import { EXIT, isNotEvaluated } from "../exit.ts";
import { readManifest } from "../manifest.ts";
import type { Invocation } from "../program.ts";
import { withSession } from "../session.ts";
import { settingsOf } from "../settings.ts";
import { narrate, terminal, writeOut } from "../streams.ts";

export async function run(invocation: Invocation): Promise<number> {
  const { settings, ...run } = await settingsOf(invocation, readManifest().checks, Date.now());
  const library = await import("../../index.ts");
  const result = await withSession({ progress: run.progress, cleanUp: library.removeTempDirs }, (hooks) =>
    library.query(invocation.args[0]!, settings, hooks),
  );
  const failed = result.inputs.filter((input) => isNotEvaluated(input, settings.maxRejected));
  for (const input of failed)
    narrate(`trueup: ${input.error ?? `${input.path}: ${plural(input.rejected, "row")} could not be read`}`);
  const { color } = terminal();
  await writeOut(
    run.format === "json"
      ? `${stringify(result.rows, 2)}\n`
      : renderRows(result.columns, result.rows, { color }),
  );
  return failed.length > 0 ? EXIT.failed : EXIT.clean;
}
