/** Tells texts apart by their shape: whose SQL dump, JSON data or JSON logs, CSV, source code. */

/** Lines that are looked at. */
const LINES_MAX = 50;

/** Whole lines of the beginning of a file; the last may be cut off and is left out when there are others. */
export function linesOf(text: string, whole: boolean): string[] {
  const lines = text.split(/\r?\n/);
  if (!whole && lines.length > 1) lines.pop();
  return lines.filter((line) => line.trim() !== "").slice(0, LINES_MAX);
}

export type DumpDialect = "sqlite" | "postgres" | "mysql";

const POSTGRES =
  /^-- (?:PostgreSQL database (?:cluster )?dump|Dumped (?:from|by) |Name: .*; Type: )|^SET (?:statement_timeout|client_encoding|standard_conforming_strings|search_path)\b|^SELECT pg_catalog\.|^COPY [^\n]+ FROM stdin;|^\\(?:restrict|connect) /im;
const MYSQL = /^-- (?:MySQL|MariaDB) dump|^\/\*!\d{5} |^\) ENGINE=|^LOCK TABLES `/im;
/** `sqlite3 .dump`, `sqlite3 ".dump table"`, Python's iterdump: a transaction that begins in SQLite's own words. */
const SQLITE = /^(?:PRAGMA foreign_keys\s*=\s*OFF;\s*)?BEGIN TRANSACTION;/i;

/** Who wrote a text of SQL statements, or null when it is no dump. */
export function dumpDialectOf(text: string): DumpDialect | null {
  if (POSTGRES.test(text)) return "postgres";
  if (MYSQL.test(text)) return "mysql";
  if (!SQLITE.test(withoutComments(text))) return null;
  return /^\s*(?:CREATE (?:TABLE|VIRTUAL|INDEX|VIEW)|INSERT INTO|COMMIT|PRAGMA|DELETE FROM|ROLLBACK)/im.test(
    text,
  )
    ? "sqlite"
    : null;
}

/** What a dump program writes around rows, and the rows themselves; a schema that is kept as source code has neither. */
const MYSQL_PROGRAM = /^-- (?:MySQL|MariaDB) dump|^\/\*!\d{5} |^LOCK TABLES `/im;
const ROWS = /^\s*(?:INSERT|REPLACE)\b[^;]*?\bVALUES\b|^COPY [^\n]+ FROM stdin;/im;

/** True for a text with the marks of a dump that holds no rows: a schema or a migration, as programs keep them. */
export function isSchemaAlone(text: string): boolean {
  return !ROWS.test(text) || (dumpDialectOf(text) === "mysql" && !MYSQL_PROGRAM.test(text));
}

/** The text from its first statement on. */
function withoutComments(text: string): string {
  let at = 0;
  for (;;) {
    while (/\s/.test(text[at] ?? "")) at++;
    const end = text.startsWith("--", at)
      ? text.indexOf("\n", at)
      : text.startsWith("/*", at)
        ? text.indexOf("*/", at) + 1
        : 0;
    if (end <= at) return text.slice(at);
    at = end + 1;
  }
}

const LEVELS = ["level", "lvl", "severity", "levelname", "loglevel", "log.level", "@level"];
const MESSAGES = ["msg", "message", "event", "body", "@message", "textPayload"];
const TIMES = ["time", "ts", "timestamp", "@timestamp", "t", "date", "datetime"];
const KEYS = /^(?:.*[_-])?(?:id|uuid)$|Id$|Uuid$/;

/** `log`: lines of a logger. `data`: records of something else. Null: no JSON lines. */
export function jsonLinesOf(lines: readonly string[]): "log" | "data" | null {
  let logs = 0;
  let records = 0;
  for (const line of lines) {
    const record = objectOf(line);
    if (record === null) continue;
    records++;
    if (isLogRecord(record)) logs++;
  }
  if (records === 0 || records < lines.length * 0.8) return null;
  return logs >= records * 0.5 ? "log" : "data";
}

function objectOf(line: string): Record<string, unknown> | null {
  const text = line.trim();
  if (!text.startsWith("{") || !text.endsWith("}")) return null;
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return null;
  }
}

/** A level and a message in words; a container runtime's or journald's wrapper; or a time and a message and no key. */
function isLogRecord(record: Record<string, unknown>): boolean {
  if ("resourceLogs" in record || "__REALTIME_TIMESTAMP" in record) return true;
  if (typeof record["log"] === "string" && ("stream" in record || "time" in record)) return true;
  const message = MESSAGES.some((key) => typeof record[key] === "string");
  if (!message) return false;
  if (LEVELS.some((key) => key in record)) return true;
  return (
    TIMES.some((key) => key in record) &&
    !("event" in record) &&
    !Object.keys(record).some((key) => KEYS.test(key))
  );
}

/** One JSON document, or several lines of one: its beginning says so. */
export function isJsonDocument(text: string): boolean {
  const start = text.trimStart();
  if (/^\{\s*(?:"(?:[^"\\]|\\.)*"\s*:|\}\s*$)/.test(start)) return true;
  return (
    /^\[\s*(?:\{\s*["}]|\[|"|-?\d|\]\s*$|true|false|null)/.test(start) && !/^\[[^\]\n]*\]\s+\S/.test(start)
  );
}

/** Delimited text under a header: the same number of cells in every line. */
export function isDelimited(lines: readonly string[]): boolean {
  const [header = ""] = lines;
  if (lines.length < 2) return false;
  return [",", "\t", ";"].some((delimiter) => {
    const names = cellsOf(header, delimiter);
    if (names.length < 2 || new Set(names).size < names.length) return false;
    if (!names.every((name) => /^[\p{L}_$@"][\p{L}\p{N}_ .$/()%#:-]{0,62}"?$/u.test(name))) return false;
    return lines.slice(1).every((line) => cellsOf(line, delimiter).length === names.length);
  });
}

function cellsOf(line: string, delimiter: string): string[] {
  return line.replace(/"(?:[^"]|"")*"/g, (quoted) => quoted.replaceAll(delimiter, " ")).split(delimiter);
}
