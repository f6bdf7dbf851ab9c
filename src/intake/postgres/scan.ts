/** Cuts a plain dump into SQL statements and COPY blocks, byte by byte and in bounded memory. */

import { DataEndsEarly } from "../unpack.ts";
import { endsInsideBody, isTag, isWord } from "./tokens.ts";

/** What a scanner finds, in the order of the file. Buffers are valid only during the call. */
export interface DumpSink {
  /** One statement without its semicolon, or one backslash command of psql. Returns true when COPY data follow it. */
  statement(bytes: Buffer, offset: number): boolean;
  /** Bytes of the COPY block at work: whole lines. */
  copyData(bytes: Buffer): void;
  /** The COPY block ended: with its mark, or (`rest` is the line it was in, perhaps empty) with the file. */
  copyEnd(rest: Buffer | null, offset: number): void;
  /** The file ended at `end`, inside this statement. */
  statementCut(bytes: Buffer, end: number): void;
  /** True when backslashes escape in ordinary strings (`standard_conforming_strings = off`). */
  readonly backslashQuotes: boolean;
}

/** A statement longer than this is no dump: it would have to be held in memory whole. */
const STATEMENT_BYTES_MAX = 512 * 1024 * 1024;

const NEWLINE = 0x0a;
const RETURN = 0x0d;
const BACKSLASH = 0x5c;
const QUOTE = 0x27;
const DOUBLE = 0x22;
const DOLLAR = 0x24;
const DASH = 0x2d;
const SLASH = 0x2f;
const STAR = 0x2a;
const SEMICOLON = 0x3b;
const OPEN = 0x28;
const CLOSE = 0x29;
const DOT = 0x2e;
const COPY_END = Buffer.from("\n\\.");

type Mode =
  | "sql"
  | "quote"
  | "escape-quote"
  | "double"
  | "dollar"
  | "line"
  | "block"
  | "command"
  | "copy-line"
  | "copy";

/**
 * Feed it chunks with `push`, then `end`. In SQL it knows strings (also E'' and the old backslash ones), quoted
 * names, dollar quotes and nested comments, so a function body that holds the text of a COPY is no COPY.
 */
export class DumpScanner {
  #mode: Mode = "sql";
  #buffer: Buffer = Buffer.alloc(0);
  /** Where scanning goes on in the buffer. */
  #position = 0;
  /** Where the statement at work begins in the buffer, or -1 between statements. */
  #start = -1;
  /** Offset of the buffer in the file. */
  #base = 0;
  #dollarTag: Buffer = Buffer.alloc(0);
  #blockDepth = 0;
  /** Open parentheses of the statement at work: the commands of a rule stand in them, each with its semicolon. */
  #parentheses = 0;
  readonly #sink: DumpSink;

  constructor(sink: DumpSink) {
    this.#sink = sink;
  }

  push(chunk: Buffer): void {
    const keepFrom = this.#start >= 0 ? this.#start : this.#position;
    const kept = this.#buffer.subarray(keepFrom);
    if (kept.length + chunk.length > STATEMENT_BYTES_MAX && this.#mode !== "copy")
      throw new DataEndsEarly("a statement longer than 512 MiB is not read, nor what follows it");
    this.#buffer = kept.length === 0 ? chunk : Buffer.concat([kept, chunk]);
    this.#base += keepFrom;
    this.#position -= keepFrom;
    if (this.#start >= 0) this.#start = 0;
    this.#scan(false);
  }

  /** Returns the offset of a statement that was cut off, or null. */
  end(): number | null {
    this.#scan(true);
    if (this.#mode === "copy") {
      this.#sink.copyEnd(this.#buffer.subarray(this.#position), this.#base + this.#buffer.length);
      return null;
    }
    if (this.#mode === "command") this.#finishStatement(this.#buffer.length, this.#buffer.length);
    if (this.#start < 0) return null;
    this.#sink.statementCut(this.#buffer.subarray(this.#start), this.#base + this.#buffer.length);
    return this.#base + this.#start;
  }

  #scan(last: boolean): void {
    while (this.#position < this.#buffer.length) {
      const before = this.#position;
      const mode = this.#mode;
      if (mode === "copy") this.#scanCopy(last);
      else if (mode === "sql") this.#scanSql(last);
      else this.#scanInside(last);
      if (this.#position === before && this.#mode === mode) return;
    }
  }

  #scanCopy(last: boolean): void {
    const buffer = this.#buffer;
    // The position is always at the start of a line, so the mark may stand right there.
    const atStart =
      buffer[this.#position] === BACKSLASH && buffer[this.#position + 1] === DOT ? this.#position : -1;
    let mark = atStart >= 0 ? atStart : buffer.indexOf(COPY_END, this.#position);
    for (; mark >= 0; mark = buffer.indexOf(COPY_END, mark + 1)) {
      const after = mark === atStart ? mark + 2 : mark + 3;
      if (after >= buffer.length && !last) break;
      const next = buffer[after];
      if (next !== undefined && next !== NEWLINE && next !== RETURN) continue;
      if (mark !== atStart) this.#sink.copyData(buffer.subarray(this.#position, mark + 1));
      this.#position = after;
      this.#mode = "sql";
      this.#start = -1;
      this.#sink.copyEnd(null, this.#base + after);
      return;
    }
    const upTo = buffer.lastIndexOf(NEWLINE);
    if (upTo < this.#position) return;
    // The last line stays: it may be the beginning of the end mark.
    this.#sink.copyData(buffer.subarray(this.#position, upTo + 1));
    this.#position = upTo + 1;
  }

  #scanSql(last: boolean): void {
    const buffer = this.#buffer;
    const end = buffer.length;
    for (let i = this.#position; i < end; i++) {
      const byte = buffer[i] as number;
      if (this.#start < 0) {
        if (byte <= 0x20 || byte === SEMICOLON || byte === 0xef || byte === 0xbb || byte === 0xbf) continue;
        if (byte === BACKSLASH) return this.#enter("command", i, i + 1);
      }
      switch (byte) {
        case SEMICOLON:
          if (this.#parentheses > 0 || this.#isInsideBody(i)) break;
          this.#finishStatement(i, i + 1);
          return;
        case OPEN:
          this.#parentheses++;
          break;
        case CLOSE:
          this.#parentheses--;
          break;
        case QUOTE: {
          const before = buffer[i - 1];
          const isEscape =
            (before === 0x45 || before === 0x65) &&
            this.#start >= 0 &&
            i > this.#start &&
            !isWord(buffer[i - 2]);
          return this.#enter(isEscape || this.#sink.backslashQuotes ? "escape-quote" : "quote", i, i + 1);
        }
        case DOUBLE:
          return this.#enter("double", i, i + 1);
        case DOLLAR: {
          if (isWord(buffer[i - 1])) break;
          const close = buffer.indexOf(DOLLAR, i + 1);
          if (close < 0 && !last && end - i < 130) return this.#wait(i);
          if (close < 0 || close - i > 128 || !isTag(buffer, i + 1, close)) break;
          this.#dollarTag = Buffer.from(buffer.subarray(i, close + 1));
          return this.#enter("dollar", i, close + 1);
        }
        case DASH:
          if (i + 1 >= end && !last) return this.#wait(i);
          if (buffer[i + 1] === DASH) return this.#skip("line", i);
          break;
        case SLASH:
          if (i + 1 >= end && !last) return this.#wait(i);
          if (buffer[i + 1] === STAR) {
            this.#blockDepth = 0;
            return this.#skip("block", i);
          }
          break;
      }
      if (this.#start < 0) this.#start = i;
    }
    this.#position = end;
  }

  /** Goes on inside a string, a comment or a psql command. */
  #scanInside(last: boolean): void {
    const buffer = this.#buffer;
    const end = buffer.length;
    switch (this.#mode) {
      case "quote":
      case "double": {
        const close = buffer.indexOf(this.#mode === "quote" ? QUOTE : DOUBLE, this.#position);
        this.#leave(close < 0 ? -1 : close + 1);
        return;
      }
      case "escape-quote":
        for (let i = this.#position; i < end; i++) {
          if (buffer[i] === BACKSLASH) {
            if (i + 1 >= end) return this.#wait(i);
            i++;
          } else if (buffer[i] === QUOTE) return this.#leave(i + 1);
        }
        this.#position = end;
        return;
      case "dollar": {
        const close = buffer.indexOf(this.#dollarTag, this.#position);
        if (close >= 0) return this.#leave(close + this.#dollarTag.length);
        this.#position = Math.max(this.#position, end - this.#dollarTag.length);
        return;
      }
      case "line": {
        const close = buffer.indexOf(NEWLINE, this.#position);
        return this.#leave(close < 0 ? -1 : close + 1);
      }
      case "block":
        for (let i = this.#position; i < end; i++) {
          if (i + 1 >= end && !last) return this.#wait(i);
          if (buffer[i] === SLASH && buffer[i + 1] === STAR) {
            this.#blockDepth++;
            i++;
          } else if (buffer[i] === STAR && buffer[i + 1] === SLASH) {
            this.#blockDepth--;
            i++;
            if (this.#blockDepth === 0) return this.#leave(i + 1);
          }
        }
        this.#position = end;
        return;
      case "copy-line": {
        const close = buffer.indexOf(NEWLINE, this.#position);
        this.#leave(close < 0 ? -1 : close + 1);
        if (close >= 0) this.#mode = "copy";
        return;
      }
      case "command": {
        const close = buffer.indexOf(NEWLINE, this.#position);
        if (close < 0) this.#position = end;
        else this.#finishStatement(close, close + 1);
        return;
      }
    }
  }

  #enter(mode: Mode, at: number, next: number): void {
    if (this.#start < 0) this.#start = at;
    this.#mode = mode;
    this.#position = next;
  }

  /** A comment: part of a statement only when it stands inside one. */
  #skip(mode: Mode, at: number): void {
    this.#mode = mode;
    this.#position = at;
  }

  #leave(next: number): void {
    if (next < 0) {
      this.#position = this.#buffer.length;
      return;
    }
    this.#mode = "sql";
    this.#position = next;
  }

  #wait(at: number): void {
    this.#position = at;
  }

  /** Whether a semicolon ends a statement of a function's SQL body, and not the function. */
  #isInsideBody(at: number): boolean {
    const head = this.#buffer.toString("latin1", this.#start, Math.min(at, this.#start + 64));
    if (!/^create\s+(?:or\s+replace\s+)?(?:function|procedure)\b/i.test(head)) return false;
    return endsInsideBody(this.#buffer.toString("latin1", this.#start, at), this.#sink.backslashQuotes);
  }

  #finishStatement(end: number, next: number): void {
    const bytes = this.#buffer.subarray(this.#start, end);
    const offset = this.#base + this.#start;
    this.#mode = "sql";
    this.#start = -1;
    this.#parentheses = 0;
    this.#position = next;
    if (!this.#sink.statement(bytes, offset)) return;
    this.#mode = "copy-line";
  }
}
