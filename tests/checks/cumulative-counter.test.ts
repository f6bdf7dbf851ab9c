import { describe, expect, test } from "vitest";
import { at, type Cells } from "../kit/calls.ts";
import { auditTables } from "../kit/tables.ts";
import { random } from "../kit/times.ts";

async function findings(rows: Cells[], name = "app.calls") {
  return (await auditTables("cumulative-counter", { [name]: { rows } })).findings;
}

/** Sessions of `length` calls; `tokens(k, sums, float)` says what call `k` stores, given the running sums. */
function sessions(
  count: number,
  length: number,
  tokens: (k: number, sums: { input: number; output: number }, float: () => number) => Cells,
): Cells[] {
  const float = random(count * 31 + length);
  return Array.from({ length: count }).flatMap((_, s) => {
    const sums = { input: 0, output: 0 };
    return Array.from({ length }, (_, k): Cells => {
      sums.input += 200 + Math.floor(float() * 900);
      sums.output += 20 + Math.floor(float() * 300);
      return { session_id: `s${s}`, created_at: at(s * 3600 + k * 40), ...tokens(k, sums, float) };
    });
  });
}

const running = (count: number, length: number) =>
  sessions(count, length, (_, sums) => ({ input_tokens: sums.input, output_tokens: sums.output }));

describe("cumulative-counter: sessions", () => {
  test("reports a running total, what it sums to and what it should", async () => {
    const rows = running(10, 8);
    const last = rows.filter((_, i) => i % 8 === 7).reduce((n, row) => n + Number(row.output_tokens), 0);
    const stored = rows.reduce((n, row) => n + Number(row.output_tokens), 0);
    const [finding, ...rest] = await findings(rows);
    expect(rest).toEqual([]);
    expect(finding).toMatchObject({
      severity: "error",
      measure: { name: "excess_tokens", value: stored - last },
      evidence: {
        sessions: 10,
        steps: 70,
        not_falling: 1,
        columns: ["input_tokens", "output_tokens"],
        stored_output_tokens: stored,
        right_output_tokens: last,
      },
      location: { column: "output_tokens" },
    });
  });

  test("allows a step in twenty to fall", async () => {
    const rows = running(10, 8).map((row, i) => (i % 27 === 3 ? { ...row, output_tokens: 1 } : row));
    expect(await findings(rows)).toHaveLength(1);
    const often = running(10, 8).map((row, i) => (i % 8 === 3 ? { ...row, output_tokens: 1 } : row));
    expect(await findings(often)).toEqual([]);
  });

  test("is silent on calls of their own", async () => {
    const rows = sessions(10, 8, (_, __, float) => ({
      input_tokens: Math.floor(float() * 900),
      output_tokens: Math.floor(float() * 300),
    }));
    expect(await findings(rows)).toEqual([]);
  });

  test("is silent where input and cache reads grow with the context and the output does not", async () => {
    const rows = sessions(10, 12, (_, sums, float) => ({
      input_tokens: sums.input,
      cache_read_tokens: sums.input * 2,
      output_tokens: 20 + Math.floor(float() * 300),
    }));
    expect(await findings(rows)).toEqual([]);
  });

  test("is silent on counts that are the same in every call", async () => {
    expect(await findings(sessions(10, 8, () => ({ input_tokens: 24, output_tokens: 6 })))).toEqual([]);
  });

  test.each([
    [4, 0],
    [5, 1],
  ])("looks at sessions of %i rows %i times", async (length, expected) => {
    expect(await findings(running(10, length))).toHaveLength(expected);
  });

  test("is silent on one short session, where rising is chance", async () => {
    expect(await findings(running(1, 6))).toEqual([]);
  });

  test("does no harm with hostile names", async () => {
    const rows = running(10, 8).map((row) => ({
      ...row,
      session_id: `'; DROP TABLE x; --${row.session_id}`,
    }));
    expect(await findings(rows, `app.a"; --`)).toHaveLength(1);
  });
});

describe("cumulative-counter: snapshots", () => {
  const streamed = (outputs: (i: number) => number[]) =>
    Array.from({ length: 20 }).flatMap((_, i) =>
      outputs(i).map(
        (output, n): Cells => ({
          id: `msg_${(i * 7919 + 104_729).toString(36)}`,
          created_at: at(i * 60 + n),
          input_tokens: 400 + i,
          output_tokens: output,
        }),
      ),
    );

  test("reports responses that stand on several rows with growing output", async () => {
    const rows = streamed((i) => [1, 30 + i, 90 + i]);
    const right = Array.from({ length: 20 }, (_, i) => 90 + i).reduce((a, b) => a + b);
    expect(await findings(rows)).toMatchObject([
      {
        title: "Snapshots of responses are stored as calls",
        evidence: { ids: 20, rows: 60, right_output_tokens: right },
      },
    ]);
  });

  test("leaves plain copies and pairs to duplicate-rows", async () => {
    expect(await findings(streamed((i) => [90 + i, 90 + i, 90 + i]))).toEqual([]);
    expect(await findings(streamed((i) => (i === 3 ? [1, 90] : [90 + i])))).toEqual([]);
  });
});
