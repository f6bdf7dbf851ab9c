/** A table's rows on their way into a file of COPY text. */

import { closeSync, openSync, writeSync } from "node:fs";
import { type Encoding, Transcoder } from "./encoding.ts";
import type { CopyFormat } from "./statements.ts";

/** Rows of one table with one list of columns, in a file. */
export interface Segment {
  columns: string[];
  format: CopyFormat;
  file: string;
  bytes: number;
}

/** Appends rows to a segment's file. */
export class Staging {
  readonly segment: Segment;
  readonly #fd: number;
  readonly #transcoder: Transcoder;

  /** @param encoding of the bytes that will be written. */
  constructor(segment: Segment, encoding: Encoding) {
    this.segment = segment;
    this.#fd = openSync(segment.file, "a");
    this.#transcoder = new Transcoder(encoding);
  }

  write(bytes: Buffer): void {
    this.#append(this.#transcoder.convert(bytes, false));
  }

  /** Returns how many bytes were no valid text and became U+FFFD. */
  close(): number {
    this.#append(this.#transcoder.convert(Buffer.alloc(0), true));
    closeSync(this.#fd);
    return this.#transcoder.replaced;
  }

  #append(text: Buffer): void {
    this.segment.bytes += text.length;
    for (let at = 0; at < text.length; ) at += writeSync(this.#fd, text, at);
  }
}

export function linesIn(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a, at + 1)) lines++;
  return lines;
}
