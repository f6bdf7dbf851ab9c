/** Collects what a plain dump says of its tables, and writes each table's rows into a file of COPY text. */

import { join } from "node:path";
import { PG_COPY } from "./copy-text.ts";
import type { CreateTable, DumpColumn } from "./create-table.ts";
import type { QualifiedName } from "./cursor.ts";
import { type Cut, type DumpTable, NeedsDecoding, newTable, type TableChoice } from "./dump-table.ts";
import { type Encoding, encodingOf, Transcoder } from "./encoding.ts";
import { type InsertRows, insertRowsOf } from "./insert-text.ts";
import type { DumpSink } from "./scan.ts";
import { linesIn, newSegment, removeParts, type Segment, Staging } from "./staged.ts";
import { type CopyFormat, statementOf } from "./statements.ts";

export class DumpTables implements DumpSink {
  /** `database.schema.name` → table, in the order of the dump. */
  readonly tables = new Map<string, DumpTable>();
  /** Domains and enums: `database.schema.name` and `database.name` → the type they stand for. */
  readonly types = new Map<string, string>();
  readonly #composites = new Map<string, DumpColumn[]>();
  #cut: Cut | null = null;
  /** Bytes of rows of tables that were not asked for: `schema.name` → bytes. */
  readonly left = new Map<string, number>();
  /** What could not be read as rows, the first ones. */
  readonly unread: { reason: string; offset: number; text: string }[] = [];
  unreadCount = 0;
  /** Bytes that were no valid text and became U+FFFD. */
  replaced = 0;
  unknownEncoding: string | null = null;
  backslashQuotes = false;
  readonly #folder: string;
  readonly #decoded: boolean;
  readonly #choice: TableChoice;
  #encoding: Encoding = encodingOf("UTF8");
  /** Decodes statements. */
  #statements = new Transcoder(this.#encoding);
  #database = "";
  #searchPath = "public";
  /** The COPY block at work; without a staging its rows are counted or left. */
  #copying: { table: DumpTable; staging: Staging | null; isNew: boolean } | null = null;
  #inserting: Staging | null = null;
  #files = 0;

  /** @param decoded true when the bytes were turned into UTF-8 before they come here. */
  constructor(folder: string, decoded: boolean, choice: TableChoice) {
    this.#folder = folder;
    this.#decoded = decoded;
    this.#choice = choice;
  }

  statement(bytes: Buffer, offset: number): boolean {
    const head = bytes.toString("latin1", 0, 16);
    if (/^insert/i.test(head)) {
      this.#insert(this.#text(bytes), offset);
      return false;
    }
    if (!/^(\\c|copy|set|select|create|alter)/i.test(head)) return false;
    this.#closeInsert();
    const statement = statementOf(this.#text(bytes), this.backslashQuotes);
    switch (statement.kind) {
      case "copy":
        this.#beginCopy(statement.table, statement.columns, statement.oids, statement.format);
        return true;
      case "create-table":
        this.#declare(statement);
        break;
      case "view":
        this.#table(statement.table).absent = "view";
        break;
      case "primary-key":
        this.#table(statement.table).primaryKey = statement.columns;
        break;
      case "foreign-key":
        this.#table(statement.table).references.push(statement);
        break;
      case "attach":
        this.#table(statement.child).parents.push(this.#key(statement.table));
        break;
      case "type":
        this.types.set(`${this.#database}.${statement.name.name}`, statement.base);
        this.types.set(this.#key(statement.name), statement.base);
        break;
      case "composite":
        this.#composites.set(this.#key(statement.name), statement.columns);
        break;
      case "connect":
        this.#database = statement.database;
        this.#searchPath = "public";
        break;
      case "set":
        this.#set(statement.name, statement.value);
        break;
    }
    return false;
  }

  copyData(bytes: Buffer): void {
    const copying = this.#copying;
    if (!copying || bytes.length === 0) return;
    const { table, staging, isNew } = copying;
    copying.isNew = false;
    staging?.write(bytes);
    if (staging && isNew && !this.#matters(table, staging)) copying.staging = null;
    if (copying.staging) return;
    if (table.counted) {
      table.counted.bytes += bytes.length;
      table.counted.rows += linesIn(bytes);
    } else this.leave(table, bytes.length);
  }

  copyEnd(cutLine: Buffer | null, offset: number): void {
    if (!this.#copying) return;
    const { table, staging } = this.#copying;
    this.replaced += staging?.close() ?? 0;
    if (cutLine !== null) {
      this.#cut = { table: shownName(table), offset };
      if (cutLine.length > 0)
        this.#leaveOut("a row that was cut off", offset - cutLine.length, cutLine.toString("utf8", 0, 200));
    }
    this.#copying = null;
  }

  statementCut(bytes: Buffer, end: number): void {
    if (!/^insert/i.test(bytes.toString("latin1", 0, 6))) return;
    const sql = this.#text(bytes);
    const rows = insertRowsOf(sql, this.backslashQuotes, true);
    if (!rows) return;
    this.#insertRows(rows);
    this.#cut = { table: shownName(this.#table(rows.table)), offset: end };
    this.#leaveOut("a row that was cut off", end - bytes.length, sql.slice(-200));
  }

  /** Where a table's rows were cut off since the last call. */
  takeCut(): Cut | null {
    const cut = this.#cut;
    this.#cut = null;
    return cut;
  }

  /** Whether the rows of a table, or of one that it is a part of, were asked for. */
  asked(name: QualifiedName, depth = 0): boolean {
    const table =
      this.tables.get(this.#key(name)) ??
      newTable(this.#database, name.schema ?? this.#searchPath, name.name);
    if (this.#choice.asked(table)) return true;
    const parents = table.parents.flatMap((parent) => this.tables.get(parent) ?? []);
    return depth < 100 && parents.some((parent) => this.asked(parent, depth + 1));
  }

  /** Notes rows of a table that were not asked for. */
  leave(name: QualifiedName, bytes: number): void {
    const shown = shownName(name);
    this.left.set(shown, (this.left.get(shown) ?? 0) + bytes);
  }

  /** Closes what is open; call once at the end. */
  close(): void {
    this.#closeInsert();
    this.#copying?.staging?.close();
    this.#copying = null;
  }

  /** Turns the staged rows of a table that is of no use into a count. Parts of a table are kept or left together. */
  #matters(table: DumpTable, staging: Staging): boolean {
    const { segment } = staging;
    const key = this.#key(table);
    const isPart =
      table.parents.length > 0 || [...this.tables.values()].some((other) => other.parents.includes(key));
    if (isPart || table.segments.length > 1 || segment.format.csv || this.#choice.matters(table)) return true;
    table.counted = { rows: 0, bytes: 0 };
    table.segments = [];
    staging.close();
    removeParts(segment);
    return false;
  }

  #set(name: string, value: string): void {
    if (name === "standard_conforming_strings") this.backslashQuotes = /^(off|false|0)$/i.test(value);
    else if (name === "search_path") {
      const first = value.split(",")[0]?.replace(/^["']|["']$/g, "") ?? "";
      this.#searchPath = first === "" || first === "pg_catalog" ? "public" : first;
    } else if (name === "client_encoding" && !this.#decoded) {
      const encoding = encodingOf(value);
      if (!encoding.asciiSafe && encoding.known) throw new NeedsDecoding(encoding);
      if (!encoding.known) this.unknownEncoding = value;
      this.#encoding = encoding.known ? encoding : encodingOf("UTF8");
      this.#statements = new Transcoder(this.#encoding);
    }
  }

  /** Columns of its type and its parents come first; what is declared again is one column. */
  #declare(statement: CreateTable): void {
    const table = this.#table(statement.table);
    table.parents = statement.parents.map((parent) => this.#key(parent));
    const inherited = table.parents.flatMap((parent) => this.tables.get(parent)?.columns ?? []);
    const typed = statement.composite ? (this.#composites.get(this.#key(statement.composite)) ?? []) : [];
    const columns = [...typed, ...inherited, ...statement.columns];
    table.columns = [...new Map(columns.map((column) => [column.name, column])).values()];
    table.primaryKey = statement.primaryKey;
    if (statement.isForeign) table.absent = "foreign table";
  }

  #beginCopy(name: QualifiedName, columns: readonly string[], oids: boolean, format: CopyFormat): void {
    const table = this.#table(name);
    const named = columns.length > 0 ? columns : table.columns.filter((c) => !c.generated).map((c) => c.name);
    const names = oids ? ["oid", ...named] : [...named];
    const isKept = this.asked(table) && !table.counted;
    const staging = isKept ? this.#stage(this.#segment(table, names, format), this.#encoding) : null;
    this.#copying = { table, staging, isNew: true };
  }

  #insert(sql: string, offset: number): void {
    const rows = insertRowsOf(sql, this.backslashQuotes);
    if (!rows || !this.#insertRows(rows))
      this.#leaveOut("an INSERT that is no list of values", offset, sql.slice(0, 200));
  }

  /** Returns false when what the rows hold is not known. */
  #insertRows(rows: InsertRows): boolean {
    const table = this.#table(rows.table);
    const declared = table.columns.map((c) => c.name);
    if (rows.width === 0 && declared.length > 0) return false;
    if (rows.rows === 0) return true;
    if (!this.asked(table)) {
      this.leave(table, rows.text.length);
      return true;
    }
    const columns =
      rows.columns.length > 0
        ? rows.columns
        : Array.from({ length: rows.width }, (_, i) => declared[i] ?? `column${i + 1}`);
    const key = columns.join("\0");
    if (
      this.#inserting?.segment !== table.segments.at(-1) ||
      this.#inserting?.segment.columns.join("\0") !== key
    ) {
      this.#closeInsert();
      const known = table.segments.find((s) => s.columns.join("\0") === key && s.format === PG_COPY);
      const segment = known ?? this.#segment(table, columns, PG_COPY);
      this.#inserting = this.#stage(segment, encodingOf("UTF8"));
    }
    this.#inserting?.write(Buffer.from(rows.text, "utf8"));
    return true;
  }

  #leaveOut(reason: string, offset: number, text: string): void {
    this.unreadCount++;
    if (this.unread.length < 1000) this.unread.push({ reason, offset, text });
  }

  #closeInsert(): void {
    this.#inserting?.close();
    this.#inserting = null;
  }

  #segment(table: DumpTable, columns: string[], format: CopyFormat): Segment {
    const segment = newSegment(columns, format);
    table.segments.push(segment);
    return segment;
  }

  #stage(segment: Segment, encoding: Encoding): Staging {
    return new Staging(segment, encoding, join(this.#folder, `copy-${++this.#files}`));
  }

  #key(name: QualifiedName): string {
    return `${this.#database}.${name.schema ?? this.#searchPath}.${name.name}`;
  }

  #table(name: QualifiedName): DumpTable {
    const key = this.#key(name);
    let table = this.tables.get(key);
    if (!table) {
      table = newTable(this.#database, name.schema ?? this.#searchPath, name.name);
      this.tables.set(key, table);
    }
    return table;
  }

  #text(bytes: Buffer): string {
    const text = this.#statements.convert(bytes, true).toString("utf8");
    this.replaced += this.#statements.takeReplaced();
    return text;
  }
}

/** `schema.name`. */
export function shownName({ schema, name }: QualifiedName): string {
  return `${schema ?? "public"}.${name}`;
}
