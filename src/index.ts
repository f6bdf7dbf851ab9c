/** The library: runs checks and diagnosis over the evidence, and returns reports. */

import { relative, resolve } from "node:path";
import { inspectEvidence } from "./catalog/profile.ts";
import type { AnyCheck } from "./contract/check.ts";
import type { Diagnosis } from "./contract/diagnosis.ts";
import { Interrupted, UserError } from "./contract/errors.ts";
import type { Evidence, Input } from "./contract/evidence.ts";
import type { Finding, NamedDraft, Outcome, Row, Value } from "./contract/finding.ts";
import type { Flow, ReportFlow } from "./contract/flow.ts";
import type { Inspection } from "./contract/inspection.ts";
import type { Repair } from "./contract/repair.ts";
import type { Report } from "./contract/report.ts";
import type { Hooks, Settings } from "./contract/settings.ts";
import { builtInHypotheses, type Diagnosed, diagnose as rankCauses } from "./diagnosis/index.ts";
import { builtInChecks, version } from "./engine/discover.ts";
import { expectationChecks, expectationText } from "./engine/expectations.ts";
import { readOwnChecks } from "./engine/own/read.ts";
import { startOwnChecks } from "./engine/own/start.ts";
import { assertSelected, contextOf, type EngineResult, isSelected, runChecks } from "./engine/run.ts";
import { withEvidence } from "./evidence.ts";
import { gateFindings } from "./findings/gate.ts";
import { credentialColumns, maskReport, maskRows, maskValue } from "./findings/mask.ts";
import { settleFindings } from "./findings/settle.ts";
import { applyRepair, type RepairTarget } from "./repair/apply.ts";
import { assertWritable, type PlannedRepair, planRepairs } from "./repair/plan.ts";
import type { Store } from "./store/index.ts";

export { defineCheck, Skip } from "./contract/check.ts";
export type { Diagnosis } from "./contract/diagnosis.ts";
export { Interrupted, UserError } from "./contract/errors.ts";
export type { Flow } from "./contract/flow.ts";
export type { Inspection } from "./contract/inspection.ts";
export type { Report } from "./contract/report.ts";
export type { Hooks, Settings } from "./contract/settings.ts";
export { builtInChecks, version } from "./engine/discover.ts";
export { withEvidence } from "./evidence.ts";
export { baselineOf, prunedBaseline } from "./findings/baseline.ts";
export { removeTempDirs } from "./store/index.ts";

/** Distinct credentials of one column that are looked for in the result of a query. */
const SECRETS_MAX = 100_000;

/** A restart may show within minutes, a commit is deployed hours later. */
const DIAGNOSIS_DEFAULTS = { restart_hours: 2, commit_hours: 24 };

const QUIET: Hooks = { progress: () => {}, signal: new AbortController().signal };

/** Loads the inputs, runs the checks, and returns the report. */
export async function audit(settings: Settings, hooks: Hooks = QUIET): Promise<Report> {
  return withFindings(settings, hooks, async (store, evidence, { drafts, outcomes }) => {
    const { drafts: diagnosed } = await causesOf(store, evidence, drafts, settings);
    return reportOf(settings, store, evidence, diagnosed, outcomes);
  });
}

/** Loads the inputs, runs the checks, and ranks the causes of what is an incident; the report is that of an audit. */
export async function diagnose(
  settings: Settings,
  hooks: Hooks = QUIET,
): Promise<{ diagnosis: Diagnosis; report: Report }> {
  return withFindings(settings, hooks, async (store, evidence, { drafts, outcomes }) => {
    const { drafts: diagnosed, incidents } = await causesOf(store, evidence, drafts, settings);
    const report = await reportOf(settings, store, evidence, diagnosed, outcomes);
    const { schemaVersion, tool, now, timezone, inputs } = report;
    const told: Diagnosis = { schemaVersion, tool, now, timezone, inputs, outcomes, incidents: [] };
    for (const incident of incidents) {
      const members = settleFindings(incident.drafts, evidence.tables).map((f) => f.fingerprint);
      const { from, to, causes, missing, next } = incident;
      const findings = report.findings.filter((f) => members.includes(f.fingerprint));
      if (findings.length === 0) continue;
      told.incidents.push({
        from,
        to,
        findings,
        ...maskValue({ timeline: await incident.timeline(), causes, missing, next }),
      });
    }
    return { diagnosis: told, report };
  });
}

/** Runs every check: those of trueup, the expectations of the configuration, and the user's own. */
async function withFindings<T>(
  settings: Settings,
  hooks: Hooks,
  work: (store: Store, evidence: Evidence, result: EngineResult) => Promise<T>,
): Promise<T> {
  const expected = settings.expect ?? {};
  const checks = [...(await builtInChecks()), ...expectationChecks(expected)];
  const files = readOwnChecks(settings.ownChecks, settings.cwd);
  const named = [settings.named, expectationText(expected), ...files.map((file) => file.text)].join("\n");
  return withEvidence({ ...settings, named }, hooks, async (store, evidence) => {
    const taken = checks.map((check) => check.id);
    const own = await startOwnChecks(files, store, evidence, taken, settings.ownCheckTimeout, hooks.signal);
    try {
      const all = [...checks, ...own.checks];
      assertSelected(settings, [...all.map((check) => check.id), ...own.failed.map((one) => one.check)]);
      const { drafts, outcomes } = await runChecks(store, evidence, all, settings, hooks);
      if (hooks.signal.aborted) throw new Interrupted();
      outcomes.push(...own.failed.filter((outcome) => isSelected(outcome.check, settings)));
      return await work(store, evidence, { drafts, outcomes });
    } finally {
      own.close();
    }
  });
}

async function causesOf(
  store: Store,
  evidence: Evidence,
  drafts: readonly NamedDraft[],
  settings: Settings,
): Promise<{ drafts: NamedDraft[]; incidents: Diagnosed[] }> {
  if (!drafts.some((draft) => draft.onset)) return { drafts: [...drafts], incidents: [] };
  return rankCauses(store, evidence, drafts, await builtInHypotheses(), {
    ...DIAGNOSIS_DEFAULTS,
    ...settings.diagnosis,
  });
}

async function reportOf(
  settings: Settings,
  store: Store,
  evidence: Evidence,
  drafts: readonly NamedDraft[],
  outcomes: Outcome[],
): Promise<Report> {
  const settled = gateFindings(
    {
      inputs: [...evidence.inputs],
      tables: [...evidence.tables],
      outcomes,
      findings: settleFindings(drafts, evidence.tables),
    },
    settings,
  );
  return maskReport({
    schemaVersion: 1,
    tool: { name: "trueup", version: version() },
    now: settings.now,
    timezone: settings.timezone,
    inputs: [...evidence.inputs],
    tables: [...evidence.tables],
    outcomes,
    ...settled,
    flow: await flowOf(store, evidence, settled.findings),
  });
}

/** Which code reaches which table, when there is code. */
async function flowOf(
  store: Store,
  evidence: Evidence,
  findings: readonly Finding[],
): Promise<ReportFlow | null> {
  if (!evidence.inputs.some((input) => input.kind === "code" && input.error === undefined)) return null;
  const { buildReportFlow } = await import("./lineage/index.ts");
  return buildReportFlow(store, findings);
}

/** Loads the inputs and tells how each table was understood. */
export async function inspect(settings: Settings, hooks: Hooks = QUIET): Promise<Inspection> {
  return withEvidence(settings, hooks, async (store, evidence) =>
    maskValue(await inspectEvidence(store, evidence)),
  );
}

/** Loads the inputs and lays out which code writes and reads which table, with the findings in that code. */
export async function flow(
  settings: Settings,
  hooks: Hooks = QUIET,
): Promise<{ flow: Flow; inputs: Input[] }> {
  const checks = await builtInChecks();
  return withEvidence(settings, hooks, async (store, evidence) => {
    const code = new Set(evidence.inputs.filter((input) => input.kind === "code").map((input) => input.name));
    if (code.size === 0)
      throw new UserError("no source code among the inputs; name a directory of source code");
    const { buildFlow } = await import("./lineage/index.ts");
    const { drafts } = await runChecks(store, evidence, checks, settings, hooks);
    const located = drafts.filter((draft) => draft.location?.input && code.has(draft.location.input));
    const findings = settleFindings(located, evidence.tables);
    return {
      flow: maskValue({ ...(await buildFlow(store)), findings }),
      inputs: maskValue([...evidence.inputs]),
    };
  });
}

/** Runs one SELECT over the loaded evidence. Times come as DuckDB prints them. */
export async function query(
  sql: string,
  settings: Settings,
  hooks: Hooks = QUIET,
): Promise<{ columns: string[]; rows: Row[]; inputs: Input[] }> {
  return withEvidence({ ...settings, named: `${settings.named}\n${sql}` }, hooks, async (store, evidence) => {
    await store.assertSelect(sql);
    const { columns, rows } = await store.table(sql, [], "text");
    const masked = maskRows(
      rows,
      credentialColumns(evidence.tables),
      await secretsNamed(store, evidence, sql),
    );
    return { columns, rows: masked, inputs: maskValue([...evidence.inputs]) };
  });
}

/** The values of the credential columns that a query names: an alias must not show them. */
async function secretsNamed(store: Store, evidence: Evidence, sql: string): Promise<Set<Value>> {
  const secrets = new Set<Value>();
  const text = sql.toLowerCase();
  for (const table of evidence.tables)
    for (const column of table.columns) {
      if (column.role !== "credential" || !column.loaded || !text.includes(column.name.toLowerCase()))
        continue;
      const value = column.expression ?? store.dialect.ident(column.name);
      const rows = await store.all(
        `SELECT DISTINCT ${value} AS secret FROM ${table.relation} LIMIT ${SECRETS_MAX}`,
      );
      for (const row of rows) if (row.secret !== null && row.secret !== "") secrets.add(row.secret ?? null);
    }
  return secrets;
}

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
  const { openWriter, shownUrl } = await import("./intake/postgres/connect.ts");
  const url = settings.inputs.map((spec) => spec.path).find((path) => shownUrl(path) === input.path);
  return { kind: "postgres", connect: () => openWriter(url ?? input.path, settings.postgres) };
}
