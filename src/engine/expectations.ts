/** Turns the expectations of trueup.yaml into checks: each kind is one, its targets are the tables that declare it. */

import type { TableExpectations } from "../contract/accepted.ts";
import { type AnyCheck, type CheckContext, type CheckInfo, defineCheck, Skip } from "../contract/check.ts";
import type { Evidence, Table } from "../contract/evidence.ts";
import type { FindingDraft } from "../contract/finding.ts";
import { didYouMean } from "../contract/nearest.ts";
import { columnRules } from "./expect-columns.ts";
import { tableRules } from "./expect-tables.ts";

export type ExpectationKind = keyof TableExpectations;
export type Declared = Readonly<Record<string, TableExpectations>>;

/** What one rule sees of its table. */
export interface Subject {
  table: Table;
  expected: TableExpectations;
  ctx: CheckContext;
  /** The SQL of a column. Throws when the table has none of that name. */
  value(column: string): string;
  /** Columns that tell rows apart: keys, ids and times, for samples. */
  keys: string[];
}

/** One kind of expectation. */
export interface ExpectationRule {
  kind: ExpectationKind;
  title: string;
  what: string;
  declared(expected: TableExpectations): boolean;
  run(subject: Subject): Promise<FindingDraft[]>;
}

const RULES: readonly ExpectationRule[] = [...columnRules, ...tableRules];

/** A check for every kind of expectation that a table declares. */
export function expectationChecks(declared: Declared): AnyCheck[] {
  return RULES.filter((rule) => Object.values(declared).some((expected) => rule.declared(expected))).map(
    (rule) => checkOf(rule, declared),
  );
}

/** Text that names the tables and columns, so that they are loaded. */
export function expectationText(declared: Declared): string {
  return Object.entries(declared)
    .map(([table, expected]) => {
      const columns = [
        ...expected.not_null,
        ...expected.unique.flat(),
        ...[expected.accepted_values, expected.between, expected.matches].flatMap((map) => Object.keys(map)),
        ...Object.entries(expected.references).flat(),
        ...(expected.freshness?.column ? [expected.freshness.column] : []),
      ];
      const sql = expected.sql.map((one) => one.sql.replaceAll("{table}", table));
      return `SELECT ${columns.join(", ")} FROM ${table}\n${sql.join("\n")}`;
    })
    .join("\n");
}

interface DeclaredTarget {
  name: string;
  table: Table | null;
  expected: TableExpectations;
  /** Why it cannot be evaluated, when there is no table. */
  missing: string;
}

/** Every kind of expectation, described like a check. */
export function expectationInfos(): CheckInfo[] {
  return RULES.map(infoOf);
}

function infoOf(rule: ExpectationRule): CheckInfo {
  return {
    id: `expect/${rule.kind}`,
    meta: {
      title: rule.title,
      severity: "warning",
      what: rule.what,
      why: "trueup.yaml declares it under `expect:`.",
      fix: "Correct the rows, or what writes them; change the expectation in trueup.yaml when it is no longer right.",
      silent: ["The table is not among the inputs of the run."],
      needs: "a table that declares it under `expect:` in trueup.yaml",
    },
    options: {},
  };
}

function checkOf(rule: ExpectationRule, declared: Declared): AnyCheck {
  return defineCheck({
    ...infoOf(rule),
    own: true,
    targets: (evidence) =>
      Object.entries(declared)
        .filter(([, expected]) => rule.declared(expected))
        .flatMap(([name, expected]) => targetsOf(name, expected, evidence)),
    run: async (target: DeclaredTarget, ctx) =>
      target.table === null
        ? new Skip(target.missing)
        : rule.run(subjectOf(target.table, target.expected, ctx)),
  });
}

/** A bare name means every table of that name. */
function targetsOf(name: string, expected: TableExpectations, evidence: Evidence): DeclaredTarget[] {
  const found = tablesNamed(name, evidence);
  if (found.length > 0) return found.map((table) => ({ name: table.name, table, expected, missing: "" }));
  const names = evidence.tables.flatMap((table) => [table.name, bareName(table)]);
  return [
    { name, table: null, expected, missing: `no such table in these inputs${didYouMean(name, names)}` },
  ];
}

const bareName = (table: Table) => table.name.slice(table.name.indexOf(".") + 1);

/** Tables by `schema.table` or by their bare name; case decides only between several. */
export function tablesNamed(name: string, evidence: Evidence): Table[] {
  const tables = evidence.tables.filter((table) => table.form !== "lines");
  const full = tables.filter((table) => table.name === name);
  if (full.length > 0) return full;
  const bare = tables.filter((table) => bareName(table) === name);
  if (bare.length > 0) return bare;
  const lower = name.toLowerCase();
  return tables.filter(
    (table) => table.name.toLowerCase() === lower || bareName(table).toLowerCase() === lower,
  );
}

function subjectOf(table: Table, expected: TableExpectations, ctx: CheckContext): Subject {
  const keys = table.columns
    .filter((column) => column.loaded && !isPath(column))
    .filter((column) => column.primaryKey || ["id", "time", "session_id"].includes(column.role ?? ""))
    .map((column) => column.name);
  return { table, expected, ctx, keys: keys.slice(0, 4), value: (column) => columnSql(table, column, ctx) };
}

const isPath = (column: Table["columns"][number]) => column.name.includes(".") && column.declared === "";

/** The SQL of a column or JSON path of a table. */
export function columnSql(table: Table, name: string, ctx: CheckContext): string {
  const column =
    table.columns.find((one) => one.name === name) ??
    table.columns.find((one) => one.name.toLowerCase() === name.toLowerCase());
  if (column === undefined) {
    const names = table.columns.map((one) => one.name);
    throw new Error(`${table.name} has no column "${name}"${didYouMean(name, names)}`);
  }
  return isPath(column) && column.expression !== null ? column.expression : ctx.sql.ident(column.name);
}
