/** The report as Markdown that fits a pull-request comment: a summary, then a fold per finding. */

import type { Finding, Timeline } from "../contract/finding.ts";
import type { Report, SuppressedFinding } from "../contract/report.ts";
import { instant, number, plural } from "../contract/wording.ts";
import {
  type ExportOptions,
  isKnown,
  notEvaluated,
  type Renderer,
  rejectedSentence,
  shownFindings,
  summarySentence,
} from "./export.ts";
import { placeOf } from "./finding-text.ts";
import { cutTo, SEVERITY_STYLE } from "./layout.ts";
import { resample, sparkline } from "./picture.ts";
import { printable, valueText } from "./printable.ts";

/** GitHub takes 65,536 characters in a comment. */
const LENGTH_MAX = 65_000;
/** Findings of one fold that are named. */
const FOLDED_MAX = 50;
/** Characters of a title in a fold. */
const TITLE_MAX = 100;
/** Characters of one value in a table. */
const CELL_MAX = 60;

export const renderMarkdown: Renderer = (report, options) => {
  const findings = shownFindings(report, options).filter((finding) => !isKnown(finding));
  const settled = settledParts(report, options);
  const parts = [`## trueup: ${summarySentence(report)}`, inputTable(report)];
  const failed = notEvaluated(report);
  if (failed.length > 0)
    parts.push(
      `**Not evaluated**\n\n${failed.map(({ what, why }) => `- ${prose(what)}: ${prose(why)}`).join("\n")}`,
    );
  let length = [...parts, ...settled].join("\n\n").length;
  let shown = 0;
  for (const finding of findings) {
    const text = findingText(finding, options);
    if (length + text.length > LENGTH_MAX) break;
    parts.push(text);
    length += text.length + 2;
    shown++;
  }
  if (shown < findings.length)
    parts.push(
      `_${plural(findings.length - shown, "more finding")} did not fit; the JSON report has them all._`,
    );
  return `${[...parts, ...settled].join("\n\n")}\n`;
};

/** What is known, fixed or suppressed, folded, and the notes on the run. */
function settledParts(report: Report, options: ExportOptions): string[] {
  const known = shownFindings(report, options).filter(isKnown);
  const why = ({ suppression }: SuppressedFinding) =>
    suppression
      ? `: ${prose(cutTo(suppression.reason, 2 * TITLE_MAX))}${suppression.until ? `, until ${suppression.until}` : ""}`
      : "";
  return [
    fold("known, in the baseline", known, () => ""),
    fold("fixed since the baseline", report.fixed, () => ""),
    fold("suppressed", options.showSuppressed ? report.suppressed : [], why),
    report.notes.map((note) => `- ${prose(note)}`).join("\n"),
  ].filter((part) => part !== "");
}

function fold<T extends Finding>(what: string, findings: readonly T[], why: (finding: T) => string): string {
  if (findings.length === 0) return "";
  const lines = findings
    .slice(0, FOLDED_MAX)
    .map((f) => `- ${prose(cutTo(f.title, TITLE_MAX))} · ${cell(placeOf(f))} · ${cell(f.check)}${why(f)}`);
  const rest = findings.length - lines.length;
  if (rest > 0) lines.push(`- and ${number(rest)} more in the JSON report`);
  return `<details>\n<summary>${number(findings.length)} ${what}</summary>\n\n${lines.join("\n")}\n\n</details>`;
}

function inputTable(report: Report): string {
  const rows = report.inputs.map((input) => {
    const ranges = report.tables.flatMap((t) => (t.input === input.name && t.timeRange ? [t.timeRange] : []));
    const from = ranges.map((range) => range.from).sort()[0];
    const to = ranges
      .map((range) => range.to)
      .sort()
      .at(-1);
    const notes = [rejectedSentence(input), ...input.notes].filter((note) => note !== null).join(" ");
    const times = from && to ? `${instant(from)} – ${instant(to)}` : "";
    return `| ${cell(input.path)} | ${input.kind} | ${number(input.rows)} | ${times} | ${prose(notes)} |`;
  });
  return ["| input | kind | rows | times | notes |", "|---|---|---:|---|---|", ...rows].join("\n");
}

/** A picture of time as a block of text: a line per lane, the ends, the marked instants. */
export function timelineBlock({ from, to, lanes, marks }: Timeline): string {
  const width = Math.max(...lanes.map((lane) => [...printable(lane.name)].length));
  const lines = lanes.map(
    (lane) => `${printable(lane.name).padEnd(width)}  ${sparkline(resample(lane.counts, 48))}`,
  );
  lines.push(
    `${instant(from)} – ${instant(to)}`,
    ...marks.map((m) => `${instant(m.time)}  ${printable(m.label)}`),
  );
  return fence(lines.join("\n"), "text");
}

function findingText(finding: Finding, options: ExportOptions): string {
  const { mark, word } = SEVERITY_STYLE[finding.severity];
  const state = finding.baseline ? ` (${finding.baseline})` : "";
  const parts = [
    `<details${finding.severity === "error" ? " open" : ""}>\n<summary>${mark} ${word}${state}: <b>${htmlText(finding.title)}</b> · ${htmlText(placeOf(finding))} · <code>${htmlText(finding.check)}</code></summary>`,
    prose(finding.message),
  ];
  if (finding.timeline && finding.timeline.lanes.length > 0) parts.push(timelineBlock(finding.timeline));
  if (options.samples && finding.samples.length > 0) parts.push(sampleTable(finding));
  parts.push(
    fence(finding.sql.split("\n").map(printable).join("\n"), "sql"),
    `**Fix:** ${prose(finding.fix)}`,
    "</details>",
  );
  return parts.join("\n\n");
}

function sampleTable(finding: Finding): string {
  const columns = [...new Set(finding.samples.flatMap((row) => Object.keys(row)))];
  return [
    `| ${columns.map(cell).join(" | ")} |`,
    `|${columns.map(() => "---").join("|")}|`,
    ...finding.samples.map(
      (row) => `| ${columns.map((column) => cell(valueText(row[column] ?? null))).join(" | ")} |`,
    ),
  ].join("\n");
}

/** A value as code in a table cell. */
function cell(text: string): string {
  const clean = printable(text);
  const cut = clean.length > CELL_MAX ? `${[...clean].slice(0, CELL_MAX - 1).join("")}…` : clean;
  return cut === "" ? "" : `<code>${markup(cut)}</code>`;
}

/**
 * Running text in which nothing of an input is markup: no HTML, link, emphasis or table border, and no `@name` or `#1`
 * that would notify people or refer to an issue. Code that a message marks with backticks stays code.
 */
export function prose(text: string): string {
  const clean = printable(text);
  return clean
    .split(/(`[^`]+`)/)
    .map((part, i) => (i % 2 === 1 ? `<code>${markup(part.slice(1, -1))}</code>` : markup(part)))
    .join("");
}

function markup(text: string): string {
  return printable(text).replace(/[&<>]|[\\`*_{}[\]~|]|[@#](?=\w)|:\/\//g, (found) => {
    if (found === "://") return ":<!-- -->//";
    if (found === "@" || found === "#") return `${found}<!-- -->`;
    return ENTITIES[found] ?? `\\${found}`;
  });
}

/** Text inside an HTML block, where Markdown's escapes mean nothing. */
function htmlText(text: string): string {
  return printable(text).replace(/[&<>"[\]`*_]|[@#](?=\w)/g, (found) => {
    if (found === "@" || found === "#") return `${found}<!-- -->`;
    return ENTITIES[found] ?? `&#${found.charCodeAt(0)};`;
  });
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** A fence longer than any run of backticks inside. */
export function fence(text: string, language: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map((match) => match[0].length));
  const ticks = "`".repeat(longest + 1);
  return `${ticks}${language}\n${text}\n${ticks}`;
}
