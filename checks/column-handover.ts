/** Finds columns that stop being filled at the moment another one begins: one attribute under two names. */

import { timestamp } from "../src/analysis/loss.ts";
import { type CheckContext, defineCheck, type Target } from "../src/contract/check.ts";
import type { Column, Table, UsageRelation } from "../src/contract/evidence.ts";
import type { FindingDraft } from "../src/contract/finding.ts";
import { instant, percent, plural } from "../src/contract/wording.ts";

/** Columns that are compared. */
const COLUMNS_MAX = 80;
/** Share of a column's own time in which it must be filled: less is an optional column. */
const FILLED_MIN = 0.5;
/** The same for columns whose names have nothing in common. */
const FILLED_MIN_UNALIKE = 0.95;
/** Share of the rows that may lie between the two, or have both. */
const BETWEEN_MAX = 0.05;

interface Handover extends Target {
  usage: UsageRelation;
}

type Context = Pick<CheckContext, "query" | "samples" | "sql"> & { options: { min_rows: number } };

interface Filled {
  column: Column;
  /** SQL: the value, NULL where the column is empty. */
  value: string;
  rows: number;
  first: string;
  last: string;
}

export default defineCheck({
  id: "column-handover",
  meta: {
    title: "One column takes over from another",
    severity: "warning",
    what: "Looks for two columns of one type in a table of which the first is filled up to a moment and never after it, and the second never before that moment and from it on.",
    why: "An attribute was renamed in an upgrade, and every query over the old name ends at that day: sums stop growing, and nobody sees an error. Seen when `prompt_tokens` became `input_tokens` in an instrumentation library.",
    fix: "Read both (`COALESCE(new, old)`) or copy the old column into the new one; name the role's column in trueup.yaml (`roles:`).",
    silent: [
      "Optional columns, which are filled in less than half of the rows of their own time.",
      "Columns of different types, and columns whose names have nothing in common unless both are filled throughout and one of them has a role.",
      "Columns that overlap, or that leave more than 5 % of the rows between them.",
      "A column that ends without another that begins, or the other way round.",
    ],
    needs: "a table of calls with times and several columns",
  },
  options: {
    min_rows: { describe: "Filled rows of each column below which nothing is reported.", default: 5 },
  },
  targets: (evidence): Handover[] =>
    evidence.usage
      .filter((u) => u.origin === "table" && u.columnOf("time")?.expression && u.table.columns.length > 2)
      .map((usage) => ({ name: usage.name, usage })),
  async run({ usage }, ctx) {
    const time = usage.columnOf("time")?.expression as string;
    const filled = await filledColumns(usage, time, ctx);
    const drafts: FindingDraft[] = [];
    for (const old of filled)
      for (const next of filled) {
        if (
          old === next ||
          old.last >= String(usage.timeRange?.to) ||
          next.first <= String(usage.timeRange?.from)
        )
          continue;
        if (kindOf(old.column) !== kindOf(next.column)) continue;
        const draft = await handover(usage, time, old, next, ctx);
        if (draft) drafts.push(draft);
      }
    return drafts;
  },
});

/** A column as it stands, and the value that is NULL where it is empty. */
interface Readable {
  column: Column;
  raw: string;
  value: string;
}

/** The columns that can be read as they stand, or through their role. */
function readable(table: Table, sql: Context["sql"]): Readable[] {
  return table.columns
    .filter((c) => c.loaded && !c.primaryKey && c.role !== "credential" && c.role !== "time")
    .flatMap((column) => {
      const path = table.columns.some(
        (other) => other !== column && column.name.startsWith(`${other.name}.`),
      );
      if (path && !column.expression) return [];
      const raw = path ? (column.expression as string) : sql.ident(column.name);
      return [{ column, raw, value: column.type === "VARCHAR" && !path ? `NULLIF(${raw}, '')` : raw }];
    })
    .slice(0, COLUMNS_MAX);
}

/** Those that are filled in some rows and not in others, as both sides of a handover are. */
async function withGaps(table: Table, columns: Readable[], ctx: Context): Promise<Readable[]> {
  if (columns.length < 2) return [];
  const asked = columns.map(({ raw, value }, i) => {
    // The least text tells whether one is empty, and costs less than to ask each.
    const empty = value === raw ? "FALSE" : `min(${raw}) = ''`;
    return `count(${raw}) AS n${i}, ${empty} AS e${i}`;
  });
  const [seen = {}] = await ctx.query(`SELECT count(*) AS n, ${asked.join(", ")} FROM ${table.relation}`);
  return columns.filter((_, i) => {
    const filled = Number(seen[`n${i}`]);
    return filled > 0 && (filled < Number(seen.n) || seen[`e${i}`] === true);
  });
}

async function filledColumns(usage: UsageRelation, time: string, ctx: Context): Promise<Filled[]> {
  const columns = await withGaps(usage.table, readable(usage.table, ctx.sql), ctx);
  if (columns.length < 2) return [];
  const [seen = {}] = await ctx.query(
    `SELECT ${columns
      .map(
        ({ value }, i) =>
          `count(${value}) AS n${i}, min(CASE WHEN ${value} IS NOT NULL THEN moment END) AS a${i}, max(CASE WHEN ${value} IS NOT NULL THEN moment END) AS z${i}`,
      )
      .join(
        ", ",
      )} FROM (SELECT *, ${time} AS moment FROM ${usage.table.relation}) AS timed WHERE moment IS NOT NULL`,
  );
  return columns.flatMap(({ column, value }, i) => {
    const [rows, first, last] = [Number(seen[`n${i}`]), seen[`a${i}`], seen[`z${i}`]];
    return rows >= ctx.options.min_rows && typeof first === "string" && typeof last === "string"
      ? [{ column, value, rows, first, last }]
      : [];
  });
}

/** Numbers, times and texts do not take over from each other. */
function kindOf({ type }: Column): string {
  if (/INT|DOUBLE|FLOAT|DECIMAL|REAL/.test(type)) return "number";
  return /TIME|DATE/.test(type) ? "time" : type;
}

const SAME_WORD: Record<string, string> = {
  prompt: "input",
  completion: "output",
  generated: "output",
  cached: "cache",
  creation: "write",
  token: "tokens",
  finished: "completed",
  ended: "completed",
  end: "completed",
  started: "created",
  start: "created",
  spend: "cost",
  price: "cost",
};
const NO_MEANING = /^(gen|ai|llm|usage|the|is|at|of|count|n|num|value|data|attributes?)$/;

function wordsIn(name: string): Set<string> {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .map((word) => SAME_WORD[word] ?? word)
    .filter((word) => word !== "" && !NO_MEANING.test(word));
  return new Set(words);
}

/** At least half of all words of the two names are in both. */
function alike(one: string, other: string): boolean {
  const [a, b] = [wordsIn(one), wordsIn(other)];
  const both = [...a].filter((word) => b.has(word)).length;
  return both > 0 && both * 2 >= new Set([...a, ...b]).size;
}

async function handover(
  usage: UsageRelation,
  time: string,
  old: Filled,
  next: Filled,
  ctx: Context,
): Promise<FindingDraft | null> {
  const similar = alike(old.column.name, next.column.name);
  if (!similar && !old.column.role && !next.column.role) return null;
  const from = `(SELECT *, ${time} AS moment FROM ${usage.table.relation}) AS timed`;
  const [end, begin] = [timestamp(old.last, ctx.sql), timestamp(next.first, ctx.sql)];
  const [seen = {}] = await ctx.query(
    `SELECT count(*) AS n, count(*) FILTER (WHERE moment <= ${end}) AS before, count(*) FILTER (WHERE moment >= ${begin}) AS after,
       count(*) FILTER (WHERE moment > ${end} AND moment < ${begin}) AS between_both,
       count(*) FILTER (WHERE ${old.value} IS NOT NULL AND moment >= ${begin} AND moment <= ${end}) AS late,
       count(*) FILTER (WHERE ${next.value} IS NOT NULL AND moment >= ${begin} AND moment <= ${end} AND moment < ${end}) AS early
     FROM ${from} WHERE moment IS NOT NULL`,
  );
  const n = (name: string) => Number(seen[name] ?? 0);
  const [filledOld, filledNew] = [old.rows / n("before"), next.rows / n("after")];
  const least = similar ? FILLED_MIN : FILLED_MIN_UNALIKE;
  const between = n("between_both") + Math.min(n("late"), n("early"));
  if (filledOld < least || filledNew < least || between > BETWEEN_MAX * n("n")) return null;
  // Where nothing overlaps, the old one must really have stopped before the new one began.
  if (n("late") > BETWEEN_MAX * old.rows && n("early") > BETWEEN_MAX * next.rows) return null;
  const query = `SELECT moment AS time, ${old.value} IS NOT NULL AS ${ctx.sql.ident(`has ${old.column.name}`)}, ${next.value} IS NOT NULL AS ${ctx.sql.ident(`has ${next.column.name}`)} FROM ${from} WHERE moment BETWEEN ${
    old.last < next.first ? end : begin
  } AND ${old.last < next.first ? begin : end} ORDER BY moment`;
  const role = old.column.role ?? next.column.role;
  const reader = old.column.role ? old.column.name : next.column.role ? next.column.name : null;
  return {
    title: "One column takes over from another",
    message: `${old.column.name} is filled until ${instant(old.last)} (${percent(filledOld)} of ${plural(n("before"), "row")}) and never after; ${next.column.name} is filled from ${instant(next.first)} on (${percent(filledNew)} of ${plural(n("after"), "row")}) and never before.${
      role && reader ? ` Only ${reader} is read as ${role.replaceAll("_", " ")}.` : ""
    }`,
    measure: { name: "handed_over_rows", value: Math.min(old.rows, next.rows) },
    evidence: {
      old_column: old.column.name,
      new_column: next.column.name,
      old_last: old.last,
      new_first: next.first,
      old_rows: old.rows,
      new_rows: next.rows,
      old_filled: filledOld,
      new_filled: filledNew,
      role: role ?? null,
    },
    samples: await ctx.samples(query),
    sql: `${query} LIMIT 100`,
    location: { column: old.column.name },
    key: next.column.name,
  };
}
