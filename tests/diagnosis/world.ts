/** Seeded incidents: a healthy system with a log and a table, in which one cause is planted among distractors. */

import type { LoadedInput } from "../../src/contract/loaded.ts";
import type { Store } from "../../src/store/index.ts";
import { addLog } from "../kit/logs.ts";
import type { TableData } from "../kit/tables.ts";
import { random } from "../kit/times.ts";

export const CAUSES = [
  "log-ends",
  "pipeline-broke",
  "format-drift",
  "code-path",
  "provider-switch",
  "deploy-regression",
  "conditional",
  "never-written",
  "overwritten",
  "two-tables",
] as const;
export type PlantedCause = (typeof CAUSES)[number] | "none";

export interface World {
  tables: Record<string, TableData>;
  prepare(store: Store, loaded: LoadedInput[]): Promise<void>;
  /** When it began; seconds since 1970. */
  onset: number;
}

type Cell = string | number | boolean | null;
type Row = Record<string, Cell>;
interface Call {
  at: number;
  id: string;
  model: string;
  provider: string;
  user: string;
  streaming: boolean;
  ok: boolean;
  tokensIn: number;
  tokensOut: number;
  /** What the table, the log's token line and the rest of the log keep of it. */
  stored: boolean;
  told: boolean;
  reworded: boolean;
  logged: boolean;
  origins: string[];
  row: boolean;
  reviewed: boolean;
  wiped: boolean;
}

const HOUR = 3600;
const DAY = 86_400;
const MODELS = [
  ["gpt-4o", "openai"],
  ["gpt-4o-mini", "openai"],
  ["claude-3-5-sonnet", "anthropic"],
  ["gemini-1.5-pro", "google"],
  ["mistral-large", "mistral"],
] as const;
const ORIGINS = [
  ["api.jobs", "worker.validate"],
  ["server", "openai_provider"],
  ["app.routes POST /api/validate", "app.llm"],
  ["citations.api", "citations.worker", "citations.store"],
];
const NEW_ORIGINS = [
  "batch.runner",
  "app.routes POST /v2/validate",
  "async_worker.process",
  "stream_handler",
  "queue.consumer",
];
const NAMES = [
  {
    table: "validations",
    input: "token_usage_prompt",
    output: "token_usage_completion",
    time: "created_at",
    id: "job_id",
  },
  { table: "calls", input: "tokens_in", output: "tokens_out", time: "started_at", id: "id" },
  {
    table: "requests",
    input: "prompt_tokens",
    output: "completion_tokens",
    time: "timestamp",
    id: "request_id",
  },
  { table: "traces", input: "input_tokens", output: "output_tokens", time: "start_time", id: "trace_id" },
];

/** The same cause and seed give the same system. */
export function worldOf(cause: PlantedCause, seed: number): World {
  const next = random(seed * 7919 + CAUSES.indexOf(cause as never) * 104_729 + 17);
  const chance = (p: number) => next() < p;
  const between = (low: number, high: number) => low + next() * (high - low);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)] as T;
  const hex = (digits: number) =>
    Array.from({ length: digits }, () => "0123456789abcdef"[Math.floor(next() * 16)]).join("");
  const start = Date.parse("2025-09-01T00:00:00Z") / 1000 + Math.floor(between(0, 60)) * DAY;
  const days = between(12, 40);
  const end = start + days * DAY;
  const onset = start + between(0.4, 0.75) * (end - start);
  const names = pick(NAMES);
  const first = Math.floor(next() * MODELS.length);
  const models = [
    MODELS[first]!,
    MODELS[(first + 1 + Math.floor(next() * (MODELS.length - 1))) % MODELS.length]!,
  ];
  const origins = pick(ORIGINS);
  const rowsMax = Math.round(between(90, 260));
  const phase = between(0, 24);
  const idOf = pick([
    () => `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`,
    () => `job_${hex(16)}`,
    () => `chatcmpl-${hex(24)}`,
  ]);
  const calls: Call[] = [];
  while (calls.length < rowsMax) {
    const at = between(start, end);
    if (next() > 0.15 + 0.85 * Math.max(0, Math.sin(((at / HOUR + phase) / 24) * 2 * Math.PI))) continue;
    const [model, provider] = pick(models);
    calls.push({
      at,
      id: idOf(),
      model,
      provider,
      user: pick(["free", "free", "pro", "team"]),
      streaming: chance(0.4),
      ok: chance(0.95),
      tokensIn: Math.round(between(100, 9000)),
      tokensOut: Math.round(between(20, 2000)),
      stored: true,
      told: true,
      reworded: false,
      logged: true,
      origins,
      row: true,
      reviewed: false,
      wiped: false,
    });
  }
  calls.sort((a, b) => a.at - b.at);
  const later = calls.filter((call) => call.at >= onset);
  const world = {
    hasLog: true,
    markers: [] as [string, number | null, string, string][],
    commits: [] as [number, string, string | null][],
    extra: {} as Record<string, TableData>,
    logStops: Number.POSITIVE_INFINITY,
    code: false,
    columnsLast: false,
  };

  // Distractors: restarts, commits, failures and models that have nothing to do with it.
  const restarts = chance(0.6) ? Math.floor(between(1, days / 2)) : 0;
  for (let i = 0; i < restarts; i++)
    world.markers.push(["restart", between(start, end), "app", "INFO server started"]);
  if (chance(0.4))
    for (let i = 0; i < days * 0.7; i++)
      world.commits.push([
        between(start, end),
        pick(["Fix typo", "Bump versions", "Add page", "Tidy styles"]),
        null,
      ]);
  if (chance(0.4))
    for (let i = 0; i < 8; i++)
      world.markers.push(["traceback", between(start, end), "app", "ValueError: no such page"]);
  if (chance(0.3)) {
    const upgrade = chance(0.5)
      ? between(start, onset - 3 * DAY)
      : between(Math.min(onset + 3 * DAY, end), end);
    if (cause !== "provider-switch")
      for (const call of calls)
        if (call.at >= upgrade && call.model === models[0]![0]) call.model = `${call.model}-2025`;
  }
  if (chance(0.3) && cause !== "two-tables")
    world.extra[`${"db"}.embeddings`] = {
      rows: calls
        .filter(() => chance(0.4))
        .map(
          (call): Row => ({
            embedding_id: hex(12),
            created_at: stamp(call.at + 5),
            model: "text-embedding-3",
            prompt_tokens: Math.round(between(5, 500)),
          }),
        ),
      types: { created_at: "TIMESTAMP" },
    };

  switch (cause) {
    case "none":
      break;
    case "log-ends":
      world.logStops = onset + between(0, 600);
      for (const call of later)
        Object.assign(call, {
          stored: false,
          logged: call.at < world.logStops,
          told: call.at < world.logStops,
        });
      break;
    case "pipeline-broke": {
      const stops = chance(0.25);
      for (const call of later) Object.assign(call, stops ? { row: false } : { stored: false });
      if (chance(0.6))
        for (let at = onset + between(0, HOUR); at < end; at += DAY)
          world.markers.push([
            "traceback",
            chance(0.5) ? at : null,
            "parse_logs_cron",
            pick([
              "ModuleNotFoundError: No module named 'app.db'",
              "ImportError: cannot import name 'Session'",
              "sqlite3.OperationalError: database is locked",
            ]),
          ]);
      if (chance(0.4))
        world.extra["db.import_runs"] = {
          rows: Array.from(
            { length: Math.floor((onset - start) / (6 * HOUR)) },
            (_, i): Row => ({
              run: i + 1,
              finished_at: stamp(start + i * 6 * HOUR),
              imported: Math.round(between(1, 9)),
            }),
          ),
          types: { finished_at: "TIMESTAMP" },
        };
      break;
    }
    case "format-drift":
      for (const call of later) Object.assign(call, { stored: false, told: false, reworded: true });
      break;
    case "code-path": {
      const path = [pick(NEW_ORIGINS), ...(chance(0.5) ? [pick(NEW_ORIGINS)] : [])];
      const share = chance(0.6) ? 1 : between(0.8, 1);
      for (const call of later)
        if (chance(share)) Object.assign(call, { stored: false, told: false, origins: path });
      break;
    }
    case "provider-switch": {
      const [model, provider] = pick([
        ["mock-model", "mock"],
        ["llama-3.1-70b", "openrouter"],
        ["deepseek-chat", "deepseek"],
        ["qwen-2.5", "together"],
      ] as const);
      const share = chance(0.6) ? 1 : between(0.75, 1);
      const named = chance(0.5);
      for (const call of later)
        if (chance(share))
          Object.assign(call, {
            stored: false,
            told: false,
            model,
            provider,
            ...(named ? { origins: [`${provider}_provider`, origins[0]] } : {}),
          });
      world.hasLog = chance(0.8);
      break;
    }
    case "deploy-regression":
      for (const call of later) Object.assign(call, { stored: false, told: false });
      if (chance(0.6))
        world.markers.push([
          pick(["restart", "deploy", "version"]),
          onset - between(60, 5000),
          "app",
          "INFO Starting server version 2.4.1",
        ]);
      else
        world.commits.push([
          onset - between(600, 20 * HOUR),
          "Refactor usage logging",
          pick(["the token line", "a write to calls", "the extractor"]),
        ]);
      break;
    case "conditional": {
      const condition = pick<(call: Call) => boolean>([
        (call) => call.streaming,
        (call) => call.user === "free",
        (call) => call.model === models[0]![0],
        (call) => call.user === "pro" || call.user === "team",
        (call) => call.streaming && call.user === "free",
      ]);
      const always = chance(0.3);
      const silent = chance(0.5);
      for (const call of always ? calls : later)
        if (condition(call)) Object.assign(call, { stored: false, ...(silent ? { told: false } : {}) });
      world.hasLog = chance(0.7);
      break;
    }
    case "never-written":
      if (chance(0.6)) for (const call of calls) call.stored = call.at >= onset;
      else {
        for (const call of calls) call.stored = false;
        world.code = true;
      }
      for (const call of calls) call.told = call.stored;
      world.columnsLast = true;
      world.hasLog = chance(0.4);
      break;
    case "overwritten": {
      const share = between(0.5, 0.85);
      const wiped = chance(0.6);
      for (const call of later)
        if (chance(share)) Object.assign(call, { stored: false, reviewed: true, wiped });
      for (const call of calls) if (call.at < onset && chance(0.5)) call.reviewed = true;
      world.hasLog = chance(0.7);
      break;
    }
    case "two-tables": {
      const ids = chance(0.7);
      for (const call of later) call.stored = false;
      world.extra["db.usage_records"] = {
        rows: later.map(
          (call): Row => ({
            [ids ? names.id : "record_id"]: ids ? call.id : hex(20),
            recorded_at: stamp(call.at + 2),
            model: call.model,
            input_tokens: call.tokensIn,
            output_tokens: call.tokensOut,
          }),
        ),
        types: { recorded_at: "TIMESTAMP" },
      };
      world.hasLog = chance(0.5);
      if (world.hasLog && chance(0.5)) for (const call of later) call.told = false;
      break;
    }
  }

  const zero = chance(0.15) ? 0 : null;
  const dims = chance(0.9) || cause === "conditional" || cause === "provider-switch";
  const reviewed = cause === "overwritten" || chance(0.2);
  const rows = calls
    .filter((call) => call.row)
    .map((call): Row => {
      const tokens = {
        [names.input]: call.stored ? call.tokensIn : zero,
        [names.output]: call.stored ? call.tokensOut : zero,
      };
      return {
        [names.id]: call.id,
        [names.time]: stamp(call.at),
        ...(world.columnsLast ? {} : tokens),
        ...(dims
          ? {
              model: call.wiped ? null : call.model,
              provider: call.wiped ? null : call.provider,
              user_type: call.user,
              streaming: call.streaming,
            }
          : {}),
        status: call.ok ? "completed" : "failed",
        ...(reviewed
          ? {
              reviewed_at: (cause === "overwritten" ? call.reviewed : chance(0.5))
                ? stamp(call.at + 2 * HOUR)
                : null,
            }
          : {}),
        citation_count: Math.round(between(1, 400)),
        ...(world.columnsLast ? tokens : {}),
      };
    });
  const tables: Record<string, TableData> = {
    [`db.${names.table}`]: {
      rows,
      types: {
        [names.time]: "TIMESTAMP",
        [names.input]: "BIGINT",
        [names.output]: "BIGINT",
        ...(reviewed ? { reviewed_at: "TIMESTAMP" } : {}),
      },
    },
    ...world.extra,
  };
  const inLog = calls.filter((call) => call.logged);
  const tokenLinesName = chance(0.4);
  const idsLogged = chance(0.85) || cause === "code-path";
  const noise = Array.from({ length: Math.round(between(100, 600)) }, () => between(start, end));
  let line = 0;
  const mentions = idsLogged
    ? inLog.flatMap((call) =>
        call.origins.map((origin, i) => ({
          time: stamp(call.at - 20 + 10 * i),
          id: call.id,
          origin,
          line: ++line,
        })),
      )
    : [];
  const events = inLog
    .filter((call) => call.told && call.ok)
    .map((call) => {
      const own = ++line;
      if (tokenLinesName)
        mentions.push({ time: stamp(call.at), id: call.id, origin: "token_usage", line: own });
      return { time: stamp(call.at), input_tokens: call.tokensIn, output_tokens: call.tokensOut, line: own };
    });
  const lines = [...inLog.flatMap((call) => [call.at - 20, call.at - 10, call.at]), ...noise].filter(
    (at) => at <= world.logStops,
  );
  return {
    tables,
    onset,
    async prepare(store, loaded) {
      if (world.hasLog)
        await addLog(store, loaded, "app", {
          lines: lines.map(stamp),
          mentions,
          ...(events.length > 0 ? { events } : {}),
        });
      const within = ([, at, source]: (typeof world.markers)[number]) =>
        source !== "app" || (world.hasLog && at !== null && at <= world.logStops);
      await store.append(
        "trueup.markers",
        ["kind", "time", "input", "line", "text"],
        world.markers
          .filter(within)
          .map(([kind, at, source, text], i) => [kind, at === null ? null : stamp(at), source, i + 1, text]),
      );
      await store.append(
        "trueup.commits",
        ["sha", "time", "subject", "file", "touches"],
        world.commits.map(([at, subject, touches], i) => [
          `${hex(8)}${i}`,
          stamp(at),
          subject,
          "app.py",
          touches,
        ]),
      );
      const wording = (call: Call) => `Usage of tokens: input=${call.tokensIn} output=${call.tokensOut}`;
      if (world.hasLog)
        await store.append(
          "trueup.near_misses",
          ["input", "line", "time", "extractor", "text"],
          inLog
            .filter((call) => call.reworded)
            .map((call) => ["app", ++line, stamp(call.at), "token_usage", wording(call)]),
        );
      if (world.code) await addCode(store, loaded, names.table, [names.id, names.time, "status"]);
    },
  };
}

/** Source code with one writer of the table that names these columns. */
async function addCode(store: Store, loaded: LoadedInput[], table: string, columns: string[]): Promise<void> {
  await store.run(
    `INSERT INTO trueup.code_access BY NAME SELECT 1 AS function_id, 'save' AS function, 'db.py' AS file, 10 AS line, '${table}' AS table_name,
     'write' AS mode, 'insert' AS operation, ['${columns.join("','")}'] AS columns, 'sql' AS certainty, FALSE AS is_test`,
  );
  loaded.push({
    input: { name: "src", kind: "code", path: "src", bytes: 0, rows: 1, rejected: 0, tables: [], notes: [] },
    tables: [],
    log: null,
  });
}

const stamp = (at: number) => new Date(Math.round(at) * 1000).toISOString().slice(0, 19).replace("T", " ");
