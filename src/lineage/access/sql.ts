/** Table accesses by SQL text: which call runs which text, wherever the text stands. */

import type { AccessFact, DerivedFact, LiteralFact, TableFact } from "../facts.ts";
import { type Flat, flatten, type HoleName, type Piece, type Text } from "../flat.ts";
import type { Expr } from "../ir.ts";
import { undoes } from "../migrations.ts";
import type { Place, Program } from "../program.ts";
import { type Call, calledName, type Site, type Tagged } from "../sites.ts";
import type { SqlAnalysis, SqlLiteral } from "../sql/analysis.ts";
import { analyzeSql } from "../sql/analyze.ts";
import { sqlShape } from "../sql/tokens.ts";
import { namedSql, usesNamedSql } from "../sql-files.ts";
import { textsOf } from "../text.ts";
import { tableFact } from "./declared.ts";
import { constantOf } from "./emit.ts";
import { statementBehind } from "./prepared.ts";
import { NAMES_CTE, NO_RUN, PREPARES, REBINDS, RUNS, STATEMENT_RUNS } from "./runners.ts";

/** What all SQL texts of a program say. */
export interface SqlFacts {
  access: AccessFact[];
  literals: LiteralFact[];
  tables: TableFact[];
  derived: DerivedFact[];
}

/** Sites looked at before signals are. */
const SITES_AT_ONCE = 2_000;

/** All SQL accesses, and what SQL texts declare on the way. */
export async function sqlFacts(
  program: Program,
  sites: readonly Site[],
  own: (place: Place) => { id: number; name: string },
  nameOfHole: HoleName,
  pause: () => Promise<void>,
): Promise<SqlFacts> {
  const reader = new SqlReader(program, own, nameOfHole);
  for (let start = 0; start < sites.length; start += SITES_AT_ONCE) {
    for (const site of sites.slice(start, start + SITES_AT_ONCE)) reader.site(site);
    await pause();
  }
  reader.leftOver();
  return { ...reader.facts, access: reader.facts.access.filter((one) => !reader.isNamed(one)) };
}

class SqlReader {
  readonly program: Program;
  readonly own: (place: Place) => { id: number; name: string };
  readonly nameOfHole: HoleName;
  readonly facts: SqlFacts = { access: [], literals: [], tables: [], derived: [] };
  /** Statements that are made but not yet seen to run. */
  readonly made = new Map<Expr, { place: Place; line: number; flats: Flat[] }>();
  readonly used = new Set<Expr>();
  readonly seen = new Set<string>();
  /** Function and name of what it gives to a builder as a CTE. */
  readonly named = new Set<string>();

  constructor(program: Program, own: SqlReader["own"], nameOfHole: HoleName) {
    this.program = program;
    this.own = own;
    this.nameOfHole = nameOfHole;
  }

  site(site: Site): void {
    const { expr, place } = site;
    if (expr.k === "element") return;
    if (expr.k === "tagged") return this.tagged(site, expr);
    const name = calledName(expr);
    if (NAMES_CTE.test(name)) this.nameCte(place, expr.args[0]);
    if (NO_RUN.test(name)) return;
    if (STATEMENT_RUNS.test(name) && expr.callee.k === "member" && this.runsPrepared(place, expr)) return;
    const runs = RUNS.test(name) || /query|sql/i.test(name);
    const prepares = PREPARES.test(name);
    // Contexts come first in Go (`db.QueryContext(ctx, sql)`), connections in others.
    for (const arg of expr.args.slice(0, runs || prepares ? 3 : 6)) {
      if (this.runsPreparedArgument(place, arg, expr)) continue;
      const flats = this.statementsOf(place, arg, runs || prepares);
      // `dot.Exec(db, "insert-user", …)`: the name of a query comes after what runs it.
      const query =
        arg !== expr.args[0] && (runs || prepares) && flats.length === 0 && usesNamedSql(this.program)
          ? namedSql(this.program, constantOf(this.program, place, arg) ?? "")
          : null;
      if (query) flats.push(...this.flats([[query]], true));
      if (flats.length === 0) continue;
      if (prepares) this.make(expr, place, flats);
      else this.recordAll(place, expr.at, flats);
      if (runs || prepares) return;
    }
  }

  nameCte(place: Place, name: Expr | undefined): void {
    if (name?.k !== "text" || name.parts.length !== 1 || typeof name.parts[0] !== "string") return;
    this.named.add(`${this.own(place).id} ${name.parts[0].toLowerCase()}`);
  }

  /** A read of a CTE that the same function gives to a builder by its name. */
  isNamed({ function_id, table_name, mode }: AccessFact): boolean {
    return (
      mode === "read" && table_name !== null && this.named.has(`${function_id} ${table_name.toLowerCase()}`)
    );
  }

  tagged(site: Site, expr: Tagged): void {
    const flats = this.statementsOf(site.place, expr.text, true);
    if (flats.length > 0) this.make(expr, site.place, flats);
  }

  make(expr: Call | Tagged, place: Place, flats: Flat[]): void {
    if (!this.made.has(expr)) this.made.set(expr, { place, line: expr.at, flats });
  }

  /** The SQL statements that an argument can be. */
  statementsOf(place: Place, arg: Expr, knownRunner: boolean): Flat[] {
    // Direct functions and numbers are never text; names, members and calls may be.
    if (arg.k === "function" || arg.k === "value" || arg.k === "regex") return [];
    // `command({ query: "DELETE …" })`: of an object given to an unknown function, a key says that it is SQL.
    if (!knownRunner && arg.k === "object") {
      const sql = arg.entries.find((entry) => entry.key === "query" || entry.key === "sql")?.value;
      return sql ? this.statementsOf(place, sql, false) : [];
    }
    return this.flats(textsOf(this.program, place, arg), knownRunner);
  }

  flats(texts: readonly Text[], knownRunner: boolean): Flat[] {
    const found = new Map<string, Flat>();
    for (const text of texts) {
      const flat = flatten(text, this.nameOfHole);
      const shape = sqlShape(flat.sql);
      if (shape === "strong" || (shape === "weak" && (knownRunner || readsAsSql(flat.sql))))
        found.set(flat.sql, flat);
    }
    return [...found.values()];
  }

  /** `stmt.run()`, `db.prepare(…).all()`, `this.stmts.insert.run()`. */
  runsPrepared(place: Place, call: Call): boolean {
    let of: Expr = (call.callee as Expr & { k: "member" }).of;
    for (let depth = 0; depth < 12; depth++) {
      const rebound: Expr | undefined =
        of.k === "call" && REBINDS.test(calledName(of)) ? of.args.at(-1) : undefined;
      const made = this.madeBy(place, rebound ?? of);
      if (made) {
        this.recordAll(place, call.at, made.flats);
        return true;
      }
      if (of.k === "call" && of.callee.k === "member") of = of.callee.of;
      else return false;
    }
    return false;
  }

  /** `session.execute(STATEMENT)`, `conn.execute(text(…))`. */
  runsPreparedArgument(place: Place, arg: Expr, call: Call): boolean {
    if (arg.k === "text" || arg.k === "value" || arg.k === "function") return false;
    const made = this.madeBy(place, arg);
    if (!made) return false;
    this.recordAll(place, call.at, made.flats);
    return true;
  }

  /** The prepared statement that an expression is, followed through names; marks it as run. */
  madeBy(place: Place, expr: Expr): { flats: Flat[] } | null {
    const query = this.queryOf(place, expr);
    if (query) return { flats: this.flats([[query]], true) };
    const source = statementBehind(this.program, place, expr);
    if (!source) return null;
    const { expr: made, place: at } = source;
    const isPrepare = made.k === "tagged" || (made.k === "call" && PREPARES.test(calledName(made)));
    if (!isPrepare) return null;
    // A context or a connection may come first.
    for (const arg of made.k === "tagged" ? [made.text] : made.args.slice(0, 3)) {
      const flats = this.statementsOf(at, arg, true);
      if (flats.length === 0) continue;
      this.used.add(made);
      return { flats };
    }
    return null;
  }

  /** The named query that a library has prepared into a field of a struct, or null. */
  queryOf(place: Place, expr: Expr): Piece | null {
    if (expr.k !== "member" || !usesNamedSql(this.program)) return null;
    const struct = this.program.goFields.structOf(this.program.resolve(place, expr.of));
    const name = struct ? this.program.goFields.queryOf(struct, expr.name) : null;
    return name === null ? null : namedSql(this.program, name);
  }

  /** Statements that nothing is seen to run belong to where they are made. */
  leftOver(): void {
    for (const [expr, { place, line, flats }] of this.made)
      if (!this.used.has(expr)) this.recordAll(place, line, flats);
  }

  /**
   * Records the texts that one argument can be. Those that start in one place are forms of one statement, of which parts
   * depend on the run: what one form names as a CTE is none of another's tables, and a constant stands in all or is none.
   */
  recordAll(place: Place, line: number, flats: readonly Flat[]): void {
    const forms = new Map<string, Form>();
    const formOf = (flat: Flat): Form => {
      const { m, line: at } = standsAt(flat);
      const known = forms.get(`${m} ${at}`) ?? { analyses: [], ctes: new Set() };
      forms.set(`${m} ${at}`, known);
      return known;
    };
    for (const flat of flats) {
      const form = formOf(flat);
      const analysis = analyzeSql(flat.sql);
      form.analyses.push(analysis);
      for (const cte of analysis.ctes) form.ctes.add(cte);
    }
    for (const flat of flats) this.record(place, line, flat, formOf(flat));
  }

  record(place: Place, line: number, flat: Flat, form: Form): void {
    const { id, name } = this.own(place);
    const module = this.program.module(place.m);
    const stands = standsAt(flat);
    const sql_file = this.program.module(stands.m).file;
    const key = `${id} ${line} ${sql_file} ${stands.line} ${flat.sql}`;
    if (this.seen.has(key)) return;
    this.seen.add(key);
    const analysis = analyzeSql(flat.sql);
    for (const { table, mode, operation, columns } of analysis.accesses) {
      if (
        mode === "read" &&
        form.ctes.has(table?.toLowerCase() ?? "") &&
        !analysis.ctes.includes(table?.toLowerCase() ?? "")
      )
        continue;
      this.facts.access.push({
        function_id: id,
        function: name,
        file: module.file,
        line,
        sql_file,
        sql_line: stands.line,
        table_name: table,
        mode,
        operation,
        columns,
        certainty: analysis.parsed ? "sql" : "name",
        is_test: module.isTest,
      });
    }
    for (const literal of analysis.literals) {
      if (!form.analyses.every((one) => one.literals.some((other) => isSame(literal, other)))) continue;
      const at = flat.locate(literal.offset);
      this.facts.literals.push({
        function_id: id,
        file: this.program.module(at.m).file,
        line: at.line,
        table_name: literal.table,
        column_name: literal.column,
        value: literal.value,
        operation: literal.operation,
        is_test: module.isTest,
      });
    }
    for (const table of analysis.tables) {
      const at = flat.locate(table.offset);
      const file = this.program.module(at.m).file;
      this.facts.tables.push(tableFact(table, file, at.line));
    }
    if (undoes(this.program, place)) return;
    for (const { target, sources, how, offset } of analysis.derived) {
      const at = flat.locate(offset ?? 0);
      const { file } = this.program.module(at.m);
      for (const source of sources) this.facts.derived.push({ target, source, how, file, line: at.line });
    }
  }
}

/** The texts of one statement, as far as they are known. */
interface Form {
  analyses: SqlAnalysis[];
  ctes: Set<string>;
}

function standsAt(flat: Flat): { m: number; line: number } {
  return flat.locate(flat.sql.search(/\S|$/));
}

function isSame(a: SqlLiteral, b: SqlLiteral): boolean {
  return a.table === b.table && a.column === b.column && a.value === b.value && a.operation === b.operation;
}

/** Lower-case SQL given to an unknown function: it has the marks of SQL, not those of a sentence, and it parses. */
function readsAsSql(sql: string): boolean {
  if (/[.?!:]\s*$/.test(sql) || /\b(the|your|this|please|an)\b/i.test(sql.replace(/'[^']*'/g, "")))
    return false;
  return /\n|[=*(?]|\$\d|\{\{/.test(sql) && analyzeSql(sql).parsed;
}
