/** Finds running totals that are stored, and so summed, as if they were the tokens of single calls. */

import { idClasses, idCopies, idsRepeat } from "../src/analysis/copies.ts";
import { isRollup, sampleColumns, tokenRoles } from "../src/analysis/scope.ts";
import { type CheckContext, defineCheck, Skip } from "../src/contract/check.ts";
import type { UsageRelation } from "../src/contract/evidence.ts";
import type { FindingDraft } from "../src/contract/finding.ts";
import type { TokenRole } from "../src/contract/roles.ts";
import { number, percent, plural } from "../src/contract/wording.ts";

/** Share of the steps in which a counter rises, and does not merely stay. */
const RISING_MIN = 0.5;
/** Steps that say something: fewer happen by chance. */
const STEPS_MIN = 12;
/** A counter ends at least this many times above its first value. */
const GROWTH_MIN = 2;
/** Share of the ids with several rows whose output must grow for the table to hold snapshots. */
const SNAPSHOTS_MIN = 0.2;

type Context = Pick<CheckContext, "query" | "samples" | "sql"> & {
  options: { min_steps_ratio: number; min_rows: number };
};

export default defineCheck({
  id: "cumulative-counter",
  meta: {
    title: "Running totals are stored as calls",
    severity: "error",
    what: "Looks for output tokens that hardly ever fall from one row of a session to the next (95 % of the steps) and mostly rise: that is a running total of the session, not the count of a call. Also for responses that stand on several rows with growing output: snapshots, of which only the last counts. Says what the sum is and what it should be.",
    why: "Whoever adds up a running total counts the first call again with every row after it. Seen as sums that were 67 % too high because `total_token_usage` had been read in place of `last_token_usage`.",
    fix: "Take the last value of each session (or response), or the difference between neighbouring rows; better, store the count of the call that stands beside the running one.",
    silent: [
      "Input and cache reads that grow with the context while the output does not: that is how conversations are.",
      "Counts that are the same in every call rise nowhere.",
      "Sessions with fewer than `min_rows` rows, and tables with few such steps.",
      "Formats that trueup reads by their own rule (the last snapshot of a response, the per-call field beside the running one), and tables whose rows sum up calls.",
    ],
    needs: "a table with sessions (or ids) and output tokens",
  },
  options: {
    min_steps_ratio: {
      describe: "Share of the steps within sessions in which a counter does not fall (0 to 1).",
      default: 0.95,
    },
    min_rows: { describe: "Rows of a session below which it is not looked at.", default: 5 },
  },
  targets: (evidence) =>
    evidence.usage.filter(
      (u) =>
        !u.format && !isRollup(u) && u.has("output_tokens") && (u.has("session_id", "time") || u.has("id")),
    ),
  async run(usage, ctx) {
    const drafts = [await runningTotals(usage, ctx), await snapshots(usage, ctx)];
    const found = drafts.filter((draft): draft is FindingDraft => draft !== null);
    if (found.length === 0 && usage.rows < ctx.options.min_rows) return new Skip("too few rows");
    return found;
  },
});

async function runningTotals(usage: UsageRelation, ctx: Context): Promise<FindingDraft | null> {
  if (!usage.has("session_id", "time")) return null;
  if (!(await mayRun(usage, ctx))) return null;
  const window = "PARTITION BY session_id ORDER BY time, row";
  // Rows of the long sessions, each beside the one before it.
  const steps = `calls AS (SELECT *, count(*) OVER (PARTITION BY session_id) AS calls_in_session FROM ${usage.relation}
      WHERE ${RUNNING_SCOPE}),
    steps AS (SELECT *, output_tokens - lag(output_tokens) OVER (${window}) AS step,
        row_number() OVER (${window}) AS place, row_number() OVER (PARTITION BY session_id ORDER BY time DESC, row DESC) AS place_from_end
      FROM calls WHERE calls_in_session >= ${Number(ctx.options.min_rows)})`;
  const tokens = tokenRoles(usage).filter(
    (role) => role !== "cache_read_tokens" && role !== "cache_write_tokens",
  );
  const [seen = {}] = await ctx.query(
    `WITH ${steps} SELECT count(DISTINCT session_id) AS sessions, count(step) AS n, count(*) FILTER (WHERE step >= 0) AS kept,
       count(*) FILTER (WHERE step > 0) AS risen, sum(CAST(output_tokens AS DOUBLE)) FILTER (WHERE place = 1) AS starts
       ${tokens.map((role) => `, sum(CAST(${role} AS DECIMAL(38, 0))) AS stored_${role}, sum(CAST(${role} AS DECIMAL(38, 0))) FILTER (WHERE place_from_end = 1) AS last_${role}`).join("")}
     FROM steps`,
  );
  const count = (name: string) => Number(seen[name] ?? 0);
  const all = count("n");
  const share = all > 0 ? count("kept") / all : 0;
  if (all < STEPS_MIN || share < ctx.options.min_steps_ratio || count("risen") < RISING_MIN * all)
    return null;
  if (count("last_output_tokens") < GROWTH_MIN * count("starts")) return null;
  const counters = await alsoRunning(usage, steps, tokens, ctx);
  const [stored, right] = [count("stored_output_tokens"), count("last_output_tokens")];
  const query = `WITH ${steps} SELECT ${sampleColumns(usage)}, step FROM steps ORDER BY session_id, time, row`;
  return {
    title: "Running totals are stored as calls",
    message: `${list(counters)} hardly ever ${counters.length === 1 ? "falls" : "fall"} within a session (${percent(share)} of ${plural(all, "step")} in ${plural(count("sessions"), "session")}): a running total. Added up it gives ${number(stored)} output tokens, the last values give ${number(right)} (${excess(stored, right)}).`,
    measure: { name: "excess_tokens", value: stored - right },
    evidence: {
      sessions: count("sessions"),
      steps: all,
      not_falling: share,
      rising: count("risen") / all,
      columns: counters.map((role) => usage.columnOf(role)?.name ?? role),
      ...Object.fromEntries(
        counters.flatMap((role) => [
          [`stored_${role}`, seen[`stored_${role}`] ?? null],
          [`right_${role}`, seen[`last_${role}`] ?? null],
        ]),
      ),
    },
    samples: await ctx.samples(query),
    sql: `${query} LIMIT 100`,
    location: { column: usage.columnOf("output_tokens")?.name ?? null },
    key: "session",
  };
}

/** Calls whose output may be a step of a running total. */
const RUNNING_SCOPE =
  "is_call AND ok AND session_id IS NOT NULL AND time IS NOT NULL AND output_tokens IS NOT NULL";

/** Rows from which on a part of the sessions is looked at first, and how many parts there are. */
const LARGE_ROWS = 200_000;
const PARTS = 16;
/** Steps that a part must have to say something, and the share of the limits that it must reach. */
const SAMPLED_MIN = 2_000;
const SAMPLE_SLACK = 0.8;

/** True when the output of most sessions rises: in a sixteenth of a large table's sessions first, then in all. */
async function mayRun(usage: UsageRelation, ctx: Context): Promise<boolean> {
  const part = `${ctx.sql.hash(["session_id"])} % ${PARTS} = 0`;
  if (usage.rows >= LARGE_ROWS && !(await risesIn(usage, part, ctx))) return false;
  return risesIn(usage, "TRUE", ctx);
}

/** Counted over hashes of sessions, before anything else is read; too few steps to tell may rise. */
async function risesIn(usage: UsageRelation, part: string, ctx: Context): Promise<boolean> {
  const session = ctx.sql.hash(["session_id"]);
  const [seen = {}] = await ctx.query(
    `WITH calls AS (SELECT ${session} AS session, output_tokens, time, row FROM ${usage.relation}
        WHERE ${RUNNING_SCOPE} AND ${part}),
      long AS (SELECT session AS long_session FROM calls GROUP BY session HAVING count(*) >= ${Number(ctx.options.min_rows)}),
      steps AS (SELECT output_tokens - lag(output_tokens) OVER (PARTITION BY session ORDER BY time, row) AS step
        FROM calls JOIN long ON session = long_session)
     SELECT count(step) AS n, count(*) FILTER (WHERE step >= 0) AS kept, count(*) FILTER (WHERE step > 0) AS risen FROM steps`,
  );
  const [all, kept, risen] = [Number(seen.n ?? 0), Number(seen.kept ?? 0), Number(seen.risen ?? 0)];
  if (part !== "TRUE" && all < SAMPLED_MIN) return true;
  // A part differs from the whole by chance alone: what is far off in it is not right in all.
  const slack = part === "TRUE" ? 1 : SAMPLE_SLACK;
  return (
    all >= STEPS_MIN && kept >= slack * ctx.options.min_steps_ratio * all && risen >= slack * RISING_MIN * all
  );
}

/** The columns that run beside the output: input alone grows with the context and proves nothing. */
async function alsoRunning(
  usage: UsageRelation,
  steps: string,
  tokens: readonly TokenRole[],
  ctx: Context,
): Promise<TokenRole[]> {
  const others = tokens.filter((role) => role !== "output_tokens");
  if (others.length === 0) return ["output_tokens"];
  const [seen = {}] = await ctx.query(
    `WITH ${steps}, beside AS (SELECT ${others
      .map(
        (role) => `${role} - lag(${role}) OVER (PARTITION BY session_id ORDER BY time, row) AS step_${role}`,
      )
      .join(", ")} FROM steps)
     SELECT ${others
       .map(
         (role) =>
           `count(step_${role}) AS n_${role}, count(*) FILTER (WHERE step_${role} >= 0) AS kept_${role}`,
       )
       .join(", ")} FROM beside`,
  );
  const running = others.filter((role) => {
    const [all, kept] = [Number(seen[`n_${role}`]), Number(seen[`kept_${role}`])];
    return all > 0 && kept >= ctx.options.min_steps_ratio * all;
  });
  return tokenRoles(usage).filter((role) => role === "output_tokens" || running.includes(role));
}

/** Several rows of one response, of which the last is complete. */
async function snapshots(usage: UsageRelation, ctx: Context): Promise<FindingDraft | null> {
  if (!usage.has("id") || usage.columnOf("id")?.primaryKey) return null;
  if (!(await idsRepeat(usage, ctx))) return null;
  const classes = await ctx.query(
    `WITH ${idClasses(usage, ctx.sql)} SELECT class, count(*) AS n FROM classes GROUP BY class`,
  );
  const count = (name: string) => Number(classes.find((row) => row.class === name)?.n ?? 0);
  const repeated = classes.reduce((n, row) => n + Number(row.n), 0);
  const [chains, grown] = [count("chain"), count("grown")];
  // As `duplicate-rows` decides: only where whole series are there, two rows are a series too.
  if (chains === 0 || chains * 5 < chains + grown || chains + grown < SNAPSHOTS_MIN * repeated) return null;
  const copies = idCopies(usage, ctx.sql, ["chain", "grown"]);
  const [seen = {}] = await ctx.query(
    `WITH ${copies} SELECT count(*) AS n, count(DISTINCT record) AS ids, sum(CAST(output_tokens AS DECIMAL(38, 0))) AS stored,
       sum(CAST(output_tokens AS DECIMAL(38, 0))) FILTER (WHERE place = 1) AS complete FROM copies`,
  );
  const [stored, right] = [Number(seen.stored), Number(seen.complete)];
  const query = `WITH ${copies} SELECT place, ${sampleColumns(usage)} FROM copies ORDER BY record, place`;
  return {
    title: "Snapshots of responses are stored as calls",
    message: `${plural(Number(seen.ids), "id")} stand on ${plural(Number(seen.n), "row")} with growing output: snapshots of one response each. Added up they give ${number(stored)} output tokens, the complete ones ${number(right)} (${excess(stored, right)}).`,
    measure: { name: "excess_tokens", value: stored - right },
    evidence: {
      ids: seen.ids ?? null,
      rows: seen.n ?? null,
      stored_output_tokens: seen.stored ?? null,
      right_output_tokens: seen.complete ?? null,
    },
    samples: await ctx.samples(query),
    sql: `${query} LIMIT 100`,
    location: { column: usage.columnOf("id")?.name ?? null },
    key: "snapshots",
  };
}

function list(roles: readonly TokenRole[]): string {
  return roles.map((role) => role.replaceAll("_", " ")).join(" and ");
}

function excess(stored: number, right: number): string {
  return right > 0 ? `+${number(Math.round((stored / right - 1) * 100))} %` : "nothing";
}
