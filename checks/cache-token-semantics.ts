/** Finds columns in which some models count cached tokens inside the input and others beside it. */

import { isRollup, listUsage, sampleColumns } from "../src/analysis/scope.ts";
import { defineCheck, Skip } from "../src/contract/check.ts";
import type { FindingDraft, Row } from "../src/contract/finding.ts";
import { number, percent, plural } from "../src/contract/wording.ts";

/** Share of a model's rows with less input than cache reads that proves that the cache stands beside the input. */
const BESIDE_MIN = 0.05;
/** Where the cache is inside, it comes near to the whole input and never beyond: the 95th percentile of its share. */
const INSIDE_SHARE_MIN = 0.5;
/** Share of rows with cache reads and no input at all above which the input is lost and not merely cached. */
const NO_INPUT_MIN = 0.5;

export default defineCheck({
  id: "cache-token-semantics",
  meta: {
    title: "Cached tokens are counted in two ways",
    severity: "warning",
    what: "Tells for each model whether cache reads are part of its input (never more than it, often near to it) or stand beside it (often more than it), and reports a table in which models differ; and rows whose input is 0 although they read the cache, where the cache is part of the input or where most rows are so.",
    why: "Providers differ: some report cached tokens inside the input, some beside it. In one column, a sum or a price is wrong for one of them: cached tokens are billed twice, or not at all.",
    fix: "Choose one convention and convert the other models' rows where they are written: input without cache = input − cache reads.",
    silent: [
      "One consistent convention, either one.",
      "A model whose cache reads are always small beside its input could be either, and is not judged.",
      "An input of 0 now and then, where the cache stands beside the input: everything was cached.",
      "Failed calls, tables whose rows sum up calls, and models with fewer than `min_rows` calls that read the cache.",
    ],
    needs: "a table of calls with input and cache-read tokens",
  },
  options: {
    min_rows: { describe: "Calls of a model that read the cache below which it is not judged.", default: 5 },
  },
  targets: (evidence) =>
    evidence.usage.filter((u) => u.has("input_tokens", "cache_read_tokens") && !isRollup(u)),
  async run(usage, ctx) {
    const keys = (["provider", "model"] as const).filter((role) => usage.has(role));
    const read = "ok AND is_call AND cache_read_tokens > 0 AND input_tokens >= 0";
    const share = "CASE WHEN input_tokens > 0 THEN CAST(cache_read_tokens AS DOUBLE) / input_tokens END";
    const models = await ctx.query(
      `SELECT ${[...keys, "count(*) AS n"].join(", ")}, count(*) FILTER (WHERE input_tokens = 0) AS no_input,
         count(*) FILTER (WHERE input_tokens > 0 AND input_tokens < cache_read_tokens) AS less,
         ${ctx.sql.quantile(share, 0.95)} AS share
       FROM ${usage.relation} WHERE ${read} ${keys.length > 0 ? `GROUP BY ${keys.join(", ")}` : ""}
       ORDER BY ${["n DESC", ...keys].join(", ")}`,
    );
    const judged = models
      .filter((one) => Number(one.n) >= ctx.options.min_rows)
      .map((one) => ({ ...one, convention: conventionOf(one) }));
    if (judged.length === 0) return new Skip("too few calls read the cache");
    const conditionOf = (list: readonly Row[]) =>
      keys.length === 0
        ? "TRUE"
        : `(${list
            .slice(0, 50)
            .map((one) =>
              keys
                .map((key) =>
                  one[key] === null ? `${key} IS NULL` : `${key} = ${ctx.sql.literal(String(one[key]))}`,
                )
                .join(" AND "),
            )
            .join(" OR ")})`;
    const rows = (list: readonly Row[], of = "n") => list.reduce((n, one) => n + Number(one[of]), 0);
    const names = (list: readonly Row[]) =>
      list
        .slice(0, 3)
        .map((one) => `"${String(one.model ?? one.provider ?? "no model").slice(0, 60)}"`)
        .join(", ") + (list.length > 3 ? ` and ${list.length - 3} more` : "");
    const inside = judged.filter((one) => one.convention === "inside");
    const beside = judged.filter((one) => one.convention === "beside");
    const drafts: FindingDraft[] = [];
    if (inside.length > 0 && beside.length > 0) {
      const fewer = rows(inside) < rows(beside) ? inside : beside;
      const where = `${read} AND ${conditionOf(fewer)}`;
      drafts.push({
        title: "Cached tokens are counted in two ways",
        message: `${names(inside)} count cached tokens inside the input (${plural(rows(inside), "call")}), ${names(beside)} beside it (${plural(rows(beside), "call")}): one column, two meanings.`,
        measure: { name: "mixed_rows", value: rows(fewer) },
        evidence: {
          inside_rows: rows(inside),
          beside_rows: rows(beside),
          models: judged.slice(0, 20).map((one) => ({
            ...Object.fromEntries(keys.map((key) => [key, (one as Row)[key] ?? null])),
            convention: one.convention,
            rows: Number((one as Row).n),
          })),
        },
        samples: await ctx.samples(
          `SELECT ${sampleColumns(usage)} FROM ${usage.relation} WHERE ${where} ORDER BY row`,
        ),
        sql: listUsage(usage, where),
        location: { column: usage.columnOf("cache_read_tokens")?.name ?? null },
        key: "conventions",
      });
    }
    const empty = judged.filter((one) => {
      const [n, none] = [Number((one as Row).n), Number((one as Row).no_input)];
      return none > 0 && (one.convention === "inside" || none >= NO_INPUT_MIN * n);
    });
    if (empty.length > 0) {
      const where = `${read} AND input_tokens = 0 AND ${conditionOf(empty)}`;
      const none = rows(empty, "no_input");
      drafts.push({
        title: "Calls read the cache and have no input",
        message: `${number(none)} of ${plural(rows(empty), "call")} of ${names(empty)} that read the cache (${percent(none / rows(empty))}) have 0 input tokens: the cached part has taken the place of the input.`,
        measure: { name: "no_input_rows", value: none },
        evidence: { no_input: none, rows: rows(empty) },
        samples: await ctx.samples(
          `SELECT ${sampleColumns(usage)} FROM ${usage.relation} WHERE ${where} ORDER BY row`,
        ),
        sql: listUsage(usage, where),
        location: { column: usage.columnOf("input_tokens")?.name ?? null },
        key: "no-input",
      });
    }
    return drafts;
  },
});

/** `null` where the values fit both. Rows without any input are judged by themselves. */
function conventionOf(model: Row): "inside" | "beside" | null {
  const rows = Number(model.n) - Number(model.no_input);
  if (rows === 0) return null;
  if (Number(model.less) >= BESIDE_MIN * rows && Number(model.less) > 0) return "beside";
  return Number(model.less) === 0 && Number(model.share) >= INSIDE_SHARE_MIN ? "inside" : null;
}
