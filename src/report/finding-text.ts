/** One finding, or a group of the same defect, as text for people. */

import type { Finding, Location } from "../contract/finding.ts";
import type { RenderOptions } from "../contract/report.ts";
import { percent, plural } from "../contract/wording.ts";
import { cutTo, type Paint, SEVERITY_STYLE, spread, widthOf, wrap, wrapSql } from "./layout.ts";
import { drawTimeline } from "./picture.ts";
import { printable } from "./printable.ts";
import { sampleLines } from "./rows.ts";

/** Lines of a query before it is cut; --verbose shows it whole. */
const SQL_LINES_MAX = 6;
/** Findings of one group that are told after its first. */
const ALSO_MAX = 5;

/** Findings of the same check, severity and title, in the report's order. */
export type Group = readonly [Finding, ...Finding[]];

export function groupsOf(findings: readonly Finding[]): Group[] {
  const groups = new Map<string, [Finding, ...Finding[]]>();
  for (const finding of findings) {
    const key = JSON.stringify([finding.severity, finding.check, finding.title]);
    const group = groups.get(key);
    if (group) group.push(finding);
    else groups.set(key, [finding]);
  }
  return [...groups.values()];
}

/** The first of the group in full, the others with their numbers. */
export function groupLines(group: Group, options: RenderOptions, paint: Paint): string[] {
  const [first, ...others] = group;
  const lines = findingLines(first, options, paint);
  const shown = options.verbose ? others : others.slice(0, ALSO_MAX);
  if (shown.length > 0) lines.push("", `  ${paint.bold("also")}`);
  for (const other of shown) {
    const place = paint.bold(printable(placeOf(other)));
    lines.push(...hanging(`    ${place}  `, "      ", printable(other.message), options.width));
  }
  if (shown.length < others.length)
    lines.push(
      paint.dim(`    and ${plural(others.length - shown.length, "more", "more")}; --verbose shows them`),
    );
  return lines;
}

/** Mark, title and place; the numbers; the picture; sample rows; the SQL; what to do. */
export function findingLines(finding: Finding, options: RenderOptions, paint: Paint): string[] {
  const { width } = options;
  const lines = headLines(finding, width, paint);
  lines.push(...wrap(printable(finding.message), width - 2).map((line) => `  ${line}`));
  if (finding.timeline && finding.timeline.lanes.length > 0)
    lines.push("", ...drawTimeline(finding.timeline, width - 4, paint).map((line) => `    ${line}`));
  if (finding.samples.length > 0)
    lines.push("", ...sampleLines(finding.samples, width - 4, paint).map((line) => `    ${line}`));
  if (finding.timeline || finding.samples.length > 0) lines.push("");
  lines.push(...causeLines(finding, width, paint));
  lines.push(...sqlLines(finding.sql, options, paint));
  lines.push(...hanging(`  ${paint.dim("fix")}  `, "       ", printable(finding.fix), width));
  return lines;
}

/** The first cause in a line, with its share and what speaks most for it. */
function causeLines({ causes, evidence }: Finding, width: number, paint: Paint): string[] {
  const [first] = causes;
  if (first && first.score > 0) {
    const tied = first.tied ? ", tied" : "";
    const text = `${first.hypothesis} (${percent(first.score)}${tied}): ${first.for[0] ?? ""}`;
    return hanging(`  ${paint.dim("why")}  `, "       ", printable(text), width);
  }
  if (typeof evidence.undecided !== "string") return [];
  return hanging(`  ${paint.dim("why")}  `, "       ", printable(evidence.undecided), width);
}

/** A finding in one or two lines, for what is told and is no defect. */
export function shortLines(finding: Finding, options: RenderOptions, paint: Paint): string[] {
  const { mark, color } = SEVERITY_STYLE[finding.severity];
  const title = `${paint[color](mark)} ${paint.bold(printable(finding.title))} ${paint.dim(`· ${printable(placeOf(finding))} · ${finding.check}`)}`;
  return [
    fitStyled(title, options.width),
    ...wrap(printable(finding.message), options.width - 2).map((line) => `  ${line}`),
  ];
}

/** Severity, title, place and check on one line where they fit, else the place on a second. */
function headLines(finding: Finding, width: number, paint: Paint): string[] {
  const { mark, word, color } = SEVERITY_STYLE[finding.severity];
  const state = finding.baseline ? ` (${finding.baseline})` : "";
  const head = `${paint[color].bold(`${mark} ${word}`)}${state}  `;
  const check = printable(finding.check);
  const title = cutTo(printable(finding.title), Math.max(8, width - widthOf(head) - widthOf(check) - 2));
  const left = head + paint.bold(title);
  const place = printable(placeOf(finding));
  const oneLine = `${left}${paint.dim(" · ")}${place}`;
  if (widthOf(oneLine) + 2 + widthOf(check) <= width) return [spread(oneLine, paint.dim(check), width)];
  return [spread(left, paint.dim(check), width), `  ${paint.dim("at")} ${cutTo(place, width - 5)}`];
}

/** `src/api.py:12`, `validations.validations, column total`, else the target. */
export function placeOf({ location, target }: { location: Location; target: string }): string {
  if (location.file !== null)
    return location.line === null ? location.file : `${location.file}:${location.line}`;
  if (location.table === null) return target;
  return location.column === null ? location.table : `${location.table}, column ${location.column}`;
}

/** A query beside its head, cut after a few lines unless everything is to be shown. */
export function sqlLines(sql: string, options: RenderOptions, paint: Paint): string[] {
  if (sql.trim() === "") return [];
  // A line comment ends at its line: such a query keeps its lines.
  const source = sql.includes("--") ? sql.trim().split(/\r?\n/) : [sql.trim().replace(/\s*\n\s*/g, " ")];
  const lines = source.flatMap((line) => wrapSql(printable(line), options.width - 7));
  const shown = options.verbose ? lines : lines.slice(0, SQL_LINES_MAX);
  if (shown.length < lines.length)
    shown.push(`… ${plural(lines.length - shown.length, "more line")}; --verbose shows the whole query`);
  return shown.map((line, i) => `  ${i === 0 ? paint.dim("sql") : "   "}  ${paint.cyan(line)}`);
}

/** Text after a head, wrapped; the following lines are indented. */
export function hanging(head: string, indent: string, text: string, width: number): string[] {
  const headWidth = widthOf(head);
  const first = wrap(text, width - headWidth)[0] ?? "";
  const rest = text.replace(/ +/g, " ").trim().slice(first.length).trim();
  const lines = [`${head}${first}`];
  if (rest !== "") lines.push(...wrap(rest, width - indent.length).map((line) => indent + line));
  return lines;
}

function fitStyled(text: string, width: number): string {
  return widthOf(text) <= width ? text : cutTo(text.replace(/\u001b\[[\d;]*m/g, ""), width);
}
