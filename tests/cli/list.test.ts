/** `trueup list` and `explain`: the checks of trueup, and those that a team's trueup.yaml adds. */

import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { COMMAND, ROOT, temporaryFolder, trueup } from "../kit/command.ts";

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
  mkdirSync(join(folder, "audits"));
});
const here = (...args: string[]) => trueup(args, { cwd: folder });
const put = (file: string, text: string) => writeFileSync(join(folder, file), text);
const idsOf = (stdout: string) => (JSON.parse(stdout) as { id: string }[]).map(({ id }) => id);

const BUILT_IN = readdirSync(join(ROOT, "checks"))
  .map((file) => file.replace(/\.ts$/, ""))
  .sort();
const SQL = "-- id: busy-users\n-- title: Users are busy\n-- why: They wait.\nSELECT 1 AS n FROM jobs.jobs\n";
const TS = `import { defineCheck } from "trueup";
export default defineCheck({ id: "late", meta: { title: "Late jobs", severity: "error", what: "Jobs.", why: "w", fix: "f", silent: [], needs: "jobs" },
  options: { max: { describe: "jobs", default: 3 } }, targets: (evidence) => [evidence.tables.find((t) => t.name === "jobs.jobs")!.columns[0]!], run: async () => [] });`;

describe("without own checks", () => {
  test("list names every check of trueup and nothing else", () => {
    expect(idsOf(here("list", "--format", "json").stdout)).toEqual(BUILT_IN);
    put("trueup.yaml", "checks: { timeline-gap: off }\n");
    expect(idsOf(here("list", "--format", "json").stdout)).toEqual(BUILT_IN);
  });

  test.each([["list"], ["explain", "timeline-gap"], ["explain", "expect/unique"], ["--help"]])(
    "%s %s reads no engine, no validator and no YAML",
    (...args) => {
      put("trueup.yaml", "checks:\n  timeline-gap: off\nsuppress: []\n");
      const coverage = join(folder, "coverage");
      const ran = spawnSync(process.execPath, [COMMAND, ...args.filter(Boolean)], {
        cwd: folder,
        encoding: "utf8",
        env: { ...process.env, NODE_V8_COVERAGE: coverage },
      });
      expect(ran.status).toBe(0);
      const [file] = readdirSync(coverage);
      const { result } = JSON.parse(readFileSync(join(coverage, file!), "utf8")) as {
        result: { url: string }[];
      };
      const loaded = result.map(({ url }) => url).filter((url) => url.startsWith("file:"));
      expect(loaded.some((url) => url.endsWith("/dist/bin/trueup.js"))).toBe(true);
      expect(loaded.filter((url) => url.includes("/node_modules/"))).toEqual([]);
      expect(loaded.filter((url) => /\/dist\/(checks|src)\//.test(url))).toEqual([]);
    },
  );
});

describe("with what trueup.yaml adds", () => {
  test("list names declared expectations and own checks at the end", () => {
    put("audits/busy.sql", SQL);
    put("audits/late.ts", TS);
    put(
      "trueup.yaml",
      'own_checks: ["audits/*"]\nexpect:\n  jobs.jobs: { not_null: [id], row_count: { min: 1 }, unique: [] }\n',
    );
    const ran = here("list", "--format", "json");
    expect(ran.code).toBe(0);
    expect(idsOf(ran.stdout).slice(BUILT_IN.length)).toEqual([
      "expect/not_null",
      "expect/row_count",
      "busy-users",
      "late",
    ]);
    expect(here("list").stdout).toMatch(/^late {2,}error {2,}Late jobs$/m);
  });

  test("explain tells an own check's words, without evidence and without running it", () => {
    put("audits/busy.sql", SQL);
    put("audits/late.ts", TS);
    put("trueup.yaml", 'checks: ["./audits/*"]\n');
    expect(here("explain", "busy-users").stdout).toMatch(
      /^busy-users \(warning\): Users are busy[\s\S]*They wait\./,
    );
    expect(here("explain", "late").stdout).toContain("max = 3");
    expect(here("explain", "lte").stderr).toBe('trueup: unknown check "lte", did you mean "late"?\n');
  });

  test("an own check that cannot be loaded is told, the others are listed, and the exit code is 2", () => {
    put("audits/busy.sql", SQL);
    put("audits/bad.js", "throw new Error('boom')");
    put("trueup.yaml", 'own_checks: ["audits/*"]\n');
    const ran = here("list");
    expect(ran.code).toBe(2);
    expect(ran.stdout).toContain("busy-users");
    expect(ran.stderr).toBe("trueup: bad cannot be loaded: audits/bad.js: boom\n");
    expect(here("explain", "bad")).toMatchObject({
      code: 2,
      stderr: "trueup: bad cannot be loaded: audits/bad.js: boom\n",
    });
  });

  test("a fault of trueup.yaml is told where it stands", () => {
    put("trueup.yaml", "expect:\n  jobs: { not_nul: [id] }\n");
    expect(here("list").stderr).toBe(
      'trueup: trueup.yaml:2:11: unknown key "not_nul", did you mean "not_null"?\n',
    );
    expect(here("list", "--config", "nope.yaml").stderr).toMatch(/^trueup: nope\.yaml: cannot be read/);
    // What trueup itself has is explained whatever the file holds.
    expect(here("explain", "timeline-gap").code).toBe(0);
  });
});

describe("SARIF", () => {
  test("describes every check that found something, own ones and expectations too, also from a saved report", () => {
    put("audits/busy.sql", SQL);
    put("jobs.csv", "id,user_id\n1,a\n,b\n");
    put("trueup.yaml", 'own_checks: ["audits/*"]\nexpect:\n  jobs.jobs: { not_null: [id] }\n');
    here("audit", "jobs.csv", "--output", "json=report.json", "--output", "sarif=one.sarif");
    here("convert", "report.json", "--output", "sarif=two.sarif");
    const [one, two] = ["one.sarif", "two.sarif"].map((file) => readFileSync(join(folder, file), "utf8"));
    const { results, tool } = JSON.parse(one!).runs[0] as {
      results: { ruleId: string; ruleIndex: number }[];
      tool: { driver: { rules: { id: string; help?: { text: string } }[] } };
    };
    expect(new Set(results.map((result) => result.ruleId))).toEqual(
      new Set(["busy-users", "expect/not_null"]),
    );
    const helps = results.map(({ ruleId, ruleIndex }) => {
      const rule = tool.driver.rules[ruleIndex]!;
      expect(rule.id).toBe(ruleId);
      return rule.help?.text ?? "";
    });
    expect(helps.join()).toContain("They wait.");
    expect(helps.filter((text) => text.length < 20)).toEqual([]);
    expect(JSON.parse(two!).runs[0].tool).toEqual(JSON.parse(one!).runs[0].tool);
  });
});
