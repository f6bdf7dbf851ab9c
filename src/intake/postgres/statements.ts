/** Understands the statements of a dump that say what tables there are and how their data are written. */

import { type Token, tokensOf } from "./tokens.ts";

export interface DumpColumn {
  name: string;
  /** As declared, without modifiers of storage: `numeric(10,2)`, `text[]`. `""` when the dump does not declare it. */
  type: string;
  generated: boolean;
}

export interface QualifiedName {
  /** Null when the statement names none: the search path decides. */
  schema: string | null;
  name: string;
}

/** How the rows of a COPY are written. */
export interface CopyFormat {
  csv: boolean;
  header: boolean;
  delimiter: string;
  /** Text that stands for NULL. */
  nullText: string;
  quote: string;
  escape: string;
}

export type Statement =
  | { kind: "copy"; table: QualifiedName; columns: string[]; format: CopyFormat }
  | {
      kind: "create-table";
      table: QualifiedName;
      columns: DumpColumn[];
      primaryKey: string[];
      parent: QualifiedName | null;
    }
  | { kind: "view"; table: QualifiedName }
  | { kind: "primary-key"; table: QualifiedName; columns: string[] }
  | {
      kind: "foreign-key";
      table: QualifiedName;
      columns: string[];
      target: QualifiedName;
      targetColumns: string[];
    }
  | { kind: "attach"; table: QualifiedName; child: QualifiedName }
  | { kind: "type"; name: QualifiedName; base: string }
  | { kind: "set"; name: string; value: string }
  | { kind: "connect"; database: string }
  | { kind: "insert" }
  | { kind: "other" };

/** Reads a statement's meaning; `other` for all that neither makes nor fills a table. */
export function statementOf(sql: string, backslashQuotes: boolean): Statement {
  const head = /^\s*(\\?[A-Za-z]+)\s*([A-Za-z]*)/.exec(sql);
  const [, first = "", second = ""] = head ?? [];
  switch (first.toUpperCase()) {
    case "INSERT":
      return { kind: "insert" };
    case "\\CONNECT":
    case "\\C":
      return { kind: "connect", database: databaseOf(sql) };
    case "COPY":
      return /\bFROM\s+STDIN\b/i.test(sql)
        ? copyOf(new Cursor(tokensOf(sql, backslashQuotes)))
        : { kind: "other" };
    case "SET":
      return setOf(tokensOf(sql, backslashQuotes));
    case "SELECT":
      return /^\s*SELECT\s+(?:pg_catalog\.)?set_config\b/i.test(sql)
        ? configOf(tokensOf(sql, backslashQuotes))
        : { kind: "other" };
    case "CREATE":
      return /^(TABLE|UNLOGGED|FOREIGN|GLOBAL|LOCAL|TEMP|TEMPORARY|VIEW|OR|MATERIALIZED|RECURSIVE|TYPE|DOMAIN)$/i.test(
        second,
      )
        ? createOf(new Cursor(tokensOf(sql, backslashQuotes)))
        : { kind: "other" };
    case "ALTER":
      return /^TABLE$/i.test(second)
        ? alterOf(new Cursor(tokensOf(sql, backslashQuotes)))
        : { kind: "other" };
    default:
      return { kind: "other" };
  }
}

/** Walks tokens. */
class Cursor {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get done(): boolean {
    return this.#at >= this.#tokens.length;
  }

  peek(ahead = 0): Token | undefined {
    return this.#tokens[this.#at + ahead];
  }

  next(): Token | undefined {
    return this.#tokens[this.#at++];
  }

  /** Takes the words when they all come next. */
  take(...words: string[]): boolean {
    const all = words.every((word, i) => {
      const token = this.peek(i);
      return token !== undefined && token.kind !== "quoted" && token.kind !== "string" && token.text === word;
    });
    if (all) this.#at += words.length;
    return all;
  }

  /** Moves behind the next occurrence of the words; false when they do not come. */
  skipTo(...words: string[]): boolean {
    for (; !this.done; this.#at++) if (this.take(...words)) return true;
    return false;
  }

  qualifiedName(): QualifiedName {
    const parts = [this.next()?.text ?? ""];
    while (this.take(".")) parts.push(this.next()?.text ?? "");
    return { schema: parts.length > 1 ? (parts.at(-2) as string) : null, name: parts.at(-1) as string };
  }

  /** `(a, "b")` → names; empty when no parenthesis comes. */
  nameList(): string[] {
    if (!this.take("(")) return [];
    const names: string[] = [];
    while (!this.done && !this.take(")")) {
      const token = this.next();
      if (token && token.kind !== "mark") names.push(token.text);
    }
    return names;
  }

  /** The tokens up to the next comma or closing parenthesis of this depth, which stays. */
  item(): Token[] {
    const item: Token[] = [];
    let depth = 0;
    for (let token = this.peek(); token; token = this.peek()) {
      if (token.kind === "mark") {
        if (depth === 0 && (token.text === "," || token.text === ")")) break;
        if (token.text === "(" || token.text === "[") depth++;
        else if (token.text === ")" || token.text === "]") depth--;
      }
      item.push(token);
      this.#at++;
    }
    return item;
  }
}

function databaseOf(line: string): string {
  const words = line.trim().replace(/^\\c(onnect)?\s+/i, "");
  const named = /dbname='?((?:[^'\s]|'')+)'?/.exec(words)?.[1];
  return (named ?? words.replace(/^-\S+\s+/, "").split(/\s+/)[0] ?? "").replace(/^["']|["']$/g, "");
}

function setOf(tokens: Token[]): Statement {
  const rest = tokens
    .slice(1)
    .filter((t) => !(t.kind === "name" && (t.text === "session" || t.text === "local")));
  if (rest[0]?.text === "names") return { kind: "set", name: "client_encoding", value: rest[1]?.text ?? "" };
  const value = rest
    .slice(2)
    .map((t) => t.text)
    .join("");
  return { kind: "set", name: rest[0]?.text ?? "", value };
}

function configOf(tokens: Token[]): Statement {
  const strings = tokens.filter((t) => t.kind === "string").map((t) => t.text);
  return { kind: "set", name: strings[0] ?? "", value: strings[1] ?? "" };
}

function copyOf(cursor: Cursor): Statement {
  cursor.take("copy");
  cursor.take("only");
  const table = cursor.qualifiedName();
  const columns = cursor.nameList();
  cursor.skipTo("stdin");
  const given = new Map<string, string>();
  let csv = false;
  let header = false;
  for (let token = cursor.next(); token; token = cursor.next()) {
    const word = token.text;
    if (word === "csv") csv = true;
    else if (word === "format") csv = cursor.next()?.text === "csv" || csv;
    else if (word === "header") header = !/^(false|off|0)$/.test(cursor.peek()?.text ?? "");
    else if (
      word === "delimiter" ||
      word === "delimiters" ||
      word === "null" ||
      word === "quote" ||
      word === "escape"
    ) {
      cursor.take("as");
      given.set(word === "delimiters" ? "delimiter" : word, cursor.next()?.text ?? "");
    }
  }
  const quote = given.get("quote") ?? '"';
  return {
    kind: "copy",
    table,
    columns,
    format: {
      csv,
      header,
      delimiter: given.get("delimiter") ?? (csv ? "," : "\t"),
      nullText: given.get("null") ?? (csv ? "" : "\\N"),
      quote,
      escape: given.get("escape") ?? quote,
    },
  };
}

function createOf(cursor: Cursor): Statement {
  cursor.take("create");
  for (let token = cursor.next(); token; token = cursor.next()) {
    if (token.text === "table") return createTableOf(cursor);
    if (token.text === "view") {
      cursor.take("if", "not", "exists");
      return { kind: "view", table: cursor.qualifiedName() };
    }
    if (token.text === "domain") {
      const name = cursor.qualifiedName();
      cursor.take("as");
      return { kind: "type", name, base: typeOf(cursor.item()).type };
    }
    if (token.text === "type") {
      const name = cursor.qualifiedName();
      return cursor.take("as", "enum") ? { kind: "type", name, base: "text" } : { kind: "other" };
    }
  }
  return { kind: "other" };
}

const CONSTRAINTS = new Set(["constraint", "primary", "unique", "check", "foreign", "exclude", "like"]);

function createTableOf(cursor: Cursor): Statement {
  cursor.take("if", "not", "exists");
  const table = cursor.qualifiedName();
  const columns: DumpColumn[] = [];
  const primaryKey: string[] = [];
  let parent: QualifiedName | null = null;
  if (cursor.take("partition", "of")) parent = cursor.qualifiedName();
  if (cursor.take("(")) {
    while (!cursor.done && !cursor.take(")")) {
      const item = cursor.item();
      cursor.take(",");
      const [first, ...rest] = item;
      if (!first) continue;
      if (first.kind === "name" && CONSTRAINTS.has(first.text)) {
        primaryKey.push(...keyOf(item));
        continue;
      }
      const { type, tail } = typeOf(rest);
      columns.push({ name: first.text, type, generated: has(tail, "generated", "always", "as", "(") });
      if (has(tail, "primary", "key")) primaryKey.push(first.text);
    }
  }
  if (cursor.take("inherits", "(")) parent = cursor.qualifiedName();
  return { kind: "create-table", table, columns, primaryKey, parent };
}

function keyOf(item: readonly Token[]): string[] {
  const cursor = new Cursor(item);
  return cursor.skipTo("primary", "key") ? cursor.nameList() : [];
}

function has(tokens: readonly Token[], ...words: string[]): boolean {
  return new Cursor(tokens).skipTo(...words);
}

/** Words that end a column's type. */
const TYPE_ENDS = new Set([
  "not",
  "null",
  "default",
  "primary",
  "unique",
  "references",
  "check",
  "constraint",
  "collate",
  "generated",
  "storage",
  "compression",
  "options",
]);

/** The type at the head of a column's definition, spelled in one way, and what follows it. */
function typeOf(tokens: readonly Token[]): { type: string; tail: Token[] } {
  let depth = 0;
  let end = 0;
  for (; end < tokens.length; end++) {
    const token = tokens[end] as Token;
    if (token.text === "(" || token.text === "[") depth++;
    else if (token.text === ")" || token.text === "]") depth--;
    else if (depth === 0 && token.kind === "name" && TYPE_ENDS.has(token.text)) break;
  }
  const type = tokens
    .slice(0, end)
    .map((t) => t.text)
    .join(" ")
    .replace(/ ?([().,[\]]) ?/g, "$1")
    .replace(/\)(?=\w)/g, ") ")
    .replace(/^pg_catalog\./, "");
  return { type, tail: tokens.slice(end) };
}

function alterOf(cursor: Cursor): Statement {
  cursor.take("alter");
  cursor.take("table");
  cursor.take("if", "exists");
  cursor.take("only");
  const table = cursor.qualifiedName();
  if (cursor.take("attach", "partition")) return { kind: "attach", table, child: cursor.qualifiedName() };
  if (cursor.take("inherit")) return { kind: "attach", table: cursor.qualifiedName(), child: table };
  if (!cursor.skipTo("add")) return { kind: "other" };
  if (cursor.take("constraint")) cursor.next();
  if (cursor.take("primary", "key")) return { kind: "primary-key", table, columns: cursor.nameList() };
  if (cursor.take("foreign", "key")) {
    const columns = cursor.nameList();
    if (!cursor.take("references")) return { kind: "other" };
    const target = cursor.qualifiedName();
    return { kind: "foreign-key", table, columns, target, targetColumns: cursor.nameList() };
  }
  return { kind: "other" };
}
