/** `trueup new-check <id>`: an own check to start from, and its test. */

import { UserError } from "../../contract/errors.ts";
import { EXIT } from "../exit.ts";
import { readManifest } from "../manifest.ts";
import { writeNew } from "../new-files.ts";
import type { Invocation } from "../program.ts";
import { choiceOf } from "../program.ts";
import { writeOut } from "../streams.ts";

const FOLDER = "audits";

export async function run(invocation: Invocation): Promise<number> {
  const [id = ""] = invocation.args;
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(id))
    throw new UserError(
      `new-check: "${id}" is no id; write lower-case words with - that name the defect: late-jobs`,
    );
  if (readManifest().checks.some((check) => check.id === id))
    throw new UserError(`new-check: ${id} comes with trueup; trueup explain ${id} tells what it finds`);
  const language = choiceOf(invocation, "language", "sql");
  const files = {
    [`${FOLDER}/${id}.${language}`]: language === "sql" ? sqlTemplate(id) : tsTemplate(id),
    [`${FOLDER}/${id}.test.mjs`]: testTemplate(id, language),
  };
  writeNew(files, process.cwd(), invocation.given["force"] === true);
  await writeOut(
    `${Object.keys(files).join("\n")}\n\nName them in trueup.yaml, then run the test:\n\n  own_checks: ["./${FOLDER}/*.${language}"]\n\n  node --test ${FOLDER}/*.test.mjs\n`,
  );
  return EXIT.clean;
}

const titleOf = (id: string) => `${id[0]!.toUpperCase()}${id.slice(1).replaceAll("-", " ")}`;

function sqlTemplate(id: string): string {
  return `-- id: ${id}
-- title: ${titleOf(id)}
-- severity: warning
-- message: "{user_id} has {n} jobs that are not done"
-- needs: app.jobs
-- why: Say what goes wrong because of it.
-- fix: Say what to do about it.
SELECT user_id, count(*) AS n
FROM app.jobs
WHERE status <> 'done'
GROUP BY user_id
ORDER BY user_id
`;
}

function tsTemplate(id: string): string {
  return `import { defineCheck } from "trueup";

export default defineCheck({
  id: "${id}",
  meta: {
    title: "${titleOf(id)}",
    severity: "warning",
    what: "Says what it looks for.",
    why: "Says what goes wrong because of it.",
    fix: "Says what to do about it.",
    silent: ["Every job is done."],
    needs: "a table app.jobs",
  },
  options: { max: { describe: "Jobs that may be open", default: 0 } },
  targets: (evidence) => evidence.tables.filter((table) => table.name === "app.jobs"),
  run: async (table, ctx) => {
    const where = "status <> 'done'";
    const [row] = await ctx.query(\`SELECT count(*) AS n FROM \${table.relation} WHERE \${where}\`);
    const n = Number(row?.n);
    if (n <= ctx.options.max) return [];
    return [
      {
        title: "${titleOf(id)}",
        message: \`\${n} jobs are not done.\`,
        measure: { name: "open_jobs", value: n },
        evidence: { open: n },
        samples: await ctx.samples(\`SELECT id, status FROM \${table.relation} WHERE \${where} ORDER BY id\`),
        sql: \`SELECT * FROM \${table.relation} WHERE \${where}\`,
      },
    ];
  },
});
`;
}

function testTemplate(id: string, language: string): string {
  return `import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { testCheck } from "trueup/testing";

const jobs = (...statuses) => ({
  rows: statuses.map((status, i) => ({ id: i + 1, user_id: "ann", status })),
});

test("${id}", () =>
  testCheck(fileURLToPath(new URL("./${id}.${language}", import.meta.url)), {
    firing: {
      "a job is open": {
        tables: { "app.jobs": jobs("done", "open") },
        expected: [{ message: /1 jobs/, evidence: { ${language === "sql" ? "n" : "open"}: 1 } }],
      },
    },
    clean: { "every job is done": { tables: { "app.jobs": jobs("done", "done") } } },
  }));
`;
}
