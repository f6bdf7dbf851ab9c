/** A change that was shipped around the onset broke the recording. */

import {
  defineHypothesis,
  type HypothesisContext,
  type Incident,
  NO_EVIDENCE,
  speaksAgainst,
  speaksFor,
} from "../../contract/hypothesis.ts";
import { instant, number, percent, plural } from "../../contract/wording.ts";
import { commitsNear, markersNear, type Nearby } from "../measure/events.ts";
import { afterSql, afterText, beforeSql, beforeText } from "../measure/window.ts";

export default defineHypothesis({
  id: "deploy-regression",
  meta: {
    title: "A change shipped around the onset",
    sentence:
      "A deploy, restart or commit shortly before the onset changed what logs, reads or writes the tokens.",
    limits:
      "What happens shortly before is not therefore the cause; how often such things happen anyway is weighed against it. A deploy that leaves no line and no commit stays unseen.",
  },
  tests: [
    {
      id: "restart-near",
      // As many times likelier as such a marker is rare: a program that restarts every hour says nothing.
      weight: { for: 2.6, against: 1.5 },
      run: (incident, ctx) =>
        near("restart, version or deploy", markersNear(incident, ctx), ctx.options.restart_hours),
    },
    {
      id: "commit-near",
      // Commits are frequent: they count by how rare they are, too.
      weight: { for: 1.4, against: 1.5 },
      run: (incident, ctx) => near("commit", commitsNear(incident, ctx), ctx.options.commit_hours),
    },
    {
      id: "commit-touches",
      // The diff touches the token line, the extractor or the write of the table: few commits do.
      weight: { for: 2.6, against: 0 },
      async run(incident, ctx) {
        const commits = await commitsNear(incident, ctx);
        if (!commits?.nearest?.touches) return NO_EVIDENCE;
        const { nearest } = commits;
        return speaksFor(
          `commit ${nearest.source.slice(0, 10)} of ${instant(nearest.time)} ("${nearest.text.slice(0, 80)}") touches ${nearest.touches}`,
          commits.sql,
        );
      },
    },
    {
      id: "errors-rise",
      // More calls fail from the onset on: a change that broke one thing often breaks another. Without a known change
      // calls fail for many reasons, and those that fail tell no tokens.
      weight: { for: 0.8, against: 0 },
      async run(incident, ctx) {
        const known = [await markersNear(incident, ctx), await commitsNear(incident, ctx)];
        return known.some((nearby) => nearby?.nearest) ? errorsRise(incident, ctx) : NO_EVIDENCE;
      },
    },
  ],
  confirm: () => "compare the version before the onset with the one after it, in what logs and stores tokens",
  missing: (_, ctx) =>
    ctx.evidence.inputs.some((input) => input.kind === "git")
      ? null
      : "the git history (name the .git directory), or the times of deploys under deploys: in trueup.yaml",
});

async function near(what: string, found: Promise<Nearby | null>, hours: number) {
  const nearby = await found;
  if (!nearby) return NO_EVIDENCE;
  if (!nearby.nearest)
    return speaksAgainst(
      `no ${what} from ${nearby.from} to ${nearby.to}, ${number(hours)} h before the onset to its end; the evidence holds ${number(nearby.all)}`,
      nearby.sql,
      // Logs show restarts only by chance, so that their absence says little where hardly any are known.
      Math.min(1, nearby.all / 3),
    );
  const rare = Math.log(0.9 / Math.max(nearby.chance, 1e-6)) / Math.log(0.9 / 0.02);
  if (rare <= 0.15) return NO_EVIDENCE;
  const { nearest } = nearby;
  const more = nearby.near > 1 ? ` (${plural(nearby.near, "event")} in that time)` : "";
  return speaksFor(
    `${nearest.kind} at ${instant(nearest.time)} in ${nearest.kind === "commit" ? nearest.source.slice(0, 10) : nearest.source}: "${nearest.text.slice(0, 100)}"${more}; by chance ${percent(nearby.chance)} of such windows hold one`,
    nearby.sql,
    Math.min(1, rare),
  );
}

async function errorsRise(incident: Incident, ctx: HypothesisContext) {
  const { table } = incident;
  if (!table?.has("status", "time") || !incident.onset) return NO_EVIDENCE;
  const sql = `SELECT count(*) FILTER (WHERE ${beforeSql(incident)}) AS before, count(*) FILTER (WHERE NOT ok AND ${beforeSql(incident)}) AS failed_before,
  count(*) FILTER (WHERE ${afterSql(incident)}) AS after, count(*) FILTER (WHERE NOT ok AND ${afterSql(incident)}) AS failed_after
FROM ${table.relation} WHERE is_call`;
  const [row = {}] = await ctx.query(sql);
  const [before, failed, after, failedAfter] = ["before", "failed_before", "after", "failed_after"].map(
    (name) => Number(row[name] ?? 0),
  ) as [number, number, number, number];
  if (before < 20 || after < 20) return NO_EVIDENCE;
  const [was, is] = [failed / before, failedAfter / after];
  const noise = Math.sqrt((Math.max(was, 0.01) * (1 - was)) / after);
  if (is - was < Math.max(0.05, 4 * noise)) return NO_EVIDENCE;
  return speaksFor(
    `the share of failed calls rises from ${percent(was)} ${beforeText(incident)} to ${percent(is)} ${afterText(incident)}`,
    sql,
  );
}
