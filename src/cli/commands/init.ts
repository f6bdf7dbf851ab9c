/** `trueup init`: a trueup.yaml from what is found, and a workflow for CI on request. */

import { UserError } from "../../contract/errors.ts";
import type { Inspection } from "../../contract/inspection.ts";
import { EXIT } from "../exit.ts";
import { readManifest } from "../manifest.ts";
import { assertNew, writeNew } from "../new-files.ts";
import { CI_SYSTEMS } from "../options.ts";
import { choiceOf, type Invocation } from "../program.ts";
import { withSession } from "../session.ts";
import { settingsOf } from "../settings.ts";
import { narrate, writeOut } from "../streams.ts";
import { configurationText, workflowOf } from "../templates.ts";

export async function run(invocation: Invocation): Promise<number> {
  const ci = invocation.given["ci"] === undefined ? null : choiceOf(invocation, "ci", CI_SYSTEMS[0]);
  const force = invocation.given["force"] === true;
  const workflow = ci === null ? {} : workflowOf(ci as (typeof CI_SYSTEMS)[number], readManifest().version);
  const cwd = process.cwd();
  // What is there is told before anything is read.
  assertNew(["trueup.yaml", ...Object.keys(workflow)], cwd, force);
  const { settings, progress } = await settingsOf(invocation, readManifest().checks, Date.now());
  const library = await import("../../index.ts");
  const inspection = await withSession({ progress, cleanUp: library.removeTempDirs }, (hooks) =>
    library.inspect(settings, hooks),
  );
  const readable = inspection.inputs.filter((input) => input.error === undefined);
  if (readable.length === 0)
    throw new UserError("init: no input could be read; name one: trueup init app.log usage.db");
  for (const { error } of inspection.inputs) if (error !== undefined) narrate(`trueup: left out: ${error}`);
  const told: Inspection = { ...inspection, inputs: readable };
  const files = { "trueup.yaml": configurationText(told, settings.timezone), ...workflow };
  writeNew(files, cwd, force);
  await writeOut(
    `${Object.keys(files).join("\n")}\n\nnext: trueup audit\n      trueup baseline write   # accept what is there, fail on what is new\n`,
  );
  return EXIT.clean;
}
