/** The ids that log lines mention, so that a log and a table can be joined without any configuration. */

import type { IdShape } from "../../contract/loaded.ts";
import { literal, qualified } from "../../store/index.ts";
import type { IntakeContext, Source } from "../context.ts";
import { entryHeads } from "./kept.ts";
import { linesSql, type Part } from "./pass.ts";
import type { Reading } from "./reading.ts";

/** Reads the log a second time and fills `trueup.mentions`: one row per line and id, with who wrote the line. */
export async function mentionsOf(
  source: Source,
  parts: readonly Part[],
  relation: string,
  reading: Pick<Reading, "read" | "withFields">,
  shapes: readonly IdShape[],
  ctx: IntakeContext,
): Promise<void> {
  if (shapes.length === 0) return;
  const { store } = ctx;
  const found = qualified("trueup", `log ids ${source.name}`);
  const lists = shapes.map(({ pattern, contains }) => {
    const all = `regexp_extract_all(text, ${literal(`\\b(?:${pattern})\\b`)})`;
    return contains === null ? all : `CASE WHEN contains(text, ${literal(contains)}) THEN ${all} END`;
  });
  await store.run(`CREATE TABLE ${found} (ids VARCHAR[], origin VARCHAR)`);
  for (const part of parts) {
    if (part.sample.bytes === 0) continue;
    const joined = lists.length === 1 ? lists[0] : `list_concat(${lists.join(", ")})`;
    const lines = `(SELECT text, time, ${joined} AS ids FROM (${reading.read(linesSql(part))}))`;
    await store.run(`INSERT INTO ${found} SELECT ids, CASE WHEN len(ids) > 0 THEN ${ORIGIN} END
      FROM (${reading.withFields(lines, "len(ids) > 0 AND time IS NOT NULL", ["logger", "message"])})`);
  }
  await store.run(`INSERT INTO trueup.mentions
    WITH ids AS (SELECT rowid + 1 AS line, unnest(list_distinct(ids)) AS id, origin FROM ${found} WHERE len(ids) > 0),
    times AS (SELECT bare.line, log.time FROM (${entryHeads(relation)}) bare JOIN ${relation} log ON log.line = head)
    SELECT ${literal(source.name)}, ids.line, COALESCE(log.time, times.time), ids.id, ids.origin
    FROM ids JOIN ${relation} log ON log.line = ids.line LEFT JOIN times ON times.line = ids.line
    ORDER BY ids.line, ids.id`);
  await store.run(`DROP TABLE ${found}`);
}

/**
 * Who wrote a line, in SQL: its logger, with the endpoint where the line names one; without a logger the first word of
 * what it says. Numbers and ids are taken out, so that calls of one kind are one origin.
 */
const ORIGIN = (() => {
  const endpoint = `regexp_extract(text, '\\b(?:GET|POST|PUT|PATCH|DELETE) /[^ ?"]*')`;
  const word = `regexp_extract(COALESCE(message, text), '^\\W*([A-Za-z_][\\w.]*)', 1)`;
  const whole = `concat_ws(' ', COALESCE(logger, CASE WHEN ${endpoint} = '' THEN ${word} END), nullif(${endpoint}, ''))`;
  return `nullif(left(regexp_replace(${whole}, '[0-9a-fA-F-]*\\d[\\w-]*', '#', 'g'), 120), '')`;
})();
