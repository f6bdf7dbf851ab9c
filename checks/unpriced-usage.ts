/** Finds usage that has no cost, and models whose price per token jumps. */

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
import { type CheckContext, defineCheck } from "../src/contract/check.ts";
import type { UsageRelation } from "../src/contract/evidence.ts";
import type { FindingDraft, Value } from "../src/contract/finding.ts";
import { instant, number, percent, plural } from "../src/contract/wording.ts";

/** Models that a finding names. */
const NAMED_MAX = 5;
/** Rows of one model below which its price is not judged. */
const PRICED_MIN = 10;
/** An output token costs about four input tokens; with this weight the mix of a call moves its unit price little. */
const OUTPUT_WEIGHT = 4;
/** Two prices are this far apart, with nothing between them. */
const JUMP = 8;
const GAP = 4;
/** Within one price the mix of input and output may move the unit by this much. */
const SPREAD_MAX = 5;

/** Models that their name or provider shows to be free or to run on the user's own machine. */
const FREE_MODELS: string[] = [
  "*:free",
  "*-local",
  "local-*",
  "local/*",
  "ollama/*",
  "ollama_chat/*",
  "lmstudio/*",
  "lm_studio/*",
  "llamafile/*",
];

type Context = Pick<CheckContext, "query" | "samples" | "sql"> & {
  options: { min_rows: number; free_models: string[]; max_ratio: number };
};

export default defineCheck({
  id: "unpriced-usage",
  meta: {
    title: "Usage has no cost",
    severity: "warning",
    what: "Counts, model by model, the successful calls that used tokens and whose cost is 0 or NULL; and looks for models whose cost per token stands at two levels far apart.",
    why: "A model that the price list does not know is stored as free, and spending limits never see it. A price that jumps is a unit that changed (dollars to cents, per thousand to per million) or a second writer. Seen as a new model stored at $0 for weeks.",
    fix: "Add the model to the price list and recompute its rows; name models that really are free or run locally in `free_models`.",
    silent: [
      "Models that are free or run locally, once they are configured in `free_models` and all their rows are 0.",
      "A table in which no row has a cost is told at severity info if the costs are 0, and not at all if they are NULL.",
      "Calls so small that their cost rounds to 0, calls without tokens, failed calls and answers from a cache.",
      "Prices of input, output and cached tokens differ: only levels far apart with nothing between them are a jump.",
      "Tables whose rows sum up calls, and fewer than `min_rows` calls of a model.",
    ],
    needs: "a table of calls with tokens and a cost",
  },
  options: {
    max_ratio: { describe: "Share of a model's calls that may have no cost (0 to 1).", default: 0 },
    min_rows: { describe: "Calls of a model below which it is not judged.", default: 5 },
    free_models: {
      describe: "Models (`model` or `provider/model`) that cost nothing; `*` stands for any text.",
      default: FREE_MODELS,
    },
  },
  targets: (evidence) =>
    evidence.usage.filter((u) => u.has("cost") && tokenRoles(u).length > 0 && !isRollup(u)),
  async run(usage, ctx) {
    const metered = await meteredScope(usage, ctx);
    const lacks = `${metered} AND ${units(usage)} > 0 AND (cost IS NULL OR cost = 0)`;
    const drafts = [await jumps(usage, metered, ctx)];
    if (await anyRow(usage, lacks, ctx))
      drafts.unshift(await unpriced(usage, await callScope(usage, ctx), ctx));
    return drafts.filter((draft): draft is FindingDraft => draft !== null);
  },
});

/** The tokens of a row, weighted so that a price is about proportional to them. */
function units(usage: UsageRelation): string {
  const part = (role: "input_tokens" | "output_tokens" | "total_tokens") =>
    `CAST(COALESCE(${role}, 0) AS DOUBLE)`;
  if (usage.has("input_tokens", "output_tokens"))
    return `(${part("input_tokens")} + ${OUTPUT_WEIGHT} * ${part("output_tokens")})`;
  for (const role of ["total_tokens", "input_tokens", "output_tokens"] as const)
    if (usage.has(role)) return part(role);
  return "0";
}

async function unpriced(usage: UsageRelation, scope: string, ctx: Context): Promise<FindingDraft | null> {
  const model = usage.has("model") ? "model" : "CAST(NULL AS VARCHAR)";
  const time = usage.has("time") ? "time" : "CAST(NULL AS TIMESTAMP)";
  const used = `${scope} AND ${units(usage)} > 0`;
  const [all = {}] = await ctx.query(
    `SELECT count(*) FILTER (WHERE cost <> 0) AS priced, count(*) FILTER (WHERE cost = 0) AS zero,
       count(*) FILTER (WHERE cost IS NULL OR cost = 0) AS bad,
       CAST(min(cost) FILTER (WHERE cost > 0) AS DOUBLE) AS smallest
     FROM ${usage.relation} WHERE ${used}`,
  );
  const priced = Number(all.priced ?? 0) > 0;
  if (Number(all.bad ?? 0) === 0 || (!priced && Number(all.zero ?? 0) === 0)) return null;
  const [middle = {}] = await ctx.query(
    `SELECT ${ctx.sql.quantile(`CAST(cost AS DOUBLE) / ${units(usage)}`, 0.5)} AS price
     FROM ${usage.relation} WHERE ${used} AND cost > 0`,
  );
  // Costs are kept to some last digit: what is worth less than half of it is stored as 0.
  const rounds = priced
    ? ` AND ${units(usage)} * ${Number(middle.price)} >= ${Number(all.smallest) / 2}`
    : "";
  const free = usage.has("model") ? freeModel(usage, ctx) : "FALSE";
  const bad = `(cost IS NULL OR cost = 0)${rounds}`;
  const models = await ctx.query(
    `SELECT ${model} AS model, count(*) AS n, count(*) FILTER (WHERE ${bad}) AS bad, count(*) FILTER (WHERE cost <> 0) AS priced,
       ${tokenSum(usage)} AS tokens, min(${time}) FILTER (WHERE ${bad}) AS since, max(CASE WHEN ${free} THEN 1 ELSE 0 END) AS free
     FROM (SELECT *, ${bad} AS unpriced FROM ${usage.relation} WHERE ${used}) AS calls GROUP BY 1 ORDER BY bad DESC, 1`,
  );
  const found = models.filter(
    (one) =>
      Number(one.bad) > 0 &&
      Number(one.n) >= ctx.options.min_rows &&
      Number(one.bad) > ctx.options.max_ratio * Number(one.n) &&
      !(Number(one.free) === 1 && Number(one.priced) === 0),
  );
  if (found.length === 0) return null;
  const sum = (name: string) => found.reduce((n, one) => n + Number(one[name] ?? 0), 0);
  const calls = models.reduce((n, one) => n + Number(one.n), 0);
  const lost = sum("bad");
  const named = found
    .slice(0, NAMED_MAX)
    .map((one) => `${name(one.model)} in ${number(one.bad)} of ${plural(Number(one.n), "call")}`);
  const where = `${used} AND ${bad}${
    usage.has("model")
      ? ` AND (${found
          .slice(0, 50)
          .map((one) =>
            one.model === null ? "model IS NULL" : `model = ${ctx.sql.literal(String(one.model))}`,
          )
          .join(" OR ")})`
      : ""
  }`;
  const since = found
    .map((one) => one.since)
    .filter((value): value is string => typeof value === "string")
    .sort()[0];
  return {
    title: priced ? "Usage has no cost" : "No usage has a cost",
    message: `${number(lost)} of ${plural(calls, "call")} with tokens (${percent(lost / calls)}) have no cost; they used ${number(sum("tokens"))} tokens${
      since ? `, since ${instant(since)}` : ""
    }: ${usage.has("model") ? named.join("; ") : "the table names no model"}${
      found.length > NAMED_MAX ? `; ${found.length - NAMED_MAX} more models` : ""
    }.`,
    measure: { name: "unpriced_ratio", value: lost / calls },
    evidence: {
      unpriced: lost,
      rows: calls,
      tokens: sum("tokens"),
      since: since ?? null,
      models: found
        .slice(0, 20)
        .map((one) => ({ model: one.model ?? null, unpriced: Number(one.bad), rows: Number(one.n) })),
    },
    samples: await ctx.samples(
      `SELECT ${sampleColumns(usage)} FROM ${usage.relation} WHERE ${where} ORDER BY row`,
    ),
    sql: listUsage(usage, where),
    location: { column: usage.columnOf("cost")?.name ?? null },
    key: "unpriced",
    ...(priced ? {} : { severity: "info" as const }),
  };
}

/** True in rows of a model that `free_models` names, with or without its provider in front. */
function freeModel(usage: UsageRelation, ctx: Context): string {
  const names = usage.has("provider") ? ["model", "provider || '/' || model"] : ["model"];
  return `(${names.map((name) => isNamed(ctx.sql, name, ctx.options.free_models)).join(" OR ")})`;
}

function tokenSum(usage: UsageRelation): string {
  const roles = usage.has("input_tokens", "output_tokens")
    ? ["input_tokens", "output_tokens"]
    : tokenRoles(usage).slice(0, 1);
  return `COALESCE(sum(CASE WHEN unpriced THEN ${roles.map((role) => `CAST(COALESCE(${role}, 0) AS DOUBLE)`).join(" + ")} END), 0)`;
}

function name(model: Value | undefined): string {
  return model === null || model === undefined ? "calls without a model" : `"${String(model).slice(0, 60)}"`;
}

/** Models with two prices. Cached tokens are cheaper by nature, so calls that read any are left out. */
async function jumps(usage: UsageRelation, scope: string, ctx: Context): Promise<FindingDraft | null> {
  if (!usage.has("model", "input_tokens", "output_tokens")) return null;
  const cached = usage.has("cache_read_tokens") ? " AND COALESCE(cache_read_tokens, 0) = 0" : "";
  const price = `CAST(cost AS DOUBLE) / ${units(usage)}`;
  // A negative count is a defect of its own, and no base for a price.
  const priced = `${scope} AND cost > 0 AND input_tokens >= 0 AND output_tokens >= 0 AND ${units(usage)} > 0${cached}`;
  const models = await ctx.query(
    `SELECT model, count(*) AS n, min(price) AS lowest, max(price) AS highest
     FROM (SELECT model, ${price} AS price FROM ${usage.relation} WHERE ${priced} AND model IS NOT NULL) AS prices
     GROUP BY model HAVING count(*) >= ${PRICED_MIN} AND max(price) >= ${JUMP} * min(price)
     ORDER BY n DESC, model LIMIT 50`,
  );
  const found: { model: string; at: number; odd: number; rows: number; factor: number; high: boolean }[] = [];
  for (const one of models) {
    const own = `${priced} AND model = ${ctx.sql.literal(String(one.model))}`;
    const [half = {}] = await ctx.query(
      `SELECT ${ctx.sql.quantile(price, 0.5)} AS middle FROM ${usage.relation} WHERE ${own}`,
    );
    const [low, middle, high] = [Number(one.lowest), Number(half.middle), Number(one.highest)];
    for (const at of [Math.sqrt(middle * high), Math.sqrt(low * middle), Math.sqrt(low * high)]) {
      const below = `CASE WHEN ${price} <= ${at} THEN ${price} END`;
      const above = `CASE WHEN ${price} > ${at} THEN ${price} END`;
      const [sides = {}] = await ctx.query(
        `SELECT count(${below}) AS n_low, count(${above}) AS n_high, max(${below}) AS low_max, min(${above}) AS high_min,
           ${ctx.sql.quantile(below, 0.05)} AS low_05, ${ctx.sql.quantile(below, 0.5)} AS low_50, ${ctx.sql.quantile(below, 0.95)} AS low_95,
           ${ctx.sql.quantile(above, 0.05)} AS high_05, ${ctx.sql.quantile(above, 0.5)} AS high_50, ${ctx.sql.quantile(above, 0.95)} AS high_95
         FROM ${usage.relation} WHERE ${own}`,
      );
      const n = (key: string) => Number(sides[key] ?? 0);
      const apart = n("n_low") > 0 && n("n_high") > 0 && n("high_min") >= GAP * n("low_max");
      const tight = n("low_95") <= SPREAD_MAX * n("low_05") && n("high_95") <= SPREAD_MAX * n("high_05");
      if (!apart || !tight || n("high_50") < JUMP * n("low_50")) continue;
      const isHigh = n("n_high") <= n("n_low");
      found.push({
        model: String(one.model),
        at,
        odd: Math.min(n("n_high"), n("n_low")),
        rows: Number(one.n),
        factor: n("high_50") / n("low_50"),
        high: isHigh,
      });
      break;
    }
  }
  if (found.length === 0) return null;
  const where = found
    .map((one) => `(model = ${ctx.sql.literal(one.model)} AND ${price} ${one.high ? ">" : "<="} ${one.at})`)
    .join(" OR ");
  const odd = found.reduce((n, one) => n + one.odd, 0);
  return {
    title: "The price of a model jumps",
    message: `${found
      .slice(0, NAMED_MAX)
      .map(
        (one) =>
          `"${one.model.slice(0, 60)}" costs about ${number(Math.round(one.factor))} times ${one.high ? "more" : "less"} per token in ${number(one.odd)} of ${plural(one.rows, "call")}`,
      )
      .join("; ")}.`,
    measure: { name: "odd_prices", value: odd },
    evidence: {
      odd_prices: odd,
      models: found.slice(0, 20).map(({ model, odd: rows, rows: all, factor }) => ({
        model,
        odd_prices: rows,
        rows: all,
        factor: Number(factor.toPrecision(3)),
      })),
    },
    samples: await ctx.samples(
      `SELECT ${sampleColumns(usage)} FROM ${usage.relation} WHERE ${priced} AND (${where}) ORDER BY row`,
    ),
    sql: listUsage(usage, `${priced} AND (${where})`),
    location: { column: usage.columnOf("cost")?.name ?? null },
    key: "jump",
    fix: "Look at what wrote these rows: another unit of the price (per token, per thousand, per million; dollars or cents), or another price list.",
  };
}
