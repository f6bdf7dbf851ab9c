/** Finds token counts that cannot be: negative ones, far too large ones, and placeholders. */

import { isNamed, isRollup, listUsage, sampleColumns, tokenRoles } from "../src/analysis/scope.ts";
import { type CheckContext, defineCheck } from "../src/contract/check.ts";
import { UserError } from "../src/contract/errors.ts";
import type { UsageRelation } from "../src/contract/evidence.ts";
import type { FindingDraft } from "../src/contract/finding.ts";
import type { Role } from "../src/contract/roles.ts";
import type { SqlDialect } from "../src/contract/sql.ts";
import { number, percent, plural } from "../src/contract/wording.ts";

/** A column of which this share of the non-zero values is negative counts the other way by design. */
const NEGATIVE_BY_DESIGN = 0.95;
/** A count above the limit is suspect, and no long context, from this many times its model's median. */
const EXTREME = 10;

interface Options {
  max_input: number;
  max_output: number;
  max_reasoning: number;
  model_limits: string[];
  min_rows: number;
}

type Context = Pick<CheckContext, "query" | "samples" | "sql"> & { options: Options };

export default defineCheck({
  id: "token-out-of-range",
  meta: {
    title: "Token counts are out of range",
    severity: "error",
    what: "Looks for negative token counts and costs; for counts above what models usually take (`max_input`, `max_output`, `max_reasoning`), which are a warning if they are also ten times their model's median and are told as info if not; and for inputs of 0 or 1 in more than half of the calls, which are placeholders.",
    why: "One impossible count bends every sum, average and bill it goes into. Seen as negative costs after a counter was reset, and as `input_tokens: 1` in every row because the real count was never read.",
    fix: 'Correct the rows from the provider\'s response or a log; refuse negative counts where they are written. Where a model has a larger context, name it: `model_limits: ["gemini-*=1000000"]`.',
    silent: [
      "A column that is negative in at least 95 % of its non-zero values is negative by design.",
      "A negative cost without tokens is a refund or a correction.",
      "A count up to a model's own limit, once it is configured, is in range.",
      "An input of 0 or 1 beside cache reads or writes is what the cache left over; rows with no tokens at all belong to `zero-tokens`.",
      "Tables whose rows sum up calls have no limits, and fewer than `min_rows` calls no placeholders.",
    ],
    needs: "a table with token counts or costs",
  },
  options: {
    max_input: { describe: "Input tokens of one call above which a count is told.", default: 100_000 },
    max_output: { describe: "Output tokens of one call above which a count is told.", default: 50_000 },
    max_reasoning: {
      describe: "Reasoning tokens of one call above which a count is told.",
      default: 100_000,
    },
    model_limits: {
      describe: "Input limits of models with a larger context, `model=tokens`; `*` stands for any text.",
      default: [] as string[],
    },
    min_rows: { describe: "Calls below which inputs of 0 or 1 are no placeholder.", default: 5 },
  },
  targets: (evidence) => evidence.usage.filter((u) => tokenRoles(u).length > 0 || u.has("cost")),
  async run(usage, ctx) {
    const drafts = [await negative(usage, ctx)];
    if (!isRollup(usage)) {
      const limits: [Role, string][] = [
        ["input_tokens", inputLimit(usage, ctx.options, ctx.sql)],
        ["output_tokens", String(Number(ctx.options.max_output))],
        ["reasoning_tokens", String(Number(ctx.options.max_reasoning))],
      ];
      for (const [role, limit] of limits)
        if (usage.has(role)) drafts.push(...(await aboveLimit(usage, role, limit, ctx)));
      if (usage.has("input_tokens")) drafts.push(await placeholder(usage, ctx));
    }
    return drafts.filter((draft): draft is FindingDraft => draft !== null);
  },
});

/** Negative counts, and negative costs of calls that used tokens. */
async function negative(usage: UsageRelation, ctx: Context): Promise<FindingDraft | null> {
  const tokens = tokenRoles(usage);
  const used = tokens.map((role) => `COALESCE(${role}, 0) > 0`).join(" OR ");
  const conditions = new Map<Role, string>(tokens.map((role) => [role, `${role} < 0`]));
  if (usage.has("cost")) conditions.set("cost", used === "" ? "cost < 0" : `(cost < 0 AND (${used}))`);
  const [seen = {}] = await ctx.query(
    `SELECT ${[...conditions]
      .map(
        ([role, condition]) =>
          `count(*) FILTER (WHERE ${condition}) AS bad_${role}, count(*) FILTER (WHERE ${role} < 0) AS negative_${role}, count(*) FILTER (WHERE ${role} <> 0) AS nonzero_${role}, min(${role}) AS min_${role}`,
      )
      .join(", ")} FROM ${usage.relation}`,
  );
  const count = (name: string) => Number(seen[name] ?? 0);
  const roles = [...conditions.keys()].filter(
    (role) =>
      count(`bad_${role}`) > 0 && count(`negative_${role}`) < NEGATIVE_BY_DESIGN * count(`nonzero_${role}`),
  );
  if (roles.length === 0) return null;
  const where = `(${roles.map((role) => conditions.get(role)).join(" OR ")})`;
  const [all = {}] = await ctx.query(`SELECT count(*) AS n FROM ${usage.relation} WHERE ${where}`);
  const rows = Number(all.n);
  return {
    title: roles.every((role) => role === "cost") ? "Costs are negative" : "Token counts are negative",
    message: `${plural(rows, "row")} of ${number(usage.rows)} ${rows === 1 ? "has" : "have"} a negative count: ${roles
      .map(
        (role) =>
          `${role.replaceAll("_", " ")} in ${number(count(`bad_${role}`))}, down to ${number(seen[`min_${role}`])}`,
      )
      .join("; ")}.`,
    measure: { name: "negative_rows", value: rows },
    evidence: {
      negative: rows,
      rows: usage.rows,
      ...Object.fromEntries(
        roles.flatMap((role) => [
          [`negative_${role}`, count(`bad_${role}`)],
          [`min_${role}`, seen[`min_${role}`] ?? null],
        ]),
      ),
    },
    samples: await ctx.samples(
      `SELECT ${sampleColumns(usage)} FROM ${usage.relation} WHERE ${where} ORDER BY row`,
    ),
    sql: listUsage(usage, where),
    location: { column: usage.columnOf(roles[0] as Role)?.name ?? null },
    severity: "error",
    key: "negative",
  };
}

/** The input limit of a row, by its model. */
function inputLimit(usage: UsageRelation, options: Options, sql: SqlDialect): string {
  const limit = String(Number(options.max_input));
  const cases = options.model_limits.map((entry) => {
    const match = /^\s*(\S.*?)\s*=\s*(\d+)\s*$/.exec(entry);
    if (!match)
      throw new UserError(`token-out-of-range: model_limits: "${entry}" is not of the form model=tokens`);
    return `WHEN ${isNamed(sql, "model", [match[1] as string])} THEN ${match[2]}`;
  });
  return cases.length > 0 && usage.has("model") ? `CASE ${cases.join(" ")} ELSE ${limit} END` : limit;
}

/** Counts above a limit: those that are extreme for their model, and the others. */
async function aboveLimit(
  usage: UsageRelation,
  role: Role,
  limit: string,
  ctx: Context,
): Promise<FindingDraft[]> {
  const above = `is_call AND ${role} > ${limit}`;
  const [any = {}] = await ctx.query(`SELECT count(*) AS n FROM ${usage.relation} WHERE ${above}`);
  if (Number(any.n ?? 0) === 0) return [];
  const model = usage.has("model") ? "model" : "CAST(NULL AS VARCHAR)";
  const judged = `WITH medians AS (SELECT ${model} AS of_model, ${ctx.sql.quantile(role, 0.5)} AS median
      FROM ${usage.relation} WHERE is_call AND ${role} > 0 GROUP BY 1),
    above AS (SELECT ${sampleColumns(usage)}, median, ${role} > ${EXTREME} * median AS extreme
      FROM ${usage.relation} JOIN medians ON ${model} IS NOT DISTINCT FROM of_model WHERE ${above})`;
  const groups = await ctx.query(
    `${judged} SELECT extreme, count(*) AS n, max(${role}) AS largest, min(median) AS median,
       count(DISTINCT ${usage.has("model") ? "model" : "1"}) AS models FROM above GROUP BY extreme ORDER BY extreme DESC`,
  );
  const drafts: FindingDraft[] = [];
  for (const group of groups) {
    const extreme = group.extreme === true;
    const rows = Number(group.n);
    const query = `${judged} SELECT ${sampleColumns(usage)} FROM above WHERE ${extreme ? "extreme" : "NOT extreme"} ORDER BY ${role} DESC, row`;
    const what = role.replaceAll("_", " ");
    drafts.push({
      title: extreme ? `Counts of ${what} are far above their model's` : `Counts of ${what} are large`,
      message: extreme
        ? `${plural(rows, "call")} ${rows === 1 ? "has" : "have"} more ${what} than the limit and than ${EXTREME} times the median of the model, up to ${number(group.largest)}.`
        : `${plural(rows, "call")} ${rows === 1 ? "has" : "have"} more ${what} than the limit, up to ${number(group.largest)}; that is within ${EXTREME} times the median of the model.`,
      measure: { name: "rows_above", value: rows },
      evidence: {
        above: rows,
        rows: usage.rows,
        largest: group.largest ?? null,
        median_min: group.median ?? null,
        limit: Number(limit) || null,
        models: group.models ?? null,
      },
      samples: await ctx.samples(query),
      sql: `${query} LIMIT 100`,
      severity: extreme ? "warning" : "info",
      location: { column: usage.columnOf(role)?.name ?? null },
      key: extreme ? "extreme" : "large",
    });
  }
  return drafts;
}

/** Inputs of 0 or 1 in most calls. */
async function placeholder(usage: UsageRelation, ctx: Context): Promise<FindingDraft | null> {
  const output = usage.has("output_tokens") ? "COALESCE(output_tokens, 0)" : "0";
  const cache = (["cache_read_tokens", "cache_write_tokens"] as const)
    .filter((role) => usage.has(role))
    .map((role) => ` AND COALESCE(${role}, 0) <= 0`)
    .join("");
  const scope = `ok AND is_call AND input_tokens >= 0 AND (input_tokens > 0 OR ${output} > 0)${cache}`;
  const [seen = {}] = await ctx.query(
    `SELECT count(*) AS n, count(*) FILTER (WHERE input_tokens <= 1) AS tiny FROM ${usage.relation} WHERE ${scope}`,
  );
  const calls = Number(seen.n ?? 0);
  const tiny = Number(seen.tiny ?? 0);
  if (calls < ctx.options.min_rows || tiny * 2 <= calls) return null;
  const where = `${scope} AND input_tokens <= 1`;
  return {
    title: "Input counts are placeholders",
    message: `${number(tiny)} of ${plural(calls, "call")} (${percent(tiny / calls)}) have 0 or 1 input tokens: that is a placeholder, not a count.`,
    measure: { name: "placeholder_ratio", value: tiny / calls },
    evidence: { placeholders: tiny, rows: calls },
    samples: await ctx.samples(
      `SELECT ${sampleColumns(usage)} FROM ${usage.relation} WHERE ${where} ORDER BY row`,
    ),
    sql: listUsage(usage, where),
    severity: "warning",
    location: { column: usage.columnOf("input_tokens")?.name ?? null },
    key: "placeholder",
  };
}
