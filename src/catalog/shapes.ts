/** The shapes of a table's identifiers, so that a log is searched for exactly these and for nothing else. */

import type { IdShape, LoadedInput, LoadedTable } from "../contract/loaded.ts";
import { contextOf } from "./candidates.ts";
import { isKeyColumn } from "./keys.ts";

/** Patterns that a log is searched for; each costs a pass over the text. */
const SHAPES_MAX = 8;
/** Shapes of one column: mixed prefixes (`root_`, `trc_`). */
const SHAPES_OF_COLUMN_MAX = 4;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const UUID_PATTERN = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}";
const PREFIX = /^([A-Za-z][A-Za-z0-9]{0,15}[-_:])(?=[A-Za-z0-9_-]+$)/;

/** What a log is searched for: the shapes of the keys of all other inputs. */
export function idShapesFor(log: LoadedInput, loaded: readonly LoadedInput[]): IdShape[] {
  return idShapesOf(loaded.filter((other) => other !== log).flatMap((other) => other.tables));
}

/** The shapes of all key columns of some tables, the commonest first; small integers are no ids in a log. */
export function idShapesOf(tables: readonly LoadedTable[]): IdShape[] {
  const counted = new Map<string, { shape: IdShape; weight: number }>();
  for (const table of tables) {
    if (table.form === "lines" || table.view) continue;
    const context = contextOf(table.name, table.columns);
    for (const candidate of context.candidates) {
      if (!isKeyColumn(candidate)) continue;
      const values = candidate.sample.flatMap((v) => (v === null || v === "" ? [] : [String(v)]));
      for (const shape of shapesOf(values)) {
        const entry = counted.get(shape.pattern) ?? { shape, weight: 0 };
        entry.weight += values.length;
        counted.set(shape.pattern, entry);
      }
    }
  }
  return [...counted.values()]
    .sort((a, b) => b.weight - a.weight || (a.shape.pattern < b.shape.pattern ? -1 : 1))
    .slice(0, SHAPES_MAX)
    .map((entry) => entry.shape);
}

/** The shapes that most values of one column have. */
export function shapesOf(values: readonly string[]): IdShape[] {
  const groups = new Map<string, string[]>();
  for (const value of values) {
    const kind = kindOf(value);
    if (kind === null) continue;
    groups.set(kind, [...(groups.get(kind) ?? []), value]);
  }
  const enough = Math.max(1, values.length / 20);
  return [...groups]
    .filter(([, members]) => members.length >= enough)
    .sort((a, b) => b[1].length - a[1].length || (a[0] < b[0] ? -1 : 1))
    .slice(0, SHAPES_OF_COLUMN_MAX)
    .map(([kind, members]) => shapeOf(kind, members));
}

/** What the value is told by, or null when it could be any word or number. */
function kindOf(value: string): string | null {
  if (UUID.test(value)) return "uuid";
  if (/^\d+$/.test(value)) return value.length >= 9 && value.length <= 20 ? "digits" : null;
  if (/^[0-9a-f]{8,64}$/i.test(value) && /\d/.test(value)) return `hex ${value.length}`;
  const prefix = PREFIX.exec(value)?.[1];
  if (prefix && /\d/.test(value.slice(prefix.length))) return prefix;
  if (/^[A-Za-z0-9_-]{12,64}$/.test(value) && /\d/.test(value) && /[A-Za-z]/.test(value)) return "token";
  return null;
}

function shapeOf(kind: string, members: readonly string[]): IdShape {
  const lengths = members.map((value) => value.length);
  const between = (cut: number) => {
    const [least, most] = [Math.min(...lengths) - cut, Math.max(...lengths) - cut];
    return least === most ? `{${least}}` : `{${least},${most}}`;
  };
  if (kind === "uuid") return { pattern: UUID_PATTERN, contains: null };
  if (kind === "digits") return { pattern: `[0-9]${between(0)}`, contains: null };
  if (kind.startsWith("hex "))
    return {
      pattern: `${members.some((v) => /[A-F]/.test(v)) ? "[0-9a-fA-F]" : "[0-9a-f]"}${between(0)}`,
      contains: null,
    };
  if (kind === "token") return { pattern: `${letters(members)}${between(0)}`, contains: null };
  const rest = members.map((value) => value.slice(kind.length));
  // A counter behind the prefix grows longer than the sample shows.
  const pattern = rest.every((r) => /^\d+$/.test(r))
    ? `${kind}[0-9]+`
    : `${kind}${letters(rest)}${between(kind.length)}`;
  return { pattern, contains: kind };
}

/** The narrowest class of characters that holds every value. */
function letters(values: readonly string[]): string {
  const all = values.join("");
  const parts = [
    [/\d/, "0-9"],
    [/[A-Z]/, "A-Z"],
    [/[a-z]/, "a-z"],
    [/_/, "_"],
    [/-/, "-"],
  ] as const;
  return `[${parts.map(([test, text]) => (test.test(all) ? text : "")).join("")}]`;
}
