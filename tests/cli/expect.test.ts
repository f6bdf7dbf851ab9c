/** What a team declares in trueup.yaml: expectations that are checked, and findings that are accepted. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { auditReport, temporaryFolder, trueup } from "../kit/command.ts";

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
  writeFileSync(
    join(folder, "jobs.csv"),
    [
      "id,user_id,status,tokens,created_at,note",
      `1,u1,success,10,2026-01-01T00:00:00Z,${"secret words ".repeat(20)}`,
      "2,u1,success,20,2026-01-01T01:00:00Z,b",
      "3,u2,failed,,2026-01-01T02:00:00Z,c",
      "3,u9,weird,5000,2026-01-01T03:00:00Z,sk-live-abcdefghijklmnop",
    ].join("\n"),
  );
  writeFileSync(join(folder, "users.csv"), "id,name\nu1,Ann\nu2,Bob\n");
});

function audit(yaml: string, ...args: string[]) {
  writeFileSync(join(folder, "trueup.yaml"), yaml);
  return auditReport(
    ["jobs.csv", "users.csv", "--now", "2026-01-03T00:00:00Z", "--select", "expect/*", ...args],
    folder,
  );
}
const expectation = (text: string) => audit(`expect:\n  jobs.jobs:\n    ${text}\n`);

describe("expectations", () => {
  test.each<[string, string, string, string, Record<string, unknown>]>([
    ["not_null", "not_null: [tokens]", "tokens is NULL in 1 row of 4", "tokens", { violating: 1, rows: 4 }],
    ["unique", "unique: [id]", "id stands more than once in 2 rows of 4", "id", { violating: 2 }],
    [
      "accepted_values",
      "accepted_values: { status: [success, failed] }",
      "status is none of success, failed in 1 row of 4",
      "status",
      { accepted: ["success", "failed"] },
    ],
    [
      "between",
      "between: { tokens: [0, 1000] }",
      "tokens lies outside 0 to 1000 in 1 row",
      "tokens",
      { max: 1000 },
    ],
    [
      "between",
      "between: { created_at: { max: 2026-01-01T02:30:00Z } }",
      "created_at lies outside … to 2026-01-01T02:30:00Z in 1 row",
      "created_at",
      { min: null },
    ],
    [
      "matches",
      "matches: { user_id: '^u[1-8]$' }",
      "user_id does not match ^u[1-8]$ in 1 row",
      "user_id",
      { violating: 1 },
    ],
    [
      "references",
      "references: { user_id: users.id }",
      "user_id refers to no users.id in 1 row",
      "user_id",
      { references: "users.id" },
    ],
  ])("%s: %s", (kind, yaml, message, column, evidence) => {
    const { code, report } = expectation(yaml);
    expect(report.outcomes.filter((o) => o.status === "failed")).toEqual([]);
    expect(report.findings).toHaveLength(1);
    expect(report.findings[0]).toMatchObject({
      check: `expect/${kind}`,
      target: "jobs.jobs",
      severity: "warning",
    });
    expect(report.findings[0]?.message).toContain(message);
    expect(report.findings[0]?.location).toMatchObject({ input: "jobs", table: "jobs.jobs", column });
    expect(report.findings[0]?.evidence).toMatchObject(evidence);
    expect(report.findings[0]?.samples.length).toBeGreaterThan(0);
    expect(code).toBe(0);
  });

  test("what holds is clean, NULLs and numbers of another spelling included", () => {
    const { code, report } = expectation(
      [
        "unique: [[id, user_id]]",
        "accepted_values: { id: [1, 2, 3.0] }",
        "not_null: [id, user_id]",
        "between: { tokens: [0, null] }",
        "freshness: 2d",
        "row_count: { min: 1, max: 4 }",
        "matches: { status: '^[a-z]+$' }",
        "sql: ['tokens >= 0', 'SELECT * FROM {table} WHERE tokens < 0']",
      ].join("\n    "),
    );
    expect(report.outcomes.map((o) => o.status)).toEqual(Array(8).fill("clean"));
    expect(code).toBe(0);
  });

  test.each<[string, string, string]>([
    [
      "freshness",
      "freshness: { column: created_at, max_age: 24h }",
      "of 2026-01-01 03:00:00, 1 d 21 h before now; at most 1 d",
    ],
    ["row_count", "row_count: [5, null]", "jobs.jobs has 4 rows; at least 5 expected"],
    ["sql", "sql: { 'few tokens': 'tokens < 100' }", "1 row contradicts an expectation (few tokens)"],
    ["sql", "sql: ['SELECT id FROM {table} GROUP BY id HAVING count(*) > 1;']", "1 row contradicts"],
  ])("%s of a table: %s", (kind, yaml, message) => {
    const { report } = expectation(yaml);
    expect(report.findings.map((f) => f.check)).toEqual([`expect/${kind}`]);
    expect(report.findings[0]?.message).toContain(message);
  });

  test("a severity may be set, and fails the run", () => {
    const yaml = "expect:\n  jobs:\n    not_null: [tokens]\nchecks:\n  expect/not_null: error\n";
    expect(audit(yaml).code).toBe(1);
  });

  test("free text and secrets stay out of samples", () => {
    const { report } = expectation("matches: { note: '^[abc]$' }");
    const [{ note: first } = {}, { note: second } = {}] = report.findings[0]!.samples;
    expect([first, second].sort()).toEqual(["<260 characters>", "sk-live-***"]);
  });

  test("a table of another input is skipped, a column that is not there fails", () => {
    const skipped = audit("expect:\n  jbos:\n    not_null: [id]\n");
    expect(skipped.code).toBe(0);
    expect(skipped.report.outcomes[0]).toMatchObject({
      status: "skipped",
      reason: expect.stringContaining('did you mean "jobs"'),
    });
    const failed = expectation("not_null: [tokns]");
    expect(failed.code).toBe(2);
    expect(failed.report.outcomes[0]?.reason).toContain('has no column "tokns", did you mean "tokens"?');
  });

  test.each([
    ["sql: ['1 = 1) AS x; DROP TABLE jobs.jobs; SELECT * FROM (SELECT 1']"],
    ["sql: ['SELECT 1; DELETE FROM {table}']"],
    ["sql: [\"SELECT * FROM read_csv('/etc/passwd')\"]"],
  ])("SQL that is more than one SELECT, or leaves the evidence, fails: %s", (yaml) => {
    const { code, report } = expectation(yaml);
    expect(code).toBe(2);
    expect(report.outcomes.map((o) => o.status)).toEqual(["failed"]);
  });

  test.each<[string, string, string]>([
    [
      "an unknown kind",
      "expect:\n  jobs:\n    notnull: [id]\n",
      'trueup.yaml:3:5: unknown key "notnull", did you mean "not_null"?',
    ],
    ["an age that is none", "expect:\n  jobs:\n    freshness: soon\n", "trueup.yaml:3:16: no age"],
    [
      "a reference without a column",
      "expect:\n  jobs:\n    references: { a: users }\n",
      "trueup.yaml:3:22: write table.column",
    ],
    [
      "a suppression without a reason",
      "suppress:\n  - check: stuck-rows\n",
      'trueup.yaml:2:5: "reason" is missing',
    ],
    [
      "a suppression of everything",
      "suppress:\n  - reason: x\n",
      "trueup.yaml:2:5: needs check, table or path",
    ],
    [
      "a date that is none",
      "suppress:\n  - { check: stuck-rows, reason: x, until: 2026-02-31 }\n",
      "trueup.yaml:2:44: no such date",
    ],
    [
      "a suppression of no check",
      "suppress:\n  - { check: stuck-row, reason: x }\n",
      'unknown check "stuck-row", did you mean "stuck-rows"?',
    ],
  ])("%s is told with its position", (_name, yaml, message) => {
    writeFileSync(join(folder, "trueup.yaml"), yaml);
    const ran = trueup(["config", "validate"], { cwd: folder });
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain(message);
  });
});

describe("suppressions", () => {
  const EXPECT = "expect:\n  jobs:\n    not_null: [tokens]\n    unique: [id]\n";
  const suppressed = (entry: string) => {
    const { report } = audit(`${EXPECT}suppress:\n  - ${entry}\n`);
    return {
      kept: report.findings.map((f) => f.check),
      taken: report.suppressed.map((f) => f.check),
      notes: report.notes,
    };
  };

  test.each<[string, string[]]>([
    ["{ check: expect/unique, reason: two runs }", ["expect/unique"]],
    ["{ check: 'expect/*', reason: all }", ["expect/not_null", "expect/unique"]],
    ["{ table: jobs, reason: a name alone }", ["expect/not_null", "expect/unique"]],
    ["{ table: 'jobs.*', check: expect/unique, reason: a pattern }", ["expect/unique"]],
    ["{ path: jobs.csv, reason: an input }", ["expect/not_null", "expect/unique"]],
    ["{ path: '*.csv', until: 2026-01-03, reason: its last day }", ["expect/not_null", "expect/unique"]],
    ["{ table: users, reason: another table }", []],
    ["{ path: 'src/**', reason: another path }", []],
  ])("%s", (entry, taken) => {
    const result = suppressed(entry);
    expect(result.taken).toEqual(taken);
    expect(result.kept.length + result.taken.length).toBe(2);
    expect(result.notes).toEqual([]);
  });

  test("one that has ended no longer holds, and that is told", () => {
    const { kept, taken, notes } = suppressed("{ table: jobs, until: 2026-01-02, reason: until the fix }");
    expect([kept.length, taken]).toEqual([2, []]);
    expect(notes).toEqual([
      "The suppression of jobs ended on 2026-01-02 (until the fix); 2 findings count again.",
    ]);
  });

  test("--show-suppressed lists them with the reason; they never fail a run", () => {
    const yaml = `${EXPECT}suppress:\n  - { table: jobs, reason: imported twice }\nfail_on: info\n`;
    const { code, report } = audit(yaml);
    expect([code, report.suppressed[0]?.suppression]).toEqual([0, { reason: "imported twice", until: null }]);
    const args = ["audit", "jobs.csv", "--select", "expect/*"];
    expect(trueup(args, { cwd: folder }).stdout).toContain("2 suppressed");
    expect(trueup([...args, "--show-suppressed"], { cwd: folder }).stdout).toMatch(/\(imported\s+twice\)/);
  });
});
