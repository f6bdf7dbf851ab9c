/** Parents carry the sum of their children, and a rollup adds up both. */

import { instantOf } from "../src/analysis/activity.ts";
import { multipleOf } from "../src/analysis/refit.ts";
import { isParent, keyedSums, type Reading, readingsOf, shareOf } from "../src/analysis/rollups.ts";
import { HAS_PARENT, sampleColumns } from "../src/analysis/scope.ts";
import { type CheckContext, defineCheck, Skip } from "../src/contract/check.ts";
import type { Rollup, UsageRelation } from "../src/contract/evidence.ts";
import type { FindingDraft } from "../src/contract/finding.ts";
import { number, percent, plural } from "../src/contract/wording.ts";

/** Of the parents with tokens, this share must equal the sum of their children to be inclusive. */
const INCLUSIVE_MIN = 0.8;
/** Of the buckets or sessions, this share must be the sum of parents and children. */
const COUNTED_MIN = 0.9;

interface Parents {
  /** Parents that carry tokens and have children that do. */
  parents: number;
  /** Those of them that equal the sum of their children. */
  inclusive: number;
  /** The first token role over all rows, and over rows without children. */
  all: number;
  leaves: number;
}

interface RollupTarget {
  name: string;
  rollups: Rollup[];
}

export default defineCheck({
  id: "double-counted-parent",
  meta: {
    title: "A rollup counts parents and their children",
    severity: "error",
    what: "Looks for parents whose tokens are the sum of their children's, and for a rollup that adds up the parents as well as the children.",
    why: "Every level of the tree is then counted once more. Seen as dashboards that tripled the tokens.",
    fix: "Add up only the rows without children (or only the roots), and recompute the rollup.",
    silent: [
      "Inclusive parents that nobody sums.",
      "Parents with tokens of their own.",
      "A rollup that adds up only the leaves, or only the roots.",
      "Fewer than `min_rows` parents.",
    ],
    needs: "spans with parents and tokens, and a table that sums them up",
  },
  options: {
    min_rows: { describe: "Parents with tokens below which nothing is told.", default: 5 },
  },
  targets: (evidence): RollupTarget[] => {
    const rollups = evidence.rollups.filter((rollup) => {
      const detail = evidence.usage.find((u) => u.name === rollup.detail);
      return detail?.has("id", "parent_id") && rollup.measures.some((role) => role !== "cost");
    });
    const names = [...new Set(rollups.map((rollup) => rollup.rollup))];
    return names.map((name) => ({ name, rollups: rollups.filter((r) => r.rollup === name) }));
  },
  run: async ({ rollups }, ctx) => {
    const reasons: string[] = [];
    for (const rollup of rollups) {
      const detail = ctx.evidence.usage.find((u) => u.name === rollup.detail) as UsageRelation;
      const found = await parentsOf(ctx, detail, rollup);
      if (found.parents < ctx.options.min_rows || found.inclusive < INCLUSIVE_MIN * found.parents) {
        reasons.push(`the parents of ${detail.name} do not carry the sum of their children`);
        continue;
      }
      const counted =
        rollup.grain === "session" || rollup.grain === "total"
          ? await countedByKey(ctx, rollup, detail)
          : countedByTime(await readingsOf(ctx, rollup));
      if (counted) return [await draftOf(ctx, rollup, detail, found, counted)];
    }
    return reasons.length === rollups.length ? new Skip(reasons[0] ?? "no parents") : [];
  },
});

const roleOf = (rollup: Rollup) => rollup.measures.find((role) => role !== "cost")!;

/** The children of each parent added up, and all rows against the leaves. */
async function parentsOf(ctx: CheckContext, detail: UsageRelation, rollup: Rollup): Promise<Parents> {
  const role = roleOf(rollup);
  const rows = await ctx.query(
    `WITH children AS (SELECT parent_id AS id, sum(${role}) AS amount FROM ${detail.relation} WHERE ${HAS_PARENT} GROUP BY 1),
     marked AS (SELECT one.${role} AS own, children.id IS NOT NULL AS parent, children.amount AS amount
       FROM ${detail.relation} AS one LEFT JOIN children ON children.id = one.id)
     SELECT count(*) FILTER (WHERE own > 0 AND amount > 0) AS parents,
       count(*) FILTER (WHERE own > 0 AND amount > 0 AND own = amount) AS inclusive,
       sum(own) AS all_rows, sum(own) FILTER (WHERE NOT parent) AS leaves FROM marked`,
  );
  const at = (name: string) => Number(rows[0]?.[name] ?? 0);
  return { parents: at("parents"), inclusive: at("inclusive"), all: at("all_rows"), leaves: at("leaves") };
}

/** How a rollup counts both. */
interface Counted {
  /** Buckets or sessions that were compared, and those that count both. */
  compared: number;
  both: number;
  stored: number;
  leaves: number;
  offset: number | null;
  from: number | null;
  to: number | null;
}

/** By time: the buckets agree with all rows (or are a whole multiple of the leaves), and not with the leaves. */
function countedByTime(readings: readonly Reading[]): Counted | null {
  const of = (name: string) => readings.find((reading) => reading.variant.name === name);
  const leaves = of("rows without children");
  if (!leaves || shareOf(leaves.fit) >= 0.5) return null;
  const roots = of("roots");
  if (roots && shareOf(roots.fit) >= COUNTED_MIN) return null;
  const whole = readings
    .filter((r) => !["rows without children", "roots"].includes(r.variant.name))
    .reduce((a, b) => (shareOf(b.fit) > shareOf(a.fit) ? b : a));
  const times = multipleOf(leaves.fit.compared);
  if (shareOf(whole.fit) < COUNTED_MIN && times !== 2 && times !== 3) return null;
  const { compared } = leaves.fit;
  const m = leaves.rollup.measures.indexOf(roleOf(leaves.rollup));
  const differing = compared.filter((one) => !one.agrees);
  return {
    compared: compared.length,
    both: differing.length,
    stored: differing.reduce((sum, one) => sum + one.sums[m]!, 0),
    leaves: differing.reduce((sum, one) => sum + one.detail[m]!, 0),
    offset: whole.fit.offsets[0] ?? 0,
    from: differing[0]?.from ?? null,
    to: differing.at(-1)?.to ?? null,
  };
}

/** By session or key: the same, with the rows that refer to each. */
async function countedByKey(
  ctx: CheckContext,
  rollup: Rollup,
  detail: UsageRelation,
): Promise<Counted | null> {
  const usage = ctx.evidence.usage.find((u) => u.name === rollup.rollup) as UsageRelation;
  const all = await keyedSums(ctx, usage, detail, rollup, "TRUE");
  const leaves = await keyedSums(ctx, usage, detail, rollup, `NOT ${isParent(detail)}`);
  const judged = all.keys - all.zero;
  if (judged === 0 || all.agreeing < COUNTED_MIN * judged || leaves.agreeing >= 0.5 * judged) return null;
  return {
    compared: judged,
    both: judged - leaves.agreeing,
    stored: leaves.stored,
    leaves: leaves.right,
    offset: null,
    from: null,
    to: null,
  };
}

async function draftOf(
  ctx: CheckContext,
  rollup: Rollup,
  detail: UsageRelation,
  parents: Parents,
  counted: Counted,
): Promise<FindingDraft> {
  const role = roleOf(rollup);
  const factor = counted.stored / counted.leaves;
  const unit = rollup.grain === "total" ? "key" : rollup.grain;
  const list = `SELECT ${sampleColumns(detail)} FROM ${detail.relation} WHERE ${isParent(detail)} AND ${role} > 0`;
  return {
    title: "A rollup counts parents and their children",
    message:
      `${rollup.rollup} adds up parents and their children in ${plural(counted.both, unit)} of ${number(counted.compared)}: ` +
      `${role} is ${number(counted.stored)} where the rows without children sum up to ${number(counted.leaves)}, ${number(Number(factor.toFixed(2)))} times as much. ` +
      `${plural(parents.inclusive, "parent")} of ${detail.name} (${percent(parents.inclusive / parents.parents)}) ${parents.inclusive === 1 ? "carries" : "carry"} the sum of their children.`,
    measure: { name: "factor", value: factor },
    evidence: {
      rollup: rollup.rollup,
      detail: detail.name,
      grain: rollup.grain,
      measure: role,
      compared: counted.compared,
      counted_double: counted.both,
      stored_sum: counted.stored,
      leaves_sum: counted.leaves,
      factor,
      parents: parents.parents,
      inclusive_parents: parents.inclusive,
      all_rows_sum: parents.all,
      all_leaves_sum: parents.leaves,
      offset_hours: counted.offset,
      first: counted.from === null ? null : instantOf(counted.from),
      last: counted.to === null ? null : instantOf(counted.to),
    },
    samples: await ctx.samples(`${list} ORDER BY row`),
    sql: `SELECT parent.id, parent.${role} AS parent_amount, sum(child.${role}) AS children_sum
FROM ${detail.relation} AS parent JOIN ${detail.relation} AS child ON child.parent_id = parent.id AND child.id <> parent.id
GROUP BY 1, 2 HAVING parent.${role} = sum(child.${role}) ORDER BY 1 LIMIT 100`,
    key: detail.name,
  };
}
