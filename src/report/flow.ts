/** Renders the flow of code and tables: as text, JSON, a Mermaid flowchart or a Graphviz graph. */

import type { Flow, FlowAccessor, FlowTable } from "../contract/flow.ts";
import { plural } from "../contract/wording.ts";
import { stringify } from "./json.ts";
import { paintOf } from "./layout.ts";
import { printable } from "./printable.ts";

export interface FlowView {
  /** Tables to show; none means all. */
  tables: readonly string[];
  /** Entry points, or parts of their names; none means all. */
  entries: readonly string[];
  color: boolean;
}

/** `format`: text, json, mermaid or dot. */
export function renderFlow(flow: Flow, format: string, view: FlowView): string {
  const shown = narrowed(flow, view);
  if (format === "json") return `${stringify(shown, 2)}\n`;
  if (format === "mermaid") return mermaid(shown);
  return format === "dot" ? dot(shown) : text(shown, view.color);
}

function narrowed(flow: Flow, view: FlowView): Flow {
  const isTable = (name: string) =>
    view.tables.length === 0 || view.tables.some((wanted) => wanted.toLowerCase() === name.toLowerCase());
  const isEntry = (name: string) =>
    view.entries.length === 0 ||
    view.entries.some((wanted) => name.toLowerCase().includes(wanted.toLowerCase()));
  const accessors = (list: readonly FlowAccessor[]) =>
    view.entries.length === 0
      ? [...list]
      : list.filter((one) => one.entries.some((entry) => isEntry(entry.name)));
  return {
    ...flow,
    tables: flow.tables
      .filter((table) => isTable(table.table))
      .map((table) => ({ ...table, writers: accessors(table.writers), readers: accessors(table.readers) }))
      .filter((table) => view.entries.length === 0 || table.writers.length + table.readers.length > 0),
    entries: flow.entries
      .filter((entry) => isEntry(entry.name))
      .map((entry) => ({
        ...entry,
        reads: entry.reads.filter((path) => isTable(path.table)),
        writes: entry.writes.filter((path) => isTable(path.table)),
      }))
      .filter((entry) => view.tables.length === 0 || entry.reads.length + entry.writes.length > 0),
  };
}

/** Entries named on one line of text; the rest is counted, `--format json` has all. */
const ENTRIES_SHOWN = 6;

function text(flow: Flow, color: boolean): string {
  const paint = paintOf(color);
  const lines: string[] = [];
  for (const table of flow.tables) {
    const rows = table.rows === null ? "" : paint.dim(`  ${plural(table.rows, "row")}`);
    lines.push(`${paint.bold(printable(table.table))}${rows}`);
    for (const { how, name, file, line } of table.declared)
      lines.push(paint.dim(`  declared  ${how} ${printable(name)}  ${printable(file)}:${line}`));
    for (const [word, list] of [
      ["written", table.writers],
      ["read", table.readers],
    ] as const) {
      if (list.length === 0)
        lines.push(paint.dim(`  ${word === "written" ? "no code writes it" : "no code reads it"}`));
      for (const one of list) {
        const finding = word === "read" ? findingAt(flow, table, one) : undefined;
        const mark = finding ? paint.red("✖") : " ";
        lines.push(
          `${mark} ${word.padEnd(9)} ${printable(one.function)}  ${paint.dim(`${printable(one.file)}:${one.line}`)}`,
        );
        if (one.entries.length > 0) lines.push(`            ← ${entryList(one)}`);
        else if (one.callers.length > 0)
          lines.push(
            `            ← ${one.callers
              .map((caller) => printable(caller.function))
              .slice(0, ENTRIES_SHOWN)
              .join(", ")}`,
          );
      }
    }
    lines.push("");
  }
  if (flow.tables.length === 0) lines.push("No code reads or writes a table that matches.", "");
  for (const finding of flow.findings)
    lines.push(
      `${paint.red("✖")} ${finding.check}  ${printable(finding.message)}  ${paint.dim(`${printable(finding.location.file ?? "")}:${finding.location.line ?? ""}`)}`,
    );
  return `${lines.join("\n").trimEnd()}\n`;
}

function findingAt(flow: Flow, table: FlowTable, one: FlowAccessor): unknown {
  return flow.findings.find(
    ({ location }) =>
      location.table === table.table &&
      location.file === one.file &&
      location.line !== null &&
      location.line >= one.line &&
      location.line <= one.end_line,
  );
}

function entryList(one: FlowAccessor): string {
  const names = [
    ...new Set(
      one.entries.map((entry) =>
        printable(entry.kind === "route" ? entry.name : `${entry.kind} ${entry.name}`),
      ),
    ),
  ];
  const rest = names.length - ENTRIES_SHOWN;
  return names.slice(0, ENTRIES_SHOWN).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}

/** Nodes and edges: entries to functions, functions to tables and back. */
function edgesOf(flow: Flow): {
  nodes: Map<string, { label: string; kind: "entry" | "function" | "table" }>;
  edges: [string, string, string][];
} {
  const nodes = new Map<string, { label: string; kind: "entry" | "function" | "table" }>();
  const ids = new Map<string, string>();
  const node = (key: string, label: string, kind: "entry" | "function" | "table"): string => {
    const id = ids.get(key) ?? `n${ids.size + 1}`;
    ids.set(key, id);
    nodes.set(id, { label, kind });
    return id;
  };
  const edges: [string, string, string][] = [];
  const seen = new Set<string>();
  const edge = (from: string, to: string, label: string) => {
    const key = `${from} ${to} ${label}`;
    if (!seen.has(key)) edges.push([from, to, label]);
    seen.add(key);
  };
  for (const table of flow.tables) {
    const target = node(
      `table ${table.table}`,
      table.rows === null ? table.table : `${table.table} (${plural(table.rows, "row")})`,
      "table",
    );
    for (const [mode, list] of [
      ["writes", table.writers],
      ["reads", table.readers],
    ] as const)
      for (const one of list) {
        const fn = node(`function ${one.file} ${one.line} ${one.function}`, one.function, "function");
        edge(fn, target, mode);
        for (const entry of one.entries)
          edge(
            node(
              `entry ${entry.kind} ${entry.name}`,
              entry.kind === "route" ? entry.name : `${entry.kind} ${entry.name}`,
              "entry",
            ),
            fn,
            "",
          );
      }
  }
  return { nodes, edges };
}

function mermaid(flow: Flow): string {
  const { nodes, edges } = edgesOf(flow);
  const quoted = (label: string) =>
    `"${printable(label).replaceAll("&", "#38;").replaceAll('"', "#quot;").replaceAll("<", "#lt;").replaceAll(">", "#gt;")}"`;
  const shapes = {
    entry: (label: string) => `([${label}])`,
    function: (label: string) => `[${label}]`,
    table: (label: string) => `[(${label})]`,
  };
  return `${["flowchart LR", ...[...nodes].map(([id, { label, kind }]) => `  ${id}${shapes[kind](quoted(label))}`), ...edges.map(([from, to, label]) => `  ${from} -->${label ? `|${label}|` : ""} ${to}`)].join("\n")}\n`;
}

function dot(flow: Flow): string {
  const { nodes, edges } = edgesOf(flow);
  const quoted = (label: string) => `"${printable(label).replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
  const shapes = { entry: "oval", function: "box", table: "cylinder" };
  return `${["digraph flow {", "  rankdir=LR;", ...[...nodes].map(([id, { label, kind }]) => `  ${id} [label=${quoted(label)}, shape=${shapes[kind]}];`), ...edges.map(([from, to, label]) => `  ${from} -> ${to}${label ? ` [label=${quoted(label)}]` : ""};`), "}"].join("\n")}\n`;
}
