/** Unpacks compressed text into the private directory, as far as it goes when the file was cut off. */

import { closeSync, createReadStream, openSync, readSync, statSync, truncateSync, writeSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { messageOf } from "../contract/errors.ts";
import type { Store } from "../store/index.ts";

export interface PlainFile {
  /** Where the text is: the file itself, its unpacked copy, or (zstd) still the file, which DuckDB unpacks. */
  path: string;
  /** DuckDB's `compression` parameter for `path`. */
  compression: "none" | "zstd";
  /** Why the text ends early, in one line, or null. */
  cut: string | null;
}

/** The first bytes of a file. */
export function headOf(path: string, bytes: number): Buffer {
  return chunkOf(path, 0, bytes);
}

function chunkOf(path: string, position: number, bytes: number): Buffer {
  const fd = openSync(path, "r");
  try {
    const chunk = Buffer.alloc(bytes);
    return chunk.subarray(0, readSync(fd, chunk, 0, bytes, position));
  } finally {
    closeSync(fd);
  }
}

/** The file as plain text. What a damaged or cut off gzip file still gives is kept, and told in `cut`. */
export async function plainFile(store: Store, path: string, signal: AbortSignal): Promise<PlainFile> {
  const magic = headOf(path, 4);
  if (magic.length === 4 && magic.readUInt32LE(0) === 0xfd2fb528)
    return { path, compression: "zstd", cut: null };
  if (magic[0] !== 0x1f || magic[1] !== 0x8b) return { path, compression: "none", cut: null };
  unpacked += 1;
  const target = join(store.tempDir, `unpacked-${unpacked}`);
  const out = openSync(target, "wx", 0o600);
  try {
    await pipeline(
      createReadStream(path, { highWaterMark: 1 << 20 }),
      createGunzip({ chunkSize: 1 << 20 }),
      async (chunks: AsyncIterable<Buffer>) => {
        for await (const chunk of chunks) writeSync(out, chunk);
      },
      { signal },
    );
    return { path: target, compression: "none", cut: null };
  } catch (error) {
    if (signal.aborted || !/^(Z_|ERR_)/.test((error as { code?: string }).code ?? "")) throw error;
    dropPartialLine(target);
    return { path: target, compression: "none", cut: `its gzip data ends early (${messageOf(error)})` };
  } finally {
    closeSync(out);
  }
}

/** A line without its end may be half a value: it goes. */
function dropPartialLine(path: string): void {
  const step = 1 << 20;
  for (let end = statSync(path).size; end > 0; end -= step) {
    const start = Math.max(0, end - step);
    const newline = chunkOf(path, start, end - start).lastIndexOf(0x0a);
    if (newline < 0) continue;
    truncateSync(path, start + newline + 1);
    return;
  }
  truncateSync(path, 0);
}

/** Copies made so far: each gets its own name. */
let unpacked = 0;
