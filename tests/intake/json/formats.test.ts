import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { buildCatalog } from "../../../src/catalog/catalog.ts";
import type { UsageRelation } from "../../../src/contract/evidence.ts";
import type { Row } from "../../../src/contract/finding.ts";
import { Folder, type LoadedForTest, load } from "../../kit/intake.ts";
import { testSettings } from "../../kit/tables.ts";

let folder: Folder;
beforeEach(() => {
  folder = new Folder();
});
afterEach(() => folder.remove());

const lines = (rows: readonly unknown[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join("");

/** What the catalogue makes of an input: its usage relations by name. */
async function usageOf(loaded: LoadedForTest): Promise<Map<string, UsageRelation>> {
  const evidence = await buildCatalog(loaded.store, [loaded], testSettings());
  return new Map(evidence.usage.map((relation) => [relation.name, relation]));
}

/** Sums over the calls of a usage relation. */
async function totals(loaded: LoadedForTest, table: string, ...roles: string[]): Promise<Row | undefined> {
  const relation = (await usageOf(loaded)).get(table);
  if (!relation) throw new Error(`${table} is no usage relation`);
  const sums = roles.map((role) => `sum(${role}) AS ${role}`).join(", ");
  return (await loaded.rows(`SELECT count(*) AS n, ${sums} FROM ${relation.relation} WHERE is_call`))[0];
}

const assistant = (id: string, output: number, more: object = {}) => ({
  type: "assistant",
  sessionId: "s1",
  timestamp: "2026-01-09T10:00:00.000Z",
  requestId: `req-${id}`,
  message: {
    id: `msg-${id}`,
    role: "assistant",
    model: "claude-x",
    content: [{ type: "text", text: "…" }],
    usage: {
      input_tokens: 10,
      output_tokens: output,
      cache_creation_input_tokens: 3,
      cache_read_input_tokens: 4,
    },
  },
  ...more,
});

describe("Claude Code", () => {
  test("of the lines of one response the last counts, and what refers to the others refers to it", async () => {
    const loaded = await load("json", [
      folder.write(
        "s1.jsonl",
        lines([
          { type: "summary", summary: "x", leafUuid: "z" },
          {
            type: "user",
            uuid: "u1",
            parentUuid: null,
            sessionId: "s1",
            timestamp: "2026-01-09T09:59:00Z",
            message: { role: "user", content: "hi" },
          },
          assistant("1", 1, { uuid: "a1", parentUuid: "u1" }),
          assistant("1", 50, { uuid: "a2", parentUuid: "a1" }),
          {
            type: "user",
            uuid: "u2",
            parentUuid: "a1",
            sessionId: "s1",
            timestamp: "2026-01-09T10:01:00Z",
            message: { role: "user", content: [] },
          },
          assistant("1", 20, { uuid: "a3", parentUuid: "a2" }),
          assistant("2", 7, { uuid: "b1", parentUuid: "u2" }),
        ]),
      ),
    ]);
    expect(loaded.tables.map((t) => [t.name, t.rows, t.format])).toEqual([["messages", 5, "claude-code"]]);
    expect(loaded.input.rows).toBe(7);
    expect(loaded.input.notes).toEqual([
      "Claude Code session: of the lines with the same message.id and requestId the last is counted, as it alone is complete (2 responses, 2 earlier or copied lines left out)",
    ]);
    expect(
      await loaded.rows("SELECT uuid, parentUuid, message.usage.output_tokens AS o FROM input.messages"),
    ).toEqual([
      { uuid: null, parentUuid: null, o: null },
      { uuid: "u1", parentUuid: null, o: null },
      { uuid: "u2", parentUuid: "a3", o: null },
      { uuid: "a3", parentUuid: "u1", o: 20 },
      { uuid: "b1", parentUuid: "u2", o: 7 },
    ]);
    expect(
      await totals(
        loaded,
        "input.messages",
        "input_tokens",
        "output_tokens",
        "cache_read_tokens",
        "cache_write_tokens",
      ),
    ).toEqual({ n: 2, input_tokens: 20, output_tokens: 27, cache_read_tokens: 8, cache_write_tokens: 6 });
    loaded.close();
  });

  test("a response copied into a later session counts once; without ids every line counts", async () => {
    const loaded = await load("json", [
      folder.write("a.jsonl", lines([assistant("1", 5), assistant("1", 9)])),
      folder.write(
        "b.jsonl",
        lines([assistant("1", 9, { sessionId: "s2" }), assistant("3", 2, { sessionId: "s2" })]),
      ),
      folder.write(
        "c.jsonl",
        lines([{ ...assistant("4", 1), message: { ...assistant("4", 1).message, id: undefined } }]),
      ),
    ]);
    expect(await totals(loaded, "input.messages", "output_tokens")).toEqual({ n: 3, output_tokens: 12 });
    loaded.close();
  });

  test("without a cost there is no cost column that would seem to lack it", async () => {
    const loaded = await load("json", [folder.write("s.jsonl", lines([assistant("1", 5)]))]);
    expect([...((await usageOf(loaded)).get("input.messages")?.roles ?? [])]).not.toContain("cost");
    loaded.close();
  });
});

describe("Codex", () => {
  const usage = (n: number) => ({
    input_tokens: n * 10,
    cached_input_tokens: n,
    output_tokens: n * 2,
    reasoning_output_tokens: n,
    total_tokens: n * 12,
  });
  const event = (info: object | null) => ({
    timestamp: "2026-05-13T09:01:00.000Z",
    type: "event_msg",
    payload: { type: "token_count", info },
  });

  test("each call's own counts are added up, the running counter never; a repeated event counts once", async () => {
    const loaded = await load("json", [
      folder.write(
        "rollout.jsonl",
        lines([
          {
            timestamp: "2026-05-13T09:00:00Z",
            type: "session_meta",
            payload: { id: "ses-1", model_provider: "openai" },
          },
          { timestamp: "2026-05-13T09:00:00Z", type: "turn_context", payload: { model: "gpt-a" } },
          event(null),
          event({ last_token_usage: usage(1), total_token_usage: usage(1) }),
          event({ last_token_usage: usage(1), total_token_usage: usage(1) }),
          { timestamp: "2026-05-13T09:02:00Z", type: "turn_context", payload: { model: "gpt-b" } },
          event({ last_token_usage: usage(5), total_token_usage: usage(6) }),
          event({ total_token_usage: usage(9) }),
        ]),
      ),
    ]);
    expect(
      await loaded.rows(
        "SELECT session_id, model, provider, payload.info.last_token_usage.input_tokens AS i FROM input.calls",
      ),
    ).toEqual([
      { session_id: "ses-1", model: "gpt-a", provider: "openai", i: 10 },
      { session_id: "ses-1", model: "gpt-b", provider: "openai", i: 50 },
      { session_id: "ses-1", model: "gpt-b", provider: "openai", i: 30 },
    ]);
    expect(await totals(loaded, "input.calls", "input_tokens", "output_tokens", "total_tokens")).toEqual({
      n: 3,
      input_tokens: 90,
      output_tokens: 18,
      total_tokens: 108,
    });
    loaded.close();
  });

  test("without a session line the file names the session", async () => {
    const loaded = await load("json", [
      folder.write(
        "rollout-7.jsonl",
        lines([event({ last_token_usage: usage(1), total_token_usage: usage(1) })]),
      ),
    ]);
    expect(await loaded.rows("SELECT session_id FROM input.calls")).toEqual([{ session_id: "rollout-7" }]);
    loaded.close();
  });
});

describe("OTLP", () => {
  const attribute = (key: string, value: object) => ({ key, value });
  const span = (id: string, parent: string, attributes: object[]) => ({
    traceId: "t1",
    spanId: id,
    parentSpanId: parent,
    name: "chat",
    kind: 3,
    startTimeUnixNano: "1767952800000000000",
    endTimeUnixNano: 1767952801000000000,
    attributes,
    status: { code: 2 },
  });
  const resource = (spans: object[]) => ({
    resourceSpans: [
      {
        resource: { attributes: [attribute("service.name", { stringValue: "svc" })] },
        scopeSpans: [{ scope: { name: "lib" }, spans }],
      },
    ],
  });

  test("attributes are columns, numbers that come as strings are numbers, documents and lines are alike", async () => {
    const first = resource([
      span("a", "", [attribute("name", { stringValue: "own" })]),
      span("b", "a", [
        attribute("gen_ai.usage.input_tokens", { intValue: "12" }),
        attribute("gen_ai.usage.output_tokens", { intValue: 3 }),
        attribute("gen_ai.request.model", { stringValue: "m" }),
        attribute("score", { doubleValue: 0.5 }),
        attribute("tags", { arrayValue: { values: [{ stringValue: "x" }] } }),
      ]),
    ]);
    const second = resource([span("c", "a", [attribute("gen_ai.usage.input_tokens", { intValue: "30" })])]);
    const loaded = await load("json", [
      folder.write("a.json", JSON.stringify(first, null, 2)),
      folder.write("b.jsonl", lines([second])),
    ]);
    const [row] = await loaded.rows("SELECT * FROM input.spans WHERE spanId = 'b'");
    expect(row).toMatchObject({
      traceId: "t1",
      parentSpanId: "a",
      kind: "SPAN_KIND_CLIENT",
      status: "STATUS_CODE_ERROR",
      "scope.name": "lib",
      "resource.service.name": "svc",
      "gen_ai.usage.input_tokens": 12,
      "gen_ai.usage.output_tokens": 3,
      score: 0.5,
      tags: '[{"stringValue":"x"}]',
      "attributes.name": null,
    });
    const usage = (await usageOf(loaded)).get("input.spans");
    expect(usage?.timeRange).toEqual({ from: "2026-01-09T10:00:00Z", to: "2026-01-09T10:00:00Z" });
    expect(usage?.has("id", "parent_id", "session_id", "end_time", "status", "model")).toBe(true);
    expect(await loaded.rows(`SELECT sum(input_tokens) AS i FROM ${usage?.relation}`)).toEqual([{ i: 42 }]);
    loaded.close();
  });
});

describe("Langfuse", () => {
  const observation = (id: string, parent: string | null, type: string, input: number, output: number) => ({
    id,
    traceId: "t1",
    parentObservationId: parent,
    type,
    name: "n",
    startTime: "2026-01-01T00:00:00Z",
    endTime: "2026-01-01T00:00:01Z",
    model: type === "GENERATION" ? "m" : null,
    level: "DEFAULT",
    inputUsage: input,
    outputUsage: output,
    totalUsage: input + output,
    usageDetails: type === "GENERATION" ? { input, output, total: input + output, input_cache_read: 1 } : {},
    totalCost: 0.5,
  });
  const both = [observation("a", null, "SPAN", 0, 0), observation("b", "a", "GENERATION", 14, 43)];

  test.each([
    [
      "a trace with its observations beside it",
      { trace: { id: "t1", timestamp: "2026-01-01T00:00:00Z" }, observations: both },
    ],
    [
      "the same observations in the trace too",
      { trace: { id: "t1", observations: both }, observations: both },
    ],
    [
      "a trace that holds its observations",
      { id: "t1", timestamp: "2026-01-01T00:00:00Z", observations: both },
    ],
    ["a page of the API", { data: both, meta: { page: 1 } }],
    ["a list of observations", both],
  ])("%s: every observation counts once", async (_, document) => {
    const loaded = await load("json", [folder.write("export.json", JSON.stringify(document))]);
    expect(loaded.tables[0]).toMatchObject({ name: "observations", rows: 2, format: "langfuse" });
    expect(
      await totals(loaded, "input.observations", "input_tokens", "output_tokens", "total_tokens"),
    ).toEqual({
      n: 1,
      input_tokens: 14,
      output_tokens: 43,
      total_tokens: 57,
    });
    loaded.close();
  });

  test("a row that a list has twice stays twice: that is a defect to be told", async () => {
    const loaded = await load("json", [folder.write("export.json", JSON.stringify([...both, both[1]]))]);
    expect(loaded.tables[0]?.rows).toBe(3);
    loaded.close();
  });
});

test("LangSmith: a session is a project there, the trace groups its runs", async () => {
  const run = (id: string, parent: string | null, tokens: number) => ({
    id,
    parent_run_id: parent,
    trace_id: "a",
    session_id: "project",
    run_type: parent ? "llm" : "chain",
    start_time: "2026-01-01T00:00:00",
    end_time: "2026-01-01T00:00:01",
    status: "success",
    prompt_tokens: tokens,
    completion_tokens: 1,
    total_tokens: tokens + 1,
    inputs: { text: "x" },
  });
  const loaded = await load("json", [
    folder.write("runs.json", JSON.stringify({ runs: [run("a", null, 5), run("b", "a", 5)] })),
  ]);
  const usage = (await usageOf(loaded)).get("input.runs");
  expect(usage?.columnOf("session_id")?.name).toBe("trace_id");
  expect(usage?.columnOf("input_tokens")?.name).toBe("prompt_tokens");
  expect(usage?.format).toBe("langsmith");
  loaded.close();
});

test("Phoenix: a span's own counts count, cumulative ones do not; parents refer to the context's span", async () => {
  const span = (id: string, parent: string | null, attributes: object) => ({
    id: `row-${id}`,
    name: "n",
    context: { trace_id: "t1", span_id: id },
    span_kind: parent ? "LLM" : "AGENT",
    parent_id: parent,
    start_time: "2026-01-01T00:00:00+00:00",
    end_time: "2026-01-01T00:00:01+00:00",
    status_code: "OK",
    cumulative_llm_token_count_prompt: 99,
    attributes,
  });
  const loaded = await load("json", [
    folder.write(
      "spans.json",
      JSON.stringify([
        span("a", null, { "session.id": "s" }),
        span("b", "a", {
          "llm.token_count.prompt": 10,
          "llm.token_count.completion": 4,
          "llm.model_name": "m",
        }),
        span("c", "a", { llm: { token_count: { prompt: 7, completion: 1 }, model_name: "m" } }),
      ]),
    ),
  ]);
  expect(await totals(loaded, "input.spans", "input_tokens", "output_tokens")).toEqual({
    n: 2,
    input_tokens: 17,
    output_tokens: 5,
  });
  expect((await usageOf(await again(loaded))).get("input.spans")?.columnOf("id")?.name).toBe("span_id");
  loaded.close();
});

test("aider: calls count with their own cost, the running cost does not", async () => {
  const send = (tokens: number, cost: number, total: number) => ({
    event: "message_send",
    properties: {
      main_model: "m",
      edit_format: "diff",
      prompt_tokens: tokens,
      completion_tokens: 1,
      total_tokens: tokens + 1,
      cost,
      total_cost: total,
    },
    user_id: "u",
    time: 1755099880,
  });
  const loaded = await load("json", [
    folder.write(
      "analytics.jsonl",
      lines([
        { event: "launched", properties: {}, user_id: "u", time: 1755099879 },
        send(10, 1, 1),
        send(20, 2, 3),
      ]),
    ),
  ]);
  expect(loaded.tables[0]).toMatchObject({ name: "events", rows: 3, format: "aider" });
  expect(await totals(loaded, "input.events", "input_tokens", "total_tokens", "cost")).toEqual({
    n: 2,
    input_tokens: 30,
    total_tokens: 32,
    cost: 3,
  });
  loaded.close();
});

test("opencode: sessions, messages and parts of its storage; the messages' tokens count", async () => {
  const time = { created: 1767952800000, updated: 1767952900000 };
  const tokens = (input: number) => ({ input, output: 2, reasoning: 1, cache: { read: 5, write: 6 } });
  const files = {
    "ses_1.json": { id: "ses_1", projectID: "p", directory: "/x", title: "t", version: "1", time },
    "ses_2.json": {
      id: "ses_2",
      parentID: "ses_1",
      projectID: "p",
      directory: "/x",
      title: "t",
      version: "1",
      time,
    },
    "msg_1.json": { id: "msg_1", sessionID: "ses_1", role: "user", time: { created: time.created } },
    "msg_2.json": {
      id: "msg_2",
      sessionID: "ses_1",
      role: "assistant",
      modelID: "m",
      providerID: "v",
      cost: 0.5,
      tokens: tokens(10),
      time: { created: time.created, completed: time.updated },
    },
    "msg_3.json": {
      id: "msg_3",
      sessionID: "ses_2",
      role: "assistant",
      modelID: "m",
      providerID: "v",
      cost: 0.25,
      tokens: tokens(20),
      time: { created: time.created },
    },
    "prt_1.json": {
      id: "prt_1",
      sessionID: "ses_1",
      messageID: "msg_2",
      type: "step-finish",
      tokens: tokens(10),
      cost: 0.5,
    },
    "other.json": { version: 2 },
  };
  const paths = Object.entries(files).map(([name, content]) =>
    folder.write(name, JSON.stringify(content, null, 2)),
  );
  const loaded = await load("json", paths, { name: "storage" });
  expect(loaded.tables.map((t) => [t.name, t.rows])).toEqual([
    ["sessions", 2],
    ["messages", 3],
    ["parts", 1],
  ]);
  expect(loaded.input.notes).toContain("1 record of other kinds not loaded");
  expect(await totals(loaded, "storage.messages", "input_tokens", "cache_read_tokens", "cost")).toEqual({
    n: 2,
    input_tokens: 30,
    cache_read_tokens: 10,
    cost: 0.75,
  });
  loaded.close();
});

/** The same input in a new store: the catalogue is built once per store. */
async function again(loaded: LoadedForTest): Promise<LoadedForTest> {
  return load("json", [folder.at(loaded.input.path)]);
}
