/** A dump larger than the memory allowed is audited in bounded memory. */

import { once } from "node:events";
import { closeSync, existsSync, openSync, readFileSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Random } from "../../../scripts/random.ts";
import type { Report } from "../../../src/contract/report.ts";
import { startTrueup, temporaryFolder } from "../../kit/command.ts";

const MIB = 1024 * 1024;
const LIMIT = 96 * MIB;
/** What DESIGN allows beside the limit: Node, DuckDB's buffers, the scanner's chunks. */
const BESIDE = 512 * MIB;
const ROWS = 300_000;

test.runIf(existsSync("/proc/self/status"))(
  "a dump of twice the memory allowed is audited within it",
  async () => {
    const file = join(temporaryFolder(), "app.sql");
    writeDump(file);
    expect(statSync(file).size).toBeGreaterThan(2 * LIMIT);
    const child = startTrueup(["audit", file, "--memory-limit", `${LIMIT / MIB}MiB`, "--format", "json"]);
    let peak = 0;
    const watch = setInterval(() => {
      peak = Math.max(peak, peakOf(child.pid as number));
    }, 20);
    let out = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      out += chunk.toString();
    });
    await once(child, "close");
    clearInterval(watch);
    const { inputs } = JSON.parse(out) as Report;
    expect(inputs[0]).toMatchObject({ rows: ROWS, rejected: 0, error: null });
    expect(peak).toBeGreaterThan(50 * MIB);
    expect(peak).toBeLessThanOrEqual(LIMIT + BESIDE);
  },
  300_000,
);

/** The largest resident set of a process so far; 0 once it has ended. */
function peakOf(pid: number): number {
  try {
    return 1024 * Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** Calls with ids that do not compress and a short text, which is not needed. */
function writeDump(file: string): void {
  const random = new Random(11);
  const fd = openSync(file, "w");
  writeSync(
    fd,
    `CREATE TABLE public.requests (id text, session_id text, created_at timestamp, model text, status text,
  input_tokens integer, output_tokens integer, metadata text, prompt text);
COPY public.requests (id, session_id, created_at, model, status, input_tokens, output_tokens, metadata, prompt) FROM stdin;\n`,
  );
  const start = Date.parse("2025-01-01T00:00:00Z");
  let lines: string[] = [];
  for (let i = 0; i < ROWS; i++) {
    const time = new Date(start + i * 7000).toISOString().slice(0, 19).replace("T", " ");
    lines.push(
      `${random.hex(32)}\t${random.hex(32)}\t${time}\tgpt-4o\tsuccess\t${10 + random.below(4000)}\t${5 + random.below(1900)}\t${random.hex(96)}\t${"What was asked, ".repeat(30)}${i}\n`,
    );
    if (lines.length === 10_000) {
      writeSync(fd, lines.join(""));
      lines = [];
    }
  }
  writeSync(fd, `${lines.join("")}\\.\n`);
  closeSync(fd);
}
