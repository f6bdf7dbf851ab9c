import { describe, expect, test } from "vitest";
import { exitCodeOf, type FailOn, rejectionLines } from "../../src/cli/exit.ts";
import type { Finding, Severity } from "../../src/contract/finding.ts";
import type { Report } from "../../src/contract/report.ts";
import { empty, finding, input } from "../report/reports.ts";

const found = (severity: Severity, baseline: Finding["baseline"] = null): Report => ({
  ...empty,
  findings: [finding({ check: "c", title: "T", message: "M.", severity, baseline })],
});
const broken = (report: Report): Report => ({
  ...report,
  outcomes: [{ check: "c", target: "t", status: "failed", reason: "broke" }],
});
const reading = (rows: number, rejected: number, error?: string): Report => ({
  ...empty,
  inputs: [input("a", "a.log", { rows, rejected, ...(error && { error }) })],
});

describe("the exit code", () => {
  test.each<[string, Report, FailOn, number]>([
    ["nothing found", empty, "info", 0],
    ["an error at error", found("error"), "error", 1],
    ["a warning at error", found("warning"), "error", 0],
    ["a warning at warning", found("warning"), "warning", 1],
    ["an info at warning", found("info"), "warning", 0],
    ["an info at info", found("info"), "info", 1],
    ["an error at never", found("error"), "never", 0],
    ["an error that the baseline knows", found("error", "known"), "info", 0],
    ["an error that grew worse", found("error", "worse"), "error", 1],
    ["a check that failed", broken(empty), "never", 2],
    ["a check that failed beside an error", broken(found("error")), "error", 2],
    ["an input that could not be read", reading(0, 0, "is encrypted"), "never", 2],
    ["a part of an input that could not be read", reading(90, 0, "ends early"), "never", 2],
    ["rejected rows at the limit", reading(99, 1), "error", 0],
    ["rejected rows above the limit", reading(98, 2), "error", 2],
    ["no readable row", reading(0, 7), "error", 2],
    ["an empty file", reading(0, 0), "error", 0],
  ])("%s", (_, report, failOn, code) => {
    expect(exitCodeOf(report, failOn, 0.01)).toBe(code);
  });

  test("is explained where rejected rows are the reason", () => {
    expect(rejectionLines(reading(98, 2).inputs, 0.01)).toEqual([
      "a.log: 2 of 100 rows rejected, more than max_rejected allows (1 %)",
    ]);
    expect(rejectionLines(reading(99, 1).inputs, 0.01)).toEqual([]);
    expect(rejectionLines(reading(0, 0, "is encrypted").inputs, 0.01)).toEqual([]);
  });
});
