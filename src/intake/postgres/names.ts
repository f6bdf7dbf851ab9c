/** Names under which tables and columns are stored: Postgres tells `Id` from `id`, DuckDB does not. */

import type { DumpTable } from "./dump-table.ts";

/** The name, or the name with the first number that makes it differ in more than case from those taken; takes it. */
export function freeName(name: string, taken: Set<string>): string {
  let free = name;
  for (let n = 2; taken.has(free.toLowerCase()); n++) free = `${name}_${n}`;
  taken.add(free.toLowerCase());
  return free;
}

/** Renames the columns of a table that differ in case only; returns what was renamed. */
export function renameColumns(table: DumpTable): Map<string, string> {
  const stored = table.segments.flatMap((segment) => segment.columns);
  const names = new Set([...table.columns.map((c) => c.name), ...stored]);
  const taken = new Set<string>();
  const renamed = new Map<string, string>();
  // The same in every part of a table, whatever the order of its columns: what is in lower case keeps its name.
  for (const name of [...names].sort((a, b) => (a < b ? 1 : -1))) {
    const free = freeName(name, taken);
    if (free !== name) renamed.set(name, free);
  }
  if (renamed.size === 0) return renamed;
  const now = (name: string) => renamed.get(name) ?? name;
  table.columns = table.columns.map((column) => ({ ...column, name: now(column.name) }));
  table.primaryKey = table.primaryKey.map(now);
  for (const key of table.references) key.columns = key.columns.map(now);
  for (const segment of table.segments) segment.columns = segment.columns.map(now);
  return renamed;
}
