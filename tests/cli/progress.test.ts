import { describe, expect, test } from "vitest";
import { lineOf } from "../../src/cli/progress.ts";
import type { Progress } from "../../src/contract/settings.ts";

const load = { stage: "load", subject: "app_log" } as const;

describe("a line of progress", () => {
  test.each<[string, Progress, number, string]>([
    ["before anything is known", load, 0, "reading app_log"],
    ["with the size alone", { ...load, bytesTotal: 95e6, bytes: 0 }, 1, "reading app_log  95.0 MB"],
    [
      "under way",
      { ...load, bytes: 40e6, bytesTotal: 95e6, rows: 81_000 },
      4,
      "reading app_log  40.0 of 95.0 MB  81,000 rows  10.0 MB/s  4 s",
    ],
    ["done", { ...load, bytesTotal: 95e6, rows: 1, done: true }, 0.5, "app_log  95.0 MB  1 row  190.0 MB/s"],
    ["of a check", { stage: "check", subject: "a-check" }, 9, "checking a-check"],
    ["with a hostile name", { ...load, subject: "\u001b[2J\u202ex" }, 0, "reading \\x1b[2J\\u202ex"],
  ])("%s", (_, progress, seconds, line) => {
    expect(lineOf(progress, seconds)).toBe(line);
  });
});
