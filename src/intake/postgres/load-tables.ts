/** Makes DuckDB tables of a dump's tables: types, needed columns, partitions under their parent. */

import { closeSync, openSync, readSync, rmSync } from "node:fs";
import type { Input } from "../../contract/evidence.ts";
import type { ColumnProfile, LoadedColumn, LoadedInput, LoadedTable } from "../../contract/loaded.ts";
import { plural, size } from "../../contract/wording.ts";
import { ident, qualified } from "../../store/index.ts";
import type { IntakeContext, Source } from "../context.ts";
import { type CopyColumn, fieldsOf, loadCopyText } from "./copy-text.ts";
import type { DumpTable } from "./dump-tables.ts";
import type { Segment } from "./staged.ts";
import { mappingOf, TEXT_MAPPING, type TypeMapping } from "./types.ts";

/** Tables that are named in a note. */
const NAMED_MAX = 5;
/** Values of a column that decide what it means. */
const SAMPLE_ROWS = 200;
/** Bytes read at the start, the middle and the end of a table's rows for its sample. */
const SAMPLE_BYTES = 131072;

/** What a dump or a server gave: declarations, and the rows as files of COPY text. */
export interface TableData {
  tables: ReadonlyMap<string, DumpTable>;
  /** Domains and enums: name → the type they stand for. */
  types: ReadonlyMap<string, string>;
}

/** Loads every table that has rows or a declaration, and fills the input's counts and notes. */
export async function loadTables(
  dump: TableData,
  input: Input,
  source: Source,
  ctx: IntakeContext,
): Promise<LoadedInput> {
  const loaded: LoadedTable[] = [];
  await ctx.store.run(`CREATE SCHEMA IF NOT EXISTS ${ident(source.name)}`);
  const databases = new Set(
    [...dump.tables.values()].filter((t) => t.segments.length > 0).map((t) => t.database),
  );
  const nameOf = (table: DumpTable) =>
    [databases.size > 1 ? table.database : "", table.schema === "public" ? "" : table.schema, table.name]
      .filter((part) => part !== "")
      .join(".");
  const asked = (table: DumpTable) => isAsked(table, ctx.settings.tables ?? []);
  const parts = partsOf(dump, asked);
  for (const [key, table] of dump.tables) {
    if (table.view || parts.rootOf.has(key) || !asked(table)) continue;
    if (table.counted) {
      loaded.push(countedOnly(dump, table, nameOf(table), source));
      continue;
    }
    const children = (parts.children.get(key) ?? []).map((child) => dump.tables.get(child) as DumpTable);
    loaded.push(...(await loadOne(dump, table, children, nameOf, input, source, ctx)));
  }
  for (const table of loaded) {
    input.tables.push(`${table.schema}.${table.name}`);
    if (!table.view) input.rows += table.rows;
  }
  const counted = [...dump.tables.values()].flatMap((t) =>
    t.counted ? [[nameOf(t), t.counted.bytes] as const] : [],
  );
  if (counted.length > 0)
    input.notes.push(
      `without usage, ids or times, so that their rows were counted and not read: ${largestOf(counted)}`,
    );
  const views = [...dump.tables.values()].filter((t) => t.view).length;
  if (views > 0) input.notes.push(`${views} ${views === 1 ? "view is" : "views are"} not in the dump's data`);
  const all = [...dump.tables.values()];
  const unmatched = (ctx.settings.tables ?? []).filter(
    (name) => !all.some((table) => isAsked(table, [name])),
  );
  return { input, tables: loaded, log: null, unmatched };
}

/** `--tables`: names or patterns with `*`, with or without their schema and database. */
export function isAsked(
  { database, schema, name }: Pick<DumpTable, "database" | "schema" | "name">,
  patterns: readonly string[],
): boolean {
  if (patterns.length === 0) return true;
  return patterns.some((pattern) => {
    const parts = pattern.split("*").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    const whole = new RegExp(`^(?:.*\\.)?${parts.join(".*")}$`, "i");
    return whole.test(`${database}.${schema}.${name}`) || whole.test(`${database}.${name}`);
  });
}

/** The largest tables with their sizes, for a note. */
export function largestOf(tables: readonly (readonly [name: string, bytes: number])[]): string {
  const largest = [...tables].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  const named = largest.slice(0, NAMED_MAX).map(([name, bytes]) => `${name} (${size(bytes)})`);
  const more = largest.length - named.length;
  return `${named.join(", ")}${more > 0 ? ` and ${plural(more, "other table")}` : ""}`;
}

/** Children of each root table whose columns the root has too, and the way back. */
function partsOf(
  dump: TableData,
  asked: (table: DumpTable) => boolean,
): { children: Map<string, string[]>; rootOf: Map<string, string> } {
  const children = new Map<string, string[]>();
  const rootOf = new Map<string, string>();
  for (const [key, table] of dump.tables) {
    let root = table.parent;
    for (let depth = 0; root !== null && dump.tables.get(root)?.parent && depth < 100; depth++)
      root = dump.tables.get(root)?.parent ?? null;
    const whole = root === null || root === key ? undefined : dump.tables.get(root);
    if (root === null || !whole || !asked(whole)) continue;
    const names = new Set(whole.columns.map((c) => c.name));
    if (table.segments.some((s) => s.columns.some((c) => !names.has(c)))) continue;
    rootOf.set(key, root);
    children.set(root, [...(children.get(root) ?? []), key]);
  }
  return { children, rootOf };
}

async function loadOne(
  dump: TableData,
  table: DumpTable,
  children: readonly DumpTable[],
  nameOf: (table: DumpTable) => string,
  input: Input,
  source: Source,
  ctx: IntakeContext,
): Promise<LoadedTable[]> {
  const { store } = ctx;
  const name = nameOf(table);
  const relation = qualified(source.name, name);
  const members = [table, ...children];
  const segments = members.flatMap((member) => member.segments);
  const profile = profileOf(table, segments);
  const needed = ctx.needed({
    schema: source.name,
    name,
    rows: Math.round(segments.reduce((n, s) => n + s.bytes, 0) / 100),
    columns: profile,
  });
  const mappings = new Map<string, TypeMapping>(
    profile.map((c) => [
      c.name,
      c.declared === "" ? inferred(c.sample) : mappingOf(resolved(c.declared, dump.types)),
    ]),
  );
  const types = new Map<string, string>();
  const kept = profile.filter((c) => needed.has(c.name)).map((c) => c.name);
  let rows = 0;
  const ranges = new Map<DumpTable, [number, number]>();
  let created = false;
  for (const member of members) {
    const from = rows;
    for (const segment of member.segments) {
      const columns: CopyColumn[] = segment.columns.map((column) => ({
        name: column,
        mapping: mappings.get(column) ?? TEXT_MAPPING,
        load: needed.has(column),
      }));
      const into = created ? qualified(source.name, `${name} part`) : relation;
      const result = await loadCopyText(store, into, segment.file, columns, segment.format);
      if (created) {
        await alignTypes(ctx, relation, into);
        await store.run(`INSERT INTO ${relation} BY NAME SELECT * FROM ${into}`);
        await store.run(`DROP TABLE ${into}`);
      }
      // Staged text is needed no longer; the next table may need the room.
      rmSync(segment.file, { force: true });
      created = true;
      rows += result.rows;
      for (const [column, reason] of result.keptAsText)
        input.notes.push(`${name}.${column} is kept as text: ${reason.slice(0, 120)}`);
      input.rejected += result.rejects.length;
      await ctx.reject(
        source.name,
        result.rejects.map((r) => ({
          file: source.path,
          line: null,
          reason: `${name}, row ${r.line}: ${r.reason}`,
          text: r.text,
        })),
      );
      ctx.hooks.progress({ stage: "load", subject: source.name, rows: input.rows + rows });
    }
    ranges.set(member, [from, rows]);
  }
  if (!created)
    await store.run(
      `CREATE TABLE ${relation} (${(kept.length > 0 ? kept : ["no_column"]).map((c) => `${ident(c)} ${mappings.get(c)?.type ?? "VARCHAR"}`).join(", ")})`,
    );
  for (const row of await store.all(`DESCRIBE ${relation}`))
    types.set(String(row.column_name), String(row.column_type));
  const columns = profile.map(
    (c): LoadedColumn => ({
      ...c,
      type: types.get(c.name) ?? mappings.get(c.name)?.type ?? "VARCHAR",
      loaded: types.has(c.name),
      storage: null,
    }),
  );
  const base = {
    schema: source.name,
    input: source.name,
    form: "table" as const,
    columns,
    known: {},
    format: null,
    timezone: source.timezone,
  };
  const tables: LoadedTable[] = [{ ...base, name, rows, view: false }];
  for (const child of children) {
    const [from, to] = ranges.get(child) as [number, number];
    const childName = nameOf(child);
    // A partition's rows stand in its parent, one range after another.
    await store.run(
      `CREATE VIEW ${qualified(source.name, childName)} AS SELECT * FROM ${relation} WHERE rowid >= ${from} AND rowid < ${to}`,
    );
    tables.push({ ...base, name: childName, rows: to - from, view: true });
  }
  return tables;
}

/** A table whose rows were counted: listed, not loaded. */
function countedOnly(dump: TableData, table: DumpTable, name: string, source: Source): LoadedTable {
  return {
    schema: source.name,
    name,
    input: source.name,
    form: "table",
    rows: table.counted?.rows ?? 0,
    columns: profileOf(table, []).map((c) => ({
      ...c,
      type: mappingOf(resolved(c.declared, dump.types)).type,
      loaded: false,
      storage: null,
    })),
    known: {},
    format: null,
    timezone: source.timezone,
    view: true,
  };
}

/** Where one part kept a column as text and another did not, the whole column becomes text. */
async function alignTypes(ctx: IntakeContext, relation: string, part: string): Promise<void> {
  const typesOf = async (name: string) =>
    new Map(
      (await ctx.store.all(`DESCRIBE ${name}`)).map((r) => [String(r.column_name), String(r.column_type)]),
    );
  const whole = await typesOf(relation);
  for (const [column, type] of await typesOf(part)) {
    const there = whole.get(column);
    if (there === undefined)
      await ctx.store.run(`ALTER TABLE ${relation} ADD COLUMN ${ident(column)} ${type}`);
    else if (there !== type && type === "VARCHAR")
      await ctx.store.run(`ALTER TABLE ${relation} ALTER ${ident(column)} TYPE VARCHAR`);
  }
}

/** Enums are text; a domain is what it stands for. */
function resolved(declared: string, types: ReadonlyMap<string, string>): string {
  let type = declared;
  for (let depth = 0; depth < 10; depth++) {
    const base = types.get(type.replace(/(\[\])+$/, ""));
    if (base === undefined) return type;
    type = base + (/(\[\])+$/.exec(type)?.[0] ?? "");
  }
  return type;
}

/** The columns of a table with a sample out of its staged rows. */
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
  const names = [...new Set([...declared.keys(), ...segments.flatMap((s) => s.columns)])];
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
  const fd = openSync(segment.file, "r");
  const rows: (string | null)[][] = [];
  const delimiter = segment.format.delimiter.charCodeAt(0);
  try {
    const places =
      segment.bytes <= 3 * SAMPLE_BYTES ? [0] : [0, segment.bytes / 2, segment.bytes - SAMPLE_BYTES];
    const bytes = Buffer.alloc(segment.bytes <= 3 * SAMPLE_BYTES ? 3 * SAMPLE_BYTES : SAMPLE_BYTES);
    for (const place of places) {
      const text = bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, Math.floor(place)));
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
  } finally {
    closeSync(fd);
  }
  return rows;
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
