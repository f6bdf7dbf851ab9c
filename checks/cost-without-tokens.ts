/** Finds calls that cost money and used no tokens. */

import { explain, explained, explanationEvidence } from "../src/analysis/explain.ts";
import {
  anyRow,
  callScope,
  isNamed,
  isRollup,
  listUsage,
  meteredScope,
  sampleColumns,
  tokenRoles,
} from "../src/analysis/scope.ts";
import { defineCheck, Skip } from "../src/contract/check.ts";
import { instant, number, percent, plural } from "../src/contract/wording.ts";

export default defineCheck({
  id: "cost-without-tokens",
  meta: {
    title: "Calls have a cost and no tokens",
    severity: "warning",
    what: "Counts successful calls with a cost above 0 of which every token count is 0 or NULL, and says what they cost together and which value of another column tells them from the others.",
    why: "A cost that no usage explains cannot be checked, and a price per token that is derived from it is infinite. Seen as spend with no usage after the provider's usage had not been read.",
    fix: "Look at where the cost comes from and why the tokens beside it are lost. For models that are paid per request, name them in `per_request`.",
    silent: [
      "Models that are paid per request, once they are configured in `per_request`.",
      "Images, speech, moderation and reranking are not metered in tokens, and answers from a cache use none.",
      "A call with cache or reasoning tokens has tokens.",
      "Failed calls, parents that leave the tokens to their children, tables whose rows sum up calls, and fewer than `min_rows` calls with a cost.",
    ],
    needs: "a table of calls with costs and tokens",
  },
  options: {
    max_ratio: { describe: "Share of calls with a cost that may have no tokens (0 to 1).", default: 0 },
    min_rows: { describe: "Calls with a cost below which nothing is reported.", default: 5 },
    per_request: {
      describe: "Models that are paid per request; `*` stands for any text.",
      default: [] as string[],
    },
  },
  targets: (evidence) =>
    evidence.usage.filter((u) => u.has("cost") && tokenRoles(u).length > 0 && !isRollup(u)),
  async run(usage, ctx) {
    const paid = usage.has("model") ? ` AND NOT ${isNamed(ctx.sql, "model", ctx.options.per_request)}` : "";
    const none = `(${tokenRoles(usage)
      .map((role) => `COALESCE(${role}, 0) = 0`)
      .join(" AND ")})`;
    const metered = await meteredScope(usage, ctx);
    if (!(await anyRow(usage, `${metered} AND cost > 0 AND ${none}`, ctx)))
      return (await anyRow(usage, `${metered} AND cost > 0`, ctx))
        ? []
        : new Skip("no successful call has a cost");
    const scope = `${await callScope(usage, ctx)} AND cost > 0${paid}`;
    const time = usage.has("time") ? "time" : "CAST(NULL AS TIMESTAMP)";
    const [seen = {}] = await ctx.query(
      `SELECT count(*) AS n, count(*) FILTER (WHERE ${none}) AS bad, sum(cost) FILTER (WHERE ${none}) AS spent, sum(cost) AS all_spent,
         min(${time}) FILTER (WHERE ${none}) AS since FROM ${usage.relation} WHERE ${scope}`,
    );
    const rows = Number(seen.n ?? 0);
    const bad = Number(seen.bad ?? 0);
    if (rows === 0) return new Skip("no successful call has a cost");
    if (rows < ctx.options.min_rows || bad === 0 || bad / rows <= ctx.options.max_ratio) return [];
    const cause = bad < rows ? await explain(usage, usage.dimensions, scope, none, ctx) : null;
    const where = `${scope} AND ${none}`;
    const order = usage.has("time") ? "time, row" : "row";
    return [
      {
        title: "Calls have a cost and no tokens",
        message: `${number(bad)} of ${plural(rows, "call")} with a cost (${percent(bad / rows)}) have no tokens; together they cost ${number(seen.spent)} of ${number(seen.all_spent)}${
          seen.since ? `, since ${instant(seen.since)}` : ""
        }.${cause ? ` They lack tokens in ${explained(cause)}.` : ""}`,
        measure: { name: "without_tokens_ratio", value: bad / rows },
        evidence: {
          without_tokens: bad,
          rows,
          cost: seen.spent ?? null,
          cost_all: seen.all_spent ?? null,
          since: seen.since ?? null,
          ...explanationEvidence(cause),
        },
        samples: await ctx.samples(
          `SELECT ${sampleColumns(usage)} FROM ${usage.relation} WHERE ${where} ORDER BY ${order}`,
        ),
        sql: listUsage(usage, where, order),
        location: { column: usage.columnOf("cost")?.name ?? null },
      },
    ];
  },
});
