/** Tiny tables as data → what a check says about them, through the real store, catalogue and engine. */

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { AnyCheck, OptionValue } from "../../src/contract/check.ts";
import type { Evidence } from "../../src/contract/evidence.ts";
import type { NamedDraft, Outcome } from "../../src/contract/finding.ts";
import type { LoadedInput } from "../../src/contract/loaded.ts";
import { QUIET, type Settings } from "../../src/contract/settings.ts";
import { runChecks } from "../../src/engine/run.ts";
import type { Store } from "../../src/store/index.ts";
import { bareSettings, withTables } from "../../src/testing/evidence.ts";
import { loadTables, type TableData } from "../../src/testing/tables.ts";

export { loadTables, type TableData };

export interface AuditOptions {
  options?: Record<string, OptionValue>;
  settings?: Partial<Settings>;
  /** Runs after the tables exist and before the catalogue: facts, logs … */
  prepare?: (store: Store, loaded: LoadedInput[]) => Promise<void>;
  /** What the check is to see in place of what the catalogue found: links of a case, for example. */
  adjust?: (evidence: Evidence) => Evidence;
}

export interface AuditResult {
  findings: NamedDraft[];
  outcomes: Outcome[];
  evidence: Evidence;
}

/** Settings with every default, for tests. */
export function testSettings(overrides: Partial<Settings> = {}): Settings {
  return bareSettings({ cwd: process.cwd(), memoryLimit: 512 * 2 ** 20, threads: 2, ...overrides });
}

/** The built-in check of that id. */
export async function checkById(id: string): Promise<AnyCheck> {
  const folder = join(import.meta.dirname, "../../checks");
  if (!readdirSync(folder).includes(`${id}.ts`)) throw new Error(`no check ${id}`);
  return ((await import(pathToFileURL(join(folder, `${id}.ts`)).href)) as { default: AnyCheck }).default;
}

/** Runs one check, or several, on tables named `schema.table`. Fails if a finding's query does not run. */
export async function auditTables(
  checkId: string | readonly string[],
  tables: Record<string, TableData>,
  options: AuditOptions = {},
): Promise<AuditResult> {
  const ids = typeof checkId === "string" ? [checkId] : checkId;
  const settings = testSettings({
    checks: Object.fromEntries(ids.map((id) => [id, { options: options.options ?? {} }])),
    ...options.settings,
  });
  const checks = await Promise.all(ids.map(checkById));
  return withTables(
    tables,
    settings,
    async (store, found) => {
      const evidence = options.adjust?.(found) ?? found;
      const { drafts, outcomes } = await runChecks(store, evidence, checks, settings, QUIET);
      const broken = outcomes.find((outcome) => outcome.status === "failed");
      if (broken) throw new Error(`${broken.check} failed on ${broken.target}: ${broken.reason}`);
      for (const draft of drafts) {
        await store.assertSelect(draft.sql);
        const shown = await store.all(draft.sql);
        if (shown.length === 0 && draft.samples?.length)
          throw new Error(`${draft.check}: its query shows nothing: ${draft.sql}`);
      }
      return { findings: drafts, outcomes, evidence };
    },
    options.prepare,
  );
}
