/** The library's way to repair: plans what can be put right in the inputs, and writes it. */

import { relative, resolve } from "node:path";
import type { AnyCheck } from "./contract/check.ts";
import type { Input } from "./contract/evidence.ts";
import type { Repair } from "./contract/repair.ts";
import { type Hooks, QUIET, type Settings } from "./contract/settings.ts";
import { builtInChecks } from "./engine/discover.ts";
import { contextOf, isSelected } from "./engine/run.ts";
import { withEvidence } from "./evidence.ts";
import { shownUrl } from "./intake/postgres/url.ts";
import { applyRepair, type RepairTarget } from "./repair/apply.ts";
import { assertWritable, type PlannedRepair, planRepairs } from "./repair/plan.ts";

/** What can be put right in the inputs. `applyBackfill` writes it; until then nothing is written. */
export interface Backfill {
  /** Those that found something, to repair or lost. */
  repairs: Repair[];
  inputs: Input[];
  /** @throws UserError when an input with something to repair cannot be written. */
  assertWritable(): void;
  /** Of every target that could be judged, those with nothing wrong too. */
  planned: PlannedRepair[];
}

/** Asks the selected checks what they can put right; at most `limit` rows of a table. */
export async function backfill(
  settings: Settings,
  options: { limit: number | null },
  hooks: Hooks = QUIET,
): Promise<Backfill> {
  const checks = (await builtInChecks()).filter((check) => isSelected(check.id, settings));
  return withEvidence(settings, hooks, async (store, evidence) => {
    const context = (check: AnyCheck) => contextOf(store, evidence, check, settings);
    const planned = await planRepairs(store, evidence, checks, context, options.limit);
    return {
      repairs: planned.map((one) => one.repair).filter((one) => one.rows > 0 || one.lost.length > 0),
      inputs: [...evidence.inputs],
      assertWritable: () => assertWritable(planned, evidence),
      planned,
    };
  });
}

/** Writes a backfill, one transaction per file. Interrupted, the file at work stays as it was. */
export async function applyBackfill(
  settings: Settings,
  { planned, inputs }: Backfill,
  hooks: Hooks = QUIET,
): Promise<{ input: string; changed: number; copy: string | null }[]> {
  const applied: { input: string; changed: number; copy: string | null }[] = [];
  for (const input of inputs) {
    const statements = planned.filter((one) => one.input === input.name).flatMap((one) => one.statements);
    if (statements.length === 0) continue;
    const { memoryLimit, threads, tempDir, cwd } = settings;
    const { changed, copy } = await applyRepair({
      target: await repairTarget(settings, input),
      shown: input.path,
      statements,
      progress: (done, rows) =>
        hooks.progress({
          stage: "check",
          subject: `${input.name}: ${done} of ${statements.length} batches, ${rows} rows written`,
        }),
      signal: hooks.signal,
      store: { memoryLimit, threads, tempDir, file: null },
    });
    applied.push({ input: input.name, changed, copy: copy === null ? null : relative(cwd, copy) });
  }
  return applied;
}

async function repairTarget(settings: Settings, input: Input): Promise<RepairTarget> {
  if (input.kind !== "postgres")
    return { kind: input.kind as "sqlite" | "duckdb", file: resolve(settings.cwd, input.path) };
  const { openWriter } = await import("./intake/postgres/connect.ts");
  const url = settings.inputs.map((spec) => spec.path).find((path) => shownUrl(path) === input.path);
  return { kind: "postgres", connect: () => openWriter(url ?? input.path, settings.postgres) };
}
