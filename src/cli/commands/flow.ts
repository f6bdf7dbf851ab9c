/** `trueup flow`: which code writes and reads which table. */

import { renderFlow } from "../../report/flow.ts";
import { EXIT, isNotEvaluated } from "../exit.ts";
import { readManifest } from "../manifest.ts";
import type { Invocation } from "../program.ts";
import { withSession } from "../session.ts";
import { settingsOf } from "../settings.ts";
import { terminal, writeOut } from "../streams.ts";

export async function run(invocation: Invocation): Promise<number> {
  const { settings, ...run } = await settingsOf(invocation, readManifest().checks, Date.now());
  const library = await import("../../index.ts");
  const { flow, inputs } = await withSession(
    { progress: run.progress, cleanUp: library.removeTempDirs },
    (hooks) => library.flow(settings, hooks),
  );
  const listed = (name: string) => [invocation.given[name] ?? []].flat().map(String);
  const { color } = terminal();
  await writeOut(renderFlow(flow, run.format, { tables: listed("table"), entries: listed("entry"), color }));
  return inputs.some((input) => isNotEvaluated(input, settings.maxRejected)) ? EXIT.failed : EXIT.clean;
}
