/** The incident of the citations service, in its three tellings, from files as a user would name them. */

import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { expect, test } from "vitest";
import type { Diagnosis } from "../../src/contract/diagnosis.ts";
import { temporaryFolder, trueup } from "../kit/command.ts";
import { random } from "../kit/times.ts";

const HOUR = 3_600_000;
const SPLIT = Date.parse("2025-11-23T16:30:35Z");
const START = Date.parse("2025-11-01T00:00:00Z");
const END = Date.parse("2025-11-30T20:00:00Z");

interface Job {
  at: number;
  id: string;
  tokens: [number, number];
}

/** Jobs at office hours and in the evening. */
function jobsOf(seed: number): Job[] {
  const next = random(seed);
  const jobs: Job[] = [];
  for (let at = START; at < END; at += HOUR * (0.2 + 3 * next())) {
    const hour = new Date(at).getUTCHours();
    if (hour < 7 || hour > 21) continue;
    const id = Array.from({ length: 32 }, () => "0123456789abcdef"[Math.floor(next() * 16)]).join("");
    jobs.push({
      at,
      id: id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5"),
      tokens: [500 + Math.floor(next() * 5000), 50 + Math.floor(next() * 900)],
    });
  }
  return jobs;
}

const stamp = (at: number) => new Date(at).toISOString().replace("T", " ").slice(0, 19);

function linesOf(jobs: readonly Job[], provider: (job: Job) => string, told: (job: Job) => boolean): string {
  return jobs
    .flatMap((job) => [
      `${stamp(job.at)},120 - app - INFO - Creating async job ${job.id} for free user`,
      `${stamp(job.at + 2000)},310 - ${provider(job)} - INFO - Processing citations of job ${job.id}`,
      ...(told(job)
        ? [
            `${stamp(job.at + 20_000)},842 - ${provider(job)} - INFO - Token usage: ${job.tokens[0]} prompt + ${job.tokens[1]} completion = ${job.tokens[0] + job.tokens[1]} total`,
          ]
        : []),
      `${stamp(job.at + 21_000)},101 - app - INFO - Job ${job.id}: Completed successfully`,
    ])
    .map((line) => `${line}\n`)
    .join("");
}

/** A database of which the rows after the split have no tokens. */
function writeDatabase(file: string, jobs: readonly Job[]): void {
  const db = new DatabaseSync(file);
  db.exec(
    "CREATE TABLE validations (job_id TEXT PRIMARY KEY, created_at TEXT, user_type TEXT, status TEXT, token_usage_prompt INTEGER, token_usage_completion INTEGER, token_usage_total INTEGER)",
  );
  const insert = db.prepare("INSERT INTO validations VALUES (?, ?, ?, ?, ?, ?, ?)");
  for (const { at, id, tokens } of jobs) {
    const kept = at <= SPLIT;
    const [input, output] = kept ? tokens : [null, null];
    insert.run(id, stamp(at), "free", "completed", input, output, kept ? tokens[0] + tokens[1] : null);
  }
  db.close();
}

function diagnosed(folder: string, args: readonly string[]): Diagnosis["incidents"] {
  const ran = trueup(["diagnose", ...args, "--format", "json"], { cwd: folder });
  if (!ran.stdout.startsWith("{")) throw new Error(`no diagnosis: ${ran.stderr}`);
  return (JSON.parse(ran.stdout) as Diagnosis).incidents;
}

const JOBS = jobsOf(11);
const OPENAI = () => "openai_provider";

function files(): string {
  const folder = temporaryFolder();
  writeDatabase(join(folder, "validations.db"), JOBS);
  return folder;
}

test("only the stale log and the database: the log ends, and the production log would decide", () => {
  const folder = files();
  writeFileSync(
    join(folder, "app.log"),
    linesOf(
      JOBS.filter((job) => job.at <= SPLIT),
      OPENAI,
      () => true,
    ),
  );
  const [incident] = diagnosed(folder, ["app.log", "validations.db"]);
  expect(incident?.causes[0]).toMatchObject({ hypothesis: "log-ends" });
  expect(incident?.next).toBe("load the production log to decide");
  const scoreOf = (id: string) => incident?.causes.find((cause) => cause.hypothesis === id)?.score ?? 0;
  expect(scoreOf("code-path")).toBeLessThan(scoreOf("log-ends"));
  expect(incident?.findings.length).toBeGreaterThan(1);
});

test.each([
  ["with", "parse_logs_cron.log"],
  ["without", "cron.log"],
])(
  "the production log and the importer's traceback (%s its name on the log): the pipeline broke",
  (_, cron) => {
    const folder = files();
    mkdirSync(join(folder, "production"));
    writeFileSync(
      join(folder, "production/app.log"),
      linesOf(JOBS, OPENAI, () => true),
    );
    const traceback = (at: number) =>
      `${stamp(at)} INFO parsing /opt/citations/logs/app.log\nTraceback (most recent call last):\n  File "/opt/citations/parse_logs_cron.py", line 9, in <module>\n    from dashboard.database import Database\nModuleNotFoundError: No module named 'dashboard'\n`;
    const runs = Array.from({ length: 60 }, (_unused, i) => START + i * 12 * HOUR).map((at) =>
      at > SPLIT
        ? traceback(at)
        : `${stamp(at)} INFO parsing /opt/citations/logs/app.log\n${stamp(at + 3000)} INFO 12 jobs parsed\n`,
    );
    writeFileSync(join(folder, cron), runs.join(""));
    const [incident] = diagnosed(folder, ["production/app.log", cron, "validations.db"]);
    expect(incident?.causes[0]).toMatchObject({ hypothesis: "pipeline-broke" });
    expect(incident?.causes[0]?.for.join(" ")).toContain("ModuleNotFoundError");
  },
);

test("newer jobs that another provider module logs: code-path or provider-switch", () => {
  const folder = files();
  const provider = (job: Job) => (job.at <= SPLIT ? "openai_provider" : "gemini_provider");
  writeFileSync(
    join(folder, "app.log"),
    linesOf(JOBS, provider, (job) => job.at <= SPLIT),
  );
  const [incident] = diagnosed(folder, ["app.log", "validations.db"]);
  expect(incident?.causes[0]?.hypothesis).toMatch(/^(code-path|provider-switch)$/);
});

test("newer jobs that another worker logs, whose name tells no provider: code-path", () => {
  const folder = files();
  const provider = (job: Job) => (job.at <= SPLIT ? "openai_provider" : "batch_worker");
  writeFileSync(
    join(folder, "app.log"),
    linesOf(JOBS, provider, (job) => job.at <= SPLIT),
  );
  const [incident] = diagnosed(folder, ["app.log", "validations.db"]);
  expect(incident?.causes[0]).toMatchObject({ hypothesis: "code-path" });
});

test("a token line in other words, which its parser misses and this tool reads: format-drift", () => {
  const folder = files();
  const reworded = linesOf(JOBS, OPENAI, () => true)
    .split("\n")
    .map((line) =>
      line.slice(0, 19) > stamp(SPLIT)
        ? line.replace(
            /Token usage: (\d+) prompt \+ (\d+) completion = (\d+) total/,
            "LLM call used input_tokens=$1, output_tokens=$2",
          )
        : line,
    );
  writeFileSync(join(folder, "app.log"), reworded.join("\n"));
  mkdirSync(join(folder, "src"));
  writeFileSync(
    join(folder, "src/parse_logs_cron.py"),
    `import re\n\nUSAGE = re.compile(r'Token usage: (\\d+) prompt \\+ (\\d+) completion = (\\d+) total')\n\ndef parse(line):\n    return USAGE.search(line)\n`,
  );
  const [incident] = diagnosed(folder, ["app.log", "validations.db", "src"]);
  expect(incident?.causes[0]).toMatchObject({ hypothesis: "format-drift" });
  expect(incident?.causes[0]?.for.join("\n")).toMatch(
    /the pattern in parse_logs_cron.py:3 reads 60 of the last 60 token lines .* and 0 of the next 60/,
  );
});

test("a restart minutes before, in a log that shows hardly any: deploy-regression", () => {
  const folder = files();
  const lines = linesOf(JOBS, OPENAI, (job) => job.at <= SPLIT).split("\n");
  lines.push(`${stamp(SPLIT + 60_000)},001 - app - INFO - Server restarted, version 2.4.1`);
  writeFileSync(join(folder, "app.log"), lines.sort().join("\n").trimStart());
  const [incident] = diagnosed(folder, ["app.log", "validations.db"]);
  expect(incident?.causes[0]).toMatchObject({ hypothesis: "deploy-regression" });
});

test("the stale copy beside the production log, and an importer whose error stands in one line: pipeline-broke", () => {
  const folder = files();
  mkdirSync(join(folder, "production"));
  writeFileSync(
    join(folder, "app.log"),
    linesOf(
      JOBS.filter((job) => job.at <= SPLIT),
      OPENAI,
      () => true,
    ),
  );
  writeFileSync(
    join(folder, "production/app.log"),
    linesOf(JOBS, OPENAI, () => true),
  );
  const runs = Array.from({ length: 60 }, (_unused, i) => START + i * 12 * HOUR).map((at) =>
    at > SPLIT
      ? `${stamp(at)} ERROR parse_logs failed: ModuleNotFoundError: No module named 'dashboard'\n`
      : `${stamp(at)} INFO 12 jobs parsed\n`,
  );
  writeFileSync(join(folder, "cron.log"), runs.join(""));
  const incidents = diagnosed(folder, ["app.log", "production/app.log", "cron.log", "validations.db"]);
  const main = incidents.find((one) => one.findings.some((finding) => finding.check === "missing-tokens"));
  expect(main?.causes[0]).toMatchObject({ hypothesis: "pipeline-broke" });
  expect(main?.causes[0]?.for.join(" ")).toContain("No module named 'dashboard'");
});

test("a commit that touches the token line just before: deploy-regression", () => {
  const folder = files();
  writeFileSync(
    join(folder, "app.log"),
    linesOf(JOBS, OPENAI, (job) => job.at <= SPLIT),
  );
  const repository = join(folder, "src");
  mkdirSync(repository);
  const git = (args: readonly string[], at?: number) =>
    execFileSync("git", ["-C", repository, "-c", "user.name=a", "-c", "user.email=a@example.org", ...args], {
      env: {
        ...process.env,
        ...(at && {
          GIT_COMMITTER_DATE: new Date(at).toISOString(),
          GIT_AUTHOR_DATE: new Date(at).toISOString(),
        }),
      },
    });
  git(["init", "-q"]);
  for (const [i, at] of [START, START + 200 * HOUR, SPLIT - 2 * HOUR].entries()) {
    const line = i < 2 ? 'logger.info(f"Token usage: {p} prompt + {c} completion = {t} total")' : "pass";
    writeFileSync(
      join(repository, "provider.py"),
      `def complete():\n    ${i === 1 ? "x = 1\n    " : ""}${line}\n`,
    );
    git(["add", "."]);
    git(["commit", "-q", "-m", i < 2 ? "Log tokens" : "Quieter logs"], at);
  }
  const [incident] = diagnosed(folder, ["app.log", "validations.db", "src/.git"]);
  expect(incident?.causes[0]).toMatchObject({ hypothesis: "deploy-regression" });
  expect(incident?.causes[0]?.for.join(" ")).toContain("Quieter logs");
});

test("healthy data has no incident and exits 0", () => {
  const folder = temporaryFolder();
  const jobs = JOBS.filter((job) => job.at <= SPLIT);
  writeDatabase(join(folder, "validations.db"), jobs);
  writeFileSync(
    join(folder, "app.log"),
    linesOf(jobs, OPENAI, () => true),
  );
  const ran = trueup(["diagnose", "app.log", "validations.db"], { cwd: folder });
  expect(ran.stdout).toContain("no incident");
  expect(ran.code).toBe(0);
});

test("a database alone says that there is not enough evidence, and what to load", () => {
  const folder = files();
  const [incident] = diagnosed(folder, ["validations.db"]);
  expect(incident?.causes).toEqual([]);
  expect(incident?.missing.join(" ")).toContain("log");
  const ran = trueup(["audit", "validations.db", "--format", "json"], { cwd: folder });
  const { findings } = JSON.parse(ran.stdout) as {
    findings: { check: string; causes: unknown[]; evidence: { undecided?: string } }[];
  };
  const missing = findings.find((finding) => finding.check === "missing-tokens");
  expect(missing?.causes).toEqual([]);
  expect(missing?.evidence.undecided).toMatch(/^not enough evidence; load /);
});

test("the same inputs give the same bytes", () => {
  const folder = files();
  writeFileSync(
    join(folder, "app.log"),
    linesOf(JOBS, OPENAI, (job) => job.at <= SPLIT),
  );
  const args = ["diagnose", "app.log", "validations.db", "--now", "2025-12-01T00:00:00Z", "--format", "json"];
  expect(trueup(args, { cwd: folder }).stdout).toBe(trueup(args, { cwd: folder }).stdout);
});
