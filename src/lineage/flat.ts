/** Texts as pieces, constant or open, and one string of them with the way back to where each piece stands. */

import type { Expr } from "./ir.ts";
import type { Place } from "./refs.ts";
import { holeName } from "./sql/parse.ts";

/** Values one expression may have before the rest is left out. */
const ALTERNATIVES_MAX = 12;
const CHARS_MAX = 400_000;

/** A constant stretch with where it stands, or something that only run time knows. */
export type Piece = { text: string; m: number; at: number } | { hole: Expr; place: Place };
export type Text = Piece[];

/** A text as one string, holes as names that no table has, and the way back to its lines. */
export interface Flat {
  sql: string;
  /** Where an offset of `sql` stands. */
  locate(offset: number): { m: number; line: number };
  /** No hole at all. */
  constant: boolean;
}

/** What stands for a hole, when it can be known: a table object's name. */
export type HoleName = (hole: Expr, place: Place) => string | null;

/** One text that is reached on several ways counts once. */
export function bounded(texts: Text[]): Text[] {
  return [...new Set(texts)].slice(0, ALTERNATIVES_MAX);
}

/** A text without a hole. */
export function constant(text: Text | undefined): string | null {
  if (!text?.every((piece) => "text" in piece)) return null;
  return text.map((piece) => ("text" in piece ? piece.text : "")).join("");
}

/** Joins a text's pieces. */
export function flatten(text: Text, nameOfHole: HoleName): Flat {
  const marks: { offset: number; m: number; at: number }[] = [];
  let sql = "";
  let holes = 0;
  for (const piece of text) {
    if (sql.length > CHARS_MAX) break;
    if ("hole" in piece) {
      const name = nameOfHole(piece.hole, piece.place);
      sql += name ?? holeName(holes);
      if (name === null) holes++;
    } else {
      marks.push({ offset: sql.length, m: piece.m, at: piece.at });
      sql += piece.text;
    }
  }
  return {
    sql,
    constant: holes === 0,
    locate(offset) {
      let mark = marks[0] ?? { offset: 0, m: 0, at: 1 };
      for (const one of marks) if (one.offset <= offset) mark = one;
      return { m: mark.m, line: mark.at + newlines(sql.slice(mark.offset, offset)) };
    },
  };
}

export function newlines(text: string): number {
  let count = 0;
  for (let i = text.indexOf("\n"); i >= 0; i = text.indexOf("\n", i + 1)) count++;
  return count;
}
