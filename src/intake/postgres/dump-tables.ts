/** Collects what a plain dump says of its tables, and writes each table's rows into a file of COPY text. */

import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { PG_COPY } from "./copy-text.ts";
import { type Encoding, encodingOf, Transcoder } from "./encoding.ts";
import { insertRowsOf } from "./insert-text.ts";
import type { DumpSink } from "./scan.ts";
import { type CopyFormat, type DumpColumn, type QualifiedName, statementOf } from "./statements.ts";

/** Rows of one table with one list of columns, in a file. */
export interface Segment {
  columns: string[];
  format: CopyFormat;
  file: string;
  bytes: number;
}

export interface DumpTable {
  database: string;
  schema: string;
  name: string;
  columns: DumpColumn[];
  primaryKey: string[];
  references: { columns: string[]; target: QualifiedName; targetColumns: string[] }[];
  /** Key of the table it is a part of. */
  parent: string | null;
  segments: Segment[];
  view: boolean;
}

/** Where a COPY block was cut off. */
export interface Cut {
  table: string;
  offset: number;
}

/** Thrown when the dump's encoding can only be read by decoding the whole file first. */
export class NeedsDecoding extends Error {
  readonly encoding: Encoding;
  constructor(encoding: Encoding) {
    super("needs decoding");
    this.encoding = encoding;
  }
}

export class DumpTables implements DumpSink {
  /** `database.schema.name` → table, in the order of the dump. */
  readonly tables = new Map<string, DumpTable>();
  /** Domains and enums: name → the type they stand for. */
  readonly types = new Map<string, string>();
  cut: Cut | null = null;
  /** What could not be read as rows, the first ones. */
  readonly unread: { reason: string; offset: number; text: string }[] = [];
  unreadCount = 0;
  /** Bytes that were no valid text and became U+FFFD. */
  replaced = 0;
  unknownEncoding: string | null = null;
  backslashQuotes = false;
  readonly #folder: string;
  readonly #decoded: boolean;
  #encoding: Encoding = encodingOf("UTF8");
  #database = "";
  #searchPath = "public";
  #copying: { table: DumpTable; segment: Segment; fd: number; transcoder: Transcoder } | null = null;
  #inserting: { segment: Segment; fd: number } | null = null;
  #files = 0;

  /** @param decoded true when the bytes were turned into UTF-8 before they come here. */
  constructor(folder: string, decoded: boolean) {
    this.#folder = folder;
    this.#decoded = decoded;
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
        this.#beginCopy(statement.table, statement.columns, statement.format);
        return true;
      case "create-table": {
        const table = this.#table(statement.table);
        table.columns = statement.columns;
        table.primaryKey = statement.primaryKey;
        if (statement.parent) table.parent = this.#key(statement.parent);
        break;
      }
      case "view":
        this.#table(statement.table).view = true;
        break;
      case "primary-key":
        this.#table(statement.table).primaryKey = statement.columns;
        break;
      case "foreign-key":
        this.#table(statement.table).references.push(statement);
        break;
      case "attach":
        this.#table(statement.child).parent = this.#key(statement.table);
        break;
      case "type":
        this.types.set(statement.name.name, statement.base);
        if (statement.name.schema)
          this.types.set(`${statement.name.schema}.${statement.name.name}`, statement.base);
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
    const text = copying.transcoder.convert(bytes, false);
    copying.segment.bytes += text.length;
    writeAll(copying.fd, text);
  }

  copyEnd(cutLine: Buffer | null, offset: number): void {
    const copying = this.#copying;
    if (!copying) return;
    const rest = copying.transcoder.convert(Buffer.alloc(0), true);
    copying.segment.bytes += rest.length;
    writeAll(copying.fd, rest);
    closeSync(copying.fd);
    this.replaced += copying.transcoder.replaced;
    if (cutLine !== null) {
      this.cut = { table: `${copying.table.schema}.${copying.table.name}`, offset };
      if (cutLine.length > 0)
        this.#leaveOut("a row that was cut off", offset - cutLine.length, cutLine.toString("utf8", 0, 200));
    }
    this.#copying = null;
  }

  /** Closes what is open; call once at the end. */
  close(): void {
    this.#closeInsert();
    if (this.#copying) closeSync(this.#copying.fd);
    this.#copying = null;
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
    }
  }

  #beginCopy(name: QualifiedName, columns: readonly string[], format: CopyFormat): void {
    const table = this.#table(name);
    const names =
      columns.length > 0 ? [...columns] : table.columns.filter((c) => !c.generated).map((c) => c.name);
    const segment = this.#segment(table, names, format);
    this.#copying = {
      table,
      segment,
      fd: openSync(segment.file, "w"),
      transcoder: new Transcoder(this.#encoding),
    };
  }

  #insert(sql: string, offset: number): void {
    const rows = insertRowsOf(sql, this.backslashQuotes);
    if (!rows) {
      return this.#leaveOut("an INSERT that is no list of values", offset, sql.slice(0, 200));
    }
    const table = this.#table(rows.table);
    const first = rows.text.slice(0, rows.text.indexOf("\n")).split("\t").length;
    const declared = table.columns.map((c) => c.name);
    const columns =
      rows.columns.length > 0
        ? rows.columns
        : declared.length === first
          ? declared
          : Array.from({ length: first }, (_, i) => declared[i] ?? `column${i + 1}`);
    const key = columns.join("\0");
    if (
      this.#inserting?.segment !== table.segments.at(-1) ||
      this.#inserting?.segment.columns.join("\0") !== key
    ) {
      this.#closeInsert();
      const known = table.segments.find((s) => s.columns.join("\0") === key && s.format === PG_COPY);
      const segment = known ?? this.#segment(table, columns, PG_COPY);
      this.#inserting = { segment, fd: openSync(segment.file, "a") };
    }
    const bytes = Buffer.from(rows.text, "utf8");
    (this.#inserting as { segment: Segment }).segment.bytes += bytes.length;
    writeAll((this.#inserting as { fd: number }).fd, bytes);
  }

  #leaveOut(reason: string, offset: number, text: string): void {
    this.unreadCount++;
    if (this.unread.length < 1000) this.unread.push({ reason, offset, text });
  }

  #closeInsert(): void {
    if (this.#inserting) closeSync(this.#inserting.fd);
    this.#inserting = null;
  }

  #segment(table: DumpTable, columns: string[], format: CopyFormat): Segment {
    const segment = { columns, format, file: join(this.#folder, `copy-${++this.#files}.txt`), bytes: 0 };
    table.segments.push(segment);
    return segment;
  }

  #key(name: QualifiedName): string {
    return `${this.#database}.${name.schema ?? this.#searchPath}.${name.name}`;
  }

  #table(name: QualifiedName): DumpTable {
    const key = this.#key(name);
    let table = this.tables.get(key);
    if (!table) {
      table = {
        database: this.#database,
        schema: name.schema ?? this.#searchPath,
        name: name.name,
        columns: [],
        primaryKey: [],
        references: [],
        parent: null,
        segments: [],
        view: false,
      };
      this.tables.set(key, table);
    }
    return table;
  }

  #text(bytes: Buffer): string {
    const { label } = this.#encoding;
    if (label === null) return bytes.toString("utf8");
    if (label === "latin1") return bytes.toString("latin1");
    return new Transcoder(this.#encoding).convert(bytes, true).toString("utf8");
  }
}

function writeAll(fd: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}
