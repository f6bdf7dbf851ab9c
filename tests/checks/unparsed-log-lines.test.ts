import { describe, expect, test } from "vitest";
import { auditCode, type SourceTree } from "../kit/code.ts";
import { addLog } from "../kit/logs.ts";
import { type AuditResult, auditTables } from "../kit/tables.ts";
import { seconds, text } from "../kit/times.ts";

const START = seconds("2025-11-01 08:00:00");
const HOUR = 3600;
const prefix = (at: number, line = 108) =>
  `${text(at)},123 - openai_provider - INFO - openai_provider.py:${line} - `;

interface Case {
  /** Near misses, an hour apart from `from` hours on. */
  near?: { texts: string[]; from?: number; extractor?: string };
  /** Lines that matched: how many, an hour apart from the start. */
  matched?: number;
  rejects?: number;
  options?: Record<string, number>;
}

const unparsed = ({ near, matched = 0, rejects = 0, options = {} }: Case): Promise<AuditResult> =>
  auditTables(
    "unparsed-log-lines",
    {},
    {
      options,
      prepare: async (store, loaded) => {
        const hours = [...Array(200).keys()].map((h) => text(START + h * HOUR));
        await addLog(store, loaded, "app_log", {
          lines: hours,
          events: hours.slice(0, matched).map((time) => ({ time, input_tokens: 1, output_tokens: 2 })),
        });
        const input = loaded[0]!.input;
        input.rows = 200;
        input.rejected = rejects;
        await store.append(
          "trueup.rejects",
          ["input", "file", "line", "reason", "text"],
          [...Array(rejects).keys()].map((i) => ["app_log", "app.log", i + 1, "no JSON", "{"]),
        );
        await store.append(
          "trueup.near_misses",
          ["input", "line", "time", "extractor", "text"],
          (near?.texts ?? []).map((line, i) => [
            "app_log",
            i + 10,
            text(START + ((near?.from ?? 0) + i) * HOUR),
            near?.extractor ?? "token_usage",
            line,
          ]),
        );
      },
    },
  );

const reworded = [...Array(12).keys()].map(
  (i) =>
    `${prefix(START + i * HOUR, 100 + i)}Token usage: ${1000 + i} in / ${200 * i} out = ${i},${i}00 total`,
);

describe("unparsed-log-lines fires", () => {
  test("once for a wording, whatever its numbers, with lines, first and last", async () => {
    const { findings } = await unparsed({ near: { texts: reworded } });
    expect(findings).toHaveLength(1);
    const [finding] = findings;
    expect(finding?.severity).toBe("warning");
    expect(finding?.measure).toEqual({ name: "lines", value: 12 });
    expect(finding?.evidence).toMatchObject({
      lines: 12,
      first: "2025-11-01T08:00:00Z",
      last: "2025-11-01T19:00:00Z",
      first_line: 10,
      wording: "Token usage: <n> in / <n> out = <n> total",
    });
    expect(finding?.location).toEqual({ input: "app_log", table: "app_log.lines", line: 10 });
  });

  test("and says since when matches ended, when the new wording begins as they end", async () => {
    const { findings } = await unparsed({ near: { texts: reworded, from: 51 }, matched: 50 });
    expect(findings[0]?.title).toBe("The wording of log lines changed: no pattern reads them");
    expect(findings[0]?.evidence).toMatchObject({
      matches_ended: "2025-11-03T09:00:00Z",
      matched_lines: 50,
      matched_lines_after: 0,
    });
    expect(findings[0]?.message).toContain("The last line that matched is of 2025-11-03 09:00:00.");
  });

  test("without such a claim while other lines still match", async () => {
    const { findings } = await unparsed({ near: { texts: reworded, from: 51 }, matched: 150 });
    expect(findings[0]?.title).toBe("Log lines that no pattern reads");
    expect(findings[0]?.evidence).toMatchObject({ matches_ended: null, matched_lines_after: 98 });
  });

  test("once per wording", async () => {
    const other = reworded.map((line) =>
      line.replace("Token usage:", "Usage of tokens was").replace("/", "and"),
    );
    const { findings } = await unparsed({ near: { texts: [...reworded, ...other] } });
    expect(findings.map((f) => f.measure.value)).toEqual([12, 12]);
    expect(new Set(findings.map((f) => f.key)).size).toBe(2);
  });

  test.each([
    ["names", (i: number) => `Token usage of user ${["alice", "bob"][i % 2]} was ${i} in and ${i} out`],
    ["models", (i: number) => `tokens used by ${["gpt-4o", "claude-3-opus"][i % 2]}: ${i} in ${i} out`],
    ["ids", (i: number) => `job j_${i}ab${i} tokens used: ${i} in ${i} out`],
    ["JSON values", (i: number) => `{"msg":"tokens used","model":"${i % 2 ? "a b" : "c"}","promt":${i}}`],
    [
      "levels and loggers",
      (i: number) =>
        i % 2 ? `${text(START)} [INFO] tokens got ${i} in` : `${text(START)} WARN  tokens got 7 in`,
    ],
  ])("once for lines that differ in %s", async (_name, line) => {
    const { findings } = await unparsed({ near: { texts: [...Array(10).keys()].map(line) } });
    expect(findings.map((f) => f.evidence.lines)).toEqual([10]);
  });

  test("on lines that the format of the log cannot read", async () => {
    const { findings } = await unparsed({ rejects: 20 });
    expect(findings.map((f) => [f.key, f.measure.value, f.evidence.first_reason])).toEqual([
      ["rejected", 20, "no JSON"],
    ]);
  });

  test("on at most ten wordings, and counts the others", async () => {
    const texts = [...Array(30).keys()].map(
      (i) => `tokens ${String.fromCharCode(97 + (i % 26)).repeat(2 + (i % 3))} ${"was ".repeat(i)}1 in`,
    );
    const { findings } = await unparsed({ near: { texts } });
    expect(findings).toHaveLength(10);
    expect(findings[0]?.message).toContain("20 further wordings that are not told");
  });
});

describe("unparsed-log-lines", () => {
  test("tells lines that say there are no counts as that, as info", async () => {
    const texts = [...Array(8).keys()].map((i) => `${prefix(START, 100 + i)}Token usage: N/A (legacy API)`);
    const { findings } = await unparsed({ near: { texts } });
    expect(findings.map((f) => [f.severity, f.title])).toEqual([
      ["info", "Log lines say that token counts are not available"],
    ]);
  });

  test("tells a few odd lines as info", async () => {
    const { findings } = await unparsed({ near: { texts: reworded.slice(0, 3) } });
    expect(findings.map((f) => f.severity)).toEqual(["info"]);
  });

  test("is silent about ordinary lines and lines that match", async () => {
    const { outcomes } = await unparsed({ matched: 100 });
    expect(outcomes).toEqual([
      { check: "unparsed-log-lines", target: "app_log.lines", status: "clean", reason: null },
    ]);
  });

  test("is silent about a line cut off at the end of a log", async () => {
    expect((await unparsed({ rejects: 1, options: { max_rejected: 0.01 } })).findings).toEqual([]);
  });

  test("is not fooled by hostile text", async () => {
    const { findings } = await unparsed({
      near: { texts: Array(6).fill(`tokens '; DROP TABLE trueup.near_misses; -- \\1 \u001b[31m 5 in`) },
    });
    expect(findings.map((f) => f.evidence.lines)).toEqual([6]);
  });
});

describe("unparsed-log-lines of code", () => {
  const PATTERN = "Token usage: (\\d+) prompt \\+ (\\d+) completion = (\\d+) total";
  const WRITES = 'def log(p, c, t):\n    logger.info(f"Token usage: {p} input + {c} output = {t} total")\n';
  const reader = (pattern: string) => `import re\nPAT = re.compile(r'${pattern}')\n`;
  const statement = (text: string) => `def log(a, b, c):\n    logger.info(f"${text}")\n`;
  const audit = (tree: SourceTree) => auditCode("unparsed-log-lines", tree);

  test("tells the statement whose words the pattern does not know, at the statement", async () => {
    const { findings } = await audit({ "app/log.py": WRITES, "app/parse.py": reader(PATTERN) });
    expect(findings).toMatchObject([
      {
        severity: "warning",
        location: { input: "src", file: "app/log.py", line: 2 },
        evidence: { template: "Token usage: {} input + {} output = {} total", patterns: ["app/parse.py:2"] },
      },
    ]);
    expect(findings[0]?.message).toContain("app/parse.py:2");
  });

  test.each<[string, SourceTree]>([
    [
      "a JavaScript logger and a named group",
      {
        "a.js": "export function f(p, c) { console.log(`tokens used: ${p} input, ${c} output`); }\n",
        "b.js": "export const read = (s) => s.match(/tokens used: (?<p>\\d+) prompt, (?<c>\\d+) output/);\n",
      },
    ],
    [
      "a pattern that also reads what the logging format writes",
      {
        "a.py": WRITES,
        "b.py": reader(`^(\\d{4}-\\d\\d-\\d\\d) - (?:INFO|WARN) - ${PATTERN}$`),
      },
    ],
    [
      "one number left out",
      { "a.py": statement("Token usage: {a} prompt + {b} completion"), "b.py": reader(PATTERN) },
    ],
  ])("fires: %s", async (_name, tree) => {
    expect((await audit(tree)).findings).toHaveLength(1);
  });

  test.each<[string, SourceTree]>([
    [
      "the pattern reads it",
      { "a.py": statement("Token usage: {a} prompt + {b} completion = {c} total"), "b.py": reader(PATTERN) },
    ],
    [
      "the pattern begins with what the logging format writes",
      {
        "a.py": statement("Token usage: {a} prompt + {b} completion = {c} total"),
        "b.py": reader(`^(\\d{4}-\\S+) (\\w+) ${PATTERN}`),
      },
    ],
    [
      "another pattern reads it",
      {
        "a.py": WRITES,
        "b.py": reader(PATTERN),
        "c.py": reader("(\\d+) input \\+ (\\d+) output"),
      },
    ],
    [
      "a placeholder is a name, not a number",
      {
        "a.py": statement("Token usage of {a}: {b} prompt"),
        "b.py": reader("Token usage of ([a-z]+[\\w-]*): (\\d+) prompt"),
      },
    ],
    [
      "few words are shared",
      { "a.py": statement("Token usage saved for {a} in {b} of {c}"), "b.py": reader(PATTERN) },
    ],
    [
      "the statement has too few numbers",
      { "a.py": statement("Token usage total of prompt {a}"), "b.py": reader(PATTERN) },
    ],
    [
      "the words are not about tokens",
      { "a.py": statement("Disk {a} read {b} total"), "b.py": reader("Disk (\\d+) reads (\\d+) total") },
    ],
    [
      "the pattern reads what a provider refuses",
      {
        "a.py": statement("cost of model {a}: prompt tokens {b}, completion tokens {c}"),
        "b.py": reader("prompt tokens \\((\\d+)\\) exceed model maximum \\((\\d+)\\)"),
      },
    ],
    [
      "the pattern has one word of counts, and reads something else",
      {
        "a.py": statement("token exchange cache hit for server {a} of {b}"),
        "b.py": reader("_cache_hit[0-9.]*$"),
      },
    ],
    ["the pattern cannot be run", { "a.py": WRITES, "b.py": reader(PATTERN.replace("(", "(?!x)(")) }],
    ["only a test writes it", { "tests/test_a.py": WRITES, "b.py": reader(PATTERN) }],
    ["only a test reads it", { "a.py": WRITES, "tests/test_b.py": reader(PATTERN) }],
  ])("is silent: %s", async (_name, tree) => {
    expect((await audit(tree)).findings).toEqual([]);
  });
});
