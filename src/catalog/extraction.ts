/** Reads all paths of a JSON column in one parse, so that eight roles in it cost one pass and not eight. */

import type { Table } from "../contract/evidence.ts";
import { ident, literal } from "../store/index.ts";
import { documentOf, inner, pointer, rawOf, type Source } from "./expressions.ts";

/** The column of `from` that holds the row's 1-based position. */
export const ROW = ident("position of the row");

/** Collects the paths that expressions need, then writes the FROM clause that has them. */
export class Extraction {
  readonly #documents = new Map<string, { document: string; pointers: string[] }>();

  /** The raw value of a source, to be used in a SELECT over `from`. */
  raw(source: Source): { sql: string; type: string } {
    const [first, ...rest] = source.candidate.path;
    if (!first) return rawOf(source);
    const column = source.candidate.column.name;
    let entry = this.#documents.get(column);
    if (!entry) {
      entry = { document: documentOf(source.candidate, source.type), pointers: [] };
      this.#documents.set(column, entry);
    }
    const wanted = pointer(first);
    if (!entry.pointers.includes(wanted)) entry.pointers.push(wanted);
    return inner(`${this.#nameOf(column)}[${entry.pointers.indexOf(wanted) + 1}]`, rest);
  }

  /** The table with `ROW` and the extracted lists beside its columns. */
  from(table: Table): string {
    const lists = [...this.#documents].map(([column, { document, pointers }]) => {
      const list = pointers.map((one) => literal(one)).join(", ");
      return `, json_extract_string(${document}, [${list}]) AS ${this.#nameOf(column)}`;
    });
    // A column of that name hides DuckDB's own.
    const hidden = table.columns.some((column) => column.name.toLowerCase() === "rowid");
    const position = hidden ? "row_number() OVER ()" : "rowid + 1";
    return `(SELECT *, ${position} AS ${ROW}${lists.join("")} FROM ${table.relation})`;
  }

  #nameOf(column: string): string {
    return ident(`json of ${column}`);
  }
}
