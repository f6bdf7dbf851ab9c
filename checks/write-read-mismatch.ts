/** Finds entry points that read a table which the path that records the same thing does not write. */

import { conceptOf, mapping, sameColumns, subjectOf } from "../src/analysis/siblings.ts";
import type { CheckContext } from "../src/contract/check.ts";
import { defineCheck } from "../src/contract/check.ts";
import {
  type CodeAccess,
  type CodeEntry,
  codeAccess,
  codeTargets,
  databaseTables,
  entriesByFunction,
  listEntries,
} from "../src/contract/code.ts";
import type { FindingDraft } from "../src/contract/finding.ts";
import { plural } from "../src/contract/wording.ts";

interface Side {
  table: string;
  reads: CodeAccess[];
  /** What records: INSERT and upsert. */
  writes: CodeAccess[];
  columns: Set<string>;
  rows: number | null;
  /** Ids of the entries whose path records here. */
  recordedBy: Set<number>;
}

export default defineCheck({
  id: "write-read-mismatch",
  meta: {
    title: "A reader looks at a table that the recording path does not write",
    severity: "warning",
    what: "Takes two tables that record the same thing (a common subject in their names, the same measurements in their columns), finds the one that the recording path fills (most entry points reach its writer, or it holds most rows), and lists the readers of the other, with the pages and routes that show their result. A guard that writes one and checks the other is listed too.",
    why: "Each half works, and the screen is empty. Seen where proxied requests were recorded in `usageHistory` and the billing tab, its export and the admin view read `usage_records`.",
    fix: "Unify the reads on the table that is recorded, or write both in one transaction, or migrate the rows and drop one table.",
    silent: [
      "Tables with separate purposes: other subjects, or no common measurement.",
      "Both tables written on the same path, in one transaction or by functions that one entry reaches.",
      "A table filled from its sibling (a rollup, INSERT … SELECT).",
      "Readers that also read the recorded table, and an entry that writes and reads its own table.",
      "Two tables that are recorded by equally many entries and hold equally many rows: nothing tells which is meant.",
    ],
    needs: "source code",
  },
  options: {},
  targets: codeTargets,
  async run(target, ctx) {
    const accesses = await codeAccess(ctx);
    const entries = await entriesByFunction(ctx);
    const sides = await sidesOf(ctx, accesses, entries);
    const findings: FindingDraft[] = [];
    for (const [a, b] of siblings(sides)) {
      const pair = recorded(a, b);
      if (!pair) continue;
      const [main, other] = pair;
      const others = sides.filter((side) => side !== main && side !== other);
      const proven = main.rows !== null && other.rows !== null && other.rows < main.rows;
      for (const reader of mismatched(main, other, entries))
        findings.push(draft(target.input, main, other, others, reader, entries.get(reader.id) ?? [], proven));
      for (const guard of await guards(ctx, main, other, entries))
        findings.push(guardDraft(target.input, main, other, guard, proven));
    }
    return findings;
  },
});

/** The pairs of recorded tables with one subject, in the order of their names. */
function siblings(sides: readonly Side[]): [Side, Side][] {
  const bySubject = new Map<string, Side[]>();
  for (const side of sides) {
    const subject = side.writes.length > 0 ? subjectOf(side.table) : null;
    if (subject !== null) bySubject.set(subject, [...(bySubject.get(subject) ?? []), side]);
  }
  return [...bySubject.values()].flatMap((group) =>
    group.flatMap((a, i) => group.slice(i + 1).map((b): [Side, Side] => [a, b])),
  );
}

/** Every table that code both records in or reads, with all columns that are known of it. */
async function sidesOf(
  ctx: CheckContext,
  accesses: readonly CodeAccess[],
  entries: ReadonlyMap<number, CodeEntry[]>,
): Promise<Side[]> {
  const database = databaseTables(ctx.evidence);
  const sides = new Map<string, Side>();
  const side = (name: string): Side => {
    const key = name.toLowerCase();
    const known = sides.get(key);
    if (known) return known;
    const table = database.get(key);
    const made: Side = {
      table: name,
      reads: [],
      writes: [],
      columns: new Set(table?.columns.map((column) => column.name) ?? []),
      rows: table?.rows ?? null,
      recordedBy: new Set(),
    };
    sides.set(key, made);
    return made;
  };
  for (const access of accesses) {
    const one = side(access.table);
    if (access.mode === "read") one.reads.push(access);
    else if (access.operation === "insert" || access.operation === "upsert") {
      one.writes.push(access);
      for (const entry of entries.get(access.id) ?? []) one.recordedBy.add(entry.id);
    }
    for (const column of access.columns) if (column !== "*") one.columns.add(column);
  }
  for (const row of await ctx.query(
    "SELECT name, columns FROM trueup.code_tables ORDER BY name, file, line",
  )) {
    const known = sides.get(String(row.name).toLowerCase());
    if (known && Array.isArray(row.columns))
      for (const column of row.columns) known.columns.add(String(column));
  }
  return [...sides.values()].sort((a, b) => (a.table < b.table ? -1 : 1));
}

/** The recorded table first, when the two record the same thing and it can be told which one is meant. */
function recorded(a: Side, b: Side): [Side, Side] | null {
  if (!sameColumns(a.columns, b.columns)) return null;
  // One function that writes both, or fills one from the other.
  if (
    a.writes.some(
      (one) => b.writes.some((two) => one.id === two.id) || b.reads.some((two) => one.id === two.id),
    )
  )
    return null;
  if (b.writes.some((one) => a.reads.some((two) => one.id === two.id))) return null;
  const byRows = a.rows !== null && b.rows !== null && a.rows !== b.rows ? a.rows - b.rows : 0;
  const difference = byRows !== 0 ? byRows : a.recordedBy.size - b.recordedBy.size;
  if (difference === 0) return null;
  const [main, other] = difference > 0 ? [a, b] : [b, a];
  // Wherever the one is recorded the other is too.
  if (main.recordedBy.size > 0 && [...main.recordedBy].every((entry) => other.recordedBy.has(entry)))
    return null;
  return [main, other];
}

/** One access per function that reads the other table and is reached. */
function mismatched(main: Side, other: Side, entries: ReadonlyMap<number, CodeEntry[]>): CodeAccess[] {
  const readsMain = new Set(main.reads.map((access) => access.id));
  const seen = new Set<number>();
  return other.reads.filter((access) => {
    if (seen.has(access.id) || readsMain.has(access.id)) return false;
    seen.add(access.id);
    const reached = entries.get(access.id) ?? [];
    return reached.some((entry) => !other.recordedBy.has(entry.id));
  });
}

interface Guard {
  entry: CodeEntry;
  function: string;
  file: string;
  line: number;
  checks: string[];
}

/** Entries that record in the other table only and decide by the main one, at the function where both paths part. */
async function guards(
  ctx: CheckContext,
  main: Side,
  other: Side,
  entries: ReadonlyMap<number, CodeEntry[]>,
): Promise<Guard[]> {
  const found = new Map<string, Guard>();
  for (const write of other.writes)
    for (const entry of entries.get(write.id) ?? []) {
      if (main.recordedBy.has(entry.id)) continue;
      const checks = main.reads.filter((read) =>
        (entries.get(read.id) ?? []).some((one) => one.id === entry.id),
      );
      const first = checks[0];
      if (!first) continue;
      const at = await partingOf(ctx, entry.id, write.id, first.id);
      if (at)
        found.set(`${at.file} ${at.function}`, {
          ...at,
          entry,
          checks: [...new Set(checks.map((read) => read.function))],
        });
    }
  return [...found.values()];
}

/** The last function that the paths from an entry to two functions have in common. */
async function partingOf(
  ctx: CheckContext,
  entry: number,
  a: number,
  b: number,
): Promise<{ function: string; file: string; line: number } | null> {
  const rows = await ctx.query(
    `WITH RECURSIVE start AS (SELECT function_id AS id FROM trueup.code_entries WHERE id = ${entry}),
     up(leaf, here, height) AS (
       SELECT v.id, v.id, 0 FROM (VALUES (${a}), (${b})) v(id)
       UNION ALL
       SELECT u.leaf, r.before_id, u.height + 1 FROM up u
       JOIN trueup.code_reach r ON r.function_id = u.here AND r.start_id = (SELECT id FROM start)
       WHERE r.before_id IS NOT NULL AND u.height < 60
     )
     SELECT f."function", f.file, f.line, max(u.height) AS height FROM up u JOIN trueup.code_functions f ON f.id = u.here
     GROUP BY f.id, f."function", f.file, f.line HAVING count(DISTINCT u.leaf) = 2 ORDER BY height, f.id LIMIT 1`,
  );
  const row = rows[0];
  return row ? { function: String(row.function), file: String(row.file), line: Number(row.line) } : null;
}

function counted(side: Side): string {
  return side.rows === null ? "" : ` (${plural(side.rows, "row")})`;
}

function writersOf(side: Side): string {
  return [...new Set(side.writes.map((access) => `${access.function} (${access.file}:${access.line})`))]
    .slice(0, 3)
    .join(", ");
}

function draft(
  input: string,
  main: Side,
  other: Side,
  others: readonly Side[],
  reader: CodeAccess,
  reached: readonly CodeEntry[],
  proven: boolean,
): FindingDraft {
  return {
    title: "A reader looks at a table that the recording path does not write",
    message: `${reader.function} reads \`${other.table}\`${counted(other)}, but ${plural(main.recordedBy.size, "entry records", "entries record")} in \`${main.table}\`${counted(main)} by ${writersOf(main)}; \`${other.table}\` is written only by ${writersOf(other)}. Affected: ${listEntries(reached, 6)}.`,
    severity: proven ? "error" : "warning",
    measure: { name: "entries", value: reached.length },
    evidence: {
      reads: other.table,
      recorded: main.table,
      rows_read: other.rows,
      rows_recorded: main.rows,
      entries: reached.map((entry) => `${entry.kind} ${entry.name}`),
      writers: [...new Set(main.writes.map((access) => access.function))],
      other_writers: [...new Set(other.writes.map((access) => access.function))],
    },
    sql: flowSql(main, other),
    key: `${reader.file} ${reader.function} ${other.table}`,
    fix: remedy(main, other, others),
    location: { input, table: other.table, file: reader.file, line: reader.line },
  };
}

function guardDraft(input: string, main: Side, other: Side, guard: Guard, proven: boolean): FindingDraft {
  return {
    title: "A guard writes one table and checks another",
    message: `${guard.function} records in \`${other.table}\`${counted(other)} and decides by \`${main.table}\`${counted(main)} (${guard.checks.join(", ")}): what only passes ${guard.entry.kind} ${guard.entry.name} is never counted.`,
    severity: proven ? "error" : "warning",
    measure: { name: "checks", value: guard.checks.length },
    evidence: {
      writes: other.table,
      checks: main.table,
      rows_written: other.rows,
      rows_checked: main.rows,
      functions: guard.checks,
      entries: [`${guard.entry.kind} ${guard.entry.name}`],
    },
    sql: flowSql(main, other),
    key: `guard ${guard.file} ${guard.function}`,
    fix: `Check and record in one table: read \`${other.table}\` in ${guard.checks.join(", ")}, or record in \`${main.table}\`.`,
    location: { input, table: main.table, file: guard.file, line: guard.line },
  };
}

function flowSql(main: Side, other: Side): string {
  const names = [main.table, other.table].map((name) => `'${name.replaceAll("'", "''")}'`).join(", ");
  return `SELECT table_name, mode, "function", file, line, operation FROM trueup.code_access WHERE table_name IN (${names}) ORDER BY table_name, mode, file, line`;
}

/** The options, with the functions to change, the columns by meaning, and where a missing column can come from. */
function remedy(main: Side, other: Side, others: readonly Side[]): string {
  const needed = new Set(other.reads.flatMap((access) => access.columns).filter((column) => column !== "*"));
  const { pairs, missing } = mapping(needed.size > 0 ? needed : other.columns, main.columns);
  const renamed = pairs.filter(([from, to]) => from !== to).map(([from, to]) => `${from} → ${to}`);
  const readers = [...new Set(other.reads.map((access) => access.function))].join(", ");
  const writers = [...new Set(main.writes.map((access) => access.function))].join(", ");
  const supply = missing.flatMap((column) => supplied(column, main, others));
  return [
    `Unify the reads: let ${readers} read \`${main.table}\`${renamed.length > 0 ? ` (${renamed.join(", ")})` : ""}${missing.length > 0 ? `; it has no ${missing.join(", ")}` : ""}${supply.length > 0 ? `: ${supply.join("; ")}` : ""}.`,
    `Or write both: let ${writers} also insert into \`${other.table}\` in the same transaction.`,
    `Or migrate: copy the rows of \`${main.table}\` into \`${other.table}\`, move its writers and readers, and drop it.`,
  ].join(" ");
}

/** A third table that has the missing column and a key that the recorded table has too. */
function supplied(column: string, main: Side, others: readonly Side[]): string[] {
  const wanted = conceptOf(column);
  for (const side of others) {
    const columns = [...side.columns];
    const source = columns.find((one) => conceptOf(one) === wanted);
    const key = columns.find(
      (one) =>
        ["api_key", "session"].includes(conceptOf(one)) &&
        [...main.columns].some((own) => conceptOf(own) === conceptOf(one)),
    );
    const own = key ? [...main.columns].find((one) => conceptOf(one) === conceptOf(key)) : undefined;
    if (source && key && own)
      return [
        `${column} comes from \`${side.table}\`, joined on ${side.table}.${key} = ${main.table}.${own}`,
      ];
  }
  return [];
}
