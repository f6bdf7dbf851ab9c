/** Finds columns whose values are of more than one type: text among numbers, several units or zones of time. */

import { type CheckContext, defineCheck } from "../src/contract/check.ts";
import type { Column, Table } from "../src/contract/evidence.ts";
import type { FindingDraft } from "../src/contract/finding.ts";
import { TOKEN_ROLES } from "../src/contract/roles.ts";
import type { SqlDialect } from "../src/contract/sql.ts";
import { number, plural } from "../src/contract/wording.ts";

const NUMBER_ROLES: ReadonlySet<string | null> = new Set([...TOKEN_ROLES, "cost"]);
const TIME_ROLES: ReadonlySet<string | null> = new Set(["time", "end_time"]);
/** Declared types that SQLite stores numbers in; a text among them is one that is no number. */
const NUMBER_DECLARED = /INT|REAL|FLOA|DOUB|NUMERIC|NUMBER|DECIMAL/i;
const DATE_DECLARED = /DATE|TIME/i;
/** What stands for `no value` in a text file, and is no value of another type. */
const NO_VALUE = "^\\s*(|-+|n/?a|null|none|nil|nan|undefined|[?])\\s*$";
const NUMERIC = "^\\s*[-+]?([0-9]+([.,][0-9]+)*|[.][0-9]+)([eE][-+]?[0-9]+)?\\s*[kKmM]?\\s*$";
const CLOCKED = "^\\s*[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}";
const ZONED = ":[0-9]{2}([.,][0-9]+)?\\s*([Zz]|UTC|GMT|[-+][0-9]{2}(:?[0-9]{2})?)\\s*$";

type Context = Pick<CheckContext, "query" | "samples" | "sql">;

/** One way to write a value, the rows that do, and the SQL condition for them. */
interface Kind {
  name: string;
  rows: number;
  where: string;
}

export default defineCheck({
  id: "mixed-types",
  meta: {
    title: "One column holds values of several types",
    severity: "warning",
    what: "Looks for text in the number columns of SQLite and of text files, for epoch seconds, milliseconds, microseconds and nanoseconds in one time column, for epoch numbers beside written times, and for times with a zone beside times without one.",
    why: "SQLite sorts every text behind every number and compares texts letter by letter, so that ranges, `max(created_at)` and sums silently lose rows. Seen as integers and ISO texts in one `created_at`, after one of two writers was changed.",
    fix: "Convert the smaller group with one UPDATE and write one type from now on; in SQLite, declare the table STRICT.",
    silent: [
      "Whole numbers beside fractions are one type, and so is a column that holds nothing but text.",
      "NULL, and what stands for it in a text file (`N/A`, `-`, nothing at all), is no value.",
      "Columns that no declaration and no role makes a number or a time may hold anything.",
      "Plain dates beside times, and `Z` beside `+00:00`, are one type.",
    ],
    needs: "a table with number or time columns",
  },
  options: {
    max_ratio: { describe: "Share of a column's values that may be of another type (0 to 1).", default: 0 },
  },
  targets: (evidence) =>
    evidence.tables.filter(
      (table) => table.form === "table" && table.rows > 0 && table.columns.some(isJudged),
    ),
  async run(table, ctx) {
    const drafts: FindingDraft[] = [];
    for (const column of table.columns.filter(isJudged)) {
      const kinds = await kindsOf(table, column, ctx);
      const total = kinds.reduce((n, kind) => n + kind.rows, 0);
      const largest = Math.max(...kinds.map((kind) => kind.rows), 0);
      if (kinds.length < 2 || (total - largest) / total <= ctx.options.max_ratio) continue;
      drafts.push(await draftOf(table, column, kinds, total, largest, ctx));
    }
    return drafts;
  },
});

/** Only columns as they stand in the source: a path inside JSON has no type of its own. */
function isJudged(column: Column): boolean {
  if (!column.loaded || column.name === "") return false;
  if (column.role !== null && !column.expression?.includes(`"${column.name.replaceAll('"', '""')}"`))
    return false;
  return NUMBER_ROLES.has(column.role) || TIME_ROLES.has(column.role) || isMixedStorage(column);
}

function isTime({ role, declared }: Column): boolean {
  return TIME_ROLES.has(role) || (role === null && DATE_DECLARED.test(declared));
}

function isMixedStorage({ storage, declared, role }: Column): boolean {
  const numbers = (storage?.integer ?? 0) + (storage?.real ?? 0);
  const texts = storage?.text ?? 0;
  if (numbers === 0 || texts === 0) return false;
  return role !== null
    ? NUMBER_ROLES.has(role) || TIME_ROLES.has(role)
    : NUMBER_DECLARED.test(declared) || DATE_DECLARED.test(declared);
}

/** The kinds of values of a column, the most frequent first; those with no rows are left out. */
async function kindsOf(table: Table, column: Column, ctx: Context): Promise<Kind[]> {
  const { sql } = ctx;
  const value = sql.ident(column.name);
  const time = isTime(column);
  const wanted = time
    ? timeKinds(value, column.type, sql)
    : column.type === "VARCHAR"
      ? numberKinds(value, sql)
      : [];
  if (wanted.length === 0) return [];
  const usual = USUAL_TIMES.flatMap(([mask, name]) => {
    const kind = wanted.findIndex((one) => one[0] === name);
    return kind < 0 ? [] : [`WHEN ${value} LIKE ${sql.literal(mask)} THEN ${kind}`];
  });
  // A value is of one kind at most; of the last, which is the most frequent, no other has to be tried.
  const cases = [...usual, ...wanted.map(([, where], i) => `WHEN ${where} THEN ${i}`).reverse()];
  const seen = await ctx.query(
    `SELECT CASE ${cases.join(" ")} END AS kind, count(*) AS n FROM ${table.relation} GROUP BY 1`,
  );
  const rowsOf = new Map(seen.map((row) => [row.kind, Number(row.n)]));
  return wanted
    .map(([name, where], i): Kind => ({ name, where, rows: rowsOf.get(i) ?? 0 }))
    .filter((kind) => kind.rows > 0)
    .sort((a, b) => b.rows - a.rows);
}

type Wanted = [name: string, where: string][];

function numberKinds(value: string, sql: SqlDialect): Wanted {
  const empty = sql.matches(`lower(${value})`, NO_VALUE);
  const numeric = sql.matches(value, NUMERIC);
  return [
    ["numbers", numeric],
    ["text", `(${value} IS NOT NULL AND NOT ${empty} AND NOT ${numeric})`],
  ];
}

/** Units by their size: a second of the years 1973 to 5138 is no millisecond of any year after 1973. */
const UNITS: [string, number, string][] = [
  ["epoch seconds", 1e8, "9,11"],
  ["epoch milliseconds", 1e11, "12,14"],
  ["epoch microseconds", 1e14, "15,17"],
  ["epoch nanoseconds", 1e17, "18,19"],
];

/** How most times are written, each seen at a glance: a pattern for every row takes four times as long. */
const USUAL_TIMES: [mask: string, kind: string][] = [
  ["____-__-__T__:__:__.___Z", "times with a zone"],
  ["____-__-__T__:__:__Z", "times with a zone"],
  ["____-__-__ __:__:__", "times without a zone"],
  ["____-__-__T__:__:__", "times without a zone"],
];

function timeKinds(value: string, type: string, sql: SqlDialect): Wanted {
  if (/INT|DOUBLE|FLOAT|DECIMAL|REAL/.test(type))
    return UNITS.map(([name, from]) => [name, `(${value} >= ${from} AND ${value} < ${from * 1000})`]);
  if (type !== "VARCHAR") return [];
  const clocked = sql.matches(value, CLOCKED);
  const zoned = sql.matches(value, ZONED);
  return [
    ...UNITS.map(([name, , digits]): [string, string] => [
      name,
      sql.matches(value, `^\\s*[0-9]{${digits}}([.][0-9]+)?\\s*$`),
    ]),
    ["times with a zone", `(${clocked} AND ${zoned})`],
    ["times without a zone", `(${clocked} AND NOT ${zoned})`],
  ];
}

async function draftOf(
  table: Table,
  column: Column,
  kinds: Kind[],
  total: number,
  largest: number,
  ctx: Context,
): Promise<FindingDraft> {
  const value = ctx.sql.ident(column.name);
  const odd = kinds.slice(1);
  const where = odd.map((kind) => kind.where).join(" OR ");
  const time = isTime(column);
  return {
    title: time ? "One column holds several kinds of times" : "A number column holds text",
    message: `${column.name} holds ${kinds.map((kind) => `${kind.name} in ${plural(kind.rows, "row")}`).join(", ")}: of ${number(total)} values, ${number(total - largest)} do not compare and sort with the others.`,
    measure: { name: "odd_values", value: total - largest },
    evidence: {
      values: total,
      odd_values: total - largest,
      kinds: Object.fromEntries(kinds.map((kind) => [kind.name, kind.rows])),
      ...(column.storage ? { storage: column.storage } : {}),
    },
    samples: await ctx.samples(
      `SELECT ${time ? `${value} AS time` : `length(${value}) AS text_length`}, count(*) AS n FROM ${table.relation}
       WHERE ${where} GROUP BY 1 ORDER BY n DESC, 1`,
    ),
    sql: `SELECT ${value}, count(*) AS n FROM ${table.relation} WHERE ${where} GROUP BY 1 ORDER BY n DESC, 1 LIMIT 100`,
    location: { table: table.name, column: column.name },
  };
}
