/** From what the user named to sources: kinds sniffed, parts that belong together joined, names made unique. */

import { readdirSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join, sep } from "node:path";
import { messageOf, UserError } from "../contract/errors.ts";
import { type Input, RESERVED_NAMES } from "../contract/evidence.ts";
import type { InputSpec, Settings } from "../contract/settings.ts";
import type { Source } from "./context.ts";
import { type Found, find, isOpencode, shownPath } from "./found.ts";
import { folderOf, patternOf } from "./reach.ts";
import { byAge, rotatedName } from "./rotation.ts";
import { placeTrees } from "./trees.ts";

/** `app.log` → `app_log`; what an SQL name and a reader can live with. */
export function schemaNameOf(path: string): string {
  const stem = basename(path)
    .replace(/\.(?:gz|zstd?)$/i, "")
    .replace(/\.(?:db3?|sqlite3?|duckdb|ddb|parquet|csv|tsv|jsonl?|ndjson|sql|dump)$/i, "");
  const name = stem
    .replace(/[^\p{L}\p{N}]+/gu, "_")
    .replace(/^_+|_+$/g, "")
    .toLowerCase();
  return name === "" ? "input" : /^\d/.test(name) ? `_${name}` : name;
}

/**
 * A source for each input that can be read, and an Input for each that cannot (with an error) or is empty (with a
 * note). Standard input is copied into `tempDir`. Without inputs, the current directory is looked through.
 */
export async function resolveInputs(
  settings: Settings,
  tempDir: string,
  signal: AbortSignal,
): Promise<{ sources: Source[]; failed: Input[] }> {
  const nothingNamed = settings.inputs.length === 0;
  const specs: InputSpec[] = nothingNamed ? [{ name: null, path: ".", timezone: null }] : settings.inputs;
  const found: Found[] = [];
  const sources: Source[] = [];
  const failed: Input[] = [];
  const taken = new Set<string>();
  for (const [order, spec] of specs.entries()) {
    try {
      found.push(...(await find(spec, order, { cwd: settings.cwd, tempDir, signal })));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      if (isPartOfNamed(spec, specs)) continue;
      failed.push({ ...failedInput(spec, taken), error: error.message });
    }
  }
  if (nothingNamed) found[0]?.notes.unshift("no input was named: this is what the current directory holds");
  const full = found.filter((one) => one.bytes > 0 || !isPlainFile(one));
  for (const group of grouped(withoutRepeats(full), settings.cwd)) {
    const first = group[0] as Found;
    const { spec } = first;
    sources.push({
      name: uniqueName(spec.name ?? nameOf(group), taken),
      kind: first.kind,
      path: shownOf(group, settings.cwd),
      ...(group.length > 1 && { pattern: reachOf(group, settings.cwd) }),
      files: group.map((one) => one.file),
      bytes: group.reduce((sum, one) => sum + one.bytes, 0),
      timezone: spec.timezone ?? settings.timezone,
      notes: [...group.flatMap((one) => one.notes), ...unreadParts(group, found)],
    });
  }
  placeTrees(sources);
  for (const { spec, shown } of found.filter((one) => one.bytes === 0 && isPlainFile(one))) {
    const input = { ...failedInput(spec, taken), path: shown };
    failed.push(
      sources.length > 0
        ? { ...input, notes: ["the file is empty"] }
        : { ...input, error: `${shown}: the file is empty` },
    );
  }
  return { sources, failed };
}

function failedInput(spec: InputSpec, taken: Set<string>): Input {
  const path = spec.path.split(sep).join("/");
  const name = uniqueName(spec.name ?? (spec.path === "-" ? "stdin" : schemaNameOf(spec.path)), taken);
  return { name, kind: "log", path, bytes: 0, rows: 0, rejected: 0, tables: [], notes: [] };
}

function isPlainFile({ kind, file }: Found): boolean {
  return kind !== "postgres" && statSync(file).isFile();
}

/** `usage.db-wal` beside a named `usage.db`, as the shell's `usage.db*` gives them. */
function isPartOfNamed(spec: InputSpec, specs: readonly InputSpec[]): boolean {
  const database = spec.path.replace(/-(?:wal|shm|journal)$/, "");
  return database !== spec.path && specs.some((other) => other.path === database);
}

/** A file that is reached twice is read once, under the name it was given. */
function withoutRepeats(found: readonly Found[]): Found[] {
  const byPath = new Map<string, Found>();
  for (const one of found) {
    const whole = one.kind === "code" || one.kind === "git" ? one.kind : "file";
    const key = one.kind === "postgres" ? one.file : `${whole}:${realpathSync(one.file)}`;
    const before = byPath.get(key);
    if (!before) byPath.set(key, one);
    else if (before.spec.name === null && one.spec.name !== null)
      byPath.set(key, { ...one, order: before.order });
  }
  return [...byPath.values()];
}

/** Files that are one input, in the order to be read; groups in the order of their first file. */
function grouped(found: readonly Found[], cwd: string): Found[][] {
  const groups = new Map<string, Found[]>();
  for (const one of found) {
    const key = groupKey(one, cwd);
    const group = groups.get(key);
    if (group) group.push(one);
    else groups.set(key, [one]);
  }
  for (const group of groups.values())
    if (group[0]?.kind === "log") group.sort((a, b) => byAge(basename(a.file), basename(b.file)));
  return [...groups.values()];
}

/** Equal for files that are one input: a rotated set; files of one shape that a directory or a glob gave. */
function groupKey(one: Found, cwd: string): string {
  const under = one.spec.name === null ? "" : `${one.order}`;
  const folder = dirname(one.file);
  if (one.kind === "log") return [under, "log", folder, rotatedName(basename(one.file)).base].join("\0");
  const many = one.by !== "name" && (one.kind === "csv" || one.kind === "parquet" || one.kind === "json");
  if (!many) return [under, one.kind === "git" ? "git" : "", one.file].join("\0");
  const start = [one.order, one.kind];
  if (one.kind === "csv") return [...start, one.header].join("\0");
  if (one.by === "glob") return start.join("\0");
  if (isOpencode(one.file)) return [...start, "opencode"].join("\0");
  return [...start, pathShape(shownPath(one.file, cwd))].join("\0");
}

/** `data/2025-01-01/part-0.parquet` → `data/#/part-#.parquet`: words with a digit differ from file to file. */
function pathShape(path: string): string {
  return path.replace(/[\p{L}\p{N}]*\d[\p{L}\p{N}]*(?:[-_.]+[\p{L}\p{N}]*\d[\p{L}\p{N}]*)*/gu, "#");
}

function nameOf(group: readonly Found[]): string {
  const { file, kind, by, spec } = group[0] as Found;
  if (kind === "postgres") return databaseName(file);
  if (kind === "git") return "git";
  if (spec.path === "-") return "stdin";
  if (group.length === 1 && by !== "glob") return schemaNameOf(file);
  if (kind === "log") return schemaNameOf(group.length > 1 ? rotatedName(basename(file)).base : file);
  if (group.length === 1) return schemaNameOf(file);
  // A storage directory is named itself, not after the ids of its files.
  if (isOpencode(file)) return schemaNameOf(file.split(/[\\/](?:session|message|part)[\\/]/)[0] ?? file);
  const stem = pathShape(basename(file))
    .replace(/\.[^.]*$/, "")
    .replace(/#/g, "");
  const words = stem.replace(/[^\p{L}]+/gu, "");
  return schemaNameOf(words.length > 2 ? stem : dirname(file));
}

/** The database of a server's URL. */
function databaseName(url: string): string {
  const path = /^[a-z]+:\/\/[^/?#]*\/([^?#]+)/i.exec(url)?.[1];
  return path ? schemaNameOf(path) : "postgres";
}

function shownOf(group: readonly Found[], cwd: string): string {
  const { file, shown, kind, spec } = group[0] as Found;
  if (group.length === 1) return shown;
  if (kind === "log") return shownPath(join(dirname(file), rotatedName(basename(file)).base), cwd);
  return spec.path.split(sep).join("/");
}

/** How a configuration names all files of a group. */
function reachOf(group: readonly Found[], cwd: string): string {
  const files = group.map((one) => one.file);
  const { kind, file } = group[0] as Found;
  if (isOpencode(file)) return folderOf(files, cwd);
  const stem = kind === "log" ? rotatedName(basename(file)).base : null;
  return patternOf(files, stem, cwd) ?? folderOf(files, cwd);
}

/** A log that was named alone leaves its rotated parts unread: said, not done. */
function unreadParts(group: readonly Found[], found: readonly Found[]): string[] {
  const { kind, by, file, spec } = group[0] as Found;
  if (kind !== "log" || by !== "name" || spec.path === "-") return [];
  const read = new Set(found.map((one) => one.file));
  const { base } = rotatedName(basename(file));
  const folder = dirname(file);
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    return [`${messageOf(error)}`];
  }
  const unread = names.filter((name) => rotatedName(name).base === base && !read.has(join(folder, name)));
  if (unread.length === 0) return [];
  const shown = unread.sort(byAge).slice(0, 5).join(", ");
  return [
    `rotated parts beside it were not read: ${shown}${unread.length > 5 ? " …" : ""}; name ${base}* to read them`,
  ];
}

function uniqueName(wanted: string, taken: Set<string>): string {
  let name = wanted;
  for (let n = 2; taken.has(name.toLowerCase()) || RESERVED_NAMES.has(name.toLowerCase()); n++)
    name = `${wanted}_${n}`;
  taken.add(name.toLowerCase());
  return name;
}
