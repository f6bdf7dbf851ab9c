/** Own checks: a query or a module of the user's, run without rights, that fails alone when it misbehaves. */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { testCheck } from "../../src/testing/index.ts";
import { auditReport, startTrueup, temporaryFolder, trueup } from "../kit/command.ts";

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
  mkdirSync(join(folder, "audits"));
  writeFileSync(join(folder, "jobs.csv"), "id,user_id,note\n1,u1,a\n2,u1,b\n3,u2,c\n");
  writeFileSync(join(folder, "trueup.yaml"), 'own_checks: ["./audits/*"]\nown_check_timeout: 2\n');
});

const put = (file: string, text: string) => writeFileSync(join(folder, "audits", file), text);
const audit = (...args: string[]) =>
  auditReport(["jobs.csv", "--now", "2026-01-01T00:00:00Z", ...args], folder);
const module = (body: string) =>
  `export default { id: "own", meta: { title: "Own" }, options: {}, targets: () => [{ name: "jobs.jobs" }], run: async (target, ctx) => { ${body} } };`;

const BUSY = `-- id: busy-users
-- title: Users are busy
-- severity: error
-- message: "{user_id} has {n} jobs"
SELECT user_id, count(*) AS n FROM jobs.jobs GROUP BY 1 HAVING count(*) > 1 ORDER BY 1;
`;

describe("a check in SQL", () => {
  test("makes a finding of each row, and counts like any other", () => {
    put("busy.sql", BUSY);
    const { code, report } = audit("--select", "busy-users");
    expect(code).toBe(1);
    expect(report.findings).toMatchObject([
      {
        check: "busy-users",
        severity: "error",
        title: "Users are busy",
        message: "u1 has 2 jobs",
        target: "jobs.jobs",
        location: { input: "jobs", table: "jobs.jobs" },
        measure: { name: "n", value: 2 },
      },
    ]);
  });

  test("keeps its fingerprint when only numbers change", () => {
    put("busy.sql", BUSY);
    const before = audit("--select", "busy-users").report.findings[0]?.fingerprint;
    writeFileSync(join(folder, "jobs.csv"), "id,user_id,note\n1,u1,a\n2,u1,b\n4,u1,c\n");
    const after = audit("--select", "busy-users").report.findings[0];
    expect([after?.message, after?.fingerprint]).toEqual(["u1 has 3 jobs", before]);
  });

  test("its severity may be configured, and what it needs may be missing", () => {
    put("busy.sql", BUSY.replace("-- severity: error", "-- needs: other.table"));
    writeFileSync(
      join(folder, "trueup.yaml"),
      'own_checks: ["audits/*.sql"]\nchecks: { busy-users: info }\n',
    );
    const { code, report } = audit("--select", "busy-users");
    expect([code, report.outcomes[0]?.status]).toEqual([0, "skipped"]);
  });

  test.each<[string, string, string]>([
    ["more than a SELECT", "DROP TABLE jobs.jobs", "only a SELECT may be run here"],
    ["two statements", "SELECT 1; SELECT 2", "expected one SELECT"],
    ["a file", "SELECT * FROM read_csv('/etc/passwd')", "Permission Error"],
    ["a table that is not there", "SELECT * FROM jobs.jbos", "jbos"],
    [
      "no end",
      "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range * b.range % 7 = 3",
      "did not end within 2 s",
    ],
    [
      "a column that is not returned",
      "-- message: {nope}\nSELECT 1 AS n",
      "names {nope}; the query returns n",
    ],
    ["no query", "-- id: own\n", "holds no SELECT"],
    ["an id that is taken", "-- id: timeline-gap\nSELECT 1", "taken by another check"],
  ])("with %s fails alone", (_name, sql, reason) => {
    put("own.sql", sql);
    put("busy.sql", BUSY);
    const { code, report } = audit("--select", "own,busy-users");
    expect(code).toBe(2);
    expect(report.outcomes.find((o) => o.check === "own")).toMatchObject({
      status: "failed",
      reason: expect.stringContaining(reason),
    });
    expect(report.findings.map((f) => f.check)).toEqual(["busy-users"]);
  });
});

describe("a check in TypeScript", () => {
  test("sees the evidence, asks for rows and may skip", () => {
    put(
      "typed.ts",
      `import { defineCheck, Skip } from "trueup";
       interface Answer { n: number }
       export default defineCheck({
         id: "typed",
         meta: { title: "Many rows", severity: "error", what: "w", why: "y", fix: "f", silent: [], needs: "tables" },
         options: { max: { describe: "rows", default: 2 } },
         targets: (evidence) => evidence.tables,
         run: async (table, ctx) => {
           const [row] = (await ctx.query(\`SELECT count(*) AS n FROM \${table.relation} WHERE id > ?\`, [0])) as unknown as Answer[];
           if (row!.n <= ctx.options.max) return new Skip("few rows");
           return [{ title: "Many rows", message: \`\${row!.n} rows\`, measure: { name: "n", value: row!.n }, evidence: { n: row!.n },
             samples: await ctx.samples(\`SELECT id FROM \${table.relation} ORDER BY id\`), sql: \`SELECT * FROM \${table.relation}\` }];
         },
       });`,
    );
    const { code, report } = audit("--select", "typed");
    expect(code).toBe(1);
    expect(report.findings).toMatchObject([
      { check: "typed", message: "3 rows", samples: [{ id: 1 }, { id: 2 }, { id: 3 }] },
    ]);
    writeFileSync(join(folder, "trueup.yaml"), 'own_checks: ["audits/*"]\nchecks: { typed: { max: 3 } }\n');
    expect(audit("--select", "typed").report.outcomes).toMatchObject([
      { status: "skipped", reason: "few rows" },
    ]);
  });

  test("fails alone, whatever it tries", () => {
    const cases: Record<string, [string, string]> = {
      throws: [module("throw new Error('boom')"), "boom"],
      hangs: [module("for (;;);"), "did not end within 2 s"],
      waits: [module("await new Promise(() => {})"), "did not end within 2 s"],
      slow: [
        module(
          "await ctx.query('SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range * b.range % 7 = 3')",
        ),
        "did not end within 2 s",
      ],
      reads: [`import fs from "node:fs";\n${module("return []")}`, "imports node:fs"],
      later: [module("await import('node:fs')"), "imports node:fs"],
      network: [module("await fetch('http://127.0.0.1:9')"), "fetch is not defined"],
      sockets: [module("await import('node:net')"), "imports node:net"],
      process: [module("process.exit(0)"), "process is not defined"],
      code: [
        module("return [].constructor.constructor('return process')()"),
        "Code generation from strings disallowed",
      ],
      writes: [module("await ctx.query('DROP TABLE jobs.jobs')"), "only a SELECT"],
      vague: [module("return [{ title: 'x' }]"), "a finding without a message"],
      empty: ["export const nothing = 1;", "no default export"],
      broken: ["export default {", "Unexpected"],
    };
    for (const [name, [text]] of Object.entries(cases))
      put(`${name}.mjs`, text.replace('"own"', `"${name}"`));
    put("busy.sql", BUSY);
    const { code, report } = audit();
    expect(code).toBe(2);
    for (const [name, [, reason]] of Object.entries(cases))
      expect(
        report.outcomes.find((o) => o.check === name),
        name,
      ).toMatchObject({
        status: "failed",
        reason: expect.stringContaining(reason),
      });
    expect(report.findings.map((f) => f.check)).toContain("busy-users");
  });

  test("fails alone when it needs too much memory, and takes none of the audit's", () => {
    writeFileSync(join(folder, "trueup.yaml"), 'own_checks: ["audits/*"]\nown_check_timeout: 50\n');
    put("memory.mjs", module("const all = []; for (;;) all.push(new Array(1e6).fill(all.length));"));
    put("busy.sql", BUSY);
    const { code, report } = audit("--select", "own,busy-users");
    expect(code).toBe(2);
    expect(report.outcomes.map(({ check, status, reason }) => [check, status, reason])).toEqual([
      ["busy-users", "found", null],
      ["own", "failed", "used more than 256 MB"],
    ]);
  });
});

test("an interrupted audit ends a check that is at work", async () => {
  put("hang.mjs", module("for (;;);"));
  writeFileSync(join(folder, "trueup.yaml"), 'own_checks: ["audits/*"]\nown_check_timeout: 600\n');
  const child = startTrueup(["audit", "jobs.csv", "--select", "own"], folder);
  const ended = new Promise((resolve) => child.on("exit", resolve));
  await new Promise((resolve) => setTimeout(resolve, 4000));
  child.kill("SIGINT");
  expect(await ended).toBe(130);
});

describe("files of own checks", () => {
  test.each<[string, string, string]>([
    ["a pattern without a file", "own_checks: ['none/*.sql']\n", "none/*.sql names no file"],
    ["a file of another kind", "own_checks: ['jobs.csv']\n", "jobs.csv is neither .sql nor .ts nor .js"],
  ])("%s is one line and exit 2", (_name, yaml, message) => {
    writeFileSync(join(folder, "trueup.yaml"), yaml);
    const ran = trueup(["audit", "jobs.csv"], { cwd: folder });
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain(message);
  });

  test("`checks:` may be their list, and --select must name a check", () => {
    put("busy.sql", BUSY);
    writeFileSync(join(folder, "trueup.yaml"), 'checks: ["./audits/*.sql"]\n');
    expect(audit("--select", "busy-users").report.findings).toHaveLength(1);
    const ran = trueup(["audit", "jobs.csv", "--select", "busy-user"], { cwd: folder });
    expect([ran.code, ran.stderr]).toEqual([
      2,
      'trueup: --select: unknown check "busy-user", did you mean "busy-users"?\n',
    ]);
  });
});

describe("the test kit", () => {
  const jobs = (...users: string[]) => ({
    "jobs.jobs": { rows: users.map((user_id, id) => ({ id, user_id })) },
  });
  const firing = { two: { tables: jobs("a", "a"), expected: [{ message: /a has 2/, evidence: { n: 2 } }] } };
  const clean = { one: { tables: jobs("a", "b") } };

  test("runs a check on tables that are data", async () => {
    put("busy.sql", BUSY);
    const file = join(folder, "audits/busy.sql");
    await testCheck(file, { firing, clean });
    await expect(testCheck(file, { firing: {}, clean })).rejects.toThrow("needs a firing case");
    await expect(testCheck(file, { firing, clean: {} })).rejects.toThrow("needs a clean case");
    await expect(testCheck(file, { firing: clean, clean })).rejects.toThrow('case "one": nothing was found');
    await expect(testCheck(file, { firing, clean: firing })).rejects.toThrow(
      'case "two": found a has 2 jobs',
    );
    const wrong = { two: { ...firing.two, expected: [{ severity: "info" as const }] } };
    await expect(testCheck(file, { firing: wrong, clean })).rejects.toThrow(
      'severity of finding 1 is "error"',
    );
    const elsewhere = { other: { tables: { "a.b": { rows: [{ id: 1 }] } } } };
    await expect(testCheck(file, { firing, clean: elsewhere })).rejects.toThrow("the check failed");
  });
});
