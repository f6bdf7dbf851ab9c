/** Where in a line the time stands: recognises it in sampled lines and writes the SQL that reads it. */

import { literal } from "../../store/index.ts";
import { jsonTimeOf, jsonTimeSql } from "./json.ts";
import { STAMPS, type Stamp } from "./stamps.ts";
import { likenessOf, type Tail, tailOf, timeSql } from "./tails.ts";

interface Site {
  name: string;
  /** What stands before the time; no groups that capture. */
  before: string;
  /** Text whose first occurrence ends where the time starts, when the column varies. */
  after?: string[];
  /** Could be an accident: counts only when most lines that have a time have it here. */
  weak?: boolean;
  /** The only stamp that is meant here. */
  only?: string;
}

const SITES: readonly Site[] = [
  { name: "klog", before: "[IWEF]", only: "MMDD, no year" },
  { name: "start", before: "[\\[(<\"']?" },
  { name: "syslog priority", before: "<\\d{1,3}>(?:1 )?", after: [">1 ", ">"] },
  { name: "Ruby logger", before: "[DIWEFAU], \\[" },
  { name: "level first", before: "[\\[(]?[A-Za-z]{3,9}[\\])]?:?\\s+[\\[(]?" },
  { name: "access log", before: "\\S+ \\S+ [^\\[\\]]{1,80} \\[", after: [" ["], only: "common log" },
  {
    name: "key",
    before: '(?:.{0,200}\\s)?(?:ts|time|timestamp|t|at|datetime|date)="?',
    after: [
      " ts=",
      "ts=",
      'time="',
      "time=",
      'timestamp="',
      "timestamp=",
      " t=",
      "t=",
      "at=",
      'date="',
      "date=",
    ],
  },
  { name: "second word", before: "\\S{1,120} \\[?", after: [" ", " ["], weak: true },
  { name: "within", before: ".{0,60}?[\\s\\[(|]", weak: true },
];

/** Lines of one kind: the same site and the same stamp. */
export interface Shape {
  site: string;
  stamp: Stamp;
  /** SQL from the line's text to the text that starts with the time: its first characters, or the whole rest. */
  at(text: string, whole?: boolean): string;
  /** SQL that is true where the line can be of this shape. */
  condition(text: string): string;
  /** Sampled lines of this shape. */
  lines: SampledTime[];
  weak: boolean;
}

export interface SampledTime {
  line: string;
  /** Where the time starts. */
  column: number;
  /** The time and all that follows. */
  text: string;
  /** What follows fraction and zone. */
  rest: string;
  tail: Tail;
}

const MATCHERS = SITES.map((site) => {
  const stamps = STAMPS.filter((stamp) =>
    site.only ? stamp.name === site.only : stamp.name !== "MMDD, no year",
  );
  const alternatives = stamps.map((stamp) => `(${stamp.pattern})`).join("|");
  return { site, stamps, pattern: new RegExp(`^(${site.before})(?:${alternatives})(?![\\d:])`) };
});

/** The shapes of the sampled lines, the most frequent first; none when no line has a time. */
export function shapesOf(lines: readonly string[]): Shape[] {
  const found = new Map<string, { site: Site; stamp: Stamp; lines: SampledTime[] }>();
  const json = new Map<string, Shape>();
  let last: string | null = null;
  for (const line of lines) {
    const inJson = line.startsWith("{") ? jsonTimeOf(line) : null;
    if (inJson) {
      addJson(json, line, inJson.path, inJson.value);
      continue;
    }
    const match = matchLine(line, last);
    if (!match) continue;
    const key = `${match.site.name}\0${match.stamp.name}`;
    last = match.site.name;
    const group = found.get(key) ?? { site: match.site, stamp: match.stamp, lines: [] };
    group.lines.push(match.time);
    found.set(key, group);
  }
  const shapes = [
    ...json.values(),
    ...[...found.values()].map(({ site, stamp, lines }) => shapeOf(site, stamp, lines)),
  ];
  const total = shapes.reduce((sum, shape) => sum + shape.lines.length, 0);
  return shapes
    .filter((shape) => isMeant(shape, total, lines.length))
    .sort((a, b) => b.lines.length - a.lines.length);
}

/** Weak sites, bare numbers and bare times of day are often an accident inside a message. */
function isMeant(shape: Shape, total: number, lines: number): boolean {
  const share = shape.lines.length / total;
  if (shape.stamp.name === "epoch" && shape.site !== "json")
    return share >= 0.5 && shape.lines.length >= Math.min(lines, 2) && shape.lines.length / lines >= 0.3;
  if (shape.weak || shape.stamp.lacks === "date") return share >= 0.5;
  return share >= 0.02;
}

function matchLine(
  line: string,
  last: string | null,
): { site: Site; stamp: Stamp; time: SampledTime } | null {
  const head = line.slice(0, 320);
  const order = last === null ? MATCHERS : [...MATCHERS].sort((a, b) => rank(a.site) - rank(b.site));
  function rank(site: Site): number {
    return site.weak ? 2 : site.name === last ? 0 : 1;
  }
  for (const { site, stamps, pattern } of order) {
    const match = pattern.exec(head);
    if (!match) continue;
    const column = (match[1] as string).length;
    const index = stamps.findIndex((_, i) => match[i + 2] !== undefined);
    const stamp = stamps[index] as Stamp;
    const text = line.slice(column);
    const stamped = (match[index + 2] as string).length;
    const tail = tailOf(text.slice(stamped));
    return {
      site,
      stamp,
      time: { line, column, text, tail, rest: text.slice(stamped + tail.length) },
    };
  }
  return null;
}

function shapeOf(site: Site, stamp: Stamp, lines: SampledTime[]): Shape {
  const columns = new Set(lines.map((line) => line.column));
  const [column = 0] = columns;
  const weak = site.weak ?? false;
  const base = { site: site.name, stamp, lines, weak };
  if (columns.size === 1) {
    const prefixes = new Set(lines.map((line) => line.line.slice(0, column)));
    const known = prefixes.size <= 4 ? [...prefixes].sort().map(literal).join(", ") : null;
    return {
      ...base,
      at: (text, whole) => (column === 0 ? text : `substr(${text}, ${column + 1}${whole ? "" : ", 64"})`),
      condition: (text) => (column > 0 && known ? `left(${text}, ${column}) IN (${known})` : "TRUE"),
    };
  }
  const after = site.after?.find((mark) =>
    lines.every((line) => line.line.indexOf(mark) + mark.length === line.column && line.line.includes(mark)),
  );
  if (after !== undefined)
    return {
      ...base,
      at: (text, whole) =>
        `substr(${text}, strpos(${text}, ${literal(after)}) + ${after.length}${whole ? "" : ", 64"})`,
      condition: (text) => `contains(${text}, ${literal(after)})`,
    };
  return {
    ...base,
    at: (text, whole) =>
      `regexp_extract(${whole ? text : `left(${text}, 320)`}, ${literal(`^(?:${site.before})(${stamp.pattern}.*)`)}, 1, 's')`,
    condition: () => "TRUE",
  };
}

function addJson(json: Map<string, Shape>, line: string, path: string, value: string): void {
  for (const stamp of STAMPS) {
    const match = new RegExp(`^(?:${stamp.pattern})`).exec(value);
    if (!match) continue;
    const tail = tailOf(value.slice(match[0].length));
    const time = { line, column: 0, text: value, tail, rest: "" };
    const key = `${path}\0${stamp.name}`;
    const shape = json.get(key);
    if (shape) shape.lines.push(time);
    else
      json.set(key, {
        site: "json",
        stamp,
        lines: [time],
        weak: false,
        at: (text) => jsonTimeSql(text, path),
        condition: (text) => `${text}[1] = '{'`,
      });
    return;
  }
}

/** SQL from a line's text to its time: UTC, or local with a year or date still to come. NULL without a time. */
export function momentSql(shapes: readonly Shape[], text: string, timezone: string): string {
  if (shapes.length === 0) return "CAST(NULL AS TIMESTAMP)";
  const each = shapes.map((shape) => {
    const at = shape.at(text);
    const condition = shape.condition(text);
    const holds = (test: string) => (condition === "TRUE" ? test : `${condition} AND ${test}`);
    const alike = likenessOf(shape.stamp, shape.lines);
    const common = alike
      ? `WHEN ${holds(`${at} LIKE ${literal(alike.mask)}`)} THEN ${alike.time(at, timezone)}`
      : "";
    return `CASE ${common} WHEN ${holds(shape.stamp.guard(at))} THEN ${timeSql(
      shape.stamp,
      at,
      shape.lines,
      timezone,
    )} END`;
  });
  return each.length === 1 ? (each[0] as string) : `COALESCE(${each.join(", ")})`;
}
