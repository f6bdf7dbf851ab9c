/** Reads the data of a custom archive block by block, as it stands in the file. */

import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { DataEndsEarly } from "../unpack.ts";

/** Bytes read at a time. */
export const CHUNK_BYTES = 1024 * 1024;

/** The data part of a custom archive: blocks of chunks, each with its length before it. */
export class BlockFile {
  readonly #fd: number;
  readonly #intSize: number;
  readonly #size: number;
  #at: number;
  #buffer = Buffer.alloc(0);
  #bufferAt = 0;
  #inBlock = false;

  constructor(path: string, at: number, intSize: number) {
    this.#fd = openSync(path, "r");
    this.#size = fstatSync(this.#fd).size;
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

  /** The chunks of the block that begins here, until the length 0. */
  block(): Generator<Buffer> {
    this.#inBlock = true;
    return this.#chunks();
  }

  /** Moves behind what was not read of the block at work. */
  skipBlock(): void {
    for (const _ of this.#chunks());
  }

  *#chunks(): Generator<Buffer> {
    while (this.#inBlock) {
      const length = this.int();
      this.#inBlock = length > 0;
      if (this.#inBlock) yield this.#whole(length);
    }
  }

  close(): void {
    closeSync(this.#fd);
  }

  #whole(length: number): Buffer {
    const bytes = this.#take(length);
    if (bytes) return bytes;
    this.#inBlock = false;
    throw new DataEndsEarly(`the archive ends at byte ${this.#size}`);
  }

  #take(length: number): Buffer | null {
    const rest = this.#buffer.subarray(this.#bufferAt);
    if (length > rest.length + this.#size - this.#at) {
      this.#at = this.#size;
      this.#buffer = Buffer.alloc(0);
      return null;
    }
    if (length > rest.length) {
      const more = Buffer.allocUnsafe(Math.max(CHUNK_BYTES, length));
      const read = readSync(this.#fd, more, 0, more.length, this.#at);
      this.#at += read;
      this.#buffer = Buffer.concat([rest, more.subarray(0, read)]);
      this.#bufferAt = 0;
    }
    const bytes = this.#buffer.subarray(this.#bufferAt, this.#bufferAt + length);
    this.#bufferAt += length;
    return bytes;
  }
}
