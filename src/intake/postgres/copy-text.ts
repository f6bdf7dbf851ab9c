/** Loads text that COPY wrote, from a file of a dump or from the wire, into a DuckDB table. */

import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { Interrupted, messageOf, UserError } from "../../contract/errors.ts";
import { ident, literal, type Store } from "../../store/index.ts";
import type { CopyFormat } from "./statements.ts";
import { TEXT_MAPPING, type TypeMapping } from "./types.ts";

export interface CopyColumn {
  name: string;
  mapping: TypeMapping;
  /** False: it stays in the file. */
  load: boolean;
}

export const PG_COPY: CopyFormat = {
  csv: false,
  header: false,
  delimiter: "\t",
  nullText: "\\N",
  quote: '"',
  escape: '"',
};

/** A noncharacter that stands for an escaped backslash while the other escapes are undone. */
const MARK = "chr(1114110)";

/** Undoes COPY's escapes. Those that Postgres reads but never writes raise an error: see `rewrite`. */
function unescaped(text: string): string {
  const marked = `replace(${text}, '\\\\', ${MARK})`;
  const whole = `replace(${letters(marked)}, ${MARK}, '\\')`;
  // Where a value holds the mark itself: the stretches between escaped backslashes one by one, at a greater cost.
  const pieces = `array_to_string(list_transform(string_split(${text}, '\\\\'), lambda piece: ${letters("piece")}), '\\')`;
  const isRare = `regexp_matches(replace(${text}, '\\\\', ''), '\\\\[^bfnrtv]|\\\\$')`;
  return `CASE WHEN NOT contains(${text}, '\\') THEN ${text} WHEN ${isRare} THEN error('rare copy escape') WHEN contains(${text}, ${MARK}) THEN ${pieces} ELSE ${whole} END`;
}

/** Puts control characters in place of the letters that stand for them. */
function letters(text: string): string {
  const escapes: [string, number][] = [
    ["\\t", 9],
    ["\\n", 10],
    ["\\r", 13],
    ["\\b", 8],
    ["\\f", 12],
    ["\\v", 11],
  ];
  return escapes.reduce((sql, [letter, code]) => `replace(${sql}, ${literal(letter)}, chr(${code}))`, text);
}

/** Types that DuckDB's reader makes of a field as a CAST would, without a text in between. (Of a TIMESTAMPTZ that does not convert it makes NULL.) */
const READ_AS_IS = /^(SMALLINT|INTEGER|BIGINT|DECIMAL.*|FLOAT|DOUBLE|TIMESTAMP)$/;

/**
 * A FROM clause over the files' columns c0 …
 * @param types of the columns that are no text
 */
function reader(
  files: readonly string[],
  count: number,
  format: CopyFormat,
  types: ReadonlyMap<number, string> = new Map(),
): string {
  const columns = Array.from({ length: count }, (_, i) => `'c${i}': '${types.get(i) ?? "VARCHAR"}'`).join(
    ", ",
  );
  const bounds = "auto_detect = false, max_line_size = 16777216, buffer_size = 33554432";
  const read = (options: string) =>
    `read_csv([${files.map(literal).join(", ")}], columns = {${columns}}, ${options}, ${bounds})`;
  if (format.csv)
    return read(
      `delim = ${literal(format.delimiter)}, quote = ${literal(format.quote)}, escape = ${literal(format.escape)}, header = ${format.header}, nullstr = ${literal(format.nullText)}, allow_quoted_nulls = false`,
    );
  const plain = (nullText: string) =>
    `delim = chr(9), quote = '', escape = '', header = false, nullstr = ${literal(nullText)}`;
  if (count > 1) return read(plain("\\N"));
  // In a file of one column an empty line would be skipped, unless an empty line means NULL.
  return `(SELECT CASE WHEN c0 IS NULL THEN '' WHEN c0 = '\\N' THEN NULL ELSE c0 END AS c0 FROM ${read(plain(""))})`;
}

export interface CopyResult {
  rows: number;
  /** Columns that kept their text because a value did not convert: name → example of the reason. */
  keptAsText: Map<string, string>;
  /** Lines that had too few or too many fields. */
  rejects: { line: number; reason: string; text: string }[];
}

/** Rows of one list of columns, as COPY wrote them. */
export interface CopyRows {
  /** COPY text in UTF-8, without the end mark. */
  files: readonly string[];
  format: CopyFormat;
  /** False when no backslash but that of `\N` stands in them. */
  escapes: boolean;
}

/** What is read of them, and how. */
interface Reading extends CopyRows {
  columns: readonly CopyColumn[];
  mappings: ReadonlyMap<string, TypeMapping>;
  /** Values of some types are made by DuckDB's reader, which says less of what is wrong. */
  fast: boolean;
}

/** Creates `relation` from the columns to load. */
export async function loadCopyText(
  store: Store,
  relation: string,
  columns: readonly CopyColumn[],
  rows: CopyRows,
): Promise<CopyResult> {
  const result: CopyResult = { rows: 0, keptAsText: new Map(), rejects: [] };
  const mappings = new Map(columns.map((c) => [c.name, c.mapping]));
  // After the fast way every value is read as text and converted, which says what is wrong.
  const reading: Reading = { ...rows, columns, mappings, fast: columns.length > 1 };
  let rewritten = false;
  const rewriteAll = () => {
    reading.files = rewrite(rows, columns.length, result);
    reading.format = PG_COPY;
    reading.escapes = true;
    rewritten = true;
  };
  if (!rows.format.csv && !isPlain(rows.format)) rewriteAll();
  for (let attempt = 0; ; attempt++) {
    try {
      await store.run(`CREATE OR REPLACE TABLE ${relation} AS ${selectOf(reading)}`);
      break;
    } catch (error) {
      if (reading.fast && !(error instanceof UserError) && !(error instanceof Interrupted)) {
        reading.fast = false;
        continue;
      }
      const message = messageOf(error);
      if (attempt > columns.length + 2) throw error;
      if (
        !rewritten &&
        !rows.format.csv &&
        /rare copy escape|Expected Number of Columns|CSV|unicode/i.test(message)
      ) {
        rewriteAll();
        continue;
      }
      if (!/Conversion Error|Malformed JSON|Could not convert|Out of Range/i.test(String(error))) throw error;
      await keepAsText(store, reading, mappings, result);
    }
  }
  const row = await store.one(`SELECT count(*) AS n FROM ${relation}`);
  result.rows = Number(row?.n ?? 0);
  return result;
}

/** Tabs and `\N`: what DuckDB reads as it stands. */
function isPlain(format: CopyFormat): boolean {
  return !format.csv && format.delimiter === "\t" && format.nullText === "\\N";
}

function selectOf({ files, columns, mappings, format, escapes, fast }: Reading): string {
  const types = new Map<number, string>();
  const selected = columns.flatMap((column, i) => {
    if (!column.load) return [];
    const mapping = mappings.get(column.name) ?? TEXT_MAPPING;
    const asIs = fast && READ_AS_IS.test(mapping.type);
    if (asIs) types.set(i, mapping.type);
    return [`${asIs ? `c${i}` : typedValue(i, mapping, format, escapes)} AS ${ident(column.name)}`];
  });
  return `SELECT ${selected.length > 0 ? selected.join(", ") : "1 AS no_column"} FROM ${reader(files, columns.length, format, types)}`;
}

/** Types without a backslash in their text need no unescaping. */
const NEVER_ESCAPED =
  /^(SMALLINT|INTEGER|BIGINT|FLOAT|DOUBLE|DECIMAL.*|BOOLEAN|DATE|TIME|TIMESTAMP|TIMESTAMPTZ|UUID)$/;

function typedValue(index: number, mapping: TypeMapping, format: CopyFormat, escapes: boolean): string {
  const raw = `c${index}`;
  return mapping.convert(format.csv || !escapes || NEVER_ESCAPED.test(mapping.type) ? raw : unescaped(raw));
}

/** Finds the columns whose values do not all convert, and turns them to text. */
async function keepAsText(
  store: Store,
  { files, columns, format, escapes }: Reading,
  mappings: Map<string, TypeMapping>,
  result: CopyResult,
): Promise<void> {
  for (const [i, column] of columns.entries()) {
    const mapping = mappings.get(column.name) ?? TEXT_MAPPING;
    if (!column.load || mapping === TEXT_MAPPING) continue;
    try {
      await store.run(
        `SELECT count(${typedValue(i, mapping, format, escapes)}) FROM ${reader(files, columns.length, format)}`,
      );
    } catch (error) {
      mappings.set(column.name, TEXT_MAPPING);
      result.keptAsText.set(column.name, messageOf(error).replace(/^[A-Z]\w+ Error: /, ""));
    }
  }
}

/**
 * Writes the rows again with a tab, `\N` and only the escapes that Postgres itself writes. Reads every escape of
 * COPY: octal, hex, a backslash before the delimiter or a newline. Rows with a wrong number of fields are rejected.
 */
function rewrite({ files, format }: CopyRows, count: number, result: CopyResult): string[] {
  result.rejects = [];
  let line = 0;
  return files.map((file) => {
    const target = `${file}.tsv`;
    line = rewriteFile(file, target, line, count, format, result);
    return target;
  });
}

/** Returns the number of the last line; `line` is that of the file before. */
function rewriteFile(
  file: string,
  target: string,
  linesBefore: number,
  count: number,
  format: CopyFormat,
  result: CopyResult,
): number {
  const input = openSync(file, "r");
  const output = openSync(target, "w");
  const delimiter = format.delimiter.charCodeAt(0);
  let line = linesBefore;
  let out: string[] = [];
  const flush = () => {
    if (out.length > 0) writeSync(output, out.join(""), null, "utf8");
    out = [];
  };
  const row = (bytes: Buffer) => {
    line++;
    const fields = fieldsOf(bytes, delimiter, format.nullText);
    if (fields.length !== count && !(count === 0 && bytes.length === 0)) {
      result.rejects.push({
        line,
        reason: `${fields.length} fields instead of ${count}`,
        text: bytes.toString("utf8").slice(0, 200),
      });
      return;
    }
    out.push(`${fields.map(escapeField).join("\t")}\n`);
    if (out.length >= 4096) flush();
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
  let value: number[] = [];
  let start = 0;
  const push = (end: number) => {
    const raw = bytes.subarray(start, end);
    fields.push(raw.equals(nullBytes) ? null : Buffer.from(value).toString("utf8"));
    value = [];
    start = end + 1;
  };
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number;
    if (byte === delimiter) push(i);
    else if (byte !== 0x5c) value.push(byte);
    else {
      const [code, length] = escapeAt(bytes, i + 1);
      value.push(code);
      i += length;
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
