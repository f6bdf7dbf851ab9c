/** What could be loaded to let hypotheses speak, in the same words for all of them. */

import type { HypothesisContext, Incident } from "../../contract/hypothesis.ts";

export function missingLog(incident: Incident): string | null {
  return incident.logs.length === 0 ? "the program's log of that time" : null;
}

export function missingCode(ctx: HypothesisContext): string | null {
  return ctx.evidence.inputs.some((input) => input.kind === "code") ? null : "the program's source code";
}
