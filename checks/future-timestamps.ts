/** Finds rows and log lines that are dated after now. */

import { timestamp } from "../src/analysis/loss.ts";
import { sampleColumns } from "../src/analysis/scope.ts";
import { defineCheck } from "../src/contract/check.ts";
import { duration, instant, number, percent, plural } from "../src/contract/wording.ts";

/** No zone is further from UTC than this. */
const ZONE_HOURS_MAX = 14;

export default defineCheck({
  id: "future-timestamps",
  meta: {
    title: "Rows are dated in the future",
    severity: "warning",
    what: "Counts rows of tables and lines of logs whose time is later than now (`--now`, by default the clock) plus a tolerance, and says by how much, and whether the difference is that of a time zone.",
    why: "A row from the future sorts before everything else, falls out of every `last 24 hours`, and hides that recording has stopped. Seen as runs that seemed to start seven hours from now, because local times had been taken for UTC.",
    fix: "Where the difference is a whole number of hours, name the zone of that input (`timezone:` in trueup.yaml, or `--timezone`) or store UTC; else look at the clock or the unit of what writes the rows.",
    silent: [
      "A row up to `tolerance` seconds after now is a difference between clocks.",
      "The bucket of a local day or hour may begin up to 14 hours after now.",
      "End times, expiry dates and other columns that may lie ahead are not looked at.",
    ],
    needs: "a table or log with times",
  },
  options: {
    tolerance: { describe: "Seconds after now that a time may lie.", default: 300 },
  },
  // The events of a log are among its lines: they are looked at once.
  targets: (evidence) => evidence.series.filter((series) => series.form !== "events"),
  async run(series, ctx) {
    const now = timestamp(ctx.now, ctx.sql);
    const ahead = ctx.sql.seconds_between(now, "time");
    // Infinite times are no dates; their difference cannot be taken either.
    const usage = ctx.evidence.usage.find((u) => u.name === series.name);
    // A bucket of a local day may begin today where it is already tomorrow.
    const tolerance = Number(ctx.options.tolerance) + (usage?.grain ? ZONE_HOURS_MAX * 3600 : 0);
    const future = `time > ${now} AND time < TIMESTAMP '9999-12-31 00:00:00' AND ${ahead} > ${tolerance}`;
    const [seen = {}] = await ctx.query(
      `SELECT count(*) AS n, min(time) AS first, max(time) AS last, max(${ahead}) AS ahead_max
       FROM ${series.relation} WHERE ${future}`,
    );
    const rows = Number(seen.n ?? 0);
    if (rows === 0) return [];
    const furthest = Number(seen.ahead_max);
    const hours = Math.ceil(furthest / 3600);
    const what = series.form === "lines" ? "line" : "row";
    const shown = series.form === "lines" ? "line, time" : usage ? sampleColumns(usage) : "time";
    const query = `SELECT ${shown} FROM ${series.relation} WHERE ${future} ORDER BY time DESC, ${shown.split(",")[0]}`;
    return [
      {
        title: `${what === "line" ? "Lines" : "Rows"} are dated in the future`,
        message: `${number(rows)} of ${plural(series.rows, what)} (${percent(rows / series.rows)}) ${
          rows === 1 ? "is" : "are"
        } later than now (${instant(ctx.now)}); the latest, from ${instant(seen.last)}, by ${duration(furthest)}.${
          hours <= ZONE_HOURS_MAX
            ? ` Local times of a zone ${plural(hours, "hour")} or more ahead of UTC, read as UTC, look like that.`
            : ""
        }`,
        measure: { name: "future_rows", value: rows },
        evidence: {
          future_rows: rows,
          rows: series.rows,
          first: seen.first ?? null,
          last: seen.last ?? null,
          now: ctx.now,
          ahead_seconds: furthest,
        },
        samples: await ctx.samples(query),
        sql: `${query} LIMIT 100`,
        location: { column: series.table.columns.find((c) => c.role === "time")?.name ?? null },
      },
    ];
  },
});
