/** `trueup baseline`: accepts the findings of today, or drops what is fixed. */

import { relative, sep } from "node:path";
import { writeBaseline } from "../../config/baseline.ts";
import type { Baseline } from "../../contract/baseline.ts";
import { UserError } from "../../contract/errors.ts";
import { didYouMean } from "../../contract/nearest.ts";
import type { Report } from "../../contract/report.ts";
import { plural } from "../../contract/wording.ts";
import { EXIT, notEvaluated } from "../exit.ts";
import { readManifest } from "../manifest.ts";
import type { Invocation } from "../program.ts";
import { withSession } from "../session.ts";
import { settingsOf } from "../settings.ts";
import { narrate, writeOut } from "../streams.ts";

const ACTIONS = ["write", "prune"] as const;

export async function run(invocation: Invocation): Promise<number> {
  const action = invocation.args[0] as (typeof ACTIONS)[number];
  if (!ACTIONS.includes(action))
    throw new UserError(
      `baseline: "${action}" is none of ${ACTIONS.join(", ")}${didYouMean(action, ACTIONS)}`,
    );
  const { settings, baselineFile, ...run } = await settingsOf(invocation, readManifest().checks, Date.now());
  const { path } = baselineFile;
  const shown = relative(settings.cwd, path).split(sep).join("/");
  const known = settings.baseline?.baseline ?? null;
  if (action === "prune" && known === null)
    throw new UserError(`${shown} is not there; write it with trueup baseline write`);
  const library = await import("../../index.ts");
  // What is written is what is there: the old schema must not give findings of its own.
  const audited = action === "write" ? { ...settings, baseline: null } : settings;
  const report = await withSession({ progress: run.progress, cleanUp: library.removeTempDirs }, (hooks) =>
    library.audit(audited, hooks),
  );
  const faults = notEvaluated(report, settings.maxRejected);
  for (const fault of faults) narrate(`trueup: ${fault}`);
  if (faults.length > 0 && action === "write") {
    narrate(`trueup: ${shown} was not written, since not everything could be evaluated`);
    return EXIT.failed;
  }
  const next = action === "write" ? library.baselineOf(report) : library.prunedBaseline(known!, report.fixed);
  writeBaseline(path, next, settings.cwd);
  await writeOut(`${shown}: ${action === "write" ? written(next) : pruned(next, report)}\n`);
  for (const note of action === "prune" ? report.notes.slice(report.fixed.length > 0 ? 1 : 0) : [])
    narrate(`trueup: ${note}`);
  return faults.length > 0 ? EXIT.failed : EXIT.clean;
}

function written({ findings, tables }: Baseline): string {
  return `${plural(findings.length, "finding")} and ${plural(tables.length, "table")} written`;
}

function pruned({ findings }: Baseline, { fixed }: Report): string {
  return `${plural(fixed.length, "fixed finding")} removed, ${plural(findings.length, "finding")} kept`;
}
