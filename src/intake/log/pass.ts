/** The one pass over a log's bytes: each line becomes its time and, where it may matter later, its text. */

import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { Interrupted, UserError } from "../../contract/errors.ts";
import { literal, qualified } from "../../store/index.ts";
import type { IntakeContext, Source } from "../context.ts";
import { type Cleaned, cleanCopy } from "./clean.ts";
import type { Sample } from "./sample.ts";

/** Four bytes that begin with one that no text has: a line that holds them is cleaned first. */
const DELIMITER = "\x01\x02\x03\x04";
/** Bytes; longer lines go through the cleaner, which cuts them. */
const LINE_MAX_BYTES = 4_194_304;

/** A part of the log as DuckDB can read it. */
export interface Part {
  sample: Sample;
  /** What `read_csv` is given. */
  path: string;
  cleaned: Cleaned | null;
  /** Lines, once loaded. */
  lines: number;
  /** Lines of the parts before it: a stream line minus this is a line of the file. */
  before: number;
}

/** SQL for the lines of a file as it is; fails where its bytes need cleaning. */
export function sampleLinesSql(sample: Sample): string {
  return readCsv(sample.file, sample.compression, "");
}

/** SQL for the lines of one part: a column `raw`, NULL for blank lines, in the order of the file. */
export function linesSql(part: Part): string {
  return part.cleaned
    ? readCsv(part.path, "none", `, max_line_size = ${LINE_MAX_BYTES}, buffer_size = ${4 * LINE_MAX_BYTES}`)
    : readCsv(part.path, part.sample.compression, "");
}

function readCsv(path: string, compression: string, more: string): string {
  return `read_csv(${literal(path)}, columns = {'raw': 'VARCHAR'}, header = false, delim = ${literal(
    DELIMITER,
  )}, quote = '', escape = '', comment = '', auto_detect = false, compression = '${compression}'${more})`;
}

/**
 * Runs `load` on each part in turn; a part that DuckDB cannot read as it is, is cleaned and loaded again.
 * @param load appends the lines of a part to the table; nothing is left behind when it fails.
 */
export async function loadParts(
  source: Source,
  samples: readonly Sample[],
  ctx: IntakeContext,
  load: (part: Part) => Promise<number>,
): Promise<Part[]> {
  const parts: Part[] = [];
  let before = 0;
  let bytes = 0;
  for (const [index, sample] of samples.entries()) {
    if (ctx.hooks.signal.aborted) throw new Interrupted();
    const progress = (read: number) =>
      ctx.hooks.progress({
        stage: "load",
        subject: source.name,
        bytes: bytes + Math.min(read, sample.bytes),
        bytesTotal: source.bytes,
        rows: before,
      });
    const part: Part = {
      sample,
      path: readable(sample.file, source, index, ctx),
      cleaned: null,
      lines: 0,
      before,
    };
    progress(0);
    if (sample.bytes > 0) part.lines = await loadPart(source, part, index, ctx, load, progress);
    before += part.lines;
    bytes += sample.bytes;
    parts.push(part);
  }
  return parts;
}

async function loadPart(
  source: Source,
  part: Part,
  index: number,
  ctx: IntakeContext,
  load: (part: Part) => Promise<number>,
  progress: (bytes: number) => void,
): Promise<number> {
  if (!part.sample.unclean) {
    try {
      return await loadWhole(part, ctx, load);
    } catch (error) {
      if (error instanceof UserError || error instanceof Interrupted) throw error;
    }
  }
  const target = join(ctx.store.tempDir, `${fileName(source, index)}.clean`);
  const cleaned = await cleanCopy(part.sample, target, { signal: ctx.hooks.signal, progress });
  part.cleaned = cleaned;
  part.path = target;
  return load(part);
}

/** Loads a part or, when zero bytes hide the start of a line, nothing: row ids must stay line numbers. */
async function loadWhole(
  part: Part,
  ctx: IntakeContext,
  load: (part: Part) => Promise<number>,
): Promise<number> {
  await ctx.store.run("BEGIN");
  try {
    const lines = await load(part);
    await ctx.store.run("COMMIT");
    return lines;
  } catch (error) {
    await ctx.store.run("ROLLBACK");
    throw error;
  }
}

/** A path without glob characters: a link in the private directory where the file's own has some. */
function readable(file: string, source: Source, index: number, ctx: IntakeContext): string {
  if (!/[*?[\]]/.test(file)) return file;
  const link = join(ctx.store.tempDir, fileName(source, index));
  symlinkSync(file, link);
  return link;
}

function fileName(source: Source, index: number): string {
  return `log-${Buffer.from(source.name).toString("hex").slice(0, 64)}-${index}`;
}

/** The table that the pass fills: (time TIMESTAMP, kept VARCHAR), a row per line; row id = stream line − 1. */
export function baseTable(source: Source): string {
  return qualified("trueup", `log base ${source.name}`);
}
