/** The package as it is published: packed by its own scripts, installed into an empty directory, and used there. */

import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { ROOT, temporaryFolder, trueup } from "../kit/command.ts";

/** What npm says when there is no registry to talk to. */
const UNREACHABLE = /ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|ENETUNREACH|E40[37]|network/;
/** What a package may hold, by its first two folders. */
const ALLOWED = [
  ...["bin", "src", "checks", "hypotheses", "chunks", "workers", "types", "manifest.json"].map(
    (name) => `dist/${name}`,
  ),
  ...["schema", "docs", "package.json", "README.md", "LICENSE", "CHANGELOG.md"],
];

interface Packed {
  filename: string;
  files: { path: string }[];
}

let home: string;
let packed: Packed;
const run = (command: string, args: string[], cwd: string) =>
  spawnSync(command, args, { cwd, encoding: "utf8", env: { ...process.env, CI: "true", NO_COLOR: "1" } });

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "trueup-pack-"));
  // A copy, since packing builds, and other tests run what is built here.
  const copy = join(home, "copy");
  const left = ["node_modules", "dist", ".git", "sample-data"].map((name) => join(ROOT, name));
  cpSync(ROOT, copy, { recursive: true, filter: (path) => !left.includes(path) });
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
  const { status, stdout, stderr } = run("npm", ["pack", "--json", "--pack-destination", home], copy);
  expect(status, stderr).toBe(0);
  [packed] = JSON.parse(stdout.slice(stdout.indexOf("[\n"))) as [Packed];
}, 300_000);
afterAll(() => rmSync(home, { recursive: true, force: true }));

const copySample = (folder: string) => {
  for (const file of ["app.log", "validations.db"])
    cpSync(join(ROOT, "sample-data/citations", file), join(folder, file));
};

describe("the package", () => {
  test("holds only what runs, with its types", () => {
    const paths = packed.files.map(({ path }) => path);
    const places = paths.map((path) =>
      path
        .split("/")
        .slice(0, path.startsWith("dist/") ? 2 : 1)
        .join("/"),
    );
    expect([...new Set(places)].filter((place) => !ALLOWED.includes(place))).toEqual([]);
    for (const path of [
      "dist/bin/trueup.js",
      "dist/types/src/index.d.ts",
      "dist/types/src/testing/index.d.ts",
    ])
      expect(paths).toContain(path);
  });

  test("a newcomer installs it into an empty directory, writes a configuration and audits", async (context) => {
    const folder = temporaryFolder();
    const installed = run(
      "npm",
      ["install", "--no-audit", "--no-fund", "--prefer-offline", join(home, packed.filename)],
      folder,
    );
    if (installed.status !== 0 && UNREACHABLE.test(installed.stderr))
      context.skip(`the registry cannot be reached: ${installed.stderr.split("\n")[0]}`);
    expect(installed.status, installed.stderr).toBe(0);
    const npx = (...words: string[]) => run("npx", ["--no-install", ...words], folder);
    copySample(folder);
    const init = npx("trueup", "init", "--ci", "github");
    expect(init.stdout).toMatch(/^trueup\.yaml\n\.github\/workflows\/trueup\.yml\n\nnext: trueup audit\n/);
    expect(npx("trueup", "config", "validate").stdout).toBe("trueup.yaml: valid\n");
    const audited = npx("trueup", "audit");
    expect(audited.status).toBe(1);
    expect(audited.stdout).toContain("94 of 95 succeeded rows");
    const workflow = parse(readFileSync(join(folder, ".github/workflows/trueup.yml"), "utf8")) as {
      jobs: { audit: { steps: { run?: string }[] } };
    };
    const [step] = workflow.jobs.audit.steps.flatMap((one) => one.run ?? []);
    // The version that the workflow names is the one that is installed, so npx takes that.
    const inCi = run("sh", ["-c", step!], folder);
    expect(inCi.status).toBe(1);
    expect(inCi.stdout).toMatch(/^::error file=trueup\.yaml,line=\d+,title=Token counts are missing/m);
    expect(existsSync(join(folder, "trueup.html"))).toBe(true);
    expect(npx("trueup", "baseline", "write").status).toBe(0);
    expect(npx("trueup", "audit").status).toBe(0);
    expect(npx("trueup", "new-check", "late-jobs").status).toBe(0);
    expect(run("sh", ["-c", "node --test audits/*.test.mjs"], folder).stdout).toMatch(/# pass 1\n/);
  }, 300_000);

  test("types its library and its test kit", () => {
    const folder = temporaryFolder();
    const types = join(home, "copy/dist/types");
    const tsc = join(ROOT, "node_modules/.bin/tsc");
    writeFileSync(
      join(folder, "use.mts"),
      `import { audit, defineCheck, type Settings } from "${types}/src/index.js";
import { testCheck } from "${types}/src/testing/index.js";
declare const settings: Settings;
const severity: "error" | "warning" | "info" = (await audit(settings)).findings[0]!.severity;
// @ts-expect-error a severity is no number
const wrong: number = severity;
await testCheck("x.sql", { firing: {}, clean: {} });
export const check = defineCheck;
`,
    );
    const args = [
      "--noEmit",
      "--strict",
      "--skipLibCheck",
      "--module",
      "nodenext",
      "--target",
      "es2023",
      "use.mts",
    ];
    symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
    expect(spawnSync(tsc, args, { cwd: folder, encoding: "utf8" }).stdout).toBe("");
  });

  test("its GitHub Action hands inputs over as words, not as shell", () => {
    const action = parse(readFileSync(join(ROOT, "action.yml"), "utf8")) as {
      runs: { steps: { run: string; env: Record<string, string> }[] };
    };
    const folder = temporaryFolder();
    const { run: script } = action.runs.steps[0]!;
    expect(script).not.toContain("${{");
    writeFileSync(join(folder, "npx"), '#!/bin/sh\nprintf "%s|" "$@"\n');
    chmodSync(join(folder, "npx"), 0o755);
    const ran = spawnSync("bash", ["-c", script], {
      cwd: folder,
      encoding: "utf8",
      env: {
        PATH: `${folder}:${process.env["PATH"]}`,
        TRUEUP_VERSION: "0.1.0",
        TRUEUP_INPUTS: "app.log $(id) *",
        TRUEUP_ARGS: "--fail-on warning",
      },
    });
    expect(ran.stdout).toBe("--yes|trueup@0.1.0|audit|app.log|$(id)|*|--format|github|--fail-on|warning|");
  });

  test("its pre-commit hook runs a command that is there", () => {
    const [hook] = parse(readFileSync(join(ROOT, ".pre-commit-hooks.yaml"), "utf8")) as [{ entry: string }];
    const folder = temporaryFolder();
    copySample(folder);
    const [, ...args] = hook.entry.split(" ");
    const ran = trueup([...args, "--fail-on", "never", "--select", "missing-tokens"], { cwd: folder });
    expect(ran.code).toBe(0);
  });
});
