/** Reads what CREATE TABLE and CREATE TYPE declare of columns. */

import { Cursor, type QualifiedName } from "./cursor.ts";
import type { Token } from "./tokens.ts";

export interface DumpColumn {
  name: string;
  /** As declared, without modifiers of storage: `numeric(10,2)`, `text[]`. `""` when the dump does not declare it. */
  type: string;
  generated: boolean;
}

export interface CreateTable {
  kind: "create-table";
  table: QualifiedName;
  /** Its own ones: those of its parents and of its type come before. */
  columns: DumpColumn[];
  primaryKey: string[];
  /** Tables that it inherits from or is a part of. */
  parents: QualifiedName[];
  /** The composite type of a typed table. */
  composite: QualifiedName | null;
  /** Its rows are on another server. */
  isForeign: boolean;
}

const CONSTRAINTS = new Set(["constraint", "primary", "unique", "check", "foreign", "exclude", "like"]);

/** `table` is behind the cursor. */
export function createTableOf(cursor: Cursor, isForeign: boolean): CreateTable {
  cursor.take("if", "not", "exists");
  const table = cursor.qualifiedName();
  const columns: DumpColumn[] = [];
  const primaryKey: string[] = [];
  const parents: QualifiedName[] = [];
  const isPartition = cursor.take("partition", "of");
  if (isPartition) parents.push(cursor.qualifiedName());
  const composite = cursor.take("of") ? cursor.qualifiedName() : null;
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
      if (has(tail, "primary", "key")) primaryKey.push(first.text);
      // A part and a typed table only add to columns that are declared elsewhere.
      if (!isPartition && !composite)
        columns.push({ name: first.text, type, generated: has(tail, "generated", "always", "as", "(") });
    }
  }
  if (cursor.take("inherits", "("))
    do parents.push(cursor.qualifiedName());
    while (cursor.take(","));
  return { kind: "create-table", table, columns, primaryKey, parents, composite, isForeign };
}

/** `CREATE TYPE name AS (a integer, b text)`: the parenthesis comes next. */
export function attributesOf(cursor: Cursor): DumpColumn[] {
  const columns: DumpColumn[] = [];
  if (!cursor.take("(")) return columns;
  while (!cursor.done && !cursor.take(")")) {
    const [first, ...rest] = cursor.item();
    cursor.take(",");
    if (first) columns.push({ name: first.text, type: typeOf(rest).type, generated: false });
  }
  return columns;
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
export function typeOf(tokens: readonly Token[]): { type: string; tail: Token[] } {
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
