/** From a source tree to code facts: read, lower, resolve, and ask every stage for its rows. */

import { resolve } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { Interrupted } from "../contract/errors.ts";
import { builderAccess } from "./access/builders.ts";
import { tableFact } from "./access/declared.ts";
import { type AccessContext, Chains } from "./access/emit.ts";
import { gormAccess } from "./access/gorm/access.ts";
import { StoredLiterals } from "./access/literals.ts";
import { javascriptOrmAccess } from "./access/orm-javascript.ts";
import { pythonOrmAccess } from "./access/orm-python.ts";
import { prismaAccess } from "./access/prisma/access.ts";
import { sqlFacts } from "./access/sql.ts";
import { sqliteUtilsAccess } from "./access/sqlite-utils.ts";
import { callFacts } from "./calls.ts";
import { findEntries } from "./entries/entries.ts";
import type { AccessFact, CodeFacts, EntryFact, FunctionFact } from "./facts.ts";
import { findSources } from "./files.ts";
import { httpFacts } from "./http.ts";
import type { Expr, ModuleIR } from "./ir.ts";
import { lentTables } from "./lent.ts";
import { logFacts, patternFacts } from "./logs.ts";
import { migrationFacts } from "./migrations.ts";
import { Models } from "./models/models.ts";
import { type Place, Program } from "./program.ts";
import { readAll } from "./read.ts";
import { sitesOf } from "./sites.ts";
import { analyzeSql } from "./sql/analyze.ts";

export interface CollectOptions {
  /** Worker threads; 1 reads in this thread. */
  threads: number;
  /** Looked at between files and stages. */
  signal?: AbortSignal;
}

/**
 * Reads a directory (or one file) of source code. Never throws for a source file: what cannot be read is in
 * `skipped`, what was read otherwise than as it stands in `notes`.
 * @throws Interrupted when the signal is aborted.
 */
export async function collectCodeFacts(root: string, options: CollectOptions): Promise<CodeFacts> {
  const absolute = resolve(root);
  const tree = findSources(absolute);
  const { signal } = options;
  const read = await readAll(tree.files, options.threads, signal);
  const facts = await factsOf(absolute, read.modules, async () => {
    await turn();
    if (signal?.aborted) throw new Interrupted();
  });
  facts.skipped.push(...tree.skipped, ...read.skipped);
  facts.notes.push(...read.notes);
  facts.bytes = read.bytes;
  facts.lines = read.lines;
  return facts;
}

/** The facts of modules that are already lowered; between stages `pause` lets signals be seen. */
async function factsOf(
  root: string,
  modules: readonly ModuleIR[],
  pause: () => Promise<void>,
): Promise<CodeFacts> {
  const program = new Program(root, modules);
  const sites = sitesOf(program);
  await pause();
  const entries = findEntries(program, sites);
  await pause();
  const functions = functionFacts(program);
  const idOf = (place: Place): number => functions.ids[place.m]?.[program.owner(place)] as number;
  const own = (place: Place) => {
    const id = idOf(place);
    return { id, name: (functions.rows[id - 1] as FunctionFact).function };
  };
  const models = new Models(program);
  const nameOfHole = (hole: Expr, place: Place) => models.of(program, place, hole)?.table ?? null;
  const sql = await sqlFacts(program, sites, own, nameOfHole, pause);
  const built: AccessFact[] = [];
  const literals = new StoredLiterals(program, sites);
  const context: AccessContext = {
    program,
    models,
    sites,
    chains: new Chains(sites),
    emit(place, line, table, operation, columns, certainty, stored) {
      const { id, name } = own(place);
      const module = program.module(place.m);
      const mode = operation === "select" ? "read" : "write";
      const access: AccessFact = {
        function_id: id,
        function: name,
        file: module.file,
        line,
        sql_file: null,
        sql_line: null,
        table_name: table,
        mode,
        operation,
        columns: [...new Set(columns)],
        certainty,
        is_test: module.isTest,
      };
      built.push(access);
      literals.add(place, access, stored);
    },
  };
  for (const access of [
    builderAccess,
    prismaAccess,
    javascriptOrmAccess,
    pythonOrmAccess,
    sqliteUtilsAccess,
    gormAccess,
  ]) {
    access(context);
    await pause();
  }
  for (const model of models.all) {
    if (model.how === null) continue;
    sql.tables.push({
      name: model.table,
      declared_as: model.declaredAs,
      how: model.how,
      file: model.file,
      line: model.line,
      columns: [...new Set(model.columns.values())],
    });
  }
  const migrations = migrationFacts(program, sites);
  sql.tables.push(...migrations.tables);
  sql.derived.push(...migrations.derived);
  for (const module of modules) {
    if (module.language !== "sql") continue;
    sqlFile(module, sql);
    await pause();
  }
  const declared = new Set(sql.tables.map((table) => table.name));
  sql.derived.push(...lentTables(program, models, sites, [...sql.access, ...built], declared));
  await pause();
  const calls = callFacts(program, sites, idOf);
  await pause();
  for (const request of httpFacts(program, sites, entries, idOf)) calls.push(request);
  await pause();
  return {
    functions: functions.rows,
    calls,
    access: unique([...sql.access, ...built]),
    entries: entries.map(
      (entry, index): EntryFact => ({
        id: index + 1,
        kind: entry.kind,
        name: entry.name,
        file: program.module(entry.m).file,
        line: entry.line,
        function_id: idOf(entry.place),
      }),
    ),
    tables: sql.tables,
    logs: logFacts(program, sites, idOf),
    patterns: patternFacts(program, sites, idOf),
    literals: [...sql.literals, ...literals.facts([...sql.access, ...built])],
    derived: sql.derived,
    skipped: [],
    notes: [],
    files: modules.length,
    bytes: 0,
    lines: 0,
  };
}

/** A row and an id for every function that stands for itself; ids, by module and function, follow files and lines. */
function functionFacts(program: Program): { rows: FunctionFact[]; ids: number[][] } {
  const rows: FunctionFact[] = [];
  const ids = program.modules.map((module) => {
    const own: number[] = new Array(module.functions.length).fill(0);
    module.functions.forEach((fn, f) => {
      if (fn.rank !== "named" && fn.rank !== "module") return;
      own[f] = rows.length + 1;
      rows.push({
        id: rows.length + 1,
        function: fn.name,
        qualified: fn.qualified,
        file: module.file,
        line: fn.at,
        end_line: fn.end,
        language: module.language,
        is_test: module.isTest,
      });
    });
    return own;
  });
  return { rows, ids };
}

/** What a .sql file declares. */
function sqlFile(module: ModuleIR, { tables, derived }: Pick<CodeFacts, "tables" | "derived">): void {
  // What takes a migration back says nothing about the schema that it leads to.
  if (/(^|[._/-])down\.sql$/i.test(module.file)) return;
  const text = (module.text ?? "").replace(
    /^[ \t]*--[ \t]*(?:\+(?:goose|migrate)[ \t]+down|migrate:down)\b[\s\S]*/im,
    "",
  );
  const analysis = analyzeSql(text);
  const lineAt = (offset: number) => text.slice(0, offset).split("\n").length;
  for (const { target, sources, how, offset } of analysis.derived)
    for (const source of sources)
      derived.push({ target, source, how, file: module.file, line: lineAt(offset ?? 0) });
  // Rows that a script writes are no access of a function, but the table is not without a writer.
  for (const { table, mode } of analysis.accesses)
    if (table !== null && mode === "write")
      derived.push({ target: table, source: "", how: "script", file: module.file, line: 1 });
  for (const table of analysis.tables) tables.push(tableFact(table, module.file, lineAt(table.offset)));
}

/** One row per function, line, table and mode; the columns of doubles are joined. */
function unique(rows: readonly AccessFact[]): AccessFact[] {
  const found = new Map<string, AccessFact>();
  for (const row of rows) {
    const key = [
      row.function_id,
      row.file,
      row.line,
      row.sql_file,
      row.sql_line,
      row.table_name,
      row.mode,
      row.operation,
    ].join("\0");
    const known = found.get(key);
    if (known) known.columns = [...new Set([...known.columns, ...row.columns])];
    else found.set(key, { ...row });
  }
  return [...found.values()].sort((a, b) => a.function_id - b.function_id || a.line - b.line);
}
