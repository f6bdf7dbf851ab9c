/** What was read: a line per input, with its faults, rejected rows and notes. */

import type { Input, Table, TimeRange } from "../contract/evidence.ts";
import type { RenderOptions } from "../contract/report.ts";
import { instant, percent, plural } from "../contract/wording.ts";
import { hanging } from "./finding-text.ts";
import { cutPath, cutTo, type Paint, pad, widthOf } from "./layout.ts";
import { endOf } from "./picture.ts";
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
  const widths = [36, 20, 24].map((most, i) =>
    Math.min(most, Math.max(...cells.map(({ texts }) => widthOf(texts[i]!)), 0)),
  );
  const room = options.width - 2 - widths.reduce((sum, width) => sum + width + 2, 0);
  inputs.forEach((input, i) => {
    const { texts, range } = cells[i]!;
    const [path, kind, size] = texts.map((text, k) =>
      k === 0 ? cutPath(text, widths[k]!) : cutTo(text, widths[k]!),
    ) as [string, string, string];
    const once = range !== null && range.from === range.to;
    const full = once ? instant(range.from) : range ? `${instant(range.from)} → ${instant(range.to)}` : "";
    const short = once
      ? full
      : range
        ? `${endOf(range.from, range.from, range.to)} → ${endOf(range.to, range.from, range.to)}`
        : "";
    if (input.error !== undefined && input.rows === 0) {
      const head = `${paint.red("✖")} ${pad(path, widths[0]!)}  ${paint.red("not evaluated:")} `;
      lines.push(...hanging(head, "    ", printable(withoutPath(input.error, input.path)), options.width));
      return;
    }
    const times = full.length <= room ? full : short.length <= room ? short : "";
    const line = `${pad(path, widths[0]!)}  ${pad(kind, widths[1]!)}  ${pad(size, widths[2]!, "right")}  ${times}`;
    lines.push(cutTo(`${input.error === undefined ? " " : "✖"} ${line.trimEnd()}`, options.width));
    if (times === "" && short !== "") lines.push(`    ${short}`);
    if (input.error !== undefined) {
      const why = printable(withoutPath(input.error, input.path));
      lines.push(...hanging(`    ${paint.red("not evaluated:")} `, "      ", why, options.width));
    }
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

/** Path, kind and size as text, and the time range of all its tables. */
function inputCells(
  input: Input,
  tables: readonly Timed[],
): { texts: [string, string, string]; range: TimeRange | null } {
  const ranges = tables.flatMap((t) => (t.input === input.name && t.timeRange ? [t.timeRange] : []));
  const from = ranges.map((range) => range.from).sort()[0];
  const to = ranges
    .map((range) => range.to)
    .sort()
    .at(-1);
  // Of what could not be read the kind is not known either.
  const unread = input.error !== undefined && input.rows === 0;
  const size = plural(input.rows, input.kind === "log" ? "line" : input.kind === "code" ? "fact" : "row");
  return {
    texts: [
      printable(input.path === "" ? input.name : input.path),
      unread ? "" : input.kind,
      unread ? "" : size,
    ],
    range: from !== undefined && to !== undefined ? { from, to } : null,
  };
}

/** An error often begins with the path that stands beside it already. */
function withoutPath(error: string, path: string): string {
  return error.startsWith(`${path}: `) ? error.slice(path.length + 2) : error;
}
