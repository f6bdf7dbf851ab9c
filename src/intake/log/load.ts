/** Reads a log: when each line was written, what its usage lines say, what happened around them. */

import { basename } from "node:path";
import { UserError } from "../../contract/errors.ts";
import type { TimeRange } from "../../contract/evidence.ts";
import type { LoadedInput } from "../../contract/loaded.ts";
import { number, plural } from "../../contract/wording.ts";
import { ident, qualified, timestamp } from "../../store/index.ts";
import type { IntakeContext, Source } from "../context.ts";
import { completeTimes } from "./calendar.ts";
import type { Cleaned } from "./clean.ts";
import { extractEvents, wantedSql } from "./extractors/extract.ts";
import { keepLines, keptTable } from "./kept.ts";
import { linesTable } from "./lines.ts";
import { findMarkers, markerSql } from "./markers.ts";
import { mentionsOf } from "./mentions.ts";
import { widestNumbers } from "./orders.ts";
import { inOrder, missingParts } from "./parts.ts";
import { baseTable, linesSql, loadParts, type Part, sampleLinesSql } from "./pass.ts";
import { type Reading, readingOf } from "./reading.ts";
import { type Sample, sampleFile } from "./sample.ts";

/** Share of control characters from which bytes are no text. */
const NOISE_MAX = 0.05;

/** @throws UserError when no line can be read. */
export async function loadLog(source: Source, ctx: IntakeContext): Promise<LoadedInput> {
  const { store, settings } = ctx;
  const sampled = source.files.map(sampleFile);
  const reading = await decideReading(source, sampled, ctx);
  const noise = Math.max(0, ...sampled.map((sample) => sample.noise));
  if (reading.shapes.length === 0 && noise > NOISE_MAX)
    throw new UserError(`${source.path}: holds bytes that are no text; name a log or a database`);
  const samples = await inOrder(sampled, reading, ctx);

  await store.run(`CREATE SCHEMA ${ident(source.name)}`);
  const base = baseTable(source);
  await store.run(`CREATE TABLE ${base} (time TIMESTAMP, kept VARCHAR)`);
  const pipes = sampled.some((sample) => sample.lines.some((line) => / \| \d+ \| \d+ \| /.test(line)));
  const wanted = `${wantedSql("text", settings.extract, pipes)} OR ${markerSql("text", "time")}`;
  const parts = await loadParts(source, samples, ctx, async (part) => {
    await store.run(
      `INSERT INTO ${base} SELECT time, CASE WHEN ${wanted} THEN text END FROM (${reading.read(linesSql(part))})`,
    );
    const row = await store.one(`SELECT count(*) AS n,
      count(*) FILTER (rowid >= ${part.before} AND starts_with(kept, chr(0))) AS holes FROM ${base}`);
    if (!part.cleaned && Number(row?.holes) > 0) throw new Error("zero bytes before the start of a line");
    return Number(row?.n ?? 0) - part.before;
  });
  const notes = [...source.notes, ...reading.notes];
  if (reading.lacks !== null) {
    const modified = samples.at(-1)?.modified ?? new Date(settings.now);
    const assumed = await completeTimes(
      base,
      { lacks: reading.lacks, timezone: source.timezone, modified },
      ctx,
    );
    if (assumed !== null) notes.push(assumed);
  }
  await dropImpossible(base, ctx);
  const relation = qualified("trueup", `log ${source.name}`);
  const within = withinSql(settings.since, settings.until);
  await store.run(`CREATE VIEW ${relation} AS SELECT line, time FROM ${streamSql(base, within)}`);
  await keepLines(source, streamSql(base, within), ctx);
  const events = await extractEvents(source, reading, ctx);
  notes.push(...(await findMarkers(source, ctx)));
  const rows = parts.reduce((sum, part) => sum + part.lines, 0);
  const timeRange = await rangeOf(relation, ctx);
  const lines = await linesTable(source, parts, reading, relation, ctx);
  notes.push(...notesOf(source, parts, timeRange));
  const tables = [lines, ...events];
  return {
    input: {
      name: source.name,
      kind: source.kind,
      path: source.path,
      bytes: source.bytes,
      rows,
      rejected: 0,
      tables: tables.map((table) => `${table.schema}.${table.name}`),
      notes,
      ...brokenOf(source, parts),
    },
    tables,
    log: {
      format: reading.format,
      relation,
      kept: keptTable(source),
      lines,
      timeRange,
      undated: reading.lacks === "date" && source.path === "-",
      extractIds: (ids) => mentionsOf(source, parts, relation, reading, ids, ctx),
    },
  };
}

/** How to read it, from the samples; from all lines where the samples leave the order of a date open. */
async function decideReading(
  source: Source,
  samples: readonly Sample[],
  ctx: IntakeContext,
): Promise<Reading> {
  const reading = readingOf(samples, source.timezone, ctx.settings.now);
  if (reading.unsure === null) return reading;
  const relations = samples.filter((sample) => sample.bytes > 0).map(sampleLinesSql);
  const widest = await widestNumbers(reading.unsure, relations, ctx);
  return readingOf(samples, source.timezone, ctx.settings.now, widest);
}

/** A time before computers had one, or centuries ahead, is a number that looks like a time. */
async function dropImpossible(base: string, ctx: IntakeContext): Promise<void> {
  const impossible = "time NOT BETWEEN TIMESTAMP '1970-01-01' AND TIMESTAMP '2200-01-01'";
  const row = await ctx.store.one(`SELECT count(*) AS n FROM ${base} WHERE ${impossible}`);
  if (Number(row?.n) > 0) await ctx.store.run(`UPDATE ${base} SET time = NULL WHERE ${impossible}`);
}

/** A row per line; with --since or --until only the lines of that time. */
function streamSql(base: string, within: string | null): string {
  return `(SELECT rowid + 1 AS line, time, kept FROM ${base}${within ? ` WHERE ${within}` : ""})`;
}

function withinSql(since: string | null, until: string | null): string | null {
  const conditions = [
    ...(since ? [`time >= ${timestamp(since)}`] : []),
    ...(until ? [`time <= ${timestamp(until)}`] : []),
  ];
  return conditions.length > 0 ? conditions.join(" AND ") : null;
}

/** Damaged compressed data: what could be read is there, and the input counts as not evaluated. */
function brokenOf(source: Source, parts: readonly Part[]): { error?: string } {
  const broken = parts.find((part) => part.cleaned?.broken);
  return broken
    ? {
        error: `${source.path}: the compressed data of ${basename(broken.sample.file)} is damaged after line ${broken.lines}`,
      }
    : {};
}

async function rangeOf(relation: string, ctx: IntakeContext): Promise<TimeRange | null> {
  const row = await ctx.store.one(`SELECT min(time) AS lo, max(time) AS hi FROM ${relation}`);
  return row?.lo ? { from: String(row.lo), to: String(row.hi) } : null;
}

function notesOf(source: Source, parts: readonly Part[], range: TimeRange | null): string[] {
  const notes: string[] = [];
  if (parts.every((part) => part.lines === 0)) notes.push(`${source.path} is empty`);
  else if (range === null) notes.push("no line begins with a time");
  if (parts.length > 1) {
    const missing = missingParts(parts.map((part) => part.sample.file));
    if (missing !== null) notes.push(missing);
    const spans = parts.map((part) => `${basename(part.sample.file)} from line ${number(part.before + 1)}`);
    notes.push(`${parts.length} parts read as one stream: ${spans.join(", ")}`);
  }
  const total = (count: (cleaned: Cleaned) => number) =>
    parts.reduce((sum, part) => sum + (part.cleaned ? count(part.cleaned) : 0), 0);
  const bad = total((cleaned) => cleaned.badBytes);
  if (bad > 0) notes.push(`${plural(bad, "byte sequence")} of no valid ${encodings(parts)} read as U+FFFD`);
  const nuls = total((cleaned) => cleaned.nuls);
  if (nuls > 0) notes.push(`${plural(nuls, "NUL byte")} removed`);
  const cut = total((cleaned) => cleaned.cut);
  if (cut > 0) notes.push(`${plural(cut, "line")} cut at 1 Mi characters`);
  const returns = total((cleaned) => cleaned.returns);
  if (returns > 0) notes.push(`${plural(returns, "carriage return")} inside lines kept as ␍`);
  return notes;
}

function encodings(parts: readonly Part[]): string {
  return [...new Set(parts.map((part) => part.sample.encoding.slice(0, 6).toUpperCase()))].join(", ");
}
