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
import { selectLiterals } from "./literals.ts";
import { type Ast, attemptsOf, HOLE, nameOf, PARSE_CHARS_MAX, parsed } from "./parse.ts";
import { columnsOf, emptyScope, isText, type Scope, sourceNames } from "./scope.ts";
import { isSystemTable, scanCtes, scanTables, splitStatements } from "./tokens.ts";
import { deleteStatement, insertStatement, mergeStatement, updateStatement } from "./writes.ts";

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

/** What holds where a part of a statement stands. */
export interface Context {
  ctes: ReadonlySet<string>;
  scope: Scope;
}

/** Reads one statement's tree. */
export class Reader {
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
          insertStatement(this, value, inner);
          break;
        case "update":
          updateStatement(this, value, inner);
          break;
        case "delete":
          deleteStatement(this, value, inner);
          break;
        case "merge":
          mergeStatement(this, value, inner);
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

  write(table: Ast, operation: Operation, columns: readonly string[]): string | null {
    const name = nameOf(table);
    if (name === null) return null;
    this.access(name, "write", operation, columns);
    return HOLE.test(name) ? null : name;
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
