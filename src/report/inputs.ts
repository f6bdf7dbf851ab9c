/** What was read: a line per input, with its faults, rejected rows and notes. */

import type { Input, Table } from "../contract/evidence.ts";
import type { RenderOptions } from "../contract/report.ts";
import { instant, percent, plural } from "../contract/wording.ts";
import { hanging } from "./finding-text.ts";
import { cutTo, type Paint, pad, widthOf } from "./layout.ts";
import { printable } from "./printable.ts";

type Timed = Pick<Table, "input" | "timeRange">;

export function inputLines(
  inputs: readonly Input[],
  tables: readonly Timed[],
  options: RenderOptions,
  paint: Paint,
): string[] {
  const lines: string[] = [];
  const cells = inputs.map((input) => inputCells(input, tables));
  const widths = [0, 1, 2].map((i) =>
    Math.min(i === 0 ? 36 : 20, Math.max(...cells.map((c) => widthOf(c[i]!)), 0)),
  );
  inputs.forEach((input, i) => {
    const [path, kind, size, range] = cells[i]!;
    const mark = input.error === undefined ? " " : paint.red("✖");
    const line = `${pad(cutTo(path, widths[0]!), widths[0]!)}  ${pad(kind, widths[1]!)}  ${pad(size, widths[2]!, "right")}  ${range}`;
    lines.push(`${mark} ${cutTo(line.trimEnd(), options.width - 2)}`);
    if (input.error !== undefined)
      lines.push(
        ...hanging(`    ${paint.red("not read:")} `, "      ", printable(input.error), options.width),
      );
    if (input.rejected > 0) {
      const share = percent(input.rejected / (input.rows + input.rejected));
      lines.push(
        `    ${paint.yellow(plural(input.rejected, "row"))} rejected (${share}); they stand in trueup.rejects`,
      );
    }
    for (const note of input.notes)
      lines.push(...hanging(`    ${paint.dim("note:")} `, "      ", printable(note), options.width));
  });
  return lines;
}

/** Path, kind, size and time range. */
function inputCells(input: Input, tables: readonly Timed[]): [string, string, string, string] {
  const ranges = tables.flatMap((t) => (t.input === input.name && t.timeRange ? [t.timeRange] : []));
  const from = ranges.map((range) => range.from).sort()[0];
  const to = ranges
    .map((range) => range.to)
    .sort()
    .at(-1);
  const unit = input.kind === "log" ? "line" : "row";
  const named = input.path === "" ? input.name : input.path;
  return [
    printable(named),
    input.kind,
    input.error === undefined ? plural(input.rows, unit) : "",
    from !== undefined && to !== undefined ? `${instant(from)} → ${instant(to)}` : "",
  ];
}
