/** Finds rows that refer to a parent, a session or another row that is not there. */

import { timestamp } from "../src/analysis/loss.ts";
import { anyRow, HAS_PARENT, sampleColumns } from "../src/analysis/scope.ts";
import { type CheckContext, defineCheck, type Target } from "../src/contract/check.ts";
import type { Evidence, Table, UsageRelation } from "../src/contract/evidence.ts";
import type { FindingDraft } from "../src/contract/finding.ts";
import type { SqlDialect } from "../src/contract/sql.ts";
import { number, percent, plural } from "../src/contract/wording.ts";

/** Below this share of references that are found, they point to something that was not loaded. */
const FOUND_MIN = 0.5;
/** Share of a table's time, at either end, within which a parent may lie outside it at most. */
const WINDOW_SHARE_MAX = 0.25;
/** What joins a prefix to an id. */
const JOINTS = ["-", "_", ":", "/", ""] as const;
/** Tables whose rows are sessions. */
const SESSIONS = /(session|conversation|chat|thread|trace)s?$/i;

interface References extends Target {
  usage: UsageRelation | null;
  /** What `session_id` may refer to: relations of sessions, and the column that holds their ids. */
  sessions: (Pick<UsageRelation, "relation" | "timeRange"> & { id: string })[];
  /** Declared keys: column → table and column. */
  declared: { left: Table; leftColumn: string; right: Table; rightColumn: string }[];
}

type Context = Pick<CheckContext, "query" | "samples" | "sql" | "evidence"> & {
  options: { max_ratio: number; min_rows: number };
};

export default defineCheck({
  id: "orphan-rows",
  meta: {
    title: "Rows refer to rows that are not there",
    severity: "warning",
    what: "Counts rows whose parent is not among the ids of the table (or of its siblings), whose session is not among the sessions, or whose declared foreign key finds nothing.",
    why: "A sum over a tree never reaches an orphan, and a join drops it: its tokens and costs are in no total of any root or session. Seen as spans whose parent was never exported.",
    fix: "Find out whether the missing rows were deleted (then delete or re-parent their children) or never written (then look at what should write them).",
    silent: [
      "An id that is there once a prefix is taken off or put on (`root_`, the chat's id) is there.",
      "Parents that may lie before the first row, where retention has cut them off, or after the last one, where the trace has not ended.",
      "Where hardly any reference is found, the table they point to was not loaded.",
      "A row that is its own parent, or whose parent is its session or trace, is a root.",
      "Fewer than `min_rows` rows with a reference.",
    ],
    needs: "a table with parents, sessions beside a table of sessions, or declared foreign keys",
  },
  options: {
    max_ratio: { describe: "Share of references that may find nothing (0 to 1).", default: 0 },
    min_rows: { describe: "References below which nothing is reported.", default: 5 },
  },
  targets: (evidence) => evidence.tables.flatMap((table) => referencesOf(table, evidence)),
  async run(target, ctx) {
    const drafts: (FindingDraft | null)[] = [];
    const { usage } = target;
    if (usage?.has("id", "parent_id")) drafts.push(await orphanParents(usage, ctx));
    if (usage) for (const one of target.sessions) drafts.push(await orphanSessions(usage, one, ctx));
    for (const one of target.declared) drafts.push(await orphanKeys(one, ctx));
    return drafts.filter((draft): draft is FindingDraft => draft !== null);
  },
});

function referencesOf(table: Table, evidence: Evidence): References[] {
  // The formats that trueup reads by their own rule continue in other files.
  const usage =
    evidence.usage.find((u) => u.name === table.name && u.origin === "table" && !u.format) ?? null;
  const sessions = usage?.has("session_id") ? sessionsOf(usage, evidence) : [];
  const declared = evidence.links
    .filter((link) => link.how === "declared" && link.leftTable === table.name)
    .flatMap((link) => {
      const right = evidence.tables.find((one) => one.name === link.rightTable);
      const known = (of: Table, name: string) => of.columns.some((c) => c.name === name && c.loaded);
      // A session or parent is looked at above, with its prefixes and windows.
      const role = table.columns.find((c) => c.name === link.leftColumn)?.role;
      if (!right || (usage && (role === "parent_id" || (role === "session_id" && sessions.length > 0))))
        return [];
      return known(table, link.leftColumn) && known(right, link.rightColumn)
        ? [{ left: table, leftColumn: link.leftColumn, right, rightColumn: link.rightColumn }]
        : [];
    });
  const any = usage?.has("id", "parent_id") || sessions.length > 0 || declared.length > 0;
  return any ? [{ name: table.name, usage, sessions, declared }] : [];
}

/** Tables of sessions in the same input: those that hold usage, and those that nearly all of the rows refer to. */
function sessionsOf(usage: UsageRelation, evidence: Evidence): References["sessions"] {
  const isSessions = (table: Table) =>
    table.name !== usage.name && table.input === usage.table.input && SESSIONS.test(table.name);
  const metered = evidence.usage.filter((one) => one.has("id") && isSessions(one.table));
  const column = usage.columnOf("session_id")?.name;
  const plain = evidence.links
    .filter((link) => link.how === "values" && link.leftTable === usage.name && link.leftColumn === column)
    .flatMap((link) => {
      const table = evidence.tables.find((one) => one.name === link.rightTable);
      const id = table?.columns.find(
        (one) => one.name === link.rightColumn && one.loaded && one.role === "id",
      );
      if (!table || !id || !isSessions(table) || metered.some((one) => one.name === table.name)) return [];
      return [{ relation: table.relation, timeRange: table.timeRange, id: id.name }];
    });
  return [...metered.map(({ relation, timeRange }) => ({ relation, timeRange, id: "id" })), ...plain];
}

/** The text behind the first joint: `root_42` → `42`. */
function unprefixed(text: string, joint: string): string {
  return `CASE WHEN position('${joint}' IN ${text}) > 0 THEN substring(${text}, position('${joint}' IN ${text}) + 1) END`;
}

async function orphanParents(usage: UsageRelation, ctx: Context): Promise<FindingDraft | null> {
  const lost = `${HAS_PARENT} AND parent_id NOT IN (SELECT id FROM ${usage.relation} WHERE id IS NOT NULL)`;
  if (!(await anyRow(usage, lost, ctx))) return null;
  const session = usage.has("session_id");
  const time = usage.has("time") ? "time" : "CAST(NULL AS TIMESTAMP)";
  const spellings = ["_", ":"].map((joint) => unprefixed("parent_id", joint));
  if (session) spellings.push(...JOINTS.map((joint) => `session_id || '${joint}' || parent_id`));
  const siblings = siblingIds(usage, ctx.evidence);
  const ids = [`SELECT id AS known FROM ${usage.relation} WHERE id IS NOT NULL`, ...siblings];
  // Only what is not found as it stands is tried without a prefix.
  const ctes = `known AS (SELECT DISTINCT known FROM (${ids.join(" UNION ALL ")}) AS ids),
    bare AS (SELECT known FROM known UNION SELECT ${unprefixed("known", "_")} FROM known UNION SELECT ${unprefixed("known", ":")} FROM known),
    referring AS (SELECT ${sampleColumns(usage)} FROM ${usage.relation} WHERE ${HAS_PARENT}${
      session ? " AND (session_id IS NULL OR parent_id <> session_id)" : ""
    }),
    missing AS (SELECT * FROM referring WHERE parent_id NOT IN (SELECT known FROM known)),
    orphans AS (SELECT * FROM missing WHERE parent_id NOT IN (SELECT known FROM bare WHERE known IS NOT NULL)${spellings
      .map((one) => ` AND COALESCE(${one} NOT IN (SELECT known FROM bare WHERE known IS NOT NULL), TRUE)`)
      .join("")})`;
  const [seen = {}] = await ctx.query(
    `WITH ${ctes} SELECT (SELECT count(*) FROM referring) AS refs, (SELECT count(*) FROM orphans) AS orphans,
       (SELECT min(${time}) FROM ${usage.relation}) AS first, (SELECT max(${time}) FROM ${usage.relation}) AS last`,
  );
  const references = Number(seen.refs ?? 0);
  if (Number(seen.orphans ?? 0) === 0) return null;
  const inside = await insideWindow(usage, ctx, seen.first, seen.last);
  return judge(usage.table, ctx, {
    ctes,
    references,
    all: Number(seen.orphans),
    where: inside,
    column: "parent_id",
    what: "parent",
    name: usage.columnOf("parent_id")?.name ?? null,
    shown: sampleColumns(usage),
  });
}

/** Ids of the other tables of the input: a parent may be a row of another kind. */
function siblingIds(usage: UsageRelation, evidence: Evidence): string[] {
  return evidence.usage
    .filter((one) => one.name !== usage.name && one.table.input === usage.table.input && one.has("id"))
    .slice(0, 10)
    .map((one) => `SELECT id FROM ${one.relation} WHERE id IS NOT NULL`);
}

/** True in rows whose parent cannot lie before the first row or after the last one. */
async function insideWindow(
  usage: UsageRelation,
  ctx: Context,
  first: unknown,
  last: unknown,
): Promise<string> {
  if (!usage.has("time") || typeof first !== "string" || typeof last !== "string") return "TRUE";
  const since = (from: string, to: string) => ctx.sql.seconds_between(from, to);
  const [start, end] = [timestamp(first, ctx.sql), timestamp(last, ctx.sql)];
  // As long as a parent and its child were ever apart, within reason.
  const [seen = {}] = await ctx.query(
    `SELECT max(abs(${since("p.time", "c.time")})) AS lag, ${since(start, end)} AS span
     FROM ${usage.relation} AS c JOIN ${usage.relation} AS p ON c.parent_id = p.id`,
  );
  const window = Math.min(Number(seen.lag ?? 0), WINDOW_SHARE_MAX * Number(seen.span ?? 0));
  return `(time IS NULL OR (${since(start, "time")} > ${window} AND ${since("time", end)} > ${window}))`;
}

async function orphanSessions(
  usage: UsageRelation,
  sessions: References["sessions"][number],
  ctx: Context,
): Promise<FindingDraft | null> {
  const ctes = `ids AS (SELECT CAST(${ctx.sql.ident(sessions.id)} AS VARCHAR) AS id FROM ${sessions.relation}),
    known AS (SELECT id AS known FROM ids WHERE id IS NOT NULL UNION SELECT ${unprefixed("id", "_")} FROM ids),
    orphans AS (SELECT ${sampleColumns(usage)} FROM ${usage.relation} WHERE session_id IS NOT NULL AND session_id <> ''
      AND session_id NOT IN (SELECT known FROM known WHERE known IS NOT NULL)
      AND COALESCE(${unprefixed("session_id", "_")} NOT IN (SELECT known FROM known WHERE known IS NOT NULL), TRUE))`;
  const [seen = {}] = await ctx.query(
    `WITH ${ctes} SELECT (SELECT count(*) FROM ${usage.relation} WHERE session_id IS NOT NULL AND session_id <> '') AS refs,
       (SELECT count(*) FROM orphans) AS orphans`,
  );
  if (Number(seen.orphans ?? 0) === 0) return null;
  // Rows outside the time that the sessions cover have theirs before retention, or not yet.
  const range = sessions.timeRange;
  const where =
    usage.has("time") && range
      ? `(time IS NULL OR time BETWEEN ${timestamp(range.from, ctx.sql)} AND ${timestamp(range.to, ctx.sql)})`
      : "TRUE";
  return judge(usage.table, ctx, {
    ctes,
    references: Number(seen.refs),
    all: Number(seen.orphans),
    where,
    column: "session_id",
    what: "session",
    name: usage.columnOf("session_id")?.name ?? null,
    shown: sampleColumns(usage),
  });
}

async function orphanKeys(one: References["declared"][number], ctx: Context): Promise<FindingDraft | null> {
  const text = (name: string, sql: SqlDialect) => `CAST(${sql.ident(name)} AS VARCHAR)`;
  const key = text(one.leftColumn, ctx.sql);
  const ctes = `orphans AS (SELECT ${key} AS key FROM ${one.left.relation} WHERE ${key} IS NOT NULL AND ${key} <> ''
      AND ${key} NOT IN (SELECT ${text(one.rightColumn, ctx.sql)} FROM ${one.right.relation} WHERE ${text(one.rightColumn, ctx.sql)} IS NOT NULL))`;
  const [seen = {}] = await ctx.query(
    `WITH ${ctes} SELECT (SELECT count(${ctx.sql.ident(one.leftColumn)}) FROM ${one.left.relation}) AS refs, (SELECT count(*) FROM orphans) AS orphans`,
  );
  if (Number(seen.orphans ?? 0) === 0) return null;
  return judge(one.left, ctx, {
    ctes,
    references: Number(seen.refs),
    all: Number(seen.orphans),
    where: "TRUE",
    column: "key",
    what: `row of ${one.right.name}`,
    name: one.leftColumn,
    shown: "key",
  });
}

interface Orphans {
  /** CTEs that end in `orphans`. */
  ctes: string;
  references: number;
  all: number;
  /** True in orphans that no window excuses. */
  where: string;
  column: string;
  what: string;
  name: string | null;
  shown: string;
}

async function judge(table: Table, ctx: Context, one: Orphans): Promise<FindingDraft | null> {
  if (one.references < ctx.options.min_rows || one.all > (1 - FOUND_MIN) * one.references) return null;
  const [seen = {}] = await ctx.query(
    `WITH ${one.ctes} SELECT count(*) AS n, count(DISTINCT ${one.column}) AS ids FROM orphans WHERE ${one.where}`,
  );
  const orphans = Number(seen.n ?? 0);
  if (orphans === 0 || orphans / one.references <= ctx.options.max_ratio) return null;
  const first = one.shown.split(",")[0] as string;
  const query = `WITH ${one.ctes} SELECT ${one.shown} FROM orphans WHERE ${one.where} ORDER BY ${first}`;
  const excused = one.all - orphans;
  return {
    title: `Rows refer to a ${one.what} that is not there`,
    message: `${number(orphans)} of ${plural(one.references, "row")} with a ${one.what} (${percent(orphans / one.references)}) refer to one that is not there: ${plural(Number(seen.ids), "id")} ${
      Number(seen.ids) === 1 ? "is" : "are"
    } missing.${excused > 0 ? ` ${plural(excused, "row")} more may refer to what lies outside the time covered.` : ""}`,
    measure: { name: "orphan_ratio", value: orphans / one.references },
    evidence: { orphans, references: one.references, missing_ids: seen.ids ?? null, excused },
    samples: await ctx.samples(query),
    sql: `${query} LIMIT 100`,
    location: { table: table.name, column: one.name },
    key: one.what,
  };
}
