/** Finds tables that code queries and that neither its schema nor the database has. */

import { defineCheck, Skip } from "../src/contract/check.ts";
import {
  codeAccess,
  codeTargets,
  databaseTables,
  entriesByFunction,
  listEntries,
  SYSTEM_TABLE,
  spellingKey,
} from "../src/contract/code.ts";
import type { FindingDraft } from "../src/contract/finding.ts";
import { plural } from "../src/contract/wording.ts";

export default defineCheck({
  id: "missing-table",
  meta: {
    title: "Code queries a table that is not there",
    severity: "warning",
    what: "Compares the tables that code reads and writes with those that its schema, models and migrations declare and with those of the loaded databases.",
    why: "The query fails the first time it runs, often behind a caught error. Seen with a migration that never ran.",
    fix: "Run or write the migration that creates it, or correct the name in the query.",
    silent: [
      "System tables, CTEs, and tables that the same code creates at run time.",
      "A name that is a spelling of a declared table belongs to `table-name-drift`.",
      "Tables that a function reaches through a connection of its own, to another program's file.",
      "Code whose tables are mostly unknown: its schema is declared elsewhere.",
    ],
    needs: "source code, and a schema in it or a database beside it",
  },
  options: {
    max_unknown: {
      describe: "Share of the code's tables that may be unknown before nothing is judged (0 to 1).",
      default: 0.5,
    },
  },
  targets: codeTargets,
  async run(target, ctx) {
    const database = databaseTables(ctx.evidence);
    const declared = new Set(
      (await ctx.query("SELECT DISTINCT lower(name) AS name FROM trueup.code_tables ORDER BY name")).map(
        (row) => String(row.name),
      ),
    );
    const known = new Set([...declared, ...database.keys()]);
    const accesses = (await codeAccess(ctx)).filter((access) => !SYSTEM_TABLE.test(access.table));
    const used = new Set(accesses.map((access) => access.table.toLowerCase()));
    const unknown = new Set([...used].filter((name) => !known.has(name)));
    if (used.size === 0) return new Skip("the code queries no table");
    if (unknown.size / used.size > ctx.options.max_unknown)
      return new Skip(
        `${unknown.size} of ${plural(used.size, "table")} are declared nowhere in what was loaded`,
      );
    const spellings = new Set([...known].map(spellingKey));
    const connects = new Set(
      (await ctx.query("SELECT DISTINCT caller_id AS id, callee FROM trueup.code_calls ORDER BY id, callee"))
        .filter((row) =>
          /(^|[. ])(Database|DatabaseSync|connect|connectSync|Open|createClient|createConnection)$/.test(
            String(row.callee),
          ),
        )
        .map((row) => Number(row.id)),
    );
    const entries = await entriesByFunction(ctx);
    const findings: FindingDraft[] = [];
    for (const name of [...unknown].sort()) {
      if (spellings.has(spellingKey(name))) continue;
      const of = accesses.filter((access) => access.table.toLowerCase() === name);
      const [first] = of;
      if (!first || of.some((access) => connects.has(access.id))) continue;
      const reached = of.flatMap((access) => entries.get(access.id) ?? []);
      const where = [
        declared.size > 0 ? "the schema in the code" : "",
        database.size > 0 ? "the database" : "",
      ]
        .filter(Boolean)
        .join(" nor ");
      findings.push({
        title: "Code queries a table that is not there",
        message: `\`${first.table}\` is queried by ${first.function}${of.length > 1 ? ` and in ${plural(of.length - 1, "other place")}` : ""}, but ${where.includes(" nor ") ? "neither " : ""}${where} ${where.includes(" nor ") ? "has" : "does not have"} it.${
          reached.length > 0 ? ` Reached from ${listEntries(reached)}.` : ""
        }`,
        measure: { name: "accesses", value: of.length },
        evidence: {
          table: first.table,
          accesses: of.length,
          functions: [...new Set(of.map((access) => access.function))],
        },
        sql: `SELECT "function", file, line, mode, operation FROM trueup.code_access WHERE lower(table_name) = ${ctx.sql.literal(name)} ORDER BY file, line`,
        key: name,
        location: { input: target.input, table: first.table, file: first.file, line: first.line },
      });
    }
    return findings;
  },
});
