/** Runs the built command as a user would: a process with arguments, streams and an exit code. */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Report } from "../../src/contract/report.ts";

export const ROOT = join(import.meta.dirname, "../..");
export const COMMAND = join(ROOT, "dist/bin/trueup.js");

/** No colour, no progress, one zone: what a test sees depends on its inputs alone. */
const ENVIRONMENT = {
  ...process.env,
  CI: "true",
  NO_COLOR: "1",
  FORCE_COLOR: undefined,
  TZ: "America/New_York",
};

export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs to the end. */
export function trueup(args: readonly string[], options: { cwd?: string; input?: string } = {}): Ran {
  const result = spawnSync(process.execPath, [COMMAND, ...args], {
    cwd: options.cwd ?? ROOT,
    input: options.input,
    encoding: "utf8",
    env: ENVIRONMENT,
    maxBuffer: 2 ** 28,
  });
  return { code: result.status, stdout: result.stdout, stderr: result.stderr };
}

/** Starts and does not wait: for signals. */
export function startTrueup(args: readonly string[], cwd = ROOT): ChildProcess {
  return spawn(process.execPath, [COMMAND, ...args], {
    cwd,
    env: ENVIRONMENT,
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** The JSON report of an audit; fails when there is none. */
export function auditReport(args: readonly string[], cwd?: string): { code: number | null; report: Report } {
  const ran = trueup(["audit", ...args, "--format", "json"], cwd === undefined ? {} : { cwd });
  if (!ran.stdout.startsWith("{")) throw new Error(`no report (exit ${ran.code}): ${ran.stderr}`);
  return { code: ran.code, report: JSON.parse(ran.stdout) as Report };
}

/** A folder of its own, removed after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "trueup-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Of a file's bytes. */
export function sha256(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}
