/** Runs checks on the evidence and settles each check × target to one outcome. */

import { EXPECTATION_IDS } from "../contract/accepted.ts";
import type { AnyCheck, CheckContext, OptionValue, Target } from "../contract/check.ts";
import { Skip } from "../contract/check.ts";
import { Interrupted, messageOf, UserError } from "../contract/errors.ts";
import type { Evidence } from "../contract/evidence.ts";
import type { NamedDraft, Outcome, Row } from "../contract/finding.ts";
import { globMatches } from "../contract/glob.ts";
import { didYouMean } from "../contract/nearest.ts";
import type { CheckSettings, Hooks } from "../contract/settings.ts";
import type { Store } from "../store/index.ts";

/** Sample rows a finding may carry. */
const SAMPLES_MAX = 5;

export interface EngineResult {
  drafts: NamedDraft[];
  outcomes: Outcome[];
}

export interface EngineSettings {
  checks: Record<string, CheckSettings>;
  samples: boolean;
  select: string[];
  ignore: string[];
}

/**
 * Runs every selected check on each of its targets, two checks at a time where the store can; results come in the
 * order of the checks. A check that throws fails alone.
 */
export async function runChecks(
  store: Store,
  evidence: Evidence,
  checks: readonly AnyCheck[],
  settings: EngineSettings,
  hooks: Hooks,
): Promise<EngineResult> {
  const selected = checks.filter((c) => isSelected(c.id, settings));
  const results: EngineResult[] = [];
  const runInTurn = async (queue: AnyCheck[]) => {
    for (let check = queue.shift(); check; check = queue.shift()) {
      if (hooks.signal.aborted) throw new Interrupted();
      hooks.progress({ stage: "check", subject: check.id });
      results[selected.indexOf(check)] = await runCheck(store, evidence, check, settings);
    }
  };
  const together = selected.filter((check) => !check.own);
  const ended = await Promise.allSettled(
    Array.from({ length: store.readsAtOnce }, () => runInTurn(together)),
  );
  for (const one of ended) if (one.status === "rejected") throw one.reason;
  // A check of the user's that takes too long is interrupted, and every query at work with it: it runs alone.
  await runInTurn(selected.filter((check) => check.own));
  return {
    drafts: results.flatMap((one) => one.drafts),
    outcomes: results.flatMap((one) => one.outcomes),
  };
}

async function runCheck(
  store: Store,
  evidence: Evidence,
  check: AnyCheck,
  settings: EngineSettings,
): Promise<EngineResult> {
  const result: EngineResult = { drafts: [], outcomes: [] };
  let targets: readonly Target[];
  try {
    targets = check.targets(evidence);
  } catch (error) {
    result.outcomes.push({ check: check.id, target: "*", status: "failed", reason: messageOf(error) });
    return result;
  }
  if (targets.length === 0)
    result.outcomes.push({
      check: check.id,
      target: "*",
      status: "skipped",
      reason: `needs ${check.meta.needs}`,
    });
  for (const target of targets) await runOne(store, evidence, check, target, settings, result);
  return result;
}

/** Every pattern of `select` must name a check: nothing evaluated must not look like nothing found. */
export function assertSelected({ select }: EngineSettings, ids: readonly string[]): void {
  const known = [...ids, ...EXPECTATION_IDS];
  for (const pattern of select)
    if (!known.some((id) => globMatches(pattern, id, "name")))
      throw new UserError(`--select: unknown check "${pattern}"${didYouMean(pattern, known)}`);
}

/** `--select` and `--ignore` take ids or prefixes that end in `*`; a check set to `off` runs only when selected. */
export function isSelected(id: string, settings: EngineSettings): boolean {
  const matches = (patterns: string[]) =>
    patterns.some((p) => p === id || (p.endsWith("*") && id.startsWith(p.slice(0, -1))));
  if (matches(settings.ignore)) return false;
  if (settings.select.length > 0) return matches(settings.select);
  return settings.checks[id]?.severity !== "off";
}

async function runOne(
  store: Store,
  evidence: Evidence,
  check: AnyCheck,
  target: Target,
  settings: EngineSettings,
  result: EngineResult,
): Promise<void> {
  const { outcomes, drafts } = result;
  const configured = settings.checks[check.id];
  const at = { check: check.id, target: target.name };
  try {
    const found = await check.run(target, contextOf(store, evidence, check, settings));
    if (found instanceof Skip) {
      outcomes.push({ ...at, status: "skipped", reason: found.reason });
      return;
    }
    for (const draft of found) {
      const severity = configured?.severity;
      drafts.push({
        ...draft,
        ...at,
        severity: severity && severity !== "off" ? severity : (draft.severity ?? check.meta.severity),
        fix: draft.fix ?? check.meta.fix,
      });
    }
    outcomes.push({ ...at, status: found.length > 0 ? "found" : "clean", reason: null });
  } catch (error) {
    if (error instanceof Interrupted) throw error;
    outcomes.push({ ...at, status: "failed", reason: messageOf(error) });
  }
}

/** What a check may use on these evidence and settings. */
export function contextOf(
  store: Store,
  evidence: Evidence,
  check: AnyCheck,
  settings: EngineSettings,
): CheckContext {
  const options: Record<string, OptionValue> = {};
  for (const [name, spec] of Object.entries(check.options as Record<string, { default: OptionValue }>))
    options[name] = settings.checks[check.id]?.options[name] ?? spec.default;
  const query: CheckContext["query"] = async (sql, params = []) => {
    if (check.own) await store.assertSelect(sql);
    return store.read(sql, params);
  };
  return {
    options,
    now: evidence.now,
    evidence,
    sql: store.dialect,
    query,
    samples: async (sql): Promise<Row[]> => {
      if (!settings.samples) return [];
      if (!/\border\s+by\b/i.test(sql)) throw new Error("a query for samples needs ORDER BY");
      return query(`SELECT * FROM (${sql}) LIMIT ${SAMPLES_MAX}`);
    },
  };
}
