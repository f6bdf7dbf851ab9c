/** Chooses what one picture of the flow shows: tables, the functions at them, and the entries that reach those. */

import type { FlowAccess, FlowWay, ReportFlowTable } from "../../contract/flow.ts";
import { plural } from "../../contract/wording.ts";

/** Columns of a picture, from left to right. */
export const COLUMNS = ["Pages", "Routes and jobs", "Functions", "Tables"] as const;

/** Nodes of one column that are drawn; the others are counted. */
const COLUMN_MAX = 16;

export interface FlowNode {
  column: number;
  title: string;
  /** The line below: where it stands, or how much it holds. */
  note: string;
  broken: boolean;
}

export interface FlowEdge {
  from: FlowNode;
  to: FlowNode;
  kind: "call" | "read" | "write";
  broken: boolean;
}

export interface FlowGraph {
  nodes: FlowNode[];
  edges: FlowEdge[];
  /** Functions and entries that found no room. */
  left: { functions: number; entries: number };
}

/** `isBroken` tells whether one of these findings makes an arrow or a table a broken one. */
export function flowGraph(
  tables: readonly ReportFlowTable[],
  isBroken: (findings: readonly string[]) => boolean,
): FlowGraph {
  const graph = new Graph();
  const accesses = tables.flatMap((table) =>
    ["write", "read"].flatMap((mode) =>
      table.accesses
        .filter((access) => access.mode === mode)
        .map((access, i) => ({ table, access, turn: isBroken(access.findings) ? -1 : i })),
    ),
  );
  // What is broken takes its room first, then writers and readers of each table in turn.
  accesses.sort((a, b) => a.turn - b.turn);
  for (const { table, rows, findings } of tables)
    graph.node(
      `table ${table}`,
      3,
      table,
      rows === null ? "" : plural(rows, "row"),
      isBroken(findings),
      "always",
    );
  const ways: { rank: number; draw: () => void }[] = [];
  for (const { table, access, turn } of accesses) {
    const broken = turn < 0;
    const place = `${access.file}:${access.line}`;
    const fn = graph.node(`function ${place} ${access.function}`, 2, access.function, place, broken);
    if (fn === null) continue;
    graph.edge(fn, graph.nodes.get(`table ${table.table}`)!, access.mode, broken);
    // Pages first: the routes that they call say more than the others.
    const pagesFirst = [...access.ways].sort((a, b) => Number(b.kind === "page") - Number(a.kind === "page"));
    for (const [i, way] of pagesFirst.entries())
      ways.push({ rank: broken ? -1 : i, draw: () => drawWay(graph, way, fn, access, broken) });
  }
  // Every function has its first entries before one has all of its own.
  for (const { draw } of ways.sort((a, b) => a.rank - b.rank)) draw();
  const { nodes, edges } = graph;
  const missed = graph.missed.map((keys) => [...keys].filter((key) => !nodes.has(key)).length);
  return {
    nodes: [...nodes.values()],
    edges: [...edges.values()],
    left: { functions: missed[2]!, entries: missed[0]! + missed[1]! },
  };
}

/** From a page by its routes to the function; from any other entry straight to it. */
function drawWay(graph: Graph, way: FlowWay, fn: FlowNode, { ways }: FlowAccess, broken: boolean): void {
  if (way.kind !== "page" || way.routes.length === 0) {
    const entry = entryNode(graph, way, broken);
    if (entry !== null) graph.edge(entry, fn, "call", broken);
    return;
  }
  const routes = ways.filter((one) => isRoute(one) && way.routes.includes(one.name));
  const nodes = routes.flatMap((route) => entryNode(graph, route, broken) ?? []);
  // A page whose routes found no room would hang in the air.
  const page = entryNode(graph, way, broken, nodes.length > 0 ? "bounded" : "none");
  if (page !== null) for (const node of nodes) graph.edge(page, node, "call", broken);
}

const isRoute = (way: FlowWay) => way.kind === "route";

function entryNode(
  graph: Graph,
  { kind, name, file, line }: FlowWay,
  broken: boolean,
  room: Room = "bounded",
): FlowNode | null {
  const place = `${file}:${line}`;
  const title = kind === "route" || kind === "page" ? name : `${kind} ${name}`;
  return graph.node(`${kind} ${name} ${place}`, kind === "page" ? 0 : 1, title, place, broken, room);
}

/** Whether a new node is drawn while its column has room, always, or never. */
type Room = "bounded" | "always" | "none";

class Graph {
  readonly nodes = new Map<string, FlowNode>();
  readonly edges = new Map<string, FlowEdge>();
  /** Keys without room, by column. */
  readonly missed = COLUMNS.map(() => new Set<string>());
  readonly #taken = COLUMNS.map(() => 0);
  readonly #ids = new Map<FlowNode, number>();

  /** The node of a key, made when its column has room; null when it has none. */
  node(
    key: string,
    column: number,
    title: string,
    note: string,
    broken: boolean,
    room: Room = "bounded",
  ): FlowNode | null {
    const known = this.nodes.get(key);
    if (known) {
      known.broken ||= broken;
      return known;
    }
    if (room === "none" || (room === "bounded" && this.#taken[column]! >= COLUMN_MAX)) {
      this.missed[column]!.add(key);
      return null;
    }
    const node: FlowNode = { column, title, note, broken };
    this.nodes.set(key, node);
    this.#taken[column]!++;
    this.#ids.set(node, this.#ids.size);
    return node;
  }

  edge(from: FlowNode, to: FlowNode, kind: FlowEdge["kind"], broken: boolean): void {
    const key = `${this.#ids.get(from)} ${this.#ids.get(to)} ${kind}`;
    const known = this.edges.get(key);
    if (known) known.broken ||= broken;
    else this.edges.set(key, { from, to, kind, broken });
  }
}
