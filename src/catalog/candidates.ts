/** Lists what may hold a role: every column, and every path that a sample shows inside JSON, structs and maps. */

import type { Value } from "../contract/finding.ts";
import type { ColumnProfile } from "../contract/loaded.ts";
import { singular, wordsOf } from "./names.ts";
import { factsOf, type ValueFacts } from "./values.ts";

/** A column or a path inside one. */
export interface Candidate {
  /** As shown: `data.tokens.input`. */
  name: string;
  column: ColumnProfile;
  /**
   * The keys from the column to the value; empty for the column itself. More than one list when a text on the way is
   * JSON itself.
   */
  path: string[][];
  /** Words of the whole name. */
  words: string[];
  /** Words of the last key, and of that what stands behind the last dot. */
  leaf: string[];
  /** Words of what stands before it, the column's own name included. */
  above: string[];
  depth: number;
  sample: Value[];
  facts: ValueFacts;
}

/** The table as role inference sees it. */
export interface Context {
  /** Words of the table's name, plurals taken back. */
  table: string[];
  candidates: Candidate[];
  /** The words of every top-level column, joined with `_`. */
  columns: Set<string>;
  /** Rows sum up many calls: the table's name or a column that counts requests says so. */
  rollup: boolean;
  /** How many columns make up the declared primary key. */
  keyColumns: number;
}

const ROLLUP_TABLE =
  /^(daily|hourly|weekly|monthly|day|hour|month|rollup|rolled|summary|summarie|aggregate|aggregated|agg|stat|statistic|total)$/;
const COUNT_COLUMN =
  /^((n|num|total|api|successful|failed|llm|model)_)*(request|call|message|api_call|completion)s?(_(count|total))?$|^(n|count|counts|cnt|hits)$|_count$/;

const DEPTH_MAX = 6;
const PATHS_MAX = 1000;
const DOCUMENTS_MAX = 120;
const DOCUMENT_TEXT_MAX = 4_000_000;

/** Every candidate of a table, columns first, in the table's order. */
export function contextOf(table: string, columns: readonly ColumnProfile[]): Context {
  const candidates = columns.flatMap((column) => {
    const own = candidateOf(column, [], column.sample);
    return [own, ...pathsOf(column, own)];
  });
  const words = wordsOf(table).map(singular);
  return {
    table: words,
    candidates,
    columns: new Set(columns.map((column) => wordsOf(column.name).join("_"))),
    rollup: words.some((word) => ROLLUP_TABLE.test(word)) || candidates.some(countsRequests),
    keyColumns: columns.filter((column) => column.primaryKey).length,
  };
}

function countsRequests({ leaf, facts, depth }: Candidate): boolean {
  const name = leaf.join("_");
  if (depth > 1 || !COUNT_COLUMN.test(name) || /token|tok|tkn|retry|attempt|error|cache/.test(name))
    return false;
  return facts.count > 0 && facts.integers === facts.count;
}

/** The candidate of a path that the configuration names, whether or not the sample shows it. */
export function configuredCandidate(columns: readonly ColumnProfile[], name: string): Candidate | null {
  const exact = columns.find((column) => column.name === name);
  if (exact) return candidateOf(exact, [], exact.sample);
  const holder = columns
    .filter((column) => name.startsWith(`${column.name}.`))
    .sort((a, b) => b.name.length - a.name.length)[0];
  return holder ? candidateOf(holder, [name.slice(holder.name.length + 1).split(".")], []) : null;
}

/** True when the values of the column hold keys: JSON, a struct or a map. */
export function isNested(column: ColumnProfile): boolean {
  return documentsOf(column.sample).length > 0;
}

function candidateOf(column: ColumnProfile, path: string[][], sample: Value[]): Candidate {
  const keys = [column.name, ...path.flat()];
  // A key such as `gen_ai.usage.input_tokens` is a path of its own.
  const words = keys
    .flatMap((key) => key.split("."))
    .map(wordsOf)
    .filter((list) => list.length > 0);
  return {
    name: keys.join("."),
    column,
    path,
    words: words.flat(),
    leaf: words.at(-1) ?? [],
    above: words.slice(0, -1).flat(),
    depth: keys.length - 1,
    sample,
    facts: factsOf(sample),
  };
}

interface Node {
  path: string[][];
  values: Value[];
}

/** The paths to plain values inside a column, breadth first, bounded. */
function pathsOf(column: ColumnProfile, own: Candidate): Candidate[] {
  const found: Candidate[] = [];
  let level: Node[] = [{ path: [[]], values: documentsOf(own.sample) }];
  for (let depth = 0; depth < DEPTH_MAX && level.length > 0; depth++) {
    const next: Node[] = [];
    for (const node of level) {
      const children = childrenOf(node);
      const isMap = variesByRow(children);
      for (const [key, values] of children) {
        if (found.length >= PATHS_MAX) return found;
        const path = extended(node.path, key);
        const objects = values.filter(isObject);
        if (objects.length > 0 && !isMap) next.push({ path, values: objects });
        const texts = documentsOf(values.filter((value) => typeof value === "string"));
        if (texts.length > 0) next.push({ path: [...path, []], values: texts });
        const plain = values.filter((value) => !isObject(value) && !Array.isArray(value));
        if (plain.length > 0 && objects.length + texts.length === 0)
          found.push(candidateOf(column, path, plain));
      }
    }
    level = next;
  }
  return found;
}

/** Every key of the objects, with its values. */
function childrenOf(node: Node): Map<string, Value[]> {
  const children = new Map<string, Value[]>();
  for (const value of node.values) {
    for (const [key, child] of Object.entries(value as Record<string, Value>)) {
      const list = children.get(key);
      if (list) list.push(child);
      else if (children.size < PATHS_MAX) children.set(key, [child]);
    }
  }
  return children;
}

/**
 * `{"gpt-4o": {…}, "o3": {…}}`: keys that name a model or a day. What is below one of them is there for some rows
 * only, so it is no role.
 */
function variesByRow(children: ReadonlyMap<string, Value[]>): boolean {
  const objects = [...children].filter(([, values]) => values.some(isObject));
  if (
    objects.some(([key]) => /\d/.test(key) && /[-.:/]/.test(key.replace(/^[A-Za-z_]+(\.[A-Za-z_]+)+$/, "")))
  )
    return true;
  const shapes = new Set(
    objects.map(([, values]) =>
      Object.keys(values.find(isObject) ?? {})
        .sort()
        .join(),
    ),
  );
  return objects.length >= 4 && shapes.size === 1;
}

function extended(path: string[][], key: string): string[][] {
  return [...path.slice(0, -1), [...(path.at(-1) as string[]), key]];
}

/** The values that are objects, or texts that hold one; bounded, and then from all over the sample. */
function documentsOf(sample: readonly Value[]): Value[] {
  const documents: Value[] = [];
  let length = 0;
  for (let i = 0; i < sample.length; i++) {
    if (documents.length >= DOCUMENTS_MAX || length > DOCUMENT_TEXT_MAX) break;
    // A prime has no common factor with the length of a sample: every value comes once.
    const value = sample[sample.length > DOCUMENTS_MAX ? (i * 4093) % sample.length : i] as Value;
    if (typeof value === "string") length += value.length;
    if (isObject(value)) documents.push(value);
    else if (typeof value === "string" && /^\s*\{/.test(value)) {
      const parsed = parsedOrNull(value);
      if (isObject(parsed)) documents.push(parsed);
    }
  }
  return documents;
}

function parsedOrNull(text: string): Value {
  try {
    return JSON.parse(text) as Value;
  } catch {
    // Cut off or no JSON: the column is text.
    return null;
  }
}

function isObject(value: Value | undefined): value is Record<string, Value> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
