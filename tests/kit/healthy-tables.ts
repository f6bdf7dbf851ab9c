/** Healthy tables of many shapes, made from a seed: what checks must stay silent on. */

import type { Cells } from "./calls.ts";
import type { TableData } from "./tables.ts";
import { random as uniform } from "./times.ts";

interface Random {
  /** 0 to 1, 1 excluded. */
  float(): number;
  /** 0 to `below`, `below` excluded. */
  int(below: number): number;
  pick<T>(from: readonly T[]): T;
}

function random(seed: number): Random {
  const float = uniform(seed);
  return {
    float,
    int: (below) => Math.floor(float() * below),
    pick: (from) => from[Math.floor(float() * from.length)]!,
  };
}

const DAY = 86_400;
/** 2025-11-03, a Monday. */
const START = Date.UTC(2025, 10, 3) / 1000;

const sql = (seconds: number) => new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ");
const iso = (seconds: number) => new Date(seconds * 1000).toISOString();

const MODELS = ["gpt-4o", "gpt-4o-mini", "claude-sonnet-4", "gemini-2.5-pro"] as const;

/** `count` instants with a daily and weekly rhythm: busy by day, quiet at night and at week-ends. */
function rhythm(r: Random, count: number, days: number): number[] {
  const times: number[] = [];
  while (times.length < count) {
    const time = START + r.float() * days * DAY;
    const hour = (time % DAY) / 3600;
    const weekend = Math.floor((time - START) / DAY) % 7 >= 5;
    const busy = (hour > 7 && hour < 19 ? 1 : 0.05) * (weekend ? 0.2 : 1);
    if (r.float() < busy) times.push(time);
  }
  return times.sort((a, b) => a - b);
}

function uuid(r: Random): string {
  const hex = Array.from({ length: 32 }, () => r.int(16).toString(16)).join("");
  return hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, "$1-$2-4$3-a$4-$5");
}

/** Counts with the long tail that real calls have. */
const input = (r: Random) => Math.round(200 * Math.exp(r.float() * 4));
const output = (r: Random) => Math.round(15 * Math.exp(r.float() * 4.5));

/** An application's own table: failures without tokens, running jobs at the end, images and embeddings among chats. */
function validations(r: Random): TableData {
  const times = rhythm(r, 400, 20);
  return {
    types: { token_usage_prompt: "BIGINT", token_usage_completion: "BIGINT", token_usage_total: "BIGINT" },
    rows: times.map((time, i): Cells => {
      const running = i === times.length - 1;
      const failed = !running && r.float() < 0.15;
      const image = r.float() < 0.08;
      const embedding = r.float() < 0.1;
      const [p, c] = [input(r), embedding ? 0 : output(r)];
      const none = running || failed || image;
      return {
        job_id: uuid(r),
        created_at: sql(time),
        completed_at: running ? null : sql(time + 1 + r.int(90)),
        status: running ? "running" : failed ? r.pick(["failed", "timeout", "cancelled"]) : "completed",
        user_type: r.pick(["free", "paid"]),
        model: image ? "dall-e-3" : embedding ? "text-embedding-3-small" : r.pick(MODELS),
        token_usage_prompt: none ? null : p,
        token_usage_completion: none ? null : c,
        token_usage_total: none ? null : p + c,
      };
    }),
  };
}

/** A gateway's log: zeros by default for failures, answers from a cache, costs, totals of two conventions. */
function spendLogs(r: Random): TableData {
  return {
    rows: rhythm(r, 500, 14).map((time): Cells => {
      const failed = r.float() < 0.1;
      const hit = !failed && r.float() < 0.1;
      const model = r.pick(MODELS);
      const none = failed || hit;
      const [p, c] = none ? [0, 0] : [input(r), output(r)];
      const thoughts = model.startsWith("gemini") && !none ? r.int(400) : 0;
      return {
        request_id: `chatcmpl-${uuid(r)}`,
        startTime: iso(time),
        endTime: iso(time + r.float() * 20),
        model,
        custom_llm_provider: model.split("-")[0] ?? "",
        call_type: "acompletion",
        cache_hit: hit ? "True" : "False",
        prompt_tokens: p,
        completion_tokens: c,
        reasoning_tokens: thoughts,
        total_tokens: p + c + thoughts,
        spend: (p * 2 + (c + thoughts) * 8) / 1e6,
        status: failed ? "failure" : "success",
      };
    }),
  };
}

/** Chat messages: counted from 1 in every session, tokens only on answers, parents are the messages before. */
function messages(r: Random): TableData {
  const rows: Cells[] = [];
  for (const start of rhythm(r, 40, 14)) {
    const session = uuid(r);
    let time = start;
    const turns = 2 + r.int(9);
    for (let n = 1; n <= turns * 2; n++) {
      const answer = n % 2 === 0;
      time += answer ? 2 + r.int(30) : 5 + r.int(400);
      rows.push({
        id: `${n}`,
        session_id: session,
        parent_id: n === 1 ? null : `${n - 1}`,
        role: answer ? "assistant" : r.float() < 0.1 ? "tool" : "user",
        created_at: Math.round(time * 1000),
        model: answer ? r.pick(MODELS) : null,
        input_tokens: answer ? 300 * n + r.int(200) : null,
        output_tokens: answer ? output(r) : null,
      });
    }
  }
  return { rows };
}

/** Traces: roots, chains and tools carry no tokens, model spans do. */
function spans(r: Random): TableData {
  const rows: Cells[] = [];
  for (const time of rhythm(r, 60, 10)) {
    const root = uuid(r);
    const span = (id: string, parent: string | null, kind: string, offset: number, more: Cells = {}) =>
      rows.push({
        span_id: id,
        parent_id: parent,
        trace_id: root,
        span_kind: kind,
        start_time: iso(time + offset),
        end_time: iso(time + offset + 1),
        status_code: r.float() < 0.05 ? "ERROR" : "OK",
        model_name: null,
        llm_token_count_prompt: null,
        llm_token_count_completion: null,
        ...more,
      });
    span(root, null, "CHAIN", 0);
    for (let n = 0; n < 1 + r.int(4); n++) {
      span(uuid(r), root, "LLM", n * 3 + 1, {
        status_code: "OK",
        model_name: r.pick(MODELS),
        llm_token_count_prompt: input(r),
        llm_token_count_completion: output(r),
      });
      if (r.float() < 0.6) span(uuid(r), root, "TOOL", n * 3 + 2);
    }
  }
  return { rows };
}

/** A coding agent's calls: nearly all input comes from the cache, and grows with the conversation. */
function agentCalls(r: Random): TableData {
  const rows: Cells[] = [];
  for (const start of rhythm(r, 25, 10)) {
    const session = uuid(r);
    let context = 9_000 + r.int(5_000);
    let time = start;
    for (let n = 0; n < 4 + r.int(20); n++) {
      time += 8 + r.int(60);
      const written = 200 + r.int(1_500);
      rows.push({
        uuid: uuid(r),
        session_id: session,
        timestamp: iso(time),
        model: "claude-opus-4",
        input_tokens: 1 + r.int(9),
        output_tokens: output(r),
        cache_read_input_tokens: n === 0 ? 0 : context,
        cache_creation_input_tokens: n === 0 ? context : written,
      });
      context += written;
    }
  }
  return { rows };
}

/** Sums per day and user, sessions of which some were never used, and users who never called. */
function rollups(r: Random): Record<string, TableData> {
  const daily = Array.from({ length: 90 }, (_, i): Cells => {
    const idle = r.float() < 0.3;
    return {
      date: sql(START + Math.floor(i / 6) * DAY).slice(0, 10),
      user_id: `u${i % 6}`,
      api_requests: idle ? 0 : 1 + r.int(900),
      prompt_tokens: idle ? 0 : 200_000 + r.int(3_000_000),
      completion_tokens: idle ? 0 : 60_000 + r.int(400_000),
      spend: idle ? 0 : r.float() * 40,
    };
  });
  const sessions = rhythm(r, 60, 14).map((time): Cells => {
    const idle = r.float() < 0.3;
    return {
      id: uuid(r),
      parent_id: null,
      time_created: Math.round(time * 1000),
      tokens_input: idle ? 0 : input(r) * 40,
      tokens_output: idle ? 0 : output(r) * 40,
      cost: idle ? 0 : r.float(),
    };
  });
  return { "app.usage_daily": { rows: daily }, "app.session": { rows: sessions } };
}

/** A monitor's constant call twice a minute, integer keys, epoch seconds. */
function healthChecks(r: Random): TableData {
  return {
    primaryKey: ["id"],
    rows: Array.from(
      { length: 400 },
      (_, i): Cells => ({
        id: i + 1,
        created_at: START + i * 30 + r.int(2),
        model_name: "gpt-4o-mini",
        prompt_tokens: 24,
        completion_tokens: 6,
        quota: 15,
      }),
    ),
  };
}

/** Batches of labels: hundreds of calls share a time, their outputs are short, some counts agree. */
function batches(r: Random): TableData {
  return {
    rows: Array.from(
      { length: 600 },
      (_, i): Cells => ({
        id: uuid(r),
        created_at: sql(START + Math.floor(i / 200) * 7200 + 5),
        batch: `b${Math.floor(i / 200)}`,
        model: "gpt-4o-mini",
        prompt_tokens: 180 + r.int(90),
        completion_tokens: 4 + r.int(40),
      }),
    ),
  };
}

/** All shapes for a seed, each as the tables of one audit. */
export function healthyShapes(seed: number): Record<string, Record<string, TableData>> {
  const r = random(seed);
  return {
    validations: { "validations.validations": validations(r) },
    spendLogs: { "litellm.LiteLLM_SpendLogs": spendLogs(r) },
    messages: { "chat.message": messages(r) },
    spans: { "phoenix.spans": spans(r) },
    agentCalls: { "agent.calls": agentCalls(r) },
    rollups: rollups(r),
    healthChecks: { "oneapi.logs": healthChecks(r) },
    batches: { "eval.results": batches(r) },
  };
}
