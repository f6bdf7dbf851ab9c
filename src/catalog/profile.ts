/** Describes what was loaded: roles, ranges, rhythm and value statistics, for `trueup inspect`. */

import type { Column, Evidence, Table, UsageRelation } from "../contract/evidence.ts";
import type { Row } from "../contract/finding.ts";
import type {
  InspectedColumn,
  InspectedTable,
  Inspection,
  Rhythm,
  RoleStats,
} from "../contract/inspection.ts";
import { type Role, TOKEN_ROLES } from "../contract/roles.ts";
import { ident, literal, type Store } from "../store/index.ts";

/** Buckets of a rhythm: what a sparkline of one line shows. */
const BUCKETS = 48;

/** Everything `inspect` shows. Reads the usage relations and series once each. */
export async function inspectEvidence(store: Store, evidence: Evidence): Promise<Inspection> {
  const tables: InspectedTable[] = [];
  for (const table of evidence.tables) {
    const usage = evidence.usage.find((u) => u.table === table) ?? null;
    const stats = usage ? await statsOf(store, usage) : new Map<Role, RoleStats>();
    tables.push({
      name: table.name,
      input: table.input,
      form: table.form,
      rows: table.rows,
      timeRange: table.timeRange,
      rhythm: await rhythmOf(store, evidence, table),
      columns: table.columns.map((column) => withStats(column, stats)),
      usage: usage && {
        grain: usage.grain,
        format: usage.format,
        statuses: usage.statuses,
        kinds: usage.kinds,
        dimensions: usage.dimensions,
      },
      links: evidence.links.filter((l) => l.leftTable === table.name || l.rightTable === table.name),
    });
  }
  const { inputs, links, rollups, logs, now, timezone } = evidence;
  return { inputs, tables, links, rollups, logs, now, timezone };
}

function withStats(column: Column, stats: ReadonlyMap<Role, RoleStats>): InspectedColumn {
  return { ...column, stats: (column.role && stats.get(column.role)) ?? null };
}

/** One pass over the relation for all its numeric roles. */
async function statsOf(store: Store, usage: UsageRelation): Promise<Map<Role, RoleStats>> {
  const roles = [...TOKEN_ROLES, "cost" as const].filter((role) => usage.has(role));
  const stats = new Map<Role, RoleStats>();
  if (roles.length === 0) return stats;
  const selected = roles.flatMap((role, i) => {
    const column = ident(role);
    return [
      `count(${column}) AS count_${i}`,
      `count(*) - count(${column}) AS nulls_${i}`,
      `count(*) FILTER (${column} = 0) AS zeros_${i}`,
      `count(*) FILTER (${column} < 0) AS negatives_${i}`,
      `min(${column}) AS min_${i}`,
      `quantile_disc(${column}, [0.5, 0.95]) AS quantiles_${i}`,
      `max(${column}) AS max_${i}`,
      `CAST(sum(${column}) AS VARCHAR) AS sum_${i}`,
    ];
  });
  const row = (await store.one(`SELECT ${selected.join(", ")} FROM ${usage.relation}`)) ?? {};
  for (const [i, role] of roles.entries()) stats.set(role, statsFrom(row, i, role));
  return stats;
}

function statsFrom(row: Row, i: number, role: Role): RoleStats {
  const at = (name: string) => row[`${name}_${i}`] ?? null;
  const decimal = (value: unknown) => (value === null || value === undefined ? null : Number(value));
  const quantiles = (at("quantiles") ?? []) as unknown[];
  const sum = at("sum");
  return {
    count: Number(at("count")),
    nulls: Number(at("nulls")),
    zeros: Number(at("zeros")),
    negatives: Number(at("negatives")),
    min: decimal(at("min")),
    median: decimal(quantiles[0]),
    p95: decimal(quantiles[1]),
    max: decimal(at("max")),
    sum: sum === null ? null : role === "cost" ? trimmed(String(sum)) : integer(String(sum)),
  };
}

/** `12.340000000000` → `12.34`. */
function trimmed(decimal: string): string {
  return decimal.includes(".") ? decimal.replace(/\.?0+$/, "") : decimal;
}

function integer(text: string): number | bigint {
  const exact = BigInt(text);
  return Number.isSafeInteger(Number(exact)) ? Number(exact) : exact;
}

async function rhythmOf(store: Store, evidence: Evidence, table: Table): Promise<Rhythm | null> {
  const series = evidence.series.find((s) => s.table === table);
  if (!series) return null;
  const { from, to } = series.timeRange;
  const lo = `TIMESTAMP ${literal(from.replace("T", " ").replace("Z", ""))}`;
  const span = Math.max(1, (Date.parse(to) - Date.parse(from)) / 1000);
  const offset = store.dialect.seconds_between(lo, "time");
  const rows = await store.all(
    `SELECT least(CAST(floor(${offset} / ${span} * ${BUCKETS}) AS INTEGER), ${BUCKETS - 1}) AS bucket, count(*) AS n
     FROM ${series.relation} WHERE time IS NOT NULL AND ${offset} BETWEEN 0 AND ${span} GROUP BY 1 ORDER BY 1`,
  );
  const counts = new Array<number>(BUCKETS).fill(0);
  for (const row of rows) counts[Number(row.bucket)] = Number(row.n);
  return { name: table.name, counts, from, to };
}
