/** The flow as a report carries it: which code reaches which table, bounded, with each finding at its arrow. */

import type { Finding, Row } from "../contract/finding.ts";
import type { FlowAccess, FlowWay, ReportFlow, ReportFlowTable } from "../contract/flow.ts";
import type { Store } from "../store/index.ts";
import { type Access, type FlowFacts, readFlowFacts, rowsOf, stepsTo } from "./flow.ts";

/** More tables, accesses of a table and ways to an access than that are counted only. */
const TABLES_MAX = 200;
const ACCESSES_MAX = 60;
const WAYS_MAX = 20;

/** Reads the facts of schema `trueup`; of what is cut, that with findings comes last. */
export async function buildReportFlow(store: Store, findings: readonly Finding[]): Promise<ReportFlow> {
  const facts = await readFlowFacts(store);
  const declared = await store.all("SELECT DISTINCT name FROM trueup.code_tables ORDER BY ALL");
  const rows = await rowsOf(store);
  const lines = await linesOf(store);
  const waysTo = waysIn(facts);
  const cut = { tables: 0, accesses: 0, ways: 0 };
  const names = new Set([
    ...facts.accesses.map((access) => access.table),
    ...declared.map((row) => String(row.name)),
  ]);
  const tables = [...names].sort().map((table): ReportFlowTable => {
    const about = findings.filter((finding) => bare(finding.location.table) === bare(table));
    const accesses = facts.accesses.filter((access) => access.table === table);
    const blamed = blame(about, accesses, facts, lines, waysTo);
    const drawn = accesses.map((access): FlowAccess => {
      const { function: name, file, line } = facts.functions.get(access.id)!;
      return {
        mode: access.mode === "write" ? "write" : "read",
        function: String(name),
        file: String(file),
        line: Number(line),
        ways: waysTo(access.id).map(({ way }) => way),
        findings: blamed.get(access) ?? [],
      };
    });
    const told = new Set(drawn.flatMap((access) => access.findings));
    return {
      table,
      rows: rows.get(table.toLowerCase()) ?? null,
      accesses: drawn,
      findings: about.map((finding) => finding.fingerprint).filter((fingerprint) => !told.has(fingerprint)),
    };
  });
  const kept = bounded(tables, TABLES_MAX, troubles);
  cut.tables = tables.length - kept.length;
  for (const table of kept) {
    const accesses = bounded(table.accesses, ACCESSES_MAX, (access) => access.findings.length);
    cut.accesses += table.accesses.length - accesses.length;
    table.accesses = accesses;
    for (const access of accesses) {
      cut.ways += Math.max(0, access.ways.length - WAYS_MAX);
      access.ways.splice(WAYS_MAX);
    }
  }
  return { tables: kept, cut };
}

/** Findings at a table and at its arrows. */
const troubles = ({ findings, accesses }: ReportFlowTable) =>
  findings.length + accesses.reduce((sum, access) => sum + access.findings.length, 0);

/** The first `max`, those with the most weight before the others, in their own order. */
function bounded<T>(list: readonly T[], max: number, weight: (item: T) => number): T[] {
  if (list.length <= max) return [...list];
  const kept = new Set([...list].sort((a, b) => weight(b) - weight(a)).slice(0, max));
  return list.filter((item) => kept.has(item));
}

/** `router.usage_records` and `usage_records` are one table to a reader. */
const bare = (table: string | null) => table?.split(".").at(-1)?.toLowerCase() ?? null;

interface Way {
  way: FlowWay;
  /** The functions from the entry's own to the accessing one. */
  functions: number[];
}

/** The ways to a function, one per entry that reaches it. */
function waysIn({ functions, entries, reach }: FlowFacts): (id: number) => Way[] {
  const reachOf = (entry: Row) => reach.get(Number(entry.function_id));
  const routes = entries.filter((entry) => entry.kind === "route");
  // A route that reaches another is an entry of its own: only pages and the like are told by the routes they call.
  const called = new Map(
    entries.map((entry) => [
      entry,
      entry.kind === "route" ? [] : routes.filter((route) => reachOf(entry)?.has(Number(route.function_id))),
    ]),
  );
  const known = new Map<number, Way[]>();
  return (id) => {
    const before = known.get(id);
    if (before) return before;
    const ways = entries.flatMap((entry): Way[] => {
      const steps = reachOf(entry);
      if (!steps?.has(id)) return [];
      const { kind, name, file, line } = entry;
      const through = called.get(entry)!.filter((route) => reachOf(route)?.has(id));
      return [
        {
          way: {
            kind: String(kind),
            name: String(name),
            file: String(file),
            line: Number(line),
            routes: [...new Set(through.map((route) => String(route.name)))],
          },
          functions: [Number(entry.function_id), ...stepsTo(steps, id)].filter((step) => functions.has(step)),
        },
      ];
    });
    known.set(id, ways);
    return ways;
  };
}

/** `mode id table` → `file:line` of every access, where it runs and where its SQL stands. */
async function linesOf(store: Store): Promise<Map<string, Set<string>>> {
  const rows = await store.all(
    `SELECT table_name AS "table", mode, function_id AS id, file, line, sql_file, sql_line FROM trueup.code_access
     WHERE table_name IS NOT NULL AND NOT is_test ORDER BY ALL`,
  );
  const lines = new Map<string, Set<string>>();
  for (const row of rows) {
    const key = `${row.mode} ${row.id} ${row.table}`;
    const places = [`${row.file}:${row.line}`, `${row.sql_file}:${row.sql_line}`];
    lines.set(key, new Set([...(lines.get(key) ?? []), ...places]));
  }
  return lines;
}

/**
 * The accesses of one table that a finding is about: those on its very line, else those in the function around it, else
 * those that are reached through that function. A finding at a declaration is about none.
 */
function blame(
  findings: readonly Finding[],
  accesses: readonly Access[],
  facts: FlowFacts,
  lines: ReadonlyMap<string, ReadonlySet<string>>,
  waysTo: (id: number) => Way[],
): Map<Access, string[]> {
  const blamed = new Map<Access, string[]>();
  for (const { location, fingerprint } of findings) {
    const { file, line } = location;
    if (file === null || line === null) continue;
    const around = (id: number) => {
      const one = facts.functions.get(id)!;
      return one.file === file && Number(one.line) <= line && line <= Number(one.end_line);
    };
    const rules: ((access: Access) => boolean)[] = [
      ({ mode, id, table }) => lines.get(`${mode} ${id} ${table}`)?.has(`${file}:${line}`) ?? false,
      ({ id }) => around(id),
      ({ id }) => waysTo(id).some((way) => way.functions.some(around)),
    ];
    for (const rule of rules) {
      const found = accesses.filter(rule);
      for (const access of found) blamed.set(access, [...(blamed.get(access) ?? []), fingerprint]);
      if (found.length > 0) break;
    }
  }
  return blamed;
}
