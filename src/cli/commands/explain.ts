/** `trueup explain <check>`: what one check finds, why it matters, when it stays silent, what to do. */

import type { CheckInfo } from "../../contract/check.ts";
import { UserError } from "../../contract/errors.ts";
import { didYouMean } from "../../contract/nearest.ts";
import { printable } from "../../report/printable.ts";
import { addedChecks } from "../checks.ts";
import { EXIT } from "../exit.ts";
import { readManifest } from "../manifest.ts";
import { choiceOf, type Invocation } from "../program.ts";
import { terminal, writeOut } from "../streams.ts";

export async function run(invocation: Invocation): Promise<number> {
  const [id = ""] = invocation.args;
  const check = await checkNamed(id, invocation);
  const format = choiceOf(invocation, "format", "text");
  await writeOut(format === "json" ? `${JSON.stringify(check, null, 2)}\n` : textOf(check, terminal().width));
  return EXIT.clean;
}

/** What trueup.yaml adds is looked at only for an id that trueup does not have. */
async function checkNamed(id: string, invocation: Invocation): Promise<CheckInfo> {
  const { checks, expectations } = readManifest();
  const known = [...checks, ...expectations];
  const found = known.find((check) => check.id === id);
  if (found) return found;
  const { own, failed } = await addedChecks(invocation);
  const added = own.find((check) => check.id === id);
  if (added) return added;
  const broken = failed.find(({ check }) => check === id);
  if (broken) throw new UserError(`${id} cannot be loaded: ${broken.reason}`);
  const ids = [...known, ...own].map((check) => check.id);
  throw new UserError(`unknown check "${id}"${didYouMean(id, ids) || "; trueup list names them"}`);
}

function textOf({ id, meta, options }: CheckInfo, width: number): string {
  const lines = [`${id} (${meta.severity}): ${printable(meta.title)}`];
  const paragraph = (title: string, text: string) => lines.push("", title, ...wrap(text, width, "  "));
  paragraph("What it finds", meta.what);
  paragraph("Why it matters", meta.why);
  paragraph("What to do", meta.fix);
  if (meta.silent.length > 0) lines.push("", "Silent when");
  for (const silent of meta.silent)
    lines.push(...wrap(silent, width, "    ").map((l, i) => (i === 0 ? `  - ${l.trimStart()}` : l)));
  paragraph("Needs", meta.needs);
  const entries = Object.entries(options);
  if (entries.length > 0) lines.push("", "Options (checks in trueup.yaml)");
  for (const [name, option] of entries)
    lines.push(`  ${name} = ${JSON.stringify(option.default)}`, ...wrap(option.describe, width, "      "));
  return `${lines.join("\n")}\n`;
}

/** Breaks text at spaces; markdown's code marks stay, they read well. */
function wrap(text: string, width: number, indent: string): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of printable(text).split(/\s+/).filter(Boolean)) {
    if (line !== "" && indent.length + line.length + 1 + word.length > Math.min(width, 100)) {
      lines.push(indent + line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return line === "" ? lines : [...lines, indent + line];
}
