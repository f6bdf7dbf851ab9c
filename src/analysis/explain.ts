/** Finds the dimension whose values tell the defective rows from the others, if there is one. */

import type { Dimension, UsageRelation } from "../contract/evidence.ts";
import type { Value } from "../contract/finding.ts";
import { percent } from "../contract/wording.ts";
import type { Asking } from "./once.ts";

/** Values that an explanation names at most; more would describe the rows and not explain them. */
const VALUES_MAX = 3;
/** Longer values are text, not names. */
const VALUE_LENGTH_MAX = 60;
/** Rows on either side below which a difference is chance. */
const SIDE_MIN = 5;
/** Share of the defective rows (or of the sound ones) that the named values must hold. */
const COVERED_MIN = 0.8;

export interface Explanation {
  /** The source's column. */
  dimension: string;
  /** The quoted column of the usage relation. */
  column: string;
  values: (string | null)[];
  /** Rows with these values, and those of them that are defective. */
  rows: number;
  defects: number;
  /** All other rows, and those of them that are defective. */
  otherRows: number;
  otherDefects: number;
}

interface ValueCount {
  value: string | null;
  rows: number;
  defects: number;
}

export interface CountedDimension {
  dimension: Dimension;
  counts: ValueCount[];
}

/**
 * The best explanation among the dimensions, or null when none separates: the rate of defects inside and outside the
 * named values must differ by more than 70 points and more than chance would allow, and the named values must hold most
 * of the defective rows, or of the sound ones.
 */
export async function explain(
  usage: UsageRelation,
  dimensions: readonly Dimension[],
  scope: string,
  defect: string,
  ctx: Asking,
): Promise<Explanation | null> {
  return bestExplanation(await countDimensions(usage, dimensions, scope, defect, ctx));
}

/** Rows and defects per value of each dimension: one grouped scan each. */
export async function countDimensions(
  usage: UsageRelation,
  dimensions: readonly Dimension[],
  scope: string,
  defect: string,
  ctx: Asking,
): Promise<CountedDimension[]> {
  const counted: CountedDimension[] = [];
  for (const dimension of dimensions)
    counted.push({ dimension, counts: await countValues(usage, dimension, scope, defect, ctx) });
  return counted;
}

export function bestExplanation(counted: readonly CountedDimension[]): Explanation | null {
  let best: { explanation: Explanation; score: number } | null = null;
  for (const { dimension, counts } of counted)
    for (const inside of [true, false]) {
      const explanation = separate(dimension, counts, inside);
      if (!explanation) continue;
      const score = strength(explanation);
      if (score > (best?.score ?? 0)) best = { explanation, score };
    }
  return best?.explanation ?? null;
}

/**
 * The one value of a dimension whose rate of defects is far above that of all other rows: at least a half, ten times
 * the rest, and no chance; or null.
 */
export async function worstSegment(
  usage: UsageRelation,
  dimensions: readonly Dimension[],
  scope: string,
  defect: string,
  limits: { max_ratio: number; min_rows: number },
  ctx: Asking,
): Promise<Explanation | null> {
  let best: Explanation | null = null;
  for (const dimension of dimensions) {
    const counts = await countValues(usage, dimension, scope, defect, ctx);
    const rows = counts.reduce((n, c) => n + c.rows, 0);
    const defects = counts.reduce((n, c) => n + c.defects, 0);
    for (const one of counts) {
      const segment: Explanation = {
        dimension: dimension.name,
        column: dimension.column,
        values: [one.value],
        rows: one.rows,
        defects: one.defects,
        otherRows: rows - one.rows,
        otherDefects: defects - one.defects,
      };
      const rate = one.defects / one.rows;
      const otherRate = segment.otherDefects / segment.otherRows;
      if (one.defects < limits.min_rows || segment.otherRows < limits.min_rows || rate < 0.5) continue;
      if (otherRate > limits.max_ratio || otherRate * 10 > rate) continue;
      if (strength(segment) > Math.max(10.8, best ? strength(best) : 0)) best = segment;
    }
  }
  return best;
}

/** Rows and defects per value of one dimension, most rows first. */
export async function countValues(
  usage: UsageRelation,
  dimension: Dimension,
  scope: string,
  defect: string,
  ctx: Asking,
): Promise<ValueCount[]> {
  const rows = await ctx.query(
    `SELECT ${dimension.column} AS value, count(*) AS n, count(*) FILTER (WHERE ${defect}) AS defects
     FROM ${usage.relation} WHERE ${scope} GROUP BY 1 ORDER BY n DESC, value`,
  );
  return rows.map((row) => ({
    value: row.value === null ? null : String(row.value),
    rows: Number(row.n),
    defects: Number(row.defects),
  }));
}

/** Names the values with the defect (`inside`), or those without it, and says how well they separate. */
function separate(dimension: Dimension, counts: readonly ValueCount[], inside: boolean): Explanation | null {
  const rate = (c: ValueCount) => c.defects / c.rows;
  const named = counts
    .filter((c) => (inside ? rate(c) >= 0.5 : rate(c) < 0.5))
    .filter((c) => (c.value?.length ?? 0) <= VALUE_LENGTH_MAX)
    .sort((a, b) => (inside ? b.defects - a.defects : b.rows - b.defects - (a.rows - a.defects)))
    .slice(0, VALUES_MAX);
  const sum = (list: readonly ValueCount[], of: "rows" | "defects") => list.reduce((n, c) => n + c[of], 0);
  const rows = sum(named, "rows");
  const defects = sum(named, "defects");
  const otherRows = sum(counts, "rows") - rows;
  const otherDefects = sum(counts, "defects") - defects;
  if (rows < SIDE_MIN || otherRows < SIDE_MIN) return null;
  if (Math.abs(defects / rows - otherDefects / otherRows) <= 0.7) return null;
  const covered = inside
    ? defects / (defects + otherDefects)
    : (rows - defects) / (rows - defects + otherRows - otherDefects);
  if (covered < COVERED_MIN) return null;
  const explanation: Explanation = {
    dimension: dimension.name,
    column: dimension.column,
    values: named.map((c) => c.value),
    rows,
    defects,
    otherRows,
    otherDefects,
  };
  return strength(explanation) >= 10.8 ? explanation : null;
}

/** Chi-squared of the two-by-two table (10.8 is p = 0.001), less a little for every further value that is named. */
function strength(e: Explanation): number {
  const total = e.rows + e.otherRows;
  const defects = e.defects + e.otherDefects;
  const difference = e.defects * (e.otherRows - e.otherDefects) - (e.rows - e.defects) * e.otherDefects;
  const chi = (total * difference ** 2) / (e.rows * e.otherRows * defects * (total - defects));
  return Number.isFinite(chi) ? chi * 0.99 ** (e.values.length - 1) : 0;
}

/** `98.9 % of the rows with provider "azure" against 0.4 % of the others`. */
export function explained(e: Explanation): string {
  const values = e.values.map((v) => (v === null ? "NULL" : `"${v}"`)).join(", ");
  return `${percent(e.defects / e.rows)} of the rows with ${e.dimension} ${values} against ${percent(e.otherDefects / e.otherRows)} of the others`;
}

/** An explanation as evidence: the dimension, its values, and the two rates. */
export function explanationEvidence(e: Explanation | null): Record<string, Value> {
  if (!e) return {};
  return {
    explained_by: e.dimension,
    explained_values: e.values,
    explained_rows: e.rows,
    explained_rate: e.defects / e.rows,
    other_rows: e.otherRows,
    other_rate: e.otherDefects / e.otherRows,
  };
}
