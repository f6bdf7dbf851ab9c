/** The column was added later, or nothing ever wrote it. */

import { tokenRoles } from "../../analysis/scope.ts";
import {
  defineHypothesis,
  type HypothesisContext,
  type Incident,
  NO_EVIDENCE,
  speaksAgainst,
  speaksFor,
} from "../../contract/hypothesis.ts";
import { instant, number, plural } from "../../contract/wording.ts";
import { codeOf } from "../measure/code.ts";
import { missingCode } from "../measure/missing.ts";

export default defineHypothesis({
  id: "never-written",
  meta: {
    title: "The column was added later, or never written",
    sentence: "The column is younger than the rows, the backfill never ran, or no code writes it.",
    limits:
      "A column that is declared last need not be the newest. Code that writes through names built at run time counts as unknown.",
  },
  tests: [
    {
      id: "null-then-filled",
      // Every row up to a moment is empty and every later one is not: 60 times; sound earlier rows refute it.
      weight: { for: 4, against: 4 },
      run: nullThenFilled,
    },
    {
      id: "newest-column",
      // A column that was added stands at the end of the table.
      weight: { for: 0.7, against: 0 },
      async run(incident, ctx) {
        const { table } = incident;
        if (!table || incident.kind !== "ended") return NO_EVIDENCE;
        const columns = table.table.columns.filter((column) => !column.name.includes("."));
        const tokens = tokenRoles(table).map((role) =>
          columns.findIndex((column) => column.name === table.columnOf(role)?.name),
        );
        if (
          columns.length < 4 ||
          tokens.includes(-1) ||
          Math.min(...tokens) < columns.length - tokens.length - 2
        )
          return NO_EVIDENCE;
        return speaksFor(
          `the token columns are the last of ${table.name}'s ${number(columns.length)} columns`,
          `SELECT DISTINCT name, role FROM trueup.columns WHERE table_name = ${ctx.sql.literal(table.name)} AND NOT contains(name, '.')`,
        );
      },
    },
    {
      id: "no-writer",
      // Code that writes the table and never the column; named columns only.
      weight: { for: 2.8, against: 1 },
      run: noWriter,
    },
  ],
  confirm: () => "look for the migration that added the column, and for code that writes it",
  missing: (incident, ctx) => (incident.table ? missingCode(ctx) : null),
});

async function nullThenFilled(incident: Incident, ctx: HypothesisContext) {
  const { table, scope, defect, kind } = incident;
  if (!table || defect === null) return NO_EVIDENCE;
  const time = table.has("time") ? "time" : "CAST(NULL AS TIMESTAMP)";
  const sql = `SELECT count(*) AS calls, count(*) FILTER (WHERE lost) AS lost, count(*) FILTER (WHERE NOT lost) AS sound,
  count(*) FILTER (WHERE lost AND time < first_with) AS older, min(first_with) AS first_with
FROM (SELECT ${defect} AS lost, ${time} AS time, min(${time}) FILTER (WHERE NOT (${defect})) OVER () AS first_with
  FROM ${table.relation} WHERE ${scope}) AS calls`;
  const [row = {}] = await ctx.query(sql);
  const [calls, lost, sound] = [Number(row.calls ?? 0), Number(row.lost ?? 0), Number(row.sound ?? 0)];
  if (calls < 5) return NO_EVIDENCE;
  if (kind === "ended")
    return speaksFor(
      `${number(row.older)} of ${number(lost)} calls without tokens are older than ${instant(row.first_with)}, the first with them`,
      sql,
    );
  if (lost === calls)
    return speaksFor(`no call of ${table.name} has ever had tokens (${number(calls)} calls)`, sql, 0.4);
  return speaksAgainst(
    `${number(sound)} of ${plural(calls, "call")} ${sound === 1 ? "has" : "have"} tokens: something writes them`,
    sql,
  );
}

async function noWriter(incident: Incident, ctx: HypothesisContext) {
  const code = await codeOf(incident, ctx);
  if (!code) return NO_EVIDENCE;
  const named = code.writers.filter((writer) => writer.columns.length > 0);
  if (named.length === 0 || named.length < code.writers.length) return NO_EVIDENCE;
  const writing = named.filter((writer) => writer.withTokens);
  const [first] = writing;
  if (!first)
    return speaksFor(
      `${plural(named.length, "statement")} of the code ${named.length === 1 ? "writes" : "write"} the table, none of them the column`,
      code.sql,
    );
  return speaksAgainst(
    `${first.function} (${first.file}:${first.line}) writes it`,
    code.sql,
    incident.kind === "ended" ? 0 : 1,
  );
}
