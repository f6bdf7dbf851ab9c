/** Tiny tables as data → what a check says about them, through the real store, catalogue and engine. */

import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { buildCatalog } from "../../src/catalog/catalog.ts";
import type { AnyCheck, OptionValue } from "../../src/contract/check.ts";
import type { Evidence } from "../../src/contract/evidence.ts";
import type { NamedDraft, Outcome, Value } from "../../src/contract/finding.ts";
import type { LoadedColumn, LoadedInput, LoadedTable } from "../../src/contract/loaded.ts";
import type { Settings } from "../../src/contract/settings.ts";
import { runChecks } from "../../src/engine/run.ts";
import { ident, literal, qualified, Store } from "../../src/store/index.ts";

/** Rows of one table. DuckDB types are inferred from the values unless `types` names them. */
export interface TableData {
  rows: Record<string, string | number | boolean | null>[];
  types?: Record<string, string>;
  primaryKey?: string[];
  /** Counts per storage class and column, as a SQLite loader reports them. */
  storage?: Record<string, Record<string, number>>;
}

export interface AuditOptions {
  options?: Record<string, OptionValue>;
  settings?: Partial<Settings>;
  /** Runs after the tables exist and before the catalogue: facts, logs … */
  prepare?: (store: Store, loaded: LoadedInput[]) => Promise<void>;
  /** What the check is to see in place of what the catalogue found: links of a case, for example. */
  adjust?: (evidence: Evidence) => Evidence;
}

export interface AuditResult {
  findings: NamedDraft[];
  outcomes: Outcome[];
  evidence: Evidence;
}

/** Settings with every default, for tests. */
export function testSettings(overrides: Partial<Settings> = {}): Settings {
  return {
    cwd: process.cwd(),
    inputs: [],
    now: "2026-01-01T00:00:00Z",
    nowGiven: false,
    timezone: "UTC",
    since: null,
    until: null,
    select: [],
    ignore: [],
    checks: {},
    ownChecks: [],
    roles: {},
    extract: [],
    samples: true,
    memoryLimit: 512 * 1024 * 1024,
    threads: 2,
    tempDir: tmpdir(),
    dbFile: null,
    maxRejected: 0.01,
    named: "",
    ...overrides,
  };
}

/** The built-in check of that id. */
export async function checkById(id: string): Promise<AnyCheck> {
  const folder = join(import.meta.dirname, "../../checks");
  if (!readdirSync(folder).includes(`${id}.ts`)) throw new Error(`no check ${id}`);
  return ((await import(pathToFileURL(join(folder, `${id}.ts`)).href)) as { default: AnyCheck }).default;
}

/** Runs one check, or several, on tables named `schema.table`. Fails if a finding's query does not run. */
export async function auditTables(
  checkId: string | readonly string[],
  tables: Record<string, TableData>,
  options: AuditOptions = {},
): Promise<AuditResult> {
  const ids = typeof checkId === "string" ? [checkId] : checkId;
  const settings = testSettings({
    checks: Object.fromEntries(ids.map((id) => [id, { options: options.options ?? {} }])),
    ...options.settings,
  });
  const checks = await Promise.all(ids.map(checkById));
  const store = await Store.open({
    memoryLimit: settings.memoryLimit,
    threads: 2,
    tempDir: settings.tempDir,
    file: null,
  });
  try {
    const loaded = await loadTables(store, tables);
    await options.prepare?.(store, loaded);
    const found = await buildCatalog(store, loaded, settings);
    const evidence = options.adjust?.(found) ?? found;
    await store.lockDown();
    const hooks = { progress: () => {}, signal: new AbortController().signal };
    const { drafts, outcomes } = await runChecks(store, evidence, checks, settings, hooks);
    const broken = outcomes.find((outcome) => outcome.status === "failed");
    if (broken) throw new Error(`${broken.check} failed on ${broken.target}: ${broken.reason}`);
    for (const draft of drafts) {
      await store.assertSelect(draft.sql);
      const shown = await store.all(draft.sql);
      if (shown.length === 0 && draft.samples?.length)
        throw new Error(`${draft.check}: its query shows nothing: ${draft.sql}`);
    }
    return { findings: drafts, outcomes, evidence };
  } finally {
    store.close();
  }
}

/** Creates the tables in the store as a loader would and describes them. */
export async function loadTables(store: Store, tables: Record<string, TableData>): Promise<LoadedInput[]> {
  const bySchema = new Map<string, LoadedInput>();
  for (const [full, data] of Object.entries(tables)) {
    const [schema = "db", name = full] = full.includes(".") ? full.split(/\.(.*)/s) : ["db", full];
    let loaded = bySchema.get(schema);
    if (!loaded) {
      await store.run(`CREATE SCHEMA ${ident(schema)}`);
      loaded = {
        input: {
          name: schema,
          kind: "sqlite",
          path: `${schema}.db`,
          bytes: 0,
          rows: 0,
          rejected: 0,
          tables: [],
          notes: [],
        },
        tables: [],
        log: null,
      };
      bySchema.set(schema, loaded);
    }
    loaded.tables.push(await createTable(store, schema, name, data));
    loaded.input.tables.push(`${schema}.${name}`);
    loaded.input.rows += data.rows.length;
  }
  return [...bySchema.values()];
}

async function createTable(
  store: Store,
  schema: string,
  name: string,
  data: TableData,
): Promise<LoadedTable> {
  const names = [
    ...new Set([...Object.keys(data.types ?? {}), ...data.rows.flatMap((row) => Object.keys(row))]),
  ];
  const columns = names.map((column): LoadedColumn => {
    const values: Value[] = data.rows.map((row) => row[column] ?? null);
    return {
      name: column,
      declared: "",
      primaryKey: data.primaryKey?.includes(column) ?? false,
      references: null,
      sample: values.slice(0, 200),
      type: data.types?.[column] ?? typeOf(values),
      loaded: true,
      storage: data.storage?.[column] ?? null,
    };
  });
  const relation = qualified(schema, name);
  await store.run(
    `CREATE TABLE ${relation} (${columns.map((c) => `${ident(c.name)} ${c.type}`).join(", ")})`,
  );
  for (let start = 0; start < data.rows.length; start += 500) {
    const tuples = data.rows
      .slice(start, start + 500)
      .map((row) => `(${names.map((n) => literal(row[n] ?? null)).join(", ")})`);
    await store.run(`INSERT INTO ${relation} VALUES ${tuples.join(",\n")}`);
  }
  return {
    schema,
    name,
    input: schema,
    form: "table",
    rows: data.rows.length,
    columns,
    known: {},
    format: null,
    timezone: "UTC",
    view: false,
  };
}

function typeOf(values: readonly Value[]): string {
  const kinds = new Set(values.filter((v) => v !== null).map((v) => typeof v));
  if (kinds.size !== 1) return "VARCHAR";
  if (kinds.has("boolean")) return "BOOLEAN";
  if (kinds.has("number"))
    return values.every((v) => v === null || Number.isInteger(v)) ? "BIGINT" : "DOUBLE";
  return "VARCHAR";
}
