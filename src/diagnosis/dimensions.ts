/** Searches the dimensions, alone and in pairs, for the values that tell defective rows from sound ones. */

import {
  bestExplanation,
  type CountedDimension,
  countDimensions,
  type Explanation,
  explain,
} from "../analysis/explain.ts";
import type { Dimension, UsageRelation } from "../contract/evidence.ts";
import type { HypothesisContext } from "../contract/hypothesis.ts";
import { number, percent } from "../contract/wording.ts";

/** Dimensions that are tried in pairs: those whose values differ most in their rate of defects. */
const PAIRED_MAX = 6;
/** Pairs of columns with more combinations than this would explain anything. */
const COMBINATIONS_MAX = 200;

export interface Separation extends Explanation {
  /** How many times as frequent the defect is inside the named values as outside. */
  lift: number;
  /** Upper bound of the chance that one of all the values looked at separates this well: Bonferroni. */
  p: number;
  /** Values that were looked at. */
  tried: number;
  /** Returns rows and defects, for each value. */
  sql: string;
}

/**
 * The dimension, or the pair of dimensions where no single one does it, that separates the rows; null when none does
 * after correction for the number of values tried. One grouped scan per dimension; pairs of at most six.
 */
export async function separate(
  usage: UsageRelation,
  singles: readonly Dimension[],
  scope: string,
  defect: string,
  ctx: HypothesisContext,
): Promise<Separation | null> {
  const counted = await countDimensions(usage, singles, scope, defect, ctx);
  const single = bestExplanation(counted);
  const tried = singles.reduce((sum, d) => sum + d.distinct, 0);
  const sqlOf = ({ column, values }: Explanation) => {
    const isNamed = values.map((value) =>
      value === null ? `${column} IS NULL` : `${column} = ${ctx.sql.literal(value)}`,
    );
    return `SELECT ${column} AS value, COALESCE(${isNamed.join(" OR ")}, FALSE) AS is_named, count(*) AS calls, count(*) FILTER (WHERE ${defect}) AS defective
FROM ${usage.relation} WHERE ${scope} GROUP BY 1, 2 ORDER BY is_named DESC, calls DESC, value`;
  };
  if (single) return judged(single, tried, sqlOf(single));
  const pairs: Dimension[] = [];
  const best = mostTelling(counted);
  for (const [i, a] of best.entries())
    for (const b of best.slice(i + 1))
      if (a.distinct * b.distinct <= COMBINATIONS_MAX)
        pairs.push({
          name: `${a.name} and ${b.name}`,
          column: `(COALESCE(${a.column}, 'NULL') || ' and ' || COALESCE(${b.column}, 'NULL'))`,
          distinct: a.distinct * b.distinct,
        });
  const pair = await explain(usage, pairs, scope, defect, ctx);
  return pair && judged(pair, tried + pairs.reduce((sum, d) => sum + d.distinct, 0), sqlOf(pair));
}

/** The dimensions whose values differ most: the variance of the defect between values. */
function mostTelling(counted: readonly CountedDimension[]): Dimension[] {
  return counted
    .filter(({ dimension }) => dimension.distinct <= COMBINATIONS_MAX / 2)
    .map(({ dimension, counts }) => ({
      dimension,
      score: counts.reduce((sum, { rows, defects }) => sum + defects ** 2 / rows, 0),
    }))
    .sort((a, b) => b.score - a.score || (a.dimension.name < b.dimension.name ? -1 : 1))
    .slice(0, PAIRED_MAX)
    .map(({ dimension }) => dimension);
}

function judged(e: Explanation, tried: number, sql: string): Separation | null {
  const total = e.rows + e.otherRows;
  const defects = e.defects + e.otherDefects;
  const difference = e.defects * (e.otherRows - e.otherDefects) - (e.rows - e.defects) * e.otherDefects;
  // Yates: with few rows chi-squared promises too much.
  const corrected = Math.max(0, Math.abs(difference) - total / 2);
  const chi = (total * corrected ** 2) / (e.rows * e.otherRows * defects * Math.max(1, total - defects));
  // The tail of the normal distribution is below this (Mills' ratio).
  const one = Math.min(1, Math.sqrt(2 / (Math.PI * Math.max(chi, 1e-9))) * Math.exp(-chi / 2));
  const p = Math.min(1, one * Math.max(1, tried));
  if (p > 0.001) return null;
  const [inside, outside] = [e.defects / e.rows, e.otherDefects / e.otherRows];
  return { ...e, p, tried, sql, lift: inside / Math.max(outside, 0.5 / e.otherRows) };
}

/** `100 % of 40 rows with streaming "true" lack tokens, 0 % of the other 60 (lift 120, p < 1e-9 after 14 values tried)`. */
export function separationText(s: Separation): string {
  const values = s.values.map((v) => (v === null ? "NULL" : `"${v}"`)).join(", ");
  const p = s.p < 1e-12 ? "p < 1e-12" : `p < ${(s.p * 1.05).toExponential(0)}`;
  const lift = s.lift >= 1 ? s.lift : 1 / Math.max(s.lift, 1e-9);
  return (
    `${percent(s.defects / s.rows)} of ${number(s.rows)} calls with ${s.dimension} ${values} are defective, ` +
    `${percent(s.otherDefects / s.otherRows)} of the other ${number(s.otherRows)} ` +
    `(lift ${number(Number(lift.toPrecision(2)))}, ${p} after ${number(s.tried)} values tried)`
  );
}
