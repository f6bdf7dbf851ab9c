/** The test kit for own checks, `trueup/testing`: tiny tables as data → the findings that are expected. */

import { resolve } from "node:path";
import type { OptionValue } from "../contract/check.ts";
import type { FindingDraft, NamedDraft } from "../contract/finding.ts";
import { QUIET } from "../contract/settings.ts";
import { readOwnChecks } from "../engine/own/read.ts";
import { startOwnChecks } from "../engine/own/start.ts";
import { runChecks } from "../engine/run.ts";
import { bareSettings, withTables } from "./evidence.ts";
import type { TableData } from "./tables.ts";

export type { TableData } from "./tables.ts";

export interface CheckCase {
  /** Named `input.table`. */
  tables: Record<string, TableData>;
  options?: Record<string, OptionValue>;
  /** What counts as now; `2026-01-01T00:00:00Z` when absent. */
  now?: string;
}

/** A part of a finding; texts may be matched by a pattern. */
export interface ExpectedFinding {
  title?: string | RegExp;
  message?: string | RegExp;
  severity?: FindingDraft["severity"];
  target?: string;
  evidence?: Record<string, unknown>;
}

export interface FiringCase extends CheckCase {
  /** In the check's own order. Without it, one finding or more is expected. */
  expected?: readonly ExpectedFinding[];
}

/** Cases by their names. */
export interface CheckCases {
  /** The check must find something. */
  firing: Record<string, FiringCase>;
  /** The check must look and find nothing: healthy tables and near misses. */
  clean: Record<string, CheckCase>;
}

/**
 * Runs the check in `file` on every case, as an audit would: confined, on the real engine. The file is relative to the
 * working directory.
 * @throws Error that names the case, when one does not hold, or when there is no firing or no clean case.
 */
export async function testCheck(file: string, { firing, clean }: CheckCases): Promise<void> {
  if (Object.keys(firing ?? {}).length === 0)
    throw new Error(`${file}: a check needs a firing case, else nobody knows that it finds anything`);
  if (Object.keys(clean ?? {}).length === 0)
    throw new Error(`${file}: a check needs a clean case, else nobody knows that it can be silent`);
  for (const [name, one] of Object.entries(firing)) {
    const { findings } = await runCase(file, name, one);
    if (findings.length === 0) throw new Error(`${file}, case "${name}": nothing was found`);
    if (one.expected) assertExpected(`${file}, case "${name}"`, findings, one.expected);
  }
  for (const [name, one] of Object.entries(clean)) {
    const { findings, evaluated } = await runCase(file, name, one);
    if (findings.length > 0)
      throw new Error(`${file}, case "${name}": found ${findings.map((f) => f.message).join("; ")}`);
    if (!evaluated)
      throw new Error(`${file}, case "${name}": the check looked at nothing, so its silence says nothing`);
  }
}

async function runCase(
  file: string,
  name: string,
  { tables, options = {}, now = "2026-01-01T00:00:00Z" }: CheckCase,
): Promise<{ findings: NamedDraft[]; evaluated: boolean }> {
  const cwd = resolve();
  const [own] = readOwnChecks([resolve(cwd, file)], cwd);
  const settings = bareSettings({ now, nowGiven: true });
  return withTables(tables, settings, async (store, evidence) => {
    const started = await startOwnChecks([own!], evidence, [], {
      timeoutSeconds: undefined,
      signal: QUIET.signal,
      interrupt: () => store.interrupt(),
    });
    try {
      const checks = Object.fromEntries(started.checks.map((check) => [check.id, { options }]));
      const result = await runChecks(store, evidence, started.checks, { ...settings, checks }, QUIET);
      const outcomes = [...started.failed, ...result.outcomes];
      const failed = outcomes.find((outcome) => outcome.status === "failed");
      if (failed) throw new Error(`${file}, case "${name}": the check failed: ${failed.reason}`);
      return { findings: result.drafts, evaluated: outcomes.some((outcome) => outcome.status !== "skipped") };
    } finally {
      started.close();
    }
  });
}

function assertExpected(
  where: string,
  findings: readonly NamedDraft[],
  expected: readonly ExpectedFinding[],
): void {
  if (findings.length !== expected.length)
    throw new Error(
      `${where}: ${findings.length} findings, ${expected.length} expected: ${findings.map((f) => f.message).join("; ")}`,
    );
  for (const [i, wanted] of expected.entries())
    for (const [key, value] of Object.entries(wanted)) {
      const got = findings[i]![key as keyof ExpectedFinding];
      if (!fits(got, value))
        throw new Error(
          `${where}: ${key} of finding ${i + 1} is ${JSON.stringify(got)}, expected ${value instanceof RegExp ? value : JSON.stringify(value)}`,
        );
    }
}

/** Texts by pattern, objects by the keys that are named. */
function fits(got: unknown, wanted: unknown): boolean {
  if (wanted instanceof RegExp) return typeof got === "string" && wanted.test(got);
  if (typeof wanted !== "object" || wanted === null) return Object.is(got, wanted);
  if (typeof got !== "object" || got === null) return false;
  return Object.entries(wanted).every(([key, value]) => fits((got as Record<string, unknown>)[key], value));
}
