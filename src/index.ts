/** The library: runs checks and diagnosis over the evidence, and returns reports. */

import { availableParallelism, tmpdir } from "node:os";
import { resolve } from "node:path";
import { inspectEvidence } from "./catalog/profile.ts";
import type { CheckInfo } from "./contract/check.ts";
import type { Diagnosis } from "./contract/diagnosis.ts";
import { Interrupted, UserError } from "./contract/errors.ts";
import type { Evidence, Input } from "./contract/evidence.ts";
import type { Finding, NamedDraft, Outcome, Row, Value } from "./contract/finding.ts";
import type { Flow, ReportFlow } from "./contract/flow.ts";
import type { Inspection } from "./contract/inspection.ts";
import type { Report, Rule } from "./contract/report.ts";
import { defaultSettings, type Hooks, type InputSpec, QUIET, type Settings } from "./contract/settings.ts";
import { builtInHypotheses, type Diagnosed, diagnose as rankCauses } from "./diagnosis/index.ts";
import { builtInChecks, version } from "./engine/discover.ts";
import { expectationChecks, expectationText } from "./engine/expectations.ts";
import { readOwnChecks } from "./engine/own/read.ts";
import { startOwnChecks } from "./engine/own/start.ts";
import { assertSelected, type EngineResult, isSelected, runChecks } from "./engine/run.ts";
import { withEvidence } from "./evidence.ts";
import { gateFindings } from "./findings/gate.ts";
import { credentialColumns, maskReport, maskRows, maskValue } from "./findings/mask.ts";
import { settleFindings } from "./findings/settle.ts";
import type { Store } from "./store/index.ts";

export { applyBackfill, type Backfill, backfill } from "./backfill.ts";
export { defineCheck, Skip } from "./contract/check.ts";
export type { Diagnosis } from "./contract/diagnosis.ts";
export { Interrupted, UserError } from "./contract/errors.ts";
export type { Flow } from "./contract/flow.ts";
export type { Inspection } from "./contract/inspection.ts";
export type { Report } from "./contract/report.ts";
export type { Hooks, InputSpec, Settings } from "./contract/settings.ts";
export { builtInChecks, version } from "./engine/discover.ts";
export { withEvidence } from "./evidence.ts";
export { baselineOf, prunedBaseline } from "./findings/baseline.ts";
export { removeTempDirs } from "./store/index.ts";

/** Tables that an error names. */
const TABLES_NAMED = 12;
/** What a caller names; a path alone is an input under its own name. */
export type AuditOptions = Omit<Partial<Settings>, "inputs"> & {
  inputs?: readonly (string | InputSpec)[];
  /** The instant that counts as now, ISO 8601: the library reads no clock. */
  now: string;
};

/** Settings for `audit` and its like, with a default for everything that is not given. */
export function settingsFor({ inputs = [], ...given }: AuditOptions): Settings {
  const specs = inputs.map((input) =>
    typeof input === "string" ? { name: null, path: input, timezone: null } : input,
  );
  const here = { cwd: resolve(), tempDir: tmpdir(), threads: availableParallelism() };
  return defaultSettings({ ...here, ...given, inputs: specs });
}

/** Distinct credentials of one column that are looked for in the result of a query. */
const SECRETS_MAX = 100_000;

/** A restart may show within minutes, a commit is deployed hours later. */
const DIAGNOSIS_DEFAULTS = { restart_hours: 2, commit_hours: 24 };

/** Loads the inputs, runs the checks, and returns the report. */
export async function audit(settings: Settings, hooks: Hooks = QUIET): Promise<Report> {
  return withFindings(settings, hooks, async (store, evidence, result) => {
    const { drafts } = await causesOf(store, evidence, result.drafts, settings);
    return reportOf(settings, store, evidence, { ...result, drafts });
  });
}

/** Loads the inputs, runs the checks, and ranks the causes of what is an incident; the report is that of an audit. */
export async function diagnose(
  settings: Settings,
  hooks: Hooks = QUIET,
): Promise<{ diagnosis: Diagnosis; report: Report }> {
  return withFindings(settings, hooks, async (store, evidence, result) => {
    const { drafts, incidents } = await causesOf(store, evidence, result.drafts, settings);
    const report = await reportOf(settings, store, evidence, { ...result, drafts });
    const { schemaVersion, tool, now, timezone, inputs, outcomes } = report;
    const told: Diagnosis = { schemaVersion, tool, now, timezone, inputs, outcomes, incidents: [] };
    for (const incident of incidents) {
      const members = settleFindings(incident.drafts, evidence).map((f) => f.fingerprint);
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

interface Checked extends EngineResult {
  ownChecks: Rule[];
}

/** Runs every check: those of trueup, the expectations of the configuration, and the user's own. */
async function withFindings<T>(
  settings: Settings,
  hooks: Hooks,
  work: (store: Store, evidence: Evidence, result: Checked) => Promise<T>,
): Promise<T> {
  const expected = settings.expect ?? {};
  const checks = [...(await builtInChecks()), ...expectationChecks(expected)];
  const files = readOwnChecks(settings.ownChecks, settings.cwd);
  const named = [settings.named, expectationText(expected), ...files.map((file) => file.text)].join("\n");
  return withEvidence({ ...settings, named }, hooks, async (store, evidence) => {
    const taken = checks.map((check) => check.id);
    const own = await startOwnChecks(files, evidence, taken, {
      timeoutSeconds: settings.ownCheckTimeout,
      signal: hooks.signal,
      interrupt: () => store.interrupt(),
    });
    try {
      const all = [...checks, ...own.checks];
      assertSelected(settings, [...all.map((check) => check.id), ...own.failed.map((one) => one.check)]);
      const { drafts, outcomes } = await runChecks(store, evidence, all, settings, hooks);
      if (hooks.signal.aborted) throw new Interrupted();
      outcomes.push(...own.failed.filter((outcome) => isSelected(outcome.check, settings)));
      const ownChecks = own.checks.map(({ id, meta }) => ({ id, meta }));
      return await work(store, evidence, { drafts, outcomes, ownChecks });
    } finally {
      own.close();
    }
  });
}

/** What the user's own checks say of themselves, and why those that cannot be loaded cannot; nothing is audited. */
export async function describeOwnChecks(
  settings: Pick<Settings, "cwd" | "ownChecks" | "ownCheckTimeout">,
): Promise<{ checks: CheckInfo[]; failed: Outcome[] }> {
  const taken = (await builtInChecks()).map((check) => check.id);
  const files = readOwnChecks(settings.ownChecks, settings.cwd);
  const own = await startOwnChecks(files, null, taken, {
    timeoutSeconds: settings.ownCheckTimeout,
    signal: QUIET.signal,
    interrupt: () => {},
  });
  own.close();
  return {
    checks: own.checks.map(({ id, meta, options }) => ({ id, meta, options })),
    failed: own.failed,
  };
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
  { drafts, outcomes, ownChecks }: Checked,
): Promise<Report> {
  const settled = gateFindings(
    {
      inputs: [...evidence.inputs],
      tables: [...evidence.tables],
      outcomes,
      findings: settleFindings(drafts, evidence),
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
    ownChecks,
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
    const findings = settleFindings(located, evidence);
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
    try {
      await store.assertSelect(sql);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      const told = /Catalog Error/.test(error.message)
        ? error.message.replace(/[.!]$/, thereAre(evidence))
        : error.message;
      // A table may be missing because its input could not be read.
      const broken = evidence.inputs.find((input) => input.error !== undefined);
      throw new UserError(broken ? `${broken.error}; and so ${told}` : told);
    }
    const { columns, rows } = await store.table(sql, [], "text");
    const masked = maskRows(
      rows,
      credentialColumns(evidence.tables),
      await secretsNamed(store, evidence, sql),
    );
    return { columns, rows: masked, inputs: maskValue([...evidence.inputs]) };
  });
}

/** `; there are app_log.lines, validations.validations`, for who has named another table. */
function thereAre({ tables }: Evidence): string {
  const names = tables.slice(0, TABLES_NAMED).map((table) => table.name);
  if (names.length === 0) return "";
  const more = tables.length - names.length;
  return `; there are ${names.join(", ")}${more > 0 ? ` and ${more} more, see trueup inspect` : ""}`;
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
