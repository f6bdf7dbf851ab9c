/** Makes clean records of JSON files: every record a JSON object, every other one rejected with its line. */

import { statSync } from "node:fs";
import { join } from "node:path";
import { Interrupted, messageOf, UserError } from "../../contract/errors.ts";
import { literal, type Store } from "../../store/index.ts";
import { chunksOf, linesOf, Output } from "../bytes.ts";
import { faultOf, type IntakeContext, type Reject, type Source, shownFile } from "../context.ts";
import { plainFile } from "../plain.ts";
import { type SplitResult, Splitter } from "./split.ts";

/** Clean records, in the order of the files. */
export interface Records {
  /** What to put after FROM: columns `json` JSON and `filename` VARCHAR. */
  relation: string;
  /** `read_json`'s files, format and bounds, for reading typed columns. */
  parameters: string;
  count: number;
  rejected: number;
  /** The input is one single object, perhaps cut into one per element of its arrays. */
  document: boolean;
  notes: string[];
  /** One line per file that could not be read to its end. */
  failures: string[];
}

type Layout = "lines" | "array" | "document" | "values" | "empty";

interface Part {
  /** The file the user named. */
  origin: string;
  path: string;
  format: "newline_delimited" | "array";
  /** Where records began in `origin`, when the file was split. */
  split: SplitResult | null;
}

/** A document beyond this is cut into one document per element of its arrays. */
const DOCUMENT_BYTES = 16 << 20;
/** The longest record; DuckDB holds buffers of twice that. */
const RECORD_BYTES = 32 << 20;
const REJECTS_SHOWN = 1000;
const REJECT_TEXT = 200;

/** @throws UserError when no file of the input can be read. */
export async function cleanRecords(source: Source, ctx: IntakeContext): Promise<Records> {
  const reading = new Reading(source, ctx);
  const parts: Part[] = [];
  for (const file of source.files) {
    if (ctx.hooks.signal.aborted) throw new Interrupted();
    try {
      const part = await reading.part(file);
      if (part) parts.push(part);
    } catch (error) {
      if (error instanceof UserError || error instanceof Interrupted) throw error;
      reading.failures.push(`${shownFile(source, file)}: ${faultOf(error, file)}`);
    }
  }
  const clean = await reading.clean(parts);
  if (clean.length === 0 && reading.failures.length > 0) throw new UserError(reading.failures.join("; "));
  const format = clean[0]?.format ?? "newline_delimited";
  const parameters = readParameters(
    clean.map((part) => part.path),
    format,
  );
  return {
    relation: `read_json_objects(${parameters}, filename = true)`,
    parameters,
    count: reading.count,
    document: source.files.length === 1 && (reading.document || reading.count === 1),
    rejected: reading.rejected,
    notes: reading.notes,
    failures: reading.failures,
  };
}

function readParameters(files: readonly string[], format: Part["format"]): string {
  const list = files.map((file) => literal(file)).join(", ");
  return `[${list}], format = '${format}', compression = 'uncompressed', maximum_object_size = ${RECORD_BYTES}`;
}

class Reading {
  readonly failures: string[] = [];
  readonly notes: string[] = [];
  count = 0;
  rejected = 0;
  document = false;
  readonly #source: Source;
  readonly #ctx: IntakeContext;
  readonly #store: Store;
  #staged = 0;

  constructor(source: Source, ctx: IntakeContext) {
    this.#source = source;
    this.#ctx = ctx;
    this.#store = ctx.store;
  }

  /** A file as DuckDB can read it: as it is, or split. Null for an empty one. */
  async part(origin: string): Promise<Part | null> {
    const plain = await plainFile(this.#store, origin, this.#ctx.hooks.signal);
    const shown = shownFile(this.#source, origin);
    if (plain.cut) this.failures.push(`${shown}: ${plain.cut}; the complete records before were read`);
    const { layout, isOpen } = layoutOf(plain.path, this.#source.files.length === 1);
    if (layout === "empty") {
      this.notes.push(this.#source.files.length > 1 ? `${shown} is empty` : "is empty");
      return null;
    }
    this.document = layout === "document";
    const path = plain.path;
    if (layout === "lines") return { origin, path, format: "newline_delimited", split: null };
    // One array alone is streamed by DuckDB; beside other files, all must have one layout.
    if (layout === "array" && this.#source.files.length === 1)
      return { origin, path, format: "array", split: null };
    // Of a document that was cut off the complete elements of its arrays are worth having.
    const unwrap = layout === "document" && (isOpen || statSync(path).size > DOCUMENT_BYTES);
    return this.#split(origin, path, unwrap);
  }

  #split(origin: string, path: string, unwrap: boolean): Part {
    const target = join(this.#store.tempDir, `${this.#source.name}-records-${++this.#staged}`);
    const split = splitFile(path, target, unwrap, this.#ctx.hooks.signal);
    if (split.dropped.length > 0)
      this.failures.push(
        `${shownFile(this.#source, origin)}: larger than 16 MiB and not read: ${split.dropped.join(", ")}; name a file of what is inside, one array or a record a line`,
      );
    if (split.cut)
      this.failures.push(
        `${shownFile(this.#source, origin)}: cut off in the middle of the record that begins on line ${split.cutLine}; the complete records before were read`,
      );
    return { origin, path: target, format: "newline_delimited", split };
  }

  /** Counts the records and rejects what is no object; the parts come back free of rejects. */
  async clean(parts: readonly Part[]): Promise<Part[]> {
    const clean: Part[] = [];
    // All at once first: thousands of small files are one query when nothing is wrong with them.
    if (parts.length > 1 && parts.every((part) => part.format === "newline_delimited")) {
      const all = await this.#measure(
        parts.map((part) => part.path),
        "newline_delimited",
      );
      if (all && all.bad === 0) {
        this.count += all.count;
        return [...parts];
      }
    }
    for (const part of parts) {
      const measured = await this.#measure([part.path], part.format);
      if (measured && measured.bad === 0) {
        this.count += measured.count;
        clean.push(part);
      } else if (part.format === "array") {
        // Not readable as one array: cut it into lines, where every record stands for itself.
        clean.push(...(await this.clean([this.#split(part.origin, part.path, false)])));
      } else clean.push(await this.#withoutRejects(part));
    }
    return clean;
  }

  async #measure(
    files: readonly string[],
    format: Part["format"],
  ): Promise<{ count: number; bad: number } | null> {
    const tolerant = format === "newline_delimited" ? ", ignore_errors = true" : "";
    try {
      const row = await this.#store.one(
        `SELECT count(*) AS n, count(*) FILTER (WHERE ${BAD}) AS bad
         FROM read_json_objects(${readParameters(files, format)}${tolerant})`,
      );
      return { count: Number(row?.n), bad: Number(row?.bad) };
    } catch (error) {
      if (error instanceof Interrupted || error instanceof UserError) throw error;
      const message = messageOf(error);
      if (/maximum_object_size/.test(message))
        throw new UserError(
          `${this.#source.path}: a record is larger than ${RECORD_BYTES >> 20} MiB; split it or leave it out`,
        );
      return null;
    }
  }

  /** Copies the good lines of a part and rejects the others. */
  async #withoutRejects(part: Part): Promise<Part> {
    const rows = await this.#store.all(
      `SELECT position, kind FROM (
         SELECT row_number() OVER () AS position, json, json_type(json) AS kind
         FROM read_json_objects(${readParameters([part.path], part.format)}, ignore_errors = true)
       ) WHERE ${BAD} ORDER BY position`,
    );
    const bad = new Map(
      rows.map((row) => [Number(row.position), row.kind === null ? null : String(row.kind)]),
    );
    const path = join(this.#store.tempDir, `${this.#source.name}-records-${++this.#staged}`);
    const rejects: Reject[] = [];
    const out = new Output(path);
    let position = 0;
    let last: { line: number; ended: boolean; bad: boolean } = { line: 0, ended: true, bad: false };
    for (const { text, line, ended } of linesOf(part.path)) {
      if (isBlank(text)) continue;
      position++;
      const kind = position === 1 && isObjectText(text) ? undefined : bad.get(position);
      last = { line: part.split?.lines[position - 1] ?? line, ended, bad: kind === null };
      if (kind === undefined) {
        out.write(text);
        out.write(NEWLINE);
        this.count++;
        continue;
      }
      this.rejected++;
      if (rejects.length < REJECTS_SHOWN)
        rejects.push({
          file: shownFile(this.#source, part.origin),
          line: last.line,
          reason: kind === null ? "not valid JSON" : `a JSON ${kind.toLowerCase()}, not an object`,
          text: text
            .subarray(0, REJECT_TEXT * 4)
            .toString("utf8")
            .slice(0, REJECT_TEXT),
        });
    }
    out.close();
    // A last line without its end that is no JSON: the writer was cut off, not mistaken.
    if (part.split === null && last.bad && !last.ended) {
      const reject = rejects.at(-1);
      if (reject?.line === last.line) reject.reason = "cut off";
      this.failures.push(
        `${shownFile(this.#source, part.origin)}: cut off in the middle of line ${last.line}; the complete records before were read`,
      );
    }
    await this.#ctx.reject(this.#source.name, rejects);
    return { ...part, path };
  }
}

/** A record that is no JSON object: its first character tells, without parsing it again. */
const BAD = "json IS NULL OR NOT starts_with(json::VARCHAR, '{')";
const NEWLINE = Buffer.from("\n");

/** What the first value and what follows it say about the layout; `isOpen`: the only document, and it does not end. */
function layoutOf(path: string, isOnly: boolean): { layout: Layout; isOpen: boolean } {
  let layout: Layout = "empty";
  /** No line break inside the first value. */
  let lines = true;
  /** A line break since it ended. */
  let broken = false;
  let depth = 0;
  let inString = false;
  let escaped = false;
  for (const chunk of chunksOf(path)) {
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i] as number;
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === 0x5c) escaped = true;
        else if (byte === 0x22) inString = false;
      } else if (byte <= 0x20) {
        if (byte !== 0x0a) continue;
        if (depth > 0) lines = false;
        else broken = true;
      } else if (depth === 0 && layout !== "empty") {
        // A second value: on a line of its own, or glued to the first.
        return { layout: lines && broken ? "lines" : "values", isOpen: false };
      } else if (byte === 0x22) inString = true;
      else if (byte === 0x7b || byte === 0x5b) {
        if (layout === "empty" && byte === 0x5b) return { layout: "array", isOpen: false };
        layout = "document";
        depth++;
      } else if (byte === 0x7d || byte === 0x5d) depth--;
      else if (layout === "empty") return { layout: "lines", isOpen: false };
    }
  }
  // A single line may grow to several: a log of one record so far.
  const isOpen = isOnly && (depth > 0 || inString);
  const isLine = layout === "document" && lines && !isOpen && statSync(path).size < DOCUMENT_BYTES;
  return { layout: isLine ? "lines" : layout, isOpen };
}

function splitFile(path: string, target: string, unwrap: boolean, signal: AbortSignal): SplitResult {
  const out = new Output(target);
  try {
    const splitter = new Splitter((bytes) => out.write(bytes), unwrap);
    for (const chunk of chunksOf(path)) {
      if (signal.aborted) throw new Interrupted();
      splitter.feed(chunk);
    }
    return splitter.end();
  } finally {
    out.close();
  }
}

/** The first record is read again: a byte order mark before it makes DuckDB reject it. */
function isObjectText(text: Buffer): boolean {
  try {
    const value: unknown = JSON.parse(text.toString("utf8"));
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    // It stays with DuckDB's verdict.
    return false;
  }
}

const isBlank = (text: Buffer) => text.every((byte) => byte === 0x20 || byte === 0x0d || byte === 0x09);
