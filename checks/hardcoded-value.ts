/** Finds statements that store a constant 0, NULL or empty text as tokens, cost or time. */

import { defineCheck } from "../src/contract/check.ts";
import {
  type CodeAccess,
  codeAccess,
  codeTargets,
  entriesByFunction,
  listEntries,
  MIGRATION_FILE,
} from "../src/contract/code.ts";
import type { FindingDraft } from "../src/contract/finding.ts";

type Row = Record<string, unknown>;

const TOKENS =
  /(^|_)tokens(_|$)|(^|_)token_(count|usage|in|out|input|output|total|used)(_|$)|^(prompt|completion|input|output|reasoning)_(tokens?|count)$/;
const COST = /(^|_)(cost|costs|price|spend|spent|credits?_used|amount_usd|usd)(_|$)/;
const TIME =
  /(^|_)(timestamp|created_at|started_at|ended_at|finished_at|completed_at|start_time|end_time|duration(_ms|_s)?|latency(_ms|_s)?)$/;
/** Settings about tokens and prices, no measurements. */
const NO_MEASURE =
  /(^|_)(max|min|limit|limits|quota|budget|per|rate|unit|threshold|api|access|refresh|reset|csrf|auth|session|bearer|push|device|expires?|secret|hash|key|id|type|depth|parent|name|version|remaining|balance|enabled)(_|$)/;

export default defineCheck({
  id: "hardcoded-value",
  meta: {
    title: "A constant is stored as a measurement",
    severity: "warning",
    what: "Finds SQL in code that gives a token, cost or time column the constant 0, NULL or '' for every row of the statement: in an INSERT, in an INSERT … SELECT, or as `0 as tokens_in` in a SELECT. What query builders and ORMs store is read alike: `db('usage').insert({ tokens_in: 0 })`, `Usage(tokens_in=0)`, `Usage{TokensIn: 0}`.",
    why: "A constant 0 is added up as if it were measured. Seen where every root trace of a dashboard was created with `0 as tokens_in`, and all costs were wrong by 100 %.",
    fix: "Select or aggregate the real value (`SUM(…)`, a join with the rows that carry it), or store NULL where it is unknown and fill it when it is known.",
    silent: [
      "A column default (`DEFAULT 0`) is no statement about rows.",
      "A value that is computed or aggregated (`COALESCE(SUM(x), 0)`) is no constant.",
      "A first value that code later updates, also in the conflict clause of the same statement, is only where a row starts.",
      "A table that a builder or an ORM updates in columns that only run time knows (`update(patch)`, `save(entity)`), for what builders and ORMs store, and an object whose attribute any code sets.",
      "Rows of which one has another value, an object with a spread behind the value, and what `get_or_create` and its like are given.",
      'A call that failed: a state beside it says so (`status: "failed"`), the function is named after it, or the statement stores an error while another stores the measurement.',
      "A part of a statement that depends on the run and is no constant in another form of it.",
      "Seeds, fixtures, demo data, and what migrations fill in for rows of before.",
      "Identifiers, parents, depths, limits, quotas and secrets are no measurements.",
    ],
    needs: "source code",
  },
  options: {},
  targets: codeTargets,
  async run(target, ctx) {
    const all = await ctx.query(
      `SELECT DISTINCT l.file, l.line, l.table_name, l.column_name, l.value, l.operation, l.function_id, f."function"
       FROM trueup.code_literals l JOIN trueup.code_functions f ON f.id = l.function_id
       WHERE NOT l.is_test AND l.operation <> 'update'
       ORDER BY l.file, l.line, l.column_name, l.value, l.function_id`,
    );
    const accesses = await codeAccess(ctx);
    const literals = all.filter(
      (row) =>
        /^(0|0\.0|NULL|)$/.test(String(row.value)) &&
        !MADE_UP.test(String(row.file)) &&
        !MIGRATION_FILE.test(String(row.file)) &&
        !isOfFailure(row, all, accesses),
    );
    const updated = new Set(
      accesses
        .filter((access) => access.operation === "update" || access.operation === "upsert")
        .flatMap((access) => access.columns.map((column) => columnKey(access.table, column))),
    );
    const entries = await entriesByFunction(ctx);
    const findings = new Map<string, FindingDraft>();
    for (const row of literals) {
      const column = String(row.column_name);
      const kind = kindOf(column);
      const table = row.table_name === null ? null : String(row.table_name);
      if (
        kind === null ||
        (table !== null && row.operation === "insert" && updated.has(columnKey(table, column)))
      )
        continue;
      // A plain SELECT shapes a result: only a 0 that stands for a measurement is one.
      if (table === null && row.value !== "0") continue;
      // A time that is not known yet is NULL; only tokens and costs have no business being NULL or 0 for all rows.
      if (kind === "time" && row.value === "NULL") continue;
      const key = `${row.file} ${row.line} ${column}`;
      if (findings.has(key)) continue;
      const runners = literals.filter(
        (one) => one.file === row.file && one.line === row.line && one.column_name === column,
      );
      const reached = runners.flatMap((one) => entries.get(Number(one.function_id)) ?? []);
      const value = row.value === "" ? "''" : String(row.value);
      findings.set(key, {
        title: "A constant is stored as a measurement",
        message: `\`${column}\` is ${value} in every row that ${names(runners.map((one) => String(one.function)))} ${table === null ? "selects" : `writes to \`${table}\``}.${
          reached.length > 0 ? ` Reached from ${listEntries(reached)}.` : ""
        }`,
        severity: kind === "time" ? "warning" : "error",
        measure: { name: "literals", value: runners.length },
        evidence: {
          table,
          column,
          value,
          operation: row.operation ?? null,
          functions: [...new Set(runners.map((one) => String(one.function)))],
          entries: reached.map((entry) => entry.name),
        },
        sql: `SELECT file, line, table_name, column_name, value, operation FROM trueup.code_literals WHERE column_name = ${ctx.sql.literal(column)} ORDER BY file, line`,
        key: `${row.file} ${table ?? ""} ${column}`,
        location: { input: target.input, table, column, file: String(row.file), line: Number(row.line) },
      });
    }
    return [...findings.values()];
  },
});

/** Rows that stand for nothing that happened. */
const MADE_UP =
  /(^|\/)(seeds?|seeders?|fixtures?|demos?|examples?|samples?|mocks?|stubs?|factories)\/|(^|[/._-])(seed(s|er|ing)?|fixtures?|demo|mock|sample)([_-]?data)?\.\w+$/i;
const STATE = /(^|_)(status|state|outcome|result|finish_reason|event|type)$/;
const FAILED =
  /^(fail(ed|ure)?|err(or(ed)?)?|exception|cancell?ed|abort(ed)?|timed?_?out|timeout|reject(ed)?|denied|blocked|skipped)$/i;
const SUCCESS = /(^|_)(success|successful|succeeded|ok|is_success)$/;
const FAILS = /(fail|error|cancel|abort|reject|timeout|timedout|denied|blocked)/i;
/** Lines that one statement may span. */
const STATEMENT_LINES_MAX = 40;

/**
 * Whether the statement records a call that failed and has no measurement: it says so in a state, its
 * function is named after it, or it stores an error while another statement stores the measurement.
 */
function isOfFailure(row: Row, all: readonly Row[], accesses: readonly CodeAccess[]): boolean {
  if (FAILS.test(String(row.function))) return true;
  if (row.table_name === null) return false;
  const beside = all.filter(
    (one) =>
      one.function_id === row.function_id &&
      one.table_name === row.table_name &&
      one.file === row.file &&
      Math.abs(Number(one.line) - Number(row.line)) <= STATEMENT_LINES_MAX &&
      // Of two statements of one function, a state belongs to the nearer.
      !all.some(
        (other) =>
          other.function_id === row.function_id &&
          other.file === row.file &&
          other.column_name === row.column_name &&
          Math.abs(Number(other.line) - Number(one.line)) < Math.abs(Number(row.line) - Number(one.line)),
      ),
  );
  if (
    beside.some(({ column_name, value }) => {
      const name = snake(String(column_name));
      return STATE.test(name)
        ? FAILED.test(String(value))
        : SUCCESS.test(name) && /^(0|false)$/i.test(String(value));
    })
  )
    return true;
  const key = columnKey(String(row.table_name), String(row.column_name));
  const stores = accesses.filter(
    (one) =>
      one.mode === "write" &&
      one.operation !== "delete" &&
      one.columns.some((column) => columnKey(one.table, column) === key),
  );
  const isNull = (column: string) =>
    beside.some((one) => one.column_name === column && String(one.value) === "NULL");
  const storesError = stores.some(
    (one) =>
      one.id === Number(row.function_id) &&
      one.columns.some((column) => /(^|_)(error|exception)/.test(snake(column)) && !isNull(column)),
  );
  const constant = new Set(
    all.flatMap((one) =>
      columnKey(String(one.table_name), String(one.column_name)) === key ? [Number(one.function_id)] : [],
    ),
  );
  return storesError && stores.some((one) => !constant.has(one.id));
}

function snake(column: string): string {
  return column.replace(/([\p{Ll}\d])(\p{Lu})/gu, "$1_$2").toLowerCase();
}

/** A column of a table: `tokens_in` in SQL may be `TokensIn` of an object. */
function columnKey(table: string, column: string): string {
  return `${table} ${column.replaceAll("_", "")}`.toLowerCase();
}

/** What a column measures, by its name. */
function kindOf(column: string): "tokens" | "cost" | "time" | null {
  const name = snake(column);
  if (NO_MEASURE.test(name)) return null;
  if (TOKENS.test(name)) return "tokens";
  if (COST.test(name)) return "cost";
  return TIME.test(name) ? "time" : null;
}

function names(functions: readonly string[]): string {
  const all = [...new Set(functions)];
  return all.length > 3 ? `${all.slice(0, 3).join(", ")} and ${all.length - 3} more` : all.join(", ");
}
