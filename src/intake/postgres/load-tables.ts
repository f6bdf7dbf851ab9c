/** Loads the tables of a dump or a server: which of them, under what names, and what is told of the others. */

import type { Input } from "../../contract/evidence.ts";
import type { LoadedInput, LoadedTable } from "../../contract/loaded.ts";
import { plural, size } from "../../contract/wording.ts";
import { ident } from "../../store/index.ts";
import type { IntakeContext, Source } from "../context.ts";
import { declaredType, profileOf } from "./columns.ts";
import type { DumpTable } from "./dump-table.ts";
import { Families } from "./families.ts";
import { loadTable } from "./load-table.ts";
import { freeName, renameColumns } from "./names.ts";
import { removeParts, type Segment } from "./staged.ts";

/** Tables that are named in a note. */
const NAMED_MAX = 5;

/** What a dump or a server gave: declarations, and the rows as files of COPY text. */
export interface TableData {
  tables: ReadonlyMap<string, DumpTable>;
  /** Domains and enums: `database.schema.name` and `database.name` → the type they stand for. */
  types: ReadonlyMap<string, string>;
  /** What is said of views and foreign tables: `not in the dump's data`. */
  absence: string;
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
  const all = [...dump.tables.values()];
  const databases = new Set(all.filter((t) => t.segments.length > 0).map((t) => t.database));
  const asked = (table: DumpTable) => isAsked(table, ctx.settings.tables ?? []);
  const families = new Families(dump.tables, asked);
  const own = [...dump.tables].flatMap(([key, table]) =>
    asked(table) && !families.isPart(key) && (table.absent === null || table.segments.length > 0)
      ? [{ table, members: families.membersOf(key) }]
      : [],
  );
  const nameOf = namesOf(all, databases.size > 1, input);
  const uses = new Map<Segment, number>();
  for (const segment of own.flatMap((one) => one.members.flatMap((member) => member.table.segments)))
    uses.set(segment, (uses.get(segment) ?? 0) + 1);
  const counts = new Map<DumpTable, number>();
  for (const { table, members } of own) {
    if (table.counted) {
      loaded.push(countedOnly(dump, table, nameOf(table), source));
      continue;
    }
    loaded.push(...(await loadTable(dump, members, nameOf, counts, input, source, ctx)));
    // Staged text that no other table needs makes room for the next one.
    for (const segment of members.flatMap((member) => member.table.segments)) {
      uses.set(segment, (uses.get(segment) as number) - 1);
      if (uses.get(segment) === 0) removeParts(segment);
    }
  }
  for (const table of loaded) input.tables.push(`${table.schema}.${table.name}`);
  for (const rows of counts.values()) input.rows += rows;
  const counted = all.flatMap((t) => (t.counted ? [[nameOf(t), t.counted.bytes] as const] : []));
  if (counted.length > 0)
    input.notes.push(
      `without usage, ids or times, so that their rows were counted and not read: ${largestOf(counted)}`,
    );
  const absent = all.filter((t) => t.absent !== null && t.segments.length === 0);
  if (absent.length > 0) input.notes.push(absentNote(absent, dump.absence));
  const unmatched = (ctx.settings.tables ?? []).filter(
    (name) => !all.some((table) => isAsked(table, [name])),
  );
  return { input, tables: loaded, log: null, unmatched };
}

/** The names of tables in the store; those that would be one and the same are told. */
function namesOf(
  tables: readonly DumpTable[],
  withDatabase: boolean,
  input: Input,
): (table: DumpTable) => string {
  const shown = (table: DumpTable) =>
    [withDatabase ? table.database : "", table.schema === "public" ? "" : table.schema, table.name]
      .filter((part) => part !== "")
      .join(".");
  const whole = (table: DumpTable) => `${table.database}\0${table.schema}\0${table.name}`;
  const names = new Map<string, string>();
  const taken = new Set<string>();
  const inOrder = [...tables].sort(
    (a, b) => (shown(a) < shown(b) ? 1 : shown(a) > shown(b) ? -1 : 0) || (whole(a) < whole(b) ? -1 : 1),
  );
  for (const table of inOrder) {
    const name = freeName(shown(table), taken);
    names.set(whole(table), name);
    if (name !== shown(table))
      input.notes.push(
        `the table ${table.schema}.${table.name} is ${name} here: another table has that name, but for case`,
      );
    const renamed = renameColumns(table);
    for (const [from, to] of renamed)
      input.notes.push(`${name}.${from} is ${to} here: another column has that name, but for case`);
  }
  return (table) => names.get(whole(table)) as string;
}

/** `2 views and 1 foreign table are not in the dump's data`. */
function absentNote(absent: readonly DumpTable[], absence: string): string {
  const of = (kind: DumpTable["absent"]) => absent.filter((table) => table.absent === kind).length;
  const parts = (["view", "foreign table"] as const).flatMap((kind) =>
    of(kind) > 0 ? [plural(of(kind), kind)] : [],
  );
  return `${parts.join(" and ")} ${absent.length === 1 ? "is" : "are"} ${absence}`;
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
      type: declaredType(c.declared, dump.types, table.database).type,
      loaded: false,
      storage: null,
    })),
    known: {},
    format: null,
    timezone: source.timezone,
    view: true,
  };
}
