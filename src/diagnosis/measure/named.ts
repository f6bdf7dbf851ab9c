/** Whether the log names the rows that are defective, and whether it has their token lines. */

import type { Link } from "../../contract/evidence.ts";
import type { HypothesisContext, Incident } from "../../contract/hypothesis.ts";
import { ROLES } from "../../contract/roles.ts";
import { badSql, beforeSql } from "./window.ts";

/** Ids of sound rows before the onset and of defective ones after it, and how many of them the log names. */
export interface Named {
  sound: number;
  soundNamed: number;
  bad: number;
  badNamed: number;
  /** How many stand in a line that tells tokens. */
  soundTold: number;
  badTold: number;
  sql: string;
}

/** Null when nothing links the log to the table by ids. */
export const namedIn = (incident: Incident, ctx: HypothesisContext): Promise<Named | null> =>
  ctx.once("named", () => measure(incident, ctx));

async function measure(incident: Incident, ctx: HypothesisContext): Promise<Named | null> {
  const { table, scope, defect } = incident;
  const column = linkedColumn(incident, ctx);
  if (!table || column === null || defect === null) return null;
  const timed = table.has("time") && incident.onset !== null && incident.kind === "began";
  const sound = timed ? beforeSql(incident) : `NOT (${defect})`;
  // Of several logs, those that tell tokens: that of a web server names every row, whatever became of the program's.
  const telling = incident.logs.filter((log) => incident.events.some((u) => u.table.input === log.input));
  const inputs = (telling.length > 0 ? telling : incident.logs)
    .map((log) => ctx.sql.literal(log.input))
    .join(", ");
  const told = tokenLinesSql(incident, ctx);
  const rows = `SELECT CAST(${column} AS VARCHAR) AS id, bool_or(${badSql(incident)}) AS bad
FROM ${table.relation} WHERE ${column} IS NOT NULL AND ${scope} AND ((${badSql(incident)}) OR (${sound})) GROUP BY 1`;
  const lines = `SELECT named.id, ${told ? "bool_or(told.line IS NOT NULL)" : "FALSE"} AS told FROM trueup.mentions AS named
${told ? `LEFT JOIN (${told}) AS told ON told.input = named.input AND told.line = named.line` : ""}
WHERE named.input IN (${inputs}) GROUP BY 1`;
  const sql = `SELECT count(*) FILTER (WHERE NOT bad) AS sound, count(named.id) FILTER (WHERE NOT bad) AS sound_named,
  count(*) FILTER (WHERE NOT bad AND told) AS sound_told, count(*) FILTER (WHERE bad) AS bad,
  count(named.id) FILTER (WHERE bad) AS bad_named, count(*) FILTER (WHERE bad AND told) AS bad_told
FROM (${rows}) AS ids LEFT JOIN (${lines}) AS named ON named.id = ids.id`;
  const [row = {}] = await ctx.query(sql);
  const count = (name: string) => Number(row[name] ?? 0);
  return {
    sound: count("sound"),
    soundNamed: count("sound_named"),
    bad: count("bad"),
    badNamed: count("bad_named"),
    soundTold: count("sound_told"),
    badTold: count("bad_told"),
    sql,
  };
}

/** The lines that token events were read from, as (input, line); null when no event keeps its line. */
export function tokenLinesSql(incident: Incident, ctx: HypothesisContext): string | null {
  const parts = incident.events
    .filter((usage) => usage.table.columns.some((column) => column.name === "line"))
    .map(
      (usage) => `SELECT ${ctx.sql.literal(usage.table.input)} AS input, line FROM ${usage.table.relation}`,
    );
  return parts.length > 0 ? parts.join(" UNION ALL ") : null;
}

/** The column of the usage relation whose ids the log's lines name. */
function linkedColumn({ table, logs }: Incident, ctx: HypothesisContext): string | null {
  if (!table) return null;
  const isLog = (name: string) =>
    ctx.evidence.tables.some((t) => t.name === name && logs.some((l) => l.input === t.input));
  const columns = ctx.evidence.links
    .filter((link: Link) => link.how === "mentions")
    .flatMap((link) => [
      ...(link.rightTable === table.name && isLog(link.leftTable) ? [link.rightColumn] : []),
      ...(link.leftTable === table.name && isLog(link.rightTable) ? [link.leftColumn] : []),
    ]);
  for (const column of columns) {
    const role = ROLES.find((one) => table.columnOf(one)?.name === column);
    if (role) return role;
  }
  return null;
}
