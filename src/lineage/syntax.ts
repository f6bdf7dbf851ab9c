/** Turns source text into a plain tree; the only user of tree-sitter. */

import { createRequire } from "node:module";
import {
  Language as Grammar,
  Parser,
  type Node as SyntaxNode,
  type Tree,
  type TreeCursor,
} from "web-tree-sitter";

/** Trees deeper than this are cut: recursion below must not overflow on hostile input. */
const DEPTH_MAX = 900;

/** Every step of a cursor crosses into WASM: below these there is nothing that anyone asks for. */
const LEAVES = new Set(
  `comment identifier property_identifier private_property_identifier shorthand_property_identifier
   shorthand_property_identifier_pattern statement_identifier field_identifier type_identifier package_identifier
   number integer float int_literal float_literal string_fragment escape_sequence string_start string_end
   regex_pattern regex_flags interpreted_string_literal raw_string_literal true false null nil none undefined this super
   predefined_type object_type interface_declaration type_alias_declaration function_signature`.split(/\s+/),
);

/** A named node. Positions are UTF-16 offsets into the source. */
export interface Node {
  type: string;
  start: number;
  end: number;
  field: string | null;
  readonly kids: readonly Node[];
}

export interface Syntax {
  root: Node;
  source: string;
  /** 1-based line of an offset. */
  lineAt(offset: number): number;
  text(node: Node): string;
  /** Line of the first syntax error, or null. */
  brokenAt: number | null;
}

interface Loaded {
  parser: Parser;
  names: string[];
  named: boolean[];
  leaves: boolean[];
  fields: (string | null)[];
}

const loaded = new Map<string, Promise<Loaded>>();
let ready: Promise<void> | null = null;

/** What web-tree-sitter's WASM module offers of itself: how it reads and writes its memory. */
interface Memory {
  HEAP32: Int32Array;
  getValue(address: number, type: string): number;
  setValue(address: number, value: number, type: string): void;
}

/**
 * Starts tree-sitter. A cursor hands four words over with every question, each through a switch over all types and a
 * closure; as plain array accesses they cost a third of the walk less.
 */
async function start(): Promise<void> {
  const memory = {} as Memory;
  await Parser.init(memory as object);
  const { getValue, setValue } = memory;
  // WASM memory is little-endian, so is every machine that DuckDB is built for.
  memory.getValue = (address, type) =>
    type === "i32" ? (memory.HEAP32[address >> 2] as number) : getValue(address, type);
  memory.setValue = (address, value, type) => {
    if (type === "i32") memory.HEAP32[address >> 2] = value;
    else setValue(address, value, type);
  };
}

/** `javascript`, `typescript`, `tsx`, `python` or `go`. */
async function load(grammar: string): Promise<Loaded> {
  ready ??= start();
  await ready;
  const path = createRequire(import.meta.url).resolve(
    `@vscode/tree-sitter-wasm/wasm/tree-sitter-${grammar}.wasm`,
  );
  const language = await Grammar.load(path);
  const parser = new Parser();
  parser.setLanguage(language);
  const names: string[] = [];
  const named: boolean[] = [];
  const leaves: boolean[] = [];
  for (let id = 0; id < language.nodeTypeCount; id++) {
    names.push(language.nodeTypeForId(id) ?? "");
    named.push(language.nodeTypeIsNamed(id));
    // Only Python's strings have parts that are read: interpolations.
    leaves.push(LEAVES.has(names[id] as string) || (names[id] === "string" && grammar !== "python"));
  }
  return { parser, names, named, leaves, fields: language.fields };
}

/** Parses a text; syntax errors are nodes of type `ERROR`, never an exception. */
export async function parse(grammar: string, source: string): Promise<Syntax> {
  let entry = loaded.get(grammar);
  if (!entry) {
    entry = load(grammar);
    loaded.set(grammar, entry);
  }
  const grammarTables = await entry;
  const { parser } = grammarTables;
  const tree = parser.parse(source) as Tree;
  const cursor = tree.walk();
  try {
    const state = { errorAt: -1 };
    const root = copy(cursor, cursor.nodeTypeId, grammarTables, state, 0);
    const starts = lineStarts(source);
    const lineAt = (offset: number) => lineOf(starts, offset);
    return {
      root,
      source,
      lineAt,
      text: (node) => source.slice(node.start, node.end),
      brokenAt: tree.rootNode.hasError
        ? lineAt(state.errorAt >= 0 ? state.errorAt : firstError(tree.rootNode))
        : null,
    };
  } finally {
    // The tree lives in WASM memory, which no garbage collector sees.
    cursor.delete();
    tree.delete();
  }
}

/** The same for every leaf: most nodes are leaves. */
const NO_KIDS: readonly Node[] = [];

function copy(
  cursor: TreeCursor,
  id: number,
  tables: Loaded,
  state: { errorAt: number },
  depth: number,
): Node {
  // ERROR has the id 65535, which no table holds.
  const type = tables.names[id] ?? "ERROR";
  const start = cursor.startIndex;
  const end = cursor.endIndex;
  const field = tables.fields[cursor.currentFieldId] ?? null;
  if (type === "ERROR" && state.errorAt < 0) state.errorAt = start;
  let kids = NO_KIDS;
  if (depth < DEPTH_MAX && !tables.leaves[id] && cursor.gotoFirstChild()) {
    const found: Node[] = [];
    do {
      const kid = cursor.nodeTypeId;
      if (tables.named[kid] || kid === 65535) found.push(copy(cursor, kid, tables, state, depth + 1));
    } while (cursor.gotoNextSibling());
    cursor.gotoParent();
    kids = found;
  }
  return { type, start, end, field, kids };
}

/** Where an error below a leaf, or a token that is missing, stands. */
function firstError(node: SyntaxNode): number {
  for (let here = node, depth = 0; depth < DEPTH_MAX; depth++) {
    const inner = here.children.find((kid) => kid?.hasError || kid?.isMissing);
    if (!inner) return here.startIndex;
    here = inner;
  }
  return node.startIndex;
}

function lineStarts(source: string): number[] {
  const starts = [0];
  for (let i = source.indexOf("\n"); i >= 0; i = source.indexOf("\n", i + 1)) starts.push(i + 1);
  return starts;
}

function lineOf(starts: readonly number[], offset: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] as number) <= offset) low = middle;
    else high = middle - 1;
  }
  return low + 1;
}

/** The child in a field, or undefined. */
export function fieldOf(node: Node, field: string): Node | undefined {
  return node.kids.find((kid) => kid.field === field);
}
