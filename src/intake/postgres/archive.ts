/** Reads archives of pg_dump (custom, directory, tar) without pg_restore: as the plain dump that they stand for. */

import { closeSync, createReadStream, existsSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createInflate } from "node:zlib";
import { UserError } from "../../contract/errors.ts";
import { readToc, type Toc, type TocEntry, TocIsLonger } from "./archive-toc.ts";

const CHUNK_BYTES = 1024 * 1024;
const TAR_BLOCK = 512;
/** A table of contents larger than this is no table of contents. */
const TOC_BYTES_MAX = 1024 * 1024 * 1024;

export interface Archive {
  toc: Toc;
  /** Bytes of each table's data as stored (compressed), `schema.table` → bytes; -1 where unknown. */
  sizes: Map<string, number>;
  /** The dump as plain text. Ends early, with an error thrown, where the archive is cut off. */
  text(): AsyncGenerator<Buffer>;
}

/** Thrown in the middle of the text when the archive ends too early. */
export class ArchiveCutOff extends Error {}

/**
 * Opens an archive: a file, or the folder of a directory archive.
 * @throws UserError for a version, format or compression that is not read.
 */
export async function openArchive(path: string, shown: string): Promise<Archive> {
  if (statSync(path).isDirectory()) return openDirectory(path, shown);
  const head = readAt(path, 0, 5);
  return head.toString("latin1") === "PGDMP" ? openCustom(path, shown) : openTar(path, shown);
}

function openCustom(path: string, shown: string): Archive {
  const toc = { ...tocOf(path, 0, statSync(path).size, shown), format: "custom" as const };
  supported(toc, shown);
  const size = statSync(path).size;
  const starts = toc.entries
    .map((e) => e.dataOffset)
    .filter((offset): offset is number => offset !== null && offset > 0)
    .sort((a, b) => a - b);
  const sizes = sizesOf(toc, (entry) => {
    if (entry.dataOffset === null) return -1;
    return (starts.find((s) => s > (entry.dataOffset as number)) ?? size) - entry.dataOffset;
  });
  return { toc, sizes, text: () => customText(path, toc) };
}

function openDirectory(path: string, shown: string): Archive {
  const tocFile = join(path, "toc.dat");
  if (!existsSync(tocFile))
    throw new UserError(`${shown}: no toc.dat in this directory, so it is no archive of pg_dump`);
  const toc = { ...tocOf(tocFile, 0, statSync(tocFile).size, shown), format: "directory" as const };
  const files = new Set(readdirSync(path));
  const stored = (file: string) =>
    [file, `${file}.gz`, `${file}.lz4`, `${file}.zst`].find((name) => files.has(name));
  const sizes = sizesOf(toc, (entry) => {
    const file = entry.file ? stored(entry.file) : undefined;
    return file ? statSync(join(path, file)).size : -1;
  });
  async function* text(): AsyncGenerator<Buffer> {
    yield* definitions(toc);
    for (const entry of dataEntries(toc)) {
      const file = stored(entry.file as string);
      if (!file) throw new ArchiveCutOff(`${shown}: ${entry.file}, the data of ${entry.name}, is missing`);
      if (/\.(lz4|zst)$/.test(file)) throw unsupported(shown, file.endsWith("lz4") ? "lz4" : "zstd");
      const raw = createReadStream(join(path, file), { highWaterMark: CHUNK_BYTES });
      yield* dataOf(entry, file.endsWith(".gz") ? unpacked(raw, createGunzip()) : raw);
    }
  }
  return { toc, sizes, text };
}

function openTar(path: string, shown: string): Archive {
  const members = tarMembers(path);
  const tocMember = members.get("toc.dat");
  if (!tocMember) throw new UserError(`${shown}: a tar without toc.dat, so no archive of pg_dump`);
  const toc = { ...tocOf(path, tocMember.offset, tocMember.size, shown), format: "tar" as const };
  const sizes = sizesOf(toc, (entry) => members.get(entry.file ?? "")?.size ?? -1);
  async function* text(): AsyncGenerator<Buffer> {
    yield* definitions(toc);
    const size = statSync(path).size;
    for (const entry of dataEntries(toc)) {
      const member = members.get(entry.file as string);
      if (!member) throw new ArchiveCutOff(`${shown}: ${entry.file}, the data of ${entry.name}, is missing`);
      if (member.size === 0) continue;
      const { offset } = member;
      const end = Math.min(offset + member.size, size) - 1;
      yield* dataOf(entry, createReadStream(path, { start: offset, end, highWaterMark: CHUNK_BYTES }));
      if (offset + member.size > size)
        throw new ArchiveCutOff(`${shown}: cut off at byte ${size}, inside the rows of ${entry.name}`);
    }
  }
  return { toc, sizes, text };
}

/** Reads ever more until the table of contents is whole. */
function tocOf(path: string, offset: number, size: number, shown: string): Toc {
  for (let bytes = 1024 * 1024; ; bytes *= 4) {
    try {
      return readToc(readAt(path, offset, Math.min(bytes, size)), shown);
    } catch (error) {
      if (!(error instanceof TocIsLonger)) throw error;
      if (bytes >= size || bytes >= TOC_BYTES_MAX)
        throw new UserError(`${shown}: cut off inside its table of contents`);
    }
  }
}

function sizesOf(toc: Toc, size: (entry: TocEntry) => number): Map<string, number> {
  return new Map(
    toc.entries
      .filter((e) => e.type === "TABLE DATA")
      .map((e) => [`${e.schema ?? "public"}.${e.name}`, size(e)]),
  );
}

function dataEntries(toc: Toc): TocEntry[] {
  return toc.entries.filter((entry) => entry.type === "TABLE DATA" && entry.file);
}

/** What makes the tables, as pg_restore would write it; old archives name no schema in their statements. */
function* definitions(toc: Toc): Generator<Buffer> {
  for (const entry of toc.entries) {
    if (
      entry.definition === "" ||
      !/^(ENCODING|STDSTRINGS|SEARCHPATH|TYPE|DOMAIN|TABLE|VIEW|MATERIALIZED VIEW|TABLE ATTACH|CONSTRAINT|FK CONSTRAINT)$/.test(
        entry.type,
      )
    )
      continue;
    yield Buffer.from(`${pathOf(entry)}${entry.definition}\n`);
  }
}

function pathOf(entry: TocEntry): string {
  return entry.schema ? `SET search_path = "${entry.schema.replaceAll('"', '""')}";\n` : "";
}

/** One table's rows: its COPY statement and its data, which end with the mark already; or INSERTs as they are. */
async function* dataOf(
  entry: TocEntry,
  data: AsyncIterable<Buffer> | Iterable<Buffer>,
): AsyncGenerator<Buffer> {
  yield Buffer.from(`${pathOf(entry)}${entry.copyStatement}`);
  for await (const chunk of data) yield chunk;
}

async function* customText(path: string, toc: Toc): AsyncGenerator<Buffer> {
  yield* definitions(toc);
  const byId = new Map(toc.entries.map((entry) => [entry.dumpId, entry]));
  const file = new BlockFile(path, toc.end, toc.intSize);
  try {
    for (;;) {
      const kind = file.byteOrEnd();
      if (kind === null) return;
      const entry = byId.get(file.int());
      if (kind === 3 || entry?.type !== "TABLE DATA") {
        skipBlock(file, kind);
        continue;
      }
      const chunks = Readable.from(file.chunks(), { objectMode: false, highWaterMark: CHUNK_BYTES });
      yield* dataOf(entry, toc.compression === "gzip" ? unpacked(chunks, createInflate()) : file.chunks());
    }
  } finally {
    file.close();
  }
}

/** Large objects: a block of blocks, each an id and its chunks, until the id 0. */
function skipBlock(file: BlockFile, kind: number): void {
  if (kind !== 3) {
    for (const _ of file.chunks());
    return;
  }
  while (file.int() !== 0) for (const _ of file.chunks());
}

/** The data part of a custom archive: blocks of chunks, each with its length before it. */
class BlockFile {
  readonly #fd: number;
  readonly #intSize: number;
  #at: number;
  #buffer = Buffer.alloc(0);
  #bufferAt = 0;

  constructor(path: string, at: number, intSize: number) {
    this.#fd = openSync(path, "r");
    this.#at = at;
    this.#intSize = intSize;
  }

  byteOrEnd(): number | null {
    return this.#take(1)?.[0] ?? null;
  }

  int(): number {
    const bytes = this.#whole(1 + this.#intSize);
    let value = 0;
    for (let i = 0; i < this.#intSize; i++) value += (bytes[i + 1] as number) * 256 ** i;
    return bytes[0] ? -value : value;
  }

  /** The chunks of one block, until the length 0. */
  *chunks(): Generator<Buffer> {
    for (let length = this.int(); length > 0; length = this.int()) yield this.#whole(length);
  }

  close(): void {
    closeSync(this.#fd);
  }

  #whole(length: number): Buffer {
    const bytes = this.#take(length);
    if (!bytes) throw new ArchiveCutOff("cut off");
    return bytes;
  }

  #take(length: number): Buffer | null {
    if (this.#bufferAt + length > this.#buffer.length) {
      const rest = this.#buffer.subarray(this.#bufferAt);
      const more = Buffer.alloc(Math.max(CHUNK_BYTES, length));
      const read = readSync(this.#fd, more, 0, more.length, this.#at);
      this.#at += read;
      this.#buffer = Buffer.concat([rest, more.subarray(0, read)]);
      this.#bufferAt = 0;
      if (this.#buffer.length < length) return null;
    }
    const bytes = this.#buffer.subarray(this.#bufferAt, this.#bufferAt + length);
    this.#bufferAt += length;
    return bytes;
  }
}

/** Decompresses; what could be read before damage or an early end comes out before the error. */
async function* unpacked(raw: Readable, through: NodeJS.ReadWriteStream): AsyncGenerator<Buffer> {
  const out = new PassThrough({ highWaterMark: CHUNK_BYTES });
  const done = pipeline(raw, through, out).then(
    () => null,
    (error: unknown) => error,
  );
  try {
    for await (const chunk of out) yield chunk as Buffer;
  } catch {
    // The pipeline's own error below says more.
  }
  const error = await done;
  if (error) throw error instanceof ArchiveCutOff ? error : new ArchiveCutOff(String(error));
}

interface TarMember {
  offset: number;
  size: number;
}

/** Names of a tar's members and where their bytes stand. */
function tarMembers(path: string): Map<string, TarMember> {
  const members = new Map<string, TarMember>();
  const size = statSync(path).size;
  for (let at = 0; at + TAR_BLOCK <= size; ) {
    const header = readAt(path, at, TAR_BLOCK);
    const name = header.toString("utf8", 0, 100).replace(/\0.*$/s, "");
    if (name === "") break;
    const length = tarNumber(header.subarray(124, 136));
    members.set(name, { offset: at + TAR_BLOCK, size: length });
    at += TAR_BLOCK + Math.ceil(length / TAR_BLOCK) * TAR_BLOCK;
  }
  return members;
}

/** Octal digits, or base 256 for members past 8 GiB. */
function tarNumber(field: Buffer): number {
  if ((field[0] as number) & 0x80) {
    let value = 0;
    for (const byte of field.subarray(1)) value = value * 256 + byte;
    return value;
  }
  return Number.parseInt(field.toString("latin1").replace(/[^0-7]/g, ""), 8) || 0;
}

function readAt(path: string, offset: number, length: number): Buffer {
  const fd = openSync(path, "r");
  try {
    const bytes = Buffer.alloc(length);
    return bytes.subarray(0, readSync(fd, bytes, 0, length, offset));
  } finally {
    closeSync(fd);
  }
}

function supported(toc: Toc, shown: string): void {
  if (toc.compression === "lz4" || toc.compression === "zstd") throw unsupported(shown, toc.compression);
}

function unsupported(shown: string, compression: string): UserError {
  return new UserError(
    `${shown}: its data are compressed with ${compression}; turn it into text with the pg_restore of its release: pg_restore -f dump.sql ${shown}`,
  );
}
