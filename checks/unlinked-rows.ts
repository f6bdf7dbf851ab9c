/** Rows of one source whose id never appears in the other, within the time that both cover. */

import { activityOf, instantOf, secondsSql, timestampSql } from "../src/analysis/activity.ts";
import { idsOf } from "../src/analysis/pairing.ts";
import type { Span } from "../src/analysis/rhythm.ts";
import { exceptionalSilences } from "../src/analysis/silence.ts";
import { type CheckContext, defineCheck, Skip } from "../src/contract/check.ts";
import type { Evidence, Link, Series } from "../src/contract/evidence.ts";
import type { FindingDraft } from "../src/contract/finding.ts";
import { TOKEN_ROLES } from "../src/contract/roles.ts";
import { timelineOf } from "../src/contract/timeline.ts";
import { instant, percent, plural } from "../src/contract/wording.ts";

/** Sources that record one thing do so within a day: what is linked later refers to something made earlier. */
const TOGETHER_SECONDS = 86_400;
/** Ids of a log may be of other things, and rows of a table may have no counterpart by design: nearly all must match. */
const STRICT = 0.9;
/** Rows per id from which on an id names a container and each row a part of it. */
const PARTS_EACH = 1.5;
/** Of the rows of a source that names its own things, this share has an id of its own. */
const OWN_IDS = 0.9;

interface LinkTarget {
  name: string;
  link: Link;
}

/** One side of a link, as queries. */
interface Side {
  /** What holds the ids: a table, or a log's lines. */
  source: string;
  column: string;
  isLog: boolean;
  /** (id, time, n). */
  ids: string;
  series: Series;
}

export default defineCheck({
  id: "unlinked-rows",
  meta: {
    title: "Rows are missing on the other side of a link",
    severity: "warning",
    what: "Takes the ids that two sources share and looks, within the time that both cover, for ids of one that never appear in the other.",
    why: "A row that only one of two sources knows was lost between them or took a path that the other does not see. Seen as jobs in a database that had no trace in the log.",
    fix: "Look at the sample ids in both sources: what do they have in common that the linked ones have not (endpoint, user type, worker)? That is the path that does not record.",
    silent: [
      "Rows before or after the time that both sources cover, with room for their usual lag.",
      "Rows inside a silence of the other source: that is `timeline-gap`.",
      "Links of which less than `min_matched` of the ids match: one side records only some on purpose.",
      "Ids in log lines of which less than 90 % are in the table: other things have ids of the same shape.",
      "Rows of a table of which less than 90 % have a counterpart in another table: it is optional.",
      "Containers of which another table of the same input holds the parts, several each (sessions and their messages): one may be empty, unless it has tokens of its own.",
      "References to something made long before (a user, a model), and columns whose ids repeat.",
      "Fewer than `min_rows` such ids.",
    ],
    needs: "two sources with times whose ids match",
  },
  options: {
    min_rows: { describe: "Unlinked ids below which nothing is told.", default: 5 },
    min_matched: { describe: "Share of ids that must match for the link to count.", default: 0.5 },
  },
  targets: (evidence): LinkTarget[] =>
    evidence.links
      .filter((link) => link.leftTable !== link.rightTable && ["mentions", "values"].includes(link.how))
      .map((link) => ({
        name: `${link.leftTable}.${link.leftColumn}, ${link.rightTable}.${link.rightColumn}`,
        link,
      })),
  run: async ({ link }, ctx) => {
    const left = sideOf(ctx, ctx.evidence, link, "left");
    const right = sideOf(ctx, ctx.evidence, link, "right");
    if (!left || !right) return new Skip("one side has no times");
    const apart = ctx.sql.seconds_between("one.time", "two.time");
    const rows = await ctx.query(
      `SELECT count(*) AS n, ${ctx.sql.quantile(`abs(${apart})`, 0.5)} AS middle, ${ctx.sql.quantile(`abs(${apart})`, 0.99)} AS late
       FROM (${left.ids}) AS one JOIN (${right.ids}) AS two ON one.id = two.id
       WHERE one.time IS NOT NULL AND two.time IS NOT NULL`,
    );
    const { n, middle, late } = rows[0] ?? {};
    if (Number(n) === 0) return new Skip("no id is on both sides");
    if (Number(middle) > TOGETHER_SECONDS)
      return new Skip("the rows refer to something that was made long before");
    const findings: FindingDraft[] = [];
    // A row of one table that refers to a missing row of another is an orphan: of two tables only the other way counts.
    const ways = [[right, left] as const, ...(link.how === "mentions" ? [[left, right] as const] : [])];
    for (const [from, to] of ways) {
      const draft = await missingIn(ctx, link, from, to, Number(late), ctx.options);
      if (draft) findings.push(draft);
    }
    return findings;
  },
});

function sideOf(ctx: CheckContext, evidence: Evidence, link: Link, which: "left" | "right"): Side | null {
  const source = which === "left" ? link.leftTable : link.rightTable;
  const column = which === "left" ? link.leftColumn : link.rightColumn;
  const ids = idsOf(ctx, evidence, link, which);
  const series = evidence.series.find((s) => s.name === source);
  if (!ids || !series) return null;
  return { source, column, isLog: series.form === "lines", ids, series };
}

/** The ids of `one` that `other` should know and does not. */
async function missingIn(
  ctx: CheckContext,
  link: Link,
  one: Side,
  other: Side,
  late: number,
  options: { min_rows: number; min_matched: number },
): Promise<FindingDraft | null> {
  const own = await activityOf(ctx, one.series.relation);
  const covered = await activityOf(ctx, other.series.relation);
  const [a, b] = [own.buckets, covered.buckets];
  if (!a[0] || !b[0]) return null;
  // Within the time that both cover; near its ends the other half of a pair may lie outside.
  const margin = Math.max(60, late);
  const from = Math.max(a[0].first, b[0].first) + margin;
  const to = Math.min(a.at(-1)!.last, b.at(-1)!.last) - margin;
  if (from >= to) return null;
  const silences = exceptionalSilences(covered, null, {
    min_rows: 20,
    factor: 3,
    min_seconds: 1800,
    copy_seconds: 0,
  });
  const filled = await filledSql(ctx, one, other);
  if (filled === null) return null;
  const within = `${withinSql("one.time", { from, to }, silences, margin)} AND ${filled}`;
  const counted = await ctx.query(
    `SELECT count(*) AS ids, sum(one.n) AS all_rows, count(two.id) AS matched,
       ${secondsSql(ctx, "min(one.time) FILTER (WHERE two.id IS NULL)")} AS first,
       ${secondsSql(ctx, "max(one.time) FILTER (WHERE two.id IS NULL)")} AS last,
       sum(one.n) FILTER (WHERE two.id IS NULL) AS unlinked_rows
     FROM (${one.ids}) AS one LEFT JOIN (${other.ids}) AS two ON one.id = two.id WHERE ${within}`,
  );
  const row = counted[0] ?? {};
  const [ids, matched, rows] = [Number(row.ids), Number(row.matched), Number(row.unlinked_rows ?? 0)];
  const unlinked = ids - matched;
  if (unlinked < options.min_rows || ids === 0) return null;
  const strict = one.isLog || !other.isLog;
  if (matched / ids < (strict ? Math.max(STRICT, options.min_matched) : options.min_matched)) return null;
  // A column whose ids repeat names something else (a user, a session), which need not be active everywhere.
  if (!one.isLog && ids / Number(row.all_rows) < OWN_IDS) return null;
  const list = `SELECT one.id, one.time FROM (${one.ids}) AS one LEFT JOIN (${other.ids}) AS two ON one.id = two.id
WHERE two.id IS NULL AND ${within}`;
  const [first, last] = [instantOf(Number(row.first)), instantOf(Number(row.last))];
  return {
    title: "Rows are missing on the other side of a link",
    message:
      `${plural(unlinked, "id")} of ${one.source}.${one.column} (${percent(unlinked / ids)} of ${plural(ids, "id")}) never ${unlinked === 1 ? "appears" : "appear"} in ${other.source}` +
      ` within the time both cover, from ${instant(first)} to ${instant(last)}.`,
    measure: { name: "unlinked_ids", value: unlinked },
    evidence: {
      source: one.source,
      column: one.column,
      missing_in: other.source,
      unlinked_ids: unlinked,
      unlinked_rows: one.isLog ? null : rows,
      ids,
      matched_ratio: matched / ids,
      first,
      last,
      common_from: instantOf(from),
      common_to: instantOf(to),
      left_out: silences.map((s) => ({ from: instantOf(s.from), to: instantOf(s.to) })),
      link: link.how,
    },
    samples: await ctx.samples(`${list} ORDER BY one.time, one.id`),
    sql: `${list} ORDER BY one.time, one.id`,
    location: { input: one.series.input, table: one.source, column: one.isLog ? null : one.column },
    key: `${one.source} ${other.source}`,
    timeline: await timelineOf(ctx, instantOf(from), instantOf(to), [
      { name: one.source, relation: `(${one.ids}) AS known` },
      { name: "not in the other", relation: `(${list}) AS unlinked` },
    ]),
  };
}

/**
 * Which ids must have a counterpart, as a condition on `one.id`: all, or of containers those that carry tokens, as an
 * empty one rightly has no parts. Null where nothing tells a container that lost its parts from an empty one.
 */
async function filledSql(ctx: CheckContext, one: Side, other: Side): Promise<string | null> {
  if (one.isLog || other.isLog || one.series.input !== other.series.input) return "TRUE";
  const [row = {}] = await ctx.query(`SELECT sum(n) AS parts, count(*) AS ids FROM (${other.ids}) AS parts`);
  if (Number(row.parts ?? 0) < PARTS_EACH * Number(row.ids ?? 0)) return "TRUE";
  const usage = ctx.evidence.usage.find((u) => u.name === one.source);
  const roles = TOKEN_ROLES.filter((role) => usage?.has(role));
  if (!usage || roles.length === 0 || usage.columnOf("id")?.name !== one.column) return null;
  const some = roles.map((role) => `${role} > 0`).join(" OR ");
  return `one.id IN (SELECT CAST(id AS VARCHAR) FROM ${usage.relation} WHERE ${some})`;
}

function withinSql(time: string, span: Span, without: readonly Span[], margin: number): string {
  const parts = [`${time} >= ${timestampSql(span.from)}`, `${time} <= ${timestampSql(span.to)}`];
  for (const hole of without)
    parts.push(
      `NOT (${time} >= ${timestampSql(hole.from - margin)} AND ${time} <= ${timestampSql(hole.to + margin)})`,
    );
  return parts.join(" AND ");
}
