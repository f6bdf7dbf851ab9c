/** The table of a log's lines: always listed, filled only when a query names it. */

import type { LoadedColumn, LoadedTable } from "../../contract/loaded.ts";
import type { IntakeContext, Source } from "../context.ts";

const COLUMNS: Readonly<Record<string, string>> = {
  file: "VARCHAR",
  line: "BIGINT",
  time: "TIMESTAMP",
  level: "VARCHAR",
  logger: "VARCHAR",
  message: "VARCHAR",
};

/** Describes `<input>.lines`. */
export async function linesTable(source: Source, _ctx: IntakeContext, rows: number): Promise<LoadedTable> {
  return {
    schema: source.name,
    name: "lines",
    input: source.name,
    form: "lines",
    rows,
    columns: Object.entries(COLUMNS).map(
      ([name, type]): LoadedColumn => ({
        name,
        declared: type,
        primaryKey: false,
        references: null,
        sample: [],
        type,
        loaded: false,
        storage: null,
      }),
    ),
    known: {},
    format: null,
    timezone: source.timezone,
    view: false,
  };
}
