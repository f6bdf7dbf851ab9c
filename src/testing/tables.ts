/** Makes the tables of a test in the store, as a loader would. */

import type { Value } from "../contract/finding.ts";
import type { LoadedColumn, LoadedInput, LoadedTable } from "../contract/loaded.ts";
import { ident, literal, qualified, type Store } from "../store/index.ts";

/** Rows of one table. DuckDB types are inferred from the values unless `types` names them. */
export interface TableData {
  rows: Record<string, string | number | boolean | null>[];
  types?: Record<string, string>;
  primaryKey?: string[];
  /** Counts per storage class and column, as a SQLite loader reports them. */
  storage?: Record<string, Record<string, number>>;
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
