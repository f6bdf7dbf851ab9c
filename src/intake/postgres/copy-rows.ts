/** Reads and writes the rows of COPY text one by one: every escape that Postgres knows, also those that it never writes. */

import { closeSync, openSync, readSync, writeSync } from "node:fs";
import type { CopyFormat } from "./statements.ts";

/** What DuckDB's reader takes as a line, at most. */
export const ROW_BYTES_MAX = 16 * 1024 * 1024;

/** A line that had too few or too many fields. */
export interface RowReject {
  line: number;
  reason: string;
  text: string;
}

/**
 * Writes the rows again with a tab, `\N` and only the escapes that Postgres itself writes. Reads every escape of
 * COPY: octal, hex, a backslash before the delimiter or a newline. Rows with a wrong number of fields are rejected, and so are those that are too long even
 * without the columns that are not loaded.
 */
export function rewrite(
  { files, format }: { files: readonly string[]; format: CopyFormat },
  loaded: readonly boolean[],
  rejects: RowReject[],
): string[] {
  let line = 0;
  return files.map((file) => {
    const target = `${file}.tsv`;
    line = rewriteFile(file, target, line, loaded, format, rejects);
    return target;
  });
}

/** Returns the number of the last line; `line` is that of the file before. */
function rewriteFile(
  file: string,
  target: string,
  linesBefore: number,
  loaded: readonly boolean[],
  format: CopyFormat,
  rejects: RowReject[],
): number {
  const input = openSync(file, "r");
  const output = openSync(target, "w");
  const delimiter = format.delimiter.charCodeAt(0);
  let line = linesBefore;
  let out: string[] = [];
  let held = 0;
  const flush = () => {
    if (out.length > 0) writeSync(output, out.join(""), null, "utf8");
    out = [];
    held = 0;
  };
  const row = (bytes: Buffer) => {
    line++;
    if (line === 1 && format.header) return;
    const fields = fieldsOf(bytes, delimiter, format.nullText);
    const reject = (reason: string) =>
      rejects.push({ line, reason, text: bytes.toString("utf8", 0, 800).slice(0, 200) });
    if (fields.length !== loaded.length) {
      reject(`${fields.length} fields instead of ${loaded.length}`);
      return;
    }
    const text = `${fields.map((field, i) => (loaded[i] ? escapeField(field) : "\\N")).join("\t")}\n`;
    if (text.length * 3 > ROW_BYTES_MAX && Buffer.byteLength(text) > ROW_BYTES_MAX) {
      reject("longer than 16 MiB");
      return;
    }
    out.push(text);
    held += text.length;
    if (held >= 4 * 1024 * 1024) flush();
  };
  try {
    let rest = Buffer.alloc(0);
    const chunk = Buffer.alloc(4 * 1024 * 1024);
    for (let read = readSync(input, chunk); read > 0; read = readSync(input, chunk)) {
      const bytes = Buffer.concat([rest, chunk.subarray(0, read)]);
      let start = 0;
      for (let end = rowEnd(bytes, start); end >= 0; end = rowEnd(bytes, start)) {
        row(withoutReturn(bytes.subarray(start, end)));
        start = end + 1;
      }
      rest = Buffer.from(bytes.subarray(start));
    }
    if (rest.length > 0) row(withoutReturn(rest));
    flush();
  } finally {
    closeSync(input);
    closeSync(output);
  }
  return line;
}

function withoutReturn(bytes: Buffer): Buffer {
  return bytes.at(-1) === 0x0d ? bytes.subarray(0, -1) : bytes;
}

/** The newline that ends the row: not one behind an odd number of backslashes. */
function rowEnd(bytes: Buffer, from: number): number {
  for (let at = bytes.indexOf(0x0a, from); at >= 0; at = bytes.indexOf(0x0a, at + 1)) {
    let slashes = 0;
    while (at - 1 - slashes >= from && bytes[at - 1 - slashes] === 0x5c) slashes++;
    if (slashes % 2 === 0) return at;
  }
  return -1;
}

const LETTERS: Record<number, number> = { 98: 8, 102: 12, 110: 10, 114: 13, 116: 9, 118: 11 };

/** The values of one row of COPY text, NULL as null. */
export function fieldsOf(bytes: Buffer, delimiter: number, nullText: string): (string | null)[] {
  const fields: (string | null)[] = [];
  const nullBytes = Buffer.from(nullText, "utf8");
  const value = Buffer.allocUnsafe(bytes.length);
  let length = 0;
  let start = 0;
  const push = (end: number) => {
    const raw = bytes.subarray(start, end);
    fields.push(raw.equals(nullBytes) ? null : value.toString("utf8", 0, length));
    length = 0;
    start = end + 1;
  };
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number;
    if (byte === delimiter) push(i);
    else if (byte !== 0x5c) value[length++] = byte;
    else {
      const [code, escaped] = escapeAt(bytes, i + 1);
      value[length++] = code;
      i += escaped;
    }
  }
  push(bytes.length);
  return fields;
}

/** The byte that the escape behind a backslash stands for, and the escape's length. */
function escapeAt(bytes: Buffer, at: number): [number, number] {
  const byte = bytes[at];
  if (byte === undefined) return [0x5c, 0];
  const text = bytes.toString("latin1", at, at + 3);
  const octal = /^[0-7]{1,3}/.exec(text)?.[0];
  if (octal) return [Number.parseInt(octal, 8) & 0xff, octal.length];
  const hex = /^x([0-9A-Fa-f]{1,2})/.exec(text);
  if (hex) return [Number.parseInt(hex[1] as string, 16), hex[0].length];
  return [LETTERS[byte] ?? byte, 1];
}

/** A value as COPY itself writes it. */
export function escapeField(value: string | null): string {
  if (value === null) return "\\N";
  return value.replace(/[\\\t\n\r\b\f\v]/g, (c) => {
    const at = "\\\t\n\r\b\f\v".indexOf(c);
    return `\\${"\\tnrbfv"[at]}`;
  });
}
