/** Decides from its content what kind of input a file is; the extension only breaks ties. */

import { closeSync, openSync, readSync } from "node:fs";
import type { InputKind } from "../contract/evidence.ts";

/** Bytes looked at. */
const HEAD_BYTES = 65536;

/** The first bytes of a file. */
export function headOf(path: string, bytes = HEAD_BYTES): Buffer {
  const fd = openSync(path, "r");
  try {
    const buffer = Buffer.alloc(bytes);
    return buffer.subarray(0, readSync(fd, buffer, 0, bytes, 0));
  } finally {
    closeSync(fd);
  }
}

/** The kind, or null for bytes that are no text and no known store. */
export function sniff(path: string, head: Buffer): InputKind | null {
  if (head.subarray(0, 15).toString("latin1") === "SQLite format 3") return "sqlite";
  if (/\.([cm]?[jt]sx?|py|go|prisma)$/i.test(path)) return "code";
  if (/\.(log|txt|out|err|jsonl|ndjson)(\.|$)/i.test(path) || head.length > 0) return "log";
  return null;
}
