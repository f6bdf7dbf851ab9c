/** SQL that stands in files of its own: embedded in a Go program, or one of many queries with a name in a comment. */

import { posix } from "node:path";
import type { Piece } from "./flat.ts";
import type { ModuleIR } from "./ir.ts";
import type { Program } from "./program.ts";

/** Libraries that read queries from files by `-- name: x`. */
const NAMED = [
  "github.com/knadh/goyesql",
  "github.com/nleof/goyesql",
  "github.com/qustavo/dotsql",
  "github.com/gchaincl/dotsql",
  "github.com/swithek/dotsqlx",
];
const NAME_LINE = /^--[ \t]*name:[ \t]*(\S+)[^\n]*\n/gim;

/** The text of a file that Go code names from its own folder; null when it is no SQL of the tree. */
export function embeddedSql(program: Program, by: ModuleIR, path: string): Piece | null {
  if (!/\.sql$/i.test(path)) return null;
  const m = program.imports.moduleOf(posix.join(posix.dirname(by.file), path));
  const text = m === undefined ? null : program.module(m).text;
  return m === undefined || text === null ? null : { text, m, at: 1 };
}

const queries = new WeakMap<Program, Map<string, Piece | null>>();

/** The query of a name, where a library for such queries is used and only one query has the name. */
export function namedSql(program: Program, name: string): Piece | null {
  let known = queries.get(program);
  if (!known) {
    known = NAMED.some((one) => program.uses(one)) ? namedIn(program) : new Map<string, Piece | null>();
    queries.set(program, known);
  }
  return known.get(name) ?? null;
}

/** Whether a library that gives queries by name is in use. */
export function usesNamedSql(program: Program): boolean {
  namedSql(program, "");
  return (queries.get(program)?.size ?? 0) > 0;
}

function namedIn(program: Program): Map<string, Piece | null> {
  const found = new Map<string, Piece | null>();
  program.modules.forEach(({ language, text }, m) => {
    if (language !== "sql" || text === null) return;
    const names = [...text.matchAll(NAME_LINE)];
    names.forEach((match, i) => {
      const start = match.index + match[0].length;
      const at = text.slice(0, start).split("\n").length;
      const name = match[1] as string;
      const piece = { text: text.slice(start, names[i + 1]?.index ?? text.length), m, at };
      found.set(name, found.has(name) ? null : piece);
    });
  });
  return found;
}
