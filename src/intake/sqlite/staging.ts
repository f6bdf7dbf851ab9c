/** The text between SQLite and DuckDB: separators, escapes, and repair of bytes that are no UTF-8. */

import { isUtf8 } from "node:buffer";

/**
 * Columns end with 0x1F and rows, in SQLite's text, with 0x1E; a value that holds either is found out, because the
 * number of rows or columns is then wrong, and the table is read again with every value guarded.
 */
const COLUMN_SEPARATOR = 0x1f;
const ROW_SEPARATOR = 0x1e;
const NEWLINE = 0x0a;
const ESCAPE = 0x1a;

export const COLUMN_SEPARATOR_CHAR = String.fromCharCode(COLUMN_SEPARATOR);
/** The separators in SQLite's words. */
export const COLUMN_SEPARATOR_SQL = `char(${COLUMN_SEPARATOR})`;
export const ROW_SEPARATOR_SQL = `char(${ROW_SEPARATOR})`;

/** What cannot stand in a line of staged text → the letter that follows the escape in its place. */
const LETTERS: Record<string, string> = {
  "\0": "0",
  "\n": "N",
  "\r": "R",
  "\x1a": "Z",
  "\x1e": "E",
  "\x1f": "U",
};
/** DuckDB drops a byte order mark at the beginning of a file. */
const MARK = Buffer.from("\uFEFF");
const MARK_ESCAPED = Buffer.from([ESCAPE, 0x42]);

export type Utf16 = "le" | "be";

export interface Staged {
  /** Whole lines. */
  bytes: Buffer;
  escaped: boolean;
  /** Values that held bytes that are no UTF-8; such a byte is written `\xHH`. */
  repaired: number;
  /** Bytes of the longest line. */
  longest: number;
}

export interface StageOptions {
  /** The text begins the file. */
  first: boolean;
  /** The database's encoding, where it is not UTF-8. */
  utf16: Utf16 | null;
  /** SQLite has escaped separators and escapes already. */
  guarded: boolean;
}

/** Makes lines of a chunk of rows, or null when a value holds a separator. `text` may be changed in place. */
export function stageChunk(text: Buffer, rows: number, options: StageOptions): Staged | null {
  let bytes = text;
  let repaired = 0;
  if (options.utf16) bytes = fromUtf16(text, options.utf16);
  else if (!isUtf8(text)) ({ bytes, repaired } = repairUtf8(text));
  let escaped = options.guarded;
  if (
    bytes.includes(0) ||
    bytes.includes(NEWLINE) ||
    bytes.includes(0x0d) ||
    (!options.guarded && bytes.includes(ESCAPE))
  ) {
    const unsafe = options.guarded ? /[\0\n\r]/g : /[\0\n\r\x1a]/g;
    bytes = Buffer.from(
      bytes.toString("latin1").replace(unsafe, (char) => `\x1a${LETTERS[char]}`),
      "latin1",
    );
    escaped = true;
  }
  if (options.first && bytes.subarray(0, MARK.length).equals(MARK)) {
    bytes = Buffer.concat([MARK_ESCAPED, bytes.subarray(MARK.length)]);
    escaped = true;
  }
  let ends = 0;
  let longest = 0;
  let start = 0;
  for (let end = bytes.indexOf(ROW_SEPARATOR); end !== -1; end = bytes.indexOf(ROW_SEPARATOR, start)) {
    bytes[end] = NEWLINE;
    longest = Math.max(longest, end - start);
    start = end + 1;
    ends++;
  }
  longest = Math.max(longest, bytes.length - start) + 1;
  return ends === rows - 1 ? { bytes, escaped, repaired, longest } : null;
}

/** SQL for SQLite: the value's text with separators and escapes escaped. */
export function guardedSql(text: string): string {
  let sql = text;
  for (const char of ["\x1a", "\x1e", "\x1f"])
    sql = `replace(${sql}, char(${char.charCodeAt(0)}), char(${ESCAPE}) || '${LETTERS[char]}')`;
  return sql;
}

/** SQL for DuckDB: the value without its escapes. The escape's own escape comes last, so nothing is undone twice. */
export function unescapedSql(column: string): string {
  let sql = column;
  const order = [
    ...Object.entries(LETTERS).filter(([char]) => char !== "\x1a"),
    ["\uFEFF", "B"],
    ["\x1a", "Z"],
  ];
  for (const [char = "", letter] of order)
    sql = `replace(${sql}, chr(${ESCAPE}) || '${letter}', chr(${char.charCodeAt(0)}))`;
  return `CASE WHEN contains(${column}, chr(${ESCAPE})) THEN ${sql} ELSE ${column} END`;
}

/** A UTF-16 database gives UTF-16; half a surrogate pair becomes U+FFFD. */
function fromUtf16(text: Buffer, order: Utf16): Buffer {
  const even = text.subarray(0, text.length - (text.length % 2));
  return Buffer.from((order === "be" ? Buffer.from(even).swap16() : even).toString("utf16le"));
}

/** Writes each byte that is no UTF-8 as `\xHH`, so that it is seen and not lost. */
function repairUtf8(text: Buffer): { bytes: Buffer; repaired: number } {
  const parts: Buffer[] = [];
  let repaired = 0;
  let start = 0;
  let badValue = false;
  for (let i = 0; i < text.length; ) {
    const byte = text[i] as number;
    const length = sequenceLength(text, i);
    if (byte === COLUMN_SEPARATOR || byte === ROW_SEPARATOR) badValue = false;
    if (length > 0) {
      i += length;
      continue;
    }
    parts.push(
      text.subarray(start, i),
      Buffer.from(`\\x${byte.toString(16).padStart(2, "0").toUpperCase()}`),
    );
    if (!badValue) repaired++;
    badValue = true;
    start = ++i;
  }
  parts.push(text.subarray(start));
  return { bytes: Buffer.concat(parts), repaired };
}

/** Bytes of the UTF-8 sequence at a place, 0 when there is none. */
function sequenceLength(text: Buffer, at: number): number {
  const first = text[at] as number;
  if (first < 0x80) return 1;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  return first >= 0xc2 && isUtf8(text.subarray(at, at + length)) && at + length <= text.length ? length : 0;
}
