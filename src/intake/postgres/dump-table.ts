/** What is known of a table of a dump or a server before it is loaded. */

import type { DumpColumn } from "./create-table.ts";
import type { QualifiedName } from "./cursor.ts";
import type { Encoding } from "./encoding.ts";
import type { Segment } from "./staged.ts";

export interface DumpTable {
  database: string;
  schema: string;
  name: string;
  columns: DumpColumn[];
  primaryKey: string[];
  references: { columns: string[]; target: QualifiedName; targetColumns: string[] }[];
  /** Keys of the tables that it inherits from or is a part of. */
  parents: string[];
  segments: Segment[];
  /** Rows that were counted and not kept, because nothing in them is of use; null where rows are kept. */
  counted: { rows: number; bytes: number } | null;
  /** Why no rows of it are to be expected, or null. */
  absent: "view" | "foreign table" | null;
}

/** A table of which nothing is known yet. */
export function newTable(database: string, schema: string, name: string): DumpTable {
  return {
    database,
    schema,
    name,
    columns: [],
    primaryKey: [],
    references: [],
    parents: [],
    segments: [],
    counted: null,
    absent: null,
  };
}

/** Which tables' rows are worth keeping. */
export interface TableChoice {
  /** False for a table that the user did not ask for. */
  asked(table: Pick<DumpTable, "database" | "schema" | "name">): boolean;
  /** False when none of its columns is of use; its first rows are staged already. */
  matters(table: DumpTable): boolean;
}

/** Where a table's rows were cut off. */
export interface Cut {
  table: string;
  offset: number;
}

/** Thrown when the dump's encoding can only be read by decoding the whole file first. */
export class NeedsDecoding extends Error {
  readonly encoding: Encoding;
  constructor(encoding: Encoding) {
    super("needs decoding");
    this.encoding = encoding;
  }
}
