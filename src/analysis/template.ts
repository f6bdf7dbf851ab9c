/** Turns texts that differ only in numbers, ids and names into one wording. */

import type { SqlDialect } from "../contract/sql.ts";

/** What varies between two lines of one wording, the more special first. RE2 and JavaScript alike. */
const VARIABLES: readonly [pattern: string, replacement: string][] = [
  // The keys of JSON are wording, its values are not.
  ['"([A-Za-z_.-]+)" ?:', "\\1:"],
  ["\"[^\"]*\"|'[^']*'", "<text>"],
  ["\\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\\b", "<id>"],
  // Words with digits in them: gpt-4o, job_12ab, claude-3-opus.
  ["\\b[A-Za-z]+[-_.]?(?:[A-Za-z]*\\d+[A-Za-z]*[-_.]?)+[A-Za-z]*\\b", "<id>"],
  ["\\b\\d+[a-fA-F][0-9a-fA-F]{5,}\\b", "<id>"],
  ["[-+]?\\d+(?:[.,:_/-]\\d+)*", "<n>"],
];

/** An SQL expression: `text` with its numbers, ids and quoted values taken out. */
export function templateSql(sql: SqlDialect, text: string): string {
  return VARIABLES.reduce(
    (expression, [pattern, replacement]) => sql.substitute(expression, pattern, replacement),
    text,
  );
}

/** The level of a log line and what stands around it: time, logger, file and line. */
const PREFIX =
  /^.*?(?:\[|\b)(?:TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|CRITICAL|FATAL)\b\]?(?:[\s|:,-]+[\w./<>-]+:<n>)?[\s|:-]*/i;
const STAMP = /^(?:[<[(]*<n>[>\])]*[TtZ\s|:,.-]*)+/;

/** The wording without the prefix that a logging format puts before it; the whole when nothing would be left. */
export function wordingOf(template: string): string {
  const bare = template.replace(PREFIX, "").replace(STAMP, "").trim();
  return bare.length > 0 ? bare : template.trim();
}

/** Words that make a wording what it is, whatever stands around them. */
const MEANING =
  /token|usage|prompt|completion|input|output|total|cache|reason|\b(?:in|out|sent|received)\b|N\/A/i;

/**
 * Whether two wordings are one with other names in it: as many words, at most one in five of them differs, and none
 * of those says what is counted (the merge step of Drain, He et al. 2017).
 */
export function isOneWording(a: string, b: string): boolean {
  const [left, right] = [a.split(/\s+/), b.split(/\s+/)];
  if (left.length !== right.length) return false;
  const differing = left.flatMap((word, i) => (word === right[i] ? [] : [word, right[i] as string]));
  return differing.length / 2 <= left.length / 5 && !differing.some((word) => MEANING.test(word));
}
