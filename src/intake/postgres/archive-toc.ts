/** Reads the table of contents of an archive that pg_dump wrote (custom, directory or tar), versions 1.10 to 1.16. */

import { UserError } from "../../contract/errors.ts";

export interface TocEntry {
  dumpId: number;
  /** `TABLE`, `TABLE DATA`, `CONSTRAINT` … */
  type: string;
  name: string;
  schema: string | null;
  /** The SQL that makes it. */
  definition: string;
  /** `COPY … FROM stdin;`, or empty when its data are INSERTs. */
  copyStatement: string;
  /** The file of its data, in directory and tar archives. */
  file: string | null;
  /** Where its data begin in a custom archive, or null. */
  dataOffset: number | null;
  /** A custom archive holds data of it, perhaps of no row. */
  hasData: boolean;
}

export interface Toc {
  /** `1.14`. */
  archiveVersion: string;
  format: "custom" | "directory" | "tar";
  compression: "none" | "gzip" | "lz4" | "zstd";
  database: string;
  serverVersion: string;
  dumpVersion: string;
  entries: TocEntry[];
  /** Bytes of one integer in the archive, for reading its data. */
  intSize: number;
  /** Where the table of contents ends. */
  end: number;
}

/** Thrown when the bytes at hand end before the table of contents does. */
export class TocIsLonger extends Error {}

const FORMATS: Record<number, Toc["format"]> = { 1: "custom", 3: "tar", 5: "directory" };
const ALGORITHMS: Toc["compression"][] = ["none", "gzip", "lz4", "zstd"];
/** What an entry of a custom archive says of its data: where they are, or that there are none. */
const DATA_AT = 2;
const NO_DATA = 3;
/** More entries than any database has tables: the bytes are no table of contents. */
const ENTRIES_MAX = 10_000_000;

/** A cursor over an archive's own encoding of integers and strings. */
export class ArchiveReader {
  readonly #bytes: Buffer;
  at: number;
  intSize = 4;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  byte(): number {
    const value = this.#bytes[this.at++];
    if (value === undefined) throw new TocIsLonger();
    return value;
  }

  /** A sign byte, then the bytes of the number, lowest first. */
  int(): number {
    const sign = this.byte();
    let value = 0;
    for (let i = 0; i < this.intSize; i++) value += this.byte() * 256 ** i;
    return sign ? -value : value;
  }

  /** Null for a length of -1. */
  string(): string | null {
    const length = this.int();
    if (length < 0) return null;
    if (this.at + length > this.#bytes.length) throw new TocIsLonger();
    const text = this.#bytes.toString("utf8", this.at, this.at + length);
    this.at += length;
    return text;
  }

  skip(bytes: number): void {
    this.at += bytes;
    if (this.at > this.#bytes.length) throw new TocIsLonger();
  }
}

/**
 * @param bytes The archive's first bytes, or toc.dat.
 * @throws TocIsLonger when more bytes are needed; UserError when it is no archive that is understood.
 */
export function readToc(bytes: Buffer, shown: string): Toc {
  if (bytes.toString("latin1", 0, 5) !== "PGDMP") throw new UserError(`${shown}: not an archive of pg_dump`);
  const reader = new ArchiveReader(bytes, 5);
  const major = reader.byte();
  const minor = reader.byte();
  reader.byte();
  if (major !== 1 || minor < 10 || minor > 16)
    throw new UserError(
      `${shown}: archive version ${major}.${minor} is not read (1.10 to 1.16 are); turn it into text with the pg_restore of its own release: pg_restore -f dump.sql ${shown}`,
    );
  reader.intSize = reader.byte();
  const offsetSize = reader.byte();
  const format = FORMATS[reader.byte()];
  if (!format)
    throw new UserError(`${shown}: an archive of a format that is not read; use -Fc, -Fd, -Ft or plain`);
  const compression = minor >= 15 ? ALGORITHMS[reader.byte()] : reader.int() === 0 ? "none" : "gzip";
  if (!compression) throw new UserError(`${shown}: compressed in a way that is not known`);
  for (let i = 0; i < 7; i++) reader.int();
  const database = reader.string() ?? "";
  const serverVersion = reader.string() ?? "";
  const dumpVersion = reader.string() ?? "";
  const count = reader.int();
  if (count < 0 || count > ENTRIES_MAX) throw new UserError(`${shown}: its table of contents is damaged`);
  const entries: TocEntry[] = [];
  for (let i = 0; i < count; i++) entries.push(entryOf(reader, minor, format, offsetSize));
  return {
    archiveVersion: `${major}.${minor}`,
    format,
    compression,
    database,
    serverVersion,
    dumpVersion,
    entries,
    intSize: reader.intSize,
    end: reader.at,
  };
}

function entryOf(reader: ArchiveReader, minor: number, format: Toc["format"], offsetSize: number): TocEntry {
  const dumpId = reader.int();
  reader.int(); // whether it has data
  reader.string(); // oid of its catalogue
  reader.string(); // its own oid
  const name = reader.string() ?? "";
  const type = reader.string() ?? "";
  if (minor >= 11) reader.int(); // section
  const definition = reader.string() ?? "";
  reader.string(); // how to drop it
  const copyStatement = reader.string() ?? "";
  const schema = reader.string();
  reader.string(); // tablespace
  if (minor >= 14) reader.string(); // access method
  if (minor >= 16) reader.int(); // kind of relation
  reader.string(); // owner
  reader.string(); // with oids
  while (reader.string() !== null); // dependencies
  let file: string | null = null;
  let dataOffset: number | null = null;
  let hasData = true;
  if (format === "custom") {
    const state = reader.byte();
    let offset = 0;
    for (let i = 0; i < offsetSize; i++) offset += reader.byte() * 256 ** i;
    if (state === DATA_AT) dataOffset = offset;
    hasData = state !== NO_DATA;
  } else file = reader.string();
  return {
    dumpId,
    type,
    name,
    schema: schema === "" ? null : schema,
    definition,
    copyStatement,
    file,
    dataOffset,
    hasData,
  };
}
