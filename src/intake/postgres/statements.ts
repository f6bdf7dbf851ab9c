/** Understands the statements of a dump that say what tables there are and how their data are written. */

import { attributesOf, type CreateTable, createTableOf, type DumpColumn, typeOf } from "./create-table.ts";
import { Cursor, type QualifiedName } from "./cursor.ts";
import { type Token, tokensOf } from "./tokens.ts";

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
  /** `oids`: until Postgres 12 a row could begin with the number that the server gave it. */
  | { kind: "copy"; table: QualifiedName; columns: string[]; oids: boolean; format: CopyFormat }
  | CreateTable
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
  | { kind: "composite"; name: QualifiedName; columns: DumpColumn[] }
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

/** `\connect name` or, where the name has other signs than letters, `\connect -reuse-previous=on "dbname='my db'"`. */
function databaseOf(line: string): string {
  const words = line.trim().replace(/^\\c(onnect)?\s+(?:-\S+\s+)?/i, "");
  const quoted = /^(["'])((?:(?!\1)[\s\S]|\1\1)*)\1/.exec(words);
  const word = quoted
    ? (quoted[2] as string).replaceAll(`${quoted[1]}${quoted[1]}`, quoted[1] as string)
    : (words.split(/\s+/)[0] ?? "");
  const named = /\bdbname\s*=\s*(?:'((?:[^'\\]|\\[\s\S])*)'|(\S+))/.exec(word);
  return named ? (named[1] ?? (named[2] as string)).replace(/\\([\s\S])/g, "$1") : word;
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
  let oids = cursor.take("with", "oids");
  cursor.skipTo("stdin");
  const given = new Map<string, string>();
  let csv = false;
  let header = false;
  for (let token = cursor.next(); token; token = cursor.next()) {
    const word = token.text;
    if (word === "csv") csv = true;
    else if (word === "format") csv = cursor.next()?.text === "csv" || csv;
    else if (word === "oids") oids = !/^(false|off|0)$/.test(cursor.peek()?.text ?? "");
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
    oids,
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
  const isForeign = cursor.take("foreign");
  for (let token = cursor.next(); token; token = cursor.next()) {
    if (token.text === "table") return createTableOf(cursor, isForeign);
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
      if (cursor.take("as", "enum")) return { kind: "type", name, base: "text" };
      return cursor.take("as")
        ? { kind: "composite", name, columns: attributesOf(cursor) }
        : { kind: "other" };
    }
  }
  return { kind: "other" };
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
