/** Makes a DuckDB table of a table with its partitions and heirs: types, needed columns, a view of each part. */

import type { Input } from "../../contract/evidence.ts";
import type { LoadedColumn, LoadedTable } from "../../contract/loaded.ts";
import { ident, qualified } from "../../store/index.ts";
import type { IntakeContext, Source } from "../context.ts";
import { chooseColumns } from "./columns.ts";
import { type CopyRows, loadCopyText } from "./copy-text.ts";
import type { DumpTable } from "./dump-table.ts";
import type { Member } from "./families.ts";
import type { TableData } from "./load-tables.ts";
import type { Segment } from "./staged.ts";

/**
 * Loads a table with the rows of its partitions and heirs; each part becomes a view.
 * @param members The table itself, then those whose rows are its own too.
 * @param counts Rows of each table alone, filled.
 */
export async function loadTable(
  dump: TableData,
  members: readonly Member[],
  nameOf: (table: DumpTable) => string,
  counts: Map<DumpTable, number>,
  input: Input,
  source: Source,
  ctx: IntakeContext,
): Promise<LoadedTable[]> {
  const { store } = ctx;
  const { table } = members[0] as Member;
  const name = nameOf(table);
  const relation = qualified(source.name, name);
  const segments = members.flatMap((member) => member.table.segments);
  const choice = chooseColumns(dump.types, table, segments, name, source, ctx);
  const { profile, needed, typeOf } = choice;
  const types = new Map<string, string>();
  const kept = profile.filter((c) => needed.has(c.name)).map((c) => c.name);
  let rows = 0;
  /** Where the rows of each member end. */
  const ends: number[] = [];
  let created = false;
  for (const member of members) {
    const isToldElsewhere = counts.has(member.table);
    const from = rows;
    for (const segment of member.table.segments) {
      if (segment.bytes === 0) continue;
      const columns = choice.of(segment);
      const into = created ? qualified(source.name, `${name} part`) : relation;
      const result = await loadCopyText(store, into, columns, rowsOf(segment));
      if (created) {
        await alignTypes(ctx, relation, into);
        await store.run(`INSERT INTO ${relation} BY NAME SELECT * FROM ${into}`);
        await store.run(`DROP TABLE ${into}`);
      }
      created = true;
      rows += result.rows;
      for (const [column, reason] of result.keptAsText)
        input.notes.push(`${name}.${column} is kept as text: ${reason.slice(0, 120)}`);
      if (isToldElsewhere) continue;
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
    counts.set(member.table, rows - from);
    ends.push(rows);
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
  // A part's rows and those of its own parts stand in the table, one range after another.
  const hasRowid = types.has("rowid");
  for (const [at, { table: part, below, isOwn }] of members.entries()) {
    if (at === 0 || isOwn) continue;
    const from = ends[at - 1] as number;
    const to = ends[at + below] as number;
    const range = hasRowid ? `LIMIT ${to - from} OFFSET ${from}` : `WHERE rowid >= ${from} AND rowid < ${to}`;
    await store.run(
      `CREATE VIEW ${qualified(source.name, nameOf(part))} AS SELECT * FROM ${relation} ${range}`,
    );
    tables.push({ ...base, name: nameOf(part), rows: to - from, view: true });
  }
  return tables;
}

/** A segment's rows as they are read. */
function rowsOf({ parts, format, escapes }: Segment): CopyRows {
  return { files: parts.map((part) => part.file), format, escapes };
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
