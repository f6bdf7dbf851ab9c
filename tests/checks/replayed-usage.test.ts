import { describe, expect, test } from "vitest";
import { at, type Cells } from "../kit/calls.ts";
import { auditTables } from "../kit/tables.ts";
import { random } from "../kit/times.ts";

async function findings(rows: Cells[], name = "app.calls") {
  return (await auditTables("replayed-usage", { [name]: { rows } })).findings;
}

type Tokens = [input: number, output: number];

/** One session of calls 40 seconds apart. */
const session = (name: string, start: number, calls: readonly Tokens[], more: Cells = {}): Cells[] =>
  calls.map(([input, output], k) => ({
    id: `${name}-${k}`,
    session_id: name,
    created_at: at(start + k * 40),
    model: "m",
    input_tokens: input,
    output_tokens: output,
    ...more,
  }));

function history(length: number, seed: number): Tokens[] {
  const float = random(seed);
  return Array.from({ length }, () => [100 + Math.floor(float() * 5000), 20 + Math.floor(float() * 900)]);
}

const PARENT = history(12, 1);

/** A parent, and a fork that repeats `length` of its calls and goes on by itself. */
const forked = (length: number, more: Cells = {}) => [
  ...session("parent", 0, PARENT),
  ...session("fork", 90_000, [...PARENT.slice(0, length), ...history(4, 2)], more),
  ...session("other", 50_000, history(12, 3)),
];

describe("replayed-usage between files", () => {
  const parent = session("parent", 0, PARENT);
  const fork = session("fork", 90_000, [...PARENT.slice(0, 7), ...history(4, 2)]);
  const between = async (one: Cells[], two: Cells[]) =>
    (await auditTables("replayed-usage", { "one.calls": { rows: one }, "two.calls": { rows: two } }))
      .findings;

  test("reports a fork that stands in a file of its own", async () => {
    expect(await between(parent, fork)).toMatchObject([
      { measure: { name: "replayed_rows", value: 7 }, target: "one.calls, two.calls" },
    ]);
  });

  test("is silent on a copy of a file, and on tables of another shape", async () => {
    expect(await between(parent, parent)).toEqual([]);
    expect(await between(parent, session("fork", 90_000, PARENT, { note: "imported" }))).toEqual([]);
  });
});

describe("replayed-usage", () => {
  test("reports a fork that carries its parent's history, and what it adds", async () => {
    const [finding, ...rest] = await findings(forked(7));
    expect(rest).toEqual([]);
    expect(finding).toMatchObject({
      severity: "error",
      measure: { name: "replayed_rows", value: 7 },
      evidence: {
        replayed: 7,
        rows: 35,
        sessions: 1,
        origins: 1,
        extra_input_tokens: PARENT.slice(0, 7).reduce((n, [input]) => n + input, 0),
        extra_output_tokens: PARENT.slice(0, 7).reduce((n, [, output]) => n + output, 0),
      },
    });
    expect(finding?.samples?.[0]).toMatchObject({ first_in_session: "parent", session_id: "fork" });
  });

  test.each([
    [4, 0],
    [5, 1],
  ])("a run of %i calls is reported %i times", async (length, expected) => {
    expect(await findings(forked(length))).toHaveLength(expected);
  });

  test("finds a run in the middle of a session, and one under the same times", async () => {
    const rows = [
      ...session("a", 0, PARENT),
      ...session("b", 90_000, [...history(3, 5), ...PARENT.slice(4, 10), ...history(3, 6)]),
    ];
    expect(await findings(rows)).toMatchObject([{ evidence: { replayed: 6 } }]);
    expect(await findings([...session("a", 0, PARENT), ...session("b", 0, PARENT)])).toMatchObject([
      { evidence: { replayed: 12, sessions: 1 } },
    ]);
  });

  test("is silent on the same calls in another order, or with other calls between", async () => {
    const reversed = [...session("a", 0, PARENT), ...session("b", 90_000, [...PARENT].reverse())];
    expect(await findings(reversed)).toEqual([]);
    const mixed = PARENT.flatMap((call, i) => (i % 4 === 3 ? [call, ...history(1, i + 50)] : [call]));
    expect(await findings([...session("a", 0, PARENT), ...session("b", 90_000, mixed)])).toEqual([]);
  });

  test("is silent on another model", async () => {
    expect(await findings(forked(7, { model: "n" }))).toEqual([]);
  });

  test.each([
    ["always the same", (): Tokens => [24, 6]],
    ["alternating", (k: number): Tokens => (k % 2 ? [24, 6] : [900, 30])],
    ["without output", (k: number): Tokens => [512 + k, 0]],
  ])("is silent on calls that are %s", async (_, tokens) => {
    const calls = Array.from({ length: 12 }, (_, k) => tokens(k));
    expect(await findings([...session("a", 0, calls), ...session("b", 90_000, calls)])).toEqual([]);
  });

  test("is silent on a history that is repeated within one session", async () => {
    const twice = [
      ...session("a", 0, PARENT),
      ...session("a", 90_000, PARENT),
      ...session("b", 0, history(9, 9)),
    ];
    expect(await findings(twice)).toEqual([]);
  });

  test("is silent on tables whose rows sum up calls, and takes hostile names", async () => {
    expect(await findings(forked(7), "app.usage_daily")).toEqual([]);
    const hostile = forked(7).map((row) => ({ ...row, session_id: `'; DROP TABLE x; --${row.session_id}` }));
    expect(await findings(hostile, `app.a"; --`)).toHaveLength(1);
  });
});
