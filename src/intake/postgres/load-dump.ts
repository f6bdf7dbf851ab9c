/** Reads a plain dump (pg_dump, pg_dumpall) as a stream: its tables' rows, without a server. */

import { createReadStream, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { Interrupted, UserError } from "../../contract/errors.ts";
import type { Input } from "../../contract/evidence.ts";
import type { LoadedInput } from "../../contract/loaded.ts";
import type { IntakeContext, Source } from "../context.ts";
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
  const folder = join(ctx.store.tempDir, `dump-${source.name}`);
  mkdirSync(folder, { recursive: true });
  try {
    const { tables, cutStatement } = await scanDump(() => open(file), folder, source, ctx);
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
        reason: `an INSERT at byte ${u.offset} that is no list of values`,
        text: u.text,
      })),
    );
    if (tables.cut)
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
  openStream: () => Readable,
  folder: string,
  source: Source,
  ctx: IntakeContext,
): Promise<{ tables: DumpTables; cutStatement: number | null }> {
  let encoding: Encoding | null = null;
  for (;;) {
    const tables = new DumpTables(folder, encoding !== null);
    const stream = openStream();
    try {
      const scanner = new DumpScanner(tables);
      const transcoder = encoding ? new Transcoder(encoding) : null;
      let bytes = 0;
      for await (const chunk of stream as AsyncIterable<Buffer>) {
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
      return { tables, cutStatement };
    } catch (error) {
      if (!(error instanceof NeedsDecoding)) throw error;
      encoding = error.encoding;
    } finally {
      tables.close();
      stream.destroy();
    }
  }
}

function open(file: string): Readable {
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
