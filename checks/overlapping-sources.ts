/** Two tables that are summed side by side hold the same calls. */

import { isRollup } from "../src/analysis/scope.ts";
import { defineCheck, Skip } from "../src/contract/check.ts";
import type { UsageRelation } from "../src/contract/evidence.ts";
import type { FindingDraft } from "../src/contract/finding.ts";
import { type Role, TOKEN_ROLES } from "../src/contract/roles.ts";
import { number, percent, plural } from "../src/contract/wording.ts";

/** Pairs that are compared, the largest tables first. */
const PAIRS_MAX = 60;
/** Of the shared ids, the share whose counts must agree: equal ids alone are chance (1, 2, 3 …) or another thing. */
const AGREE_MIN = 0.5;
/** Different counts among the agreeing ids, so that constants are no proof. */
const DISTINCT_MIN = 3;

/** Another input that holds all of it and ends with it was imported from it, to be read in its place. */
const REPLICA_SHARE = 0.99;
/** Ends that differ by less than this share of the span are one end. */
const SAME_END = 0.05;

interface TablePair {
  name: string;
  one: UsageRelation;
  two: UsageRelation;
}

const measuresOf = (one: UsageRelation, two: UsageRelation): Role[] =>
  ([...TOKEN_ROLES, "cost"] as const).filter((role) => one.has(role) && two.has(role));

export default defineCheck({
  id: "overlapping-sources",
  meta: {
    title: "Two tables hold the same calls",
    severity: "warning",
    what: "Looks for two tables of usage in which most ids of one are also in the other, with the same counts.",
    why: "Whoever adds both up counts those calls twice. Seen as an old JSON store and the new database that was migrated from it, both still read.",
    fix: "Sum only one of the two: the one that goes on. Archive or drop the copy, or leave the shared ids out of one of the sums.",
    silent: [
      "A master and a copy of which one is empty.",
      "Tables that share ids but not counts: running numbers, or details of one call in another table.",
      "Tables of sums, and the events of a log beside a table: those are compared, not added up.",
      "A store and the database of another input that was imported from it, complete and up to the same end.",
      "Tables that share less than `min_share` of the ids of the smaller, or fewer than `min_rows`.",
    ],
    needs: "two tables with ids and token counts or costs",
  },
  options: {
    min_share: { describe: "Share of the ids of one table that must be in the other.", default: 0.5 },
    min_rows: { describe: "Shared ids below which nothing is told.", default: 5 },
  },
  targets: (evidence): TablePair[] => {
    const tables = evidence.usage
      .filter((u) => u.origin === "table" && u.has("id") && u.rows > 0 && !isRollup(u))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    const pairs = tables.flatMap((one, i) =>
      tables
        .slice(i + 1)
        .filter((two) => measuresOf(one, two).length > 0)
        .map((two) => ({ name: `${one.name}, ${two.name}`, one, two })),
    );
    return pairs
      .sort((a, b) => b.one.rows + b.two.rows - a.one.rows - a.two.rows || (a.name < b.name ? -1 : 1))
      .slice(0, PAIRS_MAX);
  },
  run: async ({ one, two }, ctx) => {
    const measures = measuresOf(one, two);
    const joined = joinedSql(one, two, measures);
    const rows = await ctx.query(
      `SELECT count(*) FILTER (WHERE in_one) AS ids_one, count(*) FILTER (WHERE in_two) AS ids_two,
         count(*) FILTER (WHERE shared) AS shared, count(*) FILTER (WHERE agrees) AS agreeing,
         count(DISTINCT amount) FILTER (WHERE agrees) AS distinct_counts, sum(amount) FILTER (WHERE agrees) AS twice,
         min(time) FILTER (WHERE agrees) AS first, max(time) FILTER (WHERE agrees) AS last
       FROM (${joined}) AS joined`,
    );
    const row = rows[0] ?? {};
    const at = (name: string) => Number(row[name] ?? 0);
    const [shared, agreeing] = [at("shared"), at("agreeing")];
    if (at("ids_one") === 0 || at("ids_two") === 0) return new Skip("one of the two has no ids");
    const share = shared / Math.min(at("ids_one"), at("ids_two"));
    if (shared < ctx.options.min_rows || share < ctx.options.min_share) return [];
    if (agreeing < AGREE_MIN * shared || agreeing < ctx.options.min_rows) return [];
    if (at("distinct_counts") < DISTINCT_MIN) return [];
    if (share >= REPLICA_SHARE && isReplica(one, two)) return [];
    const copy = copyOf(one, two, at("ids_one"), at("ids_two"));
    const measure = measures[0]!;
    return [
      {
        title: "Two tables hold the same calls",
        message:
          `${plural(agreeing, "call")} stand in both ${one.name} and ${two.name} with the same counts (${percent(agreeing / Math.min(at("ids_one"), at("ids_two")))} of the smaller): ` +
          `adding both up counts ${number(at("twice"))} ${measure} twice.`,
        measure: { name: "shared_ids", value: agreeing },
        evidence: {
          one: one.name,
          two: two.name,
          ids_one: at("ids_one"),
          ids_two: at("ids_two"),
          shared_ids: shared,
          agreeing_ids: agreeing,
          shared_ratio: share,
          measure,
          counted_twice: at("twice"),
          first: row.first ?? null,
          last: row.last ?? null,
          ends_first: copy.name,
        },
        samples: await ctx.samples(
          `SELECT id, time, amount AS ${measure} FROM (${joined}) AS joined WHERE agrees ORDER BY time, id`,
        ),
        sql: `SELECT id, time, amount AS ${measure} FROM (${joined}) AS joined WHERE agrees ORDER BY time, id LIMIT 100`,
        location: { input: copy.table.input, table: copy.name, column: copy.columnOf("id")?.name ?? null },
        key: "overlap",
      } satisfies FindingDraft,
    ];
  },
});

/** Each id once per table, side by side. A row id that repeats stands for its last snapshot: the largest. */
function joinedSql(one: UsageRelation, two: UsageRelation, measures: readonly Role[]): string {
  const side = (usage: UsageRelation) =>
    `SELECT id, ${usage.has("time") ? "min(time)" : "CAST(NULL AS TIMESTAMP)"} AS time,
  ${measures.map((role, m) => `max(${role}) AS m${m}`).join(", ")}
FROM ${usage.relation} WHERE id IS NOT NULL AND id <> '' GROUP BY 1`;
  const same = measures.map((_, m) => `COALESCE(one.m${m}, 0) = COALESCE(two.m${m}, 0)`).join(" AND ");
  const some = measures.map((_, m) => `COALESCE(one.m${m}, 0) > 0`).join(" OR ");
  return `SELECT COALESCE(one.id, two.id) AS id, COALESCE(one.time, two.time) AS time, one.id IS NOT NULL AS in_one, two.id IS NOT NULL AS in_two,
  one.id IS NOT NULL AND two.id IS NOT NULL AS shared, one.m0 AS amount,
  COALESCE(one.id IS NOT NULL AND two.id IS NOT NULL AND ${same} AND (${some}), FALSE) AS agrees
FROM (${side(one)}) AS one FULL JOIN (${side(two)}) AS two ON one.id = two.id`;
}

/** Whether two tables of different inputs are kept in step: a store and what was imported from it. */
function isReplica(one: UsageRelation, two: UsageRelation): boolean {
  if (one.table.input === two.table.input || !one.timeRange || !two.timeRange) return false;
  const [a, b] = [one.timeRange, two.timeRange].map((range) => Date.parse(range.to)) as [number, number];
  const span = Math.max(a, b) - Math.min(Date.parse(one.timeRange.from), Date.parse(two.timeRange.from));
  return Math.abs(a - b) <= SAME_END * span;
}

/** The one that is the copy: it ends earlier, or, ending together, has fewer ids. */
function copyOf(one: UsageRelation, two: UsageRelation, idsOne: number, idsTwo: number): UsageRelation {
  const [a, b] = [one, two].map((u) => (u.timeRange ? Date.parse(u.timeRange.to) : 0)) as [number, number];
  if (a !== b) return a < b ? one : two;
  return idsOne <= idsTwo ? one : two;
}
