/** Loads text that COPY wrote, from a file of a dump or from the wire, into a DuckDB table. */

import { Interrupted, messageOf, UserError } from "../../contract/errors.ts";
import { ident, literal, type Store } from "../../store/index.ts";
import { ROW_BYTES_MAX, type RowReject, rewrite } from "./copy-rows.ts";
import { linesOf } from "./staged.ts";
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
  const bounds = `auto_detect = false, max_line_size = ${ROW_BYTES_MAX}, buffer_size = ${2 * ROW_BYTES_MAX}`;
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
  rejects: RowReject[];
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
  if (columns.length === 0) {
    for (const file of rows.files) result.rows += linesOf(file);
    await store.run(
      `CREATE OR REPLACE TABLE ${relation} AS SELECT 1 AS no_column FROM range(${result.rows})`,
    );
    return result;
  }
  const mappings = new Map(columns.map((c) => [c.name, c.mapping]));
  // After the fast way every value is read as text and converted, which says what is wrong.
  const reading: Reading = { ...rows, columns, mappings, fast: columns.length > 1 };
  let rewritten = false;
  const rewriteAll = () => {
    result.rejects = [];
    const loaded = columns.map((column) => column.load);
    reading.files = rewrite(rows, loaded, result.rejects);
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

/** Tabs, `\N` and no header: what DuckDB reads as it stands. */
function isPlain(format: CopyFormat): boolean {
  return !format.csv && !format.header && format.delimiter === "\t" && format.nullText === "\\N";
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
      result.keptAsText.set(
        column.name,
        messageOf(error).replace(/^[A-Z]\w+ Error: | when casting from source column c\d+/g, ""),
      );
    }
  }
}
