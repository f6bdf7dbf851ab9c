/** Finds one table under two spellings: one that the code uses and one that it only declares. */

import { defineCheck } from "../src/contract/check.ts";
import {
  type CodeAccess,
  codeAccess,
  codeSchema,
  codeTargets,
  databaseTables,
  spellingKey,
} from "../src/contract/code.ts";
import type { FindingDraft } from "../src/contract/finding.ts";
import { plural } from "../src/contract/wording.ts";

interface Spelling {
  name: string;
  declared: { file: string; line: number; how: string }[];
  reads: CodeAccess[];
  writes: CodeAccess[];
  /** Rows in the database; null when no loaded database has it. */
  rows: number | null;
}

export default defineCheck({
  id: "table-name-drift",
  meta: {
    title: "One table has two names",
    severity: "warning",
    what: "Compares the names of tables in schema code, models, migrations, queries and the loaded databases, and finds one name in two spellings (`usageRecords` and `usage_records`, singular and plural) of which the code uses one and leaves the other.",
    why: "Both get created, one stays empty, and whoever looks at the empty one believes that nothing is recorded. Seen where a schema object's key was camelCase and a migration's table snake_case.",
    fix: "Decide on one spelling. Change the declaration to the name that holds the rows, move rows of the other table first if it has any, and drop the empty table in a migration.",
    silent: [
      "Tables of different meaning whose names share a word (`usageDaily`, `usageHistory`) have no common spelling.",
      "Two spellings that the code both writes and reads are two tables.",
      "Two that are declared side by side in one file are two tables, unless the code writes one and reads the other, or a database shows the unused one empty beside rows of the other.",
      "A class and the table it is mapped to (`UsageRecord` to `usage_records`) are one table, and so are names that differ in case only.",
      "A name that a later migration renames or drops is history.",
    ],
    needs: "source code",
  },
  options: {},
  targets: codeTargets,
  async run(target, ctx) {
    const groups = new Map<string, Map<string, Spelling>>();
    const spelling = (name: string): Spelling => {
      const key = spellingKey(name);
      const group = groups.get(key) ?? new Map<string, Spelling>();
      groups.set(key, group);
      const same = name.toLowerCase();
      const known = group.get(same) ?? { name, declared: [], reads: [], writes: [], rows: null };
      group.set(same, known);
      return known;
    };
    const { gone } = await codeSchema(ctx);
    for (const row of await ctx.query(
      "SELECT name, how, file, line FROM trueup.code_tables ORDER BY file, line, name",
    ))
      if (!gone.has(String(row.name).toLowerCase()))
        spelling(String(row.name)).declared.push({
          file: String(row.file),
          line: Number(row.line),
          how: String(row.how),
        });
    for (const access of await codeAccess(ctx)) {
      if (gone.has(access.table.toLowerCase())) continue;
      const known = spelling(access.table);
      (access.mode === "read" ? known.reads : known.writes).push(access);
    }
    const tables = databaseTables(ctx.evidence);
    for (const [name, table] of tables) {
      const group = groups.get(spellingKey(name));
      if (group) spelling(name).rows = table.rows;
    }
    const findings: FindingDraft[] = [];
    for (const group of groups.values()) {
      const all = [...group.values()];
      const used = all
        .filter((one) => one.reads.length + one.writes.length > 0)
        .sort((a, b) => weight(b) - weight(a));
      const main = used[0];
      if (!main || all.length < 2) continue;
      for (const other of all)
        if (other !== main && drifts(main, other)) findings.push(draft(target.input, main, other));
    }
    return findings;
  },
});

function weight(spelling: Spelling): number {
  return (spelling.rows ?? 0) * 1000 + spelling.reads.length + spelling.writes.length;
}

/** Both stand in one schema, each written down by hand: whoever did that saw the other, and means two tables. */
function isSideBySide(a: Spelling, b: Spelling): boolean {
  return a.declared.some((one) => b.declared.some((two) => one.file === two.file && one.how === two.how));
}

/** The other spelling is declared and left alone, or the code writes one and reads the other. */
function drifts(main: Spelling, other: Spelling): boolean {
  const accesses = other.reads.length + other.writes.length;
  // Of two that are declared side by side, only rows tell that one was meant to be the other.
  if (accesses === 0 && isSideBySide(main, other)) return other.rows === 0 && (main.rows ?? 0) > 0;
  if (accesses === 0) return other.declared.length > 0 || other.rows !== null;
  if (other.rows === 0 && (main.rows ?? 0) > 0) return true;
  const isSplit = (a: Spelling, b: Spelling) =>
    a.writes.length > 0 && a.reads.length === 0 && b.reads.length > 0 && b.writes.length === 0;
  if (isSplit(main, other) || isSplit(other, main)) return true;
  // Used, but nowhere declared, beside a spelling that is.
  return (
    (other.declared.length === 0 && other.rows === null) !==
    (main.declared.length === 0 && main.rows === null)
  );
}

function draft(input: string, main: Spelling, other: Spelling): FindingDraft {
  const both = main.rows !== null && other.rows !== null;
  const rowsOf = (one: Spelling) =>
    one.rows === null ? "" : ` (${plural(one.rows, "row")} in the database)`;
  const place = other.declared[0] ?? other.writes[0] ?? other.reads[0] ?? main.declared[0];
  const uses = `${plural(main.writes.length, "write")} and ${plural(main.reads.length, "read")}`;
  const left =
    other.reads.length + other.writes.length === 0
      ? `no code uses it`
      : `${plural(other.writes.length, "write")} and ${plural(other.reads.length, "read")} use it`;
  return {
    title: "One table has two names",
    message: `\`${other.name}\`${rowsOf(other)} and \`${main.name}\`${rowsOf(main)} are one table under two spellings: the code has ${uses} of \`${main.name}\`; \`${other.name}\` is ${
      other.declared[0]
        ? `declared as ${other.declared[0].how}`
        : other.rows !== null
          ? "in the database"
          : "named in queries"
    }, ${left}.`,
    severity:
      both && (main.rows === 0 || other.rows === 0 || (main.rows ?? 0) + (other.rows ?? 0) > 0)
        ? "error"
        : "warning",
    measure: { name: "spellings", value: 2 },
    evidence: {
      used: main.name,
      used_rows: main.rows,
      unused: other.name,
      unused_rows: other.rows,
      declared: other.declared.map((one) => `${one.file}:${one.line}`),
      used_declared: main.declared.map((one) => `${one.file}:${one.line}`),
    },
    sql: "SELECT name, declared_as, how, file, line FROM trueup.code_tables ORDER BY name, file, line",
    key: `${other.name.toLowerCase()} ${main.name.toLowerCase()}`,
    location: { input, table: other.name, file: place?.file ?? null, line: place?.line ?? null },
  };
}
