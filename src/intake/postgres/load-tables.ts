/** Makes DuckDB tables of a dump's tables: types, needed columns, partitions under their parent. */

import type { Input } from "../../contract/evidence.ts";
import type { LoadedColumn, LoadedInput, LoadedTable } from "../../contract/loaded.ts";
import { plural, size } from "../../contract/wording.ts";
import { ident, qualified } from "../../store/index.ts";
import type { IntakeContext, Source } from "../context.ts";
import { chooseColumns, declaredType, profileOf } from "./columns.ts";
import { type CopyRows, loadCopyText } from "./copy-text.ts";
import type { DumpTable } from "./dump-tables.ts";
import { removeParts, type Segment } from "./staged.ts";

/** Tables that are named in a note. */
const NAMED_MAX = 5;

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
  const choice = chooseColumns(dump.types, table, segments, name, source, ctx);
  const { profile, needed, typeOf } = choice;
  const types = new Map<string, string>();
  const kept = profile.filter((c) => needed.has(c.name)).map((c) => c.name);
  let rows = 0;
  const ranges = new Map<DumpTable, [number, number]>();
  let created = false;
  for (const member of members) {
    const from = rows;
    for (const segment of member.segments) {
      if (segment.bytes === 0) continue;
      const columns = choice.of(segment);
      const into = created ? qualified(source.name, `${name} part`) : relation;
      const result = await loadCopyText(store, into, columns, rowsOf(segment));
      if (created) {
        await alignTypes(ctx, relation, into);
        await store.run(`INSERT INTO ${relation} BY NAME SELECT * FROM ${into}`);
        await store.run(`DROP TABLE ${into}`);
      }
      // Staged text is needed no longer; the next table may need the room.
      removeParts(segment);
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
      `CREATE TABLE ${relation} (${(kept.length > 0 ? kept : ["no_column"]).map((c) => `${ident(c)} ${typeOf(c).type}`).join(", ")})`,
    );
  for (const row of await store.all(`DESCRIBE ${relation}`))
    types.set(String(row.column_name), String(row.column_type));
  const columns = profile.map(
    (c): LoadedColumn => ({
      ...c,
      type: types.get(c.name) ?? typeOf(c.name).type,
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

/** A segment's rows as they are read. */
function rowsOf({ parts, format, escapes }: Segment): CopyRows {
  return { files: parts.map((part) => part.file), format, escapes };
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
      type: declaredType(c.declared, dump.types).type,
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
