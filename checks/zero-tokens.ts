/** Finds successful calls that were recorded with zero tokens. */

import { explain, explained, explanationEvidence, worstSegment } from "../src/analysis/explain.ts";
import { freshLoss, lossOf, lossOnset, lossTimeline } from "../src/analysis/loss.ts";
import {
  anyRow,
  callScope,
  isRollup,
  listUsage,
  meteredScope,
  sampleColumns,
  segmentDimensions,
  statusEvidence,
} from "../src/analysis/scope.ts";
import { defineCheck, Skip } from "../src/contract/check.ts";
import type { UsageRelation } from "../src/contract/evidence.ts";
import { instant, number, percent, plural } from "../src/contract/wording.ts";

export default defineCheck({
  id: "zero-tokens",
  meta: {
    title: "Calls are recorded with zero tokens",
    severity: "warning",
    what: "Counts the successful calls whose input and output tokens add up to 0, and looks for one segment (streaming, endpoint, provider or model) in which they are far more frequent than in the rest.",
    why: "No successful call is free of tokens: a 0 that stands for `not known` is added up as if it were a measurement. Seen with streaming calls, whose usage arrives in a last chunk that nobody read, recorded as 0/0 for months.",
    fix: "Look at how the calls of that segment get their usage. For streaming, ask the provider for it (`stream_options: {include_usage: true}`) and read the last chunk; store NULL and not 0 where it is unknown.",
    silent: [
      "A row whose output alone is 0 (embeddings, transcriptions) has tokens.",
      "Calls that failed or were cancelled, calls not metered in tokens (images, speech, moderation, reranking) and answers from a cache are not counted, nor are rows that are no calls.",
      "Rows whose counts are NULL belong to `missing-tokens`; parents that leave the tokens to their children to `zero-token-root`.",
      "Tables whose rows sum up calls (daily, hourly, session and counter tables) are not looked at.",
      "A share of at most `max_ratio` is accepted unless one segment stands out, or the newest calls are all zero for ten minutes and more while hardly any before them is; fewer than `min_rows` calls are not judged.",
    ],
    needs: "a table of calls with an input or a total token column",
  },
  options: {
    max_ratio: { describe: "Share of successful calls that may have zero tokens (0 to 1).", default: 0.05 },
    min_rows: { describe: "Calls below which nothing is reported, also of one segment.", default: 5 },
  },
  targets: (evidence) => evidence.usage.filter((u) => zeroIn(u) !== null && !isRollup(u)),
  async run(usage, ctx) {
    const zero = zeroIn(usage) ?? "FALSE";
    const metered = await meteredScope(usage, ctx);
    if (!(await anyRow(usage, `${metered} AND ${zero}`, ctx)))
      return (await anyRow(usage, metered, ctx)) ? [] : new Skip("no successful calls to look at");
    const scope = await callScope(usage, ctx);
    const loss = await lossOf(usage, scope, zero, ctx);
    const { okRows, lost, beforeFirst } = loss;
    if (okRows === 0) return new Skip("no successful calls to look at");
    if (okRows < ctx.options.min_rows || lost === 0) return [];
    const above = lost / okRows > ctx.options.max_ratio;
    const segment = above
      ? await explain(usage, usage.dimensions, scope, zero, ctx)
      : await worstSegment(usage, segmentDimensions(usage), scope, zero, ctx.options, ctx);
    if (!above && !segment && freshLoss(loss, ctx.options.min_rows) === 0) return [];

    const sentences = [
      `${number(lost)} of ${plural(okRows, "succeeded row")} (${percent(lost / okRows)}) have zero input and output tokens${
        loss.since === null ? "" : `, since ${instant(loss.since)}`
      }.`,
    ];
    if (lost === okRows) sentences.push("No row has any other count.");
    if (segment) sentences.push(`They are zero in ${explained(segment)}.`);
    if (beforeFirst === lost && loss.firstWith !== null)
      sentences.push(
        `All of them are older than the first row with tokens, from ${instant(loss.firstWith)}.`,
      );
    const where = `${scope} AND ${zero}`;
    const order = usage.has("time") ? "time, row" : "row";
    return [
      {
        title: "Calls are recorded with zero tokens",
        message: sentences.join(" "),
        measure: { name: "zero_ratio", value: lost / okRows },
        evidence: {
          zero: lost,
          ok_rows: okRows,
          since: loss.since,
          last_with: loss.lastWith,
          first_with: loss.firstWith,
          before_first: beforeFirst,
          ...explanationEvidence(segment),
          ...statusEvidence(usage),
        },
        samples: await ctx.samples(
          `SELECT ${sampleColumns(usage)} FROM ${usage.relation} WHERE ${where} ORDER BY ${order}`,
        ),
        sql: listUsage(usage, where, order),
        location: {
          column: (usage.columnOf("input_tokens") ?? usage.columnOf("total_tokens"))?.name ?? null,
        },
        timeline: await lossTimeline(usage, scope, zero, loss, ctx),
        onset: await lossOnset(usage, scope, zero, loss, ctx),
      },
    ];
  },
});

/** True in rows with counts that add up to 0; null where the table cannot tell (only output is recorded). */
function zeroIn(usage: UsageRelation): string | null {
  if (usage.has("input_tokens", "output_tokens"))
    return "(COALESCE(input_tokens, 0) = 0 AND COALESCE(output_tokens, 0) = 0 AND COALESCE(input_tokens, output_tokens) IS NOT NULL)";
  if (usage.has("input_tokens")) return "COALESCE(input_tokens = 0, FALSE)";
  if (usage.has("total_tokens") && !usage.has("output_tokens")) return "COALESCE(total_tokens = 0, FALSE)";
  return null;
}
