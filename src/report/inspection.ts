/** `trueup inspect` for people: how each table was understood, and what its values look like. */

import type { Grain } from "../contract/evidence.ts";
import type { InspectedColumn, InspectedTable, Inspection, RoleStats } from "../contract/inspection.ts";
import type { RenderOptions } from "../contract/report.ts";
import { ROLES } from "../contract/roles.ts";
import { instant, number, percent, plural } from "../contract/wording.ts";
import { hanging } from "./finding-text.ts";
import { inputLines } from "./inputs.ts";
import { cutPath, cutTo, joinParts, type Paint, pad, paintOf, widthOf } from "./layout.ts";
import { endOf, resample, sparkline } from "./picture.ts";
import { printable } from "./printable.ts";

/** Columns without a role that are named without --verbose. */
const OTHERS_MAX = 12;

/** What one row of a usage relation is. */
const GRAINS: Readonly<Record<NonNullable<Grain> | "call", string>> = {
  call: "a row per call",
  hour: "a row per hour",
  day: "a row per day",
  month: "a row per month",
  session: "a row per session",
  total: "running totals",
};

export function renderInspection(inspection: Inspection, options: RenderOptions): string {
  const paint = paintOf(options.color);
  const sections = [inputLines(inspection.inputs, inspection.tables, options, paint)];
  for (const table of inspection.tables) sections.push(tableLines(table, inspection, options, paint));
  if (inspection.links.length > 0)
    sections.push([
      paint.bold("links"),
      ...inspection.links.map((link) =>
        cutTo(
          printable(
            `  ${link.leftTable}.${link.leftColumn} → ${link.rightTable}.${link.rightColumn}  ${percent(link.matchedRatio)} match (${link.how})`,
          ),
          options.width,
        ),
      ),
    ]);
  if (inspection.rollups.length > 0)
    sections.push([
      paint.bold("rollups"),
      ...inspection.rollups.flatMap((one) =>
        hanging("  ", "    ", printable(`${one.rollup} sums up ${one.detail}: ${one.reason}`), options.width),
      ),
    ]);
  return `${sections.map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

function tableLines(
  table: InspectedTable,
  inspection: Inspection,
  options: RenderOptions,
  paint: Paint,
): string[] {
  const unit = table.form === "lines" ? "line" : table.form === "events" ? "event" : "row";
  const log = inspection.logs.find((l) => l.table.name === table.name);
  const facts = [plural(table.rows, unit), log?.format, table.usage && GRAINS[table.usage.grain ?? "call"]];
  if (table.usage?.format) facts.push(`read as ${table.usage.format}`);
  const name = paint.bold(cutTo(printable(table.name), options.width));
  const told = facts.filter((fact) => fact !== null && fact !== undefined);
  const lines = joinParts([name, ...told.map((fact) => paint.dim(printable(fact)))], options.width, paint);
  if (table.rhythm) {
    const { from, to, counts } = table.rhythm;
    const ends = [endOf(from, from, to), endOf(to, from, to)];
    const room = options.width - 6 - ends[0]!.length - ends[1]!.length;
    lines.push(
      `  ${paint.dim(ends[0]!)}  ${paint.green(sparkline(resample(counts, Math.max(8, room))))}  ${paint.dim(ends[1]!)}`,
    );
  } else if (table.timeRange)
    lines.push(`  ${paint.dim(`${instant(table.timeRange.from)} → ${instant(table.timeRange.to)}`)}`);
  const withRole = table.columns
    .filter((column) => column.role !== null)
    .sort((a, b) => ROLES.indexOf(a.role!) - ROLES.indexOf(b.role!));
  lines.push(...roleLines(withRole, options, paint));
  lines.push(...statLines(withRole, options, paint));
  for (const [title, values] of [
    ["status", table.usage?.statuses ?? []],
    ["kind", table.usage?.kinds ?? []],
  ] as const) {
    if (values.length === 0) continue;
    const text = values.map(
      (v) =>
        `${v.value ?? "NULL"} ${number(v.rows)}${v.counts ? "" : title === "status" ? " (no success)" : " (no call)"}`,
    );
    lines.push(...hanging(`  ${paint.dim(title)}  `, "    ", printable(text.join(", ")), options.width));
  }
  const others = table.columns.filter((column) => column.role === null);
  lines.push(
    ...namesLine(
      "without a role",
      others.filter((column) => column.loaded),
      options,
      paint,
    ),
  );
  lines.push(
    ...namesLine(
      "loaded when a query names them",
      others.filter((c) => !c.loaded),
      options,
      paint,
    ),
  );
  return lines;
}

function namesLine(
  title: string,
  columns: readonly InspectedColumn[],
  options: RenderOptions,
  paint: Paint,
): string[] {
  if (columns.length === 0) return [];
  const names = columns.slice(0, options.verbose ? columns.length : OTHERS_MAX).map((column) => column.name);
  if (names.length < columns.length) names.push(`${number(columns.length - names.length)} more (--verbose)`);
  return hanging(`  ${paint.dim(title)}  `, "    ", printable(names.join(", ")), options.width);
}

/** Role, column, confidence and reason, in columns. */
function roleLines(columns: readonly InspectedColumn[], options: RenderOptions, paint: Paint): string[] {
  if (columns.length === 0) return [];
  const roleWidth = Math.max(...columns.map((column) => column.role!.length));
  const names = columns.map((column) => cutPath(printable(column.name), Math.round(options.width * 0.4)));
  const nameWidth = Math.max(...names.map(widthOf));
  return columns.map((column, i) => {
    const confidence = column.confidence === null ? "" : percent(column.confidence);
    const head = `  ${pad(column.role!, roleWidth)}  ${pad(names[i]!, nameWidth)}  ${pad(confidence, 6, "right")}  `;
    const reason = cutTo(printable(column.reason ?? ""), Math.max(10, options.width - widthOf(head)));
    return head + paint.dim(reason);
  });
}

const STATS: readonly (readonly [string, (stats: RoleStats) => string])[] = [
  ["min", (s) => number(s.min)],
  ["median", (s) => number(s.median)],
  ["p95", (s) => number(s.p95)],
  ["max", (s) => number(s.max)],
  ["zeros", (s) => number(s.zeros)],
  ["NULLs", (s) => number(s.nulls)],
  ["sum", (s) => (typeof s.sum === "string" ? s.sum : number(s.sum))],
];

/** A table of the numeric roles; a role without values says so. */
function statLines(columns: readonly InspectedColumn[], options: RenderOptions, paint: Paint): string[] {
  const measured = columns.filter((column) => column.stats !== null);
  if (measured.length === 0) return [];
  const rows = measured.map((column) => [
    column.role as string,
    ...STATS.map(([, read]) => read(column.stats!)),
  ]);
  const heads = ["", ...STATS.map(([name]) => name)];
  const widths = heads.map((head, i) => Math.max(head.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]) =>
    cutTo(
      `  ${cells.map((cell, i) => pad(cell, widths[i]!, i === 0 ? "left" : "right")).join("  ")}`,
      options.width,
    );
  return ["", paint.dim(line(heads)), ...rows.map(line), ""];
}
