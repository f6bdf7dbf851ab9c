/** What the loaded source code does with the table: who writes it, with which columns, and who logs tokens on the way. */

import type { HypothesisContext, Incident } from "../../contract/hypothesis.ts";
import { TOKEN_ROLES } from "../../contract/roles.ts";

const ROWS_MAX = 200_000;

export interface Writer {
  function: string;
  file: string;
  line: number;
  operation: string;
  /** Its columns, lower case; empty where the code does not name them. */
  columns: string[];
  withTokens: boolean;
}

export interface CodeView {
  writers: Writer[];
  /** Entries that reach a write of the table, and those of them that do not reach a token log. */
  entries: number;
  withoutLog: string[];
  /** Lists the writes, and the entries with what they reach. */
  sql: string;
  entriesSql: string;
}

/** Null without source code, or when it does not write the table. */
export const codeOf = (incident: Incident, ctx: HypothesisContext): Promise<CodeView | null> =>
  ctx.once("code", async () => {
    const { table } = incident;
    if (!table || !ctx.evidence.inputs.some((input) => input.kind === "code")) return null;
    const name = (table.name.split(".").slice(1).join(".") || table.name).toLowerCase();
    const tokens = new Set(TOKEN_ROLES.flatMap((role) => table.columnOf(role)?.name.toLowerCase() ?? []));
    const sql = `SELECT function_id, function, file, line, operation, columns FROM trueup.code_access
WHERE mode = 'write' AND NOT is_test AND lower(table_name) = ${ctx.sql.literal(name)} ORDER BY file, line`;
    const rows = await ctx.query(sql);
    if (rows.length === 0) return null;
    const writers = rows
      .filter((row) => !/delete/i.test(String(row.operation)))
      .map((row): Writer => {
        const columns = Array.isArray(row.columns) ? row.columns.map((c) => String(c).toLowerCase()) : [];
        return {
          function: String(row.function),
          file: String(row.file),
          line: Number(row.line),
          operation: String(row.operation),
          columns,
          withTokens: columns.some((column) => tokens.has(column)),
        };
      });
    const reach = await reachOf(new Set(rows.map((row) => Number(row.function_id))), ctx);
    return { writers, ...reach, sql };
  });

/** Which entries reach the writers, and which of those reach no line that logs tokens. */
async function reachOf(
  writers: ReadonlySet<number>,
  ctx: HypothesisContext,
): Promise<Pick<CodeView, "entries" | "withoutLog" | "entriesSql">> {
  const calls = await ctx.query(
    `SELECT DISTINCT caller_id, callee_id FROM trueup.code_calls WHERE callee_id IS NOT NULL ORDER BY 1, 2 LIMIT ${ROWS_MAX}`,
  );
  const logs = await ctx.query(
    `SELECT DISTINCT function_id FROM trueup.code_logs WHERE lower(template) LIKE '%token%' ORDER BY 1 LIMIT ${ROWS_MAX}`,
  );
  const entries = await ctx.query(
    `SELECT DISTINCT name, function_id FROM trueup.code_entries WHERE function_id IS NOT NULL ORDER BY 1, 2 LIMIT 5000`,
  );
  const logging = new Set(logs.map((row) => Number(row.function_id)));
  const callees = new Map<number, number[]>();
  for (const row of calls) {
    const list = callees.get(Number(row.caller_id));
    if (list) list.push(Number(row.callee_id));
    else callees.set(Number(row.caller_id), [Number(row.callee_id)]);
  }
  const withoutLog: string[] = [];
  const reaching: string[] = [];
  for (const entry of entries) {
    const seen = new Set([Number(entry.function_id)]);
    for (const id of seen) for (const next of callees.get(id) ?? []) seen.add(next);
    const meets = (wanted: ReadonlySet<number>) => [...seen].some((id) => wanted.has(id));
    if (!meets(writers)) continue;
    reaching.push(String(entry.name));
    if (!meets(logging)) withoutLog.push(String(entry.name));
  }
  const among = (names: readonly string[]) =>
    names.length === 0 ? "FALSE" : `name IN (${names.map((name) => ctx.sql.literal(name)).join(", ")})`;
  return {
    entries: reaching.length,
    withoutLog,
    entriesSql: `SELECT name, kind, file, line, ${among(withoutLog)} AS without_token_line FROM trueup.code_entries
WHERE function_id IS NOT NULL AND ${among(reaching)} ORDER BY without_token_line DESC, name LIMIT 1000`,
  };
}
