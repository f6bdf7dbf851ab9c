/** Expectations about the values of single columns: each finds the rows that break it. */

import type { Bounds, Scalar } from "../contract/accepted.ts";
import type { CheckContext } from "../contract/check.ts";
import type { Table } from "../contract/evidence.ts";
import type { FindingDraft, Row } from "../contract/finding.ts";
import { number, plural } from "../contract/wording.ts";
import { columnSql, type ExpectationRule, type Subject, tablesNamed } from "./expectations.ts";

/** Text that is longer is free text: samples tell its length only. */
const VALUE_LENGTH_MAX = 60;

/** What breaks an expectation: which rows, and how to say it. */
interface Violation {
  /** The column, or the columns of a combination. */
  columns: string[];
  /** Tells two expectations of one kind on one column apart. */
  key: string;
  /** An SQL condition on the rows of the table, true for those that break it. */
  where: string;
  /** `has NULL in {n}`, after the column's name. */
  says: (rows: string) => string;
  evidence?: Row;
}

async function broken(
  subject: Subject,
  title: string,
  violations: readonly Violation[],
): Promise<FindingDraft[]> {
  const { table, ctx } = subject;
  const findings: FindingDraft[] = [];
  for (const { columns, key, where, says, evidence } of violations) {
    const [counts] = await ctx.query(
      `SELECT count(*) FILTER (WHERE ${where}) AS n, count(*) AS total FROM ${table.relation}`,
    );
    const n = Number(counts?.n);
    if (n === 0) continue;
    const name = columns.join(", ");
    findings.push({
      title,
      message: `${table.name}: ${name} ${says(`${plural(n, "row")} of ${number(counts?.total)}`)}.`,
      measure: { name: "violating_rows", value: n },
      evidence: { column: name, violating: n, rows: Number(counts?.total), ...evidence },
      samples: await samplesOf(subject, columns, where),
      sql: `SELECT * FROM ${table.relation} WHERE ${where} LIMIT 100`,
      location: { table: table.name, input: table.input, column: columns.length === 1 ? columns[0]! : null },
      key,
    });
  }
  return findings;
}

/** Keys, and the values of the columns that are short. */
function samplesOf(
  { table, ctx, keys, value }: Subject,
  columns: readonly string[],
  where: string,
): Promise<Row[]> {
  const shown = [...keys.filter((key) => !columns.includes(key)).map((key) => ctx.sql.ident(key))];
  for (const column of columns) {
    const text = `CAST(${value(column)} AS VARCHAR)`;
    shown.push(
      `CASE WHEN length(${text}) > ${VALUE_LENGTH_MAX} THEN '<' || length(${text}) || ' characters>' ELSE ${text} END AS ${ctx.sql.ident(column)}`,
    );
  }
  const order = shown.map((_, i) => i + 1).join(", ");
  return ctx.samples(`SELECT ${shown.join(", ")} FROM ${table.relation} WHERE ${where} ORDER BY ${order}`);
}

/** Numbers are compared as numbers, everything else as text. */
function isOneOf(ctx: CheckContext, value: string, accepted: readonly Scalar[]): string {
  const texts = accepted.filter((one) => one !== null).map((one) => ctx.sql.literal(String(one)));
  const numbers = accepted.filter((one) => typeof one === "number").map((one) => ctx.sql.literal(one));
  const tests = [texts.length > 0 ? `CAST(${value} AS VARCHAR) IN (${texts.join(", ")})` : "FALSE"];
  if (numbers.length > 0)
    tests.push(`coalesce(TRY_CAST(CAST(${value} AS VARCHAR) AS DOUBLE) IN (${numbers.join(", ")}), FALSE)`);
  return `(${tests.join(" OR ")})`;
}

/** True where a value lies outside; what is no number (or no time) lies outside too. */
function isOutside(ctx: CheckContext, value: string, { min, max }: Bounds): string {
  const times = typeof min === "string" || typeof max === "string";
  const type = times ? "TIMESTAMP" : "DOUBLE";
  const cast = `TRY_CAST(CAST(${value} AS VARCHAR) AS ${type})`;
  const bound = (one: number | string) => `CAST(${ctx.sql.literal(one)} AS ${type})`;
  const tests = [`${cast} IS NULL`];
  if (min !== null) tests.push(`${cast} < ${bound(min)}`);
  if (max !== null) tests.push(`${cast} > ${bound(max)}`);
  return `(${value} IS NOT NULL AND (${tests.join(" OR ")}))`;
}

/** The table and column that `table.column` means: in the same input first. */
function referenced(name: string, from: Table, ctx: CheckContext): { table: Table; value: string } {
  const at = name.lastIndexOf(".");
  const found = tablesNamed(name.slice(0, at), ctx.evidence);
  const table = found.find((one) => one.input === from.input) ?? (found.length === 1 ? found[0] : undefined);
  if (table === undefined)
    throw new Error(
      `${name}: ${found.length === 0 ? "no such table" : "several tables of that name; write input.table.column"}`,
    );
  return { table, value: columnSql(table, name.slice(at + 1), ctx) };
}

const hasEntries = (map: object) => Object.keys(map).length > 0;

export const columnRules: readonly ExpectationRule[] = [
  {
    kind: "not_null",
    title: "A column that must not be NULL is",
    what: "Rows in which a column declared as `not_null` is NULL.",
    declared: (expected) => expected.not_null.length > 0,
    run: (subject) =>
      broken(
        subject,
        "A column that must not be NULL is",
        subject.expected.not_null.map((column) => ({
          columns: [column],
          key: column,
          where: `${subject.value(column)} IS NULL`,
          says: (rows) => `is NULL in ${rows}`,
        })),
      ),
  },
  {
    kind: "unique",
    title: "Values that must be unique are not",
    what: "Rows whose value (or combination of values) stands in another row too; NULLs do not count.",
    declared: (expected) => expected.unique.length > 0,
    run: (subject) =>
      broken(
        subject,
        "Values that must be unique are not",
        subject.expected.unique.map((columns) => {
          const values = columns.map(subject.value);
          const list = values.join(", ");
          const whole = values.map((value) => `${value} IS NOT NULL`).join(" AND ");
          return {
            columns,
            key: columns.join(","),
            where: `${whole} AND (${list}) IN (SELECT (${list}) FROM ${subject.table.relation} WHERE ${whole} GROUP BY ${list} HAVING count(*) > 1)`,
            says: (rows) => `${columns.length === 1 ? "stands" : "together stand"} more than once in ${rows}`,
          };
        }),
      ),
  },
  {
    kind: "accepted_values",
    title: "A column has values that are not accepted",
    what: "Rows whose value is none of the accepted ones; NULL is for `not_null`.",
    declared: (expected) => hasEntries(expected.accepted_values),
    run: (subject) =>
      broken(
        subject,
        "A column has values that are not accepted",
        Object.entries(subject.expected.accepted_values).map(([column, accepted]) => {
          const value = subject.value(column);
          return {
            columns: [column],
            key: column,
            where: `${value} IS NOT NULL AND NOT ${isOneOf(subject.ctx, value, accepted)}`,
            says: (rows) => `is none of ${accepted.map(String).join(", ")} in ${rows}`,
            evidence: { accepted },
          };
        }),
      ),
  },
  {
    kind: "between",
    title: "A column has values out of range",
    what: "Rows whose value lies outside the declared range, or is no number or time at all; NULL is for `not_null`.",
    declared: (expected) => hasEntries(expected.between),
    run: (subject) =>
      broken(
        subject,
        "A column has values out of range",
        Object.entries(subject.expected.between).map(([column, bounds]) => ({
          columns: [column],
          key: column,
          where: isOutside(subject.ctx, subject.value(column), bounds),
          says: (rows) => `lies outside ${bounds.min ?? "…"} to ${bounds.max ?? "…"} in ${rows}`,
          evidence: { ...bounds },
        })),
      ),
  },
  {
    kind: "matches",
    title: "A column has values of another form",
    what: "Rows whose value does not match the declared pattern; NULL is for `not_null`.",
    declared: (expected) => hasEntries(expected.matches),
    run: (subject) =>
      broken(
        subject,
        "A column has values of another form",
        Object.entries(subject.expected.matches).map(([column, pattern]) => {
          const value = subject.value(column);
          return {
            columns: [column],
            key: column,
            where: `${value} IS NOT NULL AND NOT ${subject.ctx.sql.matches(`CAST(${value} AS VARCHAR)`, pattern)}`,
            says: (rows) => `does not match ${pattern} in ${rows}`,
            evidence: { pattern },
          };
        }),
      ),
  },
  {
    kind: "references",
    title: "A column refers to rows that are not there",
    what: "Rows whose value is not in the column that is referred to; NULL is for `not_null`.",
    declared: (expected) => hasEntries(expected.references),
    run: (subject) =>
      broken(
        subject,
        "A column refers to rows that are not there",
        Object.entries(subject.expected.references).map(([column, name]) => {
          const value = subject.value(column);
          const other = referenced(name, subject.table, subject.ctx);
          return {
            columns: [column],
            key: column,
            where: `${value} IS NOT NULL AND CAST(${value} AS VARCHAR) NOT IN (SELECT CAST(${other.value} AS VARCHAR) FROM ${other.table.relation} WHERE ${other.value} IS NOT NULL)`,
            says: (rows) => `refers to no ${name} in ${rows}`,
            evidence: { references: name },
          };
        }),
      ),
  },
];
