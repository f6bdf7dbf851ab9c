/** What `trueup flow` prints, in each format, of an empty, a typical and a hostile program. */

import { describe, expect, test } from "vitest";
import type { Flow, FlowAccessor } from "../../src/contract/flow.ts";
import { renderFlow } from "../../src/report/flow.ts";
import { CONTROLS, finding, HOSTILE_TEXT } from "./reports.ts";

const EVERYTHING = { tables: [], entries: [], color: false };

function accessor(name: string, rest: Partial<FlowAccessor> = {}): FlowAccessor {
  return { function: name, file: "src/db.js", line: 4, end_line: 9, callers: [], entries: [], ...rest };
}

const entry = (kind: string, name: string) => ({ kind, name, file: "src/app.js", line: 1 });

const empty: Flow = { schemaVersion: 1, tables: [], entries: [], findings: [] };

const typical: Flow = {
  schemaVersion: 1,
  tables: [
    {
      table: "usage",
      rows: 420,
      declared: [{ file: "src/schema.js", line: 2, name: "usage", how: "schema" }],
      writers: [accessor("record", { entries: [entry("route", "POST /chat")] })],
      readers: [],
    },
    {
      table: "usage_summary",
      rows: null,
      declared: [],
      writers: [],
      readers: [
        accessor("summary", { entries: [entry("page", "/usage"), entry("route", "GET /api/usage")] }),
        accessor("nightly", {
          line: 20,
          end_line: 30,
          callers: [{ function: "run", file: "job.js", line: 3 }],
        }),
      ],
    },
  ],
  entries: [
    {
      ...entry("route", "POST /chat"),
      reads: [],
      writes: [{ table: "usage", path: ["POST /chat", "record"], certainty: "sql" }],
    },
  ],
  findings: [
    finding({
      check: "write-read-mismatch",
      title: "A reader looks elsewhere",
      message: "summary reads usage_summary.",
      location: { input: "src", table: "usage_summary", column: null, file: "src/db.js", line: 5 },
    }),
  ],
};

const hostile: Flow = {
  schemaVersion: 1,
  tables: [
    {
      table: HOSTILE_TEXT,
      rows: 1,
      declared: [{ file: HOSTILE_TEXT, line: 1, name: HOSTILE_TEXT, how: "ddl" }],
      writers: [accessor(HOSTILE_TEXT, { file: HOSTILE_TEXT, entries: [entry("page", HOSTILE_TEXT)] })],
      readers: [
        accessor(HOSTILE_TEXT, { callers: [{ function: HOSTILE_TEXT, file: HOSTILE_TEXT, line: 1 }] }),
      ],
    },
  ],
  entries: [
    {
      ...entry("page", HOSTILE_TEXT),
      reads: [{ table: HOSTILE_TEXT, path: [HOSTILE_TEXT, HOSTILE_TEXT], certainty: "sql" }],
      writes: [],
    },
  ],
  findings: [
    finding({
      check: "c",
      title: HOSTILE_TEXT,
      message: HOSTILE_TEXT,
      location: { input: "src", table: HOSTILE_TEXT, column: null, file: "src/db.js", line: 5 },
    }),
  ],
};

const FORMATS = ["text", "json", "mermaid", "dot"] as const;

describe.each(FORMATS)("the flow as %s", (format) => {
  test.each(Object.entries({ empty, typical, hostile }))("of a program that is %s", (_, flow) => {
    expect(renderFlow(flow, format, EVERYTHING)).toMatchSnapshot();
  });

  test("lets no control character through", () => {
    const text = renderFlow(hostile, format, EVERYTHING);
    expect(text).not.toMatch(CONTROLS);
    expect(() => encodeURIComponent(text)).not.toThrow();
  });
});

test("a name ends neither a label nor a line of a graph", () => {
  const lines = (format: string) => renderFlow(hostile, format, EVERYTHING).trimEnd().split("\n");
  for (const line of lines("mermaid").slice(1))
    expect(line).toMatch(/^ {2}n\d+(?:\(\["[^"]*"\]\)|\["[^"]*"\]|\[\("[^"]*"\)\]| -->(?:\|\w+\|)? n\d+)$/);
  for (const line of lines("dot").slice(2, -1))
    expect(line).toMatch(
      /^ {2}n\d+ (?:\[label="(?:[^"\\]|\\.)*", shape=\w+\]|-> n\d+(?: \[label="\w+"\])?);$/,
    );
});

test("the reader that a finding is about is marked, and no other", () => {
  const lines = renderFlow(typical, "text", EVERYTHING).split("\n");
  expect(lines.filter((line) => line.startsWith("✖ read"))).toEqual([expect.stringContaining("summary")]);
});
