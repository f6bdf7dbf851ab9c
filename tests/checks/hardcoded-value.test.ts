import { describe, expect, test } from "vitest";
import { auditCode, type SourceTree } from "../kit/code.ts";

describe("hardcoded-value", () => {
  test("`0 as tokens_in` in a constant that another module runs: at the literal, with the entries that reach it", async () => {
    const { findings } = await auditCode("hardcoded-value", {
      "app/queries.py":
        'CREATE_ROOT_TRACES_SQL = """\nINSERT INTO traces\nSELECT\n    id,\n    0 as tokens_in,\n    0 as tokens_out\nFROM sessions\nWHERE parent_id IS NULL\n"""\n',
      "app/sync.py":
        'from .queries import CREATE_ROOT_TRACES_SQL\n\ndef create_roots(conn):\n    conn.execute(CREATE_ROOT_TRACES_SQL)\n\n@app.post("/sync")\ndef sync():\n    create_roots(db)\n',
    });
    expect(findings).toMatchObject([
      {
        severity: "error",
        location: { input: "src", table: "traces", column: "tokens_in", file: "app/queries.py", line: 5 },
        evidence: { entries: ["POST /sync"] },
      },
      { location: { column: "tokens_out", line: 6 } },
    ]);
    expect(findings[0]?.message).toContain("create_roots");
  });

  const FIRES: [name: string, tree: SourceTree, column: string][] = [
    [
      "a constant among placeholders",
      { "a.js": 'db.run("INSERT INTO usage (id, cost) VALUES (?, 0)", 1);' },
      "cost",
    ],
    [
      "the same constant in every tuple",
      { "a.js": 'db.run("INSERT INTO usage (id, inputTokens) VALUES (1, NULL), (2, NULL)");' },
      "inputTokens",
    ],
    ["a plain SELECT", { "a.js": 'db.all("SELECT id, 0 AS prompt_tokens FROM runs");' }, "prompt_tokens"],
    [
      "CREATE TABLE AS",
      { "a.py": 'con.execute("CREATE TABLE t AS SELECT id, 0 AS total_tokens FROM runs")' },
      "total_tokens",
    ],
  ];
  test.each(FIRES)("fires: %s", async (_, tree, column) => {
    expect((await auditCode("hardcoded-value", tree)).findings.map((f) => f.location?.column)).toEqual([
      column,
    ]);
  });

  const SILENT: [name: string, tree: SourceTree][] = [
    ["a column default", { "a.js": 'db.exec("CREATE TABLE usage (id INT, tokens_in INT DEFAULT 0)");' }],
    [
      "an aggregate",
      {
        "a.js":
          'db.run("INSERT INTO traces (id, tokens_in) SELECT id, COALESCE(SUM(t), 0) FROM m GROUP BY id");',
      },
    ],
    [
      "a row that starts at 0 and is updated later",
      {
        "a.js": 'db.run("INSERT INTO runs (id, tokens_in) VALUES (?, 0)", 1);',
        "b.js": 'function done(n) { db.run("UPDATE runs SET tokens_in = ? WHERE id = ?", n, 1); }',
      },
    ],
    [
      "a counter that the conflict clause adds to",
      {
        "a.js":
          'db.run("INSERT INTO daily (day, tokens_in) VALUES (?, 0) ON CONFLICT (day) DO UPDATE SET tokens_in = tokens_in + ?");',
      },
    ],
    ["one tuple of several", { "a.js": 'db.run("INSERT INTO usage (id, cost) VALUES (1, 0), (2, 5)");' }],
    [
      "ids, parents, depths, limits and secrets",
      {
        "a.js":
          'db.run("INSERT INTO t (id, parent_id, depth, max_tokens, access_token, token_limit) VALUES (0, NULL, 0, 0, NULL, 0)");',
      },
    ],
    ["a reset", { "a.js": 'db.run("UPDATE quota SET tokens_used = 0 WHERE id = ?", 1);' }],
    [
      "a time that is not known yet",
      { "a.js": 'db.run("INSERT INTO jobs (id, completed_at) VALUES (?, NULL)", 1);' },
    ],
    ["a test", { "a.test.js": 'db.run("INSERT INTO usage (id, cost) VALUES (1, 0)");' }],
  ];
  test.each(SILENT)("silent: %s", async (_, tree) => {
    expect((await auditCode("hardcoded-value", tree)).findings).toEqual([]);
  });
});
