/** Writes the rows of a usage relation: plain columns are read in place, only what is costly to read is kept. */

import type { Dimension, Table } from "../contract/evidence.ts";
import type { Role } from "../contract/roles.ts";
import { ident, qualified, type Store } from "../store/index.ts";
import type { Described } from "./describe.ts";
import { expressionOf, isCostly, rawOf, type Source } from "./expressions.ts";
import { Extraction } from "./extraction.ts";

/** What the rows have beside roles. */
export type RowDimension = Dimension & { source: Source; role: Role | null };

/**
 * A view with `row`, one column per role and one per dimension; returns its quoted name. Copying two million rows
 * costs half a second and as much memory as the table itself; a view costs nothing. Values that have to be parsed
 * (times as text, JSON) are parsed once, into a table in the same order that stands beside the source's.
 */
export async function createRows(
  store: Store,
  described: Described,
  roles: readonly Role[],
  dimensions: readonly RowDimension[],
  rowid: boolean,
): Promise<string> {
  const { table, sources } = described;
  const extraction = new Extraction();
  const prefix = freePrefix(table);
  const kept: string[] = [];
  const selected: string[] = [];
  const select = (role: Role | null, source: Source, alias: string) => {
    const costly = isCostly(role, source);
    const raw = costly ? extraction.raw(source) : rawOf(source);
    const sql = role ? expressionOf(role, source, raw) : `CAST(${raw.sql} AS VARCHAR)`;
    if (costly) kept.push(`${sql} AS ${ident(prefix + kept.length)}`);
    selected.push(`${costly ? ident(prefix + (kept.length - 1)) : sql} AS ${alias}`);
  };
  const full = await neverEmpty(store, described);
  for (const role of roles) {
    const source = sources.get(role)?.source as Source;
    select(role, { ...source, neverEmpty: full.has(role) }, ident(role));
  }
  for (const { source, column, role } of dimensions) if (role === null) select(null, source, column);
  const position = rowid ? "source.rowid + 1" : "row_number() OVER ()";
  let from = `${table.relation} AS source`;
  if (kept.length > 0) {
    const parsed = qualified("trueup", `parsed ${table.name}`);
    await store.run(
      `CREATE TABLE ${parsed} AS SELECT ${kept.join(", ")} FROM ${extraction.from(table.relation)}`,
    );
    from += ` POSITIONAL JOIN ${parsed}`;
  }
  const rows = qualified("trueup", `rows ${table.name}`);
  await store.run(`CREATE VIEW ${rows} AS SELECT ${position} AS row, ${selected.join(", ")} FROM ${from}`);
  return rows;
}

/** The ids without an empty text: looked up once, so that no query has to ask for it in every row. */
async function neverEmpty(store: Store, { table, sources }: Described): Promise<ReadonlySet<Role>> {
  const plain = (["id", "session_id"] as const).filter((role) => {
    const source = sources.get(role)?.source;
    return source?.type === "VARCHAR" && source.candidate.path.length === 0;
  });
  if (plain.length === 0) return new Set();
  const empty = plain.map((role) => {
    const { sql } = rawOf(sources.get(role)?.source as Source);
    return `count(*) FILTER (${sql} = '') AS ${ident(role)}`;
  });
  const row = await store.one(`SELECT ${empty.join(", ")} FROM ${table.relation}`);
  return new Set(plain.filter((role) => row?.[role] === 0));
}

/** False for a view, and where a column of that name hides DuckDB's own. */
export async function hasRowid(store: Store, table: Table): Promise<boolean> {
  if (table.columns.some((column) => column.name.toLowerCase() === "rowid")) return false;
  try {
    await store.all(`SELECT rowid FROM ${table.relation} LIMIT 0`);
    return true;
  } catch {
    return false;
  }
}

/** What no column of the table begins with. */
function freePrefix(table: Table): string {
  let prefix = "parsed ";
  while (table.columns.some((column) => column.name.toLowerCase().startsWith(prefix))) prefix += "_";
  return prefix;
}
