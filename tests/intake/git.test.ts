/** A git history as an input: what is read of it, and that nothing of it runs. */

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder, trueup } from "../kit/command.ts";

const COMMITS = "SELECT subject, file, touches FROM trueup.commits ORDER BY time, file";

/** A repository with these states of app.py, one commit each. */
function repository(states: readonly string[]): string {
  const folder = temporaryFolder();
  const git = (...args: string[]) => {
    const env = {
      ...process.env,
      GIT_COMMITTER_DATE: `2025-11-2${time}T10:00:00Z`,
      GIT_CONFIG_GLOBAL: "/dev/null",
    };
    execFileSync("git", ["-C", folder, "-c", "user.name=a", "-c", "user.email=a@example.org", ...args], {
      env,
    });
  };
  let time = 0;
  git("init", "-q");
  for (const [i, text] of states.entries()) {
    time = i;
    writeFileSync(join(folder, "app.py"), text);
    git("add", ".");
    git("commit", "-q", "-m", `change ${i}`);
  }
  return folder;
}

const rowsOf = (folder: string, input: string) => {
  const ran = trueup(["query", COMMITS, input, "--format", "json"], { cwd: folder });
  if (ran.code !== 0) throw new Error(ran.stderr);
  return JSON.parse(ran.stdout) as Record<string, unknown>[];
};

const STATES = ["x = 1\n", 'x = 1\nlogger.info(f"Token usage: {n} prompt")\n', "x = 2\n"];

test.each([".git", "."])("commits with their files and what they touch, from %s", (input) => {
  expect(rowsOf(repository(STATES), input)).toEqual([
    { subject: "change 0", file: "app.py", touches: null },
    { subject: "change 1", file: "app.py", touches: "a token line" },
    { subject: "change 2", file: "app.py", touches: "a token line" },
  ]);
});

test("programs that the repository's configuration names do not run", () => {
  const folder = repository(STATES);
  const trap = join(folder, "trap.sh");
  writeFileSync(trap, `#!/bin/sh\ntouch ${join(folder, "ran")}\ncat "$@"\n`, { mode: 0o755 });
  writeFileSync(join(folder, ".git/info/attributes"), "*.py diff=trap\n");
  for (const [name, value] of [
    ["diff.external", trap],
    ["diff.trap.textconv", trap],
    ["diff.trap.command", trap],
    ["core.pager", trap],
    ["core.fsmonitor", trap],
    ["core.hooksPath", folder],
  ] as const)
    execFileSync("git", ["-C", folder, "config", name, value]);
  expect(rowsOf(folder, ".git")).toHaveLength(3);
  expect(existsSync(join(folder, "ran"))).toBe(false);
});

test("what only looks like a repository is one line and exit 2", () => {
  const folder = temporaryFolder();
  for (const part of ["objects", "refs"]) mkdirSync(join(folder, "broken.git", part), { recursive: true });
  writeFileSync(join(folder, "broken.git/HEAD"), "nonsense");
  const ran = trueup(["audit", "broken.git"], { cwd: folder });
  expect(ran.code).toBe(2);
  expect(ran.stdout + ran.stderr).toContain("git cannot read it");
});
