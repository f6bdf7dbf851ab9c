/** Looks at the head, the middle and the tail of a file: enough to tell how its lines are written. */

import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { headOf } from "../sniff.ts";
import { compressionOf, unpackedHead } from "../unpack.ts";

/** Bytes read at each of the three places. */
const CHUNK_BYTES = 65536;
/** Lines kept of each. */
const CHUNK_LINES = 300;

export type Compression = "none" | "gzip" | "zstd";
export type Encoding = "utf-8" | "utf-16le" | "utf-16be";

export interface Sample {
  file: string;
  bytes: number;
  compression: Compression;
  encoding: Encoding;
  /** Whole lines, without their ends. */
  lines: string[];
  /** The file has bytes that DuckDB's reader would stumble over. */
  unclean: boolean;
  /** The lines have terminal colours. */
  coloured: boolean;
  /** The lines end with a carriage return alone. */
  crLines: boolean;
  /** Of the sampled characters, the share that no text has. */
  noise: number;
  modified: Date;
}

/** Reads at most three chunks of one file. */
export function sampleFile(file: string): Sample {
  const fd = openSync(file, "r");
  try {
    const { size, mtime } = fstatSync(fd);
    const read = (position: number) => {
      const buffer = Buffer.alloc(Math.min(CHUNK_BYTES, size));
      return buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, position));
    };
    const head = read(0);
    const compression = compressionOf(head) ?? "none";
    const chunks = [compression === "none" ? head : unpackedChunk(file, compression)];
    if (compression === "none" && size > CHUNK_BYTES) {
      // Even, so that UTF-16 stays in step.
      if (size > 3 * CHUNK_BYTES) chunks.push(read(Math.floor(size / 4) * 2));
      chunks.push(read(Math.floor(Math.max(CHUNK_BYTES, size - CHUNK_BYTES) / 2) * 2));
    }
    const first = chunks[0] as Buffer;
    const encoding = encodingOf(first);
    const texts = chunks.map((chunk) => decode(chunk, encoding));
    const all = texts.join("");
    const crLines = !all.includes("\n") && all.includes("\r");
    return {
      file,
      bytes: size,
      compression,
      encoding,
      lines: texts.flatMap((text, i) => linesOf(text, i > 0, i === texts.length - 1, crLines)),
      // DuckDB takes the end of data that were cut off for the end of the file, so those go through the cleaner too.
      unclean:
        compression !== "none" ||
        encoding !== "utf-8" ||
        /\0|\r(?!\n)/.test(all) ||
        (all.includes("\r\n") && /[^\r]\n/.test(all)),
      coloured: /\x1b\[|\\u001b\[/i.test(all),
      crLines,
      noise: noiseOf(all),
      modified: mtime,
    };
  } finally {
    closeSync(fd);
  }
}

/** What the head of a compressed file holds; nothing when it is damaged from the start. */
function unpackedChunk(file: string, compression: Exclude<Compression, "none">): Buffer {
  return unpackedHead(headOf(file), compression, 4 * CHUNK_BYTES) ?? Buffer.alloc(0);
}

/** By the byte order mark; without one, by where the zero bytes stand. */
function encodingOf(head: Buffer): Encoding {
  if (head[0] === 0xff && head[1] === 0xfe) return "utf-16le";
  if (head[0] === 0xfe && head[1] === 0xff) return "utf-16be";
  let even = 0;
  let odd = 0;
  const length = Math.min(head.length, 4096);
  for (let i = 0; i < length; i++) if (head[i] === 0) i % 2 === 0 ? even++ : odd++;
  if (odd > length * 0.3 && even < length * 0.05) return "utf-16le";
  if (even > length * 0.3 && odd < length * 0.05) return "utf-16be";
  return "utf-8";
}

function decode(chunk: Buffer, encoding: Encoding): string {
  return new TextDecoder(encoding).decode(chunk);
}

function linesOf(text: string, startsInside: boolean, isLast: boolean, crLines: boolean): string[] {
  const lines = crLines ? text.split("\r") : text.split(/\r?\n/);
  if (startsInside) lines.shift();
  if (!isLast || lines.at(-1) === "") lines.pop();
  return lines
    .filter((line) => line !== "")
    .slice(0, CHUNK_LINES)
    .map(withoutColours);
}

/** Terminal colours and cursor moves say nothing here. */
function withoutColours(line: string): string {
  return line.replaceAll("\0", "").replace(/\x1b\[[0-9;?]*[A-Za-z]/g, "");
}

/** Control characters that no text log has, as a share of all characters; zero bytes left by truncation apart. */
function noiseOf(text: string): number {
  let noise = 0;
  let total = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0) continue;
    total++;
    if ((code < 32 && code !== 9 && code !== 10 && code !== 13 && code !== 27) || code === 127) noise++;
  }
  return total === 0 ? 0 : noise / total;
}
