/** Makes sample-data/citations and its clean twin: an application log and a SQLite database, the same bytes each time. */

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { Random } from "./random.ts";

const SECOND = 1000;
const DAY = 86_400 * SECOND;
/** The last token line of the broken log. */
const SPLIT = Date.parse("2025-11-23T16:30:35Z");
const LOG_START = Date.parse("2025-10-31T07:00:00Z");
const END = Date.parse("2025-11-30T19:42:10Z");
const TOKEN_LINES = 149;
const ROWS_AFTER = 94;

interface Job {
  id: string;
  created: number;
  completed: number;
  citations: number;
  user: "free" | "paid" | "anonymous";
  prompt: number;
  completion: number;
}

/** Jobs from `from` to `to`, in waking hours, the last one completed at `to`. */
function jobsBetween(random: Random, count: number, from: number, to: number): Job[] {
  const starts: number[] = [];
  while (starts.length < count - 1) {
    const time = from + random.below(to - from - 20 * 60 * SECOND);
    const hour = new Date(time).getUTCHours();
    if (hour >= 7 && hour < 23 && starts.every((other) => Math.abs(other - time) > 150 * SECOND))
      starts.push(time);
  }
  const jobs = starts.sort((a, b) => a - b).map((created) => jobAt(random, created, 20 + random.below(90)));
  const last = jobAt(random, to - 47 * SECOND, 47);
  return [...jobs, { ...last, completed: to }];
}

function jobAt(random: Random, created: number, seconds: number): Job {
  const citations = 1 + random.below(24);
  return {
    id: random.uuid(),
    created,
    completed: created + seconds * SECOND,
    citations,
    user: random.pick(["free", "free", "free", "paid", "anonymous"]),
    prompt: 840 + citations * (45 + random.below(20)),
    completion: 160 + citations * (150 + random.below(180)),
  };
}

/** The log of these jobs in the format of Python's logging, with the noise of a real service between. */
function logOf(random: Random, jobs: readonly Job[], from: number, to: number): string {
  const lines: { time: number; text: string }[] = [];
  const say = (time: number, logger: string, level: string, place: string, message: string) => {
    const stamp = new Date(time).toISOString().slice(0, 19).replace("T", " ");
    lines.push({ time, text: `${stamp} - ${logger} - ${level} - ${place} - ${message}` });
  };
  for (const [index, job] of jobs.entries()) {
    const seconds = (job.completed - job.created) / SECOND;
    say(job.created, "app", "INFO", "app.py:412", `Creating async job ${job.id} for ${job.user} user`);
    say(
      job.created + SECOND,
      "app",
      "INFO",
      "app.py:436",
      `Job ${job.id}: Processing ${job.citations} citations`,
    );
    say(
      job.created + SECOND,
      "openai_provider",
      "INFO",
      "openai_provider.py:71",
      "Starting validation with gpt-4o-mini",
    );
    if (index % 31 === 17) {
      say(
        job.created + 9 * SECOND,
        "openai_provider",
        "ERROR",
        "openai_provider.py:96",
        "OpenAI API call failed, retrying",
      );
      lines.push({
        time: job.created + 9 * SECOND,
        text: [
          "Traceback (most recent call last):",
          '  File "/app/providers/openai_provider.py", line 88, in _complete',
          "    response = await self.client.chat.completions.create(**request)",
          "openai.APITimeoutError: Request timed out.",
        ].join("\n"),
      });
    }
    const done = job.completed;
    const total = job.prompt + job.completion;
    const overhead = index % 23 === 5 ? 8 : 0;
    say(
      done,
      "openai_provider",
      "INFO",
      "openai_provider.py:101",
      `OpenAI API call completed in ${(seconds - 1).toFixed(1)}s`,
    );
    say(
      done,
      "openai_provider",
      "INFO",
      "openai_provider.py:108",
      `Token usage: ${job.prompt} prompt + ${job.completion} completion = ${total} total${
        overhead ? ` (API reports ${total + overhead}, difference: ${overhead} overhead tokens)` : ""
      }`,
    );
    say(done + SECOND, "app", "INFO", "app.py:498", `Job ${job.id}: Completed successfully`);
  }
  for (let time = from; time <= to; time += (4 + random.below(5)) * 60 * SECOND + random.below(60) * SECOND) {
    const hour = new Date(time).getUTCHours();
    if (hour < 7 || hour >= 23) continue;
    if (random.below(3) > 0) say(time, "app", "INFO", "app.py:120", "GET /health 200");
    else say(time, "gate", "DEBUG", "gate.py:57", `Rate window cleared, ${random.below(9)} requests left`);
  }
  return `${lines
    .map((line, order) => ({ ...line, order }))
    .sort((a, b) => a.time - b.time || a.order - b.order)
    .map((line) => line.text)
    .join("\n")}\n`;
}

/** The table that the dashboard reads; `hasTokens` says which rows the importer filled. */
function writeDatabase(file: string, jobs: readonly Job[], hasTokens: (job: Job) => boolean): void {
  rmSync(file, { force: true });
  const db = new DatabaseSync(file);
  db.exec(`CREATE TABLE validations (
    job_id TEXT PRIMARY KEY,
    created_at TEXT NOT NULL,
    completed_at TEXT,
    duration_seconds REAL,
    citation_count INTEGER,
    token_usage_prompt INTEGER,
    token_usage_completion INTEGER,
    token_usage_total INTEGER,
    provider TEXT,
    user_type TEXT,
    status TEXT NOT NULL
  )`);
  const insert = db.prepare("INSERT INTO validations VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  db.exec("BEGIN");
  for (const job of jobs) {
    const tokens = hasTokens(job)
      ? [job.prompt, job.completion, job.prompt + job.completion]
      : [null, null, null];
    insert.run(
      job.id,
      new Date(job.created).toISOString().slice(0, 19),
      new Date(job.completed).toISOString().slice(0, 19),
      (job.completed - job.created) / SECOND,
      job.citations,
      ...tokens,
      "openai",
      job.user,
      "completed",
    );
  }
  db.exec("COMMIT");
  db.close();
}

/** Writes both folders below `root`. */
export function makeCitations(root: string): void {
  const random = new Random(20251123);
  const before = jobsBetween(random, TOKEN_LINES, LOG_START, SPLIT);
  const after = jobsBetween(random, ROWS_AFTER, SPLIT + 10 * 60 * SECOND, END);
  const first = before.at(-1) as Job;

  const broken = join(root, "citations");
  mkdirSync(broken, { recursive: true });
  writeFileSync(join(broken, "app.log"), logOf(random, before, LOG_START, SPLIT + 30 * SECOND));
  writeDatabase(join(broken, "validations.db"), [first, ...after], (job) => job === first);

  const clean = join(root, "citations-clean");
  mkdirSync(clean, { recursive: true });
  const stored = jobsBetween(random, 40, SPLIT - 3 * DAY, SPLIT - 60 * 60 * SECOND);
  const logged = jobsBetween(random, 110, LOG_START, SPLIT - 3 * DAY - 60 * 60 * SECOND);
  writeFileSync(
    join(clean, "app.log"),
    logOf(random, [...logged, ...stored, ...after], LOG_START, END + 5 * 60 * SECOND),
  );
  writeDatabase(join(clean, "validations.db"), [...stored, ...after], () => true);
}

makeCitations(join(process.cwd(), process.argv[2] ?? "sample-data"));
