/** Expectations about whole tables: how fresh, how many rows, and what a user's own SQL says. */

import { secondsOf } from "../analysis/activity.ts";
import type { FindingDraft } from "../contract/finding.ts";
import { duration, instant, number, plural } from "../contract/wording.ts";
import type { ExpectationRule, Subject } from "./expectations.ts";

/** The latest time of the table, or null when it has no row with one. */
async function latestOf({ table, ctx, value }: Subject, column: string | null): Promise<string | null> {
  const usage = ctx.evidence.usage.find((one) => one.name === table.name && one.has("time"));
  const series = ctx.evidence.series.find((one) => one.name === table.name);
  const isTimeRole =
    column === null || table.columns.some((one) => one.name === column && one.role === "time");
  if (isTimeRole && (usage ?? series)) {
    const [row] = await ctx.query(`SELECT max(time) AS latest FROM ${(usage ?? series)!.relation}`);
    return (row?.latest as string | null) ?? null;
  }
  if (column === null)
    throw new Error(`${table.name} has no time column; name one: freshness: { column, max_age }`);
  const cast = `TRY_CAST(CAST(${value(column)} AS VARCHAR) AS TIMESTAMP)`;
  const [row] = await ctx.query(
    `SELECT max(${cast}) AS latest, count(${value(column)}) AS n FROM ${table.relation}`,
  );
  if ((row?.latest ?? null) === null && Number(row?.n) > 0)
    throw new Error(`${table.name}.${column} holds no times that can be read`);
  return (row?.latest as string | null) ?? null;
}

async function stale(subject: Subject): Promise<FindingDraft[]> {
  const { table, ctx, expected } = subject;
  const { column, maxAgeSeconds } = expected.freshness!;
  const latest = await latestOf(subject, column);
  const age = latest === null ? null : secondsOf(ctx.now) - secondsOf(latest);
  if (age !== null && age <= maxAgeSeconds) return [];
  const limit = duration(maxAgeSeconds);
  return [
    {
      title: "A table is not as fresh as expected",
      message:
        age === null
          ? `${table.name} has no row with a time; its latest must be at most ${limit} old.`
          : `The latest row of ${table.name} is of ${instant(latest)}, ${duration(age)} before now; at most ${limit} is expected.`,
      measure: { name: "age_seconds", value: age ?? maxAgeSeconds },
      evidence: { latest, age_seconds: age, max_age_seconds: maxAgeSeconds, now: ctx.now },
      sql: `SELECT count(*) AS row_count FROM ${table.relation}`,
      location: { table: table.name, input: table.input, column },
      key: column ?? "",
    },
  ];
}

async function miscounted({ table, ctx, expected }: Subject): Promise<FindingDraft[]> {
  const { min, max } = expected.row_count!;
  const [row] = await ctx.query(`SELECT count(*) AS n FROM ${table.relation}`);
  const n = Number(row?.n);
  const off = min !== null && n < min ? min - n : max !== null && n > max ? n - max : 0;
  if (off === 0) return [];
  const range =
    min === max
      ? number(min)
      : min === null
        ? `at most ${number(max)}`
        : max === null
          ? `at least ${number(min)}`
          : `${number(min)} to ${number(max)}`;
  return [
    {
      title: "A table has another number of rows than expected",
      message: `${table.name} has ${plural(n, "row")}; ${range} expected.`,
      measure: { name: "rows_off", value: off },
      evidence: { rows: n, min, max },
      sql: `SELECT count(*) AS row_count FROM ${table.relation}`,
      location: { table: table.name, input: table.input },
    },
  ];
}

async function contradicted({ table, ctx, expected }: Subject): Promise<FindingDraft[]> {
  const findings: FindingDraft[] = [];
  for (const { name, sql } of expected.sql) {
    const text = sql.trim().replace(/;\s*$/, "").replaceAll("{table}", table.relation);
    const isQuery = /^(?:\s|--[^\n]*\n|\/\*[\s\S]*?\*\/|\()*(?:select|with|from)\b/i.test(text);
    const query = isQuery ? text : `SELECT * FROM ${table.relation} WHERE NOT (${text}\n)`;
    const [row] = await ctx.query(`SELECT count(*) AS n FROM (${query}\n) AS violations`);
    const n = Number(row?.n);
    if (n === 0) continue;
    const named = name === sql ? "" : ` (${name})`;
    findings.push({
      title: "Rows contradict an expectation",
      message: `${table.name}: ${plural(n, "row contradicts", "rows contradict")} an expectation${named}.`,
      measure: { name: "violating_rows", value: n },
      evidence: { expectation: name, violating: n },
      sql: `SELECT * FROM (${query}\n) AS violations LIMIT 100`,
      location: { table: table.name, input: table.input },
      key: name,
    });
  }
  return findings;
}

export const tableRules: readonly ExpectationRule[] = [
  {
    kind: "freshness",
    title: "A table is not as fresh as expected",
    what: "A table whose latest row is older than declared, counted to now.",
    declared: (expected) => expected.freshness !== null,
    run: stale,
  },
  {
    kind: "row_count",
    title: "A table has another number of rows than expected",
    what: "A table with fewer or more rows than declared.",
    declared: (expected) => expected.row_count !== null,
    run: miscounted,
  },
  {
    kind: "sql",
    title: "Rows contradict an expectation",
    what: "Rows that break a declared condition, or that a declared SELECT returns.",
    declared: (expected) => expected.sql.length > 0,
    run: contradicted,
  },
];
