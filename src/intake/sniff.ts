/** Decides from its content what kind of input a file is; the extension only breaks ties. */

import { isUtf8 } from "node:buffer";
import type { InputKind } from "../contract/evidence.ts";
import { bytesAt } from "./bytes.ts";
import { dumpDialectOf, isDelimited, isJsonDocument, jsonLinesOf, linesOf } from "./text-shapes.ts";
import { compressionOf, unpackedHead } from "./unpack.ts";

/** Bytes looked at. */
const HEAD_BYTES = 65536;
/** Packed bytes that hold at least one whole block of zstd. */
const ZSTD_HEAD_BYTES = 3 * HEAD_BYTES;

/** The first bytes of a file; of a zstd file as many as it takes to look inside. */
export function headOf(path: string, bytes = HEAD_BYTES): Buffer {
  const head = bytesAt(path, 0, bytes);
  return compressionOf(head) === "zstd" ? bytesAt(path, 0, ZSTD_HEAD_BYTES) : head;
}

/** What a file turned out to be. */
export interface Sniffed {
  /** Null when it is nothing that trueup reads. */
  kind: InputKind | null;
  /** For people, when the kind is null: what it seems to be and what to do. */
  reason: string;
  compression: "gzip" | "zstd" | null;
  /** The content alone shows it, whatever the name: what is picked up from a directory. */
  certain: boolean;
  /** The first bytes, unpacked; empty where they could not be. */
  inner: Buffer;
}

/** What the rules look at. */
interface Sight {
  /** The name, lower case, without the suffix of a compression. */
  name: string;
  head: Buffer;
  /** The head as text, or null when it is none. */
  text: string | null;
  lines: string[];
}

interface Rule {
  kind: InputKind;
  /** True for a rule that the content alone decides. */
  certain: boolean;
  fits(sight: Sight): boolean;
}

const SOURCE_CODE = /\.(?:[cm]?[jt]sx?|py|go|prisma|sql|vue|svelte)$/;
const LOG_NAME = /(?:\.|^|[-_])(?:log|logs|out|err|stdout|stderr)(?:$|[.\-_])/;
/** A line that begins with a time, bare or in brackets, or with a level. */
const LOG_LINE =
  /^\W{0,2}(?:\[?(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL|CRITICAL)\b|(?:\d{4}[-/.]\d\d[-/.]\d\d|\d\d[-/.](?:\d\d|[A-Z][a-z]{2})[-/.]\d{4}|[A-Z][a-z]{2} [ \d]\d )[ T:]*\d\d:\d\d|\d\d:\d\d:\d\d\b|\d{10}(?:\d{3}){0,3}\b)|^\S+ \S+ \S+ \[\d\d\/[A-Z][a-z]{2}\/\d{4}|^<\d{1,3}>|^(?:time|ts|level)=/;

const startsWith =
  (bytes: string, at = 0) =>
  ({ head }: Sight) =>
    head.subarray(at, at + bytes.length).toString("latin1") === bytes;

/** In this order; the first that fits decides. */
const RULES: readonly Rule[] = [
  { kind: "sqlite", certain: true, fits: startsWith("SQLite format 3\0") },
  { kind: "duckdb", certain: true, fits: startsWith("DUCK", 8) },
  { kind: "parquet", certain: true, fits: startsWith("PAR1") },
  { kind: "postgres-archive", certain: true, fits: startsWith("PGDMP") },
  { kind: "postgres-archive", certain: true, fits: startsWith("toc.dat\0") },
  { kind: "sql-dump", certain: true, fits: ({ text }) => text !== null && dumpDialectOf(text) !== null },
  { kind: "log", certain: true, fits: ({ lines }) => jsonLinesOf(lines) === "log" },
  { kind: "json", certain: true, fits: ({ lines }) => lines.length > 1 && jsonLinesOf(lines) === "data" },
  {
    kind: "json",
    certain: false,
    fits: ({ name, text }) => !LOG_NAME.test(name) && text !== null && isJsonDocument(text),
  },
  { kind: "code", certain: true, fits: ({ name, text }) => SOURCE_CODE.test(name) && text !== null },
  { kind: "csv", certain: true, fits: ({ name, text }) => /\.(?:csv|tsv|psv)$/.test(name) && text !== null },
  { kind: "csv", certain: false, fits: ({ name, lines }) => !LOG_NAME.test(name) && isDelimited(lines) },
  {
    kind: "log",
    certain: true,
    fits: ({ name, text, lines }) => text !== null && (LOG_NAME.test(name) || isDatedText(lines)),
  },
  { kind: "log", certain: false, fits: ({ text }) => text !== null },
];

/** Entries may have many lines: the first one, or a fifth of all, begins like a log's. */
function isDatedText(lines: readonly string[]): boolean {
  const fits = lines.map((line) => LOG_LINE.test(line.replace(/\x1b\[[\d;]*[A-Za-z]/g, "")));
  return fits[0] === true || fits.filter(Boolean).length > lines.length / 5;
}

/** Signatures of what trueup does not read, for a message that helps. */
const FOREIGN: readonly [string, string][] = [
  ["PK\x03\x04", "a zip archive: unpack it and name what is inside"],
  ["BZh", "compressed with bzip2: unpack it first"],
  ["\xfd7zXZ\0", "compressed with xz: unpack it first"],
  ["\x04\x22\x4d\x18", "compressed with lz4: unpack it first (lz4 -d)"],
  ["%PDF", "a PDF document"],
  ["\x7fELF", "a program"],
  ["\x89PNG", "an image"],
  ["Obj\x01", "an Avro file: convert it to Parquet or JSON"],
  ["ORC", "an ORC file: convert it to Parquet or JSON"],
];

/** The beginning of a text file, unpacked and decoded; empty when it is no text. */
export function dumpTextOf(path: string): string {
  const head = headOf(path);
  const compression = compressionOf(head);
  const inner = compression === null ? head : unpackedHead(head, compression, HEAD_BYTES);
  return inner === null ? "" : (textOf(inner) ?? "");
}

/** What a file is, from its first bytes; `path` breaks ties. */
export function sniff(path: string, head: Buffer): Sniffed {
  const name = (path.split(/[\\/]/).pop() ?? "").toLowerCase();
  const compression = compressionOf(head);
  const inner = compression === null ? head : unpackedHead(head, compression, HEAD_BYTES);
  if (inner === null) return unknown(`compressed with ${compression}, and damaged`, compression);
  const text = textOf(inner);
  const whole = inner.length < HEAD_BYTES;
  const lines = text === null ? [] : linesOf(text, whole);
  const sight: Sight = { name: name.replace(/\.(?:gz|zstd?)$/, ""), head: inner, text, lines };
  const rule = RULES.find((one) => one.fits(sight));
  if (rule) return { kind: rule.kind, reason: "", compression, certain: rule.certain, inner };
  return unknown(reasonFor(sight), compression);
}

function unknown(reason: string, compression: Sniffed["compression"]): Sniffed {
  return { kind: null, reason, compression, certain: false, inner: Buffer.alloc(0) };
}

function reasonFor({ name, head }: Sight): string {
  const start = head.subarray(0, 8).toString("latin1");
  const foreign = FOREIGN.find(([signature]) => start.startsWith(signature));
  if (foreign) return foreign[1];
  if (start.startsWith("SQLite")) return "cut off: not even SQLite's header is whole";
  if (/\.(?:db3?|sqlite3?|s3db|sl3)$/.test(name))
    return "encrypted or damaged: it does not begin with SQLite's header";
  return "binary data that is no log, database or any other input that trueup reads";
}

/** The head as text: UTF-8, UTF-16, or mostly so (a bad byte here and there is no reason to refuse a log). */
function textOf(head: Buffer): string | null {
  if (head[0] === 0xff && head[1] === 0xfe) return head.toString("utf16le").slice(1);
  if (head[0] === 0xfe && head[1] === 0xff)
    return Buffer.from(head.subarray(0, head.length & ~1))
      .swap16()
      .toString("utf16le")
      .slice(1);
  const wide = utf16WithoutMark(head);
  if (wide !== null) return wide;
  let odd = 0;
  let zeros = 0;
  for (const byte of head) {
    if (byte === 0) zeros++;
    else if (byte < 9 || (byte > 13 && byte < 27) || byte === 127) odd++;
  }
  // Zeros in a row are what copytruncate leaves; among other bytes they are binary.
  const rest = head.length - zeros;
  if (rest === 0 && head.length > 0) return null;
  if (odd > rest * 0.02) return null;
  const body = zeros > 0 ? Buffer.from(head.filter((byte) => byte !== 0)) : head;
  if (!isUtf8(body) && badRatio(body) > 0.15) return null;
  return body.toString("utf8").replace(/^\uFEFF/, "");
}

/** ASCII text in UTF-16 has a zero in every other byte. */
function utf16WithoutMark(head: Buffer): string | null {
  if (head.length < 16) return null;
  const even = head.length & ~1;
  let low = 0;
  let high = 0;
  for (let i = 0; i < even; i += 2) {
    if (head[i] === 0) high++;
    if (head[i + 1] === 0) low++;
  }
  if (low > even * 0.4 && high < even * 0.02) return head.subarray(0, even).toString("utf16le");
  if (high > even * 0.4 && low < even * 0.02)
    return Buffer.from(head.subarray(0, even)).swap16().toString("utf16le");
  return null;
}

function badRatio(body: Buffer): number {
  const decoded = body.toString("utf8");
  let bad = 0;
  for (const char of decoded) if (char === "\uFFFD") bad++;
  return bad / Math.max(1, decoded.length);
}
