/** Makes sample-data/opencode and its clean twin: opencode's storage and opencode-monitor's tables of the same sessions. */

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ident, literal, Store } from "../src/store/index.ts";
import { Random } from "./random.ts";

const MINUTE = 60_000;
const START = Date.parse("2026-01-12T08:30:00Z");
const PROJECT = "8f2c1d7ab0e94c55";
const ROOTS = 16;
/** Root sessions that were opened and never used: their traces rightly have no tokens. */
const UNUSED = new Set([6, 13]);

interface Session {
  id: string;
  parent: Session | null;
  agent: string;
  title: string;
  created: number;
  updated: number;
  messages: Message[];
}

interface Message {
  id: string;
  session: Session;
  role: "user" | "assistant";
  model: string | null;
  created: number;
  completed: number | null;
  tokens: { input: number; output: number; reasoning: number; cache: { read: number; write: number } } | null;
  cost: number;
}

const TITLES = [
  "Fix the flaky login test",
  "Add paging to the report",
  "Explain the build",
  "Rename the config keys",
];
const AGENTS = ["explore", "tester", "reviewer"];

/** Sessions with their delegations, each agent's session directly behind the one that called it. */
function makeSessions(random: Random): Session[] {
  const sessions: Session[] = [];
  let clock = START;
  const open = (parent: Session | null, agent: string): Session => {
    const session: Session = {
      id: `ses_${random.hex(20)}`,
      parent,
      agent,
      title: random.pick(TITLES),
      created: clock,
      updated: clock,
      messages: [],
    };
    sessions.push(session);
    return session;
  };
  const talk = (session: Session, turns: number, depth: number): void => {
    for (let turn = 0; turn < turns; turn++) {
      const asked = clock;
      session.messages.push(message(random, session, "user", asked, null));
      clock += (5 + random.below(40)) * 1000;
      session.messages.push(message(random, session, "assistant", asked + 1000, clock));
      if (depth < 2 && random.below(5) < 2) {
        clock += 1000;
        talk(open(session, random.pick(AGENTS)), 1 + random.below(2), depth + 1);
      }
      clock += (20 + random.below(200)) * 1000;
    }
    session.updated = clock;
  };
  for (let i = 0; i < ROOTS; i++) {
    talk(open(null, "build"), UNUSED.has(i) ? 0 : 1 + random.below(4), 0);
    clock += (25 + random.below(90)) * MINUTE;
  }
  return sessions;
}

function message(
  random: Random,
  session: Session,
  role: Message["role"],
  created: number,
  completed: number | null,
): Message {
  const id = `msg_${random.hex(20)}`;
  if (role === "user") return { id, session, role, model: null, created, completed, tokens: null, cost: 0 };
  const tokens = {
    input: 400 + random.below(5200),
    output: 90 + random.below(1800),
    reasoning: random.below(3) === 0 ? 40 + random.below(600) : 0,
    cache: { read: random.below(4) === 0 ? 0 : 1000 + random.below(18_000), write: random.below(1500) },
  };
  const millionths =
    tokens.input * 3 +
    (tokens.output + tokens.reasoning) * 15 +
    tokens.cache.read * 0.3 +
    tokens.cache.write * 3.75;
  return {
    id,
    session,
    role,
    model: session.parent ? "claude-haiku-4-5" : "claude-sonnet-4-5",
    created,
    completed,
    tokens,
    cost: Math.round(millionths) / 1e6,
  };
}

/** One file per session, message and finished step, as opencode keeps them. */
function writeStorage(folder: string, sessions: readonly Session[]): void {
  rmSync(folder, { recursive: true, force: true });
  const write = (path: string[], content: object) => {
    const file = join(folder, ...path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${JSON.stringify(content, null, 2)}\n`);
  };
  for (const session of sessions) {
    write(["session", PROJECT, `${session.id}.json`], {
      id: session.id,
      version: "1.1.3",
      projectID: PROJECT,
      directory: "/home/dev/shop",
      ...(session.parent ? { parentID: session.parent.id } : {}),
      title: session.title,
      time: { created: session.created, updated: session.updated },
    });
    let asked = "";
    for (const one of session.messages) {
      if (one.role === "user") asked = one.id;
      const time = { created: one.created, ...(one.completed ? { completed: one.completed } : {}) };
      write(["message", session.id, `${one.id}.json`], {
        id: one.id,
        sessionID: session.id,
        role: one.role,
        time,
        ...(one.tokens
          ? {
              parentID: asked,
              agent: session.agent,
              modelID: one.model,
              providerID: "anthropic",
              cost: one.cost,
              tokens: one.tokens,
            }
          : { agent: session.agent }),
      });
    }
  }
}

const DDL = `
  CREATE TABLE sessions (id VARCHAR PRIMARY KEY, project_id VARCHAR, directory VARCHAR, title VARCHAR, parent_id VARCHAR,
    created_at TIMESTAMP, updated_at TIMESTAMP);
  CREATE TABLE messages (id VARCHAR PRIMARY KEY, session_id VARCHAR, role VARCHAR, agent VARCHAR, model_id VARCHAR,
    provider_id VARCHAR, cost DECIMAL(12, 6), tokens_input INTEGER, tokens_output INTEGER, tokens_reasoning INTEGER,
    tokens_cache_read INTEGER, tokens_cache_write INTEGER, created_at TIMESTAMP, completed_at TIMESTAMP);
  CREATE TABLE agent_traces (trace_id VARCHAR PRIMARY KEY, session_id VARCHAR, parent_trace_id VARCHAR, parent_agent VARCHAR,
    subagent_type VARCHAR, started_at TIMESTAMP, ended_at TIMESTAMP, tokens_in INTEGER, tokens_out INTEGER, status VARCHAR,
    child_session_id VARCHAR);`;

/** opencode-monitor's tables. A trace holds the tokens of its own session; `rootTokens` false writes 0 for the roots. */
async function writeMonitor(file: string, sessions: readonly Session[], rootTokens: boolean): Promise<void> {
  rmSync(file, { force: true });
  const store = await Store.open({ memoryLimit: 2 ** 28, threads: 1, tempDir: tmpdir(), file: null });
  const time = (ms: number | null) =>
    ms === null ? null : new Date(ms).toISOString().slice(0, 19).replace("T", " ");
  const insert = async (table: string, rows: (string | number | null)[][]) => {
    for (const row of rows)
      await store.run(
        `INSERT INTO ${ident(table)} VALUES (${row.map((value) => literal(value)).join(", ")})`,
      );
  };
  const traceId = (session: Session) =>
    session.parent ? `trace_${session.id.slice(4)}` : `root_${session.id}`;
  const sum = (session: Session, of: "input" | "output") =>
    session.messages.reduce((total, one) => total + (one.tokens?.[of] ?? 0), 0);
  await store.run(`ATTACH ${literal(file)} AS monitor (BLOCK_SIZE 16384); USE monitor; ${DDL} BEGIN`);
  await insert(
    "sessions",
    sessions.map((s) => [
      s.id,
      PROJECT,
      "/home/dev/shop",
      s.title,
      s.parent?.id ?? null,
      time(s.created),
      time(s.updated),
    ]),
  );
  await insert(
    "messages",
    sessions.flatMap((s) =>
      s.messages.map((m) => [
        m.id,
        s.id,
        m.role,
        s.agent,
        m.model,
        m.model ? "anthropic" : null,
        m.cost,
        m.tokens?.input ?? 0,
        m.tokens?.output ?? 0,
        m.tokens?.reasoning ?? 0,
        m.tokens?.cache.read ?? 0,
        m.tokens?.cache.write ?? 0,
        time(m.created),
        time(m.completed),
      ]),
    ),
  );
  await insert(
    "agent_traces",
    sessions.map((s) => {
      const counted = s.parent !== null || rootTokens;
      return [
        traceId(s),
        s.parent?.id ?? s.id,
        s.parent ? traceId(s.parent) : null,
        s.parent?.agent ?? null,
        s.parent ? s.agent : "user",
        time(s.created),
        time(s.updated),
        counted ? sum(s, "input") : 0,
        counted ? sum(s, "output") : 0,
        "completed",
        s.id,
      ];
    }),
  );
  await store.run("COMMIT; CHECKPOINT; USE memory; DETACH monitor");
  store.close();
}

/** Writes both folders below `root`. */
export async function makeOpencode(root: string): Promise<void> {
  for (const [name, rootTokens] of [
    ["opencode", false],
    ["opencode-clean", true],
  ] as const) {
    const folder = join(root, name);
    const sessions = makeSessions(new Random(20260112));
    mkdirSync(folder, { recursive: true });
    writeStorage(join(folder, "storage"), sessions);
    await writeMonitor(join(folder, "monitor.duckdb"), sessions, rootTokens);
  }
}

await makeOpencode(join(process.cwd(), process.argv[2] ?? "sample-data"));
