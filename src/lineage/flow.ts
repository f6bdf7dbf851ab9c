/** `trueup flow`: which code writes and reads which table, from entry to table, by recursive queries over facts. */

import type { Row } from "../contract/finding.ts";
import type { Flow, FlowAccessor, FlowEntry, FlowPath, FlowSite, FlowTable } from "../contract/flow.ts";
import type { Store } from "../store/index.ts";

export interface Access {
  table: string;
  mode: string;
  id: number;
  certainty: string;
}

/** What pictures of the flow are made from. Test code counts for nothing. */
export interface FlowFacts {
  /** By id; those that an access or an entry's path is in. */
  functions: Functions;
  entries: readonly Row[];
  accesses: readonly Access[];
  reach: Reach;
}

/** Reads the facts of schema `trueup`. */
export async function readFlowFacts(store: Store): Promise<FlowFacts> {
  const functions = new Map(
    (
      await store.all(
        `SELECT id, "function", file, line, end_line FROM trueup.code_functions
         WHERE id IN (SELECT function_id FROM trueup.code_access UNION SELECT function_id FROM trueup.code_reach)
         ORDER BY id`,
      )
    ).map((row) => [Number(row.id), row]),
  );
  const entries = await store.all(
    "SELECT * FROM trueup.code_entries ORDER BY file, line, name, function_id, id",
  );
  const accesses = (
    await store.all(
      `SELECT table_name AS "table", mode, function_id AS id, min(certainty) AS certainty FROM trueup.code_access
       WHERE table_name IS NOT NULL AND NOT is_test GROUP BY ALL ORDER BY ALL`,
    )
  ).map(
    (row): Access => ({
      table: String(row.table),
      mode: String(row.mode),
      id: Number(row.id),
      certainty: String(row.certainty),
    }),
  );
  return { functions, entries, accesses, reach: await reached(store) };
}

/** Lays the facts out by table and by entry. */
export async function buildFlow(store: Store): Promise<Omit<Flow, "findings">> {
  const { functions, entries, accesses, reach } = await readFlowFacts(store);
  return {
    schemaVersion: 1,
    tables: await tablesOf(store, functions, entries, accesses, reach),
    entries: entriesOf(functions, entries, accesses, reach),
  };
}

/** Entry's function → each function it reaches → the function before that one on a shortest path. */
export type Reach = Map<number, Map<number, number | null>>;

async function reached(store: Store): Promise<Reach> {
  const rows = await store.all(
    "SELECT start_id, function_id, before_id FROM trueup.code_reach ORDER BY start_id, depth, function_id",
  );
  const reach: Reach = new Map();
  for (const row of rows) {
    const start = Number(row.start_id);
    let known = reach.get(start);
    if (!known) {
      known = new Map();
      reach.set(start, known);
    }
    known.set(Number(row.function_id), row.before_id === null ? null : Number(row.before_id));
  }
  return reach;
}

export type Functions = ReadonlyMap<number, Row>;

async function tablesOf(
  store: Store,
  functions: Functions,
  entries: readonly Row[],
  accesses: readonly Access[],
  reach: Reach,
): Promise<FlowTable[]> {
  const declared = await store.all(
    'SELECT DISTINCT name AS "table", file, line, declared_as, how FROM trueup.code_tables ORDER BY ALL',
  );
  const rows = await rowsOf(store);
  const callers = await callersOf(store);
  const reaching = entriesByFunction(entries, reach);
  const byTable = grouped(accesses, ({ table, mode }) => `${mode} ${table}`);
  const accessors = (table: string, mode: string) =>
    (byTable.get(`${mode} ${table}`) ?? []).map(({ id }) => accessor(functions, reaching, callers, id));
  const names = new Set([
    ...accesses.map((access) => access.table),
    ...declared.map((row) => String(row.table)),
  ]);
  return [...names].sort().map((table) => ({
    table,
    rows: rows.get(table.toLowerCase()) ?? null,
    declared: declared
      .filter((row) => row.table === table)
      .map((row) => ({
        file: String(row.file),
        line: Number(row.line),
        name: String(row.declared_as),
        how: String(row.how),
      })),
    writers: accessors(table, "write"),
    readers: accessors(table, "read"),
  }));
}

/** Rows of the loaded tables by bare name, lower case. */
export async function rowsOf(store: Store): Promise<Map<string, number>> {
  const rows = await store.all("SELECT name, rows FROM trueup.tables ORDER BY name");
  const counts = new Map<string, number>();
  for (const row of rows) {
    const name = String(row.name).split(".").at(-1)?.toLowerCase() as string;
    if (row.rows !== null) counts.set(name, (counts.get(name) ?? 0) + Number(row.rows));
  }
  return counts;
}

/** Accessing function → where it is called. */
async function callersOf(store: Store): Promise<Map<number, FlowSite[]>> {
  const rows = await store.all(
    `SELECT c.callee_id, f.function, c.file, min(c.line) AS line FROM trueup.code_calls c
     JOIN trueup.code_functions f ON f.id = c.caller_id
     WHERE c.callee_id IN (SELECT function_id FROM trueup.code_access) AND NOT f.is_test AND c.caller_id <> c.callee_id GROUP BY ALL ORDER BY ALL`,
  );
  const callers = new Map<number, FlowSite[]>();
  for (const row of rows) {
    const site = { function: String(row.function), file: String(row.file), line: Number(row.line) };
    const known = callers.get(Number(row.callee_id));
    if (known) known.push(site);
    else callers.set(Number(row.callee_id), [site]);
  }
  return callers;
}

/** Function → the entries that reach it, in their order. */
function entriesByFunction(entries: readonly Row[], reach: Reach): Map<number, Row[]> {
  const found = new Map<number, Row[]>();
  for (const entry of entries)
    for (const id of reach.get(Number(entry.function_id))?.keys() ?? []) {
      const known = found.get(id);
      if (known) known.push(entry);
      else found.set(id, [entry]);
    }
  return found;
}

function accessor(
  functions: Functions,
  reaching: ReadonlyMap<number, readonly Row[]>,
  callers: ReadonlyMap<number, FlowSite[]>,
  id: number,
): FlowAccessor {
  const fn = functions.get(id) as Row;
  return {
    function: String(fn.function),
    file: String(fn.file),
    line: Number(fn.line),
    end_line: Number(fn.end_line),
    callers: callers.get(id) ?? [],
    entries: (reaching.get(id) ?? []).map(({ kind, name, file, line }) => ({
      kind: String(kind),
      name: String(name),
      file: String(file),
      line: Number(line),
    })),
  };
}

function entriesOf(
  functions: Functions,
  entries: readonly Row[],
  accesses: readonly Access[],
  reach: Reach,
): FlowEntry[] {
  const entryNames = new Map(
    entries
      .filter((entry) => entry.kind === "route")
      .map((entry) => [Number(entry.function_id), String(entry.name)]),
  );
  const order = new Map(accesses.map((access, index) => [access, index]));
  const byFunction = grouped(accesses, ({ id }) => id);
  return entries.map((entry) => {
    const steps: ReadonlyMap<number, number | null> = reach.get(Number(entry.function_id)) ?? new Map();
    const reached = [...steps.keys()]
      .flatMap((id) => byFunction.get(id) ?? [])
      .sort((a, b) => (order.get(a) as number) - (order.get(b) as number));
    const paths = (mode: string): FlowPath[] =>
      reached
        .filter((access) => access.mode === mode)
        .map((access) => ({
          table: access.table,
          path: pathOf(functions, entryNames, entry, steps, access.id),
          certainty: access.certainty,
        }));
    return {
      kind: String(entry.kind),
      name: String(entry.name),
      file: String(entry.file),
      line: Number(entry.line),
      reads: paths("read"),
      writes: paths("write"),
    };
  });
}

function grouped<K>(accesses: readonly Access[], keyOf: (access: Access) => K): Map<K, Access[]> {
  const groups = new Map<K, Access[]>();
  for (const access of accesses) {
    const known = groups.get(keyOf(access));
    if (known) known.push(access);
    else groups.set(keyOf(access), [access]);
  }
  return groups;
}

/** The functions after an entry's own on the way to one that it reaches, that one last. */
export function stepsTo(steps: ReadonlyMap<number, number | null>, to: number): number[] {
  const path: number[] = [];
  for (let here = to; ; ) {
    const before = steps.get(here) ?? null;
    if (before === null) return path;
    path.unshift(here);
    here = before;
  }
}

/** The steps from an entry to a function: `page /usage`, `UsageTable`, `GET /api/usage`, `getUsage`. */
function pathOf(
  functions: Functions,
  entryNames: ReadonlyMap<number, string>,
  entry: Row,
  steps: ReadonlyMap<number, number | null>,
  to: number,
): string[] {
  const path = stepsTo(steps, to).map((id) => entryNames.get(id) ?? String(functions.get(id)?.function));
  const first = entry.kind === "route" ? String(entry.name) : `${entry.kind} ${entry.name}`;
  // The function behind the entry, unless its name says nothing that the entry does not.
  const own = String(functions.get(Number(entry.function_id))?.function);
  const plain = own === entry.name || /^(default|<module>|GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)$/.test(own);
  return plain ? [first, ...path] : [first, own, ...path];
}
