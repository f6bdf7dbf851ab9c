/** Adds up what the tests of each hypothesis say, and turns the sums into shares. */

import type { Cause } from "../contract/finding.ts";
import type { Answer, Hypothesis } from "../contract/hypothesis.ts";

/** A hypothesis with what its tests said. */
export interface Heard {
  hypothesis: Hypothesis;
  answers: readonly { weight: { for: number; against: number }; answer: Answer }[];
  confirm: string;
}

/** Evidence that differs by less than this (in log-odds) does not tell two causes apart. */
const TIE = 0.1;

/**
 * The causes, the likeliest first. A share is exp(sum) among all hypotheses that something speaks for and "none of
 * these", which has no evidence (exp(0)): weak evidence gives a low share even when nothing competes with it.
 */
export function weigh(heard: readonly Heard[]): Cause[] {
  const listed = heard
    .map((one) => ({ ...one, sum: sumOf(one), supported: said(one, "for").length > 0 }))
    .filter((one) => one.supported || said(one, "against").length > 0);
  const total = listed.reduce((sum, one) => sum + (one.supported ? Math.exp(one.sum) : 0), 1);
  return listed
    .sort(
      (a, b) =>
        Number(b.supported) - Number(a.supported) ||
        b.sum - a.sum ||
        (a.hypothesis.id < b.hypothesis.id ? -1 : 1),
    )
    .map((one) => {
      const tied =
        one.supported && listed.some((o) => o !== one && o.supported && Math.abs(o.sum - one.sum) < TIE);
      const texts = (verdict: "for" | "against") => said(one, verdict).map(({ answer }) => answer.text);
      return {
        hypothesis: one.hypothesis.id,
        score: one.supported ? Number((Math.exp(one.sum) / total).toFixed(4)) : 0,
        for: texts("for"),
        against: texts("against"),
        confirm: one.confirm,
        sql: sqlOf(one),
        ...(tied ? { tied: true } : {}),
      };
    });
}

/** Answers of one verdict, the weightiest first. */
function said(heard: Heard, verdict: "for" | "against") {
  const weightOf = (one: Heard["answers"][number]) => one.weight[verdict] * (one.answer.share ?? 1);
  return heard.answers
    .filter(({ answer }) => answer.verdict === verdict)
    .sort((a, b) => weightOf(b) - weightOf(a));
}

function sumOf(heard: Heard): number {
  return heard.answers.reduce((sum, { weight, answer }) => {
    if (answer.verdict === "none") return sum;
    const sign = answer.verdict === "for" ? 1 : -1;
    return sum + sign * weight[answer.verdict] * (answer.share ?? 1);
  }, 0);
}

function sqlOf(heard: Heard): string {
  const order = [...said(heard, "for"), ...said(heard, "against")];
  return order.find(({ answer }) => answer.sql !== "")?.answer.sql ?? "";
}
