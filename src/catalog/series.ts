/** Gives timed tables that are no usage a series of their own: their silences can tell where a trail breaks. */

import type { Series } from "../contract/evidence.ts";
import { qualified, type Store } from "../store/index.ts";
import type { Described } from "./describe.ts";
import { hasAny, setOf } from "./guess.ts";
import { isShared } from "./keys.ts";
import { timeRangeOf } from "./usage.ts";

/** Below this the time of a table is a guess, and a silence found by it would be one too. */
const CONFIDENCE_MIN = 0.7;

const LOOKUP = setOf(
  "migration version config setting option schema permission role plan price template prompt file sequence",
);

/** Null for tables without a certain time, and for lookups: when a user was created says nothing about traffic. */
export async function timedSeries(store: Store, described: Described): Promise<Series | null> {
  const { table, context, sources, raw } = described;
  const time = sources.get("time")?.column;
  if (!time?.expression || (time.confidence ?? 0) < CONFIDENCE_MIN || raw.rows === 0) return null;
  const last = context.table.slice(-1);
  if (isShared(last) || hasAny(last, LOOKUP)) return null;
  const relation = qualified("trueup", `times ${table.name}`);
  await store.run(`CREATE TABLE ${relation} AS SELECT ${time.expression} AS time FROM ${table.relation}`);
  const timeRange = await timeRangeOf(store, relation);
  return (
    timeRange && {
      name: table.name,
      input: table.input,
      relation,
      form: "rows",
      rows: table.rows,
      timeRange,
      table,
    }
  );
}
