/** Adds up what the tests of each hypothesis say, and turns the sums into shares. */

import type { Cause, CauseEvidence } from "../contract/finding.ts";
import type { Answer, Hypothesis, HypothesisTest } from "../contract/hypothesis.ts";

/** A hypothesis with what its tests said. */
export interface Heard {
  hypothesis: Hypothesis;
  answers: readonly { test: HypothesisTest; answer: Answer }[];
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
    .map(({ hypothesis, answers, confirm }) => {
      const evidence = [...said(answers, "for"), ...said(answers, "against")];
      const sum = evidence.reduce((total, one) => total + (one.verdict === "for" ? 1 : -1) * one.weight, 0);
      const supported = evidence[0]?.verdict === "for";
      return { hypothesis: hypothesis.id, title: hypothesis.meta.title, confirm, evidence, sum, supported };
    })
    .filter(({ evidence }) => evidence.length > 0);
  const total = listed.reduce((sum, one) => sum + (one.supported ? Math.exp(one.sum) : 0), 1);
  return listed
    .sort(
      (a, b) =>
        Number(b.supported) - Number(a.supported) || b.sum - a.sum || (a.hypothesis < b.hypothesis ? -1 : 1),
    )
    .map((one) => {
      const { hypothesis, title, confirm, evidence, sum, supported } = one;
      const tied = supported && listed.some((o) => o !== one && o.supported && Math.abs(o.sum - sum) < TIE);
      const texts = (verdict: "for" | "against") =>
        evidence.filter((e) => e.verdict === verdict).map(({ text }) => text);
      return {
        hypothesis,
        title,
        score: supported ? Number((Math.exp(sum) / total).toFixed(4)) : 0,
        for: texts("for"),
        against: texts("against"),
        confirm,
        sql: evidence.find(({ sql }) => sql !== "")?.sql ?? "",
        evidence,
        ...(tied ? { tied: true } : {}),
      };
    });
}

/** Answers of one verdict, the weightiest first. */
function said(answers: Heard["answers"], verdict: "for" | "against"): CauseEvidence[] {
  return answers
    .filter(({ answer }) => answer.verdict === verdict)
    .map(({ test, answer }) => ({
      test: test.id,
      verdict,
      weight: Number((test.weight[verdict] * (answer.share ?? 1)).toFixed(2)),
      text: answer.text,
      sql: answer.sql,
    }))
    .sort((a, b) => b.weight - a.weight);
}
