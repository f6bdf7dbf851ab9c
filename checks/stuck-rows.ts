/** Finds work that began and never ended. */

import { timestamp } from "../src/analysis/loss.ts";
import { isUnfinished, listUsage, sampleColumns } from "../src/analysis/scope.ts";
import { defineCheck } from "../src/contract/check.ts";
import type { UsageRelation } from "../src/contract/evidence.ts";
import type { SqlDialect } from "../src/contract/sql.ts";
import { duration, instant, number, percent, plural } from "../src/contract/wording.ts";

/** Share of the rows that are done which must have an end for a missing end to mean anything. */
const ENDS_TRACKED = 0.5;
/** The same where no status says which rows are done. */
const ENDS_TRACKED_WITHOUT_STATUS = 0.05;

export default defineCheck({
  id: "stuck-rows",
  meta: {
    title: "Rows never ended",
    severity: "warning",
    what: "Counts rows that began longer than `max_age` ago and whose status is still running, pending, queued or the like, or whose end time is NULL although the table records ends.",
    why: "A job that was never closed holds its slot in every `still running` list, never gets its tokens and its cost, and hides that a worker died. Seen as 76 of 94 jobs that were pending for ever.",
    fix: "Look for what should have closed these rows (a worker that was killed, an error path that does not update the row) and close them; let a sweeper do that from now on.",
    silent: [
      "Rows younger than `max_age` may still be running. For files, age counts to the latest time in the evidence, and to now only with `--now` or a live input.",
      "A table in which successful rows have no end either does not record ends.",
      "A row with a final status (done, failed, cancelled) is not stuck, whatever its end time.",
      "Rows that are the earlier states of one piece of work (the chunks of a stream, the steps of a job), whose last row is final.",
      "Rows without a start time have no age, and tables whose rows sum up calls do not run.",
    ],
    needs: "a table with a start time and a status or an end time",
  },
  options: {
    max_age: { describe: "Seconds that a row may be unfinished.", default: 3600 },
  },
  targets: (evidence) =>
    evidence.usage.filter(
      (u) =>
        u.grain === null && u.has("time") && (u.has("status") || u.has("end_time")) && u.origin === "table",
    ),
  async run(usage, ctx) {
    const { evidence } = ctx;
    // A row from the future must not age all the others.
    const latest = evidence.latest !== null && evidence.latest < ctx.now ? evidence.latest : ctx.now;
    const reference = evidence.nowCounts ? ctx.now : latest;
    const unfinished = await unfinishedRows(usage, ctx);
    if (unfinished === null) return [];
    const age = ctx.sql.seconds_between("time", timestamp(reference, ctx.sql));
    const old = `${unfinished} AND time <= ${timestamp(reference, ctx.sql)} AND time > TIMESTAMP '0001-01-01 00:00:00' AND ${age} > ${Number(ctx.options.max_age)}`;
    const status = usage.has("status") ? "status" : "NULL";
    const groups = await ctx.query(
      `SELECT ${status} AS status, count(*) AS n, min(time) AS oldest, max(time) AS newest, max(${age}) AS age_max
       FROM ${usage.relation} WHERE ${old} GROUP BY 1 ORDER BY n DESC, 1`,
    );
    const stuck = groups.reduce((n, group) => n + Number(group.n), 0);
    if (stuck === 0) return [];
    if (await areStates(usage, stuck, ctx)) return [];
    const oldest = groups.map((g) => String(g.oldest)).sort()[0] as string;
    const newest = groups
      .map((g) => String(g.newest))
      .sort()
      .at(-1) as string;
    const words = groups.map(
      (g) =>
        `${number(g.n)} ${g.status === null ? "without an end time" : `"${String(g.status).slice(0, 40)}"`}`,
    );
    return [
      {
        title: "Rows never ended",
        message: `${number(stuck)} of ${plural(usage.rows, "row")} (${percent(stuck / usage.rows)}) ${
          stuck === 1 ? "has" : "have"
        } not ended ${duration(Number(ctx.options.max_age))} after the start: ${words.slice(0, 5).join(", ")}. The oldest began ${instant(oldest)}, the newest ${instant(newest)}; age counts to ${instant(reference)}.`,
        measure: { name: "stuck_rows", value: stuck },
        evidence: {
          stuck,
          rows: usage.rows,
          oldest,
          newest,
          reference,
          age_max_seconds: groups.reduce((most, g) => Math.max(most, Number(g.age_max)), 0),
          statuses: groups.slice(0, 20).map((g) => ({
            value: g.status === null ? "NULL" : String(g.status).slice(0, 40),
            rows: Number(g.n),
          })),
        },
        samples: await ctx.samples(
          `SELECT ${sampleColumns(usage)} FROM ${usage.relation} WHERE ${old} ORDER BY time, row`,
        ),
        sql: listUsage(usage, old, "time, row"),
        location: { column: (usage.columnOf("status") ?? usage.columnOf("end_time"))?.name ?? null },
      },
    ];
  },
});

/** True in rows that have not ended; null when the table cannot tell. */
async function unfinishedRows(
  usage: UsageRelation,
  ctx: { sql: SqlDialect; query(sql: string): Promise<Record<string, unknown>[]> },
): Promise<string | null> {
  const running = isUnfinished(usage, ctx.sql);
  if (!usage.has("end_time")) return `(status IS NOT NULL AND ${running})`;
  const done = usage.has("status")
    ? `status IS NOT NULL AND trim(status) <> '' AND ok AND NOT ${running}`
    : "TRUE";
  const [seen = {}] = await ctx.query(
    `SELECT count(*) FILTER (WHERE ${done}) AS done, count(end_time) FILTER (WHERE ${done}) AS ended,
       count(*) AS n, count(end_time) AS with_end FROM ${usage.relation} WHERE is_call`,
  );
  const count = (name: string) => Number(seen[name] ?? 0);
  const tracked =
    count("done") > 0 && usage.has("status")
      ? count("ended") >= ENDS_TRACKED * count("done")
      : count("with_end") > ENDS_TRACKED_WITHOUT_STATUS * count("n");
  if (!usage.has("status")) return tracked ? "(is_call AND end_time IS NULL)" : null;
  const byStatus = `(status IS NOT NULL AND ${running})`;
  const byEnd = `(is_call AND end_time IS NULL AND (status IS NULL OR trim(status) = ''))`;
  return tracked ? `(${byStatus} OR ${byEnd})` : byStatus;
}

/** A column that names one piece of work, and no session or user that has many. */
const WORK_ID =
  /(?:request|req|job|run|task|call|completion|generation|response|message|event|operation|execution)s?_?id$|^(?:uuid|id)$/i;
/** Of the unfinished rows this share must have their final row for all of them to be earlier states. */
const STATES_MIN = 0.95;

/** Whether the table holds a row per state: the work of nearly every unfinished row has exactly one final row, later on. */
async function areStates(
  usage: UsageRelation,
  stuck: number,
  ctx: { sql: SqlDialect; query(sql: string): Promise<Record<string, unknown>[]> },
): Promise<boolean> {
  const [status, time] = [usage.columnOf("status")?.expression, usage.columnOf("time")?.expression];
  if (!status || !time) return false;
  const running = isUnfinished(usage, ctx.sql);
  for (const column of usage.table.columns) {
    if (!column.loaded || column.primaryKey || !WORK_ID.test(column.name)) continue;
    const [row = {}] = await ctx.query(
      `WITH states AS (SELECT ${ctx.sql.ident(column.name)} AS work, ${status} AS status, ${time} AS began FROM ${usage.table.relation}),
         ends AS (SELECT work, count(*) AS finals, max(began) AS ended FROM states
           WHERE work IS NOT NULL AND status IS NOT NULL AND NOT ${running} GROUP BY work)
       SELECT count(*) AS n FROM states JOIN ends ON ends.work = states.work
       WHERE status IS NOT NULL AND ${running} AND finals = 1 AND ended >= began`,
    );
    if (Number(row.n) >= STATES_MIN * stuck) return true;
  }
  return false;
}
