/** Finds successful calls whose token counts were never recorded. */

import { explain, explained, explanationEvidence } from "../src/analysis/explain.ts";
import {
  freshLoss,
  IMPORT_LAG_SECONDS,
  type Loss,
  lossOf,
  lossOnset,
  lossTimeline,
} from "../src/analysis/loss.ts";
import { recoveryPlan } from "../src/analysis/recovery.ts";
import {
  anyRow,
  callScope,
  isRollup,
  listSource,
  listUsage,
  meteredScope,
  noTokens,
  sampleColumns,
  statusEvidence,
  tokenRoles,
} from "../src/analysis/scope.ts";
import { defineCheck, Skip } from "../src/contract/check.ts";
import { instant, number, percent, plural } from "../src/contract/wording.ts";

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
      "With fewer than `min_rows` successful calls, or a share of at most `max_ratio`, nothing is reported; but when the newest calls all lack counts for ten minutes and more, and hardly any before them do, that is told: at severity info up to 36 hours, as an importer may still fill them, then as a warning.",
    ],
    needs: "a table of calls with a token column",
  },
  options: {
    max_ratio: { describe: "Share of successful calls that may lack token counts (0 to 1).", default: 0.05 },
    min_rows: { describe: "Successful calls below which nothing is reported.", default: 5 },
  },
  targets: (evidence) => evidence.usage.filter((u) => tokenRoles(u).length > 0 && !isRollup(u)),
  async run(usage, ctx) {
    const missing = noTokens(usage);
    const metered = await meteredScope(usage, ctx);
    if (!(await anyRow(usage, `${metered} AND ${missing}`, ctx)))
      return (await anyRow(usage, metered, ctx)) ? [] : new Skip("no successful calls to look at");
    const scope = await callScope(usage, ctx);
    const loss = await lossOf(usage, scope, missing, ctx);
    const { okRows, lost, beforeFirst } = loss;
    if (okRows === 0) return new Skip("no successful calls to look at");
    if (okRows < ctx.options.min_rows) return [];
    const isShare = lost / okRows > ctx.options.max_ratio;
    const fresh = isShare ? 0 : freshLoss(loss, ctx.options.min_rows);
    if (!isShare && fresh === 0) return [];

    const addedLater =
      beforeFirst > 0 && lost - beforeFirst <= ctx.options.max_ratio * (okRows - beforeFirst);
    const cause =
      addedLater || fresh > 0 ? null : await explain(usage, usage.dimensions, scope, missing, ctx);
    const where = `${scope} AND ${missing}`;
    const order = usage.has("time") ? "time, row" : "row";
    const onset = await lossOnset(usage, scope, missing, loss, ctx);
    return [
      {
        title: addedLater ? "Token counts begin later than the rows" : "Token counts are missing",
        message: [
          addedLater ? laterMessage(loss) : fresh > 0 ? freshMessage(loss) : lossMessage(loss, onset.until),
          cause ? ` They are missing in ${explained(cause)}.` : "",
        ].join(""),
        measure: { name: "missing_ratio", value: lost / okRows },
        evidence: {
          missing: lost,
          ok_rows: okRows,
          since: addedLater ? null : loss.since,
          last_with: loss.lastWith,
          first_with: loss.firstWith,
          before_first: beforeFirst,
          ...explanationEvidence(cause),
          ...statusEvidence(usage),
        },
        samples: await ctx.samples(
          `SELECT ${sampleColumns(usage)} FROM ${usage.relation} WHERE ${where} ORDER BY ${order}`,
        ),
        sql:
          okRows === usage.rows
            ? listSource(usage, ctx.sql, (of) =>
                tokenRoles(usage)
                  .map((role) => `${of(role)} IS NULL`)
                  .join(" AND "),
              )
            : listUsage(usage, where, order),
        location: { column: usage.columnOf(tokenRoles(usage)[0] ?? "input_tokens")?.name ?? null },
        timeline: await lossTimeline(usage, scope, missing, loss, ctx),
        onset,
        ...(addedLater
          ? {
              severity: "info" as const,
              key: "added-later",
              fix: "Nothing is broken now. Leave the older rows out of sums, or recover them with `trueup backfill`.",
            }
          : fresh > 0
            ? {
                severity: fresh < IMPORT_LAG_SECONDS ? ("info" as const) : ("warning" as const),
                key: "newest",
              }
            : {}),
      },
    ];
  },
  repair: async (usage, ctx) => recoveryPlan(usage, await callScope(usage, ctx), ctx),
});

function shareOf({ lost, okRows }: Loss): string {
  return `${number(lost)} of ${plural(okRows, "succeeded row")} (${percent(lost / okRows)})`;
}

/** `until` is given where the loss has ended. */
function lossMessage(loss: Loss, until?: string): string {
  const { lost, okRows, since, lastWith, beforeFirst } = loss;
  const from =
    since === null
      ? ""
      : until === undefined
        ? `, since ${instant(since)}`
        : `, most of them from ${instant(since)} to ${instant(until)}`;
  if (lost === okRows) return `${shareOf(loss)} have no token counts${from}; no row has any.`;
  if (lastWith === null) return `${shareOf(loss)} have no token counts${from}.`;
  const older =
    beforeFirst > 0 && beforeFirst < lost
      ? ` ${number(beforeFirst)} of them ${beforeFirst === 1 ? "is" : "are"} older than the first row with tokens.`
      : "";
  return `${shareOf(loss)} have no token counts${from}; the last row with tokens is from ${instant(lastWith)}.${older}`;
}

function freshMessage({ okRows, lost, afterLast, since }: Loss): string {
  const before = okRows - afterLast;
  return `The newest ${number(afterLast)} calls have no token counts, since ${instant(since)}; of the ${plural(before, "call")} before them ${number(lost - afterLast)} ${lost - afterLast === 1 ? "has" : "have"} none. An importer that runs later may still fill them.`;
}

function laterMessage(loss: Loss): string {
  const { lost, beforeFirst, firstWith } = loss;
  const older = beforeFirst === lost ? "all of them" : number(beforeFirst);
  return `${shareOf(loss)} have no token counts; ${older} are older than the first row with tokens, from ${instant(firstWith)}: the column was added later.`;
}
