/** Reads archives of pg_dump (custom, directory, tar) without pg_restore: as the plain dump that they stand for. */

import { closeSync, createReadStream, existsSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { extname, join } from "node:path";
import { UserError } from "../../contract/errors.ts";
import { type Compression, DataEndsEarly, unpacked } from "../unpack.ts";
import { BlockFile, CHUNK_BYTES } from "./archive-blocks.ts";
import { readToc, type Toc, type TocEntry, TocIsLonger } from "./archive-toc.ts";

const TAR_BLOCK = 512;
/** The kind of a block that holds large objects: blocks of its own, each behind its id, until the id 0. */
const LARGE_OBJECTS = 3;
/** How the files of a directory archive are packed, by their extension. */
const PACKED: Record<string, Compression> = { ".gz": "gzip", ".zst": "zstd" };
/** A table of contents larger than this is no table of contents. */
const TOC_BYTES_MAX = 1024 * 1024 * 1024;

/**
 * A part of a dump's text, of whole statements. Damaged, it throws DataEndsEarly behind what could be read; the parts
 * behind it are whole all the same. What is not read of a part costs nothing.
 */
export interface DumpPart {
  /** The table whose rows it holds, or null. */
  table: { schema: string; name: string } | null;
  /** Bytes as stored: packed, where the archive is. */
  bytes: number;
  text: AsyncIterable<Buffer> | Iterable<Buffer>;
}

export interface Archive {
  toc: Toc;
  /** The dump as plain text. */
  parts(): AsyncGenerator<DumpPart>;
}

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
  const size = statSync(path).size;
  const toc = { ...tocOf(path, 0, size, shown), format: "custom" as const };
  assertNoLz4(toc.compression === "lz4", shown);
  const starts = toc.entries
    .map((e) => e.dataOffset)
    .filter((offset): offset is number => offset !== null && offset > 0)
    .sort((a, b) => a - b);
  const bytesOf = ({ dataOffset }: TocEntry) =>
    dataOffset === null ? 0 : (starts.find((s) => s > dataOffset) ?? size) - dataOffset;
  return { toc, parts: () => customParts(path, toc, bytesOf) };
}

function openDirectory(path: string, shown: string): Archive {
  const tocFile = join(path, "toc.dat");
  if (!existsSync(tocFile))
    throw new UserError(`${shown}: no toc.dat in this directory, so it is no archive of pg_dump`);
  const toc = { ...tocOf(tocFile, 0, statSync(tocFile).size, shown), format: "directory" as const };
  const files = new Set(readdirSync(path));
  assertNoLz4(
    dataEntries(toc).some((entry) => files.has(`${entry.file}.lz4`)),
    shown,
  );
  const stored = (file: string) =>
    [file, `${file}.gz`, `${file}.lz4`, `${file}.zst`].find((name) => files.has(name));
  async function* content(entry: TocEntry): AsyncGenerator<Buffer> {
    const file = stored(entry.file as string);
    if (!file) throw new DataEndsEarly(`its file ${entry.file} is missing`);
    const raw = createReadStream(join(path, file), { highWaterMark: CHUNK_BYTES });
    const packing = PACKED[extname(file)];
    yield* packing ? unpacked(raw, packing) : raw;
  }
  const bytesOf = (entry: TocEntry) => {
    const file = stored(entry.file as string);
    return file ? statSync(join(path, file)).size : 0;
  };
  return { toc, parts: () => partsOf(toc, bytesOf, content) };
}

function openTar(path: string, shown: string): Archive {
  const members = tarMembers(path);
  const tocMember = members.get("toc.dat");
  if (!tocMember) throw new UserError(`${shown}: a tar without toc.dat, so no archive of pg_dump`);
  const toc = { ...tocOf(path, tocMember.offset, tocMember.size, shown), format: "tar" as const };
  const size = statSync(path).size;
  async function* content(entry: TocEntry): AsyncGenerator<Buffer> {
    const member = members.get(entry.file as string);
    if (!member) throw new DataEndsEarly(`its file ${entry.file} is missing`);
    if (member.size === 0) return;
    const { offset } = member;
    const end = Math.min(offset + member.size, size) - 1;
    yield* createReadStream(path, { start: offset, end, highWaterMark: CHUNK_BYTES });
    if (offset + member.size > size) throw new DataEndsEarly(`the archive ends at byte ${size}`);
  }
  const bytesOf = (entry: TocEntry) => members.get(entry.file as string)?.size ?? 0;
  return { toc, parts: () => partsOf(toc, bytesOf, content) };
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

function dataEntries(toc: Toc): TocEntry[] {
  return toc.entries.filter((entry) => entry.type === "TABLE DATA" && entry.file);
}

/** The definitions, and each table's rows out of a file of its own. */
async function* partsOf(
  toc: Toc,
  bytesOf: (entry: TocEntry) => number,
  content: (entry: TocEntry) => AsyncGenerator<Buffer>,
): AsyncGenerator<DumpPart> {
  yield { table: null, bytes: 0, text: definitions(toc) };
  for (const entry of dataEntries(toc)) yield dataPart(entry, bytesOf(entry), content(entry));
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
function dataPart(entry: TocEntry, bytes: number, data: AsyncIterable<Buffer> | Iterable<Buffer>): DumpPart {
  async function* text(): AsyncGenerator<Buffer> {
    yield Buffer.from(`${pathOf(entry)}${entry.copyStatement}`);
    yield* data;
  }
  return { table: tableOf(entry), bytes, text: text() };
}

async function* customParts(
  path: string,
  toc: Toc,
  bytesOf: (entry: TocEntry) => number,
): AsyncGenerator<DumpPart> {
  yield { table: null, bytes: 0, text: definitions(toc) };
  const packing = toc.compression === "none" ? null : toc.compression === "zstd" ? "zstd" : "zlib";
  const byId = new Map(toc.entries.map((entry) => [entry.dumpId, entry]));
  const missing = new Set(toc.entries.filter((entry) => entry.type === "TABLE DATA" && entry.hasData));
  const file = new BlockFile(path, toc.end, toc.intSize);
  try {
    for (let kind = file.byteOrEnd(); kind !== null; kind = file.byteOrEnd()) {
      const entry = byId.get(file.int());
      if (kind === LARGE_OBJECTS) {
        while (file.int() !== 0) {
          file.block();
          file.skipBlock();
        }
        continue;
      }
      const chunks = file.block();
      if (entry && missing.delete(entry))
        yield dataPart(entry, bytesOf(entry), packing ? unpacked(chunks, packing) : chunks);
      file.skipBlock();
    }
  } catch (error) {
    if (!(error instanceof DataEndsEarly)) throw error;
  } finally {
    file.close();
  }
  const names = [...missing].map((entry) => `${entry.schema ?? "public"}.${entry.name}`);
  if (names.length > 0)
    yield { table: null, bytes: 0, text: lost(`ends before the rows of ${names.join(", ")}`) };
}

function tableOf({ schema, name }: TocEntry): { schema: string; name: string } {
  return { schema: schema ?? "public", name };
}

// biome-ignore lint/correctness/useYield: the text of a part without any.
async function* lost(reason: string): AsyncGenerator<Buffer> {
  throw new DataEndsEarly(reason);
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

/** No kept library reads lz4 as a stream, and a table's data may be larger than memory. */
function assertNoLz4(lz4: boolean, shown: string): void {
  if (!lz4) return;
  throw new UserError(
    `${shown}: its data are compressed with lz4, which is not read; turn it into text with pg_restore -f dump.sql ${shown}, or make it with pg_dump --compress=gzip or zstd`,
  );
}
