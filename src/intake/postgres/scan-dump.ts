/** Reads the text of a dump part by part: what it says of its tables, their rows into files, and where it is damaged. */

import { createReadStream } from "node:fs";
import { Interrupted, UserError } from "../../contract/errors.ts";
import { bytesAt } from "../bytes.ts";
import type { IntakeContext, Source } from "../context.ts";
import { compressionOf, DataEndsEarly, unpacked } from "../unpack.ts";
import type { DumpPart } from "./archive.ts";
import { profileOf } from "./columns.ts";
import { NeedsDecoding, type TableChoice } from "./dump-table.ts";
import { DumpTables, shownName } from "./dump-tables.ts";
import { type Encoding, Transcoder } from "./encoding.ts";
import { isAsked } from "./load-tables.ts";
import { DumpScanner } from "./scan.ts";

/** Bytes read at a time. */
const CHUNK_BYTES = 4 * 1024 * 1024;
/** From here on a dump is large, and rows of no use are counted and not kept. */
const LARGE_BYTES = 256 * 1024 * 1024;

/** The comments at both ends of what pg_dump and pg_dumpall write, and where they are looked for. */
const FIRST_LINE = /^-- PostgreSQL database (?:cluster )?dump\r?$/m;
const LAST_LINE = /^-- PostgreSQL database (?:cluster )?dump complete\r?$/m;
const TAIL_BYTES = 65536;

export interface ScannedDump {
  tables: DumpTables;
  /** Where the dump is cut off or damaged, for people. */
  faults: string[];
  /** Why it may be: a plain dump that ends between two statements, but not with pg_dump's last line. */
  doubt: string | null;
}

/** A plain dump, packed or not, as the one part it is. */
export async function* plainParts(file: string): AsyncGenerator<DumpPart> {
  const packing = compressionOf(bytesAt(file, 0, 4));
  const raw = createReadStream(file, { highWaterMark: packing === null ? CHUNK_BYTES : CHUNK_BYTES / 4 });
  yield { table: null, bytes: 0, text: packing === null ? raw : unpacked(raw, packing) };
}

/** Scans the whole dump; starts over when its encoding has to be decoded before it can be cut. */
export async function scanDump(
  openParts: () => AsyncGenerator<DumpPart>,
  folder: string,
  source: Source,
  ctx: IntakeContext,
): Promise<ScannedDump> {
  let encoding: Encoding | null = null;
  for (;;) {
    const tables = new DumpTables(folder, encoding !== null, choiceOf(source, ctx));
    const scanned: ScannedDump = { tables, faults: [], doubt: null };
    const progress = progressOf(source, ctx);
    try {
      for await (const part of openParts()) {
        if (part.table === null || tables.asked(part.table)) {
          await scanPart(part, scanned, encoding && new Transcoder(encoding), source, progress);
        } else tables.leave(part.table, part.bytes);
      }
      return scanned;
    } catch (error) {
      if (!(error instanceof NeedsDecoding)) throw error;
      encoding = error.encoding;
    } finally {
      tables.close();
    }
  }
}

/** Tables that were asked for; of a large dump, those with anything of use. */
function choiceOf(source: Source, ctx: IntakeContext): TableChoice {
  const patterns = ctx.settings.tables ?? [];
  return {
    asked: (table) => isAsked(table, patterns),
    matters: (table) =>
      source.bytes < LARGE_BYTES ||
      ctx.matters === undefined ||
      ctx.matters({
        schema: source.name,
        name: table.name,
        rows: Number.POSITIVE_INFINITY,
        columns: profileOf(table, table.segments),
      }),
  };
}

/** Called with the bytes of each chunk. */
function progressOf(source: Source, { hooks }: IntakeContext): (bytes: number) => void {
  let read = 0;
  return (bytes) => {
    if (hooks.signal.aborted) throw new Interrupted();
    read += bytes;
    hooks.progress({ stage: "load", subject: source.name, bytes: read, bytesTotal: source.bytes });
  };
}

/** Reads a part into the tables, and tells what is wrong with it. */
async function scanPart(
  part: DumpPart,
  scanned: ScannedDump,
  transcoder: Transcoder | null,
  source: Source,
  progress: (bytes: number) => void,
): Promise<void> {
  const { tables, faults } = scanned;
  const scanner = new DumpScanner(tables);
  let damage: string | null = null;
  let bytes = 0;
  let isOfPgDump = false;
  let tail = Buffer.alloc(0);
  try {
    for await (const chunk of part.text) {
      progress(chunk.length);
      if (bytes === 0 && isUtf16(chunk))
        throw new UserError(
          `${source.path}: UTF-16, as a Windows shell writes it; make the dump with pg_dump --file, or convert it: iconv -f UTF-16 -t UTF-8`,
        );
      if (bytes === 0) isOfPgDump = FIRST_LINE.test(chunk.toString("latin1", 0, TAIL_BYTES));
      bytes += chunk.length;
      tail = Buffer.concat([tail, chunk.subarray(-TAIL_BYTES)]).subarray(-TAIL_BYTES);
      scanner.push(transcoder ? transcoder.convert(chunk, false) : chunk);
    }
  } catch (error) {
    if (!(error instanceof DataEndsEarly)) throw error;
    damage = error.message;
  }
  const statement = scanner.end();
  const cut = tables.takeCut();
  const why = damage === null ? "" : ` (${damage})`;
  if (part.table !== null) {
    if (damage !== null || cut || statement !== null)
      faults.push(`cut off inside the rows of ${shownName(part.table)}${why}`);
  } else if (cut) faults.push(`cut off at byte ${cut.offset}, inside the rows of ${cut.table}${why}`);
  else if (statement !== null) faults.push(`cut off inside the statement at byte ${statement}${why}`);
  else if (damage !== null) faults.push(damage);
  else if (isOfPgDump && !LAST_LINE.test(tail.toString("latin1")))
    scanned.doubt = `the line with which pg_dump ends is not there: the dump was edited, or cut off at byte ${bytes} between two statements`;
}

function isUtf16(head: Buffer): boolean {
  if (head.length < 4) return false;
  const bom = head.readUInt16BE(0);
  return (
    bom === 0xfffe || bom === 0xfeff || (head[1] === 0 && head[3] === 0) || (head[0] === 0 && head[2] === 0)
  );
}
