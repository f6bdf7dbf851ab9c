import { expect, test } from "vitest";
import { healthyShapes } from "../kit/healthy-tables.ts";
import { auditTables } from "../kit/tables.ts";

/** Every check that judges rows by themselves or against each other. */
const CHECKS = [
  "cache-token-semantics",
  "colliding-id",
  "column-handover",
  "cost-without-tokens",
  "cumulative-counter",
  "duplicate-rows",
  "future-timestamps",
  "missing-tokens",
  "mixed-types",
  "orphan-rows",
  "replayed-usage",
  "stuck-rows",
  "token-out-of-range",
  "token-sum-mismatch",
  "unpriced-usage",
  "zero-token-root",
  "zero-tokens",
];

const cases = [1, 2, 3].flatMap((seed) =>
  Object.entries(healthyShapes(seed)).map(([shape, tables]) => [shape, seed, tables] as const),
);

test.each(cases)("the row checks are silent on healthy %s, seed %i", async (_, __, tables) => {
  const { findings, outcomes } = await auditTables(CHECKS, tables);
  expect(findings.map(({ check, target, message }) => ({ check, target, message }))).toEqual([]);
  // Silence counts only where the checks looked at the tables.
  expect(outcomes.filter((outcome) => outcome.status === "clean").length).toBeGreaterThan(0);
});
