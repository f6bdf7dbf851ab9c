/** Tables and logs as data → incidents with their causes, through the real store, catalogue, checks and hypotheses. */

import { buildCatalog } from "../../src/catalog/catalog.ts";
import type { AnyCheck } from "../../src/contract/check.ts";
import type { Cause, NamedDraft } from "../../src/contract/finding.ts";
import type { Hypothesis } from "../../src/contract/hypothesis.ts";
import type { LoadedInput } from "../../src/contract/loaded.ts";
import type { Settings } from "../../src/contract/settings.ts";
import { builtInHypotheses, diagnose } from "../../src/diagnosis/index.ts";
import { runChecks } from "../../src/engine/run.ts";
import { Store } from "../../src/store/index.ts";
import { unbacked } from "./claims.ts";
import { checkById, loadTables, type TableData, testSettings } from "./tables.ts";

/** The checks whose findings may be incidents. */
const INCIDENT_CHECKS = [
  "missing-tokens",
  "zero-tokens",
  "source-divergence",
  "timeline-gap",
  "unparsed-log-lines",
  "rate-shift",
];

export interface DiagnosedTables {
  drafts: NamedDraft[];
  incidents: {
    from: string | null;
    to: string | null;
    causes: Cause[];
    drafts: NamedDraft[];
    next: string;
    missing: string[];
  }[];
}

let checks: Promise<AnyCheck[]> | null = null;
let hypotheses: Promise<Hypothesis[]> | null = null;

/** Runs the checks of incidents and ranks causes. Fails if a check fails, or a query does not return what its sentence says. */
export async function diagnoseTables(
  tables: Record<string, TableData>,
  prepare: (store: Store, loaded: LoadedInput[]) => Promise<void>,
  options: { settings?: Partial<Settings>; verify?: boolean } = {},
): Promise<DiagnosedTables> {
  checks ??= Promise.all(INCIDENT_CHECKS.map(checkById));
  hypotheses ??= builtInHypotheses();
  const settings = testSettings({ samples: false, ...options.settings });
  const store = await Store.open({
    memoryLimit: settings.memoryLimit,
    threads: 1,
    tempDir: settings.tempDir,
    file: null,
  });
  try {
    const loaded = await loadTables(store, tables);
    await prepare(store, loaded);
    const evidence = await buildCatalog(store, loaded, settings);
    await store.lockDown();
    const hooks = { progress: () => {}, signal: new AbortController().signal };
    const { drafts, outcomes } = await runChecks(store, evidence, await checks, settings, hooks);
    const broken = outcomes.find((outcome) => outcome.status === "failed");
    if (broken) throw new Error(`${broken.check} failed on ${broken.target}: ${broken.reason}`);
    const found = await diagnose(store, evidence, drafts, await hypotheses, {
      restart_hours: 2,
      commit_hours: 24,
    });
    for (const incident of found.incidents) {
      if (options.verify === false) continue;
      await incident.timeline();
      for (const { text, sql } of incident.causes.flatMap((cause) => cause.evidence)) {
        if (sql === "") continue;
        const wrong = unbacked(text, sql, await store.all(sql));
        if (wrong.length > 0)
          throw new Error(`its query does not return ${wrong.join(", ")}: ${text}\n${sql}`);
      }
    }
    return found;
  } finally {
    store.close();
  }
}
