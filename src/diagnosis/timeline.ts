/** Draws what each source did around the onset of an incident. */

import { instantOf, secondsOf } from "../analysis/activity.ts";
import type { Timeline } from "../contract/finding.ts";
import type { HypothesisContext, Incident } from "../contract/hypothesis.ts";
import { type LaneQuery, timelineOf } from "../contract/timeline.ts";
import { commitsNear, markersNear } from "./measure/events.ts";

const LANES_MAX = 8;

/** Each side of the onset is drawn over at most so many times the other, and so many seconds. */
const SIDE_FACTOR = 3;
const SIDE_SECONDS = 2 * 86_400;

/** Lines, token events and rows with and without tokens, around the onset; null without times. */
export async function timelineFor(incident: Incident, ctx: HypothesisContext): Promise<Timeline | null> {
  const { table, scope, defect, onset } = incident;
  const lanes: LaneQuery[] = [];
  for (const log of incident.logs) {
    lanes.push({ name: log.table.name, relation: log.relation });
    for (const usage of incident.events.filter((u) => u.table.input === log.input))
      lanes.push({ name: usage.name, relation: usage.relation });
  }
  if (table?.has("time")) {
    lanes.push({ name: table.name, relation: table.relation });
    if (defect !== null)
      lanes.push({ name: "  with tokens", relation: table.relation, where: `${scope} AND NOT (${defect})` });
  }
  for (const name of incident.findings.flatMap((finding) => finding.onset?.sources ?? [])) {
    const series = ctx.evidence.series.find((s) => s.name === name);
    if (series && !lanes.some((lane) => lane.relation === series.relation) && table?.name !== name)
      lanes.push({ name, relation: series.relation });
  }
  const shown = lanes.slice(0, LANES_MAX);
  const ranges = ctx.evidence.series.filter((s) => shown.some((lane) => lane.name === s.name));
  if (!onset || ranges.length === 0) return null;
  const first = Math.min(...ranges.map((s) => secondsOf(s.timeRange.from)), onset.earliest);
  const end = Math.max(...ranges.map((s) => secondsOf(s.timeRange.to)));
  const last = Math.max(Math.min(end, secondsOf(ctx.now)), onset.latest);
  // What has no other side is drawn whole.
  const side = (other: number) =>
    other > 0 ? Math.max(SIDE_FACTOR * other, SIDE_SECONDS) : Number.POSITIVE_INFINITY;
  const from = Math.max(first, onset.earliest - side(last - onset.latest));
  const to = Math.min(last, onset.latest + side(onset.earliest - first));
  const marks = [{ time: instantOf(onset.earliest), label: "onset" }];
  for (const nearby of [await markersNear(incident, ctx), await commitsNear(incident, ctx)])
    if (nearby?.nearest?.time)
      marks.push({
        time: nearby.nearest.time,
        label: `${nearby.nearest.kind}: ${nearby.nearest.text.slice(0, 60)}`,
      });
  return timelineOf(ctx, instantOf(from), instantOf(to), shown, marks);
}
