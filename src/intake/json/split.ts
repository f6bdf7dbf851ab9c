/** Cuts JSON text of any layout into records, one a line, in a single pass and in constant memory. */

const [QUOTE, BACKSLASH, COMMA, COLON, LF, CR, SPACE, TAB] = [0x22, 0x5c, 0x2c, 0x3a, 0x0a, 0x0d, 0x20, 0x09];
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY] = [0x7b, 0x7d, 0x5b, 0x5d];

/** Text of one member of a large document that is kept beside its arrays. */
const MEMBER_BYTES = 16 << 20;

export interface SplitResult {
  records: number;
  /** The line each record began on, 1-based. */
  lines: number[];
  /** The text ended inside a value. */
  cut: boolean;
  /** The line on which the unfinished value began. */
  cutLine: number;
  /** Members of a document that were too large to keep beside its arrays, as quoted keys. */
  dropped: string[];
}

/**
 * Takes text in chunks and hands out records, each closed with a newline. Records are the elements of top-level
 * arrays and all other top-level values. With `unwrap`, a top-level object is cut further: every element of its
 * arrays becomes a record of its own in the same wrapping (`{"spans":[…]}`), and the other members one last record.
 * Whether a record is valid JSON is for the reader to say: only strings and brackets are understood here.
 */
export class Splitter {
  readonly #write: (bytes: Buffer) => void;
  readonly #unwrap: boolean;
  readonly #lines: number[] = [];
  /** Brackets that are open around the records: `[` of a top-level array, `{` of a document that is cut further. */
  #frame: "top" | "array" | "object" | "member" = "top";
  #depth = 0;
  #inString = false;
  #escaped = false;
  /** Inside a record; its first byte may lie in an earlier chunk. */
  #inValue: "no" | "nested" | "string" | "bare" = "no";
  #line = 1;
  #startLine = 1;
  #key: Buffer[] = [];
  #rest: Buffer[] = [];
  #restBytes = 0;

  constructor(write: (bytes: Buffer) => void, unwrap = false) {
    this.#write = write;
    this.#unwrap = unwrap;
  }

  /** The chunk's line breaks are overwritten: JSON has none inside a string, and a record must be one line. */
  feed(chunk: Buffer): void {
    let from = this.#inValue === "no" ? -1 : 0;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i] as number;
      if (byte === LF) this.#line++;
      if (this.#inValue !== "no") {
        if (this.#inString) {
          if (this.#escaped) this.#escaped = false;
          else if (byte === BACKSLASH) this.#escaped = true;
          else if (byte === QUOTE) {
            this.#inString = false;
            if (this.#inValue === "string") {
              this.#take(chunk.subarray(from, i + 1), true);
              from = -1;
            }
          } else if (byte === LF || byte === CR) chunk[i] = SPACE;
          continue;
        }
        if (this.#inValue === "bare") {
          const ends = byte === COMMA || byte === CLOSE_ARRAY || byte === CLOSE_OBJECT || byte === LF;
          if (!ends) continue;
          this.#take(chunk.subarray(from, i), true);
          from = -1;
          // The byte that ended it belongs to what is around it.
        } else {
          if (byte === QUOTE) this.#inString = true;
          else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) this.#depth++;
          else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
            if (--this.#depth === 0) {
              this.#take(chunk.subarray(from, i + 1), true);
              from = -1;
            }
          } else if (byte === LF || byte === CR) chunk[i] = SPACE;
          continue;
        }
      }
      if (byte <= SPACE && (byte === SPACE || byte === LF || byte === CR || byte === TAB)) continue;
      if (this.#around(byte)) continue;
      from = i;
      this.#startLine = this.#line;
      if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
        this.#inValue = "nested";
        this.#depth = 1;
      } else if (byte === QUOTE) {
        this.#inValue = "string";
        this.#inString = true;
      } else this.#inValue = "bare";
    }
    if (from >= 0) this.#take(chunk.subarray(from), false);
  }

  end(): SplitResult {
    if (this.#inValue === "bare" && this.#frame === "top") this.#take(Buffer.alloc(0), true);
    const cut = this.#inValue !== "no" || this.#frame !== "top";
    if (this.#inValue !== "no" && this.#frame !== "object" && this.#written) this.#write(Buffer.from("\n"));
    return {
      records: this.#lines.length,
      lines: this.#lines,
      cut,
      cutLine: this.#startLine,
      dropped: this.#dropped,
    };
  }

  /** Some bytes of the open record were already written. */
  #written = false;

  /** Brackets and separators around the records; true when the byte is one. */
  #around(byte: number): boolean {
    switch (this.#frame) {
      case "top":
        if (byte === OPEN_ARRAY) this.#frame = "array";
        else if (byte === OPEN_OBJECT && this.#unwrap) this.#frame = "object";
        else return byte === COMMA;
        return true;
      case "array":
        if (byte === CLOSE_ARRAY) this.#frame = "top";
        return byte === CLOSE_ARRAY || byte === COMMA;
      case "object":
        if (byte === CLOSE_OBJECT) this.#closeObject();
        else if (byte === OPEN_ARRAY && this.#key.length > 0) this.#frame = "member";
        else return byte === COMMA || byte === COLON;
        return true;
      case "member":
        if (byte === CLOSE_ARRAY) {
          this.#frame = "object";
          this.#key = [];
        }
        return byte === CLOSE_ARRAY || byte === COMMA;
    }
  }

  /** Bytes of the record at hand; `done` when they are its last. */
  #take(bytes: Buffer, done: boolean): void {
    if (this.#frame === "object") this.#member(Buffer.from(bytes), done);
    else {
      if (!this.#written) {
        this.#lines.push(this.#startLine);
        if (this.#frame === "member")
          this.#write(Buffer.concat([Buffer.from("{"), ...this.#key, Buffer.from(":[")]));
      }
      this.#write(bytes);
      this.#written = !done;
      if (done) this.#write(Buffer.from(this.#frame === "member" ? "]}\n" : "\n"));
    }
    if (done) this.#inValue = "no";
  }

  #value: Buffer[] = [];

  /** A key of the document, or a value that is no array. */
  #member(bytes: Buffer, done: boolean): void {
    if (this.#key.length === 0 || !this.#keyDone) {
      this.#key.push(bytes);
      this.#keyDone = done;
      return;
    }
    this.#value.push(bytes);
    if (!done) return;
    const member = [...this.#key, Buffer.from(":"), ...this.#value];
    const size = member.reduce((sum, part) => sum + part.length, 0);
    if (this.#restBytes + size <= MEMBER_BYTES) {
      if (this.#rest.length > 0) this.#rest.push(Buffer.from(","));
      this.#rest.push(...member);
      this.#restBytes += size;
    } else this.#dropped.push(Buffer.concat(this.#key).toString("utf8"));
    this.#key = [];
    this.#value = [];
  }

  #keyDone = false;
  readonly #dropped: string[] = [];

  #closeObject(): void {
    this.#frame = "top";
    if (this.#rest.length === 0) return;
    this.#lines.push(this.#startLine);
    this.#write(Buffer.concat([Buffer.from("{"), ...this.#rest, Buffer.from("}\n")]));
    this.#rest = [];
    this.#restBytes = 0;
  }
}
