/** Finds tables and columns that code queries and that neither its schema nor the database has. */

import { type CheckContext, defineCheck, Skip } from "../src/contract/check.ts";
import {
  type CodeAccess,
  type CodeEntry,
  type CodeSchema,
  codeAccess,
  codeSchema,
  codeTargets,
  databaseTables,
  entriesByFunction,
  isOfMigration,
  listEntries,
  SYSTEM_TABLE,
  spellingKey,
} from "../src/contract/code.ts";
import type { Table } from "../src/contract/evidence.ts";
import type { FindingDraft } from "../src/contract/finding.ts";
import { plural } from "../src/contract/wording.ts";

export default defineCheck({
  id: "missing-table",
  meta: {
    title: "Code queries a table or column that is not there",
    severity: "warning",
    what: "Compares the tables that code reads and writes, and the columns that its SQL names, with those that its schema, models and migrations declare and with those of the loaded databases.",
    why: "The query fails the first time it runs, often behind a caught error. Seen with a migration that never ran.",
    fix: "Run or write the migration that creates it, or correct the name in the query.",
    silent: [
      "System tables, CTEs, and tables that the same code creates at run time.",
      "What a migration queries, a file or a function that is named after it: it speaks of the schema of its time.",
      "A name that is a spelling of a declared table belongs to `table-name-drift`.",
      "Tables that a function reaches through a connection of its own, to another program's file.",
      "Code whose tables are mostly unknown: its schema is declared elsewhere. The same holds for the columns of one table.",
      "Columns of a table that code alters by names that only run time knows, and columns that an ORM or a builder names.",
    ],
    needs: "source code, and a schema in it or a database beside it",
  },
  options: {
    max_unknown: {
      describe:
        "Share of the code's tables, or of a table's columns, that may be unknown before nothing is judged (0 to 1).",
      default: 0.5,
    },
  },
  targets: codeTargets,
  async run(target, ctx) {
    const schema = await codeSchema(ctx);
    const database = databaseTables(ctx.evidence);
    const accesses = (await codeAccess(ctx)).filter(
      (access) => !SYSTEM_TABLE.test(access.table) && !isOfMigration(access),
    );
    if (accesses.length === 0) return new Skip("the code queries no table");
    const known = new Set([...schema.declared.keys(), ...database.keys()]);
    const used = new Set(accesses.map((access) => access.table.toLowerCase()));
    const unknown = new Set([...used].filter((name) => !known.has(name)));
    if (unknown.size / used.size > ctx.options.max_unknown)
      return new Skip(
        `${unknown.size} of ${plural(used.size, "table")} are declared nowhere in what was loaded`,
      );
    const found: Found = {
      ctx,
      maxUnknown: ctx.options.max_unknown,
      input: target.input,
      entries: await entriesByFunction(ctx),
      schema,
      database,
    };
    const own = await ownConnections(ctx);
    const spellings = new Set([...known].map(spellingKey));
    const findings: FindingDraft[] = [];
    for (const [name, of] of byTable(accesses)) {
      if (of.some((access) => own.has(access.id))) continue;
      if (!unknown.has(name)) findings.push(...missingColumns(found, name, of, accesses));
      else if (!spellings.has(spellingKey(name))) findings.push(draft(found, of, null));
    }
    return findings;
  },
});

/** What every finding is made with. */
interface Found {
  ctx: Pick<CheckContext, "sql">;
  maxUnknown: number;
  input: string;
  entries: ReadonlyMap<number, readonly CodeEntry[]>;
  schema: CodeSchema;
  database: ReadonlyMap<string, Table>;
}

function byTable(accesses: readonly CodeAccess[]): [string, CodeAccess[]][] {
  const tables = new Map<string, CodeAccess[]>();
  for (const access of accesses) {
    const name = access.table.toLowerCase();
    tables.set(name, [...(tables.get(name) ?? []), access]);
  }
  return [...tables].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Functions that open a database of their own. */
async function ownConnections(ctx: CheckContext): Promise<Set<number>> {
  const calls = await ctx.query(
    "SELECT DISTINCT caller_id AS id, callee FROM trueup.code_calls ORDER BY id, callee",
  );
  const opens = /(^|[. ])(Database|DatabaseSync|connect|connectSync|Open|createClient|createConnection)$/;
  return new Set(calls.filter((row) => opens.test(String(row.callee))).map((row) => Number(row.id)));
}

/** Columns that every engine has, or that only a statement has. */
const SYSTEM_COLUMN =
  /^(rowid|oid|_rowid_|ctid|xmin|xmax|cmin|cmax|tableoid|rank|rownum|value|key|true|false|user|current_\w+|\*)$/;

/** One finding for each column that no declaration and no database has. */
function missingColumns(
  found: Found,
  name: string,
  of: readonly CodeAccess[],
  all: readonly CodeAccess[],
): FindingDraft[] {
  const { schema, maxUnknown } = found;
  const known = columnsOf(found, name);
  if (known.size < 2 || schema.altered.has(name) || schema.altered.has("*") || schema.filled.has(name))
    return [];
  const named = new Map<string, CodeAccess[]>();
  for (const access of of)
    for (const column of access.isParsed ? access.columns : [])
      named.set(column.toLowerCase(), [...(named.get(column.toLowerCase()) ?? []), access]);
  const missing = [...named].filter(
    ([column, uses]) =>
      !known.has(column) &&
      !SYSTEM_COLUMN.test(column) &&
      // In a subquery a bare name may be the outer table's.
      !uses.some((use) =>
        all.some((other) => isBeside(use, other) && columnsOf(found, other.table).has(column)),
      ),
  );
  if (missing.length === 0 || missing.length / named.size > maxUnknown) return [];
  return missing.sort(([a], [b]) => (a < b ? -1 : 1)).map(([column, uses]) => draft(found, uses, column));
}

/** Another table of the same statement. */
function isBeside(use: CodeAccess, other: CodeAccess): boolean {
  return other !== use && other.id === use.id && other.line === use.line && other.table !== use.table;
}

function columnsOf({ schema, database }: Found, table: string): Set<string> {
  const name = table.toLowerCase();
  return new Set([
    ...(schema.declared.get(name) ?? []),
    ...(database.get(name)?.columns.map((column) => column.name.toLowerCase()) ?? []),
  ]);
}

function draft(found: Found, uses: readonly CodeAccess[], column: string | null): FindingDraft {
  const { schema, database, entries, ctx } = found;
  const first = uses[0] as CodeAccess;
  const name = first.table.toLowerCase();
  const isDeclared = column === null ? schema.declared.size > 0 : schema.declared.has(name);
  const isLoaded = column === null ? database.size > 0 : database.has(name);
  const places = [isDeclared ? "the schema in the code" : "", isLoaded ? "the database" : ""].filter(Boolean);
  const has = places.length > 1 ? `neither ${places.join(" nor ")} has it` : `${places[0]} does not have it`;
  const reached = uses.flatMap((access) => entries.get(access.id) ?? []);
  const what = column === null ? `\`${first.table}\`` : `column \`${column}\` of \`${first.table}\``;
  return {
    title: `Code queries a ${column === null ? "table" : "column"} that is not there`,
    message: `${what} is queried by ${first.function}${uses.length > 1 ? ` and in ${plural(uses.length - 1, "other place")}` : ""}, but ${has}.${
      reached.length > 0 ? ` Reached from ${listEntries(reached)}.` : ""
    }`,
    measure: { name: "accesses", value: uses.length },
    evidence: {
      table: first.table,
      ...(column === null ? {} : { column }),
      accesses: uses.length,
      functions: [...new Set(uses.map((access) => access.function))],
    },
    sql: `SELECT "function", file, line, mode, operation, columns FROM trueup.code_access WHERE lower(table_name) = ${ctx.sql.literal(name)} ORDER BY file, line`,
    key: column === null ? name : `${name} ${column}`,
    location: {
      input: found.input,
      table: first.table,
      ...(column === null ? {} : { column }),
      file: column === null ? first.file : (first.sql?.file ?? first.file),
      line: column === null ? first.line : (first.sql?.line ?? first.line),
    },
  };
}
