import { describe, expect, test } from "vitest";
import { at, type Cells } from "../kit/calls.ts";
import { auditTables, type TableData } from "../kit/tables.ts";

const IN = (i: number) => 500 + ((i * 37) % 211);
const OUT = (i: number) => 40 + ((i * 53) % 97);

interface Shape {
  roots: number;
  /** Tokens of root `i`, whose delegations hold these sums. */
  root: (i: number, below: [number, number]) => [number | null, number | null];
  children?: (i: number) => number;
  child?: (i: number, n: number) => { [column: string]: Cells[string] | undefined };
  more?: (i: number) => Cells;
}

/** Root traces, each with delegations two levels deep (a second level every third). */
function traces({ roots, root, children = () => 3, child = () => ({}), more = () => ({}) }: Shape): Cells[] {
  return Array.from({ length: roots }).flatMap((_, i) => {
    const below: Cells[] = Array.from({ length: children(i) }, (_, n) => ({
      trace_id: `t${i}-${n}`,
      parent_trace_id: n === 2 ? `t${i}-1` : `root-${i}`,
      session_id: `s${i}`,
      started_at: at(i * 600 + n * 60),
      tokens_in: IN(i * 7 + n),
      tokens_out: OUT(i * 7 + n),
      ...(child(i, n) as Cells),
    }));
    const sum = (column: string) =>
      below.reduce((total, row) => total + Math.max(0, Number(row[column] ?? 0)), 0);
    const [input, output] = root(i, [sum("tokens_in"), sum("tokens_out")]);
    const own: Cells = {
      trace_id: `root-${i}`,
      parent_trace_id: null,
      session_id: `s${i}`,
      started_at: at(i * 600),
      tokens_in: input,
      tokens_out: output,
      ...more(i),
    };
    return [own, ...below];
  });
}

/** Messages of the sessions s0 … , three each; answers carry tokens. */
function messages(sessions: number, tokens: (i: number) => number | null = (i) => 1000 + i): Cells[] {
  return Array.from({ length: sessions * 3 }, (_, i) => ({
    id: `m${i}`,
    session_id: `s${Math.floor(i / 3)}`,
    role: i % 3 === 0 ? "user" : "assistant",
    created_at: at(Math.floor(i / 3) * 600 + i),
    tokens_input: i % 3 === 0 ? null : tokens(i),
    tokens_output: i % 3 === 0 ? null : tokens(i),
  }));
}

const types = { tokens_in: "BIGINT", tokens_out: "BIGINT", tokens_input: "BIGINT", tokens_output: "BIGINT" };
const only = (rows: Cells[]): TableData => ({
  rows,
  types: Object.fromEntries(Object.entries(types).filter(([name]) => rows.some((row) => name in row))),
});

async function findings(tables: Record<string, Cells[]>) {
  const data = Object.fromEntries(Object.entries(tables).map(([name, rows]) => [name, only(rows)]));
  return (await auditTables("zero-token-root", data)).findings;
}

const ZERO = (): [number, number] => [0, 0];
const SUM = (_: number, below: [number, number]): [number, number] => below;

describe("zero-token-root", () => {
  test("all roots zero is one finding, with the sums of the descendants", async () => {
    const rows = traces({ roots: 20, root: ZERO });
    const [finding, ...rest] = await findings({ "m.agent_traces": rows });
    expect(rest).toEqual([]);
    const sum = (column: string) => rows.reduce((total, row) => total + Number(row[column]), 0);
    expect(finding).toMatchObject({
      severity: "error",
      target: "m.agent_traces",
      title: "All roots have no tokens while their parts have some",
      measure: { name: "zero_roots", value: 20 },
      evidence: {
        zero_roots: 20,
        roots: 20,
        basis: "descendants",
        right_input_tokens: sum("tokens_in"),
        right_output_tokens: sum("tokens_out"),
      },
      location: { column: "tokens_in" },
    });
    expect(finding?.samples).toHaveLength(5);
  });

  test("where all roots are zero, the messages of their own sessions decide, and both sums are told", async () => {
    const [finding] = await findings({
      "m.agent_traces": traces({ roots: 20, root: ZERO }),
      "m.messages": messages(20),
      "m.step_events": messages(20, () => 7),
    });
    const answers = Array.from({ length: 60 }, (_, i) => (i % 3 === 0 ? 0 : 1000 + i));
    const sum = answers.reduce((a, b) => a + b);
    expect(finding?.evidence).toMatchObject({
      basis: "messages",
      source: "m.messages",
      right_input_tokens: sum,
      right_output_tokens: sum,
    });
    expect(finding?.evidence).toHaveProperty("descendants_input_tokens");
  });

  test.each([
    ["0", [0, 0]],
    ["NULL", [null, null]],
    ["negative", [-5, 0]],
  ] as const)("some roots that are %s are measured by what the others obey", async (_, tokens) => {
    const rows = traces({ roots: 20, root: (i, below) => (i % 4 === 0 ? [...tokens] : SUM(i, below)) });
    const [finding] = await findings({ "m.agent_traces": rows, "m.messages": messages(20) });
    expect(finding).toMatchObject({
      evidence: { zero_roots: 5, roots: 20, basis: "descendants", peers: 15, peers_obeying: 15 },
    });
  });

  test("roots that hold their messages' sums make the messages the measure", async () => {
    const own = (i: number) => 2000 + (3 * i + 1) + (3 * i + 2);
    const rows = traces({ roots: 20, root: (i) => (i % 4 === 0 ? [0, 0] : [own(i), own(i)]) });
    const [finding] = await findings({ "m.agent_traces": rows, "m.messages": messages(20) });
    expect(finding).toMatchObject({
      evidence: {
        zero_roots: 5,
        basis: "messages",
        peers_obeying: 15,
        right_input_tokens: [0, 4, 8, 12, 16].reduce((t, i) => t + own(i), 0),
      },
    });
  });

  test("takes a root whose parent is itself as a root", async () => {
    const rows = traces({ roots: 20, root: ZERO, more: (i) => ({ parent_trace_id: `root-${i}` }) });
    expect(await findings({ "m.agent_traces": rows })).toMatchObject([{ evidence: { zero_roots: 20 } }]);
  });

  test("negative counts of descendants count as 0", async () => {
    const rows = traces({
      roots: 5,
      root: ZERO,
      children: () => 2,
      child: (_, n) => (n === 0 ? { tokens_in: -900 } : { tokens_in: 10 }),
    });
    expect(await findings({ "m.agent_traces": rows })).toMatchObject([
      { evidence: { right_input_tokens: 50 } },
    ]);
  });

  test("reports sessions that are zero beside their messages, and not those without messages", async () => {
    const sessions = Array.from(
      { length: 30 },
      (_, i): Cells => ({
        id: `s${i}`,
        title: "…",
        time_created: 1_762_000_000_000 + i * 1000,
        tokens_input: i % 2 === 0 ? 0 : 2000 + (3 * i + 1) + (3 * i + 2),
        tokens_output: i % 2 === 0 ? 0 : 2000 + (3 * i + 1) + (3 * i + 2),
      }),
    );
    const found = await findings({ "o.session": sessions, "o.message": messages(20) });
    expect(found).toMatchObject([
      { target: "o.session", evidence: { zero_roots: 10, peers: 10, peers_obeying: 10 } },
    ]);
  });

  test("is silent on roots that hold the sums", async () => {
    expect(await findings({ "m.agent_traces": traces({ roots: 20, root: SUM }) })).toEqual([]);
  });

  test("is silent on roots without descendants, and with descendants without tokens", async () => {
    expect(
      await findings({ "m.agent_traces": traces({ roots: 20, root: ZERO, children: () => 0 }) }),
    ).toEqual([]);
    const none = traces({ roots: 20, root: ZERO, child: () => ({ tokens_in: 0, tokens_out: null }) });
    expect(await findings({ "m.agent_traces": none, "m.messages": messages(20, () => 0) })).toEqual([]);
  });

  test("is silent on orphans and on messages of other sessions", async () => {
    const rows = traces({ roots: 20, root: ZERO, child: (i) => ({ parent_trace_id: `gone-${i}` }) });
    const others = messages(20).map((row) => ({ ...row, session_id: `x${row.session_id}` }));
    expect(await findings({ "m.agent_traces": rows, "m.messages": others })).toEqual([]);
  });

  test.each(["CHAIN", "AGENT", "server"])(
    "is silent on roots of the kind %s, which never carries tokens",
    async (kind) => {
      const rows = traces({
        roots: 20,
        root: () => [null, null],
        more: () => ({ span_kind: kind }),
        child: () => ({ span_kind: "LLM" }),
      });
      expect(await findings({ "p.spans": rows })).toEqual([]);
    },
  );

  test("is silent on roots without a model where calls name one", async () => {
    const rows = traces({
      roots: 20,
      root: ZERO,
      more: () => ({ model: null }),
      child: () => ({ model: "gpt-4o" }),
    });
    expect(await findings({ "p.spans": rows })).toEqual([]);
  });

  test("is silent where parents below the roots hold no tokens either", async () => {
    const rows = traces({
      roots: 20,
      root: ZERO,
      child: (_, n) => (n === 1 ? { tokens_in: 0, tokens_out: 0 } : {}),
    });
    expect(await findings({ "p.spans": rows })).toEqual([]);
  });

  test("is silent on replies, whose parent is the message before", async () => {
    const chat = Array.from(
      { length: 120 },
      (_, i): Cells => ({
        id: `c${i}`,
        parent_id: i % 12 === 0 ? null : `c${i - 1}`,
        conversation_id: `v${Math.floor(i / 12)}`,
        created_at: at(i * 30),
        input_tokens: i % 12 === 0 ? 0 : IN(i),
        output_tokens: i % 12 === 0 ? 0 : OUT(i),
      }),
    );
    expect(await findings({ "c.turns": chat })).toEqual([]);
    expect(await findings({ "c.messages": chat })).toEqual([]);
  });

  test("is silent on roots that are still running", async () => {
    const rows = traces({
      roots: 20,
      root: (i, below) => (i === 19 ? [0, 0] : below),
      more: (i) => ({ status: i === 19 ? "running" : "completed" }),
    });
    expect(await findings({ "m.agent_traces": rows })).toEqual([]);
  });

  test("ends on cycles and on hostile ids", async () => {
    const rows = traces({ roots: 5, root: ZERO });
    const cycle: Cells[] = [1, 2, 3].map((n) => ({
      trace_id: `'; DROP TABLE x; --${n}`,
      parent_trace_id: `'; DROP TABLE x; --${(n % 3) + 1}`,
      session_id: "s0",
      started_at: at(0),
      tokens_in: 5,
      tokens_out: 5,
    }));
    expect(await findings({ [`m.a"; DROP TABLE x; --`]: [...rows, ...cycle] })).toMatchObject([
      { evidence: { zero_roots: 5 } },
    ]);
  });
});
