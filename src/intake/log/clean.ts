/** Copies a log that DuckDB's reader would stumble over into clean UTF-8 with one `\n` per line. */

import { closeSync, createReadStream, openSync, writeSync } from "node:fs";
import { Interrupted } from "../../contract/errors.ts";
import { DataEndsEarly, unpacked } from "../unpack.ts";
import type { Sample } from "./sample.ts";

/** Characters of a line that are kept. */
const LINE_MAX = 1_048_576;

export interface Cleaned {
  /** Byte sequences that are no UTF-8, now U+FFFD. */
  badBytes: number;
  /** Zero bytes removed. */
  nuls: number;
  /** Lines cut at LINE_MAX characters. */
  cut: number;
  /** Carriage returns inside lines, now the visible sign for one. */
  returns: number;
  /** Set when the compressed data ends early or is damaged: why. */
  broken: string | null;
}

export interface CleanHooks {
  signal: AbortSignal;
  progress(bytes: number): void;
}

/** Streams `sample.file` into `target`; constant memory. */
export async function cleanCopy(sample: Sample, target: string, hooks: CleanHooks): Promise<Cleaned> {
  const told: Cleaned = { badBytes: 0, nuls: 0, cut: 0, returns: 0, broken: null };
  const fd = openSync(target, "w", 0o600);
  const lines = new LineCutter(told, (text) => writeSync(fd, text));
  try {
    const raw = createReadStream(sample.file, { highWaterMark: 1 << 20 });
    const bytes = sample.compression === "none" ? raw : unpacked(raw, sample.compression);
    const decoder = new TextDecoder(sample.encoding);
    try {
      for await (const chunk of bytes) {
        if (hooks.signal.aborted) throw new Interrupted();
        lines.add(
          textOf(decoder.decode(chunk as Buffer, { stream: true }), chunk as Buffer, told),
          sample.crLines,
        );
        hooks.progress(raw.bytesRead);
      }
    } catch (error) {
      if (!(error instanceof DataEndsEarly)) throw error;
      told.broken = error.message;
    }
    lines.add(decoder.decode(), sample.crLines);
    lines.end();
    return told;
  } finally {
    closeSync(fd);
  }
}

/** Counts what the decoder had to replace; a U+FFFD that the file itself holds is no bad byte. */
function textOf(text: string, chunk: Buffer, told: Cleaned): string {
  if (text.includes("\uFFFD")) told.badBytes += count(text, "\uFFFD") - countBytes(chunk);
  return text;
}

function count(text: string, char: string): number {
  let n = 0;
  for (let at = text.indexOf(char); at !== -1; at = text.indexOf(char, at + 1)) n++;
  return n;
}

function countBytes(chunk: Buffer): number {
  let n = 0;
  for (let at = chunk.indexOf("\uFFFD"); at !== -1; at = chunk.indexOf("\uFFFD", at + 3)) n++;
  return n;
}

/** Normalises line ends and bounds lines, whatever the chunks are cut into. */
class LineCutter {
  readonly #told: Cleaned;
  readonly #write: (text: string) => void;
  #pendingReturn = false;
  #lineLength = 0;
  #cutting = false;

  constructor(told: Cleaned, write: (text: string) => void) {
    this.#told = told;
    this.#write = write;
  }

  add(chunk: string, crLines: boolean): void {
    let text = this.#pendingReturn ? `\r${chunk}` : chunk;
    this.#pendingReturn = false;
    if (text === "") return;
    if (crLines) text = text.replaceAll("\r", "\n");
    else if (text.endsWith("\r")) {
      this.#pendingReturn = true;
      text = text.slice(0, -1);
    }
    if (text.includes("\0")) {
      this.#told.nuls += count(text, "\0");
      text = text.replaceAll("\0", "");
    }
    if (text.includes("\r"))
      text = text.replaceAll("\r\n", "\n").replace(/\r/g, () => {
        this.#told.returns++;
        return "\u240D";
      });
    // The reader's delimiter begins with it; no log needs it.
    if (text.includes("\x01")) text = text.replaceAll("\x01", "\uFFFD");
    this.#write(this.#bounded(text));
  }

  end(): void {
    if (this.#pendingReturn) this.#write("\n");
  }

  #bounded(text: string): string {
    if (this.#lineLength + text.length <= LINE_MAX && !this.#cutting) {
      const last = text.lastIndexOf("\n");
      this.#lineLength = last === -1 ? this.#lineLength + text.length : text.length - last - 1;
      return text;
    }
    const parts = text.split("\n");
    return parts
      .map((part, i) => {
        if (i > 0) {
          this.#lineLength = 0;
          this.#cutting = false;
        }
        const room = LINE_MAX - this.#lineLength;
        this.#lineLength += part.length;
        if (part.length <= room) return part;
        if (!this.#cutting) this.#told.cut++;
        this.#cutting = true;
        return part.slice(0, Math.max(0, room));
      })
      .join("\n");
  }
}
