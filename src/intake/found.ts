/** What one argument of the command line leads to: files with their kinds, or the reason why there is nothing. */

import {
  accessSync,
  createReadStream,
  createWriteStream,
  existsSync,
  constants as fsConstants,
  statSync,
} from "node:fs";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { pipeline } from "node:stream/promises";
import { isatty } from "node:tty";
import { Interrupted, messageOf, UserError } from "../contract/errors.ts";
import type { InputKind } from "../contract/evidence.ts";
import type { InputSpec } from "../contract/settings.ts";
import { shownUrl } from "./postgres/url.ts";
import { isDocument, isSchema, isSettings, programFiles } from "./program-files.ts";
import { headOf, type Sniffed, sniff } from "./sniff.ts";
import { isGlob, type Walk, walkDirectory, walkGlob } from "./walk.ts";

/** One file, directory or URL that is an input or a part of one. */
export interface Found {
  /** Place of the argument on the command line. */
  order: number;
  spec: InputSpec;
  kind: InputKind;
  /** Absolute, or a URL. */
  file: string;
  /** As shown to people. */
  shown: string;
  bytes: number;
  /** Named by itself, or met in a directory or by a glob. */
  by: "name" | "directory" | "glob";
  /** The first line of a delimited file. */
  header: string;
  notes: string[];
  error?: string;
}

export interface FindOptions {
  cwd: string;
  /** Where streams are copied to. */
  tempDir: string;
  signal: AbortSignal;
}

/** Files beside a SQLite database that are parts of it. */
const COMPANION = /-(?:wal|shm|journal)$/;
const LIVE = /^postgres(?:ql)?:\/\//i;
/** JSON that configures tools. */
const CONFIGURATION =
  /^(?:package(?:-lock)?|npm-shrinkwrap|composer|manifest|deno|biome|renovate|vercel|components|openapi|swagger|settings|launch|tasks|nest-cli|angular|lerna|nx|turbo|[jt]sconfig.*|.*\.config|.*[.-]?schema|\..*)\.jsonc?$/i;

/** Everything an argument leads to. @throws UserError when that is nothing. */
export async function find(spec: InputSpec, order: number, options: FindOptions): Promise<Found[]> {
  if (LIVE.test(spec.path)) return [liveDatabase(spec, order)];
  if (spec.path === "-") {
    if (isatty(0))
      throw new UserError("-: standard input is a terminal; pipe a log or a database into trueup");
    return [await copied(spec, order, "-", createReadStream("", { fd: 0, autoClose: false }), options)];
  }
  const file = resolve(options.cwd, spec.path);
  const shown = shownPath(file, options.cwd);
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat === undefined) {
    if (!isGlob(spec.path)) throw new UserError(`${shown}: no such file or directory`);
    return several(spec, order, walkGlob(spec.path, options.cwd), "glob", options);
  }
  if (stat.isDirectory()) return directory(spec, order, file, options);
  if (stat.isFIFO()) return [await copied(spec, order, shown, createReadStream(file), options)];
  if (!stat.isFile()) throw new UserError(`${shown}: a socket or a device, not a file`);
  if (isRepository(file)) return [{ ...history(spec, order, file, shown), by: "name" }];
  return [namedFile(spec, order, file, shown)];
}

/** Relative to the working directory, with `/`. */
export function shownPath(file: string, cwd: string): string {
  return relative(cwd, file).split(sep).join("/") || ".";
}

/** A server's URL; people see it without its password. */
function liveDatabase(spec: InputSpec, order: number): Found {
  return {
    order,
    spec,
    kind: "postgres",
    file: spec.path,
    shown: shownUrl(spec.path),
    bytes: 0,
    by: "name",
    header: "",
    notes: [],
  };
}

function namedFile(spec: InputSpec, order: number, file: string, shown: string): Found {
  const database = file.replace(COMPANION, "");
  if (COMPANION.test(file) && existsSync(database))
    throw new UserError(`${shown}: is a part of ${basename(database)} and read with it; name that`);
  const { kind, reason, compression, inner } = look(file, shown);
  if (kind === null) throw new UserError(`${shown}: ${reason}`);
  if (compression !== null && !isReadPacked(kind))
    throw new UserError(
      `${shown}: a ${kind} file compressed with ${compression}: unpack it first (${compression} -d)`,
    );
  return foundFile(spec, order, file, shown, kind, inner, "name");
}

/** Texts are read as they are packed; a database in a file needs every byte at its place. */
function isReadPacked(kind: InputKind): boolean {
  return ["log", "csv", "json", "sql-dump"].includes(kind);
}

function foundFile(
  spec: InputSpec,
  order: number,
  file: string,
  shown: string,
  kind: InputKind,
  inner: Buffer,
  by: Found["by"],
): Found {
  const header = kind === "csv" ? (inner.toString("latin1").split(/\r?\n/, 1)[0] ?? "") : "";
  return { order, spec, kind, file, shown, bytes: statSync(file).size, by, header, notes: [] };
}

function look(file: string, shown: string): Sniffed {
  try {
    accessSync(file, fsConstants.R_OK);
    return sniff(file, headOf(file));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UserError(
      `${shown}: cannot be read (${code === "EACCES" ? "permission denied" : messageOf(error)})`,
    );
  }
}

/** Copies a stream into the private directory, so that it can be read more than once. */
async function copied(
  spec: InputSpec,
  order: number,
  shown: string,
  stream: NodeJS.ReadableStream,
  { tempDir, signal }: FindOptions,
): Promise<Found> {
  const file = join(tempDir, `stream-${order}`);
  try {
    await pipeline(stream, createWriteStream(file, { mode: 0o600 }), { signal });
  } catch (error) {
    if (signal.aborted) throw new Interrupted();
    if ((error as NodeJS.ErrnoException).code === "ENOSPC")
      throw new UserError(
        `${shown}: no room for it in the temporary directory; name a larger one with --temp-dir`,
      );
    throw new UserError(`${shown}: cannot be read (${messageOf(error)})`);
  }
  return { ...namedFile(spec, order, file, shown), file };
}

/** A directory: an archive of pg_dump, or what lies below it. */
function directory(spec: InputSpec, order: number, root: string, options: FindOptions): Found[] {
  const shown = shownPath(root, options.cwd);
  if (existsSync(join(root, "toc.dat")))
    return [{ ...blank(spec, order, root, shown), kind: "postgres-archive", by: "name" }];
  if (isRepository(root)) return [{ ...history(spec, order, root, shown), by: "name" }];
  const work = isRepository(join(root, ".git"));
  try {
    const found = several(spec, order, walkDirectory(root), "directory", options);
    return work ? [...found, history(spec, order, root, shown)] : found;
  } catch (error) {
    if (!work || !(error instanceof UserError)) throw error;
    return [history(spec, order, root, shown)];
  }
}

/** A `.git` directory, a bare repository, or the `.git` file of a linked work tree. */
function isRepository(folder: string): boolean {
  if (statSync(folder, { throwIfNoEntry: false })?.isFile())
    return basename(folder) === ".git" && headOf(folder, 8).toString("latin1") === "gitdir: ";
  return ["HEAD", "objects", "refs"].every((name) => existsSync(join(folder, name)));
}

/** The history of a repository, read where its work tree is. */
function history(spec: InputSpec, order: number, folder: string, shown: string): Found {
  const named = basename(folder) === ".git";
  const file = named ? dirname(folder) : folder;
  return {
    ...blank(
      spec,
      order,
      file,
      named || isRepository(folder) ? shown : shown === "." ? ".git" : `${shown}/.git`,
    ),
    kind: "git",
  };
}

function blank(spec: InputSpec, order: number, file: string, shown: string): Found {
  return { order, spec, kind: "code", file, shown, bytes: 0, by: "directory", header: "", notes: [] };
}

/** The inputs among many files. Source code becomes one input: the directory. */
function several(
  spec: InputSpec,
  order: number,
  { files, notes }: Walk,
  by: "directory" | "glob",
  options: FindOptions,
): Found[] {
  const found: Found[] = [];
  let others = 0;
  let empty = 0;
  let code = 0;
  for (const file of files) {
    const shown = shownPath(file, options.cwd);
    if (COMPANION.test(file) && existsSync(file.replace(COMPANION, ""))) continue;
    if (statSync(file, { throwIfNoEntry: false })?.size === 0) {
      empty++;
      continue;
    }
    let seen: Sniffed;
    try {
      seen = look(file, shown);
    } catch (error) {
      notes.push(messageOf(error));
      continue;
    }
    const { kind } = seen;
    if (kind === "code") code++;
    if (kind === null || !isWanted(seen, file, by)) others++;
    else if (kind !== "code" || by === "glob")
      found.push(foundFile(spec, order, file, shown, kind, seen.inner, by));
  }
  const root = resolve(options.cwd, spec.path);
  if (code > 0 && by === "directory") {
    found.splice(
      0,
      found.length,
      ...found.filter(({ kind, file }) => kind !== "sql-dump" || !isSchema(file)),
    );
    const left = withoutProgramFiles(found, root, code);
    if (left !== null) notes.push(left);
    found.push(blank(spec, order, root, shownPath(root, options.cwd)));
  }
  if (found.length === 0) {
    const why = notes.length > 0 ? ` (${notes.join("; ")})` : "";
    if (by === "glob") throw new UserError(`${spec.path}: no file matches that trueup reads${why}`);
    throw new UserError(
      `${shownPath(root, options.cwd)}: no log, database, dump or source code in this directory${why}`,
    );
  }
  if (empty > 0) notes.push(`${empty} empty ${empty === 1 ? "file was" : "files were"} left out`);
  if (others > code && by === "glob") notes.push(`${others} matching files are no input`);
  (found[0] as Found).notes.push(...notes);
  return found;
}

/** Takes the files that belong to a program out of `found`; the note that tells so, or null. */
function withoutProgramFiles(found: Found[], root: string, sources: number): string | null {
  const met = found.map(({ file, kind }) => ({
    inside: shownPath(file, root),
    isDocument: kind === "json" && /\.jsonc?$/i.test(file) && !isOpencode(file),
  }));
  const { isProgram, note } = programFiles(met, sources);
  found.splice(0, found.length, ...found.filter((_, i) => !isProgram[i]));
  return note;
}

/** In a directory only what is surely meant is taken; a glob has named its files. */
function isWanted({ kind, certain, inner, compression }: Sniffed, file: string, by: Found["by"]): boolean {
  if (compression !== null && (kind === null || !isReadPacked(kind))) return false;
  if (by === "glob") return true;
  if (isSettings(file) || ((kind === "log" || kind === "csv") && isDocument(file))) return false;
  // One line of JSON lines looks like a document; its name says what it is.
  if (certain || (kind === "json" && /\.(?:jsonl|ndjson)$/i.test(file))) return true;
  if (kind === "json")
    return (
      !CONFIGURATION.test(basename(file)) && (/\[\s*\{/.test(inner.toString("latin1")) || isOpencode(file))
    );
  return kind === "csv";
}

/** opencode keeps one JSON file per session, message and part. */
export function isOpencode(file: string): boolean {
  return /\/storage\/(?:session|message|part)\/(?:[^/]+\/)*[^/]+\.json$/.test(file.split(sep).join("/"));
}
