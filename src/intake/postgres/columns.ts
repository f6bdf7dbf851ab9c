/** Which columns of a table are loaded, and as what: from declarations, and a sample out of the staged rows. */

import { closeSync, openSync, readSync } from "node:fs";
import type { ColumnProfile } from "../../contract/loaded.ts";
import type { IntakeContext, Source } from "../context.ts";
import { fieldsOf } from "./copy-rows.ts";
import type { CopyColumn } from "./copy-text.ts";
import type { DumpTable } from "./dump-table.ts";
import type { Segment } from "./staged.ts";
import { mappingOf, TEXT_MAPPING, type TypeMapping } from "./types.ts";

/** Values of a column that decide what it means. */
const SAMPLE_ROWS = 200;
/** Bytes read at the start, the middle and the end of a table's rows for its sample. */
const SAMPLE_BYTES = 131072;

export interface ColumnChoice {
  profile: ColumnProfile[];
  /** By name. */
  needed: ReadonlySet<string>;
  typeOf(column: string): TypeMapping;
  /** The columns of a segment's rows, in their order. */
  of(segment: Segment): CopyColumn[];
}

/**
 * @param types domains and enums, as in TableData.
 * @param name of the table as people see it.
 */
export function chooseColumns(
  types: ReadonlyMap<string, string>,
  table: DumpTable,
  segments: readonly Segment[],
  name: string,
  source: Source,
  ctx: IntakeContext,
): ColumnChoice {
  const profile = profileOf(table, segments);
  const needed = ctx.needed({
    schema: source.name,
    name,
    rows: Math.round(segments.reduce((n, s) => n + s.bytes, 0) / 100),
    columns: profile,
  });
  const mappings = new Map(
    profile.map((c) => [
      c.name,
      c.declared === "" ? inferred(c.sample) : declaredType(c.declared, types, table.database),
    ]),
  );
  const typeOf = (column: string) => mappings.get(column) ?? TEXT_MAPPING;
  return {
    profile,
    needed,
    typeOf,
    of: (segment) =>
      segment.columns.map((column) => ({
        name: column,
        mapping: typeOf(column),
        load: needed.has(column),
      })),
  };
}

/** What a declared type becomes. */
export function declaredType(
  declared: string,
  types: ReadonlyMap<string, string>,
  database: string,
): TypeMapping {
  return mappingOf(resolved(declared, types, database));
}

/** Enums are text; a domain is what it stands for. */
function resolved(declared: string, types: ReadonlyMap<string, string>, database: string): string {
  let type = declared;
  for (let depth = 0; depth < 10; depth++) {
    const base = types.get(`${database}.${type.replace(/(\[\])+$/, "")}`);
    if (base === undefined) return type;
    type = base + (/(\[\])+$/.exec(type)?.[0] ?? "");
  }
  return type;
}

/** The columns of a table with a sample out of staged rows: its own and those of its parts. */
export function profileOf(table: DumpTable, segments: readonly Segment[]): ColumnProfile[] {
  const samples = new Map<string, ColumnProfile["sample"]>();
  const largest = [...segments].sort((a, b) => b.bytes - a.bytes)[0];
  if (largest && !largest.format.csv)
    for (const fields of sampleRows(largest))
      for (const [i, column] of largest.columns.entries()) {
        const values = samples.get(column) ?? [];
        values.push(fields[i] ?? null);
        samples.set(column, values);
      }
  const declared = new Map(table.columns.map((c) => [c.name, c]));
  const names = [...new Set([...declared.keys(), ...table.segments.flatMap((s) => s.columns)])];
  const stored = new Set(segments.flatMap((s) => s.columns));
  return names
    .filter((name) => stored.has(name) || !declared.get(name)?.generated)
    .map((name) => {
      const key = table.references.find((r) => r.columns.length === 1 && r.columns[0] === name);
      return {
        name,
        declared: declared.get(name)?.type ?? "",
        primaryKey: table.primaryKey.includes(name),
        references: key ? { table: key.target.name, column: key.targetColumns[0] ?? "" } : null,
        sample: samples.get(name) ?? [],
      };
    });
}

/** Rows from the start, the middle and the end of a segment. */
function sampleRows(segment: Segment): (string | null)[][] {
  const rows: (string | null)[][] = [];
  const delimiter = segment.format.delimiter.charCodeAt(0);
  const isSmall = segment.bytes <= 3 * SAMPLE_BYTES;
  const places = isSmall ? [0] : [0, segment.bytes / 2, segment.bytes - SAMPLE_BYTES];
  for (const place of places) {
    const text = bytesAt(segment, Math.floor(place), isSmall ? 3 * SAMPLE_BYTES : SAMPLE_BYTES);
    // The first line behind a jump is a part of one.
    let start = place === 0 ? 0 : text.indexOf(0x0a) + 1;
    const most = rows.length + Math.ceil(SAMPLE_ROWS / places.length);
    for (
      let end = text.indexOf(0x0a, start);
      end >= 0 && rows.length < most;
      end = text.indexOf(0x0a, start)
    ) {
      rows.push(fieldsOf(text.subarray(start, end), delimiter, segment.format.nullText));
      start = end + 1;
    }
  }
  return rows;
}

/** Bytes of a segment at an offset, over the ends of its parts. */
function bytesAt({ parts }: Segment, offset: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let filled = 0;
  let before = 0;
  for (const part of parts) {
    const from = Math.max(0, offset + filled - before);
    before += part.bytes;
    if (filled === length || from >= part.bytes) continue;
    const fd = openSync(part.file, "r");
    try {
      filled += readSync(fd, bytes, filled, Math.min(length - filled, part.bytes - from), from);
    } finally {
      closeSync(fd);
    }
  }
  return bytes.subarray(0, filled);
}

/** The type of a column that the dump does not declare, from a sample; what does not fit later becomes text. */
function inferred(sample: readonly unknown[]): TypeMapping {
  const values = sample.filter((v): v is string => typeof v === "string");
  const all = (pattern: RegExp) => values.length > 0 && values.every((v) => pattern.test(v));
  if (all(/^-?(0|[1-9]\d{0,17})$/)) return mappingOf("bigint");
  if (all(/^-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?$/)) return mappingOf("double precision");
  if (all(/^[tf]$/)) return mappingOf("boolean");
  if (all(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?[-+]\d\d(:\d\d)?$/)) return mappingOf("timestamptz");
  if (all(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?$/)) return mappingOf("timestamp");
  if (all(/^\d{4}-\d\d-\d\d$/)) return mappingOf("date");
  return TEXT_MAPPING;
}
