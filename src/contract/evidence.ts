/** What checks see of the loaded evidence: inputs, tables, usage relations, time series and links. */

import type { Role } from "./roles.ts";

export const INPUT_KINDS = [
  "log",
  "sqlite",
  "sql-dump",
  "postgres-archive",
  "postgres",
  "duckdb",
  "parquet",
  "csv",
  "json",
  "code",
  "git",
] as const;

export type InputKind = (typeof INPUT_KINDS)[number];

/** ISO 8601 in UTC, for example `2025-11-23T16:30:35Z`. */
export type Instant = string;

/** Names of schemas that are not an input's. */
export const RESERVED_NAMES: ReadonlySet<string> = new Set([
  "main",
  "trueup",
  "temp",
  "system",
  "pg_catalog",
  "information_schema",
]);

export interface TimeRange {
  from: Instant;
  to: Instant;
}

/** What the user named, after it was read. */
export interface Input {
  /** Unique; also the DuckDB schema of its tables. */
  name: string;
  kind: InputKind;
  /** As shown to people: relative, with `/`. */
  path: string;
  /** Of several files read as one: a pattern that leads to them, or the folder that holds them. */
  pattern?: string;
  /**
   * Of source code, when several trees are read: where it stands below the folder that holds them all. Facts and
   * findings tell the files of all trees from that folder, so that no two have one name.
   */
  root?: string;
  bytes: number;
  /** Rows (or lines) loaded. */
  rows: number;
  /** Rows that could not be read; each stands in `trueup.rejects` (bounded) and is counted here. */
  rejected: number;
  /** `schema.table` of every table it gave. */
  tables: string[];
  /** What a user should know about how it was read, one sentence each. */
  notes: string[];
  /** Set when the input (or a part of it) could not be evaluated: one line. Makes the exit code 2. */
  error?: string;
}

export interface Column {
  /** The column, or the path inside a JSON column: `data.tokens.input`. */
  name: string;
  /** DuckDB's type. */
  type: string;
  role: Role | null;
  /** The SQL that yields the role's value from a row of the table. */
  expression: string | null;
  /** 0 to 1; null without a role. */
  confidence: number | null;
  /** Why this role, or why none, or why the column was not loaded. */
  reason: string | null;
  /** Key of the table, as the source declares it. */
  primaryKey: boolean;
  /** False when the column was not needed and so was left in the source. */
  loaded: boolean;
  /** The type as the source declares it, `""` when it declares none. */
  declared: string;
  /** How many values of each storage class (`integer`, `text` …), where the source types values and not columns. */
  storage: Record<string, number> | null;
}

export interface Table {
  /** `schema.table`, unquoted, as shown to people. */
  name: string;
  input: string;
  /** The same name, quoted for SQL. */
  relation: string;
  /** `lines` of a log, `events` an extractor found in a log, `table` of a store. */
  form: "table" | "events" | "lines";
  rows: number;
  timeRange: TimeRange | null;
  columns: Column[];
}

/** One value of a status (or kind) column and how it was classified. */
export interface ValueClass {
  value: string | null;
  rows: number;
  withTokens: number;
  /** For a status: a success. For a kind: a call. */
  counts: boolean;
  why: string;
}

/** A column of few values that can explain where a defect lies (endpoint, user type, streaming …). */
export interface Dimension {
  /** The source's column name. */
  name: string;
  /** The quoted column of the usage relation that holds it, as VARCHAR. */
  column: string;
  distinct: number;
}

/**
 * What one row of a usage relation sums up: a bucket of time, a whole session, or a key for ever (a running counter
 * per user, key or team). Null: a row is one call, trace or job.
 */
export type Grain = "hour" | "day" | "month" | "session" | "total" | null;

/**
 * The canonical, typed, narrow table of one table's roles. SQL columns: `row` (BIGINT, 1-based position in the
 * table), one column per role it has (types: ROLE_TYPES), `ok` BOOLEAN (the call succeeded, or there is no status),
 * `is_call` BOOLEAN (the row is one call, not a user, tool or chain row), and one VARCHAR per dimension.
 */
export interface UsageRelation {
  /** The table's name, `schema.table`: a check's target. */
  name: string;
  table: Table;
  /** Quoted for SQL. */
  relation: string;
  rows: number;
  roles: ReadonlySet<Role>;
  has(...roles: Role[]): boolean;
  /** The source column that gave a role, or null. */
  columnOf(role: Role): Column | null;
  /** Dimensions, model, provider and status included. */
  dimensions: Dimension[];
  statuses: ValueClass[];
  kinds: ValueClass[];
  timeRange: TimeRange | null;
  /** Where the rows come from. */
  origin: "table" | "events";
  /** The format whose own rule was applied (`claude-code`, `codex` …), or null. */
  format: string | null;
  /**
   * Row checks look at null only. Of `hour`, `day` and `month`, `time` is the start of the bucket; a `day` that the
   * source writes as a plain date stays that calendar day at 00:00, in no zone.
   */
  grain: Grain;
}

/** Anything that happens in time: the lines of a log, the rows of a usage relation or of any timed table. */
export interface Series {
  /** A check's target: `app_log.lines`, `validations.validations`. */
  name: string;
  input: string;
  /** Quoted for SQL; has a column `time` TIMESTAMP (UTC), NULL where a row has none. */
  relation: string;
  form: "lines" | "events" | "rows";
  rows: number;
  timeRange: TimeRange;
  table: Table;
}

/** A table whose rows each sum up rows of another, found from grain, names and keys. Its sums are for checks to judge. */
export interface Rollup {
  /** The usage relation that sums up: `db.usage_daily`. */
  rollup: string;
  /** The usage relation that it sums up. */
  detail: string;
  grain: Exclude<Grain, null>;
  /** Token roles and cost that both have. */
  measures: Role[];
  /**
   * What both are grouped by beside the bucket of time, as quoted columns of the two usage relations. Of `session` and
   * `total` there is exactly one: the key of the rollup's row and the column of the detail that holds it.
   */
  keys: { name: string; rollup: string; detail: string }[];
  /** Why, for people. */
  reason: string;
}

/** Two columns that hold the same identifiers, found from their values. `trueup.links` holds the same. */
export interface Link {
  /** `schema.table`. */
  leftTable: string;
  leftColumn: string;
  rightTable: string;
  rightColumn: string;
  /** Of the distinct left values within the common window, the share also on the right: 0 to 1. */
  matchedRatio: number;
  /** `mentions` (ids in log lines), `values` (two columns), `declared` (foreign key) or `names`. */
  how: string;
}

/** What one log gave beside its lines. */
export interface Log {
  input: string;
  /** `app_log.lines`. */
  table: Table;
  /** The format that was recognised, for people: `python logging`. */
  format: string;
  /** Quoted; columns (line BIGINT, time TIMESTAMP): every line, unfilled (NULL on continuation lines). */
  relation: string;
  /** Quoted; columns (line BIGINT, time TIMESTAMP, text VARCHAR): the lines whose text was kept, token lines among them. */
  kept?: string;
  undated: boolean;
}

/** The tables and columns of an earlier or another state: of `--against`, or of a baseline. */
export interface SchemaReference {
  /** For people: `old.dump`. */
  label: string;
  /** The input it is compared with, or nothing for every input that shares a table's name. */
  input?: string;
  tables: readonly { name: string; columns: readonly { name: string; type: string }[] }[];
}

export interface Evidence {
  inputs: readonly Input[];
  tables: readonly Table[];
  usage: readonly UsageRelation[];
  series: readonly Series[];
  logs: readonly Log[];
  links: readonly Link[];
  rollups: readonly Rollup[];
  /** What schemas are compared with; empty for most runs. */
  references: readonly SchemaReference[];
  /** The instant that counts as now. */
  now: Instant;
  /** True with `--now` or a live input: only then do silences count up to now. */
  nowCounts: boolean;
  /** The latest time in all the evidence, or null. */
  latest: Instant | null;
  timezone: string;
}
