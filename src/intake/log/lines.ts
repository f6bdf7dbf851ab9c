/** The table of a log's lines: always listed, filled only when a query names it or the database is kept. */

import { basename } from "node:path";
import type { LoadedColumn, LoadedTable } from "../../contract/loaded.ts";
import { literal, qualified } from "../../store/index.ts";
import type { IntakeContext, Source } from "../context.ts";
import { entryHeads } from "./kept.ts";
import { linesSql, type Part } from "./pass.ts";
import type { Reading } from "./reading.ts";

const COLUMNS: Readonly<Record<string, string>> = {
  file: "VARCHAR",
  line: "BIGINT",
  time: "TIMESTAMP",
  level: "VARCHAR",
  logger: "VARCHAR",
  message: "VARCHAR",
};

/**
 * Describes `<input>.lines` and, when it is wanted, fills it: a row per line of the files; lines without a time
 * carry their entry's time, level and logger. The text of a log is most of its bytes, so it is not kept unasked.
 * @param relation quoted (line, time)
 */
export async function linesTable(
  source: Source,
  parts: readonly Part[],
  reading: Reading,
  relation: string,
  ctx: IntakeContext,
): Promise<LoadedTable> {
  const loaded = /\blines\b/i.test(ctx.settings.named) || ctx.settings.dbFile !== null;
  if (loaded) await fillLines(source, parts, reading, relation, ctx);
  const counted = await ctx.store.one(`SELECT count(*) AS n FROM ${relation}`);
  return {
    schema: source.name,
    name: "lines",
    input: source.name,
    form: "lines",
    rows: Number(counted?.n ?? 0),
    columns: Object.entries(COLUMNS).map(
      ([name, type]): LoadedColumn => ({
        name,
        declared: type,
        primaryKey: false,
        references: null,
        sample: [],
        type,
        loaded,
        storage: null,
      }),
    ),
    known: {},
    format: null,
    timezone: "UTC",
    view: false,
  };
}

async function fillLines(
  source: Source,
  parts: readonly Part[],
  reading: Reading,
  relation: string,
  ctx: IntakeContext,
): Promise<void> {
  const { store } = ctx;
  const texts = qualified("trueup", `log text ${source.name}`);
  await store.run(`CREATE TABLE ${texts} (text VARCHAR)`);
  for (const part of parts)
    if (part.sample.bytes > 0)
      await store.run(`INSERT INTO ${texts} SELECT text FROM (${reading.read(linesSql(part))})`);
  // From the last part to the first: the first condition that holds names the part of stream line n.
  const partOf = (value: (part: Part) => string) =>
    `CASE ${parts
      .map((part) => `WHEN n > ${part.before} THEN ${value(part)}`)
      .reverse()
      .join(" ")} END`;
  const file = partOf((part) => literal(basename(part.sample.file)));
  // Only lines without a time are looked at to find where their entry begins: most logs have few of them.
  const timed = `(SELECT log.line AS n, log.time, log.time IS NOT NULL AS own, text
    FROM ${relation} log JOIN ${texts} texts ON texts.rowid = log.line - 1)`;
  const heads = `(SELECT bare.line, log.time, TRUE AS own, text FROM (${entryHeads(relation)}) bare
    JOIN ${relation} log ON log.line = head JOIN ${texts} texts ON texts.rowid = head - 1)`;
  await store.run(`CREATE TABLE ${qualified(source.name, "lines")} AS
    WITH lines AS (${reading.withFields(timed, "own", ["level", "logger", "message"])}),
      entries AS (${reading.withFields(heads, "own", ["level", "logger"])})
    SELECT ${file} AS file, CAST(n - ${partOf((part) => String(part.before))} AS BIGINT) AS line,
      COALESCE(lines.time, entries.time) AS time, CASE WHEN lines.own THEN lines.level ELSE entries.level END AS level,
      CASE WHEN lines.own THEN lines.logger ELSE entries.logger END AS logger,
      COALESCE(CASE WHEN lines.own THEN message ELSE lines.text END, '') AS message
    FROM lines LEFT JOIN entries ON entries.line = n ORDER BY n`);
  await store.run(`DROP TABLE ${texts}`);
}
