/** Reads and writes files in large pieces, so that no file has to fit into memory. */

import { closeSync, openSync, readSync, statSync, truncateSync, writeSync } from "node:fs";

const CHUNK = 1 << 20;
const BOM = Buffer.from("\ufeff");

/** Up to `bytes` bytes of a file from a position on. */
export function bytesAt(path: string, position: number, bytes: number): Buffer {
  const fd = openSync(path, "r");
  try {
    const chunk = Buffer.allocUnsafe(bytes);
    return chunk.subarray(0, readSync(fd, chunk, 0, bytes, position));
  } finally {
    closeSync(fd);
  }
}

/** The bytes of a text file without its byte order mark; each chunk is new and the taker's own. */
export function* chunksOf(path: string): Generator<Buffer> {
  const fd = openSync(path, "r");
  try {
    for (let first = true; ; first = false) {
      const chunk = Buffer.allocUnsafe(CHUNK);
      const read = readSync(fd, chunk, 0, CHUNK, null);
      if (read === 0) return;
      yield chunk.subarray(first && chunk.indexOf(BOM) === 0 ? BOM.length : 0, read);
    }
  } finally {
    closeSync(fd);
  }
}

export interface Line {
  /** Without its end. */
  text: Buffer;
  /** 1-based. */
  line: number;
  /** A newline follows. */
  ended: boolean;
}

export function* linesOf(path: string): Generator<Line> {
  let line = 0;
  let rest: Buffer[] = [];
  for (const chunk of chunksOf(path)) {
    let from = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, from)) {
      const text = chunk.subarray(from, end);
      line++;
      yield { text: rest.length > 0 ? Buffer.concat([...rest, text]) : text, line, ended: true };
      rest = [];
      from = end + 1;
    }
    if (from < chunk.length) rest.push(chunk.subarray(from));
  }
  if (rest.length > 0) yield { text: Buffer.concat(rest), line: line + 1, ended: false };
}

/** Cuts a text file back to the end of its last whole line. */
export function dropPartialLine(path: string): void {
  for (let end = statSync(path).size; end > 0; end -= CHUNK) {
    const start = Math.max(0, end - CHUNK);
    const newline = bytesAt(path, start, end - start).lastIndexOf(0x0a);
    if (newline < 0) continue;
    truncateSync(path, start + newline + 1);
    return;
  }
  truncateSync(path, 0);
}

/** Writes a new file from many small pieces. */
export class Output {
  readonly #fd: number;
  readonly #buffer = Buffer.allocUnsafe(CHUNK);
  #used = 0;

  constructor(path: string) {
    this.#fd = openSync(path, "wx", 0o600);
  }

  write(bytes: Buffer): void {
    if (this.#used + bytes.length > CHUNK) this.#flush();
    if (bytes.length <= CHUNK) this.#used += bytes.copy(this.#buffer, this.#used);
    else writeAll(this.#fd, bytes);
  }

  close(): void {
    this.#flush();
    closeSync(this.#fd);
  }

  #flush(): void {
    writeAll(this.#fd, this.#buffer.subarray(0, this.#used));
    this.#used = 0;
  }
}

function writeAll(fd: number, bytes: Buffer): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
}
