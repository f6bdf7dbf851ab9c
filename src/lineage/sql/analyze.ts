/** What one SQL text does: tables read and written with their columns, tables declared, constants stored. */

import type { Operation, SqlAccess, SqlAnalysis, SqlLiteral } from "./analysis.ts";
import {
  alteredAtRunTime,
  alteredTable,
  alteredUnread,
  createdUnread,
  droppedTables,
  viewUnread,
} from "./ddl.ts";
import { constantOf, selectLiterals, valueLiterals } from "./literals.ts";
import { type Ast, attemptsOf, HOLE, nameOf, PARSE_CHARS_MAX, parsed } from "./parse.ts";
import { columnsOf, emptyScope, isText, type Scope, sourceNames } from "./scope.ts";
import { isSystemTable, scanCtes, scanTables, splitStatements } from "./tokens.ts";

const cache = new Map<string, SqlAnalysis>();

/** Analyses a text of one or more statements. The same text is analysed once. */
export function analyzeSql(sql: string): SqlAnalysis {
  const known = cache.get(sql);
  if (known) return known;
  const result: SqlAnalysis = { accesses: [], tables: [], literals: [], derived: [], ctes: [], parsed: true };
  for (const { text, offset } of splitStatements(sql)) {
    const before = result.derived.length;
    analyzeStatement(text, offset, result);
    for (const one of result.derived.slice(before)) one.offset = offset + text.search(/\S|$/);
  }
  if (cache.size > 20_000) cache.clear();
  cache.set(sql, result);
  return result;
}

/** Takes over what another thread has analysed. */
export function rememberSql(statements: readonly [sql: string, analysis: SqlAnalysis][]): void {
  for (const [sql, analysis] of statements) cache.set(sql, analysis);
}

/** ClickHouse: a materialized view that fills a table. */
const FILLS =
  /^\s*create\s+materialized\s+view\s+(?:if\s+not\s+exists\s+)?[\w."`]+\s+to\s+(?:["`\w]+\.)?["`]?(\w+)/i;

function analyzeStatement(text: string, offset: number, result: SqlAnalysis): void {
  alteredAtRunTime(text, result);
  const filled = FILLS.exec(text)?.[1];
  if (filled) {
    const sources = scanTables(text).flatMap((one) => (one.mode === "read" ? [one.name] : []));
    result.derived.push({ target: filled, sources: [...new Set(sources)], how: "view" });
    return;
  }
  for (const attempt of text.length > PARSE_CHARS_MAX ? [] : attemptsOf(text)) {
    const ast = parsed(attempt);
    if (ast === null) continue;
    new Reader(text, offset, result).statement(ast);
    return;
  }
  result.parsed = false;
  result.ctes.push(...scanCtes(text));
  alteredUnread(text, offset, result);
  const scanned = scanTables(text);
  const named = scanned.map((one) => one.name).filter((name) => !result.ctes.includes(name.toLowerCase()));
  if (viewUnread(text, offset, named, result)) return;
  for (const { name, mode, operation } of scanned)
    result.accesses.push({ table: HOLE.test(name) ? null : name, mode, operation, columns: [] });
  createdUnread(text, offset, result);
}

interface Context {
  ctes: ReadonlySet<string>;
  scope: Scope;
}

/** Reads one statement's tree. */
class Reader {
  readonly text: string;
  readonly base: number;
  readonly out: SqlAnalysis;

  constructor(text: string, base: number, out: SqlAnalysis) {
    this.text = text;
    this.base = base;
    this.out = out;
  }

  statement(ast: Ast): void {
    const scope = emptyScope();
    this.walk(ast, { ctes: new Set(), scope });
    this.flush(scope);
    const statement = ast[0];
    if (statement?.select) this.literals(selectLiterals(this, statement.select, null, [], "select"));
  }

  literals(found: readonly SqlLiteral[]): void {
    this.out.literals.push(...found);
  }

  walk(node: Ast, ctx: Context): void {
    if (Array.isArray(node)) {
      for (const item of node) this.walk(item, ctx);
      return;
    }
    if (node === null || typeof node !== "object") return;
    const inner = node.with?.ctes ? { ...ctx, ctes: this.withCtes(node.with, ctx) } : ctx;
    for (const [key, value] of Object.entries<Ast>(node)) {
      if (value === null || typeof value !== "object" || key === "span" || key === "with") continue;
      switch (key) {
        case "select": {
          const sources = [
            ...(value.from?.expressions ?? []),
            ...(value.joins ?? []).map((join: Ast) => join?.this),
          ];
          const scope = emptyScope([...inner.scope.rows, ...sources.flatMap(sourceNames)]);
          // A function that gives rows (`json_each(data)`) has columns of its own.
          scope.others = sources.some((one) => one && !("table" in one));
          for (const one of value.expressions ?? [])
            if (one?.alias?.alias?.name) scope.aliases.add(String(one.alias.alias.name).toLowerCase());
          const ctes = value.with?.ctes ? this.withCtes(value.with, inner) : inner.ctes;
          this.walk(value, { ctes, scope });
          this.flush(scope);
          break;
        }
        case "insert":
          this.insert(value, inner);
          break;
        case "update":
          this.update(value, inner);
          break;
        case "delete":
          this.delete(value, inner);
          break;
        case "merge":
          this.merge(value, inner);
          break;
        case "truncate":
          for (const one of [value.table, ...(value.extra_tables ?? []).map((t: Ast) => t.table)])
            this.write(one, "delete", []);
          break;
        case "create_table":
          this.createTable(value, inner);
          break;
        case "create_view":
          this.createView(value);
          break;
        case "alter_table":
          alteredTable(value, this.base, this.out);
          break;
        case "create_trigger":
          this.createTrigger(value);
          break;
        case "drop_table":
          droppedTables(value, this.out);
          break;
        case "drop_view":
        case "create_index":
        case "drop_index":
        case "pragma":
          break;
        case "copy":
          if (value.this?.table) this.write(value.this.table, "insert", []);
          break;
        case "subquery":
          inner.scope.others = true;
          this.walk(value, inner);
          break;
        case "star":
          inner.scope.star = true;
          break;
        case "table":
          if (nameOf(value) !== null) this.read(value, inner);
          else this.walk(value, inner);
          break;
        case "column":
          if (typeof value.name?.name === "string" && !isText(this.text, value))
            inner.scope.columns.push({ name: value.name.name, of: value.table?.name ?? null });
          break;
        default:
          this.walk(value, inner);
      }
    }
  }

  withCtes(clause: Ast, ctx: Context): Set<string> {
    const ctes = new Set(ctx.ctes);
    for (const cte of clause.ctes) {
      const name = String(cte.alias?.name ?? "").toLowerCase();
      // A recursive one may name itself; a plain one that does means the real table.
      this.walk(cte.this, { ctes: clause.recursive ? new Set([...ctes, name]) : ctes, scope: emptyScope() });
      ctes.add(name);
      this.out.ctes.push(name);
    }
    return ctes;
  }

  read(table: Ast, ctx: Context): void {
    const name = nameOf(table) as string;
    const alias = table.alias?.name ?? name;
    if (table.schema?.name && isSystemTable(String(table.schema.name), name)) {
      this.access(`${table.schema.name}.${name}`, "read", "select", []);
      ctx.scope.others = true;
      return;
    }
    if (!table.schema && ctx.ctes.has(name.toLowerCase())) {
      ctx.scope.others = true;
      return;
    }
    ctx.scope.tables.push({ name, alias });
  }

  /** Turns a finished scope into accesses: each table with the columns that are surely its own. */
  flush(scope: Scope): void {
    for (const { name, alias } of scope.tables) {
      this.access(name, "read", "select", columnsOf(scope, alias));
    }
  }

  access(name: string, mode: SqlAccess["mode"], operation: Operation, columns: readonly string[]): void {
    this.out.accesses.push({
      table: HOLE.test(name) ? null : name,
      mode,
      operation,
      columns: [...new Set(columns)],
    });
  }

  /** Columns of `UPDATE a JOIN b SET a.x = …, b.y = …`, of the written table alone; another table that is set is written too. */
  assigned(value: Ast, set: readonly [Ast, Ast][]): string[] {
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
      if (columns.length > 0) this.write(table, "update", columns);
    return own;
  }

  write(table: Ast, operation: Operation, columns: readonly string[]): string | null {
    const name = nameOf(table);
    if (name === null) return null;
    this.access(name, "write", operation, columns);
    return HOLE.test(name) ? null : name;
  }

  insert(value: Ast, ctx: Context): void {
    const conflict = value.on_conflict?.on_conflict;
    const updates = JSON.stringify(conflict?.action ?? value.on_duplicate_key ?? null);
    const upserts =
      value.is_replace ||
      value.conflict_action === "REPLACE" ||
      (updates !== "null" && !/"nothing"/i.test(updates) && !/^\{"(var|do_nothing)/i.test(updates)) ||
      /\bon\s+duplicate\s+key\b/i.test(this.text);
    const given: string[] = (value.columns ?? []).map((one: Ast) => String(one.name ?? ""));
    const columns = given.filter((name) => !HOLE.test(name));
    // What a conflict updates is not the constant that a first row starts with.
    const updated = new Set(
      [...updates.matchAll(/"identifier":\{"name":"([^"]+)"/g)].map((match) => match[1]),
    );
    const constants = given.map((name) => (HOLE.test(name) || updated.has(name) ? "" : name));
    const operation = upserts ? "upsert" : "insert";
    const table = this.write(value.table, operation, columns);
    const ctes = value.with?.ctes ? this.withCtes(value.with, ctx) : ctx.ctes;
    if (value.query) {
      this.walk(value.query, { ctes, scope: emptyScope() });
      if (table !== null && value.query.select)
        this.literals(selectLiterals(this, value.query.select, table, constants, operation));
    }
    if (Array.isArray(value.values)) {
      this.walk(value.values, { ctes, scope: emptyScope() });
      if (table !== null) this.literals(valueLiterals(this, value.values, table, constants, operation));
    }
  }

  update(value: Ast, ctx: Context): void {
    const ctes = value.with?.ctes ? this.withCtes(value.with, ctx) : ctx.ctes;
    const set: [Ast, Ast][] = Array.isArray(value.set) ? value.set : [];
    const columns = this.assigned(value, set);
    const table = this.write(value.table, "update", columns);
    const scope = emptyScope(sourceNames(value.table));
    for (const [key, part] of Object.entries<Ast>(value))
      if (key !== "table" && key !== "with")
        this.walk({ [key === "table" ? "_" : key]: part }, { ctes, scope });
    this.flush(scope);
    if (table === null) return;
    for (const [column, assigned] of set) {
      const constant = constantOf(assigned);
      if (constant !== null && column?.name)
        this.out.literals.push({
          table,
          column: String(column.name).replace(/^.*\./, ""),
          value: constant,
          operation: "update",
          offset: this.base + (column.span?.start ?? 0),
        });
    }
  }

  delete(value: Ast, ctx: Context): void {
    const ctes = value.with?.ctes ? this.withCtes(value.with, ctx) : ctx.ctes;
    this.write(value.table, "delete", []);
    const scope = emptyScope();
    for (const key of ["using", "where_clause", "joins"])
      if (value[key]) this.walk({ [key]: value[key] }, { ctes, scope });
    this.flush(scope);
  }

  merge(value: Ast, ctx: Context): void {
    if (value.this?.table) this.write(value.this.table, "upsert", []);
    const scope = emptyScope();
    this.walk(value.using, { ctes: ctx.ctes, scope });
    this.flush(scope);
  }

  createTable(value: Ast, ctx: Context): void {
    const name = nameOf(value.name);
    if (name === null || HOLE.test(name)) return;
    const columns = (value.columns ?? []).map((one: Ast) => String(one.name?.name ?? "")).filter(Boolean);
    this.out.tables.push({
      name,
      columns,
      how: "create",
      offset: this.base + (value.name.name.span?.start ?? 0),
    });
    const query = value.as_select ?? value.query;
    if (!query) return;
    this.access(name, "write", "insert", []);
    this.walk(query, { ctes: ctx.ctes, scope: emptyScope() });
    if (query.select) this.literals(selectLiterals(this, query.select, name, [], "insert"));
  }

  createView(value: Ast): void {
    const name = nameOf(value.name);
    if (name === null || HOLE.test(name)) return;
    this.out.tables.push({
      name,
      columns: [],
      how: "view",
      offset: this.base + (value.name.name.span?.start ?? 0),
    });
    const inner: SqlAnalysis = {
      accesses: [],
      tables: [],
      literals: [],
      derived: [],
      ctes: [],
      parsed: true,
    };
    const reader = new Reader(this.text, this.base, inner);
    reader.walk(value.query, { ctes: new Set(), scope: emptyScope() });
    const sources = inner.accesses.flatMap((access) => (access.table === null ? [] : [access.table]));
    this.out.derived.push({ target: name, sources: [...new Set(sources)], how: "view" });
    if (value.query?.select) this.literals(selectLiterals(this, value.query.select, name, [], "select"));
  }

  createTrigger(value: Ast): void {
    const on = nameOf(value.table);
    const block = value.body?.Block;
    if (on === null || typeof block !== "string") return;
    for (const access of analyzeSql(block).accesses)
      if (access.mode === "write" && access.table !== null)
        this.out.derived.push({ target: access.table, sources: [on], how: "trigger" });
  }
}
