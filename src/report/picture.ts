/** Draws a picture of time with block characters: a lane per source, its silences and the marked instants. */

import type { Lane, Timeline } from "../contract/finding.ts";
import { instant } from "../contract/wording.ts";
import { cutTo, type Paint, pad, widthOf } from "./layout.ts";
import { printable } from "./printable.ts";

const BLOCKS = "▁▂▃▄▅▆▇█";
const SILENCE = "·";
/** Names longer than this are cut. */
const NAME_MAX = 28;
const DAY_MS = 86_400_000;

/** One character per count, scaled to the largest; zero is a dot. */
export function sparkline(counts: readonly number[]): string {
  const top = Math.max(...counts, 1);
  return counts
    .map((count) => (count <= 0 ? SILENCE : BLOCKS[Math.min(7, Math.floor((count / top) * 7.999))]))
    .join("");
}

/** The same counts in at most `width` buckets: neighbours are added up. */
export function resample(counts: readonly number[], width: number): number[] {
  if (counts.length <= width) return [...counts];
  const merged = new Array<number>(width).fill(0);
  counts.forEach((count, i) => {
    merged[Math.floor((i * width) / counts.length)]! += count;
  });
  return merged;
}

/** Widest step that is evened out: a longer one is a silence worth seeing. */
const STEP_MAX = 4;

/**
 * How many buckets one beat of the busiest lane takes: 3 for calls once a day in buckets of eight hours. Drawn bucket by
 * bucket, such a lane would look like one silence after the other.
 */
function stepOf(lanes: readonly Lane[]): number {
  const busiest = lanes.reduce<Lane | null>(
    (best, lane) => (filled(lane) > (best ? filled(best) : 0) ? lane : best),
    null,
  );
  if (!busiest) return 1;
  const runs = [
    ...busiest.counts
      .map((count) => (count > 0 ? "x" : "-"))
      .join("")
      .replace(/^-+|-+$/g, "")
      .matchAll(/-+/g),
  ];
  const lengths = runs.map(([run]) => run.length).sort((a, b) => a - b);
  const usual = lengths[Math.floor(lengths.length * 0.75)] ?? 0;
  return lengths.length >= 3 && lengths.length * 3 >= filled(busiest) && usual < STEP_MAX ? usual + 1 : 1;
}

function filled(lane: Lane): number {
  return lane.counts.filter((count) => count > 0).length;
}

/** Every `step` neighbours share their sum; the number of buckets stays. */
function evened(counts: readonly number[], step: number): number[] {
  if (step === 1) return [...counts];
  return counts.map((_, i) => {
    const start = i - (i % step);
    return counts.slice(start, start + step).reduce((sum, count) => sum + count, 0);
  });
}

/** A time as short as its range allows: seconds only within two days. */
export function endOf(time: string, from: string, to: string): string {
  const text = instant(time);
  return Date.parse(to) - Date.parse(from) > 2 * DAY_MS ? text.slice(0, 16) : text;
}

/** The lines of a picture, at most `width` columns each. */
export function drawTimeline(timeline: Timeline, width: number, paint: Paint): string[] {
  // Both ends of the axis, 16 columns each, must fit beside the names.
  const nameMax = Math.max(8, Math.min(NAME_MAX, width - 44));
  const names = timeline.lanes.map((lane) => cutTo(printable(lane.name), nameMax));
  const nameWidth = Math.max(...names.map(widthOf), 0);
  const buckets = Math.max(...timeline.lanes.map((lane) => lane.counts.length), 1);
  const columns = Math.max(8, Math.min(buckets, width - nameWidth - 2));
  const margin = " ".repeat(nameWidth + 2);
  const marks = timeline.marks.map((mark) => ({
    at: columnOf(mark.time, timeline, columns),
    text: `${instant(mark.time)}  ${printable(mark.label)}`,
  }));
  const at = marks.map((mark) => mark.at);
  const step = stepOf(timeline.lanes);
  const lines = timeline.lanes.map((lane, i) => {
    const counts = resample(evened(lane.counts, step), columns);
    return `${pad(names[i]!, nameWidth)}  ${drawLane(counts, at, paint)}`;
  });
  const [only] = marks;
  const beside = marks.length === 1 && only ? markBeside(only.at, only.text, width - margin.length) : null;
  const sign = (i: number) => (marks.length === 1 ? "▲" : String((i + 1) % 10));
  if (beside !== null) lines.push(margin + paint.bold(beside));
  else if (marks.length > 0) {
    const row = new Array<string>(columns).fill(" ");
    at.forEach((position, i) => {
      // Two marks in one bucket stand side by side.
      const free = row.indexOf(" ", position);
      row[free < 0 ? position : free] = sign(i);
    });
    lines.push(margin + paint.bold(row.join("").trimEnd()));
  }
  const from = endOf(timeline.from, timeline.from, timeline.to);
  const to = endOf(timeline.to, timeline.from, timeline.to);
  const gap = Math.max(2, columns - from.length - to.length);
  lines.push(paint.dim(`${margin}${from}${" ".repeat(gap)}${to}`));
  if (beside === null)
    marks.forEach((mark, i) => {
      lines.push(cutTo(`${margin}${sign(i)} ${mark.text}`, width));
    });
  return lines;
}

/** The sign under its column and the text to its right or left, or null where neither has room. */
function markBeside(at: number, text: string, width: number): string | null {
  if (at + 2 + widthOf(text) <= width) return `${" ".repeat(at)}▲ ${text}`;
  const start = at - 1 - widthOf(text);
  return start >= 0 ? `${" ".repeat(start)}${text} ▲` : null;
}

/** Silences that begin or end at a mark stand out. */
function drawLane(counts: readonly number[], marks: readonly number[], paint: Paint): string {
  const drawn = [...sparkline(counts)];
  let text = "";
  for (let start = 0; start < counts.length; ) {
    let end = start + 1;
    while (end < counts.length && counts[end]! > 0 === counts[start]! > 0) end++;
    const part = drawn.slice(start, end).join("");
    if (counts[start]! > 0) text += paint.green(part);
    else if (marks.some((at) => Math.abs(at - start) <= 1 || Math.abs(at - end) <= 1))
      text += paint.red(part);
    else text += paint.dim(part);
    start = end;
  }
  return text;
}

function columnOf(time: string, { from, to }: Timeline, columns: number): number {
  const span = Math.max(1, Date.parse(to) - Date.parse(from));
  const share = (Date.parse(time) - Date.parse(from)) / span;
  return Math.min(columns - 1, Math.max(0, Math.floor(share * columns) || 0));
}
