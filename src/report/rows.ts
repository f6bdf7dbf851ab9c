/** Rows as tables: the samples of a finding, cut to the terminal, and the result of a query, never cut. */

import Table from "cli-table3";
import type { Row, Value } from "../contract/finding.ts";
import { instant, plural } from "../contract/wording.ts";
import { cutTo, type Paint, paintOf, widthOf } from "./layout.ts";
import { printable, valueText } from "./printable.ts";

const BORDERLESS = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: "  ",
};

/** A cell is never cut below this. */
const CELL_MIN = 8;
const ISO_LIKE = "2000-01-01T00:00:00Z";
const ISO = /^-?\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d/;

/** The rows of a query; every row and every value is printed whole. */
export function renderRows(
  columns: readonly string[],
  rows: readonly Row[],
  options: { color: boolean },
): string {
  const paint = paintOf(options.color);
  const cells = rows.map((row) => columns.map((column) => valueText(row[column] ?? null)));
  const [head = "", ...lines] = tableOf(columns.map(printable), cells, rows, columns, paint);
  const rule = paint.dim("─".repeat(Math.max(1, widthOf(head), ...lines.map(widthOf))));
  return `${[head, rule, ...lines].join("\n")}\n\n${plural(rows.length, "row")}\n`;
}

/** Sample rows in at most `width` columns; what is cut ends in `…`, and columns that do not fit are counted. */
export function sampleLines(rows: readonly Row[], width: number, paint: Paint): string[] {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const cells = rows.map((row) => columns.map((column) => cellText(row[column] ?? null)));
  const widths = columns.map((column, i) =>
    Math.max(widthOf(printable(column)), ...cells.map((line) => widthOf(line[i]!))),
  );
  // A time that is cut tells nothing: times give way last.
  const isTime = columns.map((column) => rows.every((row) => ISO.test(String(row[column] ?? ISO_LIKE))));
  let shown = columns.length;
  const used = () => widths.slice(0, shown).reduce((sum, w) => sum + w, 0) + 2 * (shown - 1);
  while (used() > width) {
    const widest = (times: boolean) =>
      widths.reduce((best, w, i) => {
        const candidate = i < shown && isTime[i] === times && w > CELL_MIN;
        return candidate && (best < 0 || w > widths[best]!) ? i : best;
      }, -1);
    const at = widest(false) >= 0 ? widest(false) : widest(true);
    if (at >= 0) widths[at]! -= 1;
    else if (shown > 1) shown--;
    else break;
  }
  const heads = columns.slice(0, shown).map((column, i) => cutTo(printable(column), widths[i]!));
  const cut = cells.map((line) => line.slice(0, shown).map((cell, i) => cutTo(cell, widths[i]!)));
  const lines = tableOf(heads, cut, rows, columns.slice(0, shown), paint);
  if (shown < columns.length)
    lines.push(paint.dim(`+ ${plural(columns.length - shown, "column")} (--format json)`));
  return lines;
}

/** Numbers stand at the right. */
function tableOf(
  heads: readonly string[],
  cells: readonly string[][],
  rows: readonly Row[],
  columns: readonly string[],
  paint: Paint,
): string[] {
  const numeric = columns.map(
    (column) =>
      rows.some((row) => typeof row[column] === "number" || typeof row[column] === "bigint") &&
      rows.every(
        (row) => (row[column] ?? null) === null || ["number", "bigint"].includes(typeof row[column]),
      ),
  );
  const table = new Table({
    head: heads.map((head) => paint.dim(head)),
    chars: BORDERLESS,
    colAligns: numeric.map((is) => (is ? "right" : "left")),
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0, compact: true },
  });
  table.push(...cells.map((line) => [...line]));
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd());
}

function cellText(value: Value): string {
  return typeof value === "string" && ISO.test(value) ? printable(instant(value)) : valueText(value);
}
