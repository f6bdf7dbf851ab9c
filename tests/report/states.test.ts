/** How each format tells what is new, worse, known, fixed and suppressed: a known finding never fails and is no error. */

import { describe, expect, test } from "vitest";
import type { Finding } from "../../src/contract/finding.ts";
import type { Report } from "../../src/contract/report.ts";
import type { ExportOptions } from "../../src/report/export.ts";
import { type Format, rendererOf } from "../../src/report/formats.ts";
import { finding, input, PLAIN, report } from "./reports.ts";

const one = (name: string, baseline: Finding["baseline"]) =>
  finding({
    check: `check-${name}`,
    title: `Title ${name}`,
    message: "M.",
    fingerprint: name,
    baseline,
    target: `db.${name}`,
  });

const REPORT: Report = report(
  [input("db", "usage.db")],
  [],
  [one("new", "new"), one("worse", "worse"), one("known", "known")],
  ["new", "worse", "known"].map((name) => ({
    check: `check-${name}`,
    target: `db.${name}`,
    status: "found",
    reason: null,
  })),
  {
    fixed: [one("fixed", null)],
    suppressed: [{ ...one("suppressed", null), suppression: { reason: "a demo key", until: "2027-01-01" } }],
    notes: ["trueup-baseline.json: 1 entry is stale."],
    summary: { errors: 3, warnings: 0, infos: 0, new: 1, worse: 1, known: 1, fixed: 1 },
  },
);

const render = async (format: Format, options: Partial<ExportOptions> = {}) =>
  (await rendererOf(format))(REPORT, {
    ...PLAIN,
    samples: false,
    failOn: "error",
    rules: [],
    prefix: "",
    configured: new Map(),
    ...options,
  });

describe("github", () => {
  test("annotates what is new or worse, and sums the others up in one notice", async () => {
    const lines = (await render("github")).trimEnd().split("\n");
    expect(lines.map((line) => /^::(\w+) .*?title=(Title \w+|trueup)/.exec(line)?.slice(1))).toEqual([
      ["error", "Title new"],
      ["error", "Title worse"],
      ["notice", "trueup"],
    ]);
    expect(lines.at(-1)).toBe("::notice title=trueup::1 new, 1 worse, 1 known, 1 fixed, 1 suppressed");
  });
});

describe("junit", () => {
  test("fails on what is new or worse; what is known, fixed or suppressed is told in cases that pass", async () => {
    const xml = await render("junit");
    expect(xml).toContain('<testsuites name="trueup" tests="5" failures="2" errors="0" skipped="0">');
    const caseOf = (name: string) =>
      new RegExp(`<testcase classname="check-${name}"[\\s\\S]*?(?:/>|</testcase>)`).exec(xml)?.[0];
    expect(caseOf("new")).toContain("<failure");
    expect(caseOf("worse")).toContain("<failure");
    expect(caseOf("known")).not.toContain("<failure");
    expect(caseOf("known")).toContain("<system-out>known error: Title known");
    // Its target is gone, and with it its outcome.
    expect(caseOf("fixed")).toContain("<system-out>fixed: Title fixed");
  });

  test("tells what is suppressed, and why, at the target that was looked at", async () => {
    const outcomes = [
      { check: "check-suppressed", target: "db.suppressed", status: "found" as const, reason: null },
    ];
    const xml = (await rendererOf("junit"))(
      { ...REPORT, findings: [], fixed: [], outcomes },
      { ...PLAIN, samples: false, failOn: "error", rules: [], prefix: "", configured: new Map() },
    );
    expect(xml).toContain('failures="0"');
    expect(xml).toContain("suppressed (a demo key): Title suppressed");
  });
});

describe("gitlab", () => {
  test("keeps what is known as info, so that a comparison does not take it for fixed", async () => {
    const issues = JSON.parse(await render("gitlab")) as { fingerprint: string; severity: string }[];
    expect(issues.map(({ fingerprint, severity }) => [fingerprint, severity])).toEqual([
      ["new", "critical"],
      ["worse", "critical"],
      ["known", "info"],
    ]);
  });
});

describe("sarif", () => {
  test("gives every finding its state, and no level of error to what is known or fixed", async () => {
    const { results } = JSON.parse(await render("sarif")).runs[0] as {
      results: {
        ruleId: string;
        level: string;
        kind?: string;
        baselineState?: string;
        suppressions?: { justification: string }[];
        properties: { severity: string };
      }[];
    };
    expect(
      results.map((r) => [r.ruleId, r.level, r.kind, r.baselineState, r.suppressions?.[0]?.justification]),
    ).toEqual([
      ["check-new", "error", undefined, "new", undefined],
      ["check-worse", "error", undefined, "updated", undefined],
      ["check-known", "note", undefined, "unchanged", undefined],
      ["check-fixed", "none", "pass", "absent", undefined],
      ["check-suppressed", "error", undefined, undefined, "a demo key (until 2027-01-01)"],
    ]);
    expect(results[2]!.properties.severity).toBe("error");
  });
});

describe("markdown", () => {
  test("shows what is new or worse, and folds what is known and fixed", async () => {
    const text = await render("markdown");
    expect(text.split("\n")[0]).toBe("## trueup: 3 errors (1 new, 1 worse, 1 known, 1 fixed, 1 suppressed)");
    expect(text.match(/<details open>/g)).toHaveLength(2);
    const folds = [...text.matchAll(/<details>\n<summary>(.*?)<\/summary>\n\n- (Title \w+)/g)];
    expect(folds.map((match) => match.slice(1))).toEqual([
      ["1 known, in the baseline", "Title known"],
      ["1 fixed since the baseline", "Title fixed"],
    ]);
    expect(text).toContain("1 entry is stale");
    expect(text).not.toContain("Title suppressed");
    expect(await render("markdown", { showSuppressed: true })).toMatch(
      /<summary>1 suppressed<\/summary>\n\n- Title suppressed .*: a demo key, until 2027-01-01/,
    );
  });
});

describe("csv", () => {
  const states = (text: string) =>
    text
      .trimEnd()
      .split("\r\n")
      .slice(1)
      .map((row) => [row.split(",")[2], row.split(",")[12]]);

  test("has a row for everything, with its state", async () => {
    const rows = [
      ["Title new", "new"],
      ["Title worse", "worse"],
      ["Title known", "known"],
      ["Title fixed", "fixed"],
    ];
    expect(states(await render("csv"))).toEqual(rows);
    expect(states(await render("csv", { showSuppressed: true }))).toEqual([
      ...rows,
      ["Title suppressed", "suppressed"],
    ]);
  });
});

describe("html", () => {
  test("counts the states, and lists what is fixed and what is suppressed with the reason", async () => {
    const page = await render("html");
    for (const name of ["new", "worse", "known", "fixed"])
      expect(page).toMatch(new RegExp(`<b class="\\w*">1</b> ${name}<`));
    expect(page).toMatch(/<h2>Fixed since the baseline<\/h2><ul><li>Title fixed /);
    expect(page).toMatch(/<h2>Suppressed<\/h2><ul><li>Title suppressed .* a demo key, until 2027-01-01</);
    expect(page).toContain("1 entry is stale");
  });
});

describe("text", () => {
  test("counts what is known, names what is fixed, and tells what is suppressed only when asked", async () => {
    const text = await render("text");
    expect(text).toContain("1 new, 1 worse, 1 known, 1 fixed");
    expect(text).not.toContain("Title known");
    expect(text).toContain("✔ fixed  Title fixed");
    expect(text).not.toContain("Title suppressed");
    expect(await render("text", { showSuppressed: true })).toContain("Title suppressed");
  });
});
