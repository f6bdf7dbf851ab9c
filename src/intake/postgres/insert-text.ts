/** Turns INSERT statements into the text that COPY would have written, so that both go the same way. */

import { escapeField } from "./copy-rows.ts";
import type { QualifiedName } from "./cursor.ts";
import { type Token, tokensOf } from "./tokens.ts";

export interface InsertRows {
  table: QualifiedName;
  /** Empty when the statement names none: the table's own order. */
  columns: string[];
  /** COPY text, a line per row. */
  text: string;
  rows: number;
  /** Values of the first row. */
  width: number;
}

/** What stands before the rows: strings and quoted names may hold the word too. */
const HEAD = /^(?:"[^"]*"|[^"'])*?\bVALUES\s*(?=\()/i;
/** Of a table without columns. */
const NO_VALUES = /^(?:"[^"]*"|[^"'])*?\bDEFAULT\s+VALUES\s*$/i;

/**
 * The rows of `INSERT INTO t (…) VALUES (…), (…)`; null when it is an INSERT of another shape.
 * @param cut The statement ends early: its whole rows count.
 */
export function insertRowsOf(sql: string, backslashQuotes: boolean, cut = false): InsertRows | null {
  const before = HEAD.exec(sql)?.[0];
  const head = tokensOf(before ?? NO_VALUES.exec(sql)?.[0] ?? "", backslashQuotes);
  if (head[0]?.text !== "insert" || head[1]?.text !== "into") return null;
  const { table, columns } = targetOf(head.slice(2));
  if (before === undefined) return { table, columns: [], text: "\n", rows: 1, width: 0 };
  const lines: string[] = [];
  let width = 0;
  let at = before.length;
  while (sql[at] === "(") {
    const row = rowAt(sql, at + 1, backslashQuotes);
    if (!row && cut) break;
    if (!row) return null;
    if (lines.length === 0) width = row.fields.length;
    lines.push(`${row.fields.map(escapeField).join("\t")}\n`);
    at = skipSpace(sql, row.end);
    if (sql[at] !== ",") break;
    at = skipSpace(sql, at + 1);
  }
  return { table, columns, text: lines.join(""), rows: lines.length, width };
}

function targetOf(tokens: readonly Token[]): { table: QualifiedName; columns: string[] } {
  const isMark = (i: number, text: string) => tokens[i]?.kind === "mark" && tokens[i]?.text === text;
  const parts = [tokens[0]?.text ?? ""];
  let i = 1;
  for (; isMark(i, "."); i += 2) parts.push(tokens[i + 1]?.text ?? "");
  const columns: string[] = [];
  if (isMark(i, "("))
    for (i++; i < tokens.length && !isMark(i, ")"); i++)
      if (tokens[i]?.kind !== "mark") columns.push((tokens[i] as Token).text);
  return {
    table: { schema: parts.length > 1 ? (parts.at(-2) as string) : null, name: parts.at(-1) as string },
    columns,
  };
}

/** The values from behind an opening parenthesis, and where the row ends. */
function rowAt(
  sql: string,
  from: number,
  backslashQuotes: boolean,
): { fields: (string | null)[]; end: number } | null {
  const fields: (string | null)[] = [];
  let at = from;
  for (;;) {
    at = skipSpace(sql, at);
    const value = valueAt(sql, at, backslashQuotes);
    if (!value) return null;
    fields.push(value.text);
    at = skipSpace(sql, value.end);
    if (sql[at] === ",") at++;
    else if (sql[at] === ")") return { fields, end: at + 1 };
    else return null;
  }
}

function valueAt(
  sql: string,
  at: number,
  backslashQuotes: boolean,
): { text: string | null; end: number } | null {
  const code = sql.charCodeAt(at);
  const prefixed = sql[at + 1] === "'" && /[EeBbXxNn]/.test(sql[at] ?? "");
  if (code === 0x27 || prefixed) {
    const escapes = backslashQuotes || (prefixed && /[Ee]/.test(sql[at] as string));
    const start = at + (prefixed ? 1 : 0);
    const end = stringEnd(sql, start + 1, escapes);
    if (end < 0) return null;
    const inside = sql.slice(start + 1, end);
    const text = escapes
      ? (tokensOf(`E'${inside}'`)[0]?.text ?? "")
      : inside.includes("'")
        ? inside.replaceAll("''", "'")
        : inside;
    return { text, end: skipCast(sql, end + 1) };
  }
  const tag = code === 0x24 ? /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y : null;
  if (tag) {
    tag.lastIndex = at;
    const mark = tag.exec(sql)?.[0];
    const end = mark === undefined ? -1 : sql.indexOf(mark, at + mark.length);
    if (mark === undefined || end < 0) return null;
    return { text: sql.slice(at + mark.length, end), end: skipCast(sql, end + mark.length) };
  }
  // A number, a keyword or an expression: everything up to the comma or parenthesis of this depth.
  let depth = 0;
  let end = at;
  for (; end < sql.length; end++) {
    const c = sql[end];
    if (c === "'") {
      end = stringEnd(sql, end + 1, backslashQuotes);
      if (end < 0) return null;
    } else if (c === "(" || c === "[") depth++;
    else if (c === ")" || c === "]") {
      if (depth === 0) break;
      depth--;
    } else if (c === "," && depth === 0) break;
  }
  const word = sql.slice(at, end).trim();
  if (/^(null|default)$/i.test(word)) return { text: null, end };
  return { text: word.replace(/::[\w\s."]+$/, ""), end };
}

/** Where the closing quote stands, or -1. */
function stringEnd(sql: string, from: number, escapes: boolean): number {
  let at = from;
  for (;;) {
    const quote = sql.indexOf("'", at);
    if (quote < 0) return -1;
    if (escapes) {
      let slashes = 0;
      while (quote - 1 - slashes >= from && sql[quote - 1 - slashes] === "\\") slashes++;
      if (slashes % 2 === 1) {
        at = quote + 1;
        continue;
      }
    }
    if (sql[quote + 1] !== "'") return quote;
    at = quote + 2;
  }
}

/** Behind `::type(…)`, when a cast follows. */
function skipCast(sql: string, at: number): number {
  const cast =
    /\s*::\s*[\w."]+(?:\s+(?:varying|precision|with(?:out)?\s+time\s+zone))?(?:\([\d,\s]*\))?(?:\[\d*\])*/y;
  cast.lastIndex = at;
  return cast.exec(sql) ? cast.lastIndex : at;
}

function skipSpace(sql: string, at: number): number {
  let i = at;
  while (i < sql.length && sql.charCodeAt(i) <= 0x20) i++;
  return i;
}
