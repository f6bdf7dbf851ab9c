/** Which tables hold the rows of which: partitions, sub-partitions, and tables that inherit from others. */

import type { DumpTable } from "./dump-table.ts";

/** A table with those whose rows a query of it returns too. */
export interface Member {
  key: string;
  table: DumpTable;
  /** How many of the following members are its own. */
  below: number;
  /** It has columns that the first member has not, or another parent: it is a table of its own besides. */
  isOwn: boolean;
}

export class Families {
  readonly #tables: ReadonlyMap<string, DumpTable>;
  readonly #children = new Map<string, string[]>();
  readonly #asked: (table: DumpTable) => boolean;

  /** @param asked whether the user wants a table. */
  constructor(tables: ReadonlyMap<string, DumpTable>, asked: (table: DumpTable) => boolean) {
    this.#tables = tables;
    this.#asked = asked;
    for (const [key, { parents }] of tables)
      for (const parent of new Set(parents))
        this.#children.set(parent, [...(this.#children.get(parent) ?? []), key]);
  }

  /** True for a table that is nothing but a part of one that is loaded: it becomes a view of that. */
  isPart(key: string): boolean {
    const over = new Set<string>();
    for (
      let parent = this.#wholeOf(key);
      parent !== null && !over.has(parent);
      parent = this.#wholeOf(parent)
    ) {
      if (this.#asked(this.#tables.get(parent) as DumpTable)) return true;
      over.add(parent);
    }
    return false;
  }

  /** The table itself, then its descendants, each before its own. */
  membersOf(key: string): Member[] {
    const members: Member[] = [];
    const seen = new Set<string>();
    const visit = (at: string, isOwn: boolean) => {
      const table = this.#tables.get(at);
      if (!table || seen.has(at)) return;
      seen.add(at);
      const member: Member = { key: at, table, below: 0, isOwn };
      const before = members.push(member);
      for (const child of this.#children.get(at) ?? []) visit(child, isOwn || this.#wholeOf(child) === null);
      member.below = members.length - before;
    };
    visit(key, false);
    return members;
  }

  /** The only parent, where it has every column of the table. */
  #wholeOf(key: string): string | null {
    const table = this.#tables.get(key) as DumpTable;
    const [first, ...others] = new Set(table.parents);
    const parent = first === undefined ? undefined : this.#tables.get(first);
    if (first === undefined || !parent || others.length > 0) return null;
    const columns = new Set(parent.columns.map((c) => c.name));
    const own = [...table.columns.map((c) => c.name), ...table.segments.flatMap((s) => s.columns)];
    return own.every((name) => columns.has(name)) ? first : null;
  }
}
