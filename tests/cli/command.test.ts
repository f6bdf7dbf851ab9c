import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { COMMAND, ROOT, temporaryFolder, trueup } from "../kit/command.ts";

const LOG = join(ROOT, "sample-data/citations/app.log");
const NOW = ["--now", "2026-01-01T00:00:00Z"];
const VERSION = (JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string }).version;
const CHECKS = readdirSync(join(ROOT, "checks")).map((file) => file.replace(".ts", ""));

/** Of a shell command in which $trueup stands for the built command. */
function shell(script: string, env: Record<string, string | undefined> = {}) {
  const result = spawnSync("bash", ["-o", "pipefail", "-c", script], {
    cwd: ROOT,
    encoding: "utf8",
    env: {
      ...process.env,
      NO_COLOR: undefined,
      FORCE_COLOR: undefined,
      CI: "1",
      ...env,
      trueup: `${process.execPath} ${COMMAND}`,
    },
  });
  return { code: result.status, stdout: result.stdout, stderr: result.stderr };
}

describe("trueup", () => {
  test("--help and --version print to standard output", () => {
    expect(trueup(["--help"])).toMatchObject({ code: 0, stderr: "" });
    expect(trueup(["--help"]).stdout).toContain("Usage: trueup");
    expect(trueup(["--version"])).toEqual({ code: 0, stdout: `${VERSION}\n`, stderr: "" });
  });

  test("list names every check, explain tells each", () => {
    const lines = trueup(["list"]).stdout.trimEnd().split("\n");
    expect(lines.map((line) => line.split(" ")[0])).toEqual(CHECKS);
    const rows = JSON.parse(trueup(["list", "--format", "json"]).stdout) as { id: string }[];
    expect(rows.map((row) => row.id)).toEqual(CHECKS);
    for (const check of CHECKS.slice(0, 3)) {
      const { code, stdout } = trueup(["explain", check]);
      expect(code).toBe(0);
      for (const part of [check, "What it finds", "Silent when", "What to do"])
        expect(stdout).toContain(part);
    }
  });

  test.each<[string, string[], string]>([
    [
      "a mistyped command",
      ["aduit", "x.log"],
      'trueup: unknown command "aduit", did you mean "audit"?; trueup --help lists them\n',
    ],
    [
      "a mistyped check of explain",
      ["explain", `${CHECKS[0]}x`],
      `trueup: unknown check "${CHECKS[0]}x", did you mean "${CHECKS[0]}"?\n`,
    ],
    [
      "a mistyped check of --select",
      ["audit", LOG, "--select", `${CHECKS[0]}x`],
      `trueup: --select: unknown check "${CHECKS[0]}x", did you mean "${CHECKS[0]}"?\n`,
    ],
    [
      "a mistyped format",
      ["audit", LOG, "--format", "jsn"],
      'trueup: --format: "jsn" is none of text, json, jsonl, junit, sarif, github, gitlab, markdown, html, csv, did you mean "json"?\n',
    ],
    [
      "a zone that is none",
      ["audit", LOG, "--timezone", "Mars"],
      'trueup: --timezone: "Mars" is no IANA time zone',
    ],
    [
      "a range that is empty",
      ["audit", LOG, "--since", "1d", "--until", "2d"],
      "trueup: --since is later than --until\n",
    ],
    [
      "a configuration that is not there",
      ["audit", LOG, "--config", "no.yaml"],
      "trueup: no.yaml: cannot be read",
    ],
  ])("%s is one line on standard error and exit 2", (_, args, message) => {
    const ran = trueup(args);
    expect(ran.code).toBe(2);
    expect(ran.stdout).toBe("");
    expect(ran.stderr).toContain(message);
    expect(ran.stderr.trimEnd().split("\n")).toHaveLength(1);
  });

  test("what a message quotes cannot touch the terminal", () => {
    expect(trueup(["audit", "--format", "\u001b[31m\u202e"]).stderr).toContain("\\x1b[31m\\u202e");
  });
});

describe("trueup audit", () => {
  test("a missing input is told, the others are audited, the exit is 2", () => {
    const ran = trueup(["audit", "no-such.log", LOG, ...NOW]);
    expect(ran.code).toBe(2);
    expect(ran.stdout).toMatch(/✖ no-such\.log .*not evaluated: no such file/);
    expect(ran.stderr).toBe("trueup: not evaluated: no-such.log: no such file or directory\n");
    expect(ran.stdout).toMatch(/app\.log +log +4,396 lines/);
  });

  test("text to a pipe has no colour, FORCE_COLOR gives it, NO_COLOR takes it", () => {
    const run = (env: Record<string, string>) => shell(`$trueup ${LOG} ${NOW.join(" ")}`, env).stdout;
    expect(run({})).not.toContain("\u001b[");
    expect(run({ FORCE_COLOR: "1" })).toContain("\u001b[");
    expect(run({ FORCE_COLOR: "1", NO_COLOR: "1" })).not.toContain("\u001b[");
    expect(run({ FORCE_COLOR: "0" })).not.toContain("\u001b[");
  });

  test("says nothing on standard error when that is no terminal", () => {
    expect(trueup(["audit", LOG, ...NOW]).stderr).toBe("");
  });

  test("a reader that leaves is no error", () => {
    const ran = shell(`$trueup inspect ${LOG} --format json ${NOW.join(" ")} | head -c 20`);
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(ran.stdout).toHaveLength(20);
  });

  test("a secret in a log is masked in every output", () => {
    const folder = temporaryFolder();
    const secret = "sk-ant-api03-AbCdEfGhIjKlMnOpQrSt";
    const line = (i: number) =>
      `2025-11-23 16:30:${10 + i} - app - INFO - a.py:1 - Token usage: 1 input, key ${secret}\n`;
    writeFileSync(join(folder, "app.log"), Array.from({ length: 20 }, (_, i) => line(i)).join(""));
    for (const args of [
      ["audit", "app.log"],
      ["audit", "app.log", "--format", "json"],
      ["inspect", "app.log", "--format", "json"],
      ["query", "SELECT * FROM app_log.lines", "app.log", "--format", "json"],
      ["query", "SELECT message AS m FROM app_log.lines", "app.log"],
    ])
      expect(trueup(args, { cwd: folder }).stdout, args.join(" ")).not.toContain("AbCdEfGh");
    const ran = trueup(["query", `SELECT '${secret}' AS m`, "app.log"], { cwd: folder });
    expect(ran.stdout).toContain("sk-ant-***");
  });
});

describe("reports", () => {
  test("go to files in several formats beside standard output, and convert makes the same of the saved one", () => {
    const folder = temporaryFolder();
    const formats = ["json", "sarif", "junit", "markdown", "csv", "html", "text"];
    const outputs = formats.flatMap((format) => ["--output", `${format}=${join(folder, format)}`]);
    const ran = trueup(["audit", LOG, ...NOW, ...outputs, "--format", "jsonl"]);
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    for (const format of formats) {
      const saved = readFileSync(join(folder, format), "utf8");
      const converted = trueup(["convert", join(folder, "json"), "--format", format], { cwd: ROOT });
      expect(converted.stdout.length, format).toBeGreaterThan(100);
      expect(converted.stdout, format).toBe(saved);
      expect(converted.code).toBe(0);
    }
  });

  test("convert reads standard input and keeps the exit code of the audit", () => {
    const { stdout } = trueup(["audit", LOG, "no-such.log", ...NOW, "--format", "json"]);
    const ran = trueup(["convert", "-", "--format", "github"], { input: stdout });
    expect(ran.code).toBe(2);
    expect(ran.stdout).toContain("::error title=not evaluated%3A no-such.log::");
    expect(ran.stderr).toContain("trueup: not evaluated: no-such.log: ");
  });

  test("a job summary is appended where GitHub asks for it", () => {
    const file = join(temporaryFolder(), "summary.md");
    shell(`$trueup ${LOG} ${NOW.join(" ")} --format github`, { GITHUB_STEP_SUMMARY: file });
    expect(readFileSync(file, "utf8")).toContain("## trueup: ");
  });

  test.each([
    ["an unknown format", ["--output", "jsn=x"], 'trueup: --output: "jsn" is none of'],
    ["no file", ["--output", "json"], 'trueup: --output: "json" is no FORMAT=FILE'],
    [
      "a folder that is not there",
      ["--output", "json=no/such/folder"],
      "trueup: --output: cannot write no/such/folder",
    ],
  ])("%s in --output is one line and exit 2", (_, args, message) => {
    const ran = trueup(["audit", LOG, ...args]);
    expect(ran).toMatchObject({ code: 2, stdout: "" });
    expect(ran.stderr).toContain(message);
  });
});

describe("trueup query", () => {
  const sql = (text: string, ...more: string[]) => trueup(["query", text, LOG, ...more]);

  test("prints an array of row objects as JSON, never cut", () => {
    const ran = sql("SELECT i AS n, 'x' AS t FROM range(5000) r(i) ORDER BY i", "--format", "json");
    expect(ran.code).toBe(0);
    const rows = JSON.parse(ran.stdout) as unknown[];
    expect(rows).toHaveLength(5000);
    expect(rows[4999]).toEqual({ n: 4999, t: "x" });
  });

  test("an empty result is an empty array", () => {
    expect(JSON.parse(sql("SELECT 1 AS n WHERE false", "--format", "json").stdout)).toEqual([]);
  });

  test("exact integers, NaN and infinite times", () => {
    const ran = sql(
      "SELECT 9007199254740993::BIGINT AS big, 'NaN'::DOUBLE AS nan, '-inf'::DOUBLE AS low, 'infinity'::TIMESTAMP AS late",
      "--format",
      "json",
    );
    expect(ran.stdout).toContain('"big": 9007199254740993');
    expect(JSON.parse(ran.stdout)).toMatchObject([{ nan: null, low: null, late: "infinity" }]);
  });

  test("prints the rows also when an input fails, with exit 2", () => {
    const ran = trueup(["query", "SELECT 1 AS n", LOG, "no-such.log", "--format", "json"]);
    expect(ran.code).toBe(2);
    expect(JSON.parse(ran.stdout)).toEqual([{ n: 1 }]);
    expect(ran.stderr).toContain("no-such.log");
  });

  test("text is a table with the number of rows", () => {
    const { stdout } = sql("SELECT 1 AS n, 'a\u001b[31mb' AS t");
    expect(stdout).toContain("a\\x1b[31mb");
    expect(stdout).toContain("1 row\n");
  });

  test.each([
    ["SQL that fails", "SELECT nope", /^trueup: the SQL fails: .*nope/],
    [
      "a column that is not there",
      "SELECT lime FROM app_log.token_usage",
      /^trueup: the SQL fails: .*"lime" not found.*; Candidate bindings: "line"/m,
    ],
    [
      "a table that is not there",
      "SELECT * FROM app_log.linse",
      /^trueup: the SQL fails: .*linse.*; there are app_log\.lines, app_log\.token_usage$/m,
    ],
    ["two statements", "SELECT 1; SELECT 2", /^trueup: expected one SELECT, found 2 statements$/m],
    ["a statement that writes", "DROP TABLE trueup.tables", /^trueup: only a SELECT may be run here$/m],
    ["a file", "SELECT * FROM read_text('/etc/hostname')", /^trueup: /],
  ])("%s is one line and exit 2", (_, text, message) => {
    const ran = sql(text, "--format", "json");
    expect(ran.code).toBe(2);
    expect(ran.stderr).toMatch(message);
    expect(ran.stderr).not.toContain("defect of trueup");
    expect(ran.stderr.trimEnd().split("\n")).toHaveLength(1);
  });
});

describe("trueup config", () => {
  test("validate tells every fault, show the resolved settings, schema the JSON Schema", () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, ".git"));
    writeFileSync(join(folder, "trueup.yaml"), "selekt: [x]\nfail_on: wrning\n");
    const faulty = trueup(["config", "validate"], { cwd: folder });
    expect(faulty).toMatchObject({ code: 2, stdout: "" });
    expect(faulty.stderr).toBe(
      'trueup: trueup.yaml:1:1: unknown key "selekt", did you mean "select"?\ntrueup: trueup.yaml:2:10: expected one of error, warning, info, never, did you mean "warning"?\n',
    );
    expect(trueup(["audit", LOG], { cwd: folder })).toMatchObject({
      code: 2,
      stdout: "",
      stderr: faulty.stderr,
    });

    writeFileSync(
      join(folder, "trueup.yaml"),
      "inputs: [a.log]\nfail_on: warning\ntimezone: Europe/Berlin\n",
    );
    expect(trueup(["config", "validate"], { cwd: folder }).stdout).toBe("trueup.yaml: valid\n");
    expect(JSON.parse(trueup(["config", "show"], { cwd: folder }).stdout)).toMatchObject({
      config: "trueup.yaml",
      inputs: [{ path: "a.log" }],
      timezone: "Europe/Berlin",
      failOn: "warning",
    });
    expect(JSON.parse(trueup(["config", "schema"], { cwd: folder }).stdout)).toMatchObject({
      type: "object",
    });
  });
});

describe("generated files", () => {
  test("pages, command reference and schema are what the code says", () => {
    const ran = spawnSync(process.execPath, [join(ROOT, "dist/scripts/make-docs.js"), "--check"], {
      encoding: "utf8",
    });
    expect(ran.stderr).toBe("");
    expect(ran.status).toBe(0);
  });
});
