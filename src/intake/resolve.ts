/** From what the user named to sources: files found, kinds sniffed, names made unique. */

import { existsSync, statSync } from "node:fs";
import { basename, relative, resolve, sep } from "node:path";
import { UserError } from "../contract/errors.ts";
import type { Input } from "../contract/evidence.ts";
import type { InputSpec, Settings } from "../contract/settings.ts";
import type { Source } from "./context.ts";
import { headOf, sniff } from "./sniff.ts";

const RESERVED = new Set(["main", "trueup", "temp", "system", "pg_catalog", "information_schema"]);

/** `app.log` → `app_log`; what an SQL name and a reader can live with. */
export function schemaNameOf(path: string): string {
  const stem = basename(path).replace(
    /\.(db|sqlite3?|duckdb|ddb|parquet|csv|tsv|jsonl?|ndjson|sql|dump)$/i,
    "",
  );
  const name = stem
    .replace(/[^\p{L}\p{N}]+/gu, "_")
    .replace(/^_+|_+$/g, "")
    .toLowerCase();
  return name === "" ? "input" : /^\d/.test(name) ? `_${name}` : name;
}

/** A source for each input that can be read, and an Input with an error for each that cannot. */
export function resolveInputs(settings: Settings): { sources: Source[]; failed: Input[] } {
  const taken = new Set<string>();
  const sources: Source[] = [];
  const failed: Input[] = [];
  for (const spec of settings.inputs) {
    const file = resolve(settings.cwd, spec.path);
    const shown = relative(settings.cwd, file).split(sep).join("/") || ".";
    const name = uniqueName(spec.name ?? schemaNameOf(spec.path), taken);
    try {
      sources.push(sourceOf(spec, name, file, shown, settings));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      failed.push({
        name,
        kind: "log",
        path: shown,
        bytes: 0,
        rows: 0,
        rejected: 0,
        tables: [],
        notes: [],
        error: error.message,
      });
    }
  }
  return { sources, failed };
}

function sourceOf(spec: InputSpec, name: string, file: string, shown: string, settings: Settings): Source {
  if (!existsSync(file)) throw new UserError(`${shown}: no such file or directory`);
  const isFolder = statSync(file).isDirectory();
  const kind = isFolder ? "code" : sniff(file, headOf(file));
  if (kind === null)
    throw new UserError(`${shown}: not a log, a database or any other input that trueup reads`);
  return {
    name,
    kind,
    path: shown,
    files: [file],
    bytes: isFolder ? 0 : statSync(file).size,
    timezone: spec.timezone ?? settings.timezone,
    notes: [],
  };
}

function uniqueName(wanted: string, taken: Set<string>): string {
  let name = wanted;
  for (let n = 2; taken.has(name.toLowerCase()) || RESERVED.has(name.toLowerCase()); n++)
    name = `${wanted}_${n}`;
  taken.add(name.toLowerCase());
  return name;
}
