/** Finds successful calls whose token counts were never recorded. */

import { defineCheck, Skip } from "../src/contract/check.ts";
import type { UsageRelation } from "../src/contract/evidence.ts";
import { explain, explained, explanationEvidence } from "../src/contract/explain.ts";
import type { FindingDraft, Row } from "../src/contract/finding.ts";
import {
  callScope,
  isRollup,
  listSource,
  listUsage,
  noTokens,
  sampleColumns,
  statusEvidence,
  tokenRoles,
} from "../src/contract/scope.ts";
import { timelineOf } from "../src/contract/timeline.ts";
import { instant, percent, plural } from "../src/contract/wording.ts";

export default defineCheck({
  id: "missing-tokens",
  meta: {
    title: "Token counts are missing",
    severity: "error",
    what: "Counts the successful calls in which every token column is NULL, and says since when they are missing, which row was the last that had them, and which value of which other column (provider, model, endpoint, user type …) tells the rows without tokens from those with them.",
    why: "A call that succeeded used tokens. Where none were recorded, every sum, cost and limit that is computed from the table is too low, and a dashboard shows an empty cell that looks like no usage. Seen as a dashboard with tokens in 1 of 95 rows, and as 737 traces without any.",
    fix: "Look at what writes the token columns of these rows: `trueup diagnose` ranks the causes, and `trueup backfill` recovers the counts where a log or another table has them.",
    silent: [
      "Calls that failed, were cancelled or have not ended are not counted, and neither are rows that are no calls (user, tool and chain rows, spans without a model, parents that leave the tokens to their children).",
      "Calls that are not metered in tokens (images, speech, moderation, reranking) or were answered from a cache are not counted.",
      "Tables whose rows sum up calls (daily, hourly, session and counter tables) are not looked at.",
      "Rows older than the first row with tokens are told as a column that was added later, at severity info.",
      "With fewer than `min_rows` successful calls, or a share of at most `max_ratio`, nothing is reported.",
    ],
    needs: "a table of calls with a token column",
  },
  options: {
    max_ratio: { describe: "Share of successful calls that may lack token counts (0 to 1).", default: 0.05 },
    min_rows: { describe: "Successful calls below which nothing is reported.", default: 5 },
  },
  targets: (evidence) => evidence.usage.filter((u) => tokenRoles(u).length > 0 && !isRollup(u)),
  async run(usage: UsageRelation, ctx) {
    const { relation } = usage;
    const scope = await callScope(usage, ctx);
    const missing = noTokens(usage);
    const timed = usage.has("time");
    const time = timed ? "time" : "NULL";
    const [seen = {} as Row] = await ctx.query(
      `SELECT count(*) AS ok_rows, count(*) FILTER (WHERE ${missing}) AS missing,
         min(${time}) AS start, max(${time}) AS finish,
         min(${time}) FILTER (WHERE NOT (${missing})) AS first_with,
         max(${time}) FILTER (WHERE NOT (${missing})) AS last_with,
         min(${time}) FILTER (WHERE ${missing}) AS first_missing
       FROM ${relation} WHERE ${scope}`,
    );
    const okRows = Number(seen.ok_rows);
    const lost = Number(seen.missing);
    if (okRows === 0) return new Skip("no successful calls to look at");
    if (okRows < ctx.options.min_rows || lost / okRows <= ctx.options.max_ratio) return [];

    const [split = {} as Row] = timed
      ? await ctx.query(
          `SELECT count(*) FILTER (WHERE time < first_with) AS before_first,
             count(*) FILTER (WHERE time > last_with) AS after_last,
             min(time) FILTER (WHERE time > last_with) AS since
           FROM (SELECT time, min(CASE WHEN ${missing} THEN NULL ELSE time END) OVER () AS first_with,
                   max(CASE WHEN ${missing} THEN NULL ELSE time END) OVER () AS last_with, ${missing} AS lacks
                 FROM ${relation} WHERE ${scope}) AS timed WHERE lacks`,
        )
      : [];
    const before = Number(split.before_first ?? 0);
    // Where the trailing rows are most of the missing ones, the loss began after the last row that had tokens.
    const since = Number(split.after_last ?? 0) * 2 >= lost ? split.since : seen.first_missing;
    const later = lost - before;
    const addedLater = before > 0 && later <= ctx.options.max_ratio * (okRows - before);
    const cause = addedLater ? null : await explain(usage, usage.dimensions, scope, missing, ctx);

    const numbers = `${plural(lost, "row").replace(/^(\S+) rows?$/, "$1")} of ${plural(okRows, "succeeded row")} (${percent(lost / okRows)})`;
    const sentences: string[] = [];
    if (addedLater)
      sentences.push(
        `${numbers} have no token counts; ${before === lost ? "all of them are" : `${plural(before, "row")} are`} older than the first row with tokens, from ${instant(seen.first_with)}: the column was added later.`,
      );
    else if (lost === okRows)
      sentences.push(
        `${numbers} have no token counts${timed ? `, since ${instant(since)}` : ""}; no row has any.`,
      );
    else if (timed && seen.last_with !== null)
      sentences.push(
        `${numbers} have no token counts, since ${instant(since)}; the last row with tokens is from ${instant(seen.last_with)}.`,
      );
    else sentences.push(`${numbers} have no token counts.`);
    if (!addedLater && before > 0 && before < lost)
      sentences.push(`${plural(before, "row")} of them are older than the first row with tokens.`);
    if (cause) sentences.push(`They are missing in ${explained(cause)}.`);

    const where = `${scope} AND ${missing}`;
    const everyRow = okRows === usage.rows;
    const draft: FindingDraft = {
      title: addedLater ? "Token counts begin later than the rows" : "Token counts are missing",
      message: sentences.join(" "),
      measure: { name: "missing_ratio", value: lost / okRows },
      evidence: {
        missing: lost,
        ok_rows: okRows,
        since: addedLater ? null : (since ?? null),
        last_with: seen.last_with ?? null,
        first_with: seen.first_with ?? null,
        before_first: before,
        ...explanationEvidence(cause),
        ...statusEvidence(usage),
      },
      samples: await ctx.samples(
        `SELECT ${sampleColumns(usage)} FROM ${relation} WHERE ${where} ORDER BY ${timed ? "time, " : ""}row`,
      ),
      sql: everyRow
        ? listSource(usage, ctx.sql, (of) =>
            tokenRoles(usage)
              .map((r) => `${of(r)} IS NULL`)
              .join(" AND "),
          )
        : listUsage(usage, where, timed ? "time, row" : "row"),
      location: { column: usage.columnOf(tokenRoles(usage)[0] ?? "input_tokens")?.name ?? null },
      ...(addedLater ? { severity: "info" as const, key: "added-later" } : {}),
      ...(addedLater
        ? {
            fix: "Nothing is broken now. Leave the older rows out of sums, or recover them with `trueup backfill`.",
          }
        : {}),
    };
    if (usage.timeRange && typeof seen.start === "string" && typeof seen.finish === "string")
      draft.timeline = await timelineOf(
        ctx,
        seen.start,
        seen.finish,
        [
          { name: "calls", relation, where: scope },
          { name: "with tokens", relation, where: `${scope} AND NOT (${missing})` },
        ],
        typeof seen.last_with === "string" ? [{ time: seen.last_with, label: "last row with tokens" }] : [],
      );
    return [draft];
  },
});
