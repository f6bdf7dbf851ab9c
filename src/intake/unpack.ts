/** Unpacks gzip, zlib and zstd data as a stream, as far as they go when they were damaged or cut off. */

import { PassThrough, Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createInflate, gunzipSync, constants as zlib } from "node:zlib";
import { Decompress } from "fzstd";
import { messageOf } from "../contract/errors.ts";

export type Compression = "gzip" | "zlib" | "zstd";

/** Thrown behind the last bytes that could be read; the message says what is wrong: `its gzip data ends early (…)`. */
export class DataEndsEarly extends Error {}

const CHUNK_BYTES = 1 << 20;
/** Packed bytes of zlib handed over at a time: each time costs a trip to another thread, and pg_dump's blocks have 4 KiB. */
const PACKED_BYTES_MIN = 1 << 18;
/** Packed bytes of zstd taken at a time: what they unpack to is in memory whole, and a block of 4 bytes may be 128 KiB. */
const ZSTD_BYTES = 1 << 14;
/** The first 4 bytes of a frame, lowest first; of one to be skipped, all but 4 bits. */
export const ZSTD_FRAME = 0xfd2fb528;
export const ZSTD_SKIPPABLE = 0x184d2a50;

/** How a file is compressed, by its first bytes; null when it is not, or in another way. */
export function compressionOf(head: Buffer): "gzip" | "zstd" | null {
  if (head[0] === 0x1f && head[1] === 0x8b) return "gzip";
  if (head.length < 4) return null;
  const magic = head.readUInt32LE(0);
  return magic === ZSTD_FRAME || (magic & 0xfffffff0) === ZSTD_SKIPPABLE ? "zstd" : null;
}

/**
 * The bytes that packed ones stand for.
 * @throws DataEndsEarly behind what could be read, when the data are damaged or end early.
 */
export async function* unpacked(
  packed: AsyncIterable<Buffer> | Iterable<Buffer>,
  compression: Compression,
): AsyncGenerator<Buffer> {
  if (compression === "zstd") yield* unzstd(packed);
  else yield* inflated(packed, compression);
}

async function* inflated(
  packed: AsyncIterable<Buffer> | Iterable<Buffer>,
  compression: "gzip" | "zlib",
): AsyncGenerator<Buffer> {
  const options = { chunkSize: CHUNK_BYTES };
  const through = compression === "gzip" ? createGunzip(options) : createInflate(options);
  // Through a stream of its own, what was read before an error comes out before it.
  const out = new PassThrough({ highWaterMark: CHUNK_BYTES });
  const done = pipeline(Readable.from(gathered(packed), { objectMode: false }), through, out).then(
    () => null,
    (error: unknown) => error,
  );
  try {
    for await (const chunk of out) yield chunk as Buffer;
  } catch {
    // The pipeline's own error below says more.
  }
  const error = await done;
  if (error === null) return;
  throw /^Z_/.test((error as { code?: string }).code ?? "") ? endsEarly("gzip", error) : error;
}

/** The same bytes in larger chunks; what comes before an error comes out before it. */
async function* gathered(packed: AsyncIterable<Buffer> | Iterable<Buffer>): AsyncGenerator<Buffer> {
  let held: Buffer[] = [];
  let bytes = 0;
  let failure: { error: unknown } | null = null;
  try {
    for await (const chunk of packed) {
      held.push(chunk);
      bytes += chunk.length;
      if (bytes < PACKED_BYTES_MIN) continue;
      yield Buffer.concat(held);
      held = [];
      bytes = 0;
    }
  } catch (error) {
    failure = { error };
  }
  if (bytes > 0) yield Buffer.concat(held);
  if (failure) throw failure.error;
}

async function* unzstd(packed: AsyncIterable<Buffer> | Iterable<Buffer>): AsyncGenerator<Buffer> {
  const ready: Buffer[] = [];
  const stream = new Decompress((bytes) => void ready.push(bufferOver(bytes)));
  const push = (bytes: Buffer, last: boolean): DataEndsEarly | null => {
    try {
      // The library slices what it is given, which a Buffer does in its own way.
      stream.push(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length), last);
      return null;
    } catch (error) {
      return endsEarly("zstd", error);
    }
  };
  for await (const chunk of packed)
    for (let at = 0; at < chunk.length; at += ZSTD_BYTES) {
      const damage = push(chunk.subarray(at, at + ZSTD_BYTES), false);
      yield* ready.splice(0);
      if (damage) throw damage;
    }
  const damage = push(Buffer.alloc(0), true);
  yield* ready.splice(0);
  if (damage) throw damage;
}

function endsEarly(compression: Compression, error: unknown): DataEndsEarly {
  return new DataEndsEarly(`its ${compression} data ends early (${messageOf(error)})`);
}

/** What the first packed bytes of a file hold, at most `bytes` of it; null when nothing can be made of them. */
export function unpackedHead(head: Buffer, compression: "gzip" | "zstd", bytes: number): Buffer | null {
  return (compression === "gzip" ? gunzippedHead(head) : unzstdHead(head, bytes))?.subarray(0, bytes) ?? null;
}

function gunzippedHead(head: Buffer): Buffer | null {
  try {
    return gunzipSync(head, { finishFlush: zlib.Z_SYNC_FLUSH });
  } catch {
    return null;
  }
}

/** Null also when not one block is whole: a block may be longer than the head. */
function unzstdHead(head: Buffer, bytes: number): Buffer | null {
  const ready: Buffer[] = [];
  let size = 0;
  try {
    new Decompress((block) => {
      ready.push(bufferOver(block));
      size += block.length;
      if (size >= bytes) throw new Error("enough");
    }).push(new Uint8Array(head.buffer, head.byteOffset, head.length));
  } catch {
    // Damage behind the head's first blocks is told when the file is read.
  }
  return size > 0 ? Buffer.concat(ready) : null;
}

function bufferOver(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
