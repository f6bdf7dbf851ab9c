/** Loads the tables of a dump of Postgres, plain or an archive, without a server. */

import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../contract/errors.ts";
import type { Input } from "../../contract/evidence.ts";
import type { LoadedInput } from "../../contract/loaded.ts";
import type { IntakeContext, Source } from "../context.ts";
import { type DumpPart, openArchive } from "./archive.ts";
import { largestOf, loadTables } from "./load-tables.ts";
import { plainParts, scanDump } from "./scan-dump.ts";

/** Faults that are named in a line. */
const NAMED_MAX = 5;

/**
 * Loads the tables of a plain dump, packed or not. A dump that was cut off gives its complete rows and an error that
 * says where.
 * @throws UserError when it is UTF-16 or holds no table.
 */
export async function loadDump(source: Source, ctx: IntakeContext): Promise<LoadedInput> {
  return loadParts(() => plainParts(source.files[0] as string), source, ctx);
}

/**
 * Loads the tables of an archive (custom, directory, tar); pg_restore is not needed.
 * @throws UserError for a version or compression that is not read.
 */
export async function loadArchive(source: Source, ctx: IntakeContext): Promise<LoadedInput> {
  const archive = await openArchive(source.files[0] as string, source.path);
  const { toc } = archive;
  const about = `${toc.format} archive ${toc.archiveVersion} of ${toc.database} by pg_dump ${toc.dumpVersion} from server ${toc.serverVersion}`;
  return loadParts(archive.parts, { ...source, notes: [...source.notes, about] }, ctx);
}

async function loadParts(
  openParts: () => AsyncGenerator<DumpPart>,
  source: Source,
  ctx: IntakeContext,
): Promise<LoadedInput> {
  const folder = join(ctx.store.tempDir, `dump-${source.name}`);
  mkdirSync(folder, { recursive: true });
  try {
    const { tables, faults, doubt } = await scanDump(openParts, folder, source, ctx);
    const input: Input = {
      name: source.name,
      kind: source.kind,
      path: source.path,
      bytes: source.bytes,
      rows: 0,
      rejected: tables.unreadCount,
      tables: [],
      notes: [...source.notes],
    };
    if (tables.tables.size === 0 && faults.length === 0)
      throw new UserError(
        `${source.path}: no table in this dump; was it made with --globals-only or --roles-only?`,
      );
    if (tables.replaced > 0)
      input.notes.push(`${tables.replaced} bytes were no valid text and became U+FFFD`);
    if (tables.unknownEncoding)
      input.notes.push(`the encoding ${tables.unknownEncoding} is not known; read as UTF-8`);
    if (doubt !== null) input.notes.push(doubt);
    if (tables.left.size > 0) input.notes.push(`not asked for and left out: ${largestOf([...tables.left])}`);
    await ctx.reject(
      source.name,
      tables.unread.map((u) => ({
        file: source.path,
        line: null,
        reason: `${u.reason}, at byte ${u.offset}`,
        text: u.text,
      })),
    );
    if (faults.length > 0) {
      const more = faults.length > NAMED_MAX ? `; and ${faults.length - NAMED_MAX} more` : "";
      input.error = `${source.path}: ${faults.slice(0, NAMED_MAX).join("; ")}${more}; all complete rows were read`;
    }
    const { types } = tables;
    return await loadTables(
      { tables: tables.tables, types, absence: "not in the dump's data" },
      input,
      source,
      ctx,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
