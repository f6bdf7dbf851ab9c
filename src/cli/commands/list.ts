/** `trueup list`: the checks, one a line. */

import { EXIT } from "../exit.ts";
import { readManifest } from "../manifest.ts";
import { choiceOf, type Invocation } from "../program.ts";
import { writeOut } from "../streams.ts";

export async function run(invocation: Invocation): Promise<number> {
  const { checks } = readManifest();
  const format = choiceOf(invocation, "format", "text");
  if (format === "json") {
    const rows = checks.map(({ id, meta }) => ({ id, severity: meta.severity, title: meta.title }));
    await writeOut(`${JSON.stringify(rows, null, 2)}\n`);
    return EXIT.clean;
  }
  const width = Math.max(...checks.map((check) => check.id.length), 5);
  const line = (id: string, severity: string, title: string) =>
    `${id.padEnd(width)}  ${severity.padEnd(8)}  ${title}\n`;
  await writeOut(checks.map(({ id, meta }) => line(id, meta.severity, meta.title)).join(""));
  return EXIT.clean;
}
