/** Which tables of a live server are read, and how where the user may not read all of them. */

import type { Input } from "../../contract/evidence.ts";
import { isAsked } from "./load-tables.ts";
import { type CatalogRow, shownName } from "./server-catalog.ts";

export interface PlannedRead {
  row: CatalogRow;
  /** Only listed: its rows are in its parts, or it is a view that was not named. */
  isListed: boolean;
  /** With the rows of its parts, which the user may not read one by one. */
  withParts: boolean;
}

/**
 * The tables that were asked for or are parts of those. Tells what may not be read: in a note, or as an error when it was
 * asked for or is all there is.
 */
export function planReads(
  catalog: readonly CatalogRow[],
  patterns: readonly string[],
  input: Input,
): PlannedRead[] {
  const byOid = new Map(catalog.map((row) => [row.oid, row]));
  const parentsOf = (row: CatalogRow) => row.parents.flatMap((oid) => byOid.get(oid) ?? []);
  const asked = (row: CatalogRow): boolean =>
    isAsked({ ...row, database: "" }, patterns) || parentsOf(row).some(asked);
  const hides = (row: CatalogRow): boolean =>
    catalog.some((part) => part.parents.includes(row.oid) && (!part.readable || hides(part)));
  const through = new Set(catalog.filter((row) => row.readable && hides(row)));
  const isRead = (row: CatalogRow): boolean =>
    parentsOf(row).some((parent) => through.has(parent) || isRead(parent));
  const exact = patterns.filter((pattern) => !pattern.includes("*"));
  const isNamed = (row: CatalogRow) => exact.length > 0 && isAsked({ ...row, database: "" }, exact);
  const whole = catalog.filter((row) => !isRead(row));
  tellRights(whole, catalog, input, patterns);
  if (through.size > 0)
    input.notes.push(
      `no right to read every part of ${namesOf([...through].filter((row) => !isRead(row)))}: read as one table`,
    );
  return whole
    .filter((row) => row.readable && asked(row))
    .map((row) => ({
      row,
      isListed: row.kind === "p" ? !through.has(row) : row.kind !== "r" && !isNamed(row),
      withParts: through.has(row),
    }));
}

function tellRights(
  whole: readonly CatalogRow[],
  catalog: readonly CatalogRow[],
  input: Input,
  patterns: readonly string[],
): void {
  const asked = (row: CatalogRow) => isAsked({ ...row, database: "" }, patterns);
  const closed = whole.filter((row) => !row.readable && row.kind !== "v" && asked(row));
  if (closed.length > 0) {
    const told = `no right to read ${namesOf(closed)}`;
    const open = catalog.filter((row) => row.readable);
    const isClosed = (pattern: string) => !open.some((row) => isAsked({ ...row, database: "" }, [pattern]));
    if (open.length === 0 || patterns.some(isClosed)) input.error = `${input.path}: ${told}`;
    else input.notes.push(told);
  }
  for (const row of whole.filter((one) => one.readable && asked(one))) {
    const columns = (row.columns ?? []).filter((column) => !column.readable);
    if (columns.length > 0)
      input.notes.push(
        `no right to read ${columns.map((column) => `${shownName(row)}.${column.name}`).join(", ")}`,
      );
  }
  const filtered = whole.filter((row) => row.readable && row.filtered && asked(row));
  if (filtered.length > 0)
    input.notes.push(`row security may hide rows of ${namesOf(filtered)} from this user`);
}

function namesOf(rows: readonly CatalogRow[]): string {
  return rows.map((row) => `${row.schema}.${row.name}`).join(", ");
}
