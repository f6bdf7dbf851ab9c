/** trueup in CI over the commits of a real repository: each run is a fresh clone, as on a runner, in every format. */

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import type { Report } from "../../src/contract/report.ts";
import { temporaryFolder, trueup } from "../kit/command.ts";

const CONFIG = `inputs: [data/usage.csv]
select: [missing-tokens, future-timestamps]
fail_on: warning
`;
const NOW = ["--now", "2026-01-02T00:00:00Z"];

let repository: string;
const git = (folder: string, ...args: string[]) =>
  execFileSync("git", ["-C", folder, "-c", "user.name=a", "-c", "user.email=a@example.org", ...args], {
    env: { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null" },
    encoding: "utf8",
  });

/** usage.csv of 40 calls: `missing` of them without tokens, `future` of them later than now. */
function commit(missing: number, future = 0): void {
  const rows = Array.from({ length: 40 }, (_, i) => {
    const day = i < future ? "2027-06-01" : "2026-01-01";
    const time = `${day}T${String(i % 24).padStart(2, "0")}:${String(10 + i)}:00Z`;
    return `c${i},${time},gpt-4o,success,${i < missing ? "," : `${100 + i},${20 + i}`}`;
  });
  const head = "id,created_at,model,status,input_tokens,output_tokens";
  writeFileSync(join(repository, "data/usage.csv"), `${head}\n${rows.join("\n")}\n`);
  git(repository, "add", ".");
  git(repository, "commit", "-q", "--allow-empty", "-m", `${missing} missing, ${future} in the future`);
}

/** Accepts what is there, as a team does on its main branch. */
function accept(): void {
  const ran = trueup(["baseline", "write", ...NOW], { cwd: repository });
  expect(ran.stderr).toBe("");
  git(repository, "add", "trueup-baseline.json");
  git(repository, "commit", "-q", "-m", "accept");
}

interface Run {
  code: number | null;
  report: Report;
  /** `missing-tokens new`. */
  states: string[];
  fixed: string[];
  read: (format: string) => string;
}

/** Clones the newest commit and audits it, in every format at once. */
function ci(): Run {
  const folder = temporaryFolder();
  git(folder, "clone", "-q", repository, ".");
  const formats = ["json", "github", "junit", "gitlab", "sarif", "markdown", "csv", "html"];
  const outputs = formats.flatMap((format) => ["--output", `${format}=out.${format}`]);
  const { code, stderr } = trueup(["audit", ...NOW, ...outputs], { cwd: folder });
  expect(stderr).toBe("");
  const read = (format: string) => readFileSync(join(folder, `out.${format}`), "utf8");
  const report = JSON.parse(read("json")) as Report;
  // Another format gives the same exit code, on its own and from the saved report.
  expect(trueup(["audit", ...NOW, "--format", "github"], { cwd: folder }).code).toBe(code);
  expect(trueup(["convert", "out.json", "--fail-on", "warning"], { cwd: folder }).code).toBe(code);
  return {
    code,
    report,
    read,
    states: report.findings.map((f) => `${f.check} ${f.baseline}`),
    fixed: report.fixed.map((f) => f.check),
  };
}

const results = (run: Run) =>
  (JSON.parse(run.read("sarif")).runs[0].results as { baselineState: string; level: string }[]).map(
    ({ baselineState, level }) => `${baselineState} ${level}`,
  );
const issues = (run: Run) =>
  (JSON.parse(run.read("gitlab")) as { severity: string; location: { path: string } }[]).map(
    ({ severity, location }) => `${severity} ${location.path}`,
  );

beforeEach(() => {
  repository = temporaryFolder();
  git(repository, "init", "-q");
  execFileSync("mkdir", [join(repository, "data")]);
  writeFileSync(join(repository, "trueup.yaml"), CONFIG);
  commit(0);
  accept();
});

describe("a gate over commits", () => {
  test("introduce, worsen, fix: 1, 1, 0; what is known between them never fails", () => {
    commit(10);
    const introduced = ci();
    expect([introduced.code, introduced.states]).toEqual([1, ["missing-tokens new"]]);
    // At the line of the configuration that names the data, from the root of the repository.
    expect(introduced.read("github")).toMatch(/^::error file=trueup\.yaml,line=1,/m);
    expect(introduced.read("junit")).toContain(' failures="1" ');
    expect(issues(introduced)).toEqual(["critical trueup.yaml"]);
    expect(results(introduced)).toEqual(["new error"]);

    accept();
    const known = ci();
    expect([known.code, known.states]).toEqual([0, ["missing-tokens known"]]);
    expect(known.read("github")).toBe("::notice title=trueup::1 known\n");
    expect(trueup(["audit", ...NOW, "--fail-on", "info"], { cwd: repository }).code).toBe(0);
    expect(known.read("junit")).toContain(' failures="0" ');
    expect(issues(known)).toEqual(["info trueup.yaml"]);
    expect(results(known)).toEqual(["unchanged note"]);

    commit(30);
    const worse = ci();
    expect([worse.code, worse.states]).toEqual([1, ["missing-tokens worse"]]);
    expect(worse.read("github")).toContain("::error ");
    expect(results(worse)).toEqual(["updated error"]);
    expect(worse.read("markdown")).toContain("(worse)");

    commit(0);
    const fixed = ci();
    expect([fixed.code, fixed.states, fixed.fixed]).toEqual([0, [], ["missing-tokens"]]);
    expect(fixed.read("github")).toBe("::notice title=trueup::1 fixed\n");
    expect(fixed.read("junit")).toContain("<system-out>fixed: ");
    expect(issues(fixed)).toEqual([]);
    expect(results(fixed)).toEqual(["absent none"]);
    expect(fixed.read("markdown")).toContain("<summary>1 fixed since the baseline</summary>");
    expect(fixed.read("csv")).toContain(",fixed,");
    expect(fixed.read("html")).toContain("Fixed since the baseline");
    expect(fixed.report.notes.join()).toContain(
      "1 entry is stale; `trueup baseline prune` removes what is fixed",
    );
    expect(trueup(["baseline", "prune", ...NOW], { cwd: repository }).stdout).toBe(
      "trueup-baseline.json: 1 fixed finding removed, 0 findings kept\n",
    );
  });

  test("one fixed and one new are seen as that: of two checks, and of one check at two places", () => {
    commit(10);
    accept();
    commit(0, 3);
    const checks = ci();
    expect([checks.code, checks.states, checks.fixed]).toEqual([
      1,
      ["future-timestamps new"],
      ["missing-tokens"],
    ]);
    // The same check, now on another table.
    commit(10);
    git(repository, "mv", "data/usage.csv", "data/calls.csv");
    writeFileSync(
      join(repository, "trueup.yaml"),
      CONFIG.replace("data/usage.csv", "{ path: data/usage.csv, name: usage }, data/calls.csv"),
    );
    commit(0);
    const places = ci();
    expect([places.code, places.states, places.fixed]).toEqual([
      1,
      ["missing-tokens new"],
      ["missing-tokens"],
    ]);
    expect(places.report.findings[0]!.target).not.toBe(places.report.fixed[0]!.target);
    expect(results(places)).toEqual(["new error", "absent none"]);
    expect(places.read("junit")).toContain(' failures="1" ');
  });
});
