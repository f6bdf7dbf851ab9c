/** A table's rows on their way into files of COPY text. */

import { closeSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { type Encoding, Transcoder } from "./encoding.ts";
import type { CopyFormat } from "./statements.ts";

/** A part that reaches this is full: DuckDB reads several files side by side, each in its order, with a quarter less work than one. */
const PART_BYTES = 64 * 1024 * 1024;
/** Backslashes of a chunk that are looked at one by one: where there are more, escapes are taken to be among them. */
const BACKSLASHES_MAX = 2_000;

/** UTF-8's byte order mark. */
const MARK = Buffer.from("\uFEFF");

/** A file of whole rows. */
export interface Part {
  file: string;
  bytes: number;
}

/** Rows of one table with one list of columns. */
export interface Segment {
  columns: string[];
  format: CopyFormat;
  /** In the order of the rows; never empty once rows were written. */
  parts: Part[];
  /** Of all parts. */
  bytes: number;
  /** False when no backslash but that of `\N` stands in the rows. */
  escapes: boolean;
}

export function newSegment(columns: string[], format: CopyFormat): Segment {
  return { columns, format, parts: [], bytes: 0, escapes: false };
}

/** Removes the files of a segment. */
export function removeParts(segment: Segment): void {
  for (const { file } of segment.parts) rmSync(file, { force: true });
}

/** Appends rows to a segment's files. */
export class Staging {
  readonly segment: Segment;
  readonly #transcoder: Transcoder;
  readonly #path: string;
  readonly #partBytes: number;
  #fd: number | null = null;

  /**
   * @param encoding of the bytes that will be written.
   * @param path of the files, but for a number and their ending.
   * @param partBytes from which a part is full.
   */
  constructor(segment: Segment, encoding: Encoding, path: string, partBytes = PART_BYTES) {
    this.segment = segment;
    this.#transcoder = new Transcoder(encoding);
    this.#path = path;
    this.#partBytes = partBytes;
  }

  write(bytes: Buffer): void {
    this.#append(this.#transcoder.convert(bytes, false));
  }

  /** Returns how many bytes were no valid text and became U+FFFD. */
  close(): number {
    this.#append(this.#transcoder.convert(Buffer.alloc(0), true));
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
    return this.#transcoder.replaced;
  }

  #append(text: Buffer): void {
    const { segment } = this;
    segment.escapes ||= segment.format.csv || holdsEscapes(text);
    const full = (segment.parts.at(-1)?.bytes ?? 0) >= this.#partBytes ? rowsEnd(text, segment.format) : 0;
    if (full > 0) {
      this.#write(text.subarray(0, full));
      closeSync(this.#fd as number);
      this.#fd = null;
      this.#nextPart();
    }
    this.#write(text.subarray(full));
  }

  #write(text: Buffer): void {
    const { segment } = this;
    const part = segment.parts.at(-1) ?? this.#nextPart();
    this.#fd ??= openSync(part.file, "a");
    // DuckDB drops the mark that a file begins with: of two, the second is the row's.
    if (part.bytes === 0 && text.subarray(0, MARK.length).equals(MARK)) writeSync(this.#fd, MARK);
    for (let at = 0; at < text.length; ) at += writeSync(this.#fd, text, at);
    part.bytes += text.length;
    segment.bytes += text.length;
  }

  #nextPart(): Part {
    const { parts } = this.segment;
    const part = { file: `${this.#path}-${parts.length + 1}.txt`, bytes: 0 };
    parts.push(part);
    return part;
  }
}

/** Behind the first row's end in a chunk, or 0: in CSV, and behind a backslash, a newline may be a value's. */
function rowsEnd(text: Buffer, format: CopyFormat): number {
  const end = format.csv ? -1 : text.indexOf(0x0a);
  return end >= 0 && text[end - 1] !== 0x5c ? end + 1 : 0;
}

/** True when a backslash in the text may be another than that of `\N`. */
function holdsEscapes(text: Buffer): boolean {
  let seen = 0;
  for (let at = text.indexOf(0x5c); at >= 0; at = text.indexOf(0x5c, at + 2))
    if (text[at + 1] !== 0x4e || ++seen > BACKSLASHES_MAX) return true;
  return false;
}

/** Lines of a file of empty ones. */
export function linesOf(file: string): number {
  return linesIn(readFileSync(file));
}

export function linesIn(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a, at + 1)) lines++;
  return lines;
}
