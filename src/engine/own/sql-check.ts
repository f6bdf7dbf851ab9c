/** An own check in SQL: a comment header that says what it is, and one SELECT of which each row is a finding. */

import { type AnyCheck, type CheckContext, defineCheck, Skip } from "../../contract/check.ts";
import type { Evidence } from "../../contract/evidence.ts";
import type { FindingDraft, Row, Severity } from "../../contract/finding.ts";
import { number } from "../../contract/wording.ts";
import { rowOf, severityOf } from "./drafts.ts";
import type { OwnFile } from "./read.ts";

/** Rows that become a finding each; the others are counted. */
const FINDINGS_MAX = 1000;

interface SqlCheck {
  id: string;
  title: string;
  severity: Severity;
  /** With `{column}` for the values of a row. */
  message: string;
  why: string;
  fix: string;
  /** Tables without which it is skipped. */
  needs: string[];
  /** Columns that tell its findings apart, or null: all texts of the row. */
  key: string[] | null;
  sql: string;
}

/** Throws one line when the header or the SQL is not there. */
export function parseSqlCheck({ file, name, text }: OwnFile): SqlCheck {
  const header = new Map<string, string>();
  const lines = text.split(/\r?\n/);
  let at = 0;
  for (; at < lines.length; at++) {
    const line = lines[at]!.trim();
    if (line !== "" && !line.startsWith("--")) break;
    const entry = /^--\s*([a-z]+)\s*:\s*(.*)$/i.exec(line);
    if (entry) header.set(entry[1]!.toLowerCase(), unquoted(entry[2]!.trim()));
  }
  const sql = lines.slice(at).join("\n").trim().replace(/;\s*$/, "");
  if (sql === "") throw new Error(`${file} holds no SELECT`);
  const id = header.get("id") ?? name;
  const title = header.get("title") ?? id;
  const list = (key: string) =>
    header
      .get(key)
      ?.split(",")
      .map((item) => item.trim())
      .filter(Boolean);
  return {
    id,
    title,
    severity: severityOf(header.get("severity") ?? "warning", file),
    message: header.get("message") ?? title,
    why: header.get("why") ?? `${file} checks it.`,
    fix: header.get("fix") ?? `See ${file}.`,
    needs: list("needs") ?? [],
    key: list("key") ?? null,
    sql,
  };
}

function unquoted(text: string): string {
  return /^"(.*)"$/s.exec(text)?.[1] ?? /^'(.*)'$/s.exec(text)?.[1] ?? text;
}

/** The check of a file. */
export function sqlCheck(file: OwnFile): AnyCheck {
  const spec = parseSqlCheck(file);
  return defineCheck({
    id: spec.id,
    meta: {
      title: spec.title,
      severity: spec.severity,
      what: `An own check: ${file.file}.`,
      why: spec.why,
      fix: spec.fix,
      silent: ["Its query returns no row."],
      needs: spec.needs.length > 0 ? `the tables ${spec.needs.join(", ")}` : "nothing",
    },
    options: {},
    own: true,
    targets: (evidence) => [{ name: subjectOf(spec.sql, evidence) ?? "*" }],
    run: async (target, ctx) => {
      const missing = spec.needs.filter((name) => !isThere(name, ctx.evidence));
      if (missing.length > 0) return new Skip(`needs the tables ${missing.join(", ")}`);
      return findingsOf(spec, target.name, ctx);
    },
  });
}

const isThere = (name: string, evidence: Evidence) =>
  evidence.tables.some((table) => table.name.toLowerCase() === name.toLowerCase());

/** The table that the query names first, or null. */
function subjectOf(sql: string, evidence: Evidence): string | null {
  const text = sql.toLowerCase().replaceAll('"', "");
  const named = evidence.tables
    .map((table) => ({ name: table.name, at: text.indexOf(table.name.toLowerCase()) }))
    .filter(({ at }) => at >= 0)
    .sort((a, b) => a.at - b.at || b.name.length - a.name.length);
  return named[0]?.name ?? null;
}

async function findingsOf(spec: SqlCheck, target: string, ctx: CheckContext): Promise<FindingDraft[]> {
  const rows = await ctx.query(spec.sql);
  const table = ctx.evidence.tables.find((one) => one.name === target);
  const location = table ? { location: { table: table.name, input: table.input } } : {};
  const findings = rows.slice(0, FINDINGS_MAX).map(
    (row): FindingDraft => ({
      title: spec.title,
      message: filled(spec.message, row),
      measure: measureOf(row),
      evidence: rowOf(row),
      sql: spec.sql,
      key: keyOf(spec, row),
      ...location,
    }),
  );
  const more = rows.length - findings.length;
  if (more > 0)
    findings.push({
      title: spec.title,
      message: `${number(more)} more rows are not told one by one.`,
      measure: { name: "rows", value: more },
      evidence: { rows: rows.length, told: findings.length },
      sql: spec.sql,
      key: "more",
      ...location,
    });
  return findings;
}

/** `{column}` → the row's value. Throws when the query returns no such column. */
function filled(message: string, row: Row): string {
  const short = rowOf(row);
  return message.replace(/\{([^{}]+)\}/g, (_, name: string) => {
    if (!Object.hasOwn(short, name))
      throw new Error(`its message names {${name}}; the query returns ${Object.keys(short).join(", ")}`);
    const value = short[name];
    return typeof value === "object" && value !== null ? JSON.stringify(value) : number(value);
  });
}

/** The first number of the row, `n` first; a row without one counts as one. */
function measureOf(row: Row): { name: string; value: number } {
  const numbers = Object.entries(row).filter(
    ([, value]) => typeof value === "number" || typeof value === "bigint",
  );
  const [name, value] = numbers.find(([column]) => column === "n") ?? numbers[0] ?? ["rows", 1];
  return { name, value: Number(value) };
}

/** Texts tell rows apart; numbers and times change from run to run. */
function keyOf({ key }: SqlCheck, row: Row): string {
  const columns = key ?? Object.keys(row).filter((column) => isStable(row[column]));
  return columns.map((column) => `${column}=${String(row[column] ?? "")}`).join("\n");
}

const isStable = (value: Row[string] | undefined) =>
  typeof value === "boolean" || (typeof value === "string" && !/^\d{4}-\d\d-\d\d([T ]|$)/.test(value));
