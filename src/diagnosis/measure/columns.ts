/** Which columns of the table stand and fall with the loss: what a later write sets, and what it wipes. */

import type { Column } from "../../contract/evidence.ts";
import type { HypothesisContext, Incident } from "../../contract/hypothesis.ts";
import { TOKEN_ROLES } from "../../contract/roles.ts";
import { afterSql } from "./window.ts";

export interface ColumnSides {
  column: string;
  /** Rows that lack tokens, and those of them with a value in the column; the same of the sound rows. */
  lost: number;
  lostSet: number;
  sound: number;
  soundSet: number;
}

export interface Lifecycle {
  /** Set in the rows that lost tokens and not in the others: a later write. */
  later: ColumnSides[];
  /** Lost together with the tokens: what that write did not carry. */
  wiped: ColumnSides[];
  lost: number;
  sound: number;
  sql: string;
}

const COLUMNS_MAX = 60;
const SIDE_MIN = 5;
/** What a row gets when something happened to it later. */
const LATER =
  /(^|_)(at|on|time|ts|date|end|ended|finished|completed|closed|updated|modified|reviewed|approved|rated|scored|score|rating|feedback|verdict|result|resolved|exported|billed|synced|archived|checked|validated|duration|latency|elapsed)(_|$|s$)/i;

/** Null when the table has not both kinds of rows in the time of the incident. */
export const lifecycleOf = (incident: Incident, ctx: HypothesisContext): Promise<Lifecycle | null> =>
  ctx.once("lifecycle", () => measure(incident, ctx));

async function measure(incident: Incident, ctx: HypothesisContext): Promise<Lifecycle | null> {
  const usage = incident.table;
  if (!usage || incident.defect === null) return null;
  const tokens = TOKEN_ROLES.flatMap((role) => usage.columnOf(role)?.expression ?? []);
  if (tokens.length === 0) return null;
  const measured = new Set<Column | null>(
    [...TOKEN_ROLES, "cost" as const].map((role) => usage.columnOf(role)),
  );
  const names = new Set([...measured].map((column) => column?.name));
  const columns = usage.table.columns
    .filter((c) => c.loaded && !c.primaryKey && !names.has(c.name) && !c.name.includes("."))
    .filter((c) => c.role !== "time" && c.role !== "id" && c.role !== "credential")
    .slice(0, COLUMNS_MAX);
  if (columns.length === 0) return null;
  const lost = tokens.map((sql) => `COALESCE(CAST(${sql} AS DOUBLE), 0) = 0`).join(" AND ");
  const time = usage.columnOf("time")?.expression;
  const where =
    time && incident.onset && incident.kind === "began" ? afterSql(incident, `(${time})`) : "TRUE";
  const set = (name: string) =>
    `(${ctx.sql.ident(name)} IS NOT NULL AND CAST(${ctx.sql.ident(name)} AS VARCHAR) <> '')`;
  const [row = {}] = await ctx.query(
    `SELECT count(*) FILTER (WHERE ${lost}) AS lost, count(*) FILTER (WHERE NOT (${lost})) AS sound, ${columns
      .map(
        (c, i) =>
          `count(*) FILTER (WHERE (${lost}) AND ${set(c.name)}) AS l${i}, count(*) FILTER (WHERE NOT (${lost}) AND ${set(c.name)}) AS s${i}`,
      )
      .join(", ")} FROM ${usage.table.relation} WHERE ${where}`,
  );
  const [lostRows, soundRows] = [Number(row.lost ?? 0), Number(row.sound ?? 0)];
  if (lostRows < SIDE_MIN || soundRows < SIDE_MIN) return null;
  const sides = columns.map((c, i) => ({
    column: c.name,
    lost: lostRows,
    lostSet: Number(row[`l${i}`]),
    sound: soundRows,
    soundSet: Number(row[`s${i}`]),
  }));
  const isLater = (c: ColumnSides) => {
    const column = columns.find((one) => one.name === c.column) as Column;
    return (
      LATER.test(c.column.replace(/([a-z0-9])([A-Z])/g, "$1_$2")) ||
      column.role === "end_time" ||
      /TIMESTAMP|DATE/.test(column.type)
    );
  };
  const later = sides.filter((c) => c.lostSet >= 0.9 * c.lost && c.soundSet <= 0.2 * c.sound && isLater(c));
  const wiped = sides.filter((c) => c.lostSet <= 0.1 * c.lost && c.soundSet >= 0.8 * c.sound);
  const shown = [...later, ...wiped].slice(0, 6).map((c) => c.column);
  return {
    later,
    wiped,
    lost: lostRows,
    sound: soundRows,
    sql: `SELECT ${lost} AS tokens_lost, count(*) AS n${shown.map((c) => `, count(*) FILTER (WHERE ${set(c)}) AS ${ctx.sql.ident(c)}`).join("")}
FROM ${usage.table.relation} WHERE ${where} GROUP BY 1 ORDER BY 1`,
  };
}
