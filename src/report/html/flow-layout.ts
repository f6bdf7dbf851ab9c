/** Places the nodes of a picture in its columns so that few arrows cross and neighbours stand at one height. */

import { COLUMNS, type FlowGraph, type FlowNode } from "./flow-graph.ts";

export const WIDTH = 1040;
export const NODE_HEIGHT = 40;
const GAP = 12;
/** An arrow that passes a column keeps this much of it free. */
const PASS_HEIGHT = 10;
/** Rounds of ordering; pictures are small, and more change nothing. */
const ROUNDS = 6;
/** Pixels between two columns, for the bends of the arrows. */
const COLUMN_GAP_MIN = 72;
const COLUMN_GAP_MAX = 170;
const NODE_WIDTH_MAX = 260;

/** A node, or the place where a long arrow passes a column. */
export interface Slot {
  node: FlowNode | null;
  column: number;
  x: number;
  /** Its middle. */
  y: number;
  height: number;
}

/** An arrow as the slots that it passes, from left to right. */
export interface Route {
  slots: Slot[];
  edge: FlowGraph["edges"][number];
}

export interface Layout {
  slots: Slot[];
  routes: Route[];
  columns: { title: string; x: number }[];
  height: number;
  /** Of a node. */
  width: number;
}

export function layoutFlow({ nodes, edges }: FlowGraph): Layout {
  const used = COLUMNS.map((_, i) => i).filter((i) => nodes.some((node) => node.column === i));
  const at = (column: number) => used.indexOf(column);
  const gaps = used.length - 1;
  const width = Math.min(NODE_WIDTH_MAX, (WIDTH - gaps * COLUMN_GAP_MIN) / used.length);
  const gap = Math.min(COLUMN_GAP_MAX, (WIDTH - used.length * width) / Math.max(1, gaps));
  const x = (column: number) => column * (width + gap);
  const slotOf = new Map(
    nodes.map((node): [FlowNode, Slot] => [
      node,
      { node, column: at(node.column), x: x(at(node.column)), y: 0, height: NODE_HEIGHT },
    ]),
  );
  const slots = [...slotOf.values()];
  const routes = edges.map((edge): Route => {
    const [from, to] = [slotOf.get(edge.from)!, slotOf.get(edge.to)!];
    const passed: Slot[] = [];
    for (let column = from.column + 1; column < to.column; column++)
      passed.push({ node: null, column, x: x(column), y: 0, height: PASS_HEIGHT });
    slots.push(...passed);
    return { slots: [from, ...passed, to], edge };
  });
  const columns = used.map((_, i) => slots.filter((slot) => slot.column === i));
  const neighbours = neighboursOf(routes);
  order(columns, neighbours);
  const height = place(columns, neighbours);
  return {
    slots,
    routes,
    height,
    width,
    columns: used.map((column, i) => ({ title: COLUMNS[column]!, x: x(i) })),
  };
}

type Neighbours = ReadonlyMap<Slot, { before: Slot[]; after: Slot[] }>;

function neighboursOf(routes: readonly Route[]): Neighbours {
  const neighbours = new Map<Slot, { before: Slot[]; after: Slot[] }>();
  const of = (slot: Slot) => {
    const known = neighbours.get(slot) ?? { before: [], after: [] };
    neighbours.set(slot, known);
    return known;
  };
  for (const { slots } of routes)
    for (let i = 1; i < slots.length; i++) {
      of(slots[i]!).before.push(slots[i - 1]!);
      of(slots[i - 1]!).after.push(slots[i]!);
    }
  return neighbours;
}

/** Sorts each column by the middle of its neighbours, to the right and back to the left, several times. */
function order(columns: Slot[][], neighbours: Neighbours): void {
  for (let round = 0; round < ROUNDS; round++) {
    const side = round % 2 === 0 ? "after" : "before";
    const sequence = round % 2 === 0 ? [...columns].reverse() : columns;
    for (const column of sequence) {
      const rank = new Map(columns.flatMap((slots) => slots.map((slot, i) => [slot, i / slots.length])));
      const wish = new Map(
        column.map((slot) => [slot, mean((neighbours.get(slot)?.[side] ?? []).map((one) => rank.get(one)!))]),
      );
      const wished = (slot: Slot) => wish.get(slot) ?? rank.get(slot)!;
      column.sort((a, b) => wished(a) - wished(b));
    }
  }
}

/** The tallest column stands dense; the others come as near to their neighbours' height as there is room. */
function place(columns: readonly Slot[][], neighbours: Neighbours): number {
  const heights = columns.map((slots) => slots.reduce((sum, slot) => sum + slot.height + GAP, -GAP));
  const height = Math.max(...heights);
  const tallest = heights.indexOf(height);
  for (const [i, slots] of columns.entries()) stack(slots, () => null, i === tallest ? height : heights[i]!);
  for (let i = tallest + 1; i < columns.length; i++)
    stack(columns[i]!, (slot) => mean((neighbours.get(slot)?.before ?? []).map((one) => one.y)), height);
  for (let i = tallest - 1; i >= 0; i--)
    stack(columns[i]!, (slot) => mean((neighbours.get(slot)?.after ?? []).map((one) => one.y)), height);
  return height;
}

function stack(slots: readonly Slot[], wish: (slot: Slot) => number | null, height: number): void {
  let top = 0;
  for (const slot of slots) {
    slot.y = Math.max(top + slot.height / 2, wish(slot) ?? 0);
    top = slot.y + slot.height / 2 + GAP;
  }
  let bottom = height;
  for (const slot of [...slots].reverse()) {
    slot.y = Math.min(slot.y, bottom - slot.height / 2);
    bottom = slot.y - slot.height / 2 - GAP;
  }
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}
