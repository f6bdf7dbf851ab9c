/** Log lines that speak of usage and that no pattern reads; with code, also the statements that will write such lines. */

import { secondsOf } from "../src/analysis/activity.ts";
import {
  anchorsOf,
  isMeantFor,
  messagePattern,
  numbersIn,
  sampleLines,
  speaksOfTokens,
  wordsOf,
} from "../src/analysis/log-wording.ts";
import { isOneWording, templateSql, wordingOf } from "../src/analysis/template.ts";
import { type CheckContext, defineCheck, Skip } from "../src/contract/check.ts";
import { codeTargets } from "../src/contract/code.ts";
import type { Log } from "../src/contract/evidence.ts";
import type { FindingDraft, Row } from "../src/contract/finding.ts";
import { timelineOf } from "../src/contract/timeline.ts";
import { instant, number, percent, plural } from "../src/contract/wording.ts";

/** Wordings of one log that are looked at, the most frequent first. */
const TEMPLATES_MAX = 2000;
/** Findings per log; the rest is counted in the last. */
const WORDINGS_MAX = 10;
/** A wording is shown up to here. */
const SHOWN_MAX = 120;

/** Log statements and patterns of the code that are compared at most. */
const CODE_MAX = 300;

/** The program says itself that there are no counts. */
const NOT_AVAILABLE = /\bN\/A\b|\bnot (?:available|provided|reported)\b|\bunavailable\b/i;

interface LogTarget {
  kind: "log";
  name: string;
  log: Log;
}

interface CodeTarget {
  kind: "code";
  name: string;
  input: string;
}

/** A log statement's template or a regular expression, and where it stands. */
interface Placed {
  file: string;
  line: number;
  text: string;
}

/** Lines of one wording. */
interface Wording {
  extractor: string;
  text: string;
  templates: string[];
  lines: number;
  /** The first line of it, and its number. */
  line: number;
  first: string | null;
  last: string | null;
}

export default defineCheck({
  id: "unparsed-log-lines",
  meta: {
    title: "Log lines that no pattern reads",
    severity: "warning",
    what: "Looks for lines that carry the words and numbers of a known kind of line (token usage) but do not match its pattern, one finding per wording, and for lines that the log's own format cannot read. With source code it compares the log statements about tokens with the regular expressions that are meant to read them.",
    why: "A pattern that no longer matches fails in silence: the lines are there, the numbers are lost. Seen where `prompt`/`completion` was reworded to `input`/`output` and every parser went on finding nothing.",
    fix: "Read a few of the lines; if they hold counts, add a pattern for them under `extract:` in trueup.yaml and fix the program that parses them.",
    silent: [
      "Ordinary lines that do not speak of usage.",
      "Lines that a pattern reads.",
      "Lines that say themselves that counts are not available (`N/A (legacy API)`) are told as that, as info.",
      "Fewer than `min_lines` lines of a wording are told as info.",
      "Lines that could not be read, below `max_rejected` of the log.",
      "A log statement that any pattern of the code reads, whatever stands before the message, and one that no pattern is meant for: they share less than half of the pattern's words, or it has too few of its numbers.",
      "Statements and patterns of tests, and patterns that RE2 cannot run (look-around).",
    ],
    needs: "a log, or source code",
  },
  options: {
    min_lines: { describe: "Lines of one wording from which it is a warning.", default: 5 },
    max_rejected: { describe: "Share of lines that the log's format may fail to read.", default: 0.001 },
  },
  targets: (evidence): (LogTarget | CodeTarget)[] => [
    ...evidence.logs.map((log): LogTarget => ({ kind: "log", name: log.table.name, log })),
    ...codeTargets(evidence).map((one): CodeTarget => ({ kind: "code", ...one })),
  ],
  run: async (target, ctx) => {
    if (target.kind === "code") return statementDrafts(target, ctx);
    const { log } = target;
    const wordings = await wordingsOf(ctx, log);
    const findings: FindingDraft[] = [];
    for (const wording of wordings.slice(0, WORDINGS_MAX))
      findings.push(await draftOf(ctx, log, wording, wordings.length - WORDINGS_MAX, ctx.options.min_lines));
    const rejected = await rejectedDraft(ctx, log, ctx.options.max_rejected);
    return rejected ? [...findings, rejected] : findings;
  },
});

const near = (ctx: CheckContext, log: Log) =>
  `(SELECT line, time, extractor, text, ${templateSql(ctx.sql, "text")} AS template
FROM trueup.near_misses WHERE input = ${ctx.sql.literal(log.input)}) AS near`;

async function wordingsOf(ctx: CheckContext, log: Log): Promise<Wording[]> {
  const rows = await ctx.query(
    `SELECT extractor, template, count(*) AS lines, min(line) AS line, min(time) AS first, max(time) AS last
     FROM ${near(ctx, log)} GROUP BY 1, 2 ORDER BY lines DESC, line LIMIT ${TEMPLATES_MAX}`,
  );
  const wordings: Wording[] = [];
  for (const row of rows) {
    const [extractor, template] = [String(row.extractor), String(row.template)];
    const text = wordingOf(template);
    const one: Wording = {
      extractor,
      text,
      templates: [template],
      lines: Number(row.lines),
      line: Number(row.line),
      first: row.first === null ? null : String(row.first),
      last: row.last === null ? null : String(row.last),
    };
    const known = wordings.find((w) => w.extractor === extractor && isOneWording(w.text, text));
    if (!known) wordings.push(one);
    else {
      known.templates.push(template);
      known.lines += one.lines;
      known.line = Math.min(known.line, one.line);
      known.first = earliest(known.first, one.first);
      known.last = latest(known.last, one.last);
    }
  }
  return wordings.sort((a, b) => b.lines - a.lines || a.line - b.line);
}

const earliest = (a: string | null, b: string | null) => (a && b ? (a < b ? a : b) : (a ?? b));
const latest = (a: string | null, b: string | null) => (a && b ? (a > b ? a : b) : (a ?? b));

async function draftOf(
  ctx: CheckContext,
  log: Log,
  wording: Wording,
  untold: number,
  minLines: number,
): Promise<FindingDraft> {
  const said = NOT_AVAILABLE.test(wording.text);
  const shown = wording.text.length > SHOWN_MAX ? `${wording.text.slice(0, SHOWN_MAX)} …` : wording.text;
  const { matched, matchedAfter, matchesEnd } = await matchesOf(ctx, log, wording);
  const drift = !said && matchesEnd !== null && matchedAfter === 0;
  const templates = wording.templates.slice(0, 50).map((t) => ctx.sql.literal(t));
  const list = `SELECT line, time, extractor, text FROM ${near(ctx, log)}
WHERE extractor = ${ctx.sql.literal(wording.extractor)} AND template IN (${templates.join(", ")})`;
  const span = wording.first
    ? `, from ${instant(wording.first)} to ${instant(wording.last)}`
    : `, the first is line ${number(wording.line)}`;
  const events = ctx.evidence.series.find((s) => s.name === `${log.input}.${wording.extractor}`);
  return {
    title: said
      ? "Log lines say that token counts are not available"
      : drift
        ? "The wording of log lines changed: no pattern reads them"
        : "Log lines that no pattern reads",
    message:
      `${plural(wording.lines, "line")} of ${log.table.name} ${wording.lines === 1 ? "reads" : "read"} "${shown}" and ` +
      `${wording.lines === 1 ? "gives" : "give"} no ${wording.extractor}${span}.` +
      (drift ? ` The last line that matched is of ${instant(matchesEnd)}.` : "") +
      (untold > 0 && wording.lines > 0
        ? ` The log has ${plural(untold, "further wording")} that ${untold === 1 ? "is" : "are"} not told.`
        : ""),
    measure: { name: "lines", value: wording.lines },
    evidence: {
      lines: wording.lines,
      first: wording.first,
      last: wording.last,
      first_line: wording.line,
      wording: shown,
      extractor: wording.extractor,
      matched_lines: matched,
      matched_lines_after: matchedAfter,
      matches_ended: drift ? matchesEnd : null,
    },
    samples: await ctx.samples(`SELECT line, time, extractor FROM (${list}) AS near ORDER BY line`),
    sql: `${list}\nORDER BY line`,
    severity: said || wording.lines < minLines ? "info" : "warning",
    location: { input: log.input, table: log.table.name, line: wording.line },
    key: `${wording.extractor} ${wording.text}`,
    ...(said || wording.lines < minLines || !wording.first
      ? {}
      : {
          onset: {
            earliest: drift ? matchesEnd : wording.first,
            latest: wording.first,
            kind: "began" as const,
            sources: [`${log.input}.${wording.extractor}`, log.table.name],
          },
        }),
    ...(said
      ? { fix: "Nothing to parse here: the program had no counts. Ask its API for usage, or estimate them." }
      : {}),
    ...(wording.first && wording.last
      ? {
          timeline: await timelineOf(
            ctx,
            earliest(wording.first, events?.timeRange.from ?? null)!,
            latest(wording.last, events?.timeRange.to ?? null)!,
            [
              { name: "no match", relation: `(${list}) AS near` },
              ...(events ? [{ name: "matched", relation: events.relation }] : []),
            ],
            [{ time: wording.first, label: "first" }],
          ),
        }
      : {}),
  };
}

/** The lines of the same log that the extractor did read: how many, how many since, and the last one before. */
async function matchesOf(
  ctx: CheckContext,
  log: Log,
  wording: Wording,
): Promise<{ matched: number; matchedAfter: number; matchesEnd: string | null }> {
  const events = ctx.evidence.series.find((s) => s.name === `${log.input}.${wording.extractor}`);
  if (!events || !wording.first) return { matched: events?.rows ?? 0, matchedAfter: 0, matchesEnd: null };
  const first = `TIMESTAMP ${ctx.sql.literal(wording.first.replace("T", " ").replace("Z", ""))}`;
  const rows: Row[] = await ctx.query(
    `SELECT count(*) AS n, count(*) FILTER (WHERE time > ${first}) AS later,
       max(time) FILTER (WHERE time <= ${first}) AS ended FROM ${events.relation}`,
  );
  const ended = rows[0]?.ended;
  return {
    matched: Number(rows[0]?.n ?? 0),
    matchedAfter: Number(rows[0]?.later ?? 0),
    matchesEnd: typeof ended === "string" && secondsOf(ended) > 0 ? ended : null,
  };
}

/** Lines that the format of the log could not read; they stand in `trueup.rejects`. */
async function rejectedDraft(ctx: CheckContext, log: Log, maxRejected: number): Promise<FindingDraft | null> {
  const input = ctx.evidence.inputs.find((one) => one.name === log.input);
  const lines = (input?.rows ?? 0) + (input?.rejected ?? 0);
  if (!input || input.rejected === 0 || input.rejected / lines <= maxRejected) return null;
  const list = `SELECT file, line, reason FROM trueup.rejects WHERE input = ${ctx.sql.literal(log.input)}`;
  const first = await ctx.query(`${list} ORDER BY file, line LIMIT 1`);
  return {
    title: "Log lines that the log's format cannot read",
    message: `${plural(input.rejected, "line")} (${percent(input.rejected / lines)}) of ${input.name} could not be read as ${log.format}.`,
    measure: { name: "lines", value: input.rejected },
    evidence: {
      lines: input.rejected,
      lines_in_all: lines,
      format: log.format,
      first_reason: first[0]?.reason ?? null,
    },
    samples: await ctx.samples(`${list} ORDER BY file, line`),
    sql: `${list} ORDER BY file, line`,
    location: { input: log.input, table: log.table.name },
    key: "rejected",
    fix: "Read the lines in question; a broken writer, a mixed file or a damaged copy are the usual reasons.",
  };
}

/** Log statements that the pattern which is meant for them does not read. */
async function statementDrafts(target: CodeTarget, ctx: CheckContext): Promise<FindingDraft[] | Skip> {
  const patterns = (await placed(ctx, "code_patterns", "pattern")).filter((one) => numbersIn(one.text) > 0);
  const templates = (await placed(ctx, "code_logs", "template")).filter(
    (one) => one.text.includes("{}") && speaksOfTokens(wordsOf(one.text)) && !NOT_AVAILABLE.test(one.text),
  );
  if (patterns.length === 0) return new Skip("the code has no regular expression that reads numbers");
  const findings: FindingDraft[] = [];
  for (const statement of templates.slice(0, CODE_MAX)) {
    const words = wordsOf(statement.text);
    const meant = patterns.filter((one) => isMeantFor(one.text, statement.text));
    const [first] = meant;
    if (!first) continue;
    const near = patterns.filter((one) => [...anchorsOf(one.text)].some((word) => words.has(word)));
    if (await isRead(ctx, statement.text, near.slice(0, CODE_MAX))) continue;
    const shown =
      statement.text.length > SHOWN_MAX ? `${statement.text.slice(0, SHOWN_MAX)} …` : statement.text;
    findings.push({
      title: "A log statement whose lines no pattern reads",
      message: `The statement writes "${shown}"; the pattern that is meant to read it (${first.file}:${first.line}) does not match such a line, nor does another.`,
      measure: { name: "statements", value: 1 },
      evidence: {
        template: shown,
        pattern: first.text.slice(0, SHOWN_MAX * 2),
        patterns: meant.map((one) => `${one.file}:${one.line}`),
      },
      sql: `SELECT 'statement' AS what, file, line, template AS text FROM trueup.code_logs WHERE template = ${ctx.sql.literal(statement.text)}
UNION ALL SELECT 'pattern', file, line, pattern FROM trueup.code_patterns WHERE pattern = ${ctx.sql.literal(first.text)} ORDER BY ALL`,
      location: { input: target.input, table: null, file: statement.file, line: statement.line },
      key: `statement ${statement.file} ${statement.text}`,
      fix: "Give the statement and the pattern one wording, or log the counts as fields of a structured line.",
    });
  }
  return findings;
}

async function placed(ctx: CheckContext, table: string, column: string): Promise<Placed[]> {
  const rows = await ctx.query(
    `SELECT DISTINCT c.file, c.line, c.${column} AS text FROM trueup.${table} c
     JOIN trueup.code_functions f ON f.id = c.function_id WHERE NOT f.is_test ORDER BY ALL`,
  );
  return rows.map((row) => ({ file: String(row.file), line: Number(row.line), text: String(row.text) }));
}

/** Whether a pattern matches a line of the statement, in RE2, which is linear; true also when one cannot be run. */
async function isRead(ctx: CheckContext, template: string, patterns: readonly Placed[]): Promise<boolean> {
  const lines = sampleLines(template).map((line) => `(${ctx.sql.literal(line)})`);
  for (const pattern of patterns) {
    const matches = ctx.sql.matches("line", messagePattern(pattern.text, template));
    try {
      const rows = await ctx.query(
        `SELECT count(*) AS n FROM (VALUES ${lines.join(", ")}) AS samples(line) WHERE ${matches}`,
      );
      if (Number(rows[0]?.n) > 0) return true;
    } catch (error) {
      // Look-around and the like are no RE2: the pattern may read the line.
      if (/regex|invalid perl|repetition|escape|group|argument/i.test(String(error))) return true;
      throw error;
    }
  }
  return false;
}
