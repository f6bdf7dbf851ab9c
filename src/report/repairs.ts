/** Repairs as text: an SQL script whose comments are the preview. */

import type { Row } from "../contract/finding.ts";
import type { Repair } from "../contract/repair.ts";
import { number, percent, plural } from "../contract/wording.ts";
import { printable } from "./printable.ts";

/** Every repair with its preview and its SQL; runs as it is in the source's own shell. */
export function renderRepairs(repairs: readonly Repair[]): string {
  if (repairs.length === 0) return "-- Nothing to repair.\n";
  return repairs.map(scriptOf).join("\n");
}

function scriptOf(repair: Repair): string {
  const lines = [
    `${repair.target}: ${plural(repair.rows, "row")} can be recovered (${repair.check}).`,
    repair.how,
    ...sumsOf(repair.columns, repair.before, repair.after),
    ...repair.lost.map(
      ({ rows, reason }) =>
        `Left as ${rows === 1 ? "it is" : "they are"}: ${plural(rows, "row")}: ${reason}.`,
    ),
    statisticsOf(repair),
  ];
  const comments = lines.map((line) => `-- ${printable(line)}\n`).join("");
  if (repair.sql !== null) return comments + repair.sql;
  return repair.rows === 0 ? comments : `${comments}-- No SQL: this kind of input takes none.\n`;
}

/** `44 rows, 28 with values (63.6 %); tokens_in 137,482, tokens_out 41,371.` */
export function statisticsOf({ among, columns }: Repair): string {
  const share = among.rows === 0 ? "" : ` (${percent(among.filled / among.rows)})`;
  const sums = columns.map((column) => `${column} ${number(among.sums[column])}`).join(", ");
  return `${plural(among.rows, "row")}, ${number(among.filled)} with values${share}; ${sums}.`;
}

function sumsOf(columns: readonly string[], before: Row, after: Row): string[] {
  const table = [["", "before", "after"]];
  for (const column of columns) table.push([column, number(before[column]), number(after[column])]);
  const widths = [0, 1, 2].map((at) => Math.max(...table.map((row) => (row[at] ?? "").length)));
  return table.map(
    (row) =>
      `  ${(row[0] ?? "").padEnd(widths[0] ?? 0)}  ${(row[1] ?? "").padStart(widths[1] ?? 0)}  ${(row[2] ?? "").padStart(widths[2] ?? 0)}`,
  );
}
