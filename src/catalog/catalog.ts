/** Builds the catalogue: tables with roles, usage relations, time series, links; and writes them as facts. */

import type { Evidence, Link, Log, Series, Table, UsageRelation } from "../contract/evidence.ts";
import type { LoadedInput, LoadedLog } from "../contract/loaded.ts";
import type { Settings } from "../contract/settings.ts";
import type { Parameter, Store } from "../store/index.ts";
import { type Described, describeTable } from "./describe.ts";
import { findLinks } from "./links.ts";
import { findRollups } from "./rollups.ts";
import { timedSeries } from "./series.ts";
import { buildUsage } from "./usage.ts";
import { keepWithin } from "./within.ts";

/**
 * Everything that checks may look at. Writes `trueup.tables`, `trueup.columns` and `trueup.links`.
 * @throws UserError when the configuration gives a role to a column that is not there.
 */
export async function buildCatalog(
  store: Store,
  loaded: readonly LoadedInput[],
  settings: Settings,
): Promise<Evidence> {
  const described: Described[] = [];
  const usage: UsageRelation[] = [];
  const series: Series[] = [];
  const logs: Log[] = [];
  for (const input of loaded) {
    for (const raw of input.tables) {
      const one = describeTable(raw, settings);
      described.push(one);
      await keepWithin(store, one, input.input, settings);
      if (raw.form === "lines" || raw.view) continue;
      const relation = await buildUsage(store, one);
      if (relation) usage.push(relation);
      const timed = relation ? seriesOf(one.table, relation) : await timedSeries(store, one);
      if (!timed) continue;
      one.table.timeRange = timed.timeRange;
      series.push(timed);
    }
    if (input.log) addLog(input.input.name, input.log, described, logs, series);
  }
  const tables = described.map((one) => one.table);
  const links = await findLinks(store, described, logs);
  await writeFacts(store, tables, links);
  return {
    inputs: loaded.map((one) => one.input),
    tables,
    usage,
    series,
    logs,
    links,
    rollups: findRollups(usage, links),
    references: [],
    now: settings.now,
    nowCounts: settings.nowGiven,
    latest: latestOf(series),
    timezone: settings.timezone,
  };
}

function seriesOf(table: Table, usage: UsageRelation): Series | null {
  return (
    usage.timeRange && {
      name: table.name,
      input: table.input,
      relation: usage.relation,
      form: table.form === "events" ? "events" : "rows",
      rows: table.rows,
      timeRange: usage.timeRange,
      table,
    }
  );
}

/** The lines of a log: a series, unless no line has a time. */
function addLog(
  input: string,
  log: LoadedLog,
  described: readonly Described[],
  logs: Log[],
  series: Series[],
): void {
  const table = described.find((one) => one.raw === log.lines)?.table;
  if (!table) throw new Error(`the lines of ${input} are not among its tables`);
  const { timeRange, format, relation, kept, undated } = log;
  table.timeRange = timeRange;
  logs.push({ input, table, format, relation, ...(kept && { kept }), undated });
  if (timeRange)
    series.push({ name: table.name, input, relation, form: "lines", rows: table.rows, timeRange, table });
}

function latestOf(series: readonly Series[]): string | null {
  const ends = series.map((one) => one.timeRange.to);
  return ends.sort((a, b) => Date.parse(a) - Date.parse(b)).at(-1) ?? null;
}

async function writeFacts(store: Store, tables: readonly Table[], links: readonly Link[]): Promise<void> {
  await store.append(
    "trueup.tables",
    ["name", "input", "kind", "rows", "time_from", "time_to"],
    tables.map((t) => [t.name, t.input, t.form, t.rows, t.timeRange?.from ?? null, t.timeRange?.to ?? null]),
  );
  const rows: Parameter[][] = tables.flatMap((t) =>
    t.columns.map((c) => [t.name, c.name, c.type, c.role, c.expression, c.confidence, c.reason]),
  );
  await store.append(
    "trueup.columns",
    ["table_name", "name", "type", "role", "expression", "confidence", "reason"],
    rows,
  );
  await store.append(
    "trueup.links",
    ["left_table", "left_column", "right_table", "right_column", "matched_ratio", "how"],
    links.map((l) => [l.leftTable, l.leftColumn, l.rightTable, l.rightColumn, l.matchedRatio, l.how]),
  );
}
