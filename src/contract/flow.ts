/** Which code writes and reads which table: by table, and by entry. */

import type { Finding } from "./finding.ts";

export interface FlowSite {
  function: string;
  file: string;
  line: number;
}

export interface FlowAccessor extends FlowSite {
  end_line: number;
  /** Who calls it, directly. */
  callers: FlowSite[];
  /** The entries that reach it. */
  entries: { kind: string; name: string; file: string; line: number }[];
}

export interface FlowTable {
  table: string;
  /** Rows in the loaded databases, or null when no database has it. */
  rows: number | null;
  declared: { file: string; line: number; name: string; how: string }[];
  writers: FlowAccessor[];
  readers: FlowAccessor[];
}

export interface FlowPath {
  table: string;
  /** Every step from the entry to the accessing function: pages, components, routes, functions. */
  path: string[];
  certainty: string;
}

export interface FlowEntry {
  kind: string;
  name: string;
  file: string;
  line: number;
  reads: FlowPath[];
  writes: FlowPath[];
}

/** What `trueup flow` shows. */
export interface Flow {
  schemaVersion: 1;
  tables: FlowTable[];
  entries: FlowEntry[];
  /** Findings that are located in source code. */
  findings: Finding[];
}

/** A way from an entry to a function that accesses a table. */
export interface FlowWay {
  kind: string;
  name: string;
  file: string;
  line: number;
  /** The routes of the same program that the entry calls on its ways to the function. */
  routes: string[];
}

/** A function that reads or writes a table, the ways to it, and the findings about it. */
export interface FlowAccess extends FlowSite {
  mode: "read" | "write";
  ways: FlowWay[];
  /** Fingerprints: what is wrong with this reading or writing. */
  findings: string[];
}

export interface ReportFlowTable {
  table: string;
  /** Rows in the loaded databases, or null when no database has it. */
  rows: number | null;
  accesses: FlowAccess[];
  /** Fingerprints of what is wrong with the table itself. */
  findings: string[];
}

/** The flow as a report carries it: bounded, with the findings at the arrows that they are about. */
export interface ReportFlow {
  tables: ReportFlowTable[];
  /** What the bounds left out. */
  cut: { tables: number; accesses: number; ways: number };
}
