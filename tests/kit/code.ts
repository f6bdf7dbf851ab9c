/** Small source trees as data → their code facts. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { OptionValue } from "../../src/contract/check.ts";
import type { CodeFacts } from "../../src/lineage/facts.ts";
import { collectCodeFacts, writeCodeFacts } from "../../src/lineage/index.ts";
import { type AuditResult, auditTables, type TableData } from "./tables.ts";

/** What a check of code against data says about a small source tree and, where given, tables of a database. */
export async function auditCode(
  check: string,
  files: SourceTree,
  tables: Record<string, TableData> = {},
  options: Record<string, OptionValue> = {},
): Promise<AuditResult> {
  const facts = await factsFrom(files);
  return auditTables(check, tables, {
    options,
    prepare: async (store, loaded) => {
      await writeCodeFacts(store, facts);
      loaded.push({
        input: {
          name: "src",
          kind: "code",
          path: "src",
          bytes: 0,
          rows: 0,
          rejected: 0,
          tables: [],
          notes: [],
        },
        tables: [],
        log: null,
      });
    },
  });
}

/** Path → text. */
export type SourceTree = Record<string, string | Buffer>;

/** Writes the tree to a temporary folder, hands it over and removes it. */
export async function withTree<T>(files: SourceTree, work: (root: string) => Promise<T>): Promise<T> {
  const root = mkdtempSync(join(tmpdir(), "trueup-code-"));
  try {
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, file)), { recursive: true });
      writeFileSync(join(root, file), text);
    }
    return await work(root);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** The facts of a small tree. */
export function factsFrom(files: SourceTree): Promise<CodeFacts> {
  return withTree(files, (root) => collectCodeFacts(root, { threads: 1 }));
}

/** Accesses in short: `save writes usage (id, n)`, `<module> reads ?`. */
export function accessLines(facts: CodeFacts): string[] {
  return facts.access.map(
    (row) =>
      `${row.function} ${row.mode === "read" ? "reads" : `${row.operation}s`} ${row.table_name ?? "?"}${
        row.columns.length > 0 ? ` (${row.columns.join(", ")})` : ""
      }`,
  );
}

/** Resolved call edges in short: `route -http-> GET`. */
export function callLines(facts: CodeFacts): string[] {
  const nameOf = (id: number) => facts.functions[id - 1]?.qualified ?? "?";
  return facts.calls
    .filter((call) => call.callee_id !== null)
    .map((call) => `${nameOf(call.caller_id)} -${call.how}-> ${nameOf(call.callee_id as number)}`);
}

/** Entries in short: `route GET /api/usage → GET`. */
export function entryLines(facts: CodeFacts): string[] {
  return facts.entries.map(
    (entry) => `${entry.kind} ${entry.name} → ${facts.functions[entry.function_id - 1]?.qualified}`,
  );
}
