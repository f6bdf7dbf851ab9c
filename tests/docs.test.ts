/** Every command that README.md and docs/ print is run, in a folder that holds what the commands name. */

import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { COMMANDS } from "../src/cli/command-list.ts";
import { parseArguments } from "../src/cli/program.ts";
import { type ConfigurableCheck, configJsonSchema, loadConfig } from "../src/config/index.ts";
import type { Report } from "../src/contract/report.ts";
import { COMMAND, ROOT, trueup } from "./kit/command.ts";

/** What is printed and not run here, and why. */
const NOT_RUN: Readonly<Record<string, string>> = {
  "npm run demo":
    "installs packages and builds anew; it ends with the audit of the sample that README.md shows",
  "npm test": "runs this test",
  "node --test audits/*.test.mjs": "runs where docs/own-checks.md is followed to the letter, below",
};

/** What a command needs beyond the folder that all share. */
const NEEDS: readonly { command: RegExp; files?: Record<string, string>; instead?: [string, string] }[] = [
  { command: /config validate/, files: { "trueup.yaml": "inputs: [app.log, validations.db]\n" } },
  {
    command: /baseline prune/,
    files: { "trueup-baseline.json": '{"version":1,"findings":[],"tables":[]}\n' },
  },
  // The documentation names the system's folder; the test must not write there.
  { command: /completion bash/, instead: ["/etc/bash_completion.d/", "./"] },
];

/** A report that finds something ends with 1. */
const MAY_FIND = /^(?:audit|diagnose|convert)$/;

const PAGES = [
  "README.md",
  ...readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".md"))
    .map((file) => `docs/${file}`)
    .sort(),
];

/** The page without the list of commands, which are patterns, and without what the sample's audit prints. */
function textOf(page: string): string {
  return readFileSync(join(ROOT, page), "utf8").replace(/<!-- (demo|commands) -->[\s\S]*?<!-- \/\1 -->/g, "");
}

/** Lines of indented and of shell blocks that begin with a program. */
function commandsOf(page: string): string[] {
  const text = textOf(page);
  const fenced = [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)];
  const shell = fenced
    .filter(([, language]) => /^(sh|bash|console|shell|)$/.test(language!))
    .map((match) => match[2]!);
  const indented = text.replace(/^```[\s\S]*?^```$/gm, "").match(/^ {4}\S.*$/gm) ?? [];
  return [...shell.join("\n").split("\n"), ...indented]
    .map((line) =>
      line
        .trim()
        .replace(/^\$ /, "")
        .replace(/ {2,}#.*$/, ""),
    )
    .filter((line) => /^(?:trueup|npx|npm|node|kubectl|git|docker|psql|pg_dump) /.test(line));
}

const commands = [...new Set(PAGES.flatMap(commandsOf))];

let home: string;
/** What the commands name. */
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "trueup-docs-"));
  const folder = join(home, "folder");
  const sample = (from: string, to: string) =>
    cpSync(join(ROOT, "sample-data", from), join(folder, to), { recursive: true });
  mkdirSync(join(folder, "logs"), { recursive: true });
  sample("citations/app.log", "app.log");
  sample("citations/app.log", "logs/app.log");
  sample("citations/validations.db", "validations.db");
  sample("citations/validations.db", "usage.db");
  sample("router/router.sqlite", "router.sqlite");
  sample("router/src", "src");
  sample("opencode/monitor.duckdb", "monitor.duckdb");
  writeFileSync(join(folder, "cron.log"), "2025-11-23 16:00:00,000 - cron - INFO - import started\n");
  const git = (...args: string[]) =>
    execFileSync("git", ["-C", folder, "-c", "user.name=a", "-c", "user.email=a@example.org", ...args], {
      env: { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null", GIT_COMMITTER_DATE: "2025-11-23T10:00:00Z" },
    });
  git("init", "-q");
  git("add", "src");
  git("commit", "-q", "-m", "first");
  const report = spawnSync(process.execPath, [COMMAND, "audit", "app.log", "--format", "json"], {
    cwd: folder,
  });
  writeFileSync(join(folder, "report.json"), report.stdout);
  const bin = join(home, "bin");
  mkdirSync(bin);
  writeFileSync(join(bin, "trueup"), `#!/bin/sh\nexec "${process.execPath}" "${COMMAND}" "$@"\n`);
  writeFileSync(join(bin, "kubectl"), `#!/bin/sh\ncat "${join(folder, "app.log")}"\n`);
  for (const program of readdirSync(bin)) chmodSync(join(bin, program), 0o755);
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** Runs a line in a copy of the folder. */
function run(line: string) {
  const folder = mkdtempSync(join(home, "run-"));
  cpSync(join(home, "folder"), folder, { recursive: true });
  let script = line;
  for (const { command, files, instead } of NEEDS) {
    if (!command.test(line)) continue;
    for (const [file, text] of Object.entries(files ?? {})) writeFileSync(join(folder, file), text);
    if (instead) script = script.replace(...instead);
  }
  const { PATH } = process.env;
  const env = { ...process.env, PATH: `${join(home, "bin")}:${PATH}`, CI: "true", NO_COLOR: "1" };
  return spawnSync("bash", ["-o", "pipefail", "-c", script], { cwd: folder, encoding: "utf8", env });
}

describe("the commands of the documentation", () => {
  test("are found on the pages, and every exception is one of them", () => {
    expect(commands.length).toBeGreaterThan(30);
    expect(Object.keys(NOT_RUN).filter((line) => !commands.includes(line))).toEqual([]);
    expect(NEEDS.filter(({ command }) => !commands.some((line) => command.test(line)))).toEqual([]);
    // Every command of trueup is shown somewhere.
    const shown = commands.map((line) => /\btrueup ([a-z-]+)/.exec(line)?.[1]);
    expect(COMMANDS.map(({ name }) => name).filter((name) => !shown.includes(name))).toEqual([]);
  });

  test.each(commands.filter((line) => NOT_RUN[line] === undefined))("%s", (line) => {
    const { status, stderr } = run(line);
    const command = /\btrueup ([a-z-]+)/.exec(line)?.[1] ?? "";
    expect(stderr).not.toMatch(/not evaluated|defect of trueup/);
    expect(MAY_FIND.test(command) ? [0, 1] : [0], stderr).toContain(status);
  });

  test("own checks can be followed to the letter: files as they stand, their test, an audit", () => {
    const folder = mkdtempSync(join(home, "own-"));
    const page = readFileSync(join(ROOT, "docs/own-checks.md"), "utf8");
    const block = (language: string) =>
      new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "m").exec(page)![1]!;
    mkdirSync(join(folder, "audits"));
    mkdirSync(join(folder, "node_modules"));
    symlinkSync(ROOT, join(folder, "node_modules/trueup"));
    writeFileSync(join(folder, "trueup.yaml"), block("yaml"));
    writeFileSync(join(folder, "audits/late-jobs.sql"), block("sql"));
    writeFileSync(join(folder, "audits/open-jobs.ts"), block("ts"));
    writeFileSync(join(folder, "audits/late-jobs.test.mjs"), block("js"));
    const database = new DatabaseSync(join(folder, "app.db"));
    database.exec("CREATE TABLE jobs (id INTEGER PRIMARY KEY, user_id TEXT, status TEXT)");
    database.exec("INSERT INTO jobs VALUES (1, 'ann', 'open'), (2, 'bob', 'done')");
    database.close();
    const tested = spawnSync("sh", ["-c", "node --test audits/*.test.mjs"], {
      cwd: folder,
      encoding: "utf8",
    });
    expect(tested.stdout).toMatch(/# pass 1\n/);
    const run = (...args: string[]) => trueup(args, { cwd: folder });
    expect(run("config", "validate").stdout).toBe("trueup.yaml: valid\n");
    const { findings } = JSON.parse(run("audit", "app.db", "--format", "json").stdout) as Report;
    expect(findings.map(({ check, message }) => [check, message])).toEqual([
      ["late-jobs", "ann has 1 jobs that are not done"],
      ["open-jobs", "1 jobs are not done."],
    ]);
  });

  test("every trueup.yaml that is shown is valid", () => {
    const { checks } = JSON.parse(readFileSync(join(ROOT, "dist/manifest.json"), "utf8")) as {
      checks: ConfigurableCheck[];
    };
    const { properties } = configJsonSchema(checks) as { properties: object };
    const shown = PAGES.flatMap((page) =>
      [...readFileSync(join(ROOT, page), "utf8").matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(
        (match) => match[1]!,
      ),
    ).filter((text) => Object.keys(properties).includes(/^([a-z_]+):/m.exec(text)?.[1] ?? ""));
    expect(shown.length).toBeGreaterThan(20);
    const file = join(home, "trueup.yaml");
    for (const text of shown) {
      writeFileSync(file, text);
      expect(() => loadConfig(file, checks, home), text).not.toThrow();
    }
  });

  test("the library's example runs as it stands", () => {
    const folder = mkdtempSync(join(home, "library-"));
    cpSync(join(home, "folder"), folder, { recursive: true });
    mkdirSync(join(folder, "node_modules"));
    symlinkSync(ROOT, join(folder, "node_modules/trueup"));
    const page = readFileSync(join(ROOT, "docs/library.md"), "utf8");
    writeFileSync(join(folder, "example.mjs"), /^```js\n([\s\S]*?)^```$/m.exec(page)![1]!);
    const ran = spawnSync(process.execPath, ["example.mjs"], { cwd: folder, encoding: "utf8" });
    expect(ran.stderr).toBe("");
    expect(ran.stdout).toMatch(/^error missing-tokens billing\.validations: 94 of 95 succeeded rows/m);
    const { stdout } = spawnSync(
      process.execPath,
      ["-e", "import('trueup').then((m) => console.log(Object.keys(m).join()))"],
      {
        cwd: folder,
        encoding: "utf8",
      },
    );
    const named = [...page.matchAll(/^\| `(\w+)\(/gm)].map((match) => match[1]!);
    expect(named.filter((name) => !stdout.trim().split(",").includes(name))).toEqual([]);
  });

  test("inside sentences are commands and options that are there", () => {
    const quoted = PAGES.flatMap((page) => {
      const text = textOf(page).replace(/^```[\s\S]*?^```$/gm, "");
      return [...text.matchAll(/`trueup ([^`\n]+)`/g)].map((match) => match[1]!);
    });
    expect(quoted.length).toBeGreaterThan(10);
    for (const words of quoted) {
      const args = words.match(/"[^"]*"|\S+/g) ?? [];
      try {
        parseArguments(args, 80, () => true);
      } catch (error) {
        // A sentence may name a command without its arguments.
        expect((error as Error).message, `trueup ${words}`).toMatch(/^\w+ needs </);
      }
    }
  });
});
