/** What one SQL text does: tables read and written with their columns, tables declared, constants stored. */

import { parse as parseSql } from "@polyglot-sql/sdk";
import { scanTables, splitStatements, tokensOf } from "./tokens.ts";

/** Longer statements (data in a script) are scanned, not parsed. */
const PARSE_CHARS_MAX = 60_000;
const DIALECTS = ["sqlite", "postgresql", "mysql"] as const;

export type Operation = "select" | "insert" | "update" | "delete" | "upsert";

export interface SqlAccess {
  /** As written, without schema; null when an interpolation names it. */
  table: string | null;
  mode: "read" | "write";
  operation: Operation;
  columns: string[];
}

export interface SqlTable {
  name: string;
  columns: string[];
  /** `create`, `alter`, `rename` (columns: the new name) or `view`. */
  how: "create" | "alter" | "rename" | "view";
  offset: number;
}

/** A constant that a statement gives to a column of every row it writes or returns. */
export interface SqlLiteral {
  /** Null for a plain SELECT. */
  table: string | null;
  column: string;
  /** `0`, `NULL` or a text. */
  value: string;
  operation: Operation;
  offset: number;
}

/** A view or trigger: rows of `target` come from `sources`. */
export interface SqlDerived {
  target: string;
  sources: string[];
  how: "view" | "trigger" | "drop" | "rename";
}

export interface SqlAnalysis {
  accesses: SqlAccess[];
  tables: SqlTable[];
  literals: SqlLiteral[];
  derived: SqlDerived[];
  /** False when no parser read it and names were only scanned for. */
  parsed: boolean;
}

/** An interpolation that is no text: `h0le3x`. Also inside a name: `usage_h0le3x`. */
export const HOLE = /h0le\d+x/;
export const holeName = (n: number): string => `h0le${n}x`;

const cache = new Map<string, SqlAnalysis>();

/** Analyses a text of one or more statements. The same text is analysed once. */
export function analyzeSql(sql: string): SqlAnalysis {
  const known = cache.get(sql);
  if (known) return known;
  const result: SqlAnalysis = { accesses: [], tables: [], literals: [], derived: [], parsed: true };
  for (const piece of splitStatements(sql)) analyzeStatement(piece.text, piece.offset, result);
  if (cache.size > 20_000) cache.clear();
  cache.set(sql, result);
  return result;
}

function analyzeStatement(text: string, offset: number, result: SqlAnalysis): void {
  for (const attempt of text.length > PARSE_CHARS_MAX ? [] : attemptsOf(text)) {
    const ast = parsed(attempt);
    if (ast === null) continue;
    new Reader(text, offset, result).statement(ast);
    return;
  }
  result.parsed = false;
  for (const { name, mode, operation } of scanTables(text))
    result.accesses.push({ table: HOLE.test(name) ? null : name, mode, operation, columns: [] });
  const created =
    /\bcreate\s+(?:temp\w*\s+|unlogged\s+|virtual\s+|external\s+)*table\s+(?:if\s+not\s+exists\s+)?((?:["`[]?[\p{L}\w]+["`\]]?\.)*)["`[]?([\p{L}_][\p{L}\w]*)/iu.exec(
      text,
    );
  if (created?.[2] && !HOLE.test(created[2]))
    result.tables.push({ name: created[2], columns: [], how: "create", offset: offset + created.index });
}

/** The same text with its interpolations read in other ways; every attempt keeps all offsets. */
function attemptsOf(text: string): string[] {
  // Numbered and named placeholders that parsers do not know: `?1`, `{id:UUID}`, `{{id}}`.
  const plain = text.replace(
    /\?\d+|\{\{[^{}\n]*\}\}|\{\w+(?::[^{}\n]*)?\}/g,
    (mark) => `?${" ".repeat(mark.length - 1)}`,
  );
  if (!HOLE.test(plain)) return [plain];
  const blank = (match: string) => " ".repeat(match.length);
  // An interpolated clause (`WHERE a = 1 ${more}`): a hole that follows a finished expression is nothing.
  const clauses = plain.replace(
    /(?<=(?:[\w)"'`?*\]]|(?<![\w])\$\d)\s)\s*h0le\d+x(?!\w)(?=\s|$|\))/g,
    (match, at: number) =>
      /\b(select|from|join|where|and|or|not|by|limit|offset|set|in|on|as|values|into|update|like|between|distinct|then|else|when|having|is|table|=|\*)\s*$/i.test(
        plain.slice(Math.max(0, at - 20), at),
      )
        ? match
        : blank(match),
  );
  const lists = clauses.replace(/\bvalues\s+(h0le\d+x)/gi, (match, hole: string) =>
    match.replace(hole, `(1)${" ".repeat(hole.length - 3)}`),
  );
  const gone = plain.replace(/(?<![\w.])h0le\d+x(?![\w.])/g, (match, at: number) =>
    /\b(from|join|into|update|table)\s+["`[]?$/i.test(plain.slice(Math.max(0, at - 14), at))
      ? match
      : blank(match),
  );
  return [...new Set([plain, clauses, lists, gone])];
}

// biome-ignore lint/suspicious/noExplicitAny: the parser's tree is untyped JSON; every step below tests what it finds
type Ast = any;

function parsed(text: string): Ast | null {
  for (const dialect of DIALECTS) {
    try {
      const result = parseSql(text, dialect as never) as { success: boolean; ast?: unknown };
      if (
        result.success &&
        Array.isArray(result.ast) &&
        result.ast.length > 0 &&
        !("command" in result.ast[0])
      )
        return result.ast;
    } catch {
      // A trap of the parser on hostile text: the scan below still names the tables.
    }
  }
  return null;
}

interface Scope {
  tables: { name: string; alias: string }[];
  columns: { name: string; of: string | null }[];
  star: boolean;
  /** Subqueries and CTEs stand beside the tables: a column without a qualifier may be theirs. */
  others: boolean;
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
    if (statement?.select) this.selectLiterals(statement.select, null, [], "select");
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
          const scope = emptyScope();
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
          this.alterTable(value);
          break;
        case "create_trigger":
          this.createTrigger(value);
          break;
        case "drop_table":
          for (const one of value.names ?? []) {
            const name = nameOf(one);
            if (name !== null && !HOLE.test(name))
              this.out.derived.push({ target: name, sources: [""], how: "drop" });
          }
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
          if (typeof value.name?.name === "string")
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
    }
    return ctes;
  }

  read(table: Ast, ctx: Context): void {
    const name = nameOf(table) as string;
    const alias = table.alias?.name ?? name;
    if (!table.schema && ctx.ctes.has(name.toLowerCase())) {
      ctx.scope.others = true;
      return;
    }
    ctx.scope.tables.push({ name, alias });
  }

  /** Turns a finished scope into accesses: each table with the columns that are surely its own. */
  flush(scope: Scope): void {
    for (const { name, alias } of scope.tables) {
      const own = scope.columns.filter(({ of }) =>
        of === null ? scope.tables.length === 1 && !scope.others : of.toLowerCase() === alias.toLowerCase(),
      );
      const columns = own.map((column) => column.name).filter((column) => !HOLE.test(column));
      if (scope.star) columns.push("*");
      this.access(name, "read", "select", columns);
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
        this.selectLiterals(value.query.select, table, constants, operation);
    }
    if (Array.isArray(value.values)) {
      this.walk(value.values, { ctes, scope: emptyScope() });
      if (table !== null) this.valueLiterals(value.values, table, constants, operation);
    }
  }

  update(value: Ast, ctx: Context): void {
    const ctes = value.with?.ctes ? this.withCtes(value.with, ctx) : ctx.ctes;
    const set: [Ast, Ast][] = Array.isArray(value.set) ? value.set : [];
    const columns = set
      .map(([column]) => String(column?.name ?? ""))
      .filter((name) => name !== "" && !HOLE.test(name));
    const table = this.write(value.table, "update", columns);
    const scope = emptyScope();
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
          column: column.name,
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
    if (query.select) this.selectLiterals(query.select, name, [], "insert");
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
    const inner: SqlAnalysis = { accesses: [], tables: [], literals: [], derived: [], parsed: true };
    const reader = new Reader(this.text, this.base, inner);
    reader.walk(value.query, { ctes: new Set(), scope: emptyScope() });
    const sources = inner.accesses.flatMap((access) => (access.table === null ? [] : [access.table]));
    this.out.derived.push({ target: name, sources: [...new Set(sources)], how: "view" });
    if (value.query?.select) this.selectLiterals(value.query.select, name, [], "select");
  }

  createTrigger(value: Ast): void {
    const on = nameOf(value.table);
    const block = value.body?.Block;
    if (on === null || typeof block !== "string") return;
    for (const access of analyzeSql(block).accesses)
      if (access.mode === "write" && access.table !== null)
        this.out.derived.push({ target: access.table, sources: [on], how: "trigger" });
  }

  alterTable(value: Ast): void {
    const name = nameOf(value.name);
    if (name === null || HOLE.test(name)) return;
    const offset = this.base + (value.name.name.span?.start ?? 0);
    for (const action of value.actions ?? []) {
      const renamed = action.RenameTable?.name ?? action.RenameTable;
      if (renamed?.name)
        this.out.derived.push({
          target: String(renamed.name?.name ?? renamed.name),
          sources: [name],
          how: "rename",
        });
      if (renamed?.name)
        this.out.tables.push({
          name,
          columns: [String(renamed.name?.name ?? renamed.name)],
          how: "rename",
          offset,
        });
      const column = action.AddColumn?.column?.name?.name;
      if (column) this.out.tables.push({ name, columns: [String(column)], how: "alter", offset });
    }
  }

  /** Constants among what a SELECT gives; with `columns`, what an INSERT … SELECT stores where. */
  selectLiterals(select: Ast, table: string | null, columns: readonly string[], operation: Operation): void {
    // Without FROM it is a row of constants, not a statement about rows.
    if (!select.from && table === null) return;
    const given: Ast[] = Array.isArray(select.expressions) ? select.expressions : [];
    given.forEach((expression, i) => {
      const alias = expression?.alias;
      const constant = constantOf(alias ? alias.this : expression);
      const column = columns[i] ?? alias?.alias?.name;
      if (constant === null || !column) return;
      const offset = alias?.alias?.span?.start ?? this.itemOffset(i);
      this.out.literals.push({ table, column, value: constant, operation, offset: this.base + offset });
    });
  }

  /** Where the n-th item of the first SELECT stands. */
  itemOffset(n: number): number {
    const tokens = tokensOf(this.text);
    const from = tokens.findIndex((token) => /^select$/i.test(token.text));
    let [depth, commas] = [0, 0];
    for (let i = from + 1; i < tokens.length; i++) {
      const token = tokens[i] as (typeof tokens)[number];
      if (token.text === "(") depth++;
      else if (token.text === ")") depth--;
      else if (depth === 0 && /^from$/i.test(token.text)) break;
      else if (token.text === "," && depth === 0) commas++;
      else if (depth === 0 && commas === n) return token.start;
    }
    return 0;
  }

  /** A constant in the same place of every VALUES tuple. */
  valueLiterals(tuples: Ast[][], table: string, columns: readonly string[], operation: Operation): void {
    columns.forEach((column, i) => {
      const constants = tuples.map((tuple) => constantOf(tuple?.[i]));
      const [first] = constants;
      if (column === "" || first === undefined || first === null || !constants.every((one) => one === first))
        return;
      this.out.literals.push({
        table,
        column,
        value: first,
        operation,
        offset: this.base + this.valueOffset(i),
      });
    });
  }

  /** Where the n-th value of the first VALUES tuple stands: the tree does not say. */
  valueOffset(n: number): number {
    const tokens = tokensOf(this.text);
    const from = tokens.findIndex((token) => /^values$/i.test(token.text));
    let [depth, commas] = [0, 0];
    for (let i = from + 1; i < tokens.length; i++) {
      const token = tokens[i] as (typeof tokens)[number];
      if (token.text === "(") depth++;
      else if (token.text === ")") depth--;
      else if (token.text === "," && depth === 1) commas++;
      else if (depth === 1 && commas === n) return token.start;
    }
    return 0;
  }
}

function emptyScope(): Scope {
  return { tables: [], columns: [], star: false, others: false };
}

/** The bare name of a table node, or null when it is something else. */
function nameOf(table: Ast): string | null {
  const name = table?.name?.name;
  return typeof name === "string" && name !== "" ? name : null;
}

/** `0`, `NULL` or a text, when the expression is a constant; null otherwise. */
function constantOf(expression: Ast): string | null {
  if (expression === null || typeof expression !== "object") return null;
  if ("null" in expression) return "NULL";
  if (expression.literal) return String(expression.literal.value ?? "");
  if (expression.cast?.this) return constantOf(expression.cast.this);
  if (expression.paren?.this) return constantOf(expression.paren.this);
  if (expression.neg?.this)
    return constantOf(expression.neg.this) === null ? null : `-${constantOf(expression.neg.this)}`;
  return null;
}
