/** Ctrl-C in the middle of a load leaves nothing behind. */

import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { sha256, startTrueup, temporaryFolder } from "./kit/command.ts";

test.each(["SIGINT", "SIGTERM"] as const)(
  "%s in mid-load exits 130 and removes the private files",
  async (signal) => {
    const folder = temporaryFolder();
    const temp = join(folder, "temp");
    mkdirSync(temp);
    const log = join(folder, "app.log");
    const line =
      "2025-11-23 16:30:35 - app - INFO - app.py:1 - Token usage: 10 prompt + 5 completion = 15 total\n";
    writeFileSync(log, line.repeat(2_000_000));
    const before = sha256(log);
    const child = startTrueup(["audit", log, "--temp-dir", temp]);
    const ended = new Promise<number | null>((resolve) => child.on("exit", (code) => resolve(code)));
    while (readdirSync(temp).length === 0 && child.exitCode === null)
      await new Promise((r) => setTimeout(r, 5));
    child.kill(signal);
    expect(await ended).toBe(130);
    expect(readdirSync(temp)).toEqual([]);
    expect(sha256(log)).toBe(before);
    expect(existsSync(`${log}-journal`)).toBe(false);
  },
);
