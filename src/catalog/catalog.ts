/** Builds the catalogue: tables with roles, usage relations, time series, links; and writes them as facts. */

import type { Evidence, Input, Link, Log, Series, Table, UsageRelation } from "../contract/evidence.ts";
import type { LoadedInput } from "../contract/loaded.ts";
import type { Settings } from "../contract/settings.ts";
import type { Parameter, Store } from "../store/index.ts";
import { describeTable } from "./describe.ts";
import { buildUsage } from "./usage.ts";

/** Everything that checks may look at. Writes `trueup.tables`, `trueup.columns` and `trueup.links`. */
export async function buildCatalog(
  store: Store,
  loaded: readonly LoadedInput[],
  settings: Settings,
): Promise<Evidence> {
  const inputs: Input[] = loaded.map((one) => one.input);
  const tables: Table[] = [];
  const usage: UsageRelation[] = [];
  const series: Series[] = [];
  const logs: Log[] = [];
  const links: Link[] = [];
  for (const one of loaded) {
    for (const raw of one.tables) {
      const described = describeTable(raw, settings);
      const { table } = described;
      tables.push(table);
      if (raw.form === "lines" || raw.view) continue;
      const relation = await buildUsage(store, described);
      if (!relation) continue;
      usage.push(relation);
      if (!relation.timeRange) continue;
      table.timeRange = relation.timeRange;
      series.push({
        name: table.name,
        input: table.input,
        relation: relation.relation,
        form: raw.form === "events" ? "events" : "rows",
        rows: table.rows,
        timeRange: relation.timeRange,
        table,
      });
    }
    if (one.log) {
      const table = tables.find((t) => t.name === `${one.log?.lines.schema}.${one.log?.lines.name}`) as Table;
      table.timeRange = one.log.timeRange;
      logs.push({
        input: one.input.name,
        table,
        format: one.log.format,
        relation: one.log.relation,
        undated: one.log.undated,
      });
      if (one.log.timeRange)
        series.push({
          name: table.name,
          input: table.input,
          relation: one.log.relation,
          form: "lines",
          rows: table.rows,
          timeRange: one.log.timeRange,
          table,
        });
    }
  }
  await writeFacts(store, tables);
  const latest =
    series
      .map((s) => s.timeRange.to)
      .sort()
      .at(-1) ?? null;
  return {
    inputs,
    tables,
    usage,
    series,
    logs,
    links,
    now: settings.now,
    nowCounts: settings.nowGiven,
    latest,
    timezone: settings.timezone,
  };
}

async function writeFacts(store: Store, tables: readonly Table[]): Promise<void> {
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
}
