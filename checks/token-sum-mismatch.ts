/** Finds rows whose total is not the sum that the totals of all other rows are. */

import { anyRow, isRollup, listUsage, sampleColumns } from "../src/analysis/scope.ts";
import { defineCheck, Skip } from "../src/contract/check.ts";
import type { UsageRelation } from "../src/contract/evidence.ts";
import type { Row } from "../src/contract/finding.ts";
import type { Role } from "../src/contract/roles.ts";
import type { SqlDialect } from "../src/contract/sql.ts";
import { number, percent, plural } from "../src/contract/wording.ts";

/** Share of a group's rows that must obey one identity before the others count as deviating. */
const CLEAR_MAJORITY = 0.6;
/** Groups that the query names; the evidence says how many there are. */
const GROUPS_NAMED_MAX = 20;

/** A sum that a total can be. Doubles: exact for every count that means anything, and no overflow. */
interface Identity {
  name: string;
  sum: string;
}

interface Group {
  keys: Row;
  rows: number;
  /** Of each identity, the rows that obey it exactly, and those that are one unit above and below it. */
  exact: number[];
  above: number[];
  below: number[];
  none: number;
}

interface Deviation {
  groups: Group[];
  /** Index of the identity; -1 for the pool of small groups, where a row deviates if it obeys none. */
  identity: number;
  rows: number;
  deviating: number;
}

export default defineCheck({
  id: "token-sum-mismatch",
  meta: {
    title: "Totals are not the sum of their parts",
    severity: "warning",
    what: "Learns for each provider and model which sum the total column is (input + output, with or without reasoning, with or without cache reads and writes) and reports the rows that deviate from it.",
    why: "Whoever adds up totals and whoever adds up parts get two answers, and one of them is billed. Seen as totals that left out cache writes, and as totals of the API with tokens that no part explains.",
    fix: "Decide which columns are right (the provider's response has them all) and compute the total from them in one place; correct the rows that the query lists.",
    silent: [
      "A system whose totals follow another sum consistently obeys that sum: nothing is reported.",
      "Where no sum is obeyed by a clear majority of a model's rows, there is nothing to deviate from.",
      "Rounded columns, whose sums are off by one unit in both directions, are not reported.",
      "Rows without a total or without an input count, failed calls and tables that sum up calls are not judged; neither are models with fewer than `min_rows` rows, unless a row of theirs obeys no sum at all.",
    ],
    needs: "a table with total, input and output tokens",
  },
  options: {
    max_ratio: { describe: "Share of rows that may deviate (0 to 1).", default: 0 },
    min_rows: { describe: "Rows of one provider and model below which nothing is learnt.", default: 5 },
  },
  targets: (evidence) =>
    evidence.usage.filter((u) => u.has("total_tokens", "input_tokens", "output_tokens") && !isRollup(u)),
  async run(usage, ctx) {
    const identities = identitiesOf(usage);
    // Mostly every row obeys the simplest of them, and one look is enough.
    const simplest = identities[0] as Identity;
    const odd = `${BASE} AND CAST(total_tokens AS DOUBLE) <> ${simplest.sum}`;
    if ((await anyRow(usage, BASE, ctx)) && !(await anyRow(usage, odd, ctx))) return [];
    const groups = await groupsOf(usage, identities, ctx);
    const judged = groups.reduce((n, g) => n + g.rows, 0);
    if (judged === 0) return new Skip("no row has a total and its parts");
    const large = groups.filter((g) => g.rows >= ctx.options.min_rows);
    const small = groups.filter((g) => g.rows < ctx.options.min_rows);
    const deviations = large.map((group) => deviationOf([group], identities));
    if (small.reduce((n, g) => n + g.rows, 0) >= ctx.options.min_rows)
      deviations.push(poolDeviation(small, identities));
    const found = deviations.filter((d): d is Deviation => d !== null && d.deviating > 0);
    const deviating = found.reduce((n, d) => n + d.deviating, 0);
    if (deviating === 0 || deviating / judged <= ctx.options.max_ratio) return [];

    found.sort((a, b) => b.deviating - a.deviating);
    const shown = found.slice(0, GROUPS_NAMED_MAX);
    const where = `${BASE} AND (${shown.map((d) => deviates(d, identities, usage, ctx.sql)).join("\n OR ")})`;
    const identity = identities[Math.max(0, found[0]?.identity ?? 0)] as Identity;
    const difference = `(CAST(total_tokens AS DOUBLE) - ${identity.sum})`;
    const [shape = {} as Row] = await ctx.query(
      `SELECT min(${difference}) AS lowest, max(${difference}) AS highest, sum(${difference}) AS off, count(*) AS n, ${LEFT_OUT.map(
        (one, i) =>
          `count(*) FILTER (WHERE CAST(total_tokens AS DOUBLE) = ${sumOf(usage, one.roles)}) AS left_${i}`,
      ).join(", ")} FROM ${usage.relation} WHERE ${where}`,
    );
    const pattern = LEFT_OUT.find(
      (one, i) => one.when(identity.name) && Number(shape[`left_${i}`]) >= 0.9 * Number(shape.n),
    );
    const names = new Set(found.map((d) => (d.identity < 0 ? "" : identities[d.identity]?.name)));
    const expected = names.size === 1 && !names.has("") ? identity.name : "the sum of the model's other rows";
    return [
      {
        title: "Totals are not the sum of their parts",
        message: `${number(deviating)} of ${plural(judged, "row")} (${percent(deviating / judged)}) have a total that is not ${expected}; ${offBy(shape)}${
          pattern ? `: ${pattern.says}` : ""
        }.${found.length > GROUPS_NAMED_MAX ? ` The query lists the ${GROUPS_NAMED_MAX} worst of ${found.length} models.` : ""}`,
        measure: { name: "mismatch_ratio", value: deviating / judged },
        evidence: {
          mismatched: deviating,
          rows: judged,
          identity: identity.name,
          difference_min: shape.lowest ?? null,
          difference_max: shape.highest ?? null,
          difference_sum: shape.off ?? null,
          models: found.length,
          groups: shown.slice(0, 10).map((d) => ({
            ...(d.groups.length === 1 ? d.groups[0]?.keys : { pooled: d.groups.length }),
            identity: d.identity < 0 ? null : (identities[d.identity]?.name ?? null),
            rows: d.rows,
            mismatched: d.deviating,
          })),
        },
        samples: await ctx.samples(
          `SELECT ${sampleColumns(usage)} FROM ${usage.relation} WHERE ${where} ORDER BY row`,
        ),
        sql: listUsage(usage, where),
        location: { column: usage.columnOf("total_tokens")?.name ?? null },
      },
    ];
  },
});

/** Rows that can be judged: zero everywhere obeys everything and teaches nothing. */
const BASE =
  "ok AND total_tokens IS NOT NULL AND input_tokens IS NOT NULL AND NOT (total_tokens = 0 AND input_tokens = 0 AND COALESCE(output_tokens, 0) = 0)";

function sumOf(usage: UsageRelation, roles: readonly Role[]): string {
  const parts = roles.filter((role) => usage.has(role)).map((role) => `COALESCE(CAST(${role} AS DOUBLE), 0)`);
  return `(${parts.join(" + ")})`;
}

const PLAIN: Role[] = ["input_tokens", "output_tokens"];
const CACHE: Role[] = ["cache_read_tokens", "cache_write_tokens"];

/** The candidates, the simplest first: of two that fit equally well the first is meant. */
function identitiesOf(usage: UsageRelation): Identity[] {
  const reasoning = usage.has("reasoning_tokens");
  const cached = CACHE.some((role) => usage.has(role));
  const all: [boolean, string, Role[]][] = [
    [true, "input + output", PLAIN],
    [reasoning, "input + output + reasoning", [...PLAIN, "reasoning_tokens"]],
    [cached, "input + output + cache", [...PLAIN, ...CACHE]],
    [reasoning && cached, "input + output + reasoning + cache", [...PLAIN, "reasoning_tokens", ...CACHE]],
  ];
  return all.filter(([there]) => there).map(([, name, roles]) => ({ name, sum: sumOf(usage, roles) }));
}

/** What the deviating rows may have in common, from the most specific. */
const LEFT_OUT: { roles: Role[]; says: string; when: (identity: string) => boolean }[] = [
  {
    roles: [...PLAIN, "reasoning_tokens", "cache_read_tokens"],
    says: "the total leaves out cache writes",
    when: (identity) => identity.endsWith("reasoning + cache"),
  },
  {
    roles: [...PLAIN, "cache_read_tokens"],
    says: "the total leaves out cache writes",
    when: (identity) => identity.endsWith("output + cache"),
  },
  {
    roles: [...PLAIN, "cache_write_tokens"],
    says: "the total leaves out cache reads",
    when: (identity) => identity.endsWith("output + cache"),
  },
  {
    roles: PLAIN,
    says: "the total is input + output alone",
    when: (identity) => identity !== "input + output",
  },
  {
    roles: [...PLAIN, ...CACHE],
    says: "the total adds the cache",
    when: (identity) => !/cache/.test(identity),
  },
  {
    roles: [...PLAIN, "reasoning_tokens"],
    says: "the total adds reasoning",
    when: (identity) => !/reasoning/.test(identity),
  },
  { roles: ["input_tokens"], says: "the total is the input alone", when: () => true },
  { roles: ["output_tokens"], says: "the total is the output alone", when: () => true },
];

function keysOf(usage: UsageRelation): Role[] {
  return (["provider", "model"] as const).filter((role) => usage.has(role));
}

/** Per provider and model, how many rows obey which identity. One scan. */
async function groupsOf(
  usage: UsageRelation,
  identities: readonly Identity[],
  ctx: { query(sql: string): Promise<Row[]> },
): Promise<Group[]> {
  const keys = keysOf(usage);
  const total = "CAST(total_tokens AS DOUBLE)";
  // Without an output the sum may be right, but a wrong one proves nothing.
  const judged = `(output_tokens IS NOT NULL OR ${identities.map((i) => `${total} = ${i.sum}`).join(" OR ")})`;
  const counts = identities.flatMap(({ sum }, i) => [
    `count(*) FILTER (WHERE ${total} = ${sum}) AS exact_${i}`,
    `count(*) FILTER (WHERE ${total} - ${sum} > 0 AND ${total} - ${sum} <= unit) AS above_${i}`,
    `count(*) FILTER (WHERE ${total} - ${sum} < 0 AND ${sum} - ${total} <= unit) AS below_${i}`,
  ]);
  const multiple = (unit: number) =>
    `bool_and(input_tokens % ${unit} = 0 AND COALESCE(output_tokens, 0) % ${unit} = 0 AND total_tokens % ${unit} = 0)`;
  const rows = await ctx.query(
    `SELECT ${[...keys, "count(*) AS n", ...counts].join(", ")},
       count(*) FILTER (WHERE NOT (${identities.map((i) => `${total} = ${i.sum}`).join(" OR ")})) AS obeys_none
     FROM ${usage.relation},
       (SELECT CASE WHEN ${multiple(1000)} THEN 1000 WHEN ${multiple(100)} THEN 100 WHEN ${multiple(10)} THEN 10 ELSE 1 END AS unit
        FROM ${usage.relation} WHERE ${BASE}) AS rounding
     WHERE ${BASE} AND ${judged}
     GROUP BY ${["unit", ...keys].join(", ")} ORDER BY ${["n DESC", ...keys].join(", ")}`,
  );
  return rows.map((row) => ({
    keys: Object.fromEntries(keys.map((key) => [key, row[key] ?? null])),
    rows: Number(row.n),
    exact: identities.map((_, i) => Number(row[`exact_${i}`])),
    above: identities.map((_, i) => Number(row[`above_${i}`])),
    below: identities.map((_, i) => Number(row[`below_${i}`])),
    none: Number(row.obeys_none),
  }));
}

/** The identity most rows of the groups obey, if a clear majority does, and the rows that do not. */
function deviationOf(groups: Group[], identities: readonly Identity[]): Deviation | null {
  const sum = (of: (group: Group) => number | undefined) => groups.reduce((n, g) => n + (of(g) ?? 0), 0);
  const rows = sum((g) => g.rows);
  let identity = 0;
  for (let i = 1; i < identities.length; i++)
    if (sum((g) => g.exact[i]) > sum((g) => g.exact[identity])) identity = i;
  const exact = sum((g) => g.exact[identity]);
  if (exact < CLEAR_MAJORITY * rows) return null;
  const deviating = rows - exact;
  const above = sum((g) => g.above[identity]);
  const below = sum((g) => g.below[identity]);
  // Sums of rounded parts are off by one unit, in both directions, and often.
  if (above > 0 && below > 0 && above + below === deviating && deviating >= 0.1 * rows) return null;
  return { groups, identity, rows, deviating };
}

/** Groups too small to learn from, together: only a row that obeys no identity at all deviates. */
function poolDeviation(groups: Group[], identities: readonly Identity[]): Deviation | null {
  const pooled = deviationOf(groups, identities);
  if (!pooled) return null;
  const odd = groups.filter((g) => g.none > 0);
  return { ...pooled, groups: odd, identity: -1, deviating: odd.reduce((n, g) => n + g.none, 0) };
}

function deviates(
  d: Deviation,
  identities: readonly Identity[],
  usage: UsageRelation,
  sql: SqlDialect,
): string {
  const keys = keysOf(usage);
  const among = d.groups
    .slice(0, GROUPS_NAMED_MAX)
    .map((group) =>
      keys
        .map((key) => {
          const value = group.keys[key] ?? null;
          return value === null ? `${key} IS NULL` : `${key} = ${sql.literal(String(value))}`;
        })
        .join(" AND "),
    )
    .filter((condition) => condition !== "");
  const broken = (d.identity < 0 ? identities : [identities[d.identity] as Identity])
    .map((i) => `CAST(total_tokens AS DOUBLE) <> ${i.sum}`)
    .join(" AND ");
  const group = among.length > 0 ? `(${among.join(" OR ")}) AND ` : "";
  return `(${group}output_tokens IS NOT NULL AND ${broken})`;
}

function offBy(shape: Row): string {
  const low = Number(shape.lowest);
  const high = Number(shape.highest);
  if (low === high) return `each is off by ${signed(low)}`;
  return `they are off by ${signed(low)} to ${signed(high)}, ${signed(Number(shape.off))} in all`;
}

function signed(value: number): string {
  return `${value > 0 ? "+" : value < 0 ? "−" : ""}${number(Math.abs(value))}`;
}
