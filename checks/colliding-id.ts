/** Finds ids that many records can share: empty ones, words for nothing, and counters that start again. */

import {
  isPlaceholderId,
  isRollup,
  isRowId,
  listSource,
  listUsage,
  sampleColumns,
  tokenRoles,
} from "../src/analysis/scope.ts";
import { type CheckContext, defineCheck } from "../src/contract/check.ts";
import type { UsageRelation } from "../src/contract/evidence.ts";
import type { FindingDraft } from "../src/contract/finding.ts";
import { number, percent, plural } from "../src/contract/wording.ts";

/** A word, a separator and a short counter: `chatcmpl-1`. Plain integers are keys that a database gives. */
const COUNTER = "(?i)^[a-z][a-z0-9]*([-_:.][a-z]+)*[-_:.][0-9]{1,6}$";
/** Longer ids are no short counters, and need not be looked at closely. */
const COUNTER_LENGTH_MAX = 30;
/** Ids that a provider makes, and always at random: a counter in their place restarts with its process. */
const PROVIDER_COUNTER = "(?i)^(chatcmpl|cmpl)[-_][0-9]{1,6}$";

type Context = Pick<CheckContext, "query" | "samples" | "sql"> & { options: { min_rows: number } };

export default defineCheck({
  id: "colliding-id",
  meta: {
    title: "Ids collide",
    severity: "error",
    what: "Looks in the id column of a table for values that stand for no id (empty, `None`, `null`, `undefined`), and for short counters such as `chatcmpl-1` that start again and so name other calls than before.",
    why: "Rows that share an id overwrite each other or are dropped, as soon as the id is a key. Seen as spend rows that were lost on a primary key because a provider sent every response as `chatcmpl-1`.",
    fix: "Give each call an id of its own where it is written (a UUID), and keep the provider's id in another column.",
    silent: [
      "A NULL id is no id; where another column is the primary key, an empty id hurts nobody.",
      "Rows older than the first real id are told as a column that was added later, at severity info.",
      "Integers that a database counts, and counters that never come back, are keys like others.",
      "Counters that are unique within a session, or that rows next to each other share (a request with several calls), do not collide.",
    ],
    needs: "a table with an id column",
  },
  options: {
    min_rows: { describe: "Rows with such ids below which counters are not judged.", default: 5 },
  },
  targets: (evidence) =>
    evidence.usage.filter(
      (u) => u.has("id") && u.origin === "table" && u.columnOf("id")?.loaded && !isRollup(u),
    ),
  async run(usage, ctx) {
    const keys = usage.table.columns.filter((column) => column.primaryKey);
    const isKey = keys.length === 1 && keys[0]?.name === usage.columnOf("id")?.name;
    // Another key keeps the rows apart.
    if (keys.length > 0 && !isKey) return [];
    const drafts = [await placeholders(usage, isKey, ctx), await counters(usage, ctx)];
    return drafts.filter((draft): draft is FindingDraft => draft !== null);
  },
});

async function placeholders(
  usage: UsageRelation,
  isKey: boolean,
  ctx: Context,
): Promise<FindingDraft | null> {
  const column = usage.columnOf("id");
  const plain = column?.type === "VARCHAR" && (column.expression ?? "").includes(ctx.sql.ident(column.name));
  // A usage relation has no empty ids, so the source is asked where it can be: the column itself, beside its times.
  const id = plain ? ctx.sql.ident(column.name) : "id";
  const time = plain ? (usage.columnOf("time")?.expression ?? "NULL") : usage.has("time") ? "time" : "NULL";
  const from = plain ? usage.table.relation : usage.relation;
  const empty = `(${id} IS NOT NULL AND ${isPlaceholderId(ctx.sql, id)})`;
  const values = await ctx.query(
    `SELECT trim(${id}) AS id, count(*) AS n, min(${time}) AS first, max(${time}) AS last FROM ${from}
     WHERE ${empty} GROUP BY 1 ORDER BY n DESC, 1`,
  );
  const rows = values.reduce((n, value) => n + Number(value.n), 0);
  // A key takes one row of each; the others were dropped.
  if (rows < (isKey ? 1 : 2)) return null;
  const [real = {}] = await ctx.query(
    `SELECT min(${time}) AS first FROM ${from} WHERE ${id} IS NOT NULL AND NOT ${empty}`,
  );
  const last =
    values
      .map((value) => String(value.last ?? ""))
      .sort()
      .at(-1) ?? "";
  const later = real.first !== null && real.first !== undefined && last !== "" && last < String(real.first);
  const words = values.map((value) => (value.id === "" ? "empty" : `"${String(value.id)}"`));
  const query = plain
    ? listSource(usage, ctx.sql, () => empty)
    : listUsage(usage, empty, usage.has("time") ? "time, row" : "row");
  return {
    title: later ? "Ids begin later than the rows" : "Ids stand for no id",
    message: `${number(rows)} of ${plural(usage.rows, "row")} (${percent(rows / usage.rows)}) have an id that is ${words
      .slice(0, 5)
      .join(" or ")}${later ? "; all of them are older than the first real id" : ""}.${
      isKey && !later
        ? " The id is the primary key: every further such row was dropped or has overwritten another."
        : ""
    }`,
    measure: { name: "colliding_rows", value: rows },
    evidence: {
      rows,
      all_rows: usage.rows,
      primary_key: isKey,
      values: values.slice(0, 10).map((value) => ({ value: value.id ?? null, rows: Number(value.n) })),
    },
    samples: await ctx.samples(query),
    sql: query,
    location: { column: column?.name ?? null },
    key: later ? "added-later" : "placeholder",
    ...(later ? { severity: "info" as const } : {}),
  };
}

async function counters(usage: UsageRelation, ctx: Context): Promise<FindingDraft | null> {
  const any = `(length(id) <= ${COUNTER_LENGTH_MAX} AND ${ctx.sql.matches("id", COUNTER)})`;
  const [seen = {}] = await ctx.query(
    `SELECT count(id) AS ids, count(*) FILTER (WHERE ${any}) AS counters FROM ${usage.relation}`,
  );
  const counters = Number(seen.counters ?? 0);
  if (counters < ctx.options.min_rows) return null;
  const provider = `(length(id) <= ${COUNTER_LENGTH_MAX} AND ${ctx.sql.matches("id", PROVIDER_COUNTER)})`;
  const [named = {}] = await ctx.query(`SELECT count(*) AS n FROM ${usage.relation} WHERE ${provider}`);
  const ids = Number(seen.ids ?? 0);
  // One of several providers may be the one that counts: its ids are judged however few they are.
  const few = counters * 2 < ids;
  const [counter, rows] = few ? [provider, Number(named.n ?? 0)] : [any, counters];
  if (rows < ctx.options.min_rows) return null;
  const fromProvider = few || Number(named.n ?? 0) * 2 >= rows;
  // A provider's id is one for the whole world; others may be unique within a session.
  const scope = !fromProvider && usage.has("session_id") ? "session_id, id" : "id";
  const differ = [
    ...(usage.has("time") ? ["count(DISTINCT time) > 1"] : []),
    ...tokenRoles(usage).map((role) => `count(DISTINCT ${role}) > 1`),
  ];
  // Rows next to each other that share an id are one request; an id that comes back after others has started again.
  const collisions = `WITH placed AS (SELECT ${sampleColumns(usage)}, row_number() OVER (ORDER BY ${
    usage.has("time") ? "time, row" : "row"
  }) AS place FROM ${usage.relation} WHERE ${counter}),
    collided AS (SELECT ${scope}, count(*) AS n FROM placed GROUP BY ${scope}
      HAVING count(*) > 1 AND max(place) - min(place) > 2 * (count(*) - 1) AND (${differ.join(" OR ") || "TRUE"}))`;
  const [found = {}] = await ctx.query(`${collisions} SELECT count(*) AS ids, sum(n) AS n FROM collided`);
  const collided = Number(found.ids ?? 0);
  const restarted = collided >= 2 && (fromProvider || isRowId(usage) || collided * 5 >= rows);
  if (!restarted && !fromProvider) return null;
  const query = restarted
    ? `${collisions} SELECT ${sampleColumns(usage)} FROM placed WHERE id IN (SELECT id FROM collided) ORDER BY id, row`
    : `SELECT ${sampleColumns(usage)} FROM ${usage.relation} WHERE ${counter} ORDER BY row`;
  return {
    title: restarted ? "Ids are counters that start again" : "Ids are short counters",
    message: restarted
      ? `${number(collided)} ids such as ${await example(usage, counter, ctx)} name ${number(found.n)} different rows: the counter has started again.`
      : `${number(rows)} of ${plural(ids, "id")} are short counters such as ${await example(usage, counter, ctx)}: the next start of what counts them will repeat them.`,
    measure: { name: "colliding_rows", value: restarted ? Number(found.n) : rows },
    evidence: {
      ids: restarted ? collided : rows,
      rows: restarted ? Number(found.n) : rows,
      all_rows: usage.rows,
    },
    samples: await ctx.samples(query),
    sql: `${query} LIMIT 100`,
    location: { column: usage.columnOf("id")?.name ?? null },
    key: "counter",
    severity: restarted ? "error" : "warning",
  };
}

async function example(usage: UsageRelation, counter: string, ctx: Context): Promise<string> {
  const [row = {}] = await ctx.query(
    `SELECT id FROM ${usage.relation} WHERE ${counter} ORDER BY length(id), id LIMIT 1`,
  );
  return `"${String(row.id).slice(0, 40)}"`;
}
