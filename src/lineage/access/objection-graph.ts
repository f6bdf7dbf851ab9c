/** Objection's relation expressions: the graph of relations that a query loads, as a text or as an object. */

import type { Expr } from "../ir.ts";

/** A graph of relations: `[pets, children.[pets]]`. */
export type Graph = Map<string, Graph>;

/** The graph of an object: `{ pets: true, children: { pets: true } }`. */
export function graphOf(expr: Expr, depth = 0): Graph {
  const graph: Graph = new Map();
  if (expr.k !== "object" || depth > 8) return graph;
  for (const { key, value } of expr.entries)
    if (key !== null && !key.startsWith("$")) graph.set(key, graphOf(value, depth + 1));
  return graph;
}

/** Reads Objection's text form of a graph; modifiers and aliases say nothing about tables. */
export function parseGraph(text: string): Graph {
  const tokens = text.replace(/\([^)]*\)|\s+as\s+\w+|\^\d*/g, "").match(/[\w$]+|[[\].,]/g) ?? [];
  let at = 0;
  const list = (into: Graph, depth: number): void => {
    if (depth > 8) return;
    if (tokens[at] === "[") {
      at++;
      while (at < tokens.length && tokens[at] !== "]") {
        list(into, depth + 1);
        if (tokens[at] === ",") at++;
      }
      at++;
      return;
    }
    const name = tokens[at++];
    if (name === undefined || !/^[\w$]+$/.test(name)) return;
    const inner: Graph = into.get(name) ?? new Map();
    into.set(name, inner);
    if (tokens[at] !== ".") return;
    at++;
    list(inner, depth + 1);
  };
  const graph: Graph = new Map();
  list(graph, 0);
  return graph;
}
