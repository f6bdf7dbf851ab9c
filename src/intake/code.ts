/** Reads a source tree: its facts are collected by the lineage, which the composition root hands in. */

import { UserError } from "../contract/errors.ts";
import type { LoadedInput } from "../contract/loaded.ts";
import { plural } from "../contract/wording.ts";
import type { CodeSummary, IntakeContext, Source } from "./context.ts";
import { folderOfFacts } from "./trees.ts";

/** Files named in one note; the rest is counted. */
const NAMED_MAX = 5;

/** Writes the facts of a directory or a file of source code; it gives no tables. */
export async function loadCode(source: Source, ctx: IntakeContext): Promise<LoadedInput> {
  const root = source.files[0];
  if (!ctx.readCode || root === undefined)
    throw new UserError(`${source.path}: source code cannot be read here`);
  const { bytes, lines, ...summary } = await ctx.readCode(root, folderOfFacts(source));
  const { name, kind, path } = source;
  const place = source.root === undefined ? {} : { root: source.root };
  const notes = [...source.notes, ...notesOf(summary)];
  return {
    input: { name, kind, path, ...place, bytes, rows: lines, rejected: 0, tables: [], notes },
    tables: [],
    log: null,
  };
}

function notesOf(summary: Omit<CodeSummary, "bytes" | "lines">): string[] {
  const notes = [
    summary.files === 0
      ? "no source code that trueup reads: JavaScript, TypeScript, Python, Go, .sql, schema.prisma"
      : `${plural(summary.files, "source file")}, ${plural(summary.functions, "function")}, ${plural(summary.accesses, "table access", "table accesses")}`,
  ];
  for (const [reason, files] of grouped(summary.skipped))
    notes.push(`left out (${reason}): ${listed(files)}`);
  for (const [reason, files] of grouped(summary.notes)) notes.push(`${reason}: ${listed(files)}`);
  return notes;
}

function grouped(items: readonly { file: string; reason: string }[]): [string, string[]][] {
  const groups = new Map<string, string[]>();
  for (const { file, reason } of items) {
    const known = groups.get(reason);
    if (known) known.push(file);
    else groups.set(reason, [file]);
  }
  return [...groups];
}

function listed(files: readonly string[]): string {
  const rest = files.length - NAMED_MAX;
  return files.slice(0, NAMED_MAX).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}
