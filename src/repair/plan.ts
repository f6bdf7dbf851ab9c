/** Turns what checks can put right into previews and repair SQL. */

import type { AnyCheck, CheckContext } from "../contract/check.ts";
import { UserError } from "../contract/errors.ts";
import type { Evidence, InputKind } from "../contract/evidence.ts";
import type { Row, Value } from "../contract/finding.ts";
import type { Repair, RepairPlan } from "../contract/repair.ts";
import { plural } from "../contract/wording.ts";
import { ident, literal, type Store } from "../store/index.ts";
import { type RepairDialect, sourceTable, tupleOf, type UpdateParts, updateOf } from "./dialect.ts";

/** Rows per statement. A statement may scan the whole table: large repairs take few statements, whatever their size. */
const BATCH_ROWS = { least: 500, most: 50_000 };
const BATCHES = 20;

const DIALECTS: Partial<Record<InputKind, RepairDialect>> = {
  sqlite: "sqlite",
  duckdb: "duckdb",
  postgres: "postgres",
  "sql-dump": "postgres",
  "postgres-archive": "postgres",
};

/** A repair and the statements that carry it out, one batch each. */
export interface PlannedRepair {
  repair: Repair;
  input: string;
  statements: string[];
}

/** Asks every check that can repair for its plans, in the order of the checks and their targets. */
export async function planRepairs(
  store: Store,
  evidence: Evidence,
  checks: readonly AnyCheck[],
  contextOf: (check: AnyCheck) => CheckContext,
  limit: number | null,
): Promise<PlannedRepair[]> {
  const planned: PlannedRepair[] = [];
  for (const check of checks) {
    if (!check.repair) continue;
    for (const target of check.targets(evidence)) {
      const plan = await check.repair(target, contextOf(check));
      if (plan) planned.push(await repairOf(store, evidence, check.id, plan, limit));
    }
  }
  return planned;
}

async function repairOf(
  store: Store,
  evidence: Evidence,
  check: string,
  plan: RepairPlan,
  limit: number | null,
): Promise<PlannedRepair> {
  const table = evidence.tables.find((one) => one.name === plan.table);
  const input = evidence.inputs.find((one) => one.name === table?.input);
  if (!table || !input)
    throw new Error(`${check}: the repair names a table that is not there: ${plan.table}`);
  const own = table.name.slice(input.name.length + 1);
  const dialect = DIALECTS[input.kind] ?? null;
  const key = table.columns.find((column) => column.name === plan.key);
  const parts: UpdateParts = {
    dialect: dialect ?? "duckdb",
    ...ownNameOf(own, dialect),
    key: plan.key,
    keyIsTyped: (key?.declared ?? "") !== "",
    columns: plan.columns,
    guard: plan.guard,
  };
  const top = new Set((await store.all(`DESCRIBE ${table.relation}`)).map((row) => String(row.column_name)));
  const inside = [plan.key, ...plan.columns].filter((column) => !top.has(column));
  const view = ident(`repair ${check} ${plan.table}`);
  await store.run(`CREATE TEMP TABLE ${view} AS ${judged(plan, table.relation, inside)}`);
  try {
    const chosen = `(SELECT * FROM ${view} WHERE lost IS NULL ORDER BY key${limit === null ? "" : ` LIMIT ${limit}`})`;
    const sums = await store.one(
      `SELECT count(*) AS n, ${each(plan, (i) => `sum(old_${i}) AS old_${i}, sum(new_${i}) AS new_${i}`)} FROM ${chosen}`,
    );
    const values = plan.columns.map((column) =>
      inside.includes(column) ? "NULL" : `TRY_CAST(${ident(column)} AS DECIMAL(38, 6))`,
    );
    const among = await store.one(
      `SELECT count(*) AS n, count(*) FILTER (WHERE ${values.map((value) => `${value} > 0`).join(" OR ")}) AS filled,
              ${values.map((value, i) => `sum(${value}) AS sum_${i}`).join(", ")}
       FROM ${table.relation} WHERE ${plan.among ?? "TRUE"}`,
    );
    const rows = Number(sums?.n ?? 0);
    const lost = await store.all(
      `SELECT lost AS reason, count(*) AS n FROM ${view} WHERE lost IS NOT NULL GROUP BY lost ORDER BY n DESC, lost`,
    );
    const before = named(plan, (i) => amount(sums?.[`old_${i}`]));
    const after = named(plan, (i) => amount(sums?.[`new_${i}`]));
    const statements =
      dialect === null || rows === 0
        ? []
        : await statementsOf(store, parts, plan.columns.length, chosen, rows);
    const repair: Repair = {
      check,
      target: plan.table,
      table: own,
      how: plan.how,
      columns: [...plan.columns],
      rows,
      lost: lost.map((row) => ({ reason: String(row.reason), rows: Number(row.n) })),
      before,
      after,
      among: {
        rows: Number(among?.n ?? 0),
        filled: Number(among?.filled ?? 0),
        sums: named(plan, (i) => amount(among?.[`sum_${i}`])),
      },
      sql: dialect === null ? null : scriptOf(parts, rows, statements),
    };
    return { repair, input: input.name, statements };
  } finally {
    await store.run(`DROP TABLE ${view}`);
  }
}

/**
 * The plan's rows, where a key that does not tell one row from all others makes a row lost; so does one that could
 * steer the terminal on which its SQL is shown.
 */
function judged(plan: RepairPlan, relation: string, inside: readonly string[]): string {
  if (inside.length > 0)
    return `SELECT * REPLACE (${literal(`${inside.join(" and ")} lies inside JSON, which is not rewritten`)} AS lost) FROM (${plan.rows})`;
  return `WITH planned AS (${plan.rows}),
    keys AS (SELECT CAST(${ident(plan.key)} AS VARCHAR) AS key, count(*) AS n FROM ${relation} GROUP BY 1)
    SELECT p.* REPLACE (CASE WHEN p.key IS NULL THEN ${literal(`the row has no ${plan.key}`)}
                             WHEN k.n > 1 THEN ${literal(`several rows have the same ${plan.key}`)}
                             WHEN regexp_matches(p.key, '[[:cntrl:]]') THEN ${literal(`${plan.key} holds control characters`)}
                             ELSE p.lost END AS lost)
    FROM planned p LEFT JOIN keys k ON k.key = p.key`;
}

async function statementsOf(
  store: Store,
  parts: UpdateParts,
  columns: number,
  chosen: string,
  rows: number,
): Promise<string[]> {
  const size = Math.min(BATCH_ROWS.most, Math.max(BATCH_ROWS.least, Math.ceil(rows / BATCHES)));
  const batches = await store.all(
    `SELECT string_agg(tuple, ',' || chr(10) ORDER BY position) AS tuples FROM (
       SELECT ${tupleOf(columns, parts.guard)} AS tuple, row_number() OVER (ORDER BY key) - 1 AS position FROM ${chosen}
     ) GROUP BY position // ${size} ORDER BY min(position)`,
  );
  return batches.map((row) => updateOf(parts, String(row.tuples)));
}

function scriptOf(parts: UpdateParts, rows: number, statements: readonly string[]): string {
  if (rows === 0) return "";
  const still =
    parts.guard === "unfilled" ? "are still NULL, 0 or negative" : "still hold the values that were read";
  return `-- ${sourceTable(parts).replaceAll(/[\r\n]/g, " ")}: ${plural(rows, "row")}; only rows that ${still} are touched.
BEGIN;
${statements.join("\n")}
COMMIT;
`;
}

/** `schema.table` of another schema is two names; SQLite has no schemas. */
function ownNameOf(own: string, dialect: RepairDialect | null): { schema: string | null; table: string } {
  const dot = own.indexOf(".");
  if (dialect === "sqlite" || dialect === null || dot < 0) return { schema: null, table: own };
  return { schema: own.slice(0, dot), table: own.slice(dot + 1) };
}

const each = (plan: RepairPlan, sql: (i: number, column: string) => string) =>
  plan.columns.map((column, i) => sql(i, column)).join(", ");

function named(plan: RepairPlan, value: (i: number, column: string) => Value): Row {
  return Object.fromEntries(plan.columns.map((column, i) => [column, value(i, column)]));
}

const amount = (value: Value | undefined): number | bigint =>
  typeof value === "number" || typeof value === "bigint" ? value : 0;
/** @throws UserError when an input that has something to repair cannot be written. */
export function assertWritable(planned: readonly PlannedRepair[], evidence: Evidence): void {
  for (const { repair, input } of planned) {
    const kind = evidence.inputs.find((one) => one.name === input)?.kind;
    if (repair.rows > 0 && kind !== "sqlite" && kind !== "duckdb" && kind !== "postgres")
      throw new UserError(
        `${input}: a ${kind} input cannot be written here; run the repair SQL where the data lives`,
      );
  }
}
