/** What a SQLite database declares: tables, views, columns, keys. */

import type { Connection } from "./connection.ts";

/** SQLite's column affinity: what it makes of values that are stored. */
export type Affinity = "integer" | "real" | "numeric" | "text" | "none";

export interface SqliteColumn {
  name: string;
  declared: string;
  affinity: Affinity;
  primaryKey: boolean;
  references: { table: string; column: string } | null;
}

export interface SqliteTable {
  name: string;
  form: "table" | "view" | "virtual";
  columns: SqliteColumn[];
  /** A name that reaches the rowid, or null where there is none. */
  rowid: string | null;
  /** The module of a virtual table. */
  module: string | null;
}

/** Tables, views and virtual tables in the order they were created; SQLite's own and shadow tables are left out. */
export function readSchema(db: Connection): SqliteTable[] {
  const kinds = new Map<string, { type: string; wr: number; strict: number }>();
  for (const row of db
    .prepare("SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = 'main'")
    .all())
    kinds.set(row.name, row);
  const tables: SqliteTable[] = [];
  for (const { name, sql } of db
    .prepare("SELECT name, sql FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY rowid")
    .all()) {
    const kind = kinds.get(name);
    if (!kind || kind.type === "shadow" || /^sqlite_/i.test(name)) continue;
    const form = kind.type === "view" || kind.type === "virtual" ? kind.type : "table";
    const columns = form === "table" ? columnsOf(db, name, kind.strict === 1) : listedColumnsOf(db, name);
    tables.push({
      name,
      form,
      columns,
      rowid: form === "table" && kind.wr === 0 ? rowidNameOf(columns) : null,
      module: form === "virtual" ? (/\bUSING\s+["'`[]?(\w+)/i.exec(sql ?? "")?.[1] ?? "unknown") : null,
    });
  }
  return tables;
}

function columnsOf(db: Connection, table: string, strict: boolean): SqliteColumn[] {
  const references = new Map<string, { table: string; column: string }>();
  for (const key of db.prepare('SELECT "table", "from", "to" FROM pragma_foreign_key_list(?)').all(table))
    references.set(key.from, { table: key.table, column: key.to ?? primaryKeyOf(db, key.table) });
  return db
    .prepare("SELECT name, type, pk, hidden FROM pragma_table_xinfo(?) WHERE hidden <> 1")
    .all(table)
    .map((column) => ({
      name: column.name,
      declared: column.type,
      affinity: affinityOf(column.type, strict),
      primaryKey: column.pk > 0,
      references: references.get(column.name) ?? null,
    }));
}

/** The columns of something that is only listed: none where its view or module does not work. */
function listedColumnsOf(db: Connection, name: string): SqliteColumn[] {
  try {
    return columnsOf(db, name, false);
  } catch {
    return [];
  }
}

/** A foreign key that names no column means the other table's primary key. */
function primaryKeyOf(db: Connection, table: string): string {
  return db.prepare("SELECT name FROM pragma_table_info(?) WHERE pk = 1").get(table)?.name ?? "rowid";
}

/** A column may take any of the rowid's names; one that is not taken still reaches it. */
function rowidNameOf(columns: readonly SqliteColumn[]): string | null {
  const taken = new Set(columns.map((column) => column.name.toLowerCase()));
  return ["rowid", "_rowid_", "oid"].find((name) => !taken.has(name)) ?? null;
}

/** The rules of https://sqlite.org/datatype3.html, section 3.1. */
export function affinityOf(declared: string, strict = false): Affinity {
  const type = declared.toUpperCase();
  if (strict && type === "ANY") return "none";
  if (type.includes("INT")) return "integer";
  if (/CHAR|CLOB|TEXT/.test(type)) return "text";
  if (type === "" || type.includes("BLOB")) return "none";
  if (/REAL|FLOA|DOUB/.test(type)) return "real";
  return "numeric";
}
