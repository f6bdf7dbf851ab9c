import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Row } from "../../src/contract/finding.ts";
import { maskRows, maskText } from "../../src/findings/mask.ts";

const SECRETS: [string, string][] = [
  ["an OpenAI key", "sk-abc123def456ghi789jkl012mno345pqr678stu901vwx234"],
  ["an OpenAI project key", "sk-proj-Ab3_dEf-GhIjKlMnOpQrStUvWxYz0123456789"],
  ["an Anthropic key", "sk-ant-api03-AbCdEfGhIjKlMnOpQrStUvWxYz-0123456789_AA"],
  ["an AWS key id", "AKIAIOSFODNN7EXAMPLE"],
  ["a GitHub token", "ghp_16C7e42F292c6912E7710c838347Ae178B4a"],
  ["a GitHub fine-grained token", "github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz0123456789"],
  ["a Slack token", "xoxb-123456789012-1234567890123-AbCdEfGhIjKlMnOpQrStUvWx"],
  ["a Google key", "AIzaSyA-1234567890abcdefghijklmnopqrstu"],
  ["a Hugging Face token", "hf_AbCdEfGhIjKlMnOpQrStUvWxYz12345678"],
  ["a web token", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"],
];

const IN_CONTEXT: [string, string, string][] = [
  ["a bearer header", "Authorization: Bearer abc123def456ghi7", "abc123def456ghi7"],
  ["a bearer value", "sent with bearer Zm9vYmFyMTIz to host", "Zm9vYmFyMTIz"],
  ["a basic header", "authorization=Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"],
  ["a password in a URL", "postgres://app:hunter2@db:5432/usage", "hunter2"],
  ["a named key", "api_key=0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef"],
  ["a named key in JSON", '{"apiKey": "q8w7e6r5t4y3", "model": "gpt-4o"}', "q8w7e6r5t4y3"],
  ["a named key in SQL", `WHERE "api_key" = 'q8w7e6r5t4y3'`, "q8w7e6r5t4y3"],
  ["a password", "password: 12345678", "12345678"],
  ["an access token in a query string", "GET /x?access_token=a1b2c3d4e5&page=2", "a1b2c3d4e5"],
  [
    "a random value of an unknown key",
    "signing=Zx8kQ1vN5tR7wY2uB4mC6pL9sD3fG0hJkA1qW2eR3t",
    "Zx8kQ1vN5tR7wY2uB4mC6pL9sD3fG0hJkA1qW2eR3t",
  ],
  ["a private key", "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nAAA\n-----END RSA PRIVATE KEY-----", "MIIEow"],
];

const HARMLESS: [string, string][] = [
  ["a UUID", "job_id=3f2504e0-4f89-11d3-9a0c-0305e82c3301"],
  ["a hex id", "trace 4bf92f3577b34da6a3ce929d0e0e4736 span 00f067aa0ba902b7"],
  ["a hex id after =", "trace_id=4bf92f3577b34da6a3ce929d0e0e47364bf92f3577b34da6"],
  ["a completion id", "chatcmpl-9xYzAbCdEfGhIjKlMnOpQrSt"],
  ["a message id", "id=msg_01XFDUDYJgAACzvnptvVoYEL"],
  ["a request id", "request_id=req_011CSHoEeqs5C35K2UUqR7FyAbCdEfGhIjKlMnOp"],
  [
    "model names",
    "gpt-4o-2024-08-06 claude-sonnet-4-5-20250929 xai-grok-code-fast-1 hf:meta-llama/Llama-3.1-8B",
  ],
  ["token counts", "usage=Usage(completion_tokens=91, prompt_tokens=19693, total_tokens=19784)"],
  ["a token line", "Token usage: 1775 prompt + 9014 completion = 10789 total"],
  ["a sentence about a time", "the last row with a token: 2025-11-23 16:30:35"],
  ["max_tokens", '{"max_tokens": 100000, "token": 123456}'],
  ["words with sk- inside", "task-123456789 and disk-usage-report"],
  ["a sentence about tokens", "bearer token missing, secret rotated, password reset"],
  ["a long name", "callee = getUsageByUserAndModelForTheLastThirtyDays2"],
  ["a path", "target = lib/Dashboard2/Pages2024/UsageTable/rows/UsageRow"],
  ["a placeholder", "api_key=$OPENAI_API_KEY password=<password>"],
  ["a URL without a password", "https://example.com:8080/a@b"],
  [
    "SQL over token columns",
    `SELECT "tokens_in" FROM u WHERE "tokens_in" IS NULL AND "status" = 'completed'`,
  ],
];

describe("masking", () => {
  test.each(SECRETS)("%s is masked anywhere in a text", (_, secret) => {
    for (const text of [secret, `key ${secret}.`, `{"a":"${secret}"}`, `x=${secret}&y=1`]) {
      expect(maskText(text)).not.toContain(secret);
      expect(maskText(text)).not.toContain(secret.slice(12));
      expect(maskText(text)).toContain("***");
    }
  });

  test.each(IN_CONTEXT)("%s is masked where it stands", (_, text, secret) => {
    expect(maskText(text)).not.toContain(secret);
  });

  test.each(HARMLESS)("%s stays", (_, text) => {
    expect(maskText(text)).toBe(text);
  });

  test("UUIDs, hex ids and prefixed ids stay, whatever they are", () => {
    const id = fc.oneof(
      fc.uuid(),
      fc.stringMatching(/^[0-9a-f]{16,64}$/),
      fc.stringMatching(/^(msg|req|ses|run|chatcmpl|toolu)[_-][A-Za-z0-9]{8,30}$/),
    );
    fc.assert(
      fc.property(id, fc.constantFrom("", "id=", "trace_id: ", "request "), (value, before) => {
        expect(maskText(before + value)).toBe(before + value);
      }),
    );
  });

  test("masking twice changes nothing more", () => {
    for (const [, secret] of SECRETS) expect(maskText(maskText(`k=${secret}`))).toBe(maskText(`k=${secret}`));
    for (const [, text] of IN_CONTEXT) expect(maskText(maskText(text))).toBe(maskText(text));
  });

  test("a credential column shows only whether it has a value", () => {
    const rows: Row[] = [
      { API_KEY: "plain", n: 1 },
      { API_KEY: null, n: 2 },
      { API_KEY: 77, n: 3 },
    ];
    expect(maskRows(rows, new Set(["api_key"]))).toEqual([
      { API_KEY: "***", n: 1 },
      { API_KEY: null, n: 2 },
      { API_KEY: "***", n: 3 },
    ]);
  });

  test("a credential stays masked under an alias", () => {
    expect(maskRows([{ x: "plain" }, { x: "other" }], new Set(), new Set(["plain"]))).toEqual([
      { x: "***" },
      { x: "other" },
    ]);
  });

  test("a column whose name says secret needs no pattern, nested values are masked too", () => {
    const [row] = maskRows(
      [{ password: "correct horse", data: { note: ["sk-abcdefgh12345678"] } }],
      new Set(),
    );
    expect(JSON.stringify(row)).not.toMatch(/correct|abcdefgh/);
  });

  test("hostile text of a megabyte is read in time that grows with its length", () => {
    for (const piece of [
      "a-",
      "_a",
      "k=",
      "a.",
      "://",
      "token",
      "sk",
      "eyJ",
      "bearer ",
      "-----BEGIN PRIVATE KEY-----",
    ])
      maskText(piece.repeat(1_000_000 / piece.length));
  });
});
