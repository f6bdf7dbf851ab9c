/** Reads CSV and TSV files, one or many as one table: each row is loaded as it stands or rejected with its line. */

import { isUtf8 } from "node:buffer";
import { Interrupted, UserError } from "../contract/errors.ts";
import type { Input } from "../contract/evidence.ts";
import type { Value } from "../contract/finding.ts";
import type { LoadedInput } from "../contract/loaded.ts";
import { number, plural } from "../contract/wording.ts";
import { ident, literal, qualified, type Store } from "../store/index.ts";
import { bytesAt } from "./bytes.ts";
import { faultOf, type IntakeContext, type Reject, type Source, shownFile } from "./context.ts";
import { plainFile } from "./plain.ts";
import { choose, countOf, type RelationColumn, sampleOf, spreadSample, tableFrom } from "./relation.ts";

/** Rejected rows of a file that are handed on with their text; all are counted. */
const REJECTS_SHOWN = 1000;
const REJECT_TEXT = 200;
/** Bytes of a file that decide its encoding and whether it quotes. */
const HEAD_BYTES = 1 << 20;
/** Bytes of the longest row; DuckDB holds buffers of twice that. */
const ROW_BYTES = 16 << 20;
/** A number as programs print it, of no more digits than a double holds. */
const REAL_PATTERN = "-?(0|[1-9][0-9]{0,14})(\\.[0-9]+)?([eE][-+]?[0-9]{1,2})?";
const REAL = new RegExp(`^(${REAL_PATTERN}|-?[1-9][0-9]{0,18})$`);

interface CsvFile {
  path: string;
  columns: string[];
  /** `read_csv(…)` with every column as text; rows that do not fit are left out unless the parameters say more. */
  relation(parameters?: string): string;
  notes: string[];
  /** Why its text ends early, or null. */
  cut: string | null;
}

interface CsvColumn extends RelationColumn {
  /** Its first values. */
  head: Value[];
}

/**
 * Numbers become numbers where every value of a column is one; everything else stays the text that it is.
 * @throws UserError when no file of the input can be read.
 */
export async function loadCsv(source: Source, ctx: IntakeContext): Promise<LoadedInput> {
  const { store } = ctx;
  const { name, kind, path, bytes } = source;
  const files: CsvFile[] = [];
  const failures: string[] = [];
  for (const one of source.files) {
    try {
      const file = await dialectOf(ctx, one);
      if (file) files.push(file);
    } catch (error) {
      if (error instanceof UserError || error instanceof Interrupted) throw error;
      failures.push(`${shownFile(source, one)}: not readable as CSV (${faultOf(error, one)})`);
    }
  }
  if (files.length === 0 && failures.length > 0) throw new UserError(failures.join("; "));
  const notes = [...source.notes, ...new Set(files.flatMap((file) => file.notes))];
  if (source.files.length > 1) notes.push(`${source.files.length} files read as one table`);
  const input: Input = { name, kind, path, bytes, rows: 0, rejected: 0, tables: [], notes };
  await store.run(`CREATE SCHEMA ${ident(name)}`);
  const columns = await typed(store, files);
  if (columns.length === 0) {
    notes.push("is empty");
    return { input, tables: [], log: null };
  }
  const heads = columns.map((column) => column.head);
  const chosen = choose(ctx, source, name, roughRows(bytes, heads), columns, heads) as CsvColumn[];
  const table = qualified(name, name);
  await store.run(`CREATE TABLE ${table} (${chosen.map((c) => `${ident(c.name)} ${c.type}`).join(", ")})`);
  for (const file of files) {
    try {
      input.rejected += await readInto(source, ctx, table, chosen, file);
      if (file.cut) failures.push(`${shownFile(source, file.path)}: ${file.cut}; the rows before were read`);
    } catch (error) {
      if (error instanceof UserError || error instanceof Interrupted) throw error;
      failures.push(`${shownFile(source, file.path)}: ${faultOf(error, file.path)}`);
    }
  }
  if (failures.length > 0) input.error = failures.join("; ");
  input.rows = await countOf(store, table);
  input.tables.push(`${name}.${name}`);
  const spread = await spreadSample(store, table, chosen, input.rows);
  const loaded = new Map(chosen.map((column, i) => [column.name, spread[i] ?? []]));
  const sample = columns.map((column) => loaded.get(column.name) ?? column.head);
  const described = tableFrom(source, {
    name,
    rows: input.rows,
    columns,
    sample,
    loaded: new Set(loaded.keys()),
  });
  return { input, tables: [described], log: null };
}

/** Delimiter, quote, header and encoding of one file; null when it is empty. */
async function dialectOf(ctx: IntakeContext, path: string): Promise<CsvFile | null> {
  const { store, hooks } = ctx;
  const plain = await plainFile(store, path, hooks.signal);
  const head = bytesAt(plain.path, 0, HEAD_BYTES);
  if (head.length === 0) return null;
  const { encoding, notes } = encodingOf(head);
  const base = `${literal(plain.path)}, compression = 'none', max_line_size = ${ROW_BYTES}, buffer_size = ${2 * ROW_BYTES}, encoding = ${literal(encoding)}`;
  const sniffed = await store.one(
    `SELECT Delimiter AS delim, Quote AS quote, Escape AS escape, Comment AS comment, SkipRows AS skip, HasHeader AS header,
            Columns AS columns FROM sniff_csv(${base}, ignore_errors = true)`,
  );
  const setting = (key: string) => (sniffed?.[key] === "(empty)" ? "" : String(sniffed?.[key] ?? ""));
  // The sniffer sees the head only: without a quote in it, later quotes must still count as such.
  const quote = setting("quote") || (head.includes(0x22) ? "" : '"');
  const quoteEscape = setting("escape") || quote;
  const columns = ((sniffed?.columns ?? []) as { name: string }[]).map((column) => column.name);
  const skip = Number(sniffed?.skip ?? 0);
  if (skip > 0) notes.push(`${skip} leading lines above the header were skipped`);
  const structure = columns.map((column) => `${literal(column)}: 'VARCHAR'`).join(", ");
  const parameters = [
    base,
    "auto_detect = false",
    `delim = ${literal(setting("delim"))}`,
    `quote = ${literal(quote)}`,
    `escape = ${literal(quoteEscape)}`,
    `comment = ${literal(setting("comment"))}`,
    `skip = ${skip}`,
    `header = ${sniffed?.header === true}`,
    `columns = {${structure}}`,
    "allow_quoted_nulls = false",
  ].join(", ");
  return {
    path,
    columns,
    notes,
    cut: plain.cut,
    relation: (more = "ignore_errors = true") => `read_csv(${parameters}, ${more})`,
  };
}

/** A byte order mark decides; else text that is no UTF-8 anywhere is Latin-1. */
function encodingOf(head: Buffer): { encoding: string; notes: string[] } {
  if (head.length >= 2 && (head.readUInt16LE(0) === 0xfeff || head.readUInt16LE(0) === 0xfffe))
    return { encoding: "utf-16", notes: [] };
  if (isUtf8(head)) return { encoding: "utf-8", notes: [] };
  const text = head.toString("utf8");
  const good = text.match(/[^\0-\x7f\ufffd]/gu)?.length ?? 0;
  if (good > 0) return { encoding: "utf-8", notes: [] };
  return { encoding: "latin-1", notes: ["is no UTF-8 and was read as Latin-1"] };
}

/** The columns of all files, in the order of their first appearance, with the type that fits every value. */
async function typed(store: Store, files: readonly CsvFile[]): Promise<CsvColumn[]> {
  const columns = new Map<string, CsvColumn & { whole: boolean; real: boolean; filled: boolean }>();
  for (const file of files) {
    const heads = await sampleOf(store, file.relation(), file.columns.map(text));
    file.columns.forEach((name, i) => {
      const head = heads[i] ?? [];
      const column = columns.get(name) ?? {
        name,
        type: "VARCHAR",
        head,
        whole: true,
        real: true,
        filled: false,
      };
      column.real &&= head.every((value) => value === null || value === "" || REAL.test(String(value)));
      columns.set(name, column);
    });
  }
  for (const file of files) {
    const open = file.columns.map((name) => columns.get(name)).filter((c) => c?.real) as CsvColumn[];
    if (open.length === 0) continue;
    const measures = open.map(({ name }, i) => {
      const value = ident(name);
      const wrong = (type: string, condition: string) =>
        `count(*) FILTER (WHERE ${value} <> '' AND (TRY_CAST(${value} AS ${type}) IS NULL OR NOT ${condition}))`;
      return `count(nullif(${value}, '')) AS n${i},
        ${wrong("BIGINT", `TRY_CAST(${value} AS BIGINT)::VARCHAR = ${value}`)} AS w${i},
        ${wrong("DOUBLE", `(isfinite(TRY_CAST(${value} AS DOUBLE)) AND regexp_full_match(${value}, ${literal(REAL_PATTERN)}))`)} AS r${i}`;
    });
    const row = await store.one(`SELECT ${measures.join(", ")} FROM ${file.relation()}`);
    open.forEach(({ name }, i) => {
      const column = columns.get(name);
      if (!column) return;
      column.filled ||= Number(row?.[`n${i}`]) > 0;
      column.whole &&= Number(row?.[`w${i}`]) === 0;
      column.real &&= Number(row?.[`r${i}`]) === 0;
    });
  }
  return [...columns.values()].map(({ name, head, whole, real, filled }) => {
    const type = !filled ? "VARCHAR" : whole ? "BIGINT" : real ? "DOUBLE" : "VARCHAR";
    return { name, type, head: type === "VARCHAR" ? head : head.map(numberOf) };
  });
}

/** Rows that so many bytes hold, when all are as long as the first ones. */
function roughRows(bytes: number, heads: readonly Value[][]): number {
  const seen = Math.max(1, ...heads.map((head) => head.length));
  const length = heads.flat().reduce<number>((sum, value) => sum + String(value ?? "").length + 1, 0);
  return Math.ceil((bytes / Math.max(1, length)) * seen);
}

const text = (name: string): RelationColumn => ({ name, type: "VARCHAR" });
const numberOf = (value: Value) => (value === null || value === "" ? null : Number(value));

/** Inserts one file's rows; returns how many were rejected. */
async function readInto(
  source: Source,
  ctx: IntakeContext,
  table: string,
  chosen: readonly CsvColumn[],
  file: CsvFile,
): Promise<number> {
  const { store } = ctx;
  const mine = chosen.filter((column) => file.columns.includes(column.name));
  const list = mine.map(({ name, type }) =>
    type === "VARCHAR" ? ident(name) : `CAST(nullif(${ident(name)}, '') AS ${type}) AS ${ident(name)}`,
  );
  // A file with none of the columns that matter still has its rows.
  if (list.length === 0) list.push(`NULL AS ${ident(chosen[0]?.name ?? "")}`);
  await store.run(
    `INSERT INTO ${table} BY NAME SELECT ${list.join(", ")} FROM ${file.relation(
      "store_rejects = true, rejects_limit = 0, rejects_table = 'csv_rejects', rejects_scan = 'csv_scans'",
    )}`,
  );
  const count = await store.one("SELECT count(DISTINCT line_byte_position) AS n FROM csv_rejects");
  const rows = await store.all(
    `SELECT line, arg_min(error_type, byte_position) AS kind, arg_min(error_message, byte_position) AS message,
            left(any_value(csv_line), ${REJECT_TEXT}) AS text
     FROM csv_rejects GROUP BY line, line_byte_position ORDER BY line LIMIT ${REJECTS_SHOWN}`,
  );
  await store.run("DROP TABLE csv_rejects; DROP TABLE csv_scans");
  await ctx.reject(
    source.name,
    rows.map(
      (row): Reject => ({
        file: shownFile(source, file.path),
        line: Number(row.line),
        reason: reasonOf(String(row.kind), String(row.message)),
        text: String(row.text ?? ""),
      }),
    ),
  );
  return Number(count?.n ?? 0);
}

/** Why a row was rejected, in words. */
function reasonOf(kind: string, message: string): string {
  const counts = /Columns: (\d+) Found: (\d+)/.exec(message);
  if (counts) return `expected ${plural(Number(counts[1]), "column")}, found ${counts[2]}`;
  if (kind === "UNQUOTED VALUE") return "a quoted value does not end, or text follows it";
  if (kind === "INVALID ENCODING") return "not valid in the file's encoding";
  if (kind === "LINE SIZE OVER MAXIMUM") return `longer than ${number(ROW_BYTES)} bytes`;
  return message.split("\n", 1)[0] ?? kind.toLowerCase();
}
