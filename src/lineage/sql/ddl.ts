/** What SQL does to the schema itself: tables made, altered, renamed and dropped, also by statements that no parser reads. */

import type { SqlAnalysis } from "./analysis.ts";
import { type Ast, HOLE, nameOf } from "./parse.ts";

/** `ALTER TABLE`: columns added, renamed and dropped, the table's new name. */
export function alteredTable(value: Ast, base: number, out: SqlAnalysis): void {
  const name = nameOf(value.name);
  if (name === null || HOLE.test(name)) return;
  const offset = base + (value.name.name.span?.start ?? 0);
  for (const action of value.actions ?? []) {
    const renamed = action.RenameTable?.name ?? action.RenameTable;
    if (renamed?.name) {
      const to = String(renamed.name?.name ?? renamed.name);
      out.derived.push({ target: to, sources: [name], how: "rename" });
      out.tables.push({ name, columns: [to], how: "rename", offset });
    }
    const moved = action.RenameColumn ?? action.ChangeColumn;
    const gone = action.DropColumn?.name?.name ?? moved?.old_name?.name;
    if (gone) out.derived.push({ target: name, sources: [String(gone)], how: "drop-column" });
    const column = action.AddColumn?.column?.name?.name ?? moved?.new_name?.name;
    if (column) out.tables.push({ name, columns: [String(column)], how: "alter", offset });
  }
}

/** `DROP TABLE`. */
export function droppedTables(value: Ast, out: SqlAnalysis): void {
  for (const one of value.names ?? []) {
    const name = nameOf(one);
    if (name !== null && !HOLE.test(name)) out.derived.push({ target: name, sources: [""], how: "drop" });
  }
}

const ALTERS = /^\s*alter\s+table\s+(?:if\s+exists\s+)?(?:only\s+)?(?:["`\w]+\.)?["`]?(\w+)/i;
const ADDS =
  /\badd\s+(?:column\s+)?(?:if\s+not\s+exists\s+)?["`]?(?!(?:column|constraint|primary|foreign|unique|index|key|check|if|h0le)\b)([a-z_]\w*)/gi;

/** `ALTER TABLE usage ADD COLUMN ${name}`: nobody can say which columns the table has. */
export function alteredAtRunTime(text: string, out: SqlAnalysis): void {
  const table = ALTERS.exec(text)?.[1];
  if (table && HOLE.test(text))
    out.derived.push({ target: HOLE.test(table) ? "*" : table, sources: [""], how: "alter" });
}

/** An `ALTER TABLE` that no parser reads: the columns that can be seen, and that there may be others. */
export function alteredUnread(text: string, offset: number, out: SqlAnalysis): void {
  const table = ALTERS.exec(text)?.[1];
  if (!table) return;
  out.derived.push({ target: HOLE.test(table) ? "*" : table, sources: [""], how: "alter" });
  const columns = [...text.matchAll(ADDS)].map((match) => match[1] as string);
  if (!HOLE.test(table) && columns.length > 0)
    out.tables.push({ name: table, columns, how: "alter", offset });
}

const CREATES =
  /\bcreate\s+(?:temp\w*\s+|unlogged\s+|virtual\s+|external\s+)*table\s+(?:if\s+not\s+exists\s+)?((?:["`[]?[\p{L}\w]+["`\]]?\.)*)["`[]?([\p{L}_][\p{L}\w]*)/iu;

/** A `CREATE TABLE` that no parser reads: its name. */
export function createdUnread(text: string, offset: number, out: SqlAnalysis): void {
  const created = CREATES.exec(text);
  if (created?.[2] && !HOLE.test(created[2]))
    out.tables.push({ name: created[2], columns: [], how: "create", offset: offset + created.index });
}

const CREATES_VIEW =
  /^\s*create\s+(?:or\s+replace\s+|temp\w*\s+|recursive\s+|materialized\s+)*view\s+(?:if\s+not\s+exists\s+)?(?:["`[]?[\p{L}\w]+["`\]]?\.)*["`[]?([\p{L}_][\p{L}\w]*)/iu;

/** A `CREATE VIEW` that no parser reads, with the tables that its text names; false for any other statement. */
export function viewUnread(
  text: string,
  offset: number,
  named: readonly string[],
  out: SqlAnalysis,
): boolean {
  const name = CREATES_VIEW.exec(text)?.[1];
  if (name === undefined || HOLE.test(name)) return false;
  out.tables.push({ name, columns: [], how: "view", offset: offset + text.search(/\S|$/) });
  const sources = [...new Set(named)].filter((source) => source !== name && !HOLE.test(source));
  out.derived.push({ target: name, sources, how: "view" });
  return true;
}
