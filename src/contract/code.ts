/** What the checks of code against data share: the code as a target, tables of the database by name, entries. */

import type { CheckContext, Target } from "./check.ts";
import type { Evidence, Table } from "./evidence.ts";
import { plural } from "./wording.ts";

export interface CodeTarget extends Target {
  /** The input that findings are located in. */
  input: string;
}

/** All source code that was loaded is one target: what one tree writes another may read. */
export function codeTargets(evidence: Evidence): CodeTarget[] {
  const inputs = evidence.inputs.filter((input) => input.kind === "code" && input.error === undefined);
  const [first] = inputs;
  return first ? [{ name: inputs.map((input) => input.name).join("+"), input: first.name }] : [];
}

/** The tables of the loaded databases by bare name in lower case. */
export function databaseTables(evidence: Evidence): Map<string, Table> {
  const tables = new Map<string, Table>();
  for (const table of evidence.tables)
    if (table.form === "table") tables.set(bareName(table.name).toLowerCase(), table);
  return tables;
}

/** `router.usage_records` → `usage_records`; `app.public.users` → `users`. */
export function bareName(name: string): string {
  return name.slice(name.lastIndexOf(".") + 1);
}

/** One key for the spellings of one name: `usageRecords`, `usage_record` and `tbl_usage_records` have the same. */
export function spellingKey(name: string): string {
  const words = name
    .replace(/([\p{Ll}\d])(\p{Lu})/gu, "$1_$2")
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== "" && !/^(tbl|tb)$/.test(word));
  return words.map(singular).join("");
}

/** `records` → `record`, `entries` → `entry`; words that only end in s stay. */
export function singular(word: string): string {
  if (word.length < 4 || /(ss|us|is)$/.test(word)) return word;
  if (word.endsWith("ies")) return `${word.slice(0, -3)}y`;
  if (/(x|ch|sh|ss)es$/.test(word)) return word.slice(0, -2);
  return word.endsWith("s") ? word.slice(0, -1) : word;
}

/** An access of code that no test makes, to a table whose name is known. */
export interface CodeAccess {
  id: number;
  function: string;
  file: string;
  line: number;
  table: string;
  mode: "read" | "write";
  operation: string;
  columns: string[];
}

/** Every access that counts for a check. */
export async function codeAccess(ctx: CheckContext): Promise<CodeAccess[]> {
  const rows = await ctx.query(
    `SELECT function_id AS id, "function", file, line, table_name, mode, operation, columns FROM trueup.code_access
     WHERE table_name IS NOT NULL AND NOT is_test ORDER BY file, line, table_name, mode, operation`,
  );
  return rows.map((row) => ({
    id: Number(row.id),
    function: String(row.function),
    file: String(row.file),
    line: Number(row.line),
    table: String(row.table_name),
    mode: row.mode === "write" ? "write" : "read",
    operation: String(row.operation),
    columns: Array.isArray(row.columns) ? row.columns.map(String) : [],
  }));
}

export interface CodeEntry {
  id: number;
  kind: string;
  name: string;
  file: string;
  line: number;
}

/** Function → the entries that reach it, in the order of their ids. */
export async function entriesByFunction(ctx: CheckContext): Promise<Map<number, CodeEntry[]>> {
  const rows = await ctx.query(
    `SELECT r.function_id, e.id, e.kind, e.name, e.file, e.line FROM trueup.code_reach r
     JOIN trueup.code_entries e ON e.function_id = r.start_id ORDER BY r.function_id, e.id`,
  );
  const entries = new Map<number, CodeEntry[]>();
  for (const row of rows) {
    const entry = {
      id: Number(row.id),
      kind: String(row.kind),
      name: String(row.name),
      file: String(row.file),
      line: Number(row.line),
    };
    const known = entries.get(Number(row.function_id));
    if (known) known.push(entry);
    else entries.set(Number(row.function_id), [entry]);
  }
  return entries;
}

/** `GET /api/usage, page /usage and 3 more entries`; empty for none. */
export function listEntries(entries: readonly CodeEntry[], shown = 4): string {
  const names = [
    ...new Set(entries.map((entry) => (entry.kind === "route" ? entry.name : `${entry.kind} ${entry.name}`))),
  ];
  const rest = names.length - shown;
  if (rest > 0)
    return `${names.slice(0, shown).join(", ")} and ${plural(rest, "more entry", "more entries")}`;
  return names.length < 2 ? (names[0] ?? "") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

/** Tables of the engine itself. */
export const SYSTEM_TABLE =
  /^(sqlite_\w+|pg_\w+|information_schema|tables|columns|views|key_column_usage|table_constraints|dual|pragma_\w+|django_migrations|schema_migrations|alembic_version|_prisma_migrations|__drizzle_migrations|knex_migrations(_lock)?|excluded|new|old|inserted|deleted|duckdb_\w+|dbstat)$/i;
