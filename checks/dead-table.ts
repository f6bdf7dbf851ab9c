/** Finds tables that code writes and never reads, or reads and never writes. */

import { defineCheck } from "../src/contract/check.ts";
import {
  type CodeAccess,
  type CodeSchema,
  codeAccess,
  codeSchema,
  codeTargets,
  databaseTables,
  entriesByFunction,
  isOfMigration,
  listEntries,
  listFunctions,
  SYSTEM_TABLE,
  spellingKey,
} from "../src/contract/code.ts";
import type { FindingDraft } from "../src/contract/finding.ts";
import { plural } from "../src/contract/wording.ts";

export default defineCheck({
  id: "dead-table",
  meta: {
    title: "A table is only written or only read",
    severity: "warning",
    what: "Finds tables of the code's own schema that code writes and nothing reads, or that code reads and nothing writes; tests do not count. With a database at hand it says how many rows they hold.",
    why: "Readers that outlived their only writer show nothing for ever, without an error; a table that nobody reads costs writes and looks like a record that it is not.",
    fix: "Remove the access that is left together with the table, or restore the missing side: the writer that was removed, or the reader that was meant to use the rows.",
    silent: [
      "Tables that neither the code declares nor a loaded database has are another program's (Cursor's `itemTable`).",
      "Views, tables that a trigger or a script writes, and tables that a view reads are not looked at.",
      "A table that nothing writes but that holds rows in the database has a writer elsewhere: told as info.",
      "Tables that code gives to code which may use them unseen: a model handed to a repository, an adapter or a relation, a name given to a function that runs no SQL with it here; tables of whose model objects are made, for what is read.",
      "Locks, leases, nonces and idempotency keys: whether the write went through is all that is asked.",
      "A table that is only written and whose name says that it is kept for people or other programs (audit, outbox, archive, deleted, backup, feedback): told as info.",
      "A table that only migrations touch, or functions that are named after one, is history.",
      "A name that is a spelling of a used table belongs to `table-name-drift`.",
    ],
    needs: "source code",
  },
  options: {},
  targets: codeTargets,
  async run(target, ctx) {
    const database = databaseTables(ctx.evidence);
    const schema = await codeSchema(ctx);
    const tables = new Map<string, { reads: CodeAccess[]; writes: CodeAccess[] }>();
    for (const access of await codeAccess(ctx)) {
      const name = access.table.toLowerCase();
      const known = tables.get(name) ?? { reads: [], writes: [] };
      (access.mode === "read" ? known.reads : known.writes).push(access);
      tables.set(name, known);
    }
    const spellings = new Map<string, number>();
    for (const name of new Set([...tables.keys(), ...schema.declared.keys(), ...database.keys()]))
      spellings.set(spellingKey(name), (spellings.get(spellingKey(name)) ?? 0) + 1);
    const entries = await entriesByFunction(ctx);
    const findings: FindingDraft[] = [];
    for (const [name, { reads, writes }] of [...tables].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const sole = reads.length === 0 ? writes[0] : writes.length === 0 ? reads[0] : undefined;
      if (!sole || SYSTEM_TABLE.test(name) || schema.gone.has(name)) continue;
      if (!schema.declared.has(name) && !database.has(name)) continue;
      if (schema.lent.has(name)) continue;
      const isRead = reads.length > 0;
      if (isRead ? schema.filled.has(name) || schema.made.has(name) : isUsedByWriting(schema, name, writes))
        continue;
      if ((spellings.get(spellingKey(name)) ?? 0) > 1) continue;
      // What only migrations touch is history.
      if ([...reads, ...writes].every(isOfMigration)) continue;
      const rows = database.get(name)?.rows ?? null;
      const others = isRead ? reads : writes;
      const reached = others.flatMap((access) => entries.get(access.id) ?? []);
      findings.push({
        title: isRead ? "A table is read and never written" : "A table is written and never read",
        message: `\`${sole.table}\` is ${isRead ? "read" : "written"} by ${listFunctions(others)} and ${isRead ? "written" : "read"} by no code${
          rows === null ? "" : `; the database holds ${plural(rows, "row")}`
        }.${reached.length > 0 ? ` Reached from ${listEntries(reached)}.` : ""}`,
        severity: (isRead ? (rows ?? 0) > 0 : KEPT.test(words(sole.table))) ? "info" : "warning",
        measure: { name: "accesses", value: others.length },
        evidence: {
          table: sole.table,
          reads: reads.length,
          writes: writes.length,
          rows,
          functions: [...new Set(others.map((one) => one.function))],
        },
        sql: `SELECT "function", file, line, mode, operation FROM trueup.code_access WHERE lower(table_name) = ${ctx.sql.literal(name)} ORDER BY file, line`,
        key: name,
        location: { input: target.input, table: sole.table, file: sole.file, line: sole.line },
      });
    }
    return findings;
  },
});

/** Writing is the use of a lock or of a key that may be taken once: whether it went through is the answer. */
const TAKEN = /(^|_)(locks?|leases?|mutex|semaphores?|nonces?|idempotency|dedup\w*|heartbeats?)(_|$)/;
/** Records that code keeps for people and other programs. */
const KEPT =
  /(^|_)(audits?|audit_\w+|outbox|archived?|archives|deleted|retired|removed|backups?|feedbacks?|tombstones?|dead_letters?)(_|$)/;

function words(name: string): string {
  return name
    .replace(/([\p{Ll}\d])(\p{Lu})/gu, "$1_$2")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "_");
}

/** Nothing needs to read it: it goes on elsewhere, is only cleaned up, or holds what may be taken once. */
function isUsedByWriting(schema: CodeSchema, name: string, writes: readonly CodeAccess[]): boolean {
  return (
    schema.passedOn.has(name) ||
    TAKEN.test(words(writes[0]?.table ?? name)) ||
    writes.every((access) => access.operation === "delete")
  );
}
