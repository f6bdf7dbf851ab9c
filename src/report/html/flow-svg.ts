/** One picture of the flow as SVG: columns from page to table, an arrow per call, reading and writing. */

import { cutTo } from "../layout.ts";
import { printable } from "../printable.ts";
import type { FlowGraph } from "./flow-graph.ts";
import { type Layout, layoutFlow, NODE_HEIGHT, type Route, type Slot, WIDTH } from "./flow-layout.ts";
import { html, type Markup } from "./markup.ts";

/** Room for the heads of the columns. */
const HEAD = 26;
/** Characters of what a pointer shows at a node. */
const TITLE_MAX = 300;
/** Reading and writing between the same two nodes run this far apart. */
const APART = 7;

export function flowSvg(graph: FlowGraph): Markup {
  const layout = layoutFlow(graph);
  const height = HEAD + layout.height + 6;
  // Broken arrows lie on top of the others, and nodes on top of all.
  const routes = [...layout.routes].sort((a, b) => Number(a.edge.broken) - Number(b.edge.broken));
  return html`<svg class="flow" viewBox="-3 0 ${WIDTH + 6} ${height}" width="${WIDTH + 6}" aria-hidden="true">
${layout.columns.map(({ title, x }) => html`<text class="head" x="${fixed(x)}" y="14">${title}</text>`)}
${routes.map((route) => arrow(route, layout))}
${layout.slots.map((slot) => (slot.node === null ? null : node(slot, layout.width)))}</svg>`;
}

function node({ node, x, y }: Slot, width: number): Markup {
  const { title, note, broken, column } = node!;
  const top = HEAD + y - NODE_HEIGHT / 2;
  const kind = column === 3 ? "table" : column === 2 ? "function" : "entry";
  const left = kind === "entry" ? 16 : 11;
  const line = (style: string, at: number, text: string) =>
    html`<text class="${style}" x="${fixed(x + left)}" y="${fixed(top + at)}">${text}</text>`;
  return html`<g class="node ${kind}${broken ? " broken" : ""}"><title>${cutTo(note === "" ? title : `${title} · ${note}`, TITLE_MAX)}</title><rect x="${fixed(x)}" y="${fixed(top)}" width="${fixed(width)}" height="${NODE_HEIGHT}" rx="${kind === "entry" ? NODE_HEIGHT / 2 : 6}"/>${line("name", note === "" ? 25 : 17, cut(title, width - 2 * left, 6.3, 0.5))}${note === "" ? null : line("note", 32, cut(note, width - 2 * left, 5.4, 0))}</g>`;
}

function arrow({ slots, edge }: Route, { routes, width }: Layout): Markup {
  const { kind, broken, from, to } = edge;
  const twin = routes.some(
    (one) => one.edge !== edge && one.edge.from === from && one.edge.to === to && kind !== "call",
  );
  const shift = twin ? (kind === "write" ? -APART : APART) : 0;
  const y = (slot: Slot) => HEAD + slot.y + (slot.node === null ? 0 : shift);
  const [first, ...others] = slots as [Slot, ...Slot[]];
  let path = `M${fixed(first.x + width)} ${fixed(y(first))}`;
  let before = first;
  for (const slot of others) {
    const [x1, x2] = [before.x + width, slot.x];
    const bend = (x2 - x1) / 2;
    path += `C${fixed(x1 + bend)} ${fixed(y(before))} ${fixed(x2 - bend)} ${fixed(y(slot))} ${fixed(x2)} ${fixed(y(slot))}`;
    if (slot.node === null) path += `H${fixed(slot.x + width)}`;
    before = slot;
  }
  const last = others.at(-1)!;
  const previous = slots.at(-2)!;
  const ends = { x1: previous.x + width, y1: y(previous), x2: last.x, y2: y(last) };
  const style = `${kind}${broken ? " broken" : ""}`;
  return html`<path class="edge ${style}" d="${path}"/>${head(kind, style, ends)}${broken && kind !== "call" ? cross((ends.x1 + ends.x2) / 2, (ends.y1 + ends.y2) / 2) : null}`;
}

/** What is written points at the table, what is read at the function. */
function head(kind: string, style: string, { x1, y1, x2, y2 }: Record<"x1" | "y1" | "x2" | "y2", number>) {
  if (kind === "call") return null;
  const path =
    kind === "write" ? `M${fixed(x2)} ${fixed(y2)}l-9 -4.5v9z` : `M${fixed(x1)} ${fixed(y1)}l9 -4.5v9z`;
  return html`<path class="arrow ${style}" d="${path}"/>`;
}

function cross(x: number, y: number): Markup {
  return html`<g class="cross"><circle cx="${fixed(x)}" cy="${fixed(y)}" r="8"/><path d="M${fixed(x - 3.2)} ${fixed(y - 3.2)}l6.4 6.4m0 -6.4l-6.4 6.4"/></g>`;
}

/**
 * The text cut to a width in pixels, for letters of `size` pixels. `head` is the share of what stays at its front: 0 for
 * paths, which their ends tell apart.
 */
function cut(text: string, width: number, size: number, head: number): string {
  const chars = [...printable(text)];
  const sizes = chars.map((char) => size * (/[A-ZÀ-ÞMWmw@%]/.test(char) ? 1.25 : /[ -ɏ]/.test(char) ? 1 : 2));
  const total = sizes.reduce((sum, one) => sum + one, 0);
  if (total <= width) return chars.join("");
  const room = width - 1.6 * size;
  let [front, used] = [0, 0];
  while (used + sizes[front]! <= room * head) used += sizes[front++]!;
  let back = chars.length;
  while (used + sizes[back - 1]! <= room) used += sizes[--back]!;
  return `${chars.slice(0, front).join("")}…${chars.slice(back).join("")}`;
}

const fixed = (value: number) => String(Math.round(value * 10) / 10);
