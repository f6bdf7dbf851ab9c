/** The tables of schema `trueup`: facts about the evidence, one definition for DDL and documentation. */

import type { Store } from "./store.ts";

export const FACT_SCHEMA = "trueup";

/** Table → column → DuckDB type. */
export const FACT_TABLES = {
  tables: {
    name: "VARCHAR",
    input: "VARCHAR",
    kind: "VARCHAR",
    rows: "BIGINT",
    time_from: "TIMESTAMP",
    time_to: "TIMESTAMP",
  },
  columns: {
    table_name: "VARCHAR",
    name: "VARCHAR",
    type: "VARCHAR",
    role: "VARCHAR",
    expression: "VARCHAR",
    confidence: "DOUBLE",
    reason: "VARCHAR",
  },
  rejects: { input: "VARCHAR", file: "VARCHAR", line: "BIGINT", reason: "VARCHAR", text: "VARCHAR" },
  links: {
    left_table: "VARCHAR",
    left_column: "VARCHAR",
    right_table: "VARCHAR",
    right_column: "VARCHAR",
    matched_ratio: "DOUBLE",
    how: "VARCHAR",
  },
  mentions: {
    input: "VARCHAR",
    line: "BIGINT",
    time: "TIMESTAMP",
    id: "VARCHAR",
    origin: "VARCHAR",
  },
  near_misses: {
    input: "VARCHAR",
    line: "BIGINT",
    time: "TIMESTAMP",
    extractor: "VARCHAR",
    text: "VARCHAR",
  },
  markers: { kind: "VARCHAR", time: "TIMESTAMP", input: "VARCHAR", line: "BIGINT", text: "VARCHAR" },
  code_logs: {
    function_id: "BIGINT",
    file: "VARCHAR",
    line: "BIGINT",
    level: "VARCHAR",
    template: "VARCHAR",
  },
  code_patterns: { function_id: "BIGINT", file: "VARCHAR", line: "BIGINT", pattern: "VARCHAR" },
  code_functions: {
    id: "BIGINT",
    function: "VARCHAR",
    qualified: "VARCHAR",
    file: "VARCHAR",
    line: "BIGINT",
    end_line: "BIGINT",
    language: "VARCHAR",
    is_test: "BOOLEAN",
  },
  code_calls: {
    caller_id: "BIGINT",
    callee_id: "BIGINT",
    callee: "VARCHAR",
    file: "VARCHAR",
    line: "BIGINT",
    how: "VARCHAR",
  },
  code_access: {
    function_id: "BIGINT",
    function: "VARCHAR",
    file: "VARCHAR",
    line: "BIGINT",
    sql_file: "VARCHAR",
    sql_line: "BIGINT",
    table_name: "VARCHAR",
    mode: "VARCHAR",
    operation: "VARCHAR",
    columns: "VARCHAR[]",
    certainty: "VARCHAR",
    is_test: "BOOLEAN",
  },
  code_entries: {
    id: "BIGINT",
    kind: "VARCHAR",
    name: "VARCHAR",
    file: "VARCHAR",
    line: "BIGINT",
    function_id: "BIGINT",
  },
  code_tables: {
    name: "VARCHAR",
    declared_as: "VARCHAR",
    how: "VARCHAR",
    file: "VARCHAR",
    line: "BIGINT",
    columns: "VARCHAR[]",
  },
  code_literals: {
    function_id: "BIGINT",
    file: "VARCHAR",
    line: "BIGINT",
    table_name: "VARCHAR",
    column_name: "VARCHAR",
    value: "VARCHAR",
    operation: "VARCHAR",
    is_test: "BOOLEAN",
  },
  code_reach: { start_id: "BIGINT", function_id: "BIGINT", before_id: "BIGINT", depth: "BIGINT" },
  code_derived: { target: "VARCHAR", source: "VARCHAR", how: "VARCHAR", file: "VARCHAR", line: "BIGINT" },
  commits: { sha: "VARCHAR", time: "TIMESTAMP", subject: "VARCHAR", file: "VARCHAR", touches: "VARCHAR" },
} as const satisfies Record<string, Record<string, string>>;

export type FactTable = keyof typeof FACT_TABLES;

/** Creates schema `trueup` and its empty tables. */
export async function createFactTables(store: Store): Promise<void> {
  await store.run(`CREATE SCHEMA ${FACT_SCHEMA}`);
  for (const [table, columns] of Object.entries(FACT_TABLES)) {
    const list = Object.entries(columns).map(([name, type]) => `"${name}" ${type}`);
    await store.run(`CREATE TABLE ${FACT_SCHEMA}.${table} (${list.join(", ")})`);
  }
}
