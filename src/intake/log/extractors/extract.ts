/** Runs the extractors over the kept lines: events, and the lines that should have been events. */

import { messageOf, UserError } from "../../../contract/errors.ts";
import type { LoadedTable } from "../../../contract/loaded.ts";
import { ROLE_TYPES, ROLES } from "../../../contract/roles.ts";
import type { ExtractSpec } from "../../../contract/settings.ts";
import { ident, literal, qualified } from "../../../store/index.ts";
import type { IntakeContext, Source } from "../../context.ts";
import { keptTable } from "../kept.ts";
import type { Reading } from "../reading.ts";
import { countSql } from "./counts.ts";
import { describeEvents } from "./events.ts";
import { NOT_USAGE, USAGE_WORDING } from "./patterns.ts";
import { usageSql } from "./usage.ts";

/** The built-in extractor's name, and its table's. */
export const TOKEN_USAGE = "token_usage";

/** Characters of a near miss that are kept. */
const TEXT_MAX = 300;

/** Creates `<input>.<extractor>` for every extractor that matched and fills `trueup.near_misses`. */
export async function extractEvents(
  source: Source,
  reading: Reading,
  ctx: IntakeContext,
): Promise<LoadedTable[]> {
  const tables: LoadedTable[] = [];
  for (const spec of ctx.settings.extract) {
    const table = await runOwn(source, spec, ctx);
    if (table) tables.push(table);
  }
  if (!ctx.settings.extract.some((spec) => spec.name === TOKEN_USAGE)) {
    const table = await runBuiltIn(source, reading, ctx);
    if (table) tables.push(table);
  }
  return tables;
}

/** SQL that is true for lines whose text an extractor may need. `text` is the SQL of the line's text. */
export function wantedSql(text: string, extract: readonly ExtractSpec[], pipes: boolean): string {
  const own = extract.map((spec) =>
    spec.anchors.length > 0
      ? spec.anchors.map((anchor) => `contains(${text}, ${literal(anchor)})`).join(" AND ")
      : `regexp_matches(${text}, ${literal(plainGroups(spec.pattern).pattern)})`,
  );
  return [
    `contains(${text}, 'oken')`,
    ...(pipes ? [`contains(${text}, ' | ')`] : []),
    ...own.map((condition) => `(${condition})`),
  ].join(" OR ");
}

async function runBuiltIn(source: Source, reading: Reading, ctx: IntakeContext): Promise<LoadedTable | null> {
  const { store } = ctx;
  const taken = ctx.settings.extract.map((spec) => qualified(source.name, spec.name));
  const own = await existing(ctx, taken);
  const table = qualified(source.name, TOKEN_USAGE);
  await store.run(`CREATE TABLE ${table} AS ${usageSql(keptTable(source), own, reading)}`);
  const input = literal(source.name);
  const wording = literal(USAGE_WORDING);
  const covered = [table, ...own].map((t) => `AND line NOT IN (SELECT line FROM ${t})`).join(" ");
  await store.run(`INSERT INTO trueup.near_misses
    WITH rest AS MATERIALIZED (SELECT line, time, text FROM ${keptTable(source)}
      WHERE entry NOT IN (SELECT entry FROM ${table}) ${covered})
    SELECT ${input}, line, time, ${literal(TOKEN_USAGE)}, left(text, ${TEXT_MAX}) FROM rest
    WHERE regexp_matches(text, ${wording}) AND NOT regexp_matches(text, ${literal(NOT_USAGE)}) ORDER BY line`);
  return describeEvents(source, TOKEN_USAGE, ctx);
}

async function existing(ctx: IntakeContext, tables: readonly string[]): Promise<string[]> {
  const rows = await ctx.store.all("SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT internal");
  const names = new Set(rows.map((row) => qualified(String(row.schema_name), String(row.table_name))));
  return tables.filter((table) => names.has(table));
}

async function runOwn(source: Source, spec: ExtractSpec, ctx: IntakeContext): Promise<LoadedTable | null> {
  const { store } = ctx;
  const { pattern, groups } = plainGroups(spec.pattern);
  try {
    await store.run(`SELECT regexp_matches('', ${literal(pattern)})`);
  } catch (error) {
    throw new UserError(`extract ${spec.name}: the pattern is no RE2 expression: ${messageOf(error)}`);
  }
  const named = groups.filter((name) => !name.startsWith("_"));
  if (named.length === 0)
    throw new UserError(
      `extract ${spec.name}: the pattern has no named group, such as (?<input_tokens>\\d+)`,
    );
  const table = qualified(source.name, spec.name);
  const list = groups.map(literal).join(", ");
  const columns = [...new Set(named)]
    .filter((name) => name !== "time" && name !== "line")
    .map((name) => `${groupSql(`found[${literal(name)}]`, name)} AS ${ident(name)}`);
  const anchored = spec.anchors.map((anchor) => `contains(text, ${literal(anchor)})`).join(" AND ") || "TRUE";
  await store.run(`CREATE TABLE ${table} AS SELECT line, time, entry, ${columns.join(", ")} FROM
    (SELECT line, time, entry, regexp_extract(text, ${literal(pattern)}, [${list}]) AS found FROM ${keptTable(source)}
     WHERE ${anchored} AND regexp_matches(text, ${literal(pattern)})) ORDER BY line`);
  // The time that begins a line has numbers too: only what follows the anchors counts.
  const start = `least(${spec.anchors.map((anchor) => `strpos(text, ${literal(anchor)})`).join(", ")})`;
  if (spec.anchors.length > 0)
    await store.run(`INSERT INTO trueup.near_misses
      SELECT ${literal(source.name)}, line, time, ${literal(spec.name)}, left(text, ${TEXT_MAX}) FROM ${keptTable(source)}
      WHERE ${anchored} AND regexp_matches(substr(text, ${start}), '\\d|N/A') AND NOT regexp_matches(text, ${literal(pattern)}) ORDER BY line`);
  return describeEvents(source, spec.name, ctx);
}

/** Text that a group caught, typed as its role. */
function groupSql(text: string, role: string): string {
  const type = (ROLES as readonly string[]).includes(role)
    ? ROLE_TYPES[role as keyof typeof ROLE_TYPES]
    : "VARCHAR";
  return type === "BIGINT" ? countSql(text) : `TRY_CAST(nullif(${text}, '') AS ${type ?? "VARCHAR"})`;
}

/** Named groups become plain ones, which is all that RE2 in DuckDB takes; `groups` names each in its order. */
export function plainGroups(pattern: string): { pattern: string; groups: string[] } {
  const groups: string[] = [];
  let plain = "";
  let inClass = false;
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i] as string;
    if (char === "\\") {
      plain += char + (pattern[++i] ?? "");
      continue;
    }
    if (char === "[") inClass = true;
    else if (char === "]") inClass = false;
    plain += char;
    if (char !== "(" || inClass) continue;
    const name = /^\?P?<([A-Za-z_]\w*)>/.exec(pattern.slice(i + 1));
    if (name) {
      groups.push(name[1] as string);
      i += name[0].length;
    } else if (pattern[i + 1] !== "?") groups.push(`_${groups.length + 1}`);
  }
  return { pattern: plain, groups };
}
