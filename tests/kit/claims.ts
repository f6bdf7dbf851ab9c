/** Compares the numbers and times of a sentence with what its own query returns. */

import type { Row } from "../../src/contract/finding.ts";
import { instant, number, percent } from "../../src/contract/wording.ts";

/** What is no count of the query: quoted texts, the width of a window, what a model estimates, and words with digits. */
const QUOTED = /"[^"]*"/g;
const ESTIMATED = /[\d,]+ h before the onset|by chance .*$|\(lift .*$/g;
const WORD = /[\w$./<>-]*[A-Za-z_][\w$./:<>-]*/g;
const TIME = /\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\b/g;
const COUNT = /(?:[<>] )?\d[\d,]*(?:\.\d+)?(?: %)?/g;

/** The numbers and times of `text` that neither the rows nor the bounds of `sql` hold. */
export function unbacked(text: string, sql: string, rows: readonly Row[]): string[] {
  const told = text.replace(QUOTED, " ").replace(ESTIMATED, " ");
  const times = told.match(TIME) ?? [];
  const bounds = [...sql.matchAll(/TIMESTAMP '([^.']*)/g)].map((match) => match[1]);
  const cells = rows.flatMap((row) => Object.values(row));
  const known = new Set([...bounds, ...cells.map((cell) => instant(cell)), ...cells.map(String)]);
  const counts = told.replace(TIME, " ").replace(WORD, " ").match(COUNT);
  const numbers = numbersOf(rows);
  const isRatio = (share: string) =>
    [1, ...numbers].some(
      (b) => b > 0 && numbers.some((a) => [percent(a / b), percent(1 - a / b)].includes(share)),
    );
  return [
    ...times.filter((time) => !known.has(time)),
    ...(counts ?? [])
      .map((count) => count.trim())
      .filter((count) => (count.endsWith("%") ? !isRatio(count) : !numbers.some((n) => number(n) === count))),
  ];
}

/** Cells, the number of rows, and both summed per column, over all rows and over those where a boolean column holds. */
function numbersOf(rows: readonly Row[]): number[] {
  const first = rows[0] ?? {};
  const flags = Object.keys(first).filter((key) => typeof first[key] === "boolean");
  const parts = [
    rows,
    ...flags.flatMap((flag) => [true, false].map((is) => rows.filter((row) => row[flag] === is))),
    ...[...new Set(rows.map((row) => row.side))].map((side) => rows.filter((row) => row.side === side)),
  ];
  const sums = parts.flatMap((part) => [
    part.length,
    ...Object.keys(first).map((key) =>
      part.reduce((sum, row) => sum + (typeof row[key] === "number" ? Number(row[key]) : 0), 0),
    ),
  ]);
  const cells = rows.flatMap((row) => Object.values(row).filter((cell) => typeof cell === "number"));
  return [...new Set([...(cells as number[]), ...sums, ...sums.map((sum) => sum / 2)])];
}
