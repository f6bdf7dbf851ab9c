/** A newcomer's first minutes: a configuration, a workflow, completion, an own check. */

import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { COMMANDS } from "../../src/cli/command-list.ts";
import { OPTIONS } from "../../src/cli/options.ts";
import { ROOT, temporaryFolder, trueup } from "../kit/command.ts";

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
});
const here = (...args: string[]) => trueup(args, { cwd: folder });
const copySample = () => {
  for (const file of ["app.log", "validations.db"])
    cpSync(join(ROOT, "sample-data/citations", file), join(folder, file));
};

describe("trueup init", () => {
  test("writes a configuration that is valid and audits what is there", () => {
    copySample();
    const ran = here("init", "--ci", "github");
    expect(ran.code).toBe(0);
    expect(ran.stdout).toContain("trueup.yaml\n.github/workflows/trueup.yml\n");
    const config = parse(readFileSync(join(folder, "trueup.yaml"), "utf8")) as { inputs: unknown };
    expect(config.inputs).toEqual([
      { path: "app.log", name: "app_log" },
      { path: "validations.db", name: "validations" },
    ]);
    expect(here("config", "validate").code).toBe(0);
    expect(here("audit", "--select", "missing-tokens").code).toBe(1);
    const workflow = parse(readFileSync(join(folder, ".github/workflows/trueup.yml"), "utf8")) as {
      jobs: { audit: { steps: { run?: string }[] } };
    };
    const command = workflow.jobs.audit.steps.flatMap((step) => step.run ?? [])[0]!;
    expect(command).toMatch(/^npx --yes trueup@\d+\.\d+\.\d+ audit /);
    const args = command.split(" ").slice(3);
    expect(here(...args, "--select", "missing-tokens").code).toBe(1);
    expect(existsSync(join(folder, "trueup.html"))).toBe(true);
  });

  test("what it only suggests is valid too", () => {
    copySample();
    here("init");
    const file = join(folder, "trueup.yaml");
    const text = readFileSync(file, "utf8").replace(
      /^# ((?: {2})*(?:- |\w[\w-]*:|[\w.-]+: ).*|#? {2}.*)$/gm,
      (line, rest: string) =>
        /^(?:expect|checks|suppress|roles): ?$/.test(rest) || rest.startsWith("  ") ? rest : line,
    );
    expect(Object.keys(parse(text) as object)).toEqual(
      expect.arrayContaining(["expect", "checks", "suppress"]),
    );
    writeFileSync(file, text);
    expect(here("config", "validate")).toMatchObject({ code: 0 });
  });

  test("replaces nothing unless told to", () => {
    copySample();
    writeFileSync(join(folder, "trueup.yaml"), "# mine\n");
    const refused = here("init");
    expect([refused.code, refused.stderr]).toEqual([
      2,
      "trueup: trueup.yaml: already there; --force replaces it\n",
    ]);
    expect(readFileSync(join(folder, "trueup.yaml"), "utf8")).toBe("# mine\n");
    expect(here("init", "--force").code).toBe(0);
  });

  test("in a folder that holds nothing is one line and exit 2", () => {
    const ran = here("init");
    expect(ran.code).toBe(2);
    expect(ran.stderr.trim().split("\n")).toHaveLength(1);
    expect(existsSync(join(folder, "trueup.yaml"))).toBe(false);
  });
});

describe("trueup new-check", () => {
  test.each(["sql", "ts"])("writes a check in %s whose test passes", (language) => {
    expect(here("new-check", "late-jobs", "--language", language).code).toBe(0);
    mkdirSync(join(folder, "node_modules"));
    symlinkSync(ROOT, join(folder, "node_modules/trueup"));
    const ran = spawnSync(process.execPath, ["--test", "audits/"], { cwd: folder, encoding: "utf8" });
    expect(ran.stdout).toMatch(/# pass 1\n/);
    expect(here("new-check", "late-jobs", "--language", language).code).toBe(2);
  });

  test.each(["Late", "../x", "timeline-gap"])("refuses the id %s", (id) => {
    expect(here("new-check", id)).toMatchObject({ code: 2, stdout: "" });
  });
});

describe("trueup completion", () => {
  const complete = (...words: string[]) => {
    const script = `${here("completion", "bash").stdout}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length - 1}; _trueup; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return spawnSync("bash", ["-c", script], { cwd: folder, encoding: "utf8" }).stdout.trim().split("\n");
  };

  test("knows commands, options, choices and checks", () => {
    expect(complete("trueup", "base")).toContain("baseline");
    expect(complete("trueup", "audit", "--fail")).toEqual(["--fail-on"]);
    expect(complete("trueup", "audit", "--fail-on", "w")).toEqual(["warning"]);
    expect(complete("trueup", "explain", "missing-tok")).toEqual(["missing-tokens"]);
    expect(complete("trueup", "baseline", "p")).toEqual(["prune"]);
  });

  test.each(["zsh", "fish", "bash"])("of %s names every command and every option", (shell) => {
    const { code, stdout } = here("completion", shell);
    expect(code).toBe(0);
    for (const { name } of COMMANDS) expect(stdout).toContain(name);
    for (const { name } of OPTIONS) expect(stdout).toContain(name);
  });
});
