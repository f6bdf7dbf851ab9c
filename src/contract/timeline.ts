/** Builds the small picture of time that a finding may carry. */

import type { CheckContext } from "./check.ts";
import type { Instant } from "./evidence.ts";
import type { Lane, Timeline } from "./finding.ts";

/** Equal buckets of a picture. */
const BUCKETS = 48;

export interface LaneQuery {
  name: string;
  /** Quoted relation with a column `time`. */
  relation: string;
  /** An SQL condition on its rows, or nothing for all. */
  where?: string;
}

/** Counts each lane's rows per bucket between two instants (both included). */
export async function timelineOf(
  ctx: Pick<CheckContext, "query" | "sql">,
  from: Instant,
  to: Instant,
  lanes: readonly LaneQuery[],
  marks: Timeline["marks"] = [],
): Promise<Timeline> {
  const lo = `TIMESTAMP ${ctx.sql.literal(from.replace("T", " ").replace("Z", ""))}`;
  const span = Math.max(1, (Date.parse(to) - Date.parse(from)) / 1000);
  const drawn: Lane[] = [];
  for (const lane of lanes) {
    const position = `CAST(floor(${ctx.sql.seconds_between(lo, "time")} / ${span} * ${BUCKETS}) AS INTEGER)`;
    const rows = await ctx.query(
      `SELECT LEAST(${position}, ${BUCKETS - 1}) AS bucket, count(*) AS n FROM ${lane.relation}
       WHERE time IS NOT NULL AND ${ctx.sql.seconds_between(lo, "time")} BETWEEN 0 AND ${span}${
         lane.where ? ` AND (${lane.where})` : ""
       } GROUP BY 1 ORDER BY 1`,
    );
    const counts = new Array<number>(BUCKETS).fill(0);
    for (const row of rows) counts[Number(row.bucket)] = Number(row.n);
    drawn.push({ name: lane.name, counts });
  }
  return { from, to, lanes: drawn, marks };
}
