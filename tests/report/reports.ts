/** The three reports that every renderer is tried on: an empty, a typical and a hostile one. */

import type { Column, Input, Table } from "../../src/contract/evidence.ts";
import type { Cause, Finding, Outcome } from "../../src/contract/finding.ts";
import type { FlowAccess, FlowWay, ReportFlow } from "../../src/contract/flow.ts";
import type { RenderOptions, Report } from "../../src/contract/report.ts";

export const PLAIN: RenderOptions = { color: false, width: 80, severity: "info", verbose: false };

function counts(...parts: [number, number][]): number[] {
  return parts.flatMap(([value, times]) =>
    Array.from({ length: times }, (_, i) => (value === 0 ? 0 : value + ((i * 7) % 5))),
  );
}

export function column(name: string, role: Column["role"], type = "VARCHAR"): Column {
  return {
    name,
    type,
    role,
    expression: role === null ? null : `"${name}"`,
    confidence: role === null ? null : 0.97,
    reason: role === null ? null : `the name ${name} and its values`,
    primaryKey: role === "id",
    loaded: true,
    declared: type,
    storage: null,
  };
}

export function table(name: string, input: string, columns: Column[], rest: Partial<Table> = {}): Table {
  return {
    name,
    input,
    relation: name
      .split(".")
      .map((part) => `"${part}"`)
      .join("."),
    form: "table",
    rows: 95,
    timeRange: { from: "2025-11-23T16:28:11Z", to: "2025-11-30T19:42:10Z" },
    columns,
    ...rest,
  };
}

export function input(name: string, path: string, rest: Partial<Input> = {}): Input {
  return { name, kind: "sqlite", path, bytes: 40960, rows: 95, rejected: 0, tables: [], notes: [], ...rest };
}

export function finding(rest: Partial<Finding> & Pick<Finding, "check" | "title" | "message">): Finding {
  const target = rest.target ?? "validations.validations";
  return {
    severity: "error",
    fingerprint: "0123456789abcdef",
    target,
    location: { input: "validations", table: target, column: null, file: null, line: null },
    measure: { name: "missing_ratio", value: 0.989473684210526 },
    evidence: { missing: 94, ok_rows: 95 },
    samples: [],
    sql: 'SELECT * FROM "validations"."validations" WHERE "token_usage_total" IS NULL ORDER BY "created_at"',
    causes: [],
    fix: "Look at what writes the token columns of these rows.",
    baseline: null,
    timeline: null,
    ...rest,
  };
}

export function report(
  inputs: Input[],
  tables: Table[],
  findings: Finding[],
  outcomes: Outcome[],
  rest: Partial<Report> = {},
): Report {
  const count = (severity: string) => findings.filter((f) => f.severity === severity).length;
  return {
    schemaVersion: 1,
    tool: { name: "trueup", version: "0.0.0" },
    now: "2026-01-01T00:00:00Z",
    timezone: "UTC",
    inputs,
    tables,
    outcomes,
    findings,
    fixed: [],
    suppressed: [],
    notes: [],
    summary: {
      errors: count("error"),
      warnings: count("warning"),
      infos: count("info"),
      new: 0,
      worse: 0,
      known: 0,
      fixed: 0,
    },
    ...rest,
  };
}

const CLEAN: Outcome = {
  check: "duplicate-rows",
  target: "validations.validations",
  status: "clean",
  reason: null,
};

export const empty = report(
  [input("usage", "usage.db", { tables: ["usage.calls"] })],
  [table("usage.calls", "usage", [column("id", "id"), column("created_at", "time", "TIMESTAMP")])],
  [],
  [
    { ...CLEAN, target: "usage.calls" },
    {
      check: "source-divergence",
      target: "*",
      status: "skipped",
      reason: "needs two sources that are linked",
    },
  ],
);

export function cause(hypothesis: string, rest: Partial<Cause> = {}): Cause {
  return {
    hypothesis,
    title: hypothesis,
    score: 0,
    for: [],
    against: [],
    confirm: "",
    sql: "",
    evidence: [],
    ...rest,
  };
}

/** A likely cause, and one that nothing tells from another. */
export const CAUSES: Cause[] = [
  cause("log-ends", {
    title: "The log ends",
    score: 0.92,
    for: ["all lines of app_log stop at 2025-11-23 16:31:02"],
    against: ["the worker's log goes on"],
    confirm: "Load the log of the next day.",
    sql: "SELECT max(time) FROM app_log.lines",
    evidence: [
      {
        test: "all-lines-stop",
        verdict: "for",
        weight: 2.5,
        text: "all lines of app_log stop at 2025-11-23 16:31:02",
        sql: "SELECT max(time) FROM app_log.lines",
      },
    ],
  }),
  cause("format-drift", { title: "The format drifted", against: ["no near miss"], tied: true }),
];

const SPLIT_TIMELINE = {
  from: "2025-10-31T07:00:00Z",
  to: "2025-11-30T19:42:10Z",
  lanes: [
    { name: "app_log.token_usage", counts: counts([3, 36], [0, 12]) },
    { name: "validations.validations", counts: counts([0, 36], [9, 12]) },
  ],
  marks: [{ time: "2025-11-23T16:30:35Z", label: "last token line" }],
};

/** A page and a route that read one table while another is written. */
const FLOW: ReportFlow = {
  tables: [
    {
      table: "usage",
      rows: 420,
      findings: [],
      accesses: [
        access("write", "record", "api/record.py", { ways: [way("route", "POST /v1/chat")] }),
        access("read", "purge", "jobs/purge.py", { ways: [way("job", "purge")] }),
      ],
    },
    {
      table: "usage_summary",
      rows: 0,
      findings: [],
      accesses: [
        access("read", "read_usage", "api/usage.py", {
          line: 40,
          findings: ["feedfacefeedface"],
          ways: [way("page", "/usage", ["GET /api/usage"]), way("route", "GET /api/usage")],
        }),
      ],
    },
    { table: "users", rows: null, findings: [], accesses: [] },
  ],
  cut: { tables: 0, accesses: 0, ways: 3 },
};

export function way(kind: string, name: string, routes: string[] = []): FlowWay {
  return { kind, name, file: `src/${kind}.py`, line: 1, routes };
}

export function access(
  mode: FlowAccess["mode"],
  name: string,
  file: string,
  rest: Partial<FlowAccess> = {},
): FlowAccess {
  return { mode, function: name, file, line: 7, ways: [], findings: [], ...rest };
}

export const typical = report(
  [
    input("app_log", "app.log", {
      kind: "log",
      rows: 12345,
      rejected: 3,
      bytes: 1_300_000,
      tables: ["app_log.lines", "app_log.token_usage"],
    }),
    input("validations", "data/validations.db", {
      tables: ["validations.validations"],
      notes: ["data/validations.db-wal lies beside it: its rows are included."],
    }),
  ],
  [
    table("app_log.lines", "app_log", [column("time", "time", "TIMESTAMP")], {
      form: "lines",
      rows: 12345,
      timeRange: { from: "2025-10-31T07:00:00Z", to: "2025-11-23T16:31:02Z" },
    }),
    table("validations.validations", "validations", [
      column("job_id", "id"),
      column("created_at", "time", "TIMESTAMP"),
      column("token_usage_total", "total_tokens", "BIGINT"),
    ]),
  ],
  [
    finding({
      check: "missing-tokens",
      title: "Token counts are missing",
      message:
        "94 of 95 successful calls (98.9 %) have no token counts, since 2025-11-23 16:31:02; the last row that has them is from 2025-11-23 16:28:11. They are missing in every row whose provider is mock.",
      location: {
        input: "validations",
        table: "validations.validations",
        column: "token_usage_total",
        file: null,
        line: null,
      },
      samples: [0, 1, 2, 3, 4].map((i) => ({
        job_id: `3f2504e0-4f89-11d3-9a0c-0305e82c330${i}`,
        created_at: `2025-11-2${i + 3}T16:31:0${i}Z`,
        status: "completed",
        provider: i % 2 === 0 ? "mock" : null,
        token_usage_total: null,
      })),
      timeline: {
        ...SPLIT_TIMELINE,
        lanes: [SPLIT_TIMELINE.lanes[1]!],
        marks: [{ time: "2025-11-23T16:28:11Z", label: "last row with tokens" }],
      },
      causes: CAUSES,
    }),
    finding({
      check: "source-divergence",
      title: "Two sources part",
      message:
        "app_log.token_usage ends at 2025-11-23 16:30:35 while validations.validations goes on to 2025-11-30 19:42:10: 94 rows follow without an event.",
      target: "app_log.token_usage",
      location: { input: "app_log", table: "app_log.token_usage", column: null, file: null, line: null },
      samples: [{ job_id: "3f2504e0-4f89-11d3-9a0c-0305e82c3301", created_at: "2025-11-23T16:31:02Z" }],
      timeline: SPLIT_TIMELINE,
    }),
    finding({
      check: "timeline-gap",
      severity: "warning",
      title: "A source falls silent",
      message:
        "app_log.lines has been silent for 7 d 3 h, since 2025-11-23 16:31:02; its longest silence before was 14 h 2 min.",
      target: "app_log.lines",
      sql: "SELECT max(time) AS last_line FROM app_log.lines",
      timeline: {
        ...SPLIT_TIMELINE,
        lanes: [{ name: "app_log.lines", counts: counts([40, 36], [0, 12]) }],
        marks: [{ time: "2025-11-23T16:31:02Z", label: "last line" }],
      },
    }),
    ...["monthly", "weekly", "daily", "hourly", "yearly", "by_user", "by_model"].map((name, i) =>
      finding({
        check: "rollup-mismatch",
        severity: "warning",
        title: "A rollup differs from its rows",
        message: `${i + 2} of 30 days differ from the sum of the rows they roll up, by ${(i + 1) * 1200} tokens in all.`,
        target: `validations.usage_${name}`,
        location: {
          input: "validations",
          table: `validations.usage_${name}`,
          column: null,
          file: null,
          line: null,
        },
      }),
    ),
    finding({
      check: "write-read-mismatch",
      severity: "warning",
      title: "A page reads a table that nothing writes",
      message: "GET /api/usage reads usage_summary while every writer fills usage.",
      target: "usage_summary",
      location: { input: "src", table: "usage_summary", column: null, file: "api/usage.py", line: 42 },
      fingerprint: "feedfacefeedface",
      evidence: { reads: "usage_summary", recorded: "usage", readers: ["usage_page", "export"] },
      sql: "SELECT file, line, table_name, mode\nFROM trueup.code_access -- where it is read\nWHERE table_name LIKE 'usage%'\nORDER BY file,\n  line",
      baseline: "new",
    }),
    finding({
      check: "token-out-of-range",
      severity: "info",
      title: "A token count is unusually high",
      message: "1 row has 131,072 input tokens, above 100,000.",
    }),
  ],
  [
    { check: "missing-tokens", target: "validations.validations", status: "found", reason: null },
    { check: "source-divergence", target: "app_log.token_usage", status: "found", reason: null },
    CLEAN,
    { check: "dead-table", target: "*", status: "skipped", reason: "needs source code" },
    { check: "schema-drift", target: "*", status: "skipped", reason: "needs a baseline" },
    {
      check: "mixed-types",
      target: "validations.validations",
      status: "failed",
      reason: "the query timed out",
    },
  ],
  { flow: FLOW },
);

/** Escapes, direction marks, line breaks, markup, spreadsheet formulas, wide and broken characters, secrets aside. */
export const HOSTILE_TEXT =
  "\u001b[31mred\u001b]0;title\u0007\u009b2J \u202eright-to-left\u2066 line\r\nbreak\ttab \u0000nul </script><img src=x onerror=alert(1)> | \" ' ` =cmd()|'/c calc'!A1 \ud800 日本語テキスト 👩‍👩‍👧 é::error::x%0A";

export const HOSTILE_CAUSES: Cause[] = [
  cause(HOSTILE_TEXT, {
    score: 0.5,
    for: [HOSTILE_TEXT],
    against: [HOSTILE_TEXT],
    confirm: HOSTILE_TEXT,
    sql: HOSTILE_TEXT,
    evidence: [{ test: HOSTILE_TEXT, verdict: "for", weight: 1, text: HOSTILE_TEXT, sql: HOSTILE_TEXT }],
  }),
];

export const hostile = report(
  [
    input("a_b", `logs/${HOSTILE_TEXT}.log`, {
      kind: "log",
      rejected: 40,
      rows: 60,
      notes: [HOSTILE_TEXT],
      error: HOSTILE_TEXT,
    }),
    input("wide", "データ/使用量.db"),
  ],
  [table(`wide.a"; DROP TABLE x; --`, "wide", [column(HOSTILE_TEXT, "id")])],
  [
    finding({
      check: "duplicate-rows",
      title: HOSTILE_TEXT,
      message: HOSTILE_TEXT.repeat(3),
      target: `wide.a"; DROP TABLE x; --`,
      location: {
        input: "wide",
        table: `wide.a"; DROP TABLE x; --`,
        column: HOSTILE_TEXT,
        file: `src/${HOSTILE_TEXT}.py`,
        line: 3,
      },
      samples: [
        { [HOSTILE_TEXT]: HOSTILE_TEXT, 名前: "使用量使用量使用量", n: 9007199254740993n },
        { [HOSTILE_TEXT]: "=1+1", 名前: null, n: -1.5 },
      ],
      sql: `SELECT '${HOSTILE_TEXT}' AS "x y" FROM "wide"."a""; DROP TABLE x; --"`,
      fix: HOSTILE_TEXT,
      causes: HOSTILE_CAUSES,
      evidence: { [HOSTILE_TEXT]: HOSTILE_TEXT },
      timeline: {
        from: "2025-11-01T00:00:00Z",
        to: "2025-11-01T00:10:00Z",
        lanes: [{ name: HOSTILE_TEXT, counts: [0, 5, 1_000_000, 0, 0, 1] }],
        marks: [
          { time: "2025-11-01T00:04:00Z", label: HOSTILE_TEXT },
          { time: "not a time", label: "second" },
        ],
      },
    }),
  ],
  [{ check: "x", target: HOSTILE_TEXT, status: "failed", reason: HOSTILE_TEXT }],
  {
    fixed: [finding({ check: "y", title: HOSTILE_TEXT, message: HOSTILE_TEXT, target: HOSTILE_TEXT })],
    suppressed: [
      {
        ...finding({ check: HOSTILE_TEXT, title: HOSTILE_TEXT, message: HOSTILE_TEXT }),
        suppression: { reason: HOSTILE_TEXT, until: "2027-01-01" },
      },
    ],
    ownChecks: [
      {
        id: HOSTILE_TEXT,
        meta: {
          title: HOSTILE_TEXT,
          severity: "warning",
          what: HOSTILE_TEXT,
          why: HOSTILE_TEXT,
          fix: HOSTILE_TEXT,
          silent: [HOSTILE_TEXT],
          needs: HOSTILE_TEXT,
        },
      },
    ],
    notes: [HOSTILE_TEXT],
    flow: {
      tables: [
        {
          table: HOSTILE_TEXT,
          rows: null,
          findings: [],
          accesses: [
            access("write", HOSTILE_TEXT, HOSTILE_TEXT, {
              findings: ["0123456789abcdef", "none such"],
              ways: [way(HOSTILE_TEXT, HOSTILE_TEXT), way("page", HOSTILE_TEXT, [HOSTILE_TEXT])],
            }),
          ],
        },
        { table: "__proto__", rows: 1, findings: ["0123456789abcdef"], accesses: [] },
      ],
      cut: { tables: 1, accesses: 0, ways: 0 },
    },
  },
);

/** Escapes and direction marks that no output may carry. */
export const CONTROLS =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f]/;
