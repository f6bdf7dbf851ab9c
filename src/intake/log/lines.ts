/** The table of a log's lines: always listed, filled only when a query names it or the database is kept. */

import { basename } from "node:path";
import type { LoadedColumn, LoadedTable } from "../../contract/loaded.ts";
import { literal, qualified } from "../../store/index.ts";
import type { IntakeContext, Source } from "../context.ts";
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
  const { level, logger, message } = reading.fields("text");
  const files = parts
    .map((part) => `WHEN n > ${part.before} THEN ${literal(basename(part.sample.file))}`)
    .reverse();
  const before = parts.map((part) => `WHEN n > ${part.before} THEN ${part.before}`).reverse();
  await store.run(`CREATE TABLE ${qualified(source.name, "lines")} AS
    WITH timed AS (SELECT log.line AS n, log.time, log.time IS NOT NULL AS entry, texts.text
        FROM ${texts} texts JOIN ${relation} log ON log.line = texts.rowid + 1),
      own AS (SELECT n, time, entry, CASE WHEN entry THEN ${level} END AS level,
        CASE WHEN entry THEN ${logger} END AS logger, CASE WHEN entry THEN ${message} ELSE text END AS message FROM timed),
      entries AS (SELECT *, count(*) FILTER (entry) OVER (ORDER BY n) AS nth FROM own)
    SELECT CASE ${files.join(" ")} END AS file, CAST(n - CASE ${before.join(" ")} END AS BIGINT) AS line,
      first_value(time) OVER same AS time, first_value(level) OVER same AS level,
      first_value(logger) OVER same AS logger, COALESCE(message, '') AS message
    FROM entries WINDOW same AS (PARTITION BY nth ORDER BY n) ORDER BY n`);
  await store.run(`DROP TABLE ${texts}`);
}
