/** `trueup config`: the resolved settings, the faults of trueup.yaml, or its JSON Schema. */

import { configJsonSchema } from "../../config/index.ts";
import { UserError } from "../../contract/errors.ts";
import { didYouMean } from "../../contract/nearest.ts";
import { stringify } from "../../report/json.ts";
import { addedChecks } from "../checks.ts";
import { EXIT } from "../exit.ts";
import { readManifest } from "../manifest.ts";
import type { Invocation } from "../program.ts";
import { configOf, settingsOf } from "../settings.ts";
import { narrate, writeOut } from "../streams.ts";

const ACTIONS = ["show", "validate", "schema"] as const;

export async function run(invocation: Invocation): Promise<number> {
  const { checks } = readManifest();
  const action = invocation.args[0] as (typeof ACTIONS)[number];
  if (!ACTIONS.includes(action))
    throw new UserError(`config: "${action}" is none of ${ACTIONS.join(", ")}${didYouMean(action, ACTIONS)}`);
  if (action === "schema") {
    await writeOut(`${JSON.stringify(configJsonSchema(checks), null, 2)}\n`);
    return EXIT.clean;
  }
  const loaded = await configOf(invocation, checks);
  if (action === "validate") {
    if (loaded === null) throw new UserError("no trueup.yaml here or above; name one with --config");
    const { failed } = await addedChecks(invocation);
    for (const { check, reason } of failed) narrate(`trueup: ${check} cannot be loaded: ${reason}`);
    if (failed.length > 0) return EXIT.failed;
    await writeOut(`${loaded.shown}: valid\n`);
    return EXIT.clean;
  }
  const { settings, failOn, severity } = await settingsOf(invocation, checks, Date.now());
  const { cwd: _cwd, nowGiven: _nowGiven, named: _named, ...shown } = settings;
  await writeOut(`${stringify({ config: loaded?.shown ?? null, ...shown, failOn, severity }, 2)}\n`);
  return EXIT.clean;
}
