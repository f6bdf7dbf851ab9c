/** Columns or types that differ from an earlier or another state of the same schema, or from what code declares. */

import { type CheckContext, defineCheck, Skip } from "../src/contract/check.ts";
import { codeTargets, bareName as lastName, SYSTEM_TABLE } from "../src/contract/code.ts";
import type { Evidence, SchemaReference, Table } from "../src/contract/evidence.ts";
import type { FindingDraft } from "../src/contract/finding.ts";
import { plural } from "../src/contract/wording.ts";

interface Compared {
  kind: "reference";
  /** The table's name in this audit. */
  name: string;
  input: string | null;
  reference: string;
  before: ReadonlyMap<string, string>;
  /** Null when the table is gone. */
  after: ReadonlyMap<string, string> | null;
}

/** Spellings of one type that databases and drivers use for each other. */
const SAME_TYPES: readonly (readonly string[])[] = [
  ["int", "int4", "integer", "serial", "mediumint"],
  ["int8", "bigint", "bigserial", "long"],
  ["int2", "smallint", "smallserial", "short"],
  ["float8", "double precision", "double", "real8"],
  ["float4", "real", "float"],
  ["bool", "boolean"],
  ["text", "varchar", "character varying", "string", "clob"],
  ["timestamptz", "timestamp with time zone"],
  ["timestamp", "timestamp without time zone", "datetime"],
  ["numeric", "decimal"],
  ["json", "jsonb"],
];

/** A type without its length, in one spelling. */
function plainType(type: string): string {
  const bare = type
    .toLowerCase()
    .replace(/\(.*?\)/g, "")
    .replace(/\s+/g, " ")
    .trim();
  return SAME_TYPES.find((group) => group.includes(bare))?.[0] ?? bare;
}

/** The name behind the input's: `prod.billing.usage` → `billing.usage`. */
function bareName(table: Table): string {
  return table.name.slice(table.name.indexOf(".") + 1);
}

/** Column → type; a column without a type was declared without one. */
function columnsOf(table: Table): Map<string, string> {
  return new Map(
    table.columns
      .filter((c) => !c.name.includes(".") || c.declared !== "")
      .map((c) => [c.name, c.declared || c.type]),
  );
}

function comparisons(evidence: Evidence, reference: SchemaReference): Compared[] {
  const names = new Set(reference.tables.map((t) => t.name));
  const tables = evidence.tables.filter((t) => t.form === "table");
  const inputs = reference.input
    ? [reference.input]
    : [...new Set(tables.filter((t) => names.has(bareName(t))).map((t) => t.input))];
  return inputs.flatMap((input) =>
    reference.tables.map((before): Compared => {
      const now = tables.find((t) => t.input === input && bareName(t) === before.name);
      return {
        kind: "reference",
        name: now?.name ?? `${input}.${before.name}`,
        input,
        reference: reference.label,
        before: new Map(before.columns.map((c) => [c.name, c.type])),
        after: now ? columnsOf(now) : null,
      };
    }),
  );
}

/** All declarations of the code against all tables of the databases. */
interface Declared {
  kind: "code";
  name: string;
  input: string;
}

/** One place where code declares a table. */
interface Declaration {
  how: string;
  file: string;
  line: number;
  columns: string[];
}

/** Inputs whose tables programs create. */
const DATABASES = /^(sqlite|duckdb|postgres|postgres-archive|sql-dump)$/;
/** Columns that an ORM adds to a model unasked. */
const UNASKED = /^(id|createdat|updatedat|deletedat|version)$/;
/** Migrations in code (Alembic, Knex …) that take columns away, whose names are not read. */
const TAKES_AWAY =
  /(^|[._ ])(drop_?columns?|alter_?column|rename_?column|remove_?field|rename_?field|batch_alter_table)$/i;
/** Of the smaller of two sets of columns, the share that makes them the same table. */
const COMMON_MIN = 0.5;

const plainName = (name: string) => name.toLowerCase().replace(/[_\s]/g, "");

/** The declarations of each table by its name in lower case, those of tests left out. */
async function declarationsOf(ctx: CheckContext): Promise<Map<string, Declaration[]>> {
  const rows = await ctx.query(
    `SELECT lower(name) AS name, how, file, line, columns FROM trueup.code_tables
     WHERE len(columns) > 0 AND file NOT IN (SELECT file FROM trueup.code_functions WHERE is_test)
     ORDER BY file, line, name`,
  );
  const tables = new Map<string, Declaration[]>();
  for (const { name, how, file, line, columns } of rows) {
    if (SYSTEM_TABLE.test(String(name)) || !Array.isArray(columns)) continue;
    const one = { how: String(how), file: String(file), line: Number(line), columns: columns.map(String) };
    tables.set(String(name), [...(tables.get(String(name)) ?? []), one]);
  }
  return tables;
}

/** Table → columns that code reads or writes, in lower case. */
async function usedColumns(ctx: CheckContext): Promise<Set<string>> {
  const rows = await ctx.query(
    `SELECT DISTINCT lower(table_name) AS "table", lower(column_name) AS "column"
     FROM (SELECT table_name, unnest(columns) AS column_name FROM trueup.code_access WHERE NOT is_test)
     WHERE table_name IS NOT NULL ORDER BY ALL`,
  );
  return new Set(rows.map((row) => `${row.table} ${row.column}`));
}

/** What code declares against what the databases have: one draft per table that differs. */
async function codeDrafts(target: Declared, ctx: CheckContext): Promise<FindingDraft[] | Skip> {
  const declarations = await declarationsOf(ctx);
  const kinds = new Map(ctx.evidence.inputs.map((input) => [input.name, input.kind]));
  const tables = ctx.evidence.tables.filter(
    (table) =>
      table.form === "table" &&
      DATABASES.test(kinds.get(table.input) ?? "") &&
      declarations.has(lastName(table.name).toLowerCase()),
  );
  if (tables.length === 0) return new Skip("the code declares the columns of no table that was loaded");
  const used = await usedColumns(ctx);
  const derived = await ctx.query(
    "SELECT lower(target) AS target, lower(source) AS source, how FROM trueup.code_derived WHERE how IN ('drop', 'rename', 'drop-column') ORDER BY ALL",
  );
  const rebuilt = new Set(
    derived.filter((row) => row.how !== "drop-column").flatMap((row) => [row.target, row.source]),
  );
  const dropped = new Set(
    derived.filter((row) => row.how === "drop-column").map((row) => `${row.target} ${row.source}`),
  );
  const calls = await ctx.query("SELECT DISTINCT callee FROM trueup.code_calls ORDER BY callee");
  const takesAway = calls.some((row) => TAKES_AWAY.test(String(row.callee)));
  return tables.flatMap((table) => {
    const name = lastName(table.name).toLowerCase();
    const all = declarations.get(name) ?? [];
    const models = all.filter((one) => one.how === "orm" || one.how === "schema");
    // Statements give the state only where every one of them is read; models stand for themselves.
    if (models.length === 0 && (rebuilt.has(name) || takesAway)) return [];
    const spell = models.length > 0 ? plainName : (column: string) => column.toLowerCase();
    const has = new Set([...columnsOf(table).keys()].map(spell));
    const known = new Set(all.flatMap((one) => one.columns.map(spell)));
    const common = [...known].filter((column) => has.has(column)).length;
    const isWhole = all.some((one) => one.columns.length > 1);
    if (!isWhole || common < Math.min(known.size, has.size) * COMMON_MIN) return [];
    const lacks = (one: Declaration) =>
      one.columns.filter((c) => !has.has(spell(c)) && !dropped.has(`${name} ${c.toLowerCase()}`));
    const current = models.length > 0 ? models : all;
    // Programs that share a table may declare different parts and states of it: one that fits is enough.
    const fits = models.length > 1 && models.some((one) => lacks(one).length === 0);
    const missing = fits ? [] : [...new Set(current.flatMap(lacks))];
    const undeclared = [...columnsOf(table).keys()].filter(
      (column) =>
        !known.has(spell(column)) &&
        !used.has(`${name} ${column.toLowerCase()}`) &&
        !(models.length > 0 && UNASKED.test(plainName(column))),
    );
    if (missing.length + undeclared.length === 0) return [];
    const place =
      current.find((one) => lacks(one).length > 0 && !fits) ?? current.find((one) => one.columns.length > 1);
    return [codeDraft(target, ctx, table, place ?? (all[0] as Declaration), missing, undeclared)];
  });
}

function codeDraft(
  target: Declared,
  ctx: CheckContext,
  table: Table,
  place: Declaration,
  missing: string[],
  undeclared: string[],
): FindingDraft {
  const parts = [
    missing.length > 0 ? `the code declares ${missing.join(", ")}, which the table does not have` : "",
    undeclared.length > 0 ? `the table has ${undeclared.join(", ")}, which no declaration names` : "",
  ].filter((part) => part !== "");
  const name = ctx.sql.literal(lastName(table.name).toLowerCase());
  return {
    title: "The code declares other columns than the database has",
    message: `${table.name} (declared in ${place.file}:${place.line}): ${parts.join("; ")}.`,
    measure: { name: "differing_columns", value: missing.length + undeclared.length },
    evidence: { table: table.name, missing, undeclared, declared: `${place.file}:${place.line}` },
    sql: `SELECT how AS place, file, line, unnest(columns) AS name FROM trueup.code_tables WHERE lower(name) = ${name}
UNION ALL SELECT 'database', NULL, NULL, name FROM trueup.columns WHERE table_name = ${ctx.sql.literal(table.name)}
ORDER BY ALL`,
    location: { input: target.input, table: table.name, file: place.file, line: place.line },
    key: `code ${table.name} ${[...missing, ...undeclared].sort().join(",")}`,
    fix: "Run the migration that is missing, or write one; if the database is right, correct the declaration.",
  };
}

export default defineCheck({
  id: "schema-drift",
  meta: {
    title: "The schema differs",
    severity: "warning",
    what: "Compares the tables and columns with those of another input (`--against`) or of the baseline, and reports columns that are gone, new or of another type, and tables that are gone. With source code beside a database it compares the columns that models, schemas and migrations declare with those of the table.",
    why: "Two copies of a database that drifted apart answer the same query differently: in one system `status` was `validation_status` in half of the databases.",
    fix: "Run the migration that is missing, or change the code that still expects the old columns.",
    silent: [
      "The order of the columns differs.",
      "A type is spelled in another way (`int4` and `integer`) or has another length.",
      "Nothing is there to compare with.",
      "Code that declares no columns of a table, or only adds some to it: all declarations of a table are taken together.",
      "A column that a migration drops or renames; tables that migrations rename, drop or rebuild.",
      "A column of the database that the code's own queries use, or that an ORM adds unasked (`id`, `created_at`).",
      "A table that shares only its name with the declared one, and system tables.",
    ],
    needs: "a schema to compare with: source code beside a database, --against INPUT, or a baseline",
  },
  options: {},
  targets: (evidence): (Compared | Declared)[] => [
    ...evidence.references.flatMap((reference) => comparisons(evidence, reference)),
    ...codeTargets(evidence).map((one): Declared => ({ kind: "code", ...one })),
  ],
  run: async (target, ctx) => {
    if (target.kind === "code") return codeDrafts(target, ctx);
    const location = { input: target.input, table: target.after ? target.name : null };
    const sql = `SELECT name, type, role FROM trueup.columns WHERE table_name = ${ctx.sql.literal(target.name)} ORDER BY name`;
    if (target.after === null)
      return [
        {
          title: "A table is gone",
          message: `${target.name} is not there; ${target.reference} has it with ${plural(target.before.size, "column")}.`,
          measure: { name: "missing_columns", value: target.before.size },
          evidence: { reference: target.reference, removed: [...target.before.keys()] },
          sql,
          location,
          key: "table",
        } satisfies FindingDraft,
      ];
    const { before, after } = target;
    const removed = [...before.keys()].filter((name) => !after.has(name));
    const added = [...after.keys()].filter((name) => !before.has(name));
    const changed = [...before].flatMap(([name, type]) => {
      const now = after.get(name);
      return now !== undefined && now !== "" && type !== "" && plainType(now) !== plainType(type)
        ? [{ column: name, before: type, after: now }]
        : [];
    });
    if (removed.length + added.length + changed.length === 0) return [];
    const parts = [
      removed.length > 0 ? `${removed.join(", ")} ${removed.length === 1 ? "is" : "are"} gone` : "",
      added.length > 0 ? `${added.join(", ")} ${added.length === 1 ? "is" : "are"} new` : "",
      ...changed.map((c) => `${c.column} is ${c.after} instead of ${c.before}`),
    ].filter((part) => part !== "");
    return [
      {
        title: "Columns differ",
        message: `Against ${target.reference}: ${parts.join("; ")}.`,
        measure: { name: "differing_columns", value: removed.length + added.length + changed.length },
        evidence: { reference: target.reference, removed, added, changed },
        sql,
        location,
        key: [...removed, ...added, ...changed.map((c) => c.column)].sort().join(","),
      },
    ];
  },
});
