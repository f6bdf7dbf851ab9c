/** Gives a text to the SQL parser, with what code leaves open in it read in the ways that make sense. */

import { parse as parseSql } from "@polyglot-sql/sdk";

/** Longer statements (data in a script) are scanned, not parsed. */
export const PARSE_CHARS_MAX = 60_000;
const DIALECTS = ["sqlite", "postgresql", "mysql"] as const;

/** An interpolation that is no text: `h0le3x`. Also inside a name: `usage_h0le3x`. */
export const HOLE = /h0le\d+x/;
export const holeName = (n: number): string => `h0le${n}x`;

/** The same text with its interpolations read in other ways; every attempt keeps all offsets. */
export function attemptsOf(text: string): string[] {
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
export type Ast = any;

export function parsed(text: string): Ast | null {
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

/** The bare name of a table node, or null when it is something else. */
export function nameOf(table: Ast): string | null {
  const name = table?.name?.name;
  return typeof name === "string" && name !== "" ? name : null;
}
