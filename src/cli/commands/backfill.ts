/** `trueup backfill`: what can be put right, as SQL; written only with --apply. */

import { UserError } from "../../contract/errors.ts";
import type { Repair } from "../../contract/repair.ts";
import { plural } from "../../contract/wording.ts";
import type { Backfill } from "../../index.ts";
import { stringify } from "../../report/json.ts";
import { renderRepairs, statisticsOf } from "../../report/repairs.ts";
import { EXIT, isNotEvaluated } from "../exit.ts";
import { readManifest } from "../manifest.ts";
import type { Invocation } from "../program.ts";
import { withSession } from "../session.ts";
import { settingsOf } from "../settings.ts";
import { confirm, narrate, writeOut } from "../streams.ts";
import { readCount } from "../values.ts";

export async function run(invocation: Invocation): Promise<number> {
  const { check, limit: most, apply, yes } = invocation.given;
  const given = { ...invocation.given, ...(check !== undefined && { select: check }) };
  const { settings, ...run } = await settingsOf({ ...invocation, given }, readManifest().checks, Date.now());
  const limit = most === undefined ? null : readCount(most as string, "--limit");
  const library = await import("../../index.ts");
  const session = { progress: run.progress, cleanUp: library.removeTempDirs };
  const found = await withSession(session, (hooks) => library.backfill(settings, { limit }, hooks));
  const failed = found.inputs.filter((input) => isNotEvaluated(input, settings.maxRejected));
  for (const input of failed)
    narrate(`trueup: ${input.error ?? `${input.path}: ${plural(input.rejected, "row")} could not be read`}`);
  const code = failed.length > 0 ? EXIT.failed : EXIT.clean;
  const rows = found.repairs.reduce((sum, repair) => sum + repair.rows, 0);
  const write = (result: object, text: string) =>
    writeOut(run.format === "json" ? `${stringify(result, 2)}\n` : text);
  if (apply === undefined || rows === 0) {
    await write({ repairs: found.repairs }, renderRepairs(found.repairs));
    if (rows > 0) narrate(`trueup: nothing was written; --apply repairs ${plural(rows, "row")}`);
    return code;
  }
  found.assertWritable();
  for (const line of previewOf(found)) narrate(line);
  if (yes === undefined) {
    const answer = await confirm(`Write ${plural(rows, "row")}? [y/N] `);
    if (answer === null) throw new UserError("--apply asks on a terminal; without one, give --yes");
    if (!answer) {
      narrate("trueup: nothing was written");
      return code;
    }
  }
  const applied = await withSession(session, (hooks) => library.applyBackfill(settings, found, hooks));
  for (const { input, changed, copy } of applied)
    narrate(
      `trueup: ${input}: ${plural(changed, "row")} written${copy === null ? "" : `; the file as it was is ${copy}`}`,
    );
  const after = await withSession(session, (hooks) => library.backfill(settings, { limit }, hooks));
  const repaired = (one: Repair) =>
    found.repairs.some((before) => before.check === one.check && before.target === one.target);
  const remaining = after.planned.map((one) => one.repair).filter(repaired);
  await write(
    { repairs: found.repairs, applied, remaining },
    remaining.map((repair) => `${repair.target}: ${statisticsOf(repair)}\n`).join(""),
  );
  return code;
}

function previewOf({ repairs }: Backfill): string[] {
  return repairs.flatMap((repair) =>
    renderRepairs([{ ...repair, sql: "" }])
      .trimEnd()
      .split("\n"),
  );
}
