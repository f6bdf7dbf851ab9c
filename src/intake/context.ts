/** What every loader is given, and the shape of a loader. */

import { basename } from "node:path";
import { messageOf } from "../contract/errors.ts";
import type { InputKind } from "../contract/evidence.ts";
import type { LoadedInput, TableProfile } from "../contract/loaded.ts";
import type { Hooks, Settings } from "../contract/settings.ts";
import type { Store } from "../store/index.ts";

/** One input after it was resolved and sniffed, before it is read. */
export interface Source {
  /** Unique; the DuckDB schema of its tables. */
  name: string;
  kind: InputKind;
  /** As shown to people: relative, with `/`; of a rotated set, its base. */
  path: string;
  /** Of several files: a pattern that leads to them, or the folder that holds them. */
  pattern?: string;
  /** Absolute paths, in the order to be read: one, or the parts of a rotated set. */
  files: string[];
  /** Of source code, when several trees are read: where it stands below the folder that holds them all. */
  root?: string;
  /** Bytes on disk, all parts. */
  bytes: number;
  /** IANA zone of its local times. */
  timezone: string;
  /** What resolving it already has to tell. */
  notes: string[];
}

/** A file of an input, as shown to people. */
export function shownFile(source: Source, file: string): string {
  return source.files.length > 1 ? `${source.path} (${basename(file)})` : source.path;
}

/** What went wrong with a file, in one line that does not carry the path of this machine. */
export function faultOf(error: unknown, file: string): string {
  return messageOf(error).replaceAll(file, basename(file));
}

export interface Reject {
  /** As shown to people. */
  file: string;
  /** 1-based; null where lines mean nothing. */
  line: number | null;
  reason: string;
  /** The row's text, cut to 200 characters. */
  text: string;
}

/** What reading a source tree gave; the facts themselves are in schema `trueup`. */
export interface CodeSummary {
  files: number;
  bytes: number;
  lines: number;
  functions: number;
  accesses: number;
  skipped: { file: string; reason: string }[];
  notes: { file: string; reason: string }[];
}

export interface IntakeContext {
  store: Store;
  settings: Settings;
  hooks: Hooks;
  /** The columns worth loading: roles, keys, times, dimensions, and what settings name. */
  needed(table: TableProfile): ReadonlySet<string>;
  /** The column that a table is in time by, from its columns alone, or null. */
  timeColumn?(table: TableProfile): string | null;
  /** Whether anything in a table is of use: a role, a key, a time, or a name in the settings. Without it, everything is. */
  matters?(table: TableProfile): boolean;
  /** Keeps rows that could not be read in `trueup.rejects` (the first 1,000 of an input; all are counted). */
  reject(input: string, rejects: readonly Reject[]): Promise<void>;
  /** Collects the code facts of a source tree (an absolute path) into the store, its files told as below `folder`. */
  readCode?(root: string, folder: string): Promise<CodeSummary>;
}

/** Reads one kind of input. Throws UserError with one line when it cannot be read at all. */
export type Loader = (source: Source, ctx: IntakeContext) => Promise<LoadedInput>;
