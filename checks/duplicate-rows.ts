/** Finds records that stand in a table more than once: under one id, or under another id with the same content. */

import {
  CONTENT_SCOPE,
  contentCandidates,
  contentCopies,
  hasId,
  idClasses,
  idCopies,
  idKeys,
  idsRepeat,
  nearRoles,
} from "../src/analysis/copies.ts";
import { isRollup, isRowId, sampleColumns, tokenRoles } from "../src/analysis/scope.ts";
import { type CheckContext, defineCheck, Skip } from "../src/contract/check.ts";
import type { UsageRelation } from "../src/contract/evidence.ts";
import type { FindingDraft } from "../src/contract/finding.ts";
import { number, plural } from "../src/contract/wording.ts";

/** Share of ids that may repeat with other content before the column is taken for no key of rows. */
const KEY_REPEATS_MAX = 1 / 3;
/** Copies must be this many times what chance explains. */
const ABOVE_CHANCE = 20;

type Context = Pick<CheckContext, "query" | "samples" | "sql">;

export default defineCheck({
  id: "duplicate-rows",
  meta: {
    title: "Records stand in the table more than once",
    severity: "error",
    what: "Counts ids that stand on more than one row, and rows that agree in session, model, time (within one second) and all token counts under different ids; says how many rows are too many, and which one to keep: the one with the largest output, which is the complete one, not the first.",
    why: "Every copy is added up and billed again. Seen as 116 copies of one log line that a cron job read again with every run.",
    fix: "Delete all but the row with the largest output of each group (`place` 1 in the query), make the id a unique key, and let the import skip what it has read before.",
    silent: [
      "Calls with the same counts minutes apart are repeats, not copies; so are counts that mostly occur alone, and coincidences that the number of calls per second explains.",
      "Ids that are unique within a session, or that several calls share by design (a trace, a request), are no row's own key.",
      "Several rows of one id whose output grows are snapshots of one response: `cumulative-counter` looks at them.",
      "A failed attempt and the success after it may share an id.",
      "NULL ids are no ids; placeholder ids (`None`, empty) belong to `colliding-id`. Tables whose rows sum up calls are not looked at.",
    ],
    needs: "a table of calls with ids, or with times and token counts",
  },
  options: {
    max_ratio: { describe: "Share of rows that may be copies (0 to 1).", default: 0 },
  },
  targets: (evidence) => evidence.usage.filter((u) => !isRollup(u) && (u.has("id") || hasContent(u))),
  async run(usage, ctx) {
    if (usage.rows === 0) return new Skip("the table is empty");
    const drafts = [await sameId(usage, ctx), await sameContent(usage, ctx)];
    return drafts.filter(
      (draft): draft is FindingDraft =>
        draft !== null && draft.measure.value / usage.rows > ctx.options.max_ratio,
    );
  },
});

function hasContent(usage: UsageRelation): boolean {
  return usage.has("time", "input_tokens", "output_tokens");
}

/** One id on several rows. */
async function sameId(usage: UsageRelation, ctx: Context): Promise<FindingDraft | null> {
  if (!usage.has("id") || usage.columnOf("id")?.primaryKey) return null;
  if (!(await idsRepeat(usage, ctx))) return null;
  const keys = idKeys(usage).join(", ");
  const [all = {}] = await ctx.query(
    `SELECT count(*) AS ids, count(*) FILTER (WHERE n > 1) AS repeated
     FROM (SELECT count(*) AS n FROM ${usage.relation} WHERE ${hasId(ctx.sql)} GROUP BY ${keys}) AS counted`,
  );
  if (Number(all.repeated ?? 0) === 0) return null;
  const classes = await ctx.query(
    `WITH ${idClasses(usage, ctx.sql)} SELECT class, count(*) AS n FROM classes GROUP BY class`,
  );
  const count = (name: string) => Number(classes.find((row) => row.class === name)?.n ?? 0);
  const told = ["same"];
  // Two rows whose output grew are a copy and its completion, unless the table holds whole series of snapshots.
  const ownKey = isRowId(usage) && usage.origin === "table";
  if (ownKey && count("chain") * 5 < count("chain") + count("grown")) told.push("grown");
  if (ownKey && count("other") <= KEY_REPEATS_MAX * Number(all.ids)) told.push("other");
  return draftOf(usage, ctx, idCopies(usage, ctx.sql, told), {
    title: "Ids stand on more than one row",
    key: "id",
    one: "id stands",
    many: "ids stand",
    column: usage.columnOf("id")?.name ?? null,
  });
}

/** The same call under other ids, or without any. */
async function sameContent(usage: UsageRelation, ctx: Context): Promise<FindingDraft | null> {
  if (!hasContent(usage)) return null;
  const day = ctx.sql.bucket("time", 86_400);
  const [seen = {}] = await ctx.query(
    `SELECT count(*) AS n, count(*) FILTER (WHERE time <> ${day}) AS timed FROM ${usage.relation} WHERE ${CONTENT_SCOPE}`,
  );
  // Plain dates say nothing about seconds.
  if (Number(seen.n ?? 0) < 2 || Number(seen.timed ?? 0) === 0) return null;
  const [near = {}] = await ctx.query(
    `SELECT count(*) AS n FROM (${contentCandidates(usage, ctx.sql)}) AS near`,
  );
  if (Number(near.n ?? 0) === 0) return null;
  const copies = contentCopies(usage, ctx.sql);
  const draft = await draftOf(usage, ctx, copies, {
    title: "Calls are recorded more than once",
    key: "content",
    one: "call stands",
    many: "calls stand",
    column: null,
  });
  if (!draft || (await chance(usage, ctx, copies)) * ABOVE_CHANCE > draft.measure.value) return null;
  return draft;
}

/** How many pairs would agree by chance: calls that are near each other × how often two calls have equal counts. */
async function chance(usage: UsageRelation, ctx: Context, copies: string): Promise<number> {
  const near = nearRoles(usage);
  const model = usage.has("model") ? "model" : "NULL";
  const [pairs = {}] = await ctx.query(
    `SELECT sum(CAST(n AS DOUBLE) * (n - 1) / 2) AS close_pairs FROM
       (SELECT count(*) AS n FROM ${usage.relation} WHERE ${CONTENT_SCOPE}
        GROUP BY ${[...near, ctx.sql.bucket("time", 1)].join(", ")}) AS seconds`,
  );
  const [all = {}] = await ctx.query(
    `SELECT sum(CAST(n AS DOUBLE) * (n - 1)) AS pairs FROM
       (SELECT count(*) AS n FROM ${usage.relation} WHERE ${CONTENT_SCOPE} GROUP BY ${model}) AS models`,
  );
  const [equal = {}] = await ctx.query(
    `SELECT sum(CAST(n AS DOUBLE) * (n - 1)) AS pairs FROM
       (SELECT count(*) AS n FROM ${usage.relation} WHERE ${CONTENT_SCOPE}
        GROUP BY ${[model, ...tokenRoles(usage)].join(", ")}) AS counts`,
  );
  const [copied = {}] = await ctx.query(
    `WITH ${copies} SELECT sum(CAST(n AS DOUBLE) * (n - 1) / 2) AS pairs
     FROM (SELECT count(*) AS n FROM copies GROUP BY record) AS records`,
  );
  const found = Number(copied.pairs ?? 0);
  // Within a second on either side lie about twice the pairs of one second.
  const close = 2 * Math.max(0, Number(pairs.close_pairs ?? 0) - found);
  return (
    (close * (1 + Math.max(0, Number(equal.pairs ?? 0) - 2 * found))) / Math.max(1, Number(all.pairs ?? 0))
  );
}

interface Wording {
  title: string;
  key: string;
  one: string;
  many: string;
  column: string | null;
}

/** The finding about `copies`, or null when there are none. */
async function draftOf(
  usage: UsageRelation,
  ctx: Context,
  copies: string,
  wording: Wording,
): Promise<FindingDraft | null> {
  const tokens = tokenRoles(usage);
  const [seen = {}] = await ctx.query(
    `WITH ${copies} SELECT count(*) AS n, count(DISTINCT record) AS records${tokens
      .map((role) => `, sum(CAST(${role} AS DECIMAL(38, 0))) FILTER (WHERE place > 1) AS extra_${role}`)
      .join("")}${usage.has("time") ? ", min(time) AS first, max(time) AS last" : ""} FROM copies`,
  );
  const rows = Number(seen.n ?? 0);
  const records = Number(seen.records ?? 0);
  if (rows === 0) return null;
  const extra = rows - records;
  const counted = tokens.filter((role) => Number(seen[`extra_${role}`] ?? 0) > 0);
  const shown = `SELECT place, ${sampleColumns(usage)} FROM copies ORDER BY record, place`;
  return {
    title: wording.title,
    message: `${number(records)} ${records === 1 ? wording.one : wording.many} on ${plural(rows, "row")}: ${plural(extra, "row")} too many${
      counted.length > 0
        ? `, which add ${counted
            .slice(0, 2)
            .map((role) => `${number(seen[`extra_${role}`])} ${role.replaceAll("_", " ")}`)
            .join(" and ")}`
        : ""
    }. Of each keep the row with the largest output.`,
    measure: { name: "extra_rows", value: extra },
    evidence: {
      ids: records,
      rows,
      extra_rows: extra,
      ...Object.fromEntries(counted.map((role) => [`extra_${role}`, seen[`extra_${role}`] ?? null])),
      ...(usage.has("time") ? { first: seen.first ?? null, last: seen.last ?? null } : {}),
      keep: "the row with the largest output",
    },
    samples: await ctx.samples(`WITH ${copies} ${shown}`),
    sql: `WITH ${copies} ${shown} LIMIT 100`,
    location: { column: wording.column },
    key: wording.key,
  };
}
