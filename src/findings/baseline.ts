/** Compares findings with those a team has accepted: what is new, what grew worse, what is known, what is fixed. */

import {
  type Baseline,
  type BaselineEntry,
  type BaselineTable,
  type LoadedBaseline,
  TYPED_KINDS,
  undated,
} from "../contract/baseline.ts";
import type { Input, SchemaReference, Table } from "../contract/evidence.ts";
import type { Finding } from "../contract/finding.ts";
import { globMatches } from "../contract/glob.ts";
import type { Report } from "../contract/report.ts";
import { plural } from "../contract/wording.ts";

/** A measure that grew by less than this share is the same: rows come and go. */
const TOLERANCE = 0.1;

/** What an audit found, before it is compared. */
export type Audited = Pick<Report, "inputs" | "tables" | "outcomes" | "findings">;

/** The findings with their state, what is no longer there, and what could not be told. */
export interface Compared {
  findings: Finding[];
  fixed: Finding[];
  /** Entries that this run did not evaluate: another input, a check left out, a check that failed. */
  unseen: BaselineEntry[];
}

/** `suppressed` findings are there, so that they are not fixed. */
export function compareWithBaseline(
  audited: Audited,
  suppressed: readonly Finding[],
  baseline: Baseline,
): Compared {
  const left = new Map<string, BaselineEntry[]>();
  for (const entry of byMeasure(baseline.findings)) {
    const same = left.get(entry.fingerprint);
    if (same) same.push(entry);
    else left.set(entry.fingerprint, [entry]);
  }
  const states = new Map<Finding, Finding["baseline"]>();
  for (const finding of byMeasure(audited.findings)) {
    const entry = left.get(finding.fingerprint)?.shift();
    states.set(finding, entry === undefined ? "new" : grew(finding, entry) ? "worse" : "known");
  }
  for (const finding of suppressed) left.get(finding.fingerprint)?.shift();
  const gone = [...left.values()].flat();
  const evaluated = gone.filter((entry) => wasEvaluated(entry, audited));
  return {
    findings: audited.findings.map((finding) => ({ ...finding, baseline: states.get(finding) ?? "new" })),
    fixed: inOrder(evaluated).map(fixedOf),
    unseen: inOrder(gone.filter((entry) => !evaluated.includes(entry))),
  };
}

/** Of findings with one fingerprint, the largest meets the largest. */
function byMeasure<T extends { measure: { value: number } }>(list: readonly T[]): T[] {
  return [...list].sort((a, b) => b.measure.value - a.measure.value);
}

function grew(finding: Finding, entry: BaselineEntry): boolean {
  const { name, value } = finding.measure;
  const before = entry.measure.value;
  return name === entry.measure.name && value > before && value - before > Math.abs(before) * TOLERANCE;
}

/** Whether the check looked where the entry stood, so that its absence means that the defect is gone. */
function wasEvaluated(entry: BaselineEntry, { inputs, tables, outcomes }: Audited): boolean {
  const ofCheck = outcomes.filter((outcome) => outcome.check === entry.check);
  const there = ofCheck.filter((outcome) => undated(outcome.target) === undated(entry.target));
  if (there.length > 0)
    return there.every((outcome) => outcome.status === "clean" || outcome.status === "found");
  // The target is gone. That is a repair only where its input was read and the check could look at it.
  const failed = ofCheck.some((outcome) => outcome.status === "failed" && outcome.target === "*");
  if (ofCheck.length === 0 || failed || entry.location.input === null) return false;
  const input = sameInput(inputs, entry.location.input);
  if (input === undefined || input.error !== undefined) return false;
  const table = entry.location.table;
  return table === null || tables.every((one) => undated(one.name) !== undated(table));
}

const sameInput = (inputs: readonly Input[], name: string): Input | undefined =>
  inputs.find((input) => undated(input.name) === undated(name));

/** An entry as a finding: what the baseline keeps of it, and no numbers of today. */
function fixedOf(entry: BaselineEntry): Finding {
  return {
    ...entry,
    location: { ...entry.location, line: null },
    message: `${entry.title}: in the baseline, and no longer found.`,
    evidence: {},
    samples: [],
    sql: "",
    causes: [],
    fix: "",
    baseline: null,
    timeline: null,
  };
}

/** What a reader should know of the baseline: entries to prune, and entries that were not looked at. */
export function baselineNotes(file: string, { fixed, unseen }: Compared): string[] {
  const notes: string[] = [];
  if (fixed.length > 0)
    notes.push(
      `${file}: ${plural(fixed.length, "entry is", "entries are")} stale; \`trueup baseline prune\` removes what is fixed.`,
    );
  if (unseen.length > 0)
    notes.push(
      `${file}: ${plural(unseen.length, "entry was", "entries were")} not evaluated in this run (${[...new Set(unseen.map((entry) => `${entry.check} on ${entry.target}`))].slice(0, 3).join("; ")}${unseen.length > 3 ? " …" : ""}).`,
    );
  return notes;
}

/** The baseline that knows everything this audit found, suppressed findings left out. */
export function baselineOf({ findings, inputs, tables }: Audited): Baseline {
  return { version: 1, findings: inOrder(findings.map(entryOf)), tables: tablesOf(inputs, tables) };
}

/** The baseline without the entries whose fingerprints are `fixed`, as often as they stand there. */
export function prunedBaseline(baseline: Baseline, fixed: readonly Finding[]): Baseline {
  const drop = fixed.map((finding) => JSON.stringify([finding.fingerprint, finding.measure.value]));
  const kept = baseline.findings.filter((entry) => {
    const at = drop.indexOf(JSON.stringify([entry.fingerprint, entry.measure.value]));
    if (at >= 0) drop.splice(at, 1);
    return at < 0;
  });
  return { ...baseline, findings: inOrder(kept) };
}

function entryOf(finding: Finding): BaselineEntry {
  const { fingerprint, check, severity, title, target, measure } = finding;
  const { input, table, column, file } = finding.location;
  return { fingerprint, check, severity, title, target, location: { input, table, column, file }, measure };
}

/** Columns without the paths inside JSON; the tables of JSON records are left out, since their data make them. */
function tablesOf(inputs: readonly Input[], tables: readonly Table[]): BaselineTable[] {
  const rows = tables.flatMap((table): BaselineTable[] => {
    const kind = inputs.find((input) => input.name === table.input)?.kind;
    const typed = kind !== undefined && TYPED_KINDS.has(kind);
    if (table.form !== "table" || !(typed || kind === "csv")) return [];
    const columns = table.columns
      .filter((column) => !column.name.includes(".") || column.declared !== "")
      .map(({ name, declared, type }) => ({ name, type: typed ? declared || type : "" }));
    return [{ input: undated(table.input), name: table.name.slice(table.name.indexOf(".") + 1), columns }];
  });
  return sorted(rows, (table) => [table.input, table.name]);
}

function inOrder(entries: readonly BaselineEntry[]): BaselineEntry[] {
  return sorted(entries, (entry) => [entry.check, entry.target, entry.fingerprint, entry.measure.value]);
}

function sorted<T>(list: readonly T[], keys: (item: T) => (string | number)[]): T[] {
  return [...list].sort((a, b) => {
    const [left, right] = [keys(a), keys(b)];
    const at = left.findIndex((key, i) => key !== right[i]);
    return at < 0 ? 0 : left[at]! < right[at]! ? -1 : 1;
  });
}

/**
 * The baseline's schema as references, one per input of this run that was read whole. With `patterns` (`--tables`)
 * only the tables that were asked for are compared.
 */
export function schemaReferences(
  { file, baseline }: LoadedBaseline,
  inputs: readonly Input[],
  patterns: readonly string[],
): SchemaReference[] {
  return inputs.flatMap((input): SchemaReference[] => {
    if (input.error !== undefined) return [];
    const tables = baseline.tables.filter(
      (table) =>
        table.input === undated(input.name) && (patterns.length === 0 || matches(table.name, patterns)),
    );
    return tables.length === 0 ? [] : [{ label: file, input: input.name, tables }];
  });
}

function matches(name: string, patterns: readonly string[]): boolean {
  const full = name.toLowerCase();
  const bare = full.slice(full.lastIndexOf(".") + 1);
  return patterns.some((pattern) =>
    [full, bare].some((candidate) => globMatches(pattern.toLowerCase(), candidate, "name")),
  );
}
