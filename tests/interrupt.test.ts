/** Ctrl-C in the middle of a load leaves nothing behind. */

import type { ChildProcess } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { sha256, startTrueup, temporaryFolder } from "./kit/command.ts";

/** A log that takes a while to load, and the folder for temporary files beside it. */
function slowInput(): { log: string; temp: string } {
  const folder = temporaryFolder();
  const temp = join(folder, "temp");
  mkdirSync(temp);
  const log = join(folder, "app.log");
  const line =
    "2025-11-23 16:30:35 - app - INFO - app.py:1 - Token usage: 10 prompt + 5 completion = 15 total\n";
  writeFileSync(log, line.repeat(2_000_000));
  return { log, temp };
}

/** Starts an audit and waits until it has made its private files. */
async function loading(
  log: string,
  temp: string,
): Promise<{ child: ChildProcess; ended: Promise<number | null> }> {
  const child = startTrueup(["audit", log, "--temp-dir", temp]);
  const ended = new Promise<number | null>((resolve) => child.on("exit", (code) => resolve(code)));
  while (readdirSync(temp).length === 0 && child.exitCode === null)
    await new Promise((r) => setTimeout(r, 5));
  return { child, ended };
}

test.each(["SIGINT", "SIGTERM"] as const)(
  "%s in mid-load exits 130 and removes the private files",
  async (signal) => {
    const { log, temp } = slowInput();
    const before = sha256(log);
    const { child, ended } = await loading(log, temp);
    child.kill(signal);
    expect(await ended).toBe(130);
    expect(readdirSync(temp)).toEqual([]);
    expect(sha256(log)).toBe(before);
  },
);

test("a second Ctrl-C ends at once and removes them too", async () => {
  const { log, temp } = slowInput();
  const { child, ended } = await loading(log, temp);
  child.kill("SIGINT");
  await new Promise((r) => setTimeout(r, 1));
  child.kill("SIGINT");
  expect(await ended).toBe(130);
  expect(readdirSync(temp)).toEqual([]);
});
