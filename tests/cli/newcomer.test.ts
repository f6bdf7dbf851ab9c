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

  const sample = (from: string, to: string) =>
    cpSync(join(ROOT, "sample-data", from), join(folder, to), { recursive: true });
  const DUMP = `--
-- PostgreSQL database dump
--

CREATE TABLE public.calls (id integer NOT NULL, created_at timestamp, input_tokens integer);

COPY public.calls (id, created_at, input_tokens) FROM stdin;
1\t2025-01-01 00:00:00\t5
\\.

--
-- PostgreSQL database dump complete
--
`;

  test.each<[string, () => void, unknown[]]>([
    [
      "a database alone",
      () => sample("citations/validations.db", "usage.db"),
      [{ path: "usage.db", name: "usage" }],
    ],
    [
      "code and its database",
      () => {
        sample("router/src", "app/src");
        sample("router/router.sqlite", "app/router.sqlite");
      },
      [
        { path: "app/router.sqlite", name: "router" },
        { path: ".", name: expect.any(String) },
      ],
    ],
    [
      "a dump",
      () => writeFileSync(join(folder, "backup.sql"), DUMP),
      [{ path: "backup.sql", name: "backup" }],
    ],
    [
      "names with spaces",
      () => sample("citations/validations.db", "my data/the usage.db"),
      [{ path: "my data/the usage.db", name: "the_usage" }],
    ],
    [
      "a rotated log",
      () => {
        for (const part of ["", ".1", ".2"]) sample("citations/app.log", `logs/app.log${part}`);
      },
      [{ path: "logs/app.log*", name: "app_log" }],
    ],
    [
      "a log a day",
      () => {
        for (const day of ["01", "02", "11"]) sample("citations/app.log", `app-2025-11-${day}.log`);
      },
      [{ path: "app-2025-11-*.log", name: "app_log" }],
    ],
    [
      "tables of one shape beside another",
      () => {
        for (const part of ["1", "2"]) writeFileSync(join(folder, `calls${part}.csv`), "id,tokens\n1,2\n");
        writeFileSync(join(folder, "users.csv"), "user,mail\na,b\n");
      },
      [
        { path: "calls*.csv", name: expect.any(String) },
        { path: "users.csv", name: "users" },
      ],
    ],
    [
      "a storage folder of many files",
      () => sample("opencode/storage", "storage"),
      [{ path: "storage", name: "storage" }],
    ],
  ])("of %s names what leads to the same inputs again", (_, prepare, inputs) => {
    prepare();
    const seen = () => {
      const { stdout } = here("inspect", "--format", "json");
      const read = (JSON.parse(stdout) as { inputs: { name: string; kind: string; rows: number }[] }).inputs;
      return read.map(({ name, kind, rows }) => [name, kind, rows]);
    };
    const before = seen();
    expect(here("init")).toMatchObject({ code: 0, stderr: "" });
    expect((parse(readFileSync(join(folder, "trueup.yaml"), "utf8")) as { inputs: unknown }).inputs).toEqual(
      inputs,
    );
    expect(here("config", "validate").code).toBe(0);
    expect(seen()).toEqual(before);
  });

  test("for GitLab writes a job that reports code quality", () => {
    copySample();
    expect(here("init", "--ci", "gitlab").code).toBe(0);
    const { trueup: job } = parse(readFileSync(join(folder, ".gitlab/trueup.gitlab-ci.yml"), "utf8")) as {
      trueup: { script: string[]; artifacts: { reports: { codequality: string } } };
    };
    const args = job.script[0]!.split(" ").slice(3);
    expect(here(...args, "--select", "missing-tokens").code).toBe(1);
    const issues = JSON.parse(
      readFileSync(join(folder, job.artifacts.reports.codequality), "utf8"),
    ) as unknown[];
    expect(issues).toHaveLength(1);
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
    const ran = spawnSync("sh", ["-c", "node --test audits/*.test.mjs"], { cwd: folder, encoding: "utf8" });
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
