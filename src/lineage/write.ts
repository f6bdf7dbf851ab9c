/** Writes code facts into the tables `trueup.code_*`. */

import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FACT_SCHEMA, FACT_TABLES, ident, literal, type Store } from "../store/index.ts";
import type { CodeFacts } from "./facts.ts";

/** The fact tables of code and the facts that fill them. */
const TABLES = {
  code_functions: "functions",
  code_calls: "calls",
  code_access: "access",
  code_entries: "entries",
  code_tables: "tables",
  code_logs: "logs",
  code_patterns: "patterns",
  code_literals: "literals",
  code_derived: "derived",
} as const satisfies Record<string, keyof CodeFacts>;

/**
 * Appends all facts. So that several trees can be read, ids are shifted past those of code that was written before, and
 * files are told as below `folder`, where the tree stands beside the others.
 */
export async function writeCodeFacts(store: Store, facts: CodeFacts, folder = ""): Promise<void> {
  const place: Place = { ...(await idsTaken(store)), folder: folder === "" ? "" : `${folder}/` };
  for (const [table, key] of Object.entries(TABLES) as [keyof typeof TABLES, keyof CodeFacts][])
    await load(store, table, facts[key] as readonly object[], place);
  await fillReach(store);
}

/** Edges that a path from an entry may have. */
const DEPTH_MAX = 40;

/**
 * Fills `trueup.code_reach`: every function on the way from an entry's function to an access, along calls, requests and
 * components, with the function before it on a shortest path. A breadth-first search of all entries at once, a level a
 * statement: one recursive query, which hashes all that it has found again at every level, takes fifteen times as long.
 */
async function fillReach(store: Store): Promise<void> {
  const reach = `${FACT_SCHEMA}.code_reach`;
  await store.run(`DELETE FROM ${reach}`);
  await store.run(
    `CREATE OR REPLACE TEMP TABLE reaching AS
     WITH RECURSIVE edges AS (
       SELECT DISTINCT caller_id, callee_id FROM ${FACT_SCHEMA}.code_calls WHERE callee_id IS NOT NULL
     ), ways(id) AS (
       SELECT function_id FROM ${FACT_SCHEMA}.code_access
       UNION
       SELECT caller_id FROM ways JOIN edges ON callee_id = id
     )
     SELECT caller_id, callee_id FROM edges WHERE callee_id IN (FROM ways)`,
  );
  let added = await store.run(
    `INSERT INTO ${reach} SELECT DISTINCT function_id, function_id, CAST(NULL AS BIGINT), 0 FROM ${FACT_SCHEMA}.code_entries
     WHERE function_id IN (SELECT caller_id FROM reaching UNION SELECT function_id FROM ${FACT_SCHEMA}.code_access)`,
  );
  for (let depth = 0; depth < DEPTH_MAX && added > 0; depth++)
    added = await store.run(
      `INSERT INTO ${reach}
       SELECT s.start_id, e.callee_id, min(s.function_id), ${depth + 1}
       FROM ${reach} s JOIN reaching e ON e.caller_id = s.function_id
       WHERE s.depth = ${depth}
         AND NOT EXISTS (FROM ${reach} r WHERE r.start_id = s.start_id AND r.function_id = e.callee_id)
       GROUP BY s.start_id, e.callee_id`,
    );
  await store.run("DROP TABLE reaching");
}

/** One staged file per table: DuckDB reads JSON lines much faster than single statements. */
async function load(
  store: Store,
  table: keyof typeof TABLES,
  rows: readonly object[],
  place: Place,
): Promise<void> {
  if (rows.length === 0) return;
  const types = Object.entries(FACT_TABLES[table]);
  const shifts = shiftsOf(table, place);
  const file = join(store.tempDir, `${table}.ndjson`);
  const columns = types.map(([name]) => name);
  const lines = rows.map((row) =>
    JSON.stringify(placed(row as Record<string, unknown>, columns, shifts, place.folder)),
  );
  writeFileSync(file, lines.join("\n"));
  // DuckDB reserves several times this much for each thread.
  const longest = Math.max(1_048_576, 4 * lines.reduce((most, line) => Math.max(most, line.length), 0));
  const shape = types.map(([name, type]) => `${literal(name)}: ${literal(type)}`).join(", ");
  await store.run(
    `INSERT INTO ${FACT_SCHEMA}.${table} SELECT ${columns.map(ident).join(", ")}
     FROM read_json(${literal(file)}, format = 'newline_delimited', columns = {${shape}}, maximum_object_size = ${longest})`,
  );
  rmSync(file, { force: true });
}

/** Where the rows of one tree go: behind ids that are taken, and before its files the folder, `""` or with `/`. */
interface Place {
  functions: number;
  entries: number;
  folder: string;
}

async function idsTaken(store: Store): Promise<Omit<Place, "folder">> {
  const row = await store.one(
    `SELECT (SELECT coalesce(max(id), 0) FROM ${FACT_SCHEMA}.code_functions) AS functions,
            (SELECT coalesce(max(id), 0) FROM ${FACT_SCHEMA}.code_entries) AS entries`,
  );
  return { functions: Number(row?.functions ?? 0), entries: Number(row?.entries ?? 0) };
}

/** How far the ids in each column of a table move; other columns are left out. */
function shiftsOf(table: keyof typeof TABLES, { functions, entries }: Place): Record<string, number> {
  const references = { function_id: functions, caller_id: functions, callee_id: functions };
  if (table === "code_functions") return { ...references, id: functions };
  return table === "code_entries" ? { ...references, id: entries } : references;
}

function placed(
  row: Record<string, unknown>,
  columns: readonly string[],
  shifts: Record<string, number>,
  folder: string,
): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const column of columns) {
    const value = row[column] ?? null;
    if (typeof value === "number") out[column] = value + (shifts[column] ?? 0);
    else if (value !== null && (column === "file" || column === "sql_file"))
      out[column] = wellFormed(`${folder}${value}`);
    else out[column] = wellFormed(value);
  }
  return out;
}

/** Half of a surrogate pair (`/[\ud800-\udfff]/` in source code) is no text that DuckDB reads. */
function wellFormed(value: unknown): unknown {
  // Few texts hold surrogates at all, and to tell that is cheap.
  if (typeof value === "string")
    return /[\ud800-\udfff]/.test(value) ? value.replace(/\p{Surrogate}/gu, "\ufffd") : value;
  return Array.isArray(value) ? value.map(wellFormed) : value;
}
