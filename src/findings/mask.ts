/** Takes secrets out of everything that is shown: known key shapes, named secrets, and columns that hold credentials. */

import type { Table } from "../contract/evidence.ts";
import type { Finding, Row, Value } from "../contract/finding.ts";
import type { Report } from "../contract/report.ts";

/** What stands for a secret. */
const MASK = "***";

/**
 * Shapes that are secrets wherever they stand; the first group, if any, is kept. They must never match a UUID, a hex
 * id, a prefixed id (`req_…`, `chatcmpl-…`) or a model's name.
 */
const SHAPES: readonly RegExp[] = [
  // Private keys, whole blocks.
  /(-----BEGIN [A-Z ]*PRIVATE KEY-----)[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g,
  // OpenAI, Anthropic, OpenRouter, LiteLLM and their like.
  /(?<![A-Za-z0-9])(sk-(?:ant-|proj-|or-|svcacct-|admin-|live-|test-|lf-)?)[A-Za-z0-9_-]{6,}/g,
  /(?<![A-Za-z0-9])(pk-lf-)[A-Za-z0-9-]{8,}/g,
  // Stripe, GitHub, GitLab, Slack, AWS, Google, and the prefixes of other providers.
  /(?<![A-Za-z0-9])([sr]k_(?:live|test)_)[A-Za-z0-9]{8,}/g,
  /(?<![A-Za-z0-9])(gh[pousr]_|github_pat_)[A-Za-z0-9_]{10,}/g,
  /(?<![A-Za-z0-9])(glpat-)[A-Za-z0-9_-]{16,}/g,
  /(?<![A-Za-z0-9])(xai-|pplx-|gsk_|hf_|r8_|npm_|dop_v1_|shpat_)[A-Za-z0-9]{20,}/g,
  /(?<![A-Za-z0-9])(pypi-)[A-Za-z0-9_-]{40,}/g,
  /(?<![A-Za-z0-9])(xox[a-z]-|xapp-)[A-Za-z0-9-]{6,}/g,
  /(?<![A-Za-z0-9])(AKIA|ASIA)[A-Z0-9]{12,}/g,
  /(?<![A-Za-z0-9])(AIza)[A-Za-z0-9_-]{30,}/g,
  /(?<![A-Za-z0-9])(ya29\.)[A-Za-z0-9_-]{16,}/g,
  /(?<![A-Za-z0-9])(SG\.)[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}/g,
  // JSON Web Tokens.
  /(?<![A-Za-z0-9])(eyJ)[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?/g,
  // Authorization headers: a word after the scheme is no secret unless it has a digit or is long.
  /\b(Bearer\s+)(?=[A-Za-z0-9._~+/=-]*\d|[A-Za-z0-9._~+/=-]{20})[A-Za-z0-9._~+/=-]{8,}/gi,
  /\b(authorization["']?\s*[:=]\s*["']?(?:(?:Bearer|Basic|Token|Digest|ApiKey)\s+)?)(?!(?:Bearer|Basic|Token|Digest|ApiKey)\s)[^\s"',;}*]{4,}/gi,
  // Passwords in URLs.
  /\b([a-z][a-z0-9+.-]{0,30}:\/\/[^\s:/@'"]{0,200}:)[^\s@/'"]{1,500}(?=@)/gi,
];

/** `api_key=…`, `"password": "…"`, `?token=…`: the name says that the value is a secret. */
const NAMED =
  /((?<![A-Za-z0-9])[\w-]{0,40}?(?:api[_-]?key|apikey|access[_-]?key|secret[_-]?key|secret|passw(?:or)?d|passwd|pwd|private[_-]?key|auth[_-]?token|access[_-]?token|refresh[_-]?token|session[_-]?token|id[_-]?token|bearer[_-]?token|client[_-]?secret|credentials?|(?<![A-Za-z])token)["'`]?\s*(?:[=:]|=>)\s*)(["'`]?)([^\s"'`,;&)}\]]+)/gi;

/** `key=value` with a long random value, whatever the key: only names that say they are an id keep theirs. */
const ASSIGNED = /((?<![A-Za-z0-9])([\w-]{1,64})["']?\s*=\s*["']?)([A-Za-z0-9_\-+/.]{40,}={0,2})/g;
const ID_NAME =
  /(id|ids|uuid|hash|sha\d*|digest|etag|fingerprint|checksum|path|file|url|uri|model|request|trace|span|session|message)$/i;
const HEX_ID = /^[0-9a-f-]+$/i;

/** A cheap test that most texts fail, so that a result of millions of cells is read once. */
const SUSPECT =
  /sk-|pk-lf|k_live_|k_test_|gh[pousr]_|github_pat_|glpat|xai-|pplx-|gsk_|hf_|r8_|npm_|pypi-|dop_v1|shpat_|xox|xapp-|AKIA|ASIA|AIza|ya29|SG\.|eyJ|-----BEGIN|bearer|basic|apikey|authorization|:\/\/|key|secret|passw|pwd|token|credential|=/i;

/** The text without what looks like a secret; a key keeps its prefix, so that a reader knows what it was. */
export function maskText(text: string): string {
  if (!SUSPECT.test(text)) return text;
  let masked = text;
  for (const shape of SHAPES) masked = masked.replace(shape, (_, kept?: string) => `${kept ?? ""}${MASK}`);
  masked = masked.replace(NAMED, (whole, head: string, quote: string, value: string) =>
    isHarmless(head, quote, value) ? whole : `${head}${quote}${MASK}`,
  );
  return masked.replace(ASSIGNED, (whole, head: string, name: string, value: string) =>
    ID_NAME.test(name) || !isRandom(value) ? whole : `${head}${MASK}`,
  );
}

/** Masks every text inside a value; other values, keys and shapes stay. */
export function maskValue<T>(value: T): T {
  if (typeof value === "string") return maskText(value) as T;
  if (Array.isArray(value)) return value.map((item) => maskValue(item)) as T;
  if (value === null || typeof value !== "object") return value;
  const masked: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) masked[key] = maskValue(item);
  return masked as T;
}

/**
 * Rows without secrets. Of the columns named in `credentials` (lower case) only NULL and empty text remain; a cell that
 * is one of `secrets` is masked under any name.
 */
export function maskRows(
  rows: readonly Row[],
  credentials: ReadonlySet<string>,
  secrets: ReadonlySet<Value> = new Set(),
): Row[] {
  return rows.map((row) => {
    const masked: Row = {};
    for (const [column, value] of Object.entries(row))
      masked[column] =
        credentials.has(column.toLowerCase()) || secrets.has(value)
          ? maskWhole(value)
          : maskCell(column, value);
    return masked;
  });
}

/** The report without secrets, ready to be shown anywhere. */
export function maskReport(report: Report): Report {
  const credentials = credentialColumns(report.tables);
  const findings = <T extends Finding>(list: readonly T[]): T[] =>
    list.map((finding) => ({ ...maskValue(finding), samples: maskRows(finding.samples, credentials) }));
  return {
    ...maskValue({ ...report, findings: [], fixed: [], suppressed: [] }),
    findings: findings(report.findings),
    fixed: findings(report.fixed),
    suppressed: findings(report.suppressed),
  };
}

/** The names, in lower case, of all columns that hold credentials. */
export function credentialColumns(tables: readonly Pick<Table, "columns">[]): Set<string> {
  const columns = tables.flatMap((table) => table.columns.filter((column) => column.role === "credential"));
  return new Set(["credential", ...columns.map((column) => column.name.toLowerCase())]);
}

function maskWhole(value: Value): Value {
  return value === null || value === "" ? value : MASK;
}

/** A value whose own column says that it is a secret needs no pattern. */
function maskCell(column: string, value: Value): Value {
  if (typeof value !== "string") return maskValue(value);
  const head = `${column}=`;
  NAMED.lastIndex = 0;
  if (SUSPECT.test(column) && NAMED.test(`${head}x`) && !isHarmless(head, "", value)) return MASK;
  return maskText(value);
}

/** What stands after a name and is no secret: placeholders, words, and after `token` numbers and times. */
function isHarmless(head: string, quote: string, value: string): boolean {
  if (value.length < 4 || value.includes(MASK)) return true;
  if (/^(?:null|none|nil|true|false|undefined|\$\{?\w+\}?|<\w+>|\{\w*\}?|\*+|x+|\.+)$/i.test(value))
    return true;
  if (/passw|pwd|secret/i.test(head)) return false;
  if (/^[+-]?[\d.,]+$/.test(value) || /^\d{4}-\d\d-\d\d/.test(value)) return true;
  return quote === "" && head.trimEnd().endsWith(":") && /^[a-z]{1,15}\.?$/.test(value);
}

/** Random text of a key: several kinds of characters, spread evenly, and no hex id or UUID. */
function isRandom(value: string): boolean {
  if (HEX_ID.test(value) || value.includes(MASK)) return false;
  // Long names and paths have few digits or many slashes; forty random characters have neither.
  if (!/\d.*\d.*\d/.test(value) || /\/.*\/.*\//.test(value)) return false;
  if (!(/[a-z]/.test(value) && /[A-Z]/.test(value))) return false;
  const counts = new Map<string, number>();
  for (const char of value) counts.set(char, (counts.get(char) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / value.length) * Math.log2(count / value.length);
  return bits >= 4;
}
