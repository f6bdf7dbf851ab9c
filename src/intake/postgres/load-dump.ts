/** Reads a plain dump (pg_dump, pg_dumpall) as a stream: its tables' rows, without a server. */

import { createReadStream, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createGunzip } from "node:zlib";
import { Interrupted, UserError } from "../../contract/errors.ts";
import type { Input } from "../../contract/evidence.ts";
import type { LoadedInput } from "../../contract/loaded.ts";
import type { IntakeContext, Source } from "../context.ts";
import { ArchiveCutOff, openArchive } from "./archive.ts";
import { DumpTables, NeedsDecoding } from "./dump-tables.ts";
import { type Encoding, Transcoder } from "./encoding.ts";
import { loadTables } from "./load-tables.ts";
import { DumpScanner } from "./scan.ts";

/** Bytes read at a time. */
const CHUNK_BYTES = 4 * 1024 * 1024;

/**
 * Loads the tables of a plain dump. A dump that was cut off gives its complete rows and an error that says where.
 * @throws UserError when it is UTF-16 or holds no table.
 */
export async function loadDump(source: Source, ctx: IntakeContext): Promise<LoadedInput> {
  const file = source.files[0] as string;
  return loadText(() => plainText(file), source, ctx);
}

/**
 * Loads the tables of an archive (custom, directory, tar); pg_restore is not needed.
 * @throws UserError for a version or compression that is not read.
 */
export async function loadArchive(source: Source, ctx: IntakeContext): Promise<LoadedInput> {
  const archive = await openArchive(source.files[0] as string, source.path);
  const { toc } = archive;
  const about = `${toc.format} archive ${toc.archiveVersion} of ${toc.database} by pg_dump ${toc.dumpVersion} from server ${toc.serverVersion}`;
  return loadText(archive.text, { ...source, notes: [...source.notes, about] }, ctx);
}

async function loadText(
  openText: () => AsyncIterable<Buffer>,
  source: Source,
  ctx: IntakeContext,
): Promise<LoadedInput> {
  const folder = join(ctx.store.tempDir, `dump-${source.name}`);
  mkdirSync(folder, { recursive: true });
  try {
    const { tables, cutStatement, cutArchive } = await scanDump(openText, folder, source, ctx);
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
    if (tables.tables.size === 0)
      throw new UserError(
        `${source.path}: no table in this dump; was it made with --globals-only or --roles-only?`,
      );
    if (tables.replaced > 0)
      input.notes.push(`${tables.replaced} bytes were no valid text and became U+FFFD`);
    if (tables.unknownEncoding)
      input.notes.push(`the encoding ${tables.unknownEncoding} is not known; read as UTF-8`);
    await ctx.reject(
      source.name,
      tables.unread.map((u) => ({
        file: source.path,
        line: null,
        reason: `${u.reason}, at byte ${u.offset}`,
        text: u.text,
      })),
    );
    if (cutArchive !== null)
      input.error = `${source.path}: ${cutArchive}; the complete rows before it were read`;
    else if (tables.cut)
      input.error = `${source.path}: cut off at byte ${tables.cut.offset}, inside the rows of ${tables.cut.table}; the complete rows before it were read`;
    else if (cutStatement !== null)
      input.error = `${source.path}: cut off inside the statement at byte ${cutStatement}; everything before it was read`;
    return await loadTables(tables, input, source, ctx);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Scans the whole dump; starts over when its encoding has to be decoded before it can be cut. */
async function scanDump(
  openText: () => AsyncIterable<Buffer>,
  folder: string,
  source: Source,
  ctx: IntakeContext,
): Promise<{ tables: DumpTables; cutStatement: number | null; cutArchive: string | null }> {
  let encoding: Encoding | null = null;
  for (;;) {
    const tables = new DumpTables(folder, encoding !== null);
    const scanner = new DumpScanner(tables);
    try {
      const transcoder = encoding ? new Transcoder(encoding) : null;
      let bytes = 0;
      for await (const chunk of openText()) {
        if (ctx.hooks.signal.aborted) throw new Interrupted();
        if (bytes === 0 && isUtf16(chunk))
          throw new UserError(
            `${source.path}: UTF-16, as a Windows shell writes it; make the dump with pg_dump --file, or convert it: iconv -f UTF-16 -t UTF-8`,
          );
        bytes += chunk.length;
        scanner.push(transcoder ? transcoder.convert(chunk, false) : chunk);
        ctx.hooks.progress({ stage: "load", subject: source.name, bytes, bytesTotal: source.bytes });
      }
      const cutStatement = scanner.end();
      return { tables, cutStatement, cutArchive: null };
    } catch (error) {
      if (error instanceof ArchiveCutOff) {
        scanner.end();
        const where = tables.cut ? `cut off inside the rows of ${tables.cut.table}` : "cut off";
        return { tables, cutStatement: null, cutArchive: where };
      }
      if (!(error instanceof NeedsDecoding)) throw error;
      encoding = error.encoding;
    } finally {
      tables.close();
    }
  }
}

function plainText(file: string): AsyncIterable<Buffer> {
  const stream = createReadStream(file, { highWaterMark: CHUNK_BYTES });
  return /\.gz$/i.test(file) ? stream.pipe(createGunzip({ chunkSize: CHUNK_BYTES })) : stream;
}

function isUtf16(head: Buffer): boolean {
  if (head.length < 4) return false;
  const bom = head.readUInt16BE(0);
  return (
    bom === 0xfffe || bom === 0xfeff || (head[1] === 0 && head[3] === 0) || (head[0] === 0 && head[2] === 0)
  );
}
