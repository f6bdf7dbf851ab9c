/** Finds sessions that repeat the calls of another session, one by one. */

import { isRollup, sampleColumns, tokenRoles } from "../src/analysis/scope.ts";
import { type CheckContext, defineCheck } from "../src/contract/check.ts";
import type { UsageRelation } from "../src/contract/evidence.ts";
import type { Role } from "../src/contract/roles.ts";
import { number, percent, plural } from "../src/contract/wording.ts";

/** Calls in a row that must agree: fewer do so by chance. */
const RUN = 5;
/** Below these, counts are too common to tell one call from another. */
const TOKENS_MIN = 20;
const OUTPUT_MIN = 2;

export default defineCheck({
  id: "replayed-usage",
  meta: {
    title: "Sessions repeat the calls of another",
    severity: "error",
    what: `Looks for the same calls in the same order (model and all token counts, ${RUN} or more in a row) in two sessions, of one table or of files of the same kind, and says how many rows and tokens stand there again.`,
    why: "A forked or resumed session starts with a copy of its parent's history, and whoever sums all sessions pays for it twice. Seen in session files of coding agents, whose forks carry the whole conversation.",
    fix: "Count each call once: keep the session in which it happened first, and leave the copied rows out where sessions are read.",
    silent: [
      `Runs of fewer than ${RUN} calls agree by chance.`,
      "Calls whose counts are always the same (health checks) or that alternate between a few values repeat, but replay nothing.",
      "Repeats within one session belong to `duplicate-rows`.",
      "Rows that are no calls, calls without output, and tables whose rows sum up calls.",
    ],
    needs: "a table with sessions, input and output tokens",
  },
  options: {
    min_share: { describe: "Share of all calls that must be replayed (0 to 1).", default: 0 },
  },
  targets: (evidence) =>
    sameShape(
      evidence.usage.filter((u) => u.has("session_id", "input_tokens", "output_tokens") && !isRollup(u)),
    )
      .map(together)
      .filter((u) => u.rows >= 2 * RUN),
  async run(usage, ctx) {
    const columns = [...(usage.has("model") ? (["model"] as const) : []), ...tokenRoles(usage)];
    const scope = `is_call AND session_id IS NOT NULL AND input_tokens > 0 AND output_tokens >= ${OUTPUT_MIN} AND CAST(input_tokens AS DOUBLE) + output_tokens >= ${TOKENS_MIN}`;
    const order = usage.has("time") ? "time, row" : "row";
    const timed = usage.has("time") ? "time, " : "";
    const call = columns.map((column) => `COALESCE(CAST(${column} AS VARCHAR), '')`).join(" || '/' || ");
    const within = `OVER (PARTITION BY session_id ORDER BY ${order})`;
    const next = "OVER (PARTITION BY session_id ORDER BY place)";
    const follow = Array.from({ length: RUN }, (_, k) => `lead(call, ${k}) ${next} AS call_${k}`);
    const names = Array.from({ length: RUN }, (_, k) => `call_${k}`);
    // Neighbours differ, and so do the ones beyond: a run of equal or alternating calls is no history.
    const distinct = names.flatMap((one, k) =>
      names.slice(k + 1, k + 3).map((other) => `${one} <> ${other}`),
    );
    const ctes = `shared AS (SELECT input_tokens AS k_in, output_tokens AS k_out FROM ${usage.relation} WHERE ${scope}
      GROUP BY 1, 2 HAVING min(session_id) <> max(session_id)),
    calls AS (SELECT *, row_number() ${within} AS place FROM ${usage.relation} WHERE ${scope}),
    candidates AS (SELECT row, session_id, place, ${timed}${call} AS call FROM calls JOIN shared ON input_tokens = k_in AND output_tokens = k_out),
    runs AS (SELECT row, session_id, place, ${timed}lead(place, ${RUN - 1}) ${next} AS last_place, ${follow.join(", ")} FROM candidates),
    grams AS (SELECT row, session_id, place, ${timed}${names.join(" || ' ' || ")} AS gram FROM runs
      WHERE last_place = place + ${RUN - 1} AND ${distinct.join(" AND ")}),
    repeated AS (SELECT gram FROM grams GROUP BY gram HAVING min(session_id) <> max(session_id)),
    origins AS (SELECT g.session_id, g.place, first_value(g.session_id) OVER (PARTITION BY g.gram ORDER BY ${order
      .split(", ")
      .map((column) => `g.${column}`)
      .join(", ")}) AS origin FROM grams AS g JOIN repeated AS r ON g.gram = r.gram),
    copied AS (SELECT DISTINCT c.row, o.origin FROM origins AS o JOIN calls AS c
      ON c.session_id = o.session_id AND c.place >= o.place AND c.place < o.place + ${RUN} WHERE o.session_id <> o.origin),
    replayed AS (SELECT u.*, origin FROM ${usage.relation} AS u
      JOIN (SELECT row AS copied_row, min(origin) AS origin FROM copied GROUP BY row) AS c ON row = copied_row)`;
    if (!(await mayReplay(usage, scope, order, columns, ctx))) return [];
    const [seen = {}] = await ctx.query(
      `WITH ${ctes} SELECT count(*) AS n, count(DISTINCT session_id) AS sessions, count(DISTINCT origin) AS origins,
         sum(CAST(input_tokens AS DECIMAL(38, 0))) AS input, sum(CAST(output_tokens AS DECIMAL(38, 0))) AS output FROM replayed`,
    );
    const rows = Number(seen.n ?? 0);
    if (rows === 0) return [];
    const [all = {}] = await ctx.query(`SELECT count(*) AS n FROM ${usage.relation} WHERE ${scope}`);
    const calls = Number(all.n);
    if (rows / calls <= ctx.options.min_share) return [];
    const query = `WITH ${ctes} SELECT origin AS first_in_session, ${sampleColumns(usage)} FROM replayed ORDER BY session_id, ${order}`;
    const [sessions, origins] = [Number(seen.sessions), Number(seen.origins)];
    return [
      {
        title: "Sessions repeat the calls of another",
        message: `${number(rows)} of ${plural(calls, "call")} (${percent(rows / calls)}) in ${plural(sessions, "session")} repeat calls of ${plural(origins, "other session")} one by one; that adds ${number(seen.input)} input and ${number(seen.output)} output tokens.`,
        measure: { name: "replayed_rows", value: rows },
        evidence: {
          replayed: rows,
          rows: calls,
          sessions,
          origins,
          extra_input_tokens: seen.input ?? null,
          extra_output_tokens: seen.output ?? null,
        },
        samples: await ctx.samples(query),
        sql: `${query} LIMIT 100`,
        location: {
          input: usage.table.input,
          table: usage.table.name,
          column: usage.columnOf("session_id")?.name ?? null,
        },
      },
    ];
  },
});

/** Relations of one shape, one of each input: files of one kind that were named one by one. */
function sameShape(usage: readonly UsageRelation[]): UsageRelation[][] {
  const groups = new Map<string, UsageRelation[]>();
  for (const one of usage) {
    const columns = one.format === null ? one.table.columns.map((column) => column.name).sort() : [];
    const key = JSON.stringify([one.format, columns]);
    const group = groups.get(key) ?? [];
    // Tables of one input that look alike are for different things.
    if (group.some((other) => other.table.input === one.table.input)) groups.set(one.name, [one]);
    else groups.set(key, [...group, one]);
  }
  return [...groups.values()];
}

/** The relations of a group as one: a session's history may be copied into another file. */
function together(group: UsageRelation[]): UsageRelation {
  const [first] = group as [UsageRelation];
  if (group.length === 1) return first;
  const shared = [...first.roles].filter((role) => group.every((one) => one.has(role)));
  const roles = new Set(shared);
  const parts = group.map((one, i) => {
    const before = group.slice(0, i).reduce((rows, other) => rows + other.rows, 0);
    return `SELECT row + ${before} AS row, ok, is_call, ${shared.join(", ")} FROM ${one.relation}`;
  });
  return {
    ...first,
    name: group.map((one) => one.name).join(", "),
    relation: `(${parts.join(" UNION ALL ")})`,
    rows: group.reduce((rows, one) => rows + one.rows, 0),
    roles,
    has: (...wanted) => wanted.every((role) => roles.has(role)),
    dimensions: [],
  };
}

/** True when a run of calls may stand in two sessions: the same search by hashes, a fraction of the work. */
async function mayReplay(
  usage: UsageRelation,
  scope: string,
  order: string,
  columns: readonly Role[],
  ctx: Pick<CheckContext, "query" | "sql">,
): Promise<boolean> {
  const session = ctx.sql.hash(["session_id"]);
  const call = ctx.sql.hash(columns.map((role) => (role === "model" ? "COALESCE(model, '')" : role)));
  const names = Array.from({ length: RUN }, (_, k) => `call_${k}`);
  const distinct = names.flatMap((one, k) => names.slice(k + 1, k + 3).map((other) => `${one} <> ${other}`));
  const [seen = {}] = await ctx.query(
    `WITH calls AS MATERIALIZED (SELECT ${session} AS session, ${call} AS call, ${order} FROM ${usage.relation} WHERE ${scope}),
    shared AS (SELECT call AS shared_call FROM calls GROUP BY call HAVING min(session) <> max(session)),
    runs AS (SELECT session, ${names.map((name, k) => `lead(call, ${k}) OVER w AS ${name}`).join(", ")}
      FROM calls JOIN shared ON call = shared_call WINDOW w AS (PARTITION BY session ORDER BY ${order})),
    repeated AS (SELECT 1 FROM runs WHERE call_${RUN - 1} IS NOT NULL AND ${distinct.join(" AND ")}
      GROUP BY ${names.join(", ")} HAVING min(session) <> max(session))
    SELECT count(*) AS n FROM repeated`,
  );
  return Number(seen.n ?? 0) > 0;
}
