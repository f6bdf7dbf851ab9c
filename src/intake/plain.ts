/** Unpacks compressed text into the private directory, as far as it goes when the file was cut off. */

import { closeSync, createReadStream, openSync, readSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { Interrupted } from "../contract/errors.ts";
import { literal, type Store } from "../store/index.ts";
import { bytesAt, dropPartialLine, Output } from "./bytes.ts";
import { compressionOf, DataEndsEarly, unpacked, ZSTD_FRAME, ZSTD_SKIPPABLE } from "./unpack.ts";

export interface PlainFile {
  /** The file itself, or its unpacked copy. */
  path: string;
  /** Why the text ends early, in one line, or null. */
  cut: string | null;
}

/** Bytes of the longest line of zstd text. */
const LINE_BYTES = 64 << 20;

/**
 * The file as plain text. Of a damaged or cut off gzip or zstd file the whole lines before the damage are kept.
 * @throws an error of DuckDB when zstd data is no text at all.
 */
export async function plainFile(store: Store, path: string, signal: AbortSignal): Promise<PlainFile> {
  const compression = compressionOf(bytesAt(path, 0, 4));
  if (compression === null) return { path, cut: null };
  copies += 1;
  const target = join(store.tempDir, `unpacked-${copies}`);
  const zstd = compression === "zstd";
  const cut = zstd ? await unpackZstd(store, path, target) : await unpackGzip(path, target, signal);
  if (cut !== null) {
    // A line without its end may be half a value. DuckDB gave every line an end: the last may be half.
    if (zstd) truncateSync(target, Math.max(0, statSync(target).size - 1));
    dropPartialLine(target);
  }
  return { path: target, cut };
}

async function unpackGzip(path: string, target: string, signal: AbortSignal): Promise<string | null> {
  const out = new Output(target);
  try {
    for await (const chunk of unpacked(createReadStream(path, { highWaterMark: 1 << 20 }), "gzip")) {
      if (signal.aborted) throw new Interrupted();
      out.write(chunk);
    }
    return null;
  } catch (error) {
    if (!(error instanceof DataEndsEarly)) throw error;
    return error.message;
  } finally {
    out.close();
  }
}

/** DuckDB unpacks zstd while it reads lines, which are written again as they are; it takes a cut for the end. */
async function unpackZstd(store: Store, path: string, target: string): Promise<string | null> {
  const never = literal("\u0001");
  await store.run(
    `COPY (SELECT line FROM read_csv(${literal(path)}, columns = {line: 'VARCHAR'}, auto_detect = false, header = false,
       delim = ${never}, quote = '', escape = '', comment = '', nullstr = ${literal("\u0002")}, compression = 'zstd',
       max_line_size = ${LINE_BYTES}, buffer_size = ${2 * LINE_BYTES}))
     TO ${literal(target)} (FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER ${never})`,
  );
  return zstdEndsEarly(path) ? "its zstd data ends early" : null;
}

/** Walks frames and blocks by their sizes, without unpacking them; true when the file ends inside one. */
function zstdEndsEarly(path: string): boolean {
  const size = statSync(path).size;
  const fd = openSync(path, "r");
  const head = Buffer.alloc(18);
  const at = (position: number, bytes: number) => readSync(fd, head, 0, bytes, position) === bytes;
  try {
    let position = 0;
    while (position < size) {
      if (!at(position, 8)) return true;
      const magic = head.readUInt32LE(0);
      if (magic !== ZSTD_FRAME) {
        // A skippable frame says its length; anything else is no zstd and not ours to judge.
        if ((magic & 0xfffffff0) !== ZSTD_SKIPPABLE) return false;
        position += 8 + head.readUInt32LE(4);
        continue;
      }
      const flags = head[4] as number;
      const single = (flags & 0x20) !== 0;
      const dictionary = [0, 1, 2, 4][flags & 3] as number;
      const contentSize = [single ? 1 : 0, 2, 4, 8][flags >> 6] as number;
      position += 5 + (single ? 0 : 1) + dictionary + contentSize;
      for (let last = false; !last; ) {
        if (!at(position, 3)) return true;
        const block = head.readUIntLE(0, 3);
        last = (block & 1) === 1;
        position += 3 + (((block >> 1) & 3) === 1 ? 1 : block >> 3);
      }
      if ((flags & 4) !== 0) position += 4;
    }
    return position > size;
  } finally {
    closeSync(fd);
  }
}

/** Copies made so far: each gets its own name. */
let copies = 0;
