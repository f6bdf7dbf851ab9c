/** Collects what a plain dump says of its tables, and writes each table's rows into a file of COPY text. */

import { join } from "node:path";
import { PG_COPY } from "./copy-text.ts";
import { type Encoding, encodingOf, Transcoder } from "./encoding.ts";
import { insertRowsOf } from "./insert-text.ts";
import type { DumpSink } from "./scan.ts";
import { linesIn, newSegment, removeParts, type Segment, Staging } from "./staged.ts";
import { type CopyFormat, type DumpColumn, type QualifiedName, statementOf } from "./statements.ts";

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
  /** Rows that were counted and not kept, because nothing in them is of use; null where rows are kept. */
  counted: { rows: number; bytes: number } | null;
  view: boolean;
}

/** Which tables' rows are worth keeping. */
export interface TableChoice {
  /** False for a table that the user did not ask for. */
  asked(table: Pick<DumpTable, "database" | "schema" | "name">): boolean;
  /** False when none of its columns is of use; its first rows are staged already. */
  matters(table: DumpTable): boolean;
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
    const { table, staging, isNew } = copying;
    copying.isNew = false;
    staging?.write(bytes);
    if (staging && isNew && !this.#matters(table, staging)) copying.staging = null;
    if (copying.staging) return;
    if (table.counted) {
      table.counted.bytes += bytes.length;
      table.counted.rows += linesIn(bytes);
    } else this.leave(shownName(table), bytes.length);
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

  /** Where a COPY block was cut off since the last call. */
  takeCut(): Cut | null {
    const cut = this.#cut;
    this.#cut = null;
    return cut;
  }

  /** Whether the rows of `schema.name`, or of a table that it is a part of, were asked for. */
  asked(shown: string): boolean {
    let table = this.tables.get(`${this.#database}.${shown}`);
    for (let depth = 0; table && depth < 100; depth++) {
      if (this.#choice.asked(table)) return true;
      table = table.parent === null ? undefined : this.tables.get(table.parent);
    }
    return false;
  }

  /** Notes rows of `schema.name` that were not asked for. */
  leave(shown: string, bytes: number): void {
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
    const isPart = table.parent !== null || [...this.tables.values()].some((other) => other.parent === key);
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
    }
  }

  #beginCopy(name: QualifiedName, columns: readonly string[], format: CopyFormat): void {
    const table = this.#table(name);
    const names =
      columns.length > 0 ? [...columns] : table.columns.filter((c) => !c.generated).map((c) => c.name);
    const isKept = this.asked(shownName(table)) && !table.counted;
    const staging = isKept ? this.#stage(this.#segment(table, names, format), this.#encoding) : null;
    this.#copying = { table, staging, isNew: true };
  }

  #insert(sql: string, offset: number): void {
    const rows = insertRowsOf(sql, this.backslashQuotes);
    if (!rows) {
      return this.#leaveOut("an INSERT that is no list of values", offset, sql.slice(0, 200));
    }
    const table = this.#table(rows.table);
    if (!this.asked(shownName(table))) return this.leave(shownName(table), rows.text.length);
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
      this.#inserting = this.#stage(segment, encodingOf("UTF8"));
    }
    this.#inserting?.write(Buffer.from(rows.text, "utf8"));
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
      table = {
        database: this.#database,
        schema: name.schema ?? this.#searchPath,
        name: name.name,
        columns: [],
        primaryKey: [],
        references: [],
        parent: null,
        segments: [],
        counted: null,
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

function shownName({ schema, name }: DumpTable): string {
  return `${schema}.${name}`;
}
