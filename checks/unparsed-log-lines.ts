/** Log lines that speak of usage and that no pattern reads. */

import { secondsOf } from "../src/contract/activity.ts";
import { type CheckContext, defineCheck } from "../src/contract/check.ts";
import type { Log } from "../src/contract/evidence.ts";
import type { FindingDraft, Row } from "../src/contract/finding.ts";
import { isOneWording, templateSql, wordingOf } from "../src/contract/template.ts";
import { timelineOf } from "../src/contract/timeline.ts";
import { instant, number, percent, plural } from "../src/contract/wording.ts";

/** Wordings of one log that are looked at, the most frequent first. */
const TEMPLATES_MAX = 2000;
/** Findings per log; the rest is counted in the last. */
const WORDINGS_MAX = 10;
/** A wording is shown up to here. */
const SHOWN_MAX = 120;

/** The program says itself that there are no counts. */
const NOT_AVAILABLE = /\bN\/A\b|\bnot (?:available|provided|reported)\b|\bunavailable\b/i;

interface LogTarget {
  name: string;
  log: Log;
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
    what: "Looks for lines that carry the words and numbers of a known kind of line (token usage) but do not match its pattern, one finding per wording, and for lines that the log's own format cannot read.",
    why: "A pattern that no longer matches fails in silence: the lines are there, the numbers are lost. Seen where `prompt`/`completion` was reworded to `input`/`output` and every parser went on finding nothing.",
    fix: "Read a few of the lines; if they hold counts, add a pattern for them under `extract:` in trueup.yaml and fix the program that parses them.",
    silent: [
      "Ordinary lines that do not speak of usage.",
      "Lines that a pattern reads.",
      "Lines that say themselves that counts are not available (`N/A (legacy API)`) are told as that, as info.",
      "Fewer than `min_lines` lines of a wording are told as info.",
      "Lines that could not be read, below `max_rejected` of the log.",
    ],
    needs: "a log",
  },
  options: {
    min_lines: { describe: "Lines of one wording from which it is a warning.", default: 5 },
    max_rejected: { describe: "Share of lines that the log's format may fail to read.", default: 0.001 },
  },
  targets: (evidence): LogTarget[] => evidence.logs.map((log) => ({ name: log.table.name, log })),
  run: async ({ log }, ctx) => {
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
