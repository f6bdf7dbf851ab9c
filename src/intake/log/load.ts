/** Reads a log: when each line was written, what its usage lines say, what happened around them. */

import { UserError } from "../../contract/errors.ts";
import type { TimeRange } from "../../contract/evidence.ts";
import type { LoadedInput } from "../../contract/loaded.ts";
import { ident, qualified } from "../../store/index.ts";
import type { IntakeContext, Source } from "../context.ts";
import { extractEvents, wantedSql } from "./extractors/extract.ts";
import { keepLines } from "./kept.ts";
import { linesTable } from "./lines.ts";
import { mentionsOf } from "./mentions.ts";
import { baseTable, linesSql, loadParts, type Part } from "./pass.ts";
import { sampleFile } from "./sample.ts";
import { momentSql, shapesOf } from "./shapes.ts";

/** Share of control characters from which bytes are no text. */
const NOISE_MAX = 0.05;

/** @throws UserError when no line can be read. */
export async function loadLog(source: Source, ctx: IntakeContext): Promise<LoadedInput> {
  const { store, settings } = ctx;
  const samples = source.files.map(sampleFile);
  const lines = samples.flatMap((sample) => sample.lines);
  const shapes = shapesOf(lines);
  const noise = Math.max(0, ...samples.map((sample) => sample.noise));
  if (shapes.length === 0 && noise > NOISE_MAX)
    throw new UserError(`${source.path}: holds bytes that are no text; name a log or a database`);

  await store.run(`CREATE SCHEMA ${ident(source.name)}`);
  const base = baseTable(source);
  await store.run(`CREATE TABLE ${base} (time TIMESTAMP, kept VARCHAR)`);
  const pipes = lines.some((line) => / \| .* \| .* \| \d+ \| \d+ \| /.test(line));
  const wanted = wantedSql("text", settings.extract, pipes);
  const parts = await loadParts(source, samples, ctx, async (part) => {
    await store.run(`INSERT INTO ${base} SELECT time, CASE WHEN ${wanted} THEN text END
      FROM (SELECT text, ${momentSql(shapes, "text", source.timezone)} AS time
        FROM (SELECT raw AS text FROM ${linesSql(part)}))`);
    const row = await store.one(`SELECT count(*) AS n FROM ${base}`);
    return Number(row?.n ?? 0) - part.before;
  });
  const relation = qualified("trueup", `log ${source.name}`);
  await store.run(`CREATE VIEW ${relation} AS SELECT rowid + 1 AS line, time FROM ${base}`);
  const stream = `(SELECT rowid + 1 AS line, time, kept FROM ${base})`;
  await keepLines(source, stream, ctx);
  const events = await extractEvents(source, ctx);
  const rows = parts.reduce((sum, part) => sum + part.lines, 0);
  const timeRange = await rangeOf(relation, ctx);
  const linesInfo = await linesTable(source, ctx, rows);
  const notes = [...source.notes, ...notesOf(source, parts, shapes.length, timeRange)];
  return {
    input: {
      name: source.name,
      kind: source.kind,
      path: source.path,
      bytes: source.bytes,
      rows,
      rejected: 0,
      tables: [linesInfo, ...events].map((table) => `${table.schema}.${table.name}`),
      notes,
    },
    tables: [linesInfo, ...events],
    log: {
      format: shapes[0]?.stamp.name ?? "plain text",
      relation,
      lines: linesInfo,
      timeRange,
      undated: false,
      extractIds: (ids) => mentionsOf(source, parts, relation, ids, ctx),
    },
  };
}

async function rangeOf(relation: string, ctx: IntakeContext): Promise<TimeRange | null> {
  const row = await ctx.store.one(`SELECT min(time) AS lo, max(time) AS hi FROM ${relation}`);
  return row?.lo ? { from: String(row.lo), to: String(row.hi) } : null;
}

function notesOf(source: Source, parts: readonly Part[], shapes: number, range: TimeRange | null): string[] {
  const notes: string[] = [];
  if (source.bytes === 0) notes.push(`${source.path} is empty`);
  else if (shapes === 0 || range === null) notes.push("no line begins with a time");
  for (const { cleaned } of parts) {
    if (!cleaned) continue;
    if (cleaned.badBytes > 0) notes.push(`${cleaned.badBytes} byte sequences are no UTF-8`);
  }
  return notes;
}
