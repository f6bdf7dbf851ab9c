/** Lines that tell what happened to the program itself: restarts, versions, deploys, failures. */

import { literal } from "../../store/index.ts";
import type { IntakeContext, Source } from "../context.ts";
import { keptTable } from "./kept.ts";

/** Markers of one kind that are kept, the first ones. */
const KIND_MAX = 10_000;
const TEXT_MAX = 300;

/**
 * A text, or texts that share a part, which comes first: it is looked for first. Each costs a look at every line of the
 * log, and the rarer the letter it begins with, the shorter is the look.
 */
type Words = string | readonly [shared: string, ...words: string[]];

interface MarkerPattern {
  kind: "restart" | "version" | "deploy";
  /** Every such line has one of them. */
  contains: readonly Words[];
  /** On the whole line. RE2. */
  pattern: string;
}

const PATTERNS: readonly MarkerPattern[] = [
  {
    kind: "deploy",
    contains: ["ploy"],
    pattern:
      "(?i)\\bdeploy(?:ed|ing|ment)? (?:finished|complete|started|succeeded|version|revision|commit|release|v?\\d|[0-9a-f]{7,40}\\b)",
  },
  {
    kind: "restart",
    contains: [["tart", "Start", "estart", "r started"], "Boot", "Listening"],
    pattern:
      "(?i)(?:\\b(?:server|application|service|worker|process|gunicorn|uvicorn|celery|daemon|app) (?:process )?(?:is )?(?:re)?(?:start(?:ed|ing|up)|boot(?:ed|ing))\\b|\\b(?:re)?start(?:ed|ing) (?:the )?(?:server|application|service|gunicorn|uvicorn|celery|postgresql|nginx|app)\\b|\\bapplication startup complete|\\bbooting worker|\\blistening (?:on|at) |\\bshutting down\\b)",
  },
  {
    kind: "version",
    contains: ["version"],
    pattern: "(?i)\\b(?:version|release)[ :=]+[\"']?v?\\d+\\.\\d+",
  },
];

/** A failure to load code that a line with its own time tells. */
const CANNOT_LOAD = ["ImportError", "module named"];

/** One of them is in the line that ends a traceback. */
const FAILURES = ["Traceback", "rror", "xception", "xit", "nterrupt"];

/** SQL that is true for lines whose text the markers need; `time` is the line's own, NULL on continuation lines. */
export function markerSql(text: string, time: string): string {
  const words = anyOf(text, [...PATTERNS.flatMap((one) => one.contains), ...CANNOT_LOAD]);
  // A line that begins with a zero byte hides its time: seeing it, the pass starts again with a clean copy.
  return `(${time} IS NOT NULL AND (${words}))
    OR (${time} IS NULL AND (${anyOf(text, FAILURES)} OR ${text}[1] = chr(0)))`;
}

function anyOf(text: string, words: readonly Words[]): string {
  const contains = (word: string) => `contains(${text}, ${literal(word)})`;
  return words
    .map((one) => {
      if (typeof one === "string") return contains(one);
      const [shared, ...each] = one;
      return `(${contains(shared)} AND (${anyOf(text, each)}))`;
    })
    .join(" OR ");
}

/** Fills `trueup.markers` from the kept lines; says so when a bound cut some. */
export async function findMarkers(source: Source, ctx: IntakeContext): Promise<string[]> {
  const kept = keptTable(source);
  const input = literal(source.name);
  const notes: string[] = [];
  const kinds = PATTERNS.map(({ kind, contains, pattern }) => ({
    kind,
    sql: `SELECT time, line, text FROM ${kept} WHERE own AND (${anyOf("text", contains)}) AND regexp_matches(text, ${literal(pattern)})`,
  }));
  const all = [...kinds, { kind: "traceback", sql: tracebackSql(kept) }];
  for (const { kind, sql } of all) {
    await ctx.store.run(`INSERT INTO trueup.markers SELECT ${literal(kind)}, time, ${input}, line, left(text, ${TEXT_MAX})
      FROM (${sql} ORDER BY line LIMIT ${KIND_MAX})`);
    const row = await ctx.store.one(
      `SELECT count(*) AS n FROM trueup.markers WHERE input = ${input} AND kind = ${literal(kind)}`,
    );
    if (row?.n === KIND_MAX) notes.push(`only the first ${KIND_MAX} ${kind} markers are kept`);
  }
  return notes;
}

/** The line that names the exception: the first at the margin after a Python traceback, or one with frames below. */
function tracebackSql(kept: string): string {
  const name = literal(
    "^(?:[A-Za-z_][\\w$]*\\.)*[A-Z][\\w$]*(?:Error|Exception|Exit|Interrupt|Warning|Timeout)(?::.*)?$",
  );
  return `SELECT time, line, text FROM ${kept} WHERE NOT own AND regexp_matches(text, ${name})
    UNION ALL SELECT time, line, regexp_extract(text, '(?:[A-Za-z]*Error: )?(?:ImportError|No module named).*') AS text
    FROM ${kept} WHERE own AND (${anyOf("text", CANNOT_LOAD)}) AND regexp_matches(text, 'ImportError|No module named')`;
}
