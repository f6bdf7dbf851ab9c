import { describe, expect, test } from "vitest";
import { at, type Cells } from "../kit/calls.ts";
import { type AuditOptions, auditTables } from "../kit/tables.ts";

async function findings(tables: Record<string, Cells[]>, options: AuditOptions = {}) {
  const data = Object.fromEntries(Object.entries(tables).map(([name, rows]) => [name, { rows }]));
  return (await auditTables("orphan-rows", data, options)).findings;
}

/** `count` traces, one a minute: a root and three children within 15 seconds. */
function spans(count: number, more: (trace: number, n: number) => Cells = () => ({})): Cells[] {
  return Array.from({ length: count * 4 }, (_, i) => {
    const [trace, n] = [i >> 2, i % 4];
    return {
      span_id: `a${trace}-${n}`,
      parent_id: n === 0 ? null : `a${trace}-0`,
      trace_id: `t${trace}`,
      start_time: at(trace * 60 + n * 5),
      input_tokens: 100 + i,
      output_tokens: 20 + i,
      ...more(trace, n),
    };
  });
}

const lost = (rows: Cells[], traces: number[]) =>
  rows.filter((row) => !traces.some((trace) => row.span_id === `a${trace}-0`));

describe("orphan-rows: parents", () => {
  test("counts rows whose parent was never exported", async () => {
    const [finding, ...rest] = await findings({ "p.spans": lost(spans(40), [11, 20]) });
    expect(rest).toEqual([]);
    expect(finding).toMatchObject({
      severity: "warning",
      measure: { name: "orphan_ratio", value: 6 / 120 },
      evidence: { orphans: 6, references: 120, missing_ids: 2, excused: 0 },
      location: { column: "parent_id" },
    });
    expect(finding?.message).toContain("6 of 120 rows with a parent (5 %) refer to one that is not there");
    expect(finding?.samples?.[0]).toMatchObject({ parent_id: "a11-0" });
  });

  test("is silent where every parent is there", async () => {
    expect(await findings({ "p.spans": spans(40) })).toEqual([]);
  });

  test("is silent on parents that retention has cut off before the first row", async () => {
    expect(await findings({ "p.spans": spans(40).slice(1) })).toEqual([]);
  });

  test("is silent on parents that come after the last row, since a parent ends last", async () => {
    expect(await findings({ "p.spans": lost(spans(40), [39]) })).toEqual([]);
  });

  test.each([
    ["a prefix on the id", (t: number, n: number) => (n === 0 ? { span_id: `root_a${t}-0` } : {})],
    ["a prefix on the parent", (t: number, n: number) => (n === 0 ? {} : { parent_id: `span_a${t}-0` })],
    [
      "the session in front of the id",
      (t: number, n: number) => ({ span_id: `t${t}-m${n}`, parent_id: n === 0 ? null : "m0" }),
    ],
    ["its own trace as the parent", (t: number, n: number) => (n === 0 ? {} : { parent_id: `t${t}` })],
    ["itself as the parent", (t: number, n: number) => ({ parent_id: `a${t}-${n}` })],
    ["an empty parent", (_: number, n: number) => (n === 0 ? { parent_id: "" } : {})],
    [
      "a parent of nothing but zeros",
      (_: number, n: number) => (n === 0 ? { parent_id: "00000000-0000-0000-0000-000000000000" } : {}),
    ],
  ])("is silent on %s", async (_, more) => {
    expect(await findings({ "p.spans": spans(40, more as (t: number, n: number) => Cells) })).toEqual([]);
  });

  test("finds a parent in another table of the input", async () => {
    const rows = spans(40);
    const roots = rows.filter((row) => row.parent_id === null);
    const children = rows.filter((row) => row.parent_id !== null);
    expect(await findings({ "p.runs": roots, "p.steps": children })).toEqual([]);
  });

  test("is silent where no parent was loaded at all", async () => {
    const children = spans(40).filter((row) => row.parent_id !== null);
    expect(await findings({ "p.spans": children })).toEqual([]);
  });

  test("needs min_rows references", async () => {
    const few = lost(spans(2), []).slice(0, 5);
    const orphan = few.map((row, i) => (i === 2 ? { ...row, parent_id: "gone", start_time: null } : row));
    expect(await findings({ "p.spans": orphan })).toEqual([]);
    const five = spans(3)
      .slice(0, 8)
      .map((row, i) => (i === 2 ? { ...row, parent_id: "gone", start_time: null } : row));
    expect(await findings({ "p.spans": five })).toHaveLength(1);
  });

  test("does no harm with hostile ids and names", async () => {
    const hostile = (text: Cells[string]) => (text === null ? null : `'; DROP TABLE x; --${text}`);
    const rows = lost(spans(40), [11]).map((row) => ({
      ...row,
      span_id: hostile(row.span_id ?? null),
      parent_id: hostile(row.parent_id ?? null),
    }));
    expect(await findings({ [`p.a"; DROP TABLE x; --`]: rows })).toMatchObject([
      { evidence: { orphans: 3 } },
    ]);
  });
});

describe("orphan-rows: sessions", () => {
  const messages = (count: number) =>
    Array.from(
      { length: count },
      (_, i): Cells => ({
        id: `m${i}`,
        session_id: `s${Math.floor(i / 4)}`,
        created_at: at(i * 60),
        input_tokens: 10 + i,
        output_tokens: 5 + i,
      }),
    );
  const sessions = (numbers: number[]) =>
    numbers.map((n): Cells => ({ id: `s${n}`, created_at: at(n * 240), title: "…", total_tokens: 10 + n }));
  const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);

  test("counts rows of sessions that are not there", async () => {
    const found = await findings({
      "o.message": messages(80),
      "o.session": sessions(upTo(20).filter((n) => n !== 7)),
    });
    expect(found).toMatchObject([
      {
        target: "o.message",
        evidence: { orphans: 4, references: 80, missing_ids: 1 },
        location: { column: "session_id" },
      },
    ]);
  });

  test("counts them where the table of sessions holds no tokens", async () => {
    const uuid = (id: unknown) => `0198c0de-0000-4000-8000-${String(id).slice(1).padStart(12, "0")}`;
    const chats = (numbers: number[]) =>
      sessions(numbers).map(({ total_tokens: _, ...cells }) => ({ ...cells, id: uuid(cells.id) }));
    const rows = {
      "o.message": messages(160).map((cells) => ({ ...cells, session_id: uuid(cells.session_id) })),
    };
    expect(
      await findings({ ...rows, "o.chat": chats(upTo(40).filter((n) => n !== 7 && n !== 21)) }),
    ).toMatchObject([{ target: "o.message", evidence: { orphans: 8, references: 160, missing_ids: 2 } }]);
    expect(await findings({ ...rows, "o.chat": chats(upTo(40)) })).toEqual([]);
    expect(await findings({ ...rows, "o.chat": chats(upTo(40).slice(3)) })).toEqual([]);
  });

  test("is silent on rows older than the first session that was kept", async () => {
    expect(await findings({ "o.message": messages(80), "o.session": sessions(upTo(20).slice(5)) })).toEqual(
      [],
    );
  });

  test("is silent on complete sessions", async () => {
    expect(await findings({ "o.message": messages(80), "o.session": sessions(upTo(21)) })).toEqual([]);
  });
});
