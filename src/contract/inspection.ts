/** What `trueup inspect` shows: how each table was understood, and what its values look like. */

import type {
  Column,
  Evidence,
  Input,
  Instant,
  Link,
  Log,
  Rollup,
  Table,
  UsageRelation,
} from "./evidence.ts";
import type { Lane } from "./finding.ts";

/** What the values of one numeric role look like over the whole table. */
export interface RoleStats {
  /** Rows with a value; with `nulls` these are all rows. */
  count: number;
  nulls: number;
  zeros: number;
  negatives: number;
  min: number | null;
  median: number | null;
  p95: number | null;
  max: number | null;
  /** Exact: an integer, or for a cost its decimal text. Null without values. */
  sum: number | bigint | string | null;
}

export interface InspectedColumn extends Column {
  /** Of token and cost roles of a table with a usage relation; else null. */
  stats: RoleStats | null;
}

export interface Rhythm extends Lane {
  /** The buckets are equal and run from `from` to `to`. */
  from: Instant;
  to: Instant;
}

export interface InspectedTable {
  name: string;
  input: string;
  form: Table["form"];
  rows: number;
  timeRange: Table["timeRange"];
  /** Rows per 48th of the time range; null without times. */
  rhythm: Rhythm | null;
  columns: InspectedColumn[];
  /** What the table is to the checks, or null when it is no usage relation. */
  usage: Pick<UsageRelation, "grain" | "format" | "statuses" | "kinds" | "dimensions"> | null;
  links: Link[];
}

export interface Inspection {
  inputs: readonly Input[];
  tables: InspectedTable[];
  links: readonly Link[];
  rollups: readonly Rollup[];
  logs: readonly Log[];
  now: Instant;
  timezone: Evidence["timezone"];
}
