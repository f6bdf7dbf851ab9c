/** The store: the one door to DuckDB. */

export { duckdbDialect } from "./dialect.ts";
export { FACT_SCHEMA, FACT_TABLES, type FactTable } from "./facts.ts";
export { ident, literal, qualified, timestamp } from "./quote.ts";
export { type Parameter, removeTempDirs, Store, type StoreOptions } from "./store.ts";
