/** What the checks of code against data share: the code as a target, tables of the database by name, entries. */

import type { CheckContext, Target } from "./check.ts";
import type { Evidence, Table } from "./evidence.ts";
import { oncePer } from "./once.ts";
import { plural } from "./wording.ts";

type Row = Record<string, unknown>;

export interface CodeTarget extends Target {
  /** The input that findings are located in. */
  input: string;
}

/** All source code that was loaded is one target: what one tree writes another may read. */
export function codeTargets(evidence: Evidence): CodeTarget[] {
  const inputs = evidence.inputs.filter((input) => input.kind === "code" && input.error === undefined);
  const [first] = inputs;
  return first ? [{ name: inputs.map((input) => input.name).join("+"), input: first.name }] : [];
}

/** The tables of the loaded databases by bare name in lower case. */
export function databaseTables(evidence: Evidence): Map<string, Table> {
  const tables = new Map<string, Table>();
  for (const table of evidence.tables)
    if (table.form === "table") tables.set(bareName(table.name).toLowerCase(), table);
  return tables;
}

/** `router.usage_records` → `usage_records`; `app.public.users` → `users`. */
export function bareName(name: string): string {
  return name.slice(name.lastIndexOf(".") + 1);
}

/** One key for the spellings of one name: `usageRecords`, `usage_record` and `tbl_usage_records` have the same. */
export function spellingKey(name: string): string {
  const words = name
    .replace(/([\p{Ll}\d])(\p{Lu})/gu, "$1_$2")
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== "" && !/^(tbl|tb)$/.test(word));
  return words.map(singular).join("");
}

/** `records` → `record`, `entries` → `entry`; words that only end in s stay. */
export function singular(word: string): string {
  if (word.length < 4 || /(ss|us|is)$/.test(word)) return word;
  if (word.endsWith("ies")) return `${word.slice(0, -3)}y`;
  if (/(x|ch|sh|ss)es$/.test(word)) return word.slice(0, -2);
  return word.endsWith("s") ? word.slice(0, -1) : word;
}

/** An access of code that no test makes, to a table whose name is known. */
export interface CodeAccess {
  id: number;
  function: string;
  file: string;
  line: number;
  table: string;
  mode: "read" | "write";
  operation: string;
  columns: string[];
  /** Where the SQL text stands; null for builders and ORMs. */
  sql: { file: string; line: number } | null;
  /** True when the text was parsed: its columns are surely those of the statement. */
  isParsed: boolean;
}

/** `read`, run once for each evidence: facts of code do not change, and every check of code asks for the same. */
const oncePerEvidence = <T>(read: (ctx: CheckContext) => Promise<T>) => oncePer((ctx) => ctx.evidence, read);

/** Every access that counts for a check. */
export const codeAccess = oncePerEvidence(async (ctx): Promise<readonly CodeAccess[]> => {
  const rows = await ctx.query(
    `SELECT function_id AS id, "function", file, line, table_name, mode, operation, columns, sql_file, sql_line, certainty FROM trueup.code_access
     WHERE table_name IS NOT NULL AND NOT is_test ORDER BY file, line, table_name, mode, operation`,
  );
  return rows.map((row) => ({
    id: Number(row.id),
    function: String(row.function),
    file: String(row.file),
    line: Number(row.line),
    table: String(row.table_name),
    mode: row.mode === "write" ? "write" : "read",
    operation: String(row.operation),
    columns: Array.isArray(row.columns) ? row.columns.map(String) : [],
    sql: row.sql_file === null ? null : { file: String(row.sql_file), line: Number(row.sql_line) },
    isParsed: row.certainty === "sql",
  }));
});

/** Files that take a schema from one state to the next. */
export const MIGRATION_FILE =
  /(^|\/)((?:[\w.-]*[-_.])?migrations?(?:[-_.][\w.-]*)?|(?:background|data|schema|db|database)migrations?|migrate|alembic|versions|prisma\/migrations|drizzle|db\/migrate|changelogs?|flyway)\/|(^|\/)(V?\d{3,}[_-]|\d{4}[_-]?\d\d[_-]?\d\d)[^/]*\.(sql|[jt]s|py|go)$|migrat(e|ion)s?[^/]*\.(sql|[cm]?[jt]s|py|go)$/i;

const MIGRATES =
  /(^|_)migrat(e|es|ing|ion|ions)(?![a-z])|[a-z\d]Migrat(e|es|ion|ions)(?![a-z])|^Migrat(e|es|ion|ions)(?![a-z])/;

/** Whether an access belongs to a migration, by its file or its function: it speaks of the schema of its time. */
export function isOfMigration({ file, function: name }: Pick<CodeAccess, "file" | "function">): boolean {
  return MIGRATION_FILE.test(file) || MIGRATES.test(name);
}

/** What the code says of the schema; names in lower case. */
export interface CodeSchema {
  /** Tables that code declares → the columns that any declaration names. */
  declared: ReadonlyMap<string, ReadonlySet<string>>;
  /** Tables that are dropped or renamed and not made again. */
  gone: ReadonlySet<string>;
  /** Tables whose columns cannot all be read from the code; `*` for any table. */
  altered: ReadonlySet<string>;
  /** Tables that a view, a trigger, a rename or a script fills. */
  filled: ReadonlySet<string>;
  /** Tables that a view reads, or that go on under another name. */
  passedOn: ReadonlySet<string>;
  /** Tables that are given to code which may read and write them unseen. */
  lent: ReadonlySet<string>;
  /** Tables whose objects are made: they may be stored unseen. */
  made: ReadonlySet<string>;
}

/** The schema as all code that was loaded declares it. */
export const codeSchema = oncePerEvidence(async (ctx): Promise<CodeSchema> => {
  const tables = await ctx.query(
    "SELECT lower(name) AS name, how, file, line, columns FROM trueup.code_tables ORDER BY name, file, line",
  );
  const declared = new Map<string, Set<string>>();
  for (const row of tables) {
    const known = declared.get(String(row.name)) ?? new Set<string>();
    for (const column of Array.isArray(row.columns) ? row.columns : [])
      known.add(String(column).toLowerCase());
    declared.set(String(row.name), known);
  }
  const derived = await ctx.query(
    "SELECT lower(target) AS target, lower(source) AS source, how, file, line FROM trueup.code_derived ORDER BY target, source, how, file, line",
  );
  const of = (side: "target" | "source", ...hows: string[]) =>
    new Set(derived.filter((row) => hows.includes(String(row.how))).map((row) => String(row[side])));
  const made = [
    ...tables.map((row) => ({ ...row, name: row.name })),
    ...derived.filter((row) => row.how === "rename").map((row) => ({ ...row, name: row.target })),
  ];
  const taken = [
    ...derived.filter((row) => row.how === "drop").map((row) => ({ ...row, name: row.target })),
    ...derived.filter((row) => row.how === "rename").map((row) => ({ ...row, name: row.source })),
  ];
  return {
    declared,
    gone: goneTables(made, taken),
    altered: new Set([
      ...of("target", "alter"),
      ...tables
        .filter((row) => Array.isArray(row.columns) && row.columns.length === 0)
        .map((row) => String(row.name)),
    ]),
    filled: of("target", "view", "trigger", "rename", "script"),
    passedOn: of("source", "view", "rename"),
    lent: of("target", "lent"),
    made: of("target", "made"),
  };
});

/**
 * Names that are taken away and not made again. A model, a schema object and a statement in another folder stand for
 * the schema of today; migrations and scripts beside each other are history, in the order of their files and lines.
 */
function goneTables(made: readonly Row[], taken: readonly Row[]): Set<string> {
  const isAfter = (a: Row, b: Row) =>
    a.file === b.file ? Number(a.line) >= Number(b.line) : String(a.file) > String(b.file);
  const folderOf = ({ file }: Row) => String(file).replace(/[^/]*$/, "");
  const byName = new Map<string, Row[]>();
  for (const row of made) byName.set(String(row.name), [...(byName.get(String(row.name)) ?? []), row]);
  return new Set(
    taken.flatMap((out) => {
      const stands = (byName.get(String(out.name)) ?? []).some((one) =>
        one.how === "orm" || one.how === "schema" || (one.how === "ddl" && folderOf(one) !== folderOf(out))
          ? true
          : isAfter(one, out),
      );
      return stands ? [] : [String(out.name)];
    }),
  );
}

/** Functions of accesses, for a sentence: `save (a.ts:3), load (b.ts:9) and 2 more`. */
export function listFunctions(accesses: readonly CodeAccess[], shown = 3): string {
  const all = [...new Set(accesses.map((access) => `${access.function} (${access.file}:${access.line})`))];
  return all.length > shown
    ? `${all.slice(0, shown).join(", ")} and ${all.length - shown} more`
    : all.join(", ");
}

export interface CodeEntry {
  id: number;
  kind: string;
  name: string;
  file: string;
  line: number;
}

/** Accessing function → the entries that reach it, in the order of their ids. */
export const entriesByFunction = oncePerEvidence(async (ctx) => {
  const known = new Map<number, CodeEntry>();
  for (const row of await ctx.query("SELECT id, kind, name, file, line FROM trueup.code_entries ORDER BY id"))
    known.set(Number(row.id), {
      id: Number(row.id),
      kind: String(row.kind),
      name: String(row.name),
      file: String(row.file),
      line: Number(row.line),
    });
  const rows = await ctx.query(
    `SELECT r.function_id, e.id FROM trueup.code_reach r JOIN trueup.code_entries e ON e.function_id = r.start_id
     WHERE r.function_id IN (SELECT function_id FROM trueup.code_access) ORDER BY r.function_id, e.id`,
  );
  const entries = new Map<number, CodeEntry[]>();
  for (const row of rows) {
    const entry = known.get(Number(row.id)) as CodeEntry;
    const reaching = entries.get(Number(row.function_id));
    if (reaching) reaching.push(entry);
    else entries.set(Number(row.function_id), [entry]);
  }
  return entries;
});

/** `GET /api/usage, page /usage and 3 more entries`; empty for none. */
export function listEntries(entries: readonly CodeEntry[], shown = 4): string {
  const names = [
    ...new Set(entries.map((entry) => (entry.kind === "route" ? entry.name : `${entry.kind} ${entry.name}`))),
  ];
  const rest = names.length - shown;
  if (rest > 0)
    return `${names.slice(0, shown).join(", ")} and ${plural(rest, "more entry", "more entries")}`;
  return names.length < 2 ? (names[0] ?? "") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

/** Tables of the engine itself, and of frameworks whose packages declare them. */
export const SYSTEM_TABLE =
  /^((system|information_schema|pg_catalog|performance_schema|sys|mysql)\.\w+|sqlite_\w+|pg_\w+|information_schema|tables|columns|views|key_column_usage|table_constraints|dual|pragma_\w+|django_\w+|auth_(user|group|permission)(_\w+)?|authtoken_token|schema_migrations|alembic_version|_prisma_migrations|__drizzle_migrations|knex_migrations(_lock)?|excluded|new|old|inserted|deleted|duckdb_\w+|dbstat)$/i;
