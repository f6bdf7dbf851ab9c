/** Groups the findings that began together into incidents, and finds the sources their causes are looked for in. */

import { secondsOf } from "../analysis/activity.ts";
import { tokenRoles } from "../analysis/pairing.ts";
import { noTokens } from "../analysis/scope.ts";
import type { CheckContext } from "../contract/check.ts";
import type { Evidence, UsageRelation } from "../contract/evidence.ts";
import type { NamedDraft, Onset } from "../contract/finding.ts";
import type { Incident } from "../contract/hypothesis.ts";

/** Intervals this near count as overlapping: a line and the row it tells of stand minutes apart. */
const SLACK_SECONDS = 900;

interface Group {
  earliest: number | null;
  latest: number | null;
  /** When it was over; null while it lasts or nothing says so. */
  until: number | null;
  kind: Onset["kind"];
  /** How well its best finding knows when it began. */
  rank: number;
  findings: NamedDraft[];
}

/** The incidents among the findings, in order of time. */
export async function incidentsOf(
  drafts: readonly NamedDraft[],
  ctx: Pick<CheckContext, "evidence" | "query">,
): Promise<Incident[]> {
  const incidents: Incident[] = [];
  for (const group of groupsOf(drafts)) incidents.push(await incidentOf(group, ctx));
  return incidents;
}

function groupsOf(drafts: readonly NamedDraft[]): Group[] {
  const timed = drafts
    .filter((draft) => draft.onset !== undefined)
    .map((draft) => {
      const { earliest, latest, kind, until } = draft.onset as Onset;
      const [from, to] = [earliest && secondsOf(earliest), latest && secondsOf(latest)];
      const known = typeof from === "number" && typeof to === "number" && !Number.isNaN(from + to);
      return {
        draft,
        kind,
        rank: draft.onset?.defect !== undefined ? 2 : (draft.onset?.sources.length ?? 0) > 1 ? 1 : 0,
        earliest: known ? Math.min(from, to) : null,
        latest: known ? Math.max(from, to) : null,
        until: until === undefined ? null : secondsOf(until),
      };
    })
    // The narrowest intervals first: they say best when it began, and the wide ones join them.
    .sort(
      (a, b) =>
        (a.latest ?? 0) - (a.earliest ?? 0) - ((b.latest ?? 0) - (b.earliest ?? 0)) ||
        (a.earliest ?? 0) - (b.earliest ?? 0) ||
        (a.draft.check + a.draft.target < b.draft.check + b.draft.target ? -1 : 1),
    );
  const groups: Group[] = [];
  for (const { draft, ...one } of timed) {
    const { kind, rank, earliest, latest, until } = one;
    const group = groups.find((other) => other.kind === kind && together(other, one));
    if (group) {
      group.findings.push(draft);
      if (earliest === null || latest === null || group.earliest === null || group.latest === null) continue;
      // What rows lack says when it began; a silence may begin before it, when nothing was to be logged.
      if (rank < group.rank) continue;
      // It lasts while any of them does.
      if (rank > group.rank || until === null) group.until = until;
      else if (group.until !== null) group.until = Math.max(group.until, until);
      const [lo, hi] =
        rank > group.rank
          ? [earliest, latest]
          : [Math.max(group.earliest, earliest), Math.min(group.latest, latest)];
      group.rank = rank;
      [group.earliest, group.latest] = lo <= hi ? [lo, hi] : [hi, lo];
    } else groups.push({ ...one, findings: [draft] });
  }
  return groups.sort((a, b) => (a.earliest ?? 0) - (b.earliest ?? 0) || (a.kind < b.kind ? -1 : 1));
}

type Interval = Pick<Group, "earliest" | "latest" | "until">;

/** They began together, or are most of the same span of time. */
function together(a: Interval, b: Interval): boolean {
  if (a.earliest === null || a.latest === null || b.earliest === null || b.latest === null)
    return a.earliest === b.earliest;
  if (b.earliest <= a.latest + SLACK_SECONDS && a.earliest <= b.latest + SLACK_SECONDS) return true;
  if (a.until === null || b.until === null) return false;
  const shared = Math.min(a.until, b.until) - Math.max(a.earliest, b.earliest);
  return shared > 0.5 * Math.max(a.until - a.earliest, b.until - b.earliest);
}

async function incidentOf(group: Group, ctx: Pick<CheckContext, "evidence" | "query">): Promise<Incident> {
  const { evidence } = ctx;
  const found = sourcesOf(group.findings, evidence);
  const table = found.find((u) => u.origin === "table") ?? onlyTable(found, group, evidence);
  const own = group.findings.find((f) => f.onset?.defect !== undefined && f.onset.sources[0] === table?.name);
  // A mix or a volume that changes is an incident in which no row lacks anything.
  const isLoss =
    own !== undefined ||
    group.findings.some(
      ({ onset }) =>
        (onset?.sources.length ?? 0) > 1 ||
        evidence.series.some((s) => s.form !== "rows" && onset?.sources.includes(s.name)),
    );
  const missing = table && isLoss && tokenRoles(table).length > 0 ? noTokens(table) : null;
  const scope = own?.onset?.scope ?? "ok AND is_call";
  const defect = own?.onset?.defect ?? missing;
  const logs = evidence.logs.filter((log) => recordsSame(log.input, group, table, evidence));
  const inputs = logs.map((log) => log.input);
  const onset =
    group.earliest === null || group.latest === null
      ? null
      : { earliest: group.earliest, latest: group.latest };
  return {
    onset,
    kind: group.kind,
    until: group.until ?? (await endOf(onset, table, scope, defect, ctx)),
    findings: group.findings,
    table,
    scope,
    defect,
    events: evidence.usage.filter((u) => u.origin === "events" && inputs.includes(u.table.input)),
    logs,
  };
}

/** The usage relations that the findings name, those of rows that lack something first. */
function sourcesOf(findings: readonly NamedDraft[], evidence: Evidence): UsageRelation[] {
  const names = [...findings]
    .sort((a, b) => Number(b.onset?.defect !== undefined) - Number(a.onset?.defect !== undefined))
    .flatMap((finding) => finding.onset?.sources ?? []);
  return [...new Set(names)].flatMap((name) => evidence.usage.filter((u) => u.name === name));
}

/** A log alone names no table: the only one that records calls stands beside it. */
function onlyTable(found: readonly UsageRelation[], group: Group, evidence: Evidence): UsageRelation | null {
  const named = group.findings.flatMap((finding) => finding.onset?.sources ?? []);
  const isLog = evidence.series.some((s) => named.includes(s.name) && s.form !== "rows");
  if (!isLog && found.length === 0) return null;
  const tables = evidence.usage.filter(
    (u) => u.origin === "table" && u.grain === null && u.timeRange && tokenRoles(u).length > 0,
  );
  return tables.length === 1 ? (tables[0] as UsageRelation) : null;
}

/**
 * A log that a finding is about, one whose lines name ids of the table, and one with token events, unless its lines
 * name the ids of other tables: then it records their calls.
 */
function recordsSame(input: string, group: Group, table: UsageRelation | null, evidence: Evidence): boolean {
  const isOf = (name: string) => name.startsWith(`${input}.`);
  if (group.findings.some((f) => f.onset?.sources.some(isOf))) return true;
  const named = evidence.links.flatMap(({ leftTable, rightTable }) =>
    isOf(leftTable) ? [rightTable] : isOf(rightTable) ? [leftTable] : [],
  );
  if (table !== null && named.length > 0) return named.includes(table.name);
  return evidence.usage.some(
    (u) => u.origin === "events" && u.table.input === input && tokenRoles(u).length > 0,
  );
}

/** The last defective row, when sound ones follow; else the end of the evidence. */
async function endOf(
  onset: Incident["onset"],
  table: UsageRelation | null,
  scope: string,
  defect: string | null,
  ctx: Pick<CheckContext, "evidence" | "query">,
): Promise<number | null> {
  const { latest, now } = ctx.evidence;
  // Rows dated in the future tell nothing of how far the evidence goes.
  const end = latest === null ? null : Math.min(secondsOf(latest), secondsOf(now));
  if (!onset || !table?.has("time") || defect === null) return end;
  const [row] = await ctx.query(
    `SELECT max(time) FILTER (WHERE ${defect}) AS bad, max(time) FILTER (WHERE NOT (${defect})) AS sound
     FROM ${table.relation} WHERE ${scope}`,
  );
  if (typeof row?.bad !== "string") return end;
  const bad = secondsOf(row.bad);
  const sound = typeof row.sound === "string" ? secondsOf(row.sound) : 0;
  return sound > bad && bad > onset.latest ? bad : Math.max(bad, end ?? bad);
}
