/** The ids that log lines mention, so that a log and a table can be joined without any configuration. */

import type { IdShape } from "../../contract/loaded.ts";
import { literal, qualified } from "../../store/index.ts";
import type { IntakeContext, Source } from "../context.ts";
import { linesSql, type Part } from "./pass.ts";

/** Reads the log a second time and fills `trueup.mentions`: one row per line and id. */
export async function mentionsOf(
  source: Source,
  parts: readonly Part[],
  relation: string,
  shapes: readonly IdShape[],
  ctx: IntakeContext,
): Promise<void> {
  if (shapes.length === 0) return;
  const { store } = ctx;
  const found = qualified("trueup", `log ids ${source.name}`);
  const lists = shapes.map(({ pattern, contains }) => {
    const all = `regexp_extract_all(raw, ${literal(`\\b(?:${pattern})\\b`)})`;
    return contains === null ? all : `CASE WHEN contains(raw, ${literal(contains)}) THEN ${all} END`;
  });
  await store.run(`CREATE TABLE ${found} (ids VARCHAR[])`);
  for (const part of parts) {
    if (part.sample.bytes === 0) continue;
    const joined = lists.length === 1 ? lists[0] : `list_concat(${lists.join(", ")})`;
    await store.run(`INSERT INTO ${found} SELECT ${joined} FROM ${linesSql(part)}`);
  }
  await store.run(`INSERT INTO trueup.mentions
    WITH ids AS (SELECT rowid + 1 AS line, unnest(list_distinct(ids)) AS id FROM ${found} WHERE len(ids) > 0),
    bare AS (SELECT line, line - row_number() OVER (ORDER BY line) AS run FROM ${relation} WHERE time IS NULL),
    heads AS (SELECT run, min(line) - 1 AS head FROM bare GROUP BY run),
    times AS (SELECT bare.line, log.time FROM bare JOIN heads USING (run) JOIN ${relation} log ON log.line = heads.head)
    SELECT ${literal(source.name)}, ids.line, COALESCE(log.time, times.time), ids.id
    FROM ids JOIN ${relation} log ON log.line = ids.line LEFT JOIN times ON times.line = ids.line
    ORDER BY ids.line, ids.id`);
  await store.run(`DROP TABLE ${found}`);
}
