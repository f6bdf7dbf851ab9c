/** A finding's picture of time as SVG: a lane per source, silences shaded, instants marked. */

import type { Timeline } from "../../contract/finding.ts";
import { instant } from "../../contract/wording.ts";
import { html, type Markup } from "./markup.ts";

const WIDTH = 760;
const LEFT = 190;
const LANE = 34;
const BAR = 24;
/** Names longer than this are cut; the whole name stands in the description. */
const NAME_MAX = 28;

export function timelineSvg(timeline: Timeline): Markup {
  const { lanes, marks, from, to } = timeline;
  const span = Math.max(1, Date.parse(to) - Date.parse(from));
  const at = (time: string) => {
    const share = (Date.parse(time) - Date.parse(from)) / span;
    return LEFT + Math.min(1, Math.max(0, Number.isFinite(share) ? share : 0)) * (WIDTH - LEFT);
  };
  const bottom = lanes.length * LANE;
  const height = bottom + 22 + marks.length * 16;
  const drawn = lanes.map((lane, i) => {
    const top = Math.max(1, ...lane.counts);
    const step = (WIDTH - LEFT) / Math.max(1, lane.counts.length);
    const y = i * LANE;
    const bars = lane.counts.map((count, n) => {
      if (count <= 0) return null;
      const h = Math.max(2, (count / top) * BAR);
      return html`<rect class="count" x="${fixed(LEFT + n * step)}" y="${fixed(y + BAR + 4 - h)}" width="${fixed(Math.max(1, step - 1))}" height="${fixed(h)}"/>`;
    });
    const name = lane.name.length > NAME_MAX ? `${lane.name.slice(0, NAME_MAX - 1)}…` : lane.name;
    return html`<text x="0" y="${y + BAR}">${name}</text>${silences(lane.counts, step, y)}${bars}`;
  });
  const lines = marks.map((mark, i) => {
    const x = at(mark.time);
    const anchor = x > WIDTH - 220 ? "end" : "start";
    return html`<line class="mark" x1="${fixed(x)}" x2="${fixed(x)}" y1="0" y2="${bottom + 4}"/><text x="${fixed(x)}" y="${bottom + 36 + i * 16}" text-anchor="${anchor}">${instant(mark.time)} ${mark.label}</text>`;
  });
  const told = `${lanes.map((lane) => lane.name).join(" and ")} from ${instant(from)} to ${instant(to)}${marks
    .map((mark) => `; ${instant(mark.time)}: ${mark.label}`)
    .join("")}`;
  return html`<svg viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" role="img" aria-label="${told}">${drawn}<text x="${LEFT}" y="${bottom + 18}">${instant(from).slice(0, 16)}</text><text x="${WIDTH}" y="${bottom + 18}" text-anchor="end">${instant(to).slice(0, 16)}</text>${lines}</svg>`;
}

/** The longest silence of a lane, and those at its ends, when they are long enough to mean something. */
function silences(counts: readonly number[], step: number, y: number): (Markup | null)[] {
  const found: Markup[] = [];
  for (let start = 0; start < counts.length; ) {
    let end = start;
    while (end < counts.length && (counts[end] as number) <= 0) end++;
    if (end - start >= Math.max(3, counts.length / 10))
      found.push(
        html`<rect class="silence" x="${fixed(LEFT + start * step)}" y="${y + 4}" width="${fixed((end - start) * step)}" height="${BAR}"/>`,
      );
    start = Math.max(end, start + 1);
  }
  return found;
}

const fixed = (value: number) => value.toFixed(1);
