/** What a parsed statement that changes rows writes, and what it reads on the way. */

import type { Context, Reader } from "./analyze.ts";
import { constantOf, selectLiterals, valueLiterals } from "./literals.ts";
import { type Ast, HOLE } from "./parse.ts";
import { emptyScope, sourceNames } from "./scope.ts";

/** `INSERT`, `REPLACE` and upserts: the table, its columns and the constants of every row. */
export function insertStatement(reader: Reader, value: Ast, ctx: Context): void {
  const conflict = value.on_conflict?.on_conflict;
  const updates = JSON.stringify(conflict?.action ?? value.on_duplicate_key ?? null);
  const upserts =
    value.is_replace ||
    value.conflict_action === "REPLACE" ||
    (updates !== "null" && !/"nothing"/i.test(updates) && !/^\{"(var|do_nothing)/i.test(updates)) ||
    /\bon\s+duplicate\s+key\b/i.test(reader.text);
  const given: string[] = (value.columns ?? []).map((one: Ast) => String(one.name ?? ""));
  const columns = given.filter((name) => !HOLE.test(name));
  // What a conflict updates is not the constant that a first row starts with.
  const updated = new Set([...updates.matchAll(/"identifier":\{"name":"([^"]+)"/g)].map((match) => match[1]));
  const constants = given.map((name) => (HOLE.test(name) || updated.has(name) ? "" : name));
  const operation = upserts ? "upsert" : "insert";
  const table = reader.write(value.table, operation, columns);
  const ctes = value.with?.ctes ? reader.withCtes(value.with, ctx) : ctx.ctes;
  if (value.query) {
    reader.walk(value.query, { ctes, scope: emptyScope() });
    if (table !== null && value.query.select)
      reader.literals(selectLiterals(reader, value.query.select, table, constants, operation));
  }
  if (Array.isArray(value.values)) {
    reader.walk(value.values, { ctes, scope: emptyScope() });
    if (table !== null) reader.literals(valueLiterals(reader, value.values, table, constants, operation));
  }
}

/** `UPDATE`: the tables that are set, the constants, and all that is read beside. */
export function updateStatement(reader: Reader, value: Ast, ctx: Context): void {
  const ctes = value.with?.ctes ? reader.withCtes(value.with, ctx) : ctx.ctes;
  const set: [Ast, Ast][] = Array.isArray(value.set) ? value.set : [];
  const columns = assigned(reader, value, set);
  const table = reader.write(value.table, "update", columns);
  const scope = emptyScope(sourceNames(value.table));
  for (const [key, part] of Object.entries<Ast>(value))
    if (key !== "table" && key !== "with")
      reader.walk({ [key === "table" ? "_" : key]: part }, { ctes, scope });
  reader.flush(scope);
  if (table === null) return;
  for (const [column, assigned] of set) {
    const constant = constantOf(assigned);
    if (constant !== null && column?.name)
      reader.out.literals.push({
        table,
        column: String(column.name).replace(/^.*\./, ""),
        value: constant,
        operation: "update",
        offset: reader.base + (column.span?.start ?? 0),
      });
  }
}

/** `DELETE`: the table, and what its conditions read. */
export function deleteStatement(reader: Reader, value: Ast, ctx: Context): void {
  const ctes = value.with?.ctes ? reader.withCtes(value.with, ctx) : ctx.ctes;
  reader.write(value.table, "delete", []);
  const scope = emptyScope();
  for (const key of ["using", "where_clause", "joins"])
    if (value[key]) reader.walk({ [key]: value[key] }, { ctes, scope });
  reader.flush(scope);
}

/** `MERGE`: the target, and what it is filled from. */
export function mergeStatement(reader: Reader, value: Ast, ctx: Context): void {
  if (value.this?.table) reader.write(value.this.table, "upsert", []);
  const scope = emptyScope();
  reader.walk(value.using, { ctes: ctx.ctes, scope });
  reader.flush(scope);
}

/** Columns of `UPDATE a JOIN b SET a.x = …, b.y = …`, of the written table alone; another table that is set is written too. */
function assigned(reader: Reader, value: Ast, set: readonly [Ast, Ast][]): string[] {
  const names = sourceNames(value.table);
  const others = new Map<string, { table: Ast; columns: string[] }>();
  for (const join of [...(value.table_joins ?? []), ...(value.from_joins ?? [])]) {
    const table = join?.this?.table;
    for (const name of table ? sourceNames(table) : []) others.set(name, { table, columns: [] });
  }
  const own: string[] = [];
  for (const [column] of set) {
    const [name = "", of = null] = String(column?.name ?? "")
      .split(".")
      .reverse();
    if (name === "" || HOLE.test(name)) continue;
    if (of === null || names.includes(of.toLowerCase())) own.push(name);
    else others.get(of.toLowerCase())?.columns.push(name);
  }
  for (const { table, columns } of new Set(others.values()))
    if (columns.length > 0) reader.write(table, "update", columns);
  return own;
}
