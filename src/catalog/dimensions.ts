/** Picks the columns of few values that can explain where a defect lies: endpoint, user type, streaming. */

import type { Dimension, Table } from "../contract/evidence.ts";
import type { Role } from "../contract/roles.ts";
import { ident, type Store } from "../store/index.ts";
import { type Candidate, isNested } from "./candidates.ts";
import { type Described, sourceOf } from "./describe.ts";
import { rawOf, type Source } from "./expressions.ts";
import { share, type ValueFacts } from "./values.ts";

/** More values than this explain nothing. */
const DISTINCT_MAX = 1000;
/** Whole numbers are measures more often than labels. */
const NUMBERS_MAX = 50;
/** Rows whose values are counted. */
const ROWS_COUNTED_MAX = 100_000;
/** Wider tables are searched up to here. */
const DIMENSIONS_MAX = 128;

export interface DimensionCandidate {
  name: string;
  source: Source;
}

/** True when the sample does not rule out that the column has few values, none of them free text, an id or a secret. */
export function mayBeDimension({ facts, column }: Candidate): boolean {
  if (facts.count === 0 || column.primaryKey || isNested(column)) return false;
  if (facts.length > 100 || facts.secrets > 0 || share(facts.times, facts) > 0.5) return false;
  if (facts.count >= 20 && facts.distinct > facts.count * 0.8) return false;
  if (isIdentifier(facts)) return false;
  const whole = facts.numbers > 0;
  return !whole || (facts.integers === facts.numbers && facts.distinct <= NUMBERS_MAX && facts.max < 1e6);
}

/** Values shaped like ids, hardly any twice; words such as `gpt-4o-2024-08-06` repeat. */
const isIdentifier = (facts: ValueFacts) =>
  share(facts.ids, facts) > 0.8 && facts.distinct > Math.max(5, facts.count / 4);

/** Columns without a role, and model, provider and status; kinds first. */
export function dimensionCandidates(
  described: Described,
  kinds: readonly DimensionCandidate[],
): (DimensionCandidate & { role: Role | null })[] {
  const list: (DimensionCandidate & { role: Role | null })[] = [];
  const add = (one: DimensionCandidate & { role: Role | null }) => {
    if (list.length < DIMENSIONS_MAX && !list.some((other) => other.name === one.name)) list.push(one);
  };
  for (const role of ["model", "provider", "status"] as const) {
    const source = described.sources.get(role);
    if (source) add({ name: source.column.name, source: source.source, role });
  }
  const taken = new Set([...described.sources.values()].map(({ column }) => column.name));
  for (const kind of kinds)
    if (!taken.has(kind.name) && isLoaded(described, kind)) add({ ...kind, role: null });
  for (const column of described.table.columns) {
    if (column.role !== null || !column.loaded) continue;
    if (!/^(VARCHAR|BOOLEAN|ENUM.*|U?(TINY|SMALL|BIG)?INT|U?INTEGER)$/.test(column.type)) continue;
    const candidate = described.context.candidates.find((one) => one.name === column.name && one.depth === 0);
    if (!candidate || !mayBeDimension(candidate)) continue;
    add({ name: column.name, source: sourceOf(described, column.name), role: null });
  }
  return list;
}

const isLoaded = (described: Described, { source }: DimensionCandidate) =>
  described.raw.columns.some((column) => column.name === source.candidate.column.name && column.loaded);

/**
 * Counts the candidates' values in one pass and keeps those with 2 to 1,000 (roles are kept from 1). Of a large table,
 * rows spread over it are counted.
 */
export async function keptDimensions(
  store: Store,
  table: Table,
  candidates: readonly (DimensionCandidate & { role: Role | null })[],
  rowid: boolean,
): Promise<(Dimension & { source: Source; role: Role | null })[]> {
  if (candidates.length === 0) return [];
  const every = Math.ceil(table.rows / ROWS_COUNTED_MAX);
  const part = every > 1 && rowid ? ` WHERE hash(rowid) % ${every} = 0` : "";
  // Without positions all rows are counted, by estimate.
  const count = (sql: string) =>
    every > 1 && !rowid ? `approx_count_distinct(${sql})` : `count(DISTINCT ${sql})`;
  const counts = candidates.map(({ source }, i) => `${count(rawOf(source).sql)} AS d${i}`);
  const row = await store.one(`SELECT ${counts.join(", ")} FROM (SELECT * FROM ${table.relation}${part})`);
  return candidates.flatMap((one, i) => {
    const distinct = Number(row?.[`d${i}`] ?? 0);
    if (distinct > DISTINCT_MAX || distinct < (one.role ? 1 : 2)) return [];
    return [{ ...one, column: ident(one.role ?? `dim_${one.name}`), distinct }];
  });
}
