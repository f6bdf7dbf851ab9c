import { describe, expect, test } from "vitest";
import type { Row } from "../../../src/contract/finding.ts";
import { NEAR_MISSES, readLog, USAGE } from "./reading.ts";

const AT = "2025-11-23 16:30:35 - llm - INFO - ";

async function usageOf(content: string): Promise<Row[]> {
  const { loaded, answers } = await readLog(content, { named: "" }, [
    "SELECT count(*) AS n FROM duckdb_tables() WHERE table_name = 'token_usage'",
  ]);
  if (answers[0]?.[0]?.n === 0) {
    expect(loaded.tables.map((table) => table.name)).toEqual(["lines"]);
    return [];
  }
  return (await readLog(content, { named: "" }, [USAGE])).answers[0] as Row[];
}

describe("token lines", () => {
  const cases: [string, Row][] = [
    [
      "2025-12-02 10:15:44 - openai_provider - INFO - openai_provider.py:134 - Token usage: 1775 input + 9014 output = 10789 total",
      {
        line: 1,
        time: "2025-12-02T10:15:44Z",
        input_tokens: 1775,
        output_tokens: 9014,
        total_tokens: 10789,
        level: "INFO",
        logger: "openai_provider",
      },
    ],
    [
      "2025-11-23 16:30:35 - openai_provider - INFO - openai_provider.py:108 - Token usage: 1025 prompt + 997 completion = 2022 total (API reports 2030, difference: 8 overhead tokens)",
      {
        input_tokens: 1025,
        output_tokens: 997,
        total_tokens: 2022,
        api_total_tokens: 2030,
        overhead_tokens: 8,
      },
    ],
    [
      "03-08-2026 14:05:09 | claude-opus | ANTIGRAVITY | acct | 1200 | 340 | 200 OK",
      {
        input_tokens: 1200,
        output_tokens: 340,
        model: "claude-opus",
        provider: "ANTIGRAVITY",
        status: "200",
        time: "2026-08-03T14:05:09Z",
      },
    ],
    [
      '[INFO]  2026/01/15 - 09:01:12 | 20260115rid | record consume log: userId=1, params={"prompt_tokens":120,"completion_tokens":45,"model_name":"gpt-4o"}',
      { input_tokens: 120, output_tokens: 45, model: "gpt-4o", time: "2026-01-15T09:01:12Z", level: "INFO" },
    ],
    [
      "17:42:04 - LiteLLM Proxy:DEBUG: proxy_server.py:3018 - response: usage=Usage(completion_tokens=91, prompt_tokens=19693, total_tokens=19784, completion_tokens_details=CompletionTokensDetailsWrapper(reasoning_tokens=64), prompt_tokens_details=None)",
      {
        input_tokens: 19693,
        output_tokens: 91,
        total_tokens: 19784,
        reasoning_tokens: 64,
        level: "DEBUG",
        logger: "LiteLLM Proxy",
      },
    ],
    [
      '{"level":30,"time":1737000000000,"msg":"llm call","usage":{"prompt_tokens":10,"completion_tokens":11}}',
      { input_tokens: 10, output_tokens: 11, time: "2025-01-16T04:00:00Z", level: "info" },
    ],
    [
      '{"ts":"2025-01-16T04:00:00Z","model":"claude-x","usage":{"input_tokens":5,"cache_read_input_tokens":7,"cache_creation_input_tokens":9,"output_tokens":6},"cost":0.0125}',
      {
        input_tokens: 5,
        output_tokens: 6,
        cache_read_tokens: 7,
        cache_write_tokens: 9,
        model: "claude-x",
        cost: 0.0125,
      },
    ],
    [
      'level=info ts=2026-01-15T09:01:12Z msg="llm call" input_tokens=42 output_tokens=17 req_id=req_123',
      { input_tokens: 42, output_tokens: 17, id: "req_123", time: "2026-01-15T09:01:12Z" },
    ],
    [
      "Tokens: 12k sent, 3.1k received. Cost: $0.04 message, $0.12 session.",
      { input_tokens: 12000, output_tokens: 3100, cost: 0.04, time: null },
    ],
    [
      `${AT}used 1775 prompt tokens and 9,014 completion tokens (10,789 total)`,
      { input_tokens: 1775, output_tokens: 9014, total_tokens: 10789 },
    ],
    [`${AT}Prompt tokens: 1,775, Completion tokens: 34`, { input_tokens: 1775, output_tokens: 34 }],
    [
      `${AT}Token usage: prompt=12, completion=34, total=46`,
      { input_tokens: 12, output_tokens: 34, total_tokens: 46 },
    ],
    [`${AT}gen_ai.usage.input_tokens=5 gen_ai.usage.output_tokens=6`, { input_tokens: 5, output_tokens: 6 }],
    [
      `${AT}usageMetadata: {promptTokenCount: 8, candidatesTokenCount: 9, totalTokenCount: 17}`,
      { input_tokens: 8, output_tokens: 9, total_tokens: 17 },
    ],
    [`${AT}Total tokens used: 2022`, { total_tokens: 2022, input_tokens: null }],
    [`${AT}max_tokens=4096 prompt_tokens=12 completion_tokens=34`, { input_tokens: 12, output_tokens: 34 }],
    [
      '{"timestamp":"2025-01-16T04:00:00Z","payload":{"info":{"total_token_usage":{"input_tokens":900,"output_tokens":90},"last_token_usage":{"input_tokens":100,"output_tokens":10}}}}',
      { input_tokens: 100, output_tokens: 10 },
    ],
    [`${AT}prompt_tokens=-5 completion_tokens=3`, { input_tokens: -5, output_tokens: 3 }],
  ];
  test.each(cases)("%s", async (line, expected) => {
    const rows = await usageOf(`${line}\n`);
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject(expected);
  });

  test("over several lines are one usage each, told at their first line", async () => {
    const block = (at: string, a: number, b: number) =>
      `${at} debug: [spendTokens] conversationId: c1 | Token usage: \n{\n  promptTokens: ${a},\n  completionTokens: ${b},\n}\n`;
    const rows = await usageOf(
      block("2024-07-28T11:34:14.230Z", 347, 32) + block("2024-07-28T11:34:15.000Z", 348, 33),
    );
    expect(rows).toMatchObject([
      { line: 1, time: "2024-07-28T11:34:14.23Z", input_tokens: 347, output_tokens: 32 },
      { line: 6, time: "2024-07-28T11:34:15Z", input_tokens: 348, output_tokens: 33 },
    ]);
  });

  test("over several lines without any time, too", async () => {
    const rows = await usageOf(
      "usage {\n  prompt_tokens: 1,\n  completion_tokens: 2\n}\n\nusage {\n  prompt_tokens: 3,\n  completion_tokens: 4\n}\n",
    );
    expect(rows).toMatchObject([
      { input_tokens: 1, output_tokens: 2 },
      { input_tokens: 3, output_tokens: 4 },
    ]);
  });

  test("the columns are roles that the catalogue need not guess", async () => {
    const { loaded } = await readLog(`${AT}Token usage: 1 prompt + 2 completion = 3 total\n`);
    const events = loaded.tables.find((table) => table.name === "token_usage");
    expect(events).toMatchObject({
      form: "events",
      rows: 1,
      known: {
        time: "time",
        input_tokens: "input_tokens",
        output_tokens: "output_tokens",
        total_tokens: "total_tokens",
      },
    });
    expect(loaded.input.tables).toEqual(["app_log.lines", "app_log.token_usage"]);
  });

  test("a request that makes several calls is their session, not their id", async () => {
    const rows = await usageOf(
      [1, 2, 3]
        .map(
          (n) =>
            `level=info ts=2026-01-15T09:01:1${n}Z input_tokens=${n} output_tokens=17 req_id=req_${n % 2}\n`,
        )
        .join(""),
    );
    expect(rows.map((row) => [row.id, row.session_id])).toEqual([
      [undefined, "req_1"],
      [undefined, "req_0"],
      [undefined, "req_1"],
    ]);
  });
});

describe("near misses", () => {
  const misses = [
    "Token usage: N/A (legacy API)",
    "Token usage - 1775 went to the prompt, 900 to completion",
    "Token usage: 1775 tokens consumed for prompt, 9014 generated",
    "Token usage: prompt N/A, completion N/A",
    "Tokens used: in 10 / out 5 (sum 15)",
    "Token usage was 1775 for the question, 9014 for the answer; 10789 in all",
    "Usage: 1775 tokens in, 9014 tokens out",
    "consumed 1,775 tokens for input and 9,014 for output",
    '{"prompt_tokens": null, "completion_tokens": null}',
  ];
  test.each(misses)("%s", async (text) => {
    const { answers } = await readLog(`${AT}ok\n${AT}${text}\n`, { named: "" }, [NEAR_MISSES]);
    expect(answers[0]).toEqual([{ line: 2, extractor: "token_usage", text: `${AT}${text}` }]);
  });

  const others = [
    "token expired",
    "refresh token 123",
    "max_tokens=4096",
    "max output tokens: 4096",
    "Invalid token at position 12",
    "Unexpected token < in JSON at position 0",
    "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens",
    "input tokens exceed the limit of 128000",
    "rate limit: 90000 tokens per minute",
    "token usage report written in 3 s",
    "Token usage is 93% of yesterday's",
    "sent 12 tokens in 3 batches",
    "Extracted token usage from 149 lines",
    "token_id=12 token_name=abc",
    "tokenizer loaded 50257 entries",
    "    prompt_tokens = usage.prompt_tokens + 1",
    "regex: Token usage: (\\d+) prompt",
  ];
  test.each(others)("no usage and no near miss: %s", async (text) => {
    const { loaded, answers } = await readLog(`${AT}${text}\n`, { named: "" }, [NEAR_MISSES]);
    expect(answers[0]).toEqual([]);
    expect(loaded.tables.map((table) => table.name)).toEqual(["lines"]);
  });
});

describe("own extractors", () => {
  const spec = {
    name: "billing",
    pattern:
      "charged (?<cost>[\\d.]+) for (?P<input_tokens>\\d+)/(?<output_tokens>\\d+) \\((?:by )?(?<model>\\S+)\\)",
    anchors: ["charged"],
  };

  test("give a table of their groups, and near misses of their anchors", async () => {
    const { loaded, answers } = await readLog(
      `${AT}charged 0.5 for 10/20 (by gpt)\n${AT}charged 0.5 for ten\n${AT}charged 0.7 for 11 and 21\n${AT}charged\n`,
      { named: "", extract: [spec] },
      ["SELECT * FROM app_log.billing", NEAR_MISSES],
    );
    expect(answers[0]).toEqual([
      { line: 1, time: "2025-11-23T16:30:35Z", cost: 0.5, input_tokens: 10, output_tokens: 20, model: "gpt" },
    ]);
    expect(answers[1]?.map((row) => [row.line, row.extractor])).toEqual([
      [2, "billing"],
      [3, "billing"],
    ]);
    expect(loaded.tables.find((table) => table.name === "billing")?.known).toMatchObject({
      cost: "cost",
      model: "model",
    });
  });

  test("take their lines from the built-in one", async () => {
    const { loaded } = await readLog(`${AT}Token usage: 1 prompt + 2 completion = 3 total\n`, {
      named: "",
      extract: [{ name: "mine", pattern: "usage: (?<input_tokens>\\d+)", anchors: [] }],
    });
    expect(loaded.tables.map((table) => table.name)).toEqual(["lines", "mine"]);
  });

  test("show lines that were reworded, though the built-in one understands them", async () => {
    const { answers } = await readLog(
      `${AT}Token usage: 1 prompt + 2 completion = 3 total\n${AT}Token usage: 1 input + 2 output = 3 total\n`,
      {
        named: "",
        extract: [
          { name: "mine", pattern: "Token usage: (?<input_tokens>\\d+) prompt", anchors: ["Token usage"] },
        ],
      },
      [NEAR_MISSES, USAGE],
    );
    expect(answers[0]?.map((row) => [row.line, row.extractor])).toEqual([[2, "mine"]]);
    expect(answers[1]).toMatchObject([{ line: 2 }]);
  });

  test.each([
    ["(?<input_tokens>\\d+", /^extract mine: the pattern is no RE2 expression/],
    ["tokens (\\d+)", /^extract mine: the pattern has no named group/],
  ])("the pattern %s is a user's error", async (pattern, message) => {
    await expect(
      readLog(`${AT}x\n`, { extract: [{ name: "mine", pattern, anchors: ["x"] }] }),
    ).rejects.toThrow(message);
  });
});

describe("markers", () => {
  test("restarts, versions, deploys and the exception of each traceback", async () => {
    const { answers } = await readLog(
      [
        `${AT}Started server process [1]`,
        `${AT}Starting job 12 for user 3`,
        `${AT}app version 1.2.3`,
        `${AT}Deployed version 4f2a9c1`,
        `${AT}Job failed`,
        "Traceback (most recent call last):",
        '  File "app.py", line 1, in run',
        "    raise ValueError('no')",
        "openai.APITimeoutError: Request timed out.",
        `${AT}Error: nothing special`,
      ].join("\n"),
      { named: "" },
      ["SELECT kind, line, time, text FROM trueup.markers WHERE input = 'app_log' ORDER BY line, kind"],
    );
    expect(answers[0]?.map((row) => [row.kind, row.line])).toEqual([
      ["restart", 1],
      ["version", 3],
      ["deploy", 4],
      ["traceback", 9],
    ]);
    expect(answers[0]?.at(-1)).toMatchObject({
      time: "2025-11-23T16:30:35Z",
      text: "openai.APITimeoutError: Request timed out.",
    });
  });
});

describe("mentions", () => {
  const UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
  const A = "3f2b1a00-1111-4222-8333-444455556666";
  const B = "99999999-1111-4222-8333-444455556666";

  test("each id once a line, with the time of the entry and who wrote the line", async () => {
    const { answers } = await readLog(
      `${AT}Creating job ${A}, again ${A} and ${B}\n  more on ${B} chatcmpl-abc\n2025-11-23 16:30:36 - a - INFO - none\n`,
      {
        named: "",
        ids: [
          { pattern: UUID, contains: null },
          { pattern: "chatcmpl-\\w+", contains: "chatcmpl-" },
        ],
      },
      ["SELECT * FROM trueup.mentions ORDER BY line, id"],
    );
    expect(answers[0]).toEqual([
      { input: "app_log", line: 1, time: "2025-11-23T16:30:35Z", id: A, origin: "llm" },
      { input: "app_log", line: 1, time: "2025-11-23T16:30:35Z", id: B, origin: "llm" },
      { input: "app_log", line: 2, time: "2025-11-23T16:30:35Z", id: B, origin: "more" },
      { input: "app_log", line: 2, time: "2025-11-23T16:30:35Z", id: "chatcmpl-abc", origin: "more" },
    ]);
  });
});

describe("the table of lines", () => {
  test("is listed with its rows, and filled only when it is named", async () => {
    const count = "SELECT count(*) AS n FROM duckdb_tables() WHERE table_name = 'lines'";
    const asked = await readLog("a\nb\n", { named: "SELECT * FROM app_log.lines" }, [count]);
    const unasked = await readLog("a\nb\n", { named: "SELECT 1" }, [count]);
    expect([asked.answers[0], unasked.answers[0]]).toEqual([[{ n: 1 }], [{ n: 0 }]]);
    for (const { loaded } of [asked, unasked])
      expect(loaded.tables[0]).toMatchObject({ name: "lines", rows: 2 });
  });
});
