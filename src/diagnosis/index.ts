/** Ranks the causes of incidents: groups findings, lets every hypothesis be tested, and weighs what the tests say. */

import { instantOf } from "../analysis/activity.ts";
import type { Evidence } from "../contract/evidence.ts";
import type { NamedDraft, Timeline } from "../contract/finding.ts";
import type { DiagnosisOptions, Hypothesis, HypothesisContext, Incident } from "../contract/hypothesis.ts";
import type { Store } from "../store/index.ts";
import { incidentsOf } from "./incidents.ts";
import { timelineFor } from "./timeline.ts";
import { type Heard, weigh } from "./weigh.ts";

export { builtInHypotheses } from "./discover.ts";

/** One incident with its causes; its findings are drafts that carry them. */
export interface Diagnosed {
  from: string | null;
  to: string | null;
  drafts: NamedDraft[];
  causes: NonNullable<NamedDraft["causes"]>;
  missing: string[];
  next: string;
  timeline: () => Promise<Timeline | null>;
}

/** All drafts, those of incidents with their causes, and the incidents in order of time. */
export async function diagnose(
  store: Store,
  evidence: Evidence,
  drafts: readonly NamedDraft[],
  hypotheses: readonly Hypothesis[],
  options: DiagnosisOptions,
): Promise<{ drafts: NamedDraft[]; incidents: Diagnosed[] }> {
  const asking = { evidence, query: (sql: string) => store.all(sql) };
  const diagnosed = new Map<NamedDraft, NamedDraft>();
  const incidents: Diagnosed[] = [];
  for (const incident of await incidentsOf(drafts, asking)) {
    const one = await judge(incident, contextOf(store, evidence, options), hypotheses);
    incident.findings.forEach((draft, i) => {
      diagnosed.set(draft, one.drafts[i] as NamedDraft);
    });
    incidents.push(one);
  }
  return { drafts: drafts.map((draft) => diagnosed.get(draft) ?? draft), incidents };
}

async function judge(
  incident: Incident,
  ctx: HypothesisContext,
  hypotheses: readonly Hypothesis[],
): Promise<Diagnosed> {
  const heard: Heard[] = [];
  for (const hypothesis of hypotheses) {
    const answers: Heard["answers"][number][] = [];
    for (const test of hypothesis.tests) answers.push({ test, answer: await test.run(incident, ctx) });
    heard.push({ hypothesis, answers, confirm: await hypothesis.confirm(incident, ctx) });
  }
  const ranked = weigh(heard);
  const missing = missingOf(incident, ctx, hypotheses);
  const supported = ranked.some((cause) => cause.score > 0);
  const causes = supported ? ranked : [];
  const next =
    causes[0]?.confirm ?? (missing[0] ? `load ${missing[0]}` : "load more of the time in question");
  const undecided = `not enough evidence${missing.length > 0 ? `; load ${missing[0]} to decide` : `; ${next}`}`;
  return {
    from: incident.onset && instantOf(incident.onset.earliest),
    to: incident.onset && instantOf(incident.onset.latest),
    drafts: incident.findings.map((draft) => ({
      ...draft,
      causes,
      ...(supported ? {} : { evidence: { ...draft.evidence, undecided } }),
    })),
    causes,
    missing,
    next,
    timeline: () => timelineFor(incident, ctx),
  };
}

/** What could be loaded, and which hypotheses it would let speak; what most of them need comes first. */
function missingOf(incident: Incident, ctx: HypothesisContext, hypotheses: readonly Hypothesis[]): string[] {
  const wanted = new Map<string, number>();
  for (const hypothesis of hypotheses) {
    const missing = hypothesis.missing(incident, ctx);
    if (missing !== null) wanted.set(missing, (wanted.get(missing) ?? 0) + 1);
  }
  return [...wanted].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([text]) => text);
}

function contextOf(store: Store, evidence: Evidence, options: DiagnosisOptions): HypothesisContext {
  const known = new Map<string, Promise<unknown>>();
  return {
    options,
    now: evidence.now,
    evidence,
    sql: store.dialect,
    query: (sql, params = []) => store.all(sql, params),
    once<T>(name: string, make: () => Promise<T>): Promise<T> {
      const value = known.get(name) ?? make();
      known.set(name, value);
      return value as Promise<T>;
    },
  };
}
