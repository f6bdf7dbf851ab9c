/** The SQL of the built-in extractor: from kept lines to one row per usage that a line or an entry tells. */

import { literal } from "../../../store/index.ts";
import type { Reading } from "../reading.ts";
import { countSql } from "./counts.ts";
import {
  COUNT_KEY_HINT,
  COUNT_KEYS,
  DETAIL_KEYS,
  EXACT_PATTERN,
  type KeyPattern,
  LIMITS,
  LINE_PATTERNS,
  OVERHEAD_PATTERNS,
} from "./patterns.ts";

const COUNTS = COUNT_KEYS.map((key) => key.role);
const OVERHEAD = OVERHEAD_PATTERNS.map((one) => one.column);
const TEXTS = ["model", "provider", "status"];

const containsAny = (text: string, words: readonly string[]) =>
  `(${words.map((word) => `contains(${text}, ${literal(word)})`).join(" OR ")})`;

/**
 * Rows (line, time, entry, counts, details). The most common wording is read first and alone, as a log can have it
 * on every tenth line; then the other wordings, then keys on what is left. Lines that tell one
 * count each (`promptTokens: 347,` then `completionTokens: 32,`) are one usage when they are of one entry.
 * @param kept quoted (line, time, entry, own, text)
 * @param others tables whose lines another extractor has understood
 * @param reading knows where level and logger stand
 */
export function usageSql(kept: string, others: readonly string[], reading: Reading): string {
  const free = others.map((table) => `AND line NOT IN (SELECT line FROM ${table})`).join(" ");
  let stage = `SELECT *, '' AS matched FROM ${kept} WHERE (contains(text, 'oken') OR contains(text, ' | '))
    AND line NOT IN (SELECT line FROM exact WHERE found.input_tokens <> '') ${free}`;
  LINE_PATTERNS.forEach(({ contains, pattern, groups }, i) => {
    const names = groups.map(literal).join(", ");
    const main = `p${i}.${groups.includes("input_tokens") ? "input_tokens" : "total_tokens"}`;
    stage = `SELECT * REPLACE (CASE WHEN ${main} <> '' THEN ${literal(String(i))} ELSE matched END AS matched)
      FROM (SELECT *, CASE WHEN matched = '' AND contains(text, ${literal(contains)})
        THEN regexp_extract(text, ${literal(pattern)}, [${names}]) END AS p${i} FROM (${stage}))`;
  });
  const worded = (role: string) =>
    LINE_PATTERNS.flatMap(({ groups }, i) =>
      (groups as readonly string[]).includes(role)
        ? [`CASE WHEN matched = ${literal(String(i))} THEN p${i}.${role} END`]
        : [],
    );
  const keyed = (key: KeyPattern, text: string, condition: string) =>
    `CASE WHEN ${condition} AND ${containsAny(text, key.contains)} THEN regexp_extract(${text}, ${literal(key.pattern)}, 1) END`;
  const first = (values: readonly string[]) =>
    values.length === 0 ? "NULL" : `nullif(COALESCE(${[...values, "NULL"].join(", ")}), '')`;
  // Of a running total and the last call beside it, the call is what counts.
  const clean = `CASE WHEN matched = '' AND regexp_matches(text, ${literal(COUNT_KEY_HINT)}) THEN
    regexp_replace(CASE WHEN contains(text, 'last_token_usage') THEN substr(text, strpos(text, 'last_token_usage'))
      ELSE text END, ${literal(LIMITS)}, '', 'g') END`;
  const counts = COUNT_KEYS.map(
    (key) => `${first([...worded(key.role), keyed(key, "clean", "clean IS NOT NULL")])} AS ${key.role}`,
  );
  const extra = OVERHEAD_PATTERNS.map(
    ({ column, contains, pattern }) => `CASE WHEN contains(text, ${literal(contains)})
      THEN TRY_CAST(regexp_extract(text, ${literal(pattern)}, 1) AS BIGINT) END AS ${column}`,
  );
  const read = `SELECT line, time, entry, own, text, matched, ${LINE_PATTERNS.map((_, i) => `p${i}`).join(", ")}, ${[...counts, ...extra].join(", ")}
    FROM (SELECT *, ${clean} AS clean FROM (${stage}))`;
  const typed = `SELECT * REPLACE (${COUNTS.map((role) => `${countSql(role)} AS ${role}`).join(", ")}) FROM (${read})`;
  const any = COUNTS.slice(0, 3)
    .map((role) => `${role} IS NOT NULL`)
    .join(" OR ");
  const details = (worded: (role: string) => string[]) => {
    const detail = (role: string) => {
      const key = DETAIL_KEYS.find((one) => one.role === role);
      return first([...worded(role), ...(key ? [keyed(key, "text", "TRUE")] : [])]);
    };
    return [
      ...TEXTS.map((role) => `${detail(role)} AS ${role}`),
      `TRY_CAST(${detail("cost")} AS DECIMAL(38, 12)) AS cost`,
      `${detail("id")} AS id`,
      `${detail("session_id")} AS session_id`,
    ].join(", ");
  };
  const logged = (relation: string) => reading.withFields(relation, "own", ["level", "logger"]);
  const told = `SELECT *, ${details(worded)}, matched <> '' OR own OR (input_tokens IS NOT NULL AND output_tokens IS NOT NULL) AS whole,
    concat_ws(' ', ${COUNTS.map((role) => `CASE WHEN ${role} IS NOT NULL THEN '${role}' END`).join(", ")}) AS tells
    FROM (${logged(`(SELECT * FROM (${typed}) WHERE ${any})`)})`;
  const merged = [...COUNTS, ...OVERHEAD, ...TEXTS, "cost", "id", "session_id", "level", "logger"];
  const { start, pattern, groups } = EXACT_PATTERN;
  const exactCounts = COUNTS.map((role) =>
    (groups as readonly string[]).includes(role)
      ? `TRY_CAST(found.${role} AS BIGINT) AS ${role}`
      : `CAST(NULL AS BIGINT) AS ${role}`,
  );
  return `WITH exact AS MATERIALIZED (SELECT line, time, entry, own, text, regexp_extract(
        substr(text, strpos(text, ${literal(start)})), ${literal(pattern)}, [${groups.map(literal).join(", ")}]) AS found
      FROM ${kept} WHERE contains(text, ${literal(start)}) ${free}),
    told AS MATERIALIZED (${told})
    SELECT line, time, entry, ${[...exactCounts, ...extra].join(", ")}, ${details(() => [])}, level, logger
    FROM (${logged("(SELECT * FROM exact WHERE found.input_tokens <> '')")})
    UNION ALL
    SELECT line, time, entry, ${merged.join(", ")} FROM told WHERE whole
    UNION ALL
    SELECT min(entry_line) AS line, min(time) AS time, entry, ${merged.map((name) => `min(${name}) AS ${name}`).join(", ")}
    FROM (SELECT *, least(entry, line) AS entry_line, row_number() OVER (PARTITION BY entry, tells ORDER BY line) AS nth
      FROM (SELECT * REPLACE (CASE WHEN entry = line THEN run ELSE entry END AS entry)
        FROM (SELECT *, first_value(line) OVER (PARTITION BY line - rank ORDER BY line) AS run
          FROM (SELECT *, row_number() OVER (ORDER BY line) AS rank FROM told WHERE NOT whole))))
    GROUP BY entry, nth ORDER BY line`;
}
