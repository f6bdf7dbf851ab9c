/** Reads all paths of a JSON column in one parse, so that eight roles in it cost one pass and not eight. */

import { ident, literal } from "../store/index.ts";
import { documentOf, inner, pointer, rawOf, type Source } from "./expressions.ts";

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

  /** The table with the extracted lists beside its columns. */
  from(relation: string): string {
    const lists = [...this.#documents].map(([column, { document, pointers }]) => {
      const list = pointers.map((one) => literal(one)).join(", ");
      return `, json_extract_string(${document}, [${list}]) AS ${this.#nameOf(column)}`;
    });
    return lists.length === 0 ? relation : `(SELECT *${lists.join("")} FROM ${relation})`;
  }

  #nameOf(column: string): string {
    return ident(`json of ${column}`);
  }
}
