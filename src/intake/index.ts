/** Resolves what the user named, sniffs each input and hands it to the loader of its kind. */

import type { InputKind } from "../contract/evidence.ts";
import type { Loader } from "./context.ts";

/** A kind's loader, imported only when an input of that kind is there. */
export const LOADERS: Partial<Record<InputKind, () => Promise<Loader>>> = {
  log: async () => (await import("./log/load.ts")).loadLog,
  code: async () => (await import("./code.ts")).loadCode,
  csv: async () => (await import("./csv.ts")).loadCsv,
  duckdb: async () => (await import("./duckdb.ts")).loadDuckdb,
  git: async () => (await import("./git.ts")).loadGit,
  json: async () => (await import("./json/load.ts")).loadJson,
  parquet: async () => (await import("./parquet.ts")).loadParquet,
  postgres: async () => (await import("./postgres/live.ts")).loadPostgres,
  "postgres-archive": async () => (await import("./postgres/load-dump.ts")).loadArchive,
  "sql-dump": async () => (await import("./sql-dump.ts")).loadSqlDump,
  sqlite: async () => (await import("./sqlite/load.ts")).loadSqlite,
};

export type { CodeSummary, IntakeContext, Loader, Reject, Source } from "./context.ts";
export { resolveInputs } from "./resolve.ts";
