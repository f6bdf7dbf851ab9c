/** Logs as data for tests of checks: lines and token events by their times, without a file. */

import type { LoadedInput, LoadedTable } from "../../src/contract/loaded.ts";
import type { Role } from "../../src/contract/roles.ts";
import { ident, literal, qualified, type Store } from "../../src/store/index.ts";
import { loadTables } from "./tables.ts";

export interface LogData {
  /** Times of its lines as ISO text. */
  lines: readonly string[];
  /** Events of one extractor; `time` and token roles. */
  events?: { time: string; input_tokens?: number; output_tokens?: number; line?: number }[];
  /** Ids that lines mention. */
  mentions?: { time: string; id: string; line?: number; origin?: string }[];
  format?: string;
  undated?: boolean;
}

/** For people: what a log loader would report. Used in `prepare`. */
export async function addLog(
  store: Store,
  loaded: LoadedInput[],
  name: string,
  data: LogData,
): Promise<void> {
  const lines = [...data.lines].sort();
  const [one] = await loadTables(store, {
    [`${name}.token_usage`]: {
      rows: data.events ?? [],
      types: { time: "TIMESTAMP", input_tokens: "BIGINT", output_tokens: "BIGINT" },
    },
  });
  const input = one as LoadedInput;
  const events = input.tables[0] as LoadedTable;
  const relation = qualified(name, "timed lines");
  await store.run(
    `CREATE TABLE ${relation} AS SELECT row_number() OVER () AS line, time::TIMESTAMP AS time
     FROM (SELECT unnest([${lines.map(literal).join(", ")}]::VARCHAR[]) AS time)`,
  );
  await store.run(
    `CREATE VIEW ${qualified(name, "lines")} AS SELECT '' AS file, *, '' AS message FROM ${relation}`,
  );
  await store.append(
    "trueup.mentions",
    ["input", "line", "time", "id", "origin"],
    (data.mentions ?? []).map((mention, i) => [
      name,
      mention.line ?? i + 1,
      mention.time,
      mention.id,
      mention.origin ?? null,
    ]),
  );
  const known: Record<string, Role> = {
    time: "time",
    input_tokens: "input_tokens",
    output_tokens: "output_tokens",
  };
  input.input.kind = "log";
  input.tables = data.events ? [{ ...events, form: "events", known }] : [];
  if (!data.events) await store.run(`DROP TABLE ${ident(name)}.token_usage`);
  const table: LoadedTable = {
    ...events,
    name: "lines",
    form: "lines",
    rows: lines.length,
    columns: [],
    known: {},
  };
  input.tables.unshift(table);
  input.log = {
    format: data.format ?? "python logging",
    relation,
    lines: table,
    timeRange: lines.length > 0 ? { from: iso(lines[0]), to: iso(lines.at(-1)) } : null,
    undated: data.undated ?? false,
    extractIds: async () => {},
  };
  loaded.push(input);
}

const iso = (text: string | undefined) => `${text?.replace(" ", "T")}Z`;
