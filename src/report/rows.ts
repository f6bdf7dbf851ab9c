/** Rows as tables: the samples of a finding, cut to the terminal, and the result of a query, never cut. */

import Table from "cli-table3";
import type { Row, Value } from "../contract/finding.ts";
import { instant, plural } from "../contract/wording.ts";
import { cutTo, type Paint, paintOf, widthOf, wrap } from "./layout.ts";
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

/**
 * Sample rows in at most `width` columns. Where they do not fit, columns with one value are told once below, texts are
 * cut with `…`, and columns that still have no room are counted. Times are never cut.
 */
export function sampleLines(rows: readonly Row[], width: number, paint: Paint): string[] {
  let columns = [...new Set(rows.flatMap((row) => Object.keys(row)))].map((name) => columnOf(name, rows));
  const notes: string[] = [];
  if (tableWidth(columns) > width && rows.length > 1) {
    const constant = columns.filter((column) => column.cells.every((cell) => cell === column.cells[0]));
    if (constant.length < columns.length) columns = columns.filter((column) => !constant.includes(column));
    else constant.length = 0;
    if (constant.length > 0) notes.push(`in each: ${constantsText(constant)}`);
  }
  while (tableWidth(columns) > width) {
    const widest = columns.reduce<SampleColumn | null>(
      (best, column) => (!column.isTime && column.width > (best?.width ?? CELL_MIN) ? column : best),
      null,
    );
    if (!widest) break;
    widest.width--;
  }
  const all = columns.length;
  while (columns.length > 1 && tableWidth(columns) > width) columns = columns.slice(0, -1);
  if (columns.length < all) notes.push(`${plural(all - columns.length, "more column")} with --format json`);
  const names = columns.map((column) => column.name);
  const heads = columns.map((column) => cutTo(printable(column.name), Math.min(column.width, width)));
  const cells = rows.map((_, i) =>
    columns.map((column) => cutTo(column.cells[i]!, Math.min(column.width, width))),
  );
  return [
    ...tableOf(heads, cells, rows, names, paint),
    ...notes.flatMap((note) => wrap(note, width).map((line) => paint.dim(line))),
  ];
}

interface SampleColumn {
  name: string;
  cells: string[];
  width: number;
  isTime: boolean;
}

function columnOf(name: string, rows: readonly Row[]): SampleColumn {
  const cells = rows.map((row) => cellText(row[name] ?? null));
  const isTime =
    rows.some((row) => ISO.test(String(row[name]))) &&
    rows.every((row) => ISO.test(String(row[name] ?? ISO_LIKE)));
  return { name, cells, width: Math.max(widthOf(printable(name)), ...cells.map(widthOf)), isTime };
}

function tableWidth(columns: readonly SampleColumn[]): number {
  return columns.reduce((sum, column) => sum + column.width + 2, -2);
}

/** `status completed, input_tokens and output_tokens NULL`. */
function constantsText(columns: readonly SampleColumn[]): string {
  const byValue = new Map<string, string[]>();
  for (const column of columns) {
    const value = column.cells[0]!;
    byValue.set(value, [...(byValue.get(value) ?? []), printable(column.name)]);
  }
  return [...byValue].map(([value, names]) => `${names.join(", ")} = ${cutTo(value, 40)}`).join("; ");
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
