/** What a known JSON format is, and how its shape is looked at. */

import type { LoadedTable } from "../../contract/loaded.ts";
import type { IntakeContext, Source } from "../context.ts";
import type { Records } from "./records.ts";

export type JsonObject = { [key: string]: unknown };

/** A format that is recognised by its shape, never by a file's name, and read by its own rule. */
export interface JsonFormat {
  /** As shown in `LoadedTable.format`. */
  name: string;
  /** From the first records of an input. */
  recognises(records: readonly JsonObject[]): boolean;
  /** Creates the tables in the input's schema; the notes state the rule that was applied and what it left out. */
  load(
    source: Source,
    ctx: IntakeContext,
    records: Records,
  ): Promise<{ tables: LoadedTable[]; notes: string[] }>;
}

/** The value at a path of keys, or undefined. */
export function at(value: unknown, ...keys: string[]): unknown {
  let here = value;
  for (const key of keys) {
    if (!isObject(here)) return undefined;
    here = here[key];
  }
  return here;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * A DuckDB structure for `json_transform`: values that do not fit become NULL, never an error.
 * Numbers of tokens are BIGINT, also where the format writes them as text.
 */
export function structure(of: object): string {
  return `'${JSON.stringify(of).replaceAll("'", "''")}'`;
}
