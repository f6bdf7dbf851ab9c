/** `trueup list`: the checks, one a line; those that trueup.yaml adds stand at the end. */

import { printable } from "../../report/printable.ts";
import { addedChecks } from "../checks.ts";
import { EXIT } from "../exit.ts";
import { readManifest } from "../manifest.ts";
import { choiceOf, type Invocation } from "../program.ts";
import { narrate, writeOut } from "../streams.ts";

export async function run(invocation: Invocation): Promise<number> {
  const { expectations, own, failed } = await addedChecks(invocation);
  const checks = [...readManifest().checks, ...expectations, ...own];
  for (const { check, reason } of failed) narrate(`trueup: ${check} cannot be loaded: ${reason}`);
  const code = failed.length > 0 ? EXIT.failed : EXIT.clean;
  const format = choiceOf(invocation, "format", "text");
  if (format === "json") {
    const rows = checks.map(({ id, meta }) => ({ id, severity: meta.severity, title: meta.title }));
    await writeOut(`${JSON.stringify(rows, null, 2)}\n`);
    return code;
  }
  const width = Math.max(...checks.map((check) => check.id.length), 5);
  const line = ({ id, meta }: (typeof checks)[number]) =>
    `${id.padEnd(width)}  ${meta.severity.padEnd(8)}  ${printable(meta.title)}\n`;
  await writeOut(checks.map(line).join(""));
  return code;
}
