/** Reads the history of a git repository as facts: when what was changed, and whether a change touches the trail. */

import { spawn } from "node:child_process";
import { delimiter, dirname, isAbsolute } from "node:path";
import { Interrupted, messageOf, UserError } from "../contract/errors.ts";
import type { LoadedInput } from "../contract/loaded.ts";
import { plural } from "../contract/wording.ts";
import type { IntakeContext, Source } from "./context.ts";

/** Commits that are read, the latest first. */
const COMMITS_MAX = 5000;
/** Of these the changed lines are looked at as well. */
const DIFFS_MAX = 1000;
const FILES_MAX = 200;
const OUTPUT_MAX_BYTES = 64 * 1024 * 1024;
const TIMEOUT_MS = 60_000;
const SUBJECT_MAX = 300;

/** What a changed line may touch; the first that fits names it. */
const TOUCHES: readonly [RegExp, string][] = [
  [/\b(?:log(?:ger|ging)?|console|print|slog|zap)\b.{0,120}\btokens?\b/i, "a token line"],
  [
    /\btokens?\b.{0,60}(?:\\d|\(\?P?<|\[0-9\])|(?:re\.compile|RegExp|regexp\.|re\.search|re\.match).{0,160}\b(?:tokens?|usage)\b/i,
    "an extractor of tokens",
  ],
  [
    /\b(?:insert\s+(?:or\s+\w+\s+)?into|replace\s+into|update\s+["'`[]?\w+|upsert|on\s+conflict)\b/i,
    "a write to a table",
  ],
  [
    /\b\w*(?:tokens?_?(?:in|out|used|count|total|usage)|(?:input|output|prompt|completion|total)_?tokens?)\b/i,
    "a token count",
  ],
];

interface Commit {
  sha: string;
  time: string;
  subject: string;
  /** File → what its changed lines touch, or null. */
  files: Map<string, string | null>;
}

/** @throws UserError when git is not there or the repository cannot be read. */
export async function loadGit(source: Source, ctx: IntakeContext): Promise<LoadedInput> {
  const root = source.files[0] as string;
  const { settings, store } = ctx;
  const range = [
    ...(settings.since ? [`--since=${settings.since}`] : []),
    ...(settings.until ? [`--until=${settings.until}`] : []),
  ];
  const run = (args: readonly string[]) =>
    git(root, args, ctx.hooks.signal, source.path, pathOf(settings.searchPath ?? ""));
  const format = "--format=%x00%H%x01%cI%x01%s";
  const listed = await run([
    "log",
    `--max-count=${COMMITS_MAX + 1}`,
    ...range,
    "--no-renames",
    "--name-only",
    format,
  ]);
  const commits = commitsOf(listed.text);
  const cut = commits.length > COMMITS_MAX || listed.cut;
  const kept = commits.slice(0, COMMITS_MAX);
  const diffs = await patchesOf(run, [
    "log",
    `--max-count=${DIFFS_MAX}`,
    ...range,
    "--no-renames",
    "--patch",
    "--unified=0",
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--src-prefix=a/",
    "--dst-prefix=b/",
    format,
  ]);
  const touched = touchesOf(diffs.text);
  if (diffs.failed !== null) source.notes.push(`the changed lines could not be read: ${diffs.failed}`);
  for (const commit of kept)
    for (const [file, touches] of touched.get(commit.sha) ?? []) commit.files.set(file, touches);
  await store.append(
    "trueup.commits",
    ["sha", "time", "subject", "file", "touches"],
    kept.flatMap((commit) => rowsOf(commit)),
  );
  const notes = [...source.notes];
  if (cut) notes.push(`only the latest ${plural(COMMITS_MAX, "commit")} were read; name a time with --since`);
  if (diffs.failed === null && (diffs.cut || kept.length > DIFFS_MAX))
    notes.push(`the changed lines of only the latest ${plural(touched.size, "commit")} were looked at`);
  const { name, kind, path } = source;
  return {
    input: { name, kind, path, bytes: source.bytes, rows: kept.length, rejected: 0, tables: [], notes },
    tables: [],
    log: null,
  };
}

/** The diffs; a history of which objects are missing (a partial clone) still has its commits. */
async function patchesOf(
  run: (args: readonly string[]) => Promise<{ text: string; cut: boolean }>,
  args: readonly string[],
): Promise<{ text: string; cut: boolean; failed: string | null }> {
  try {
    return { ...(await run(args)), failed: null };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { text: "", cut: false, failed: error.message };
  }
}

function rowsOf({ sha, time, subject, files }: Commit): (string | null)[][] {
  const when = new Date(time);
  const at = Number.isNaN(when.getTime()) ? null : when.toISOString().replace("T", " ").replace("Z", "");
  const head = [sha, at, subject.slice(0, SUBJECT_MAX)];
  const list = [...files].slice(0, FILES_MAX);
  return list.length === 0
    ? [[...head, null, null]]
    : list.map(([file, touches]) => [...head, file, touches]);
}

/** Commits of `git log --name-only` with records that begin with NUL. */
function commitsOf(text: string): Commit[] {
  return text
    .split("\0")
    .slice(1)
    .flatMap((record) => {
      const [head = "", ...lines] = record.split("\n");
      const [sha, time, ...subject] = head.split("\x01");
      if (!sha || !time || !/^[0-9a-f]{40,64}$/.test(sha)) return [];
      const files = lines.filter((line) => line !== "").map((file): [string, null] => [file, null]);
      return [{ sha, time, subject: subject.join(" "), files: new Map<string, string | null>(files) }];
    });
}

/** Of each commit with a diff, its files and what their added and removed lines touch. */
function touchesOf(text: string): Map<string, Map<string, string | null>> {
  const commits = new Map<string, Map<string, string | null>>();
  for (const record of text.split("\0").slice(1)) {
    const lines = record.split("\n");
    const sha = lines[0]?.split("\x01", 1)[0] ?? "";
    const files = new Map<string, string | null>();
    commits.set(sha, files);
    let file: string | null = null;
    let inHunk = false;
    for (const line of lines.slice(1)) {
      if (line.startsWith("diff --git ")) {
        file = / b\/(.*)$/.exec(line)?.[1] ?? null;
        inHunk = false;
        if (file !== null) files.set(file, null);
      } else if (line.startsWith("@@")) inHunk = true;
      else if (
        inHunk &&
        file !== null &&
        files.get(file) === null &&
        /^[+-]/.test(line) &&
        line.length < 2000
      ) {
        const hit = TOUCHES.find(([pattern]) => pattern.test(line));
        if (hit) files.set(file, hit[1]);
      }
    }
  }
  return commits;
}

/**
 * Runs git so that nothing of the repository or the machine runs or is written: no hooks, no pager, no helper program,
 * no configuration of the user or the system, no locks, no network.
 */
function git(
  root: string,
  args: readonly string[],
  signal: AbortSignal,
  shown: string,
  programPath: string,
): Promise<{ text: string; cut: boolean }> {
  const safe = [
    "--no-pager",
    "--no-optional-locks",
    "--literal-pathspecs",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.attributesFile=/dev/null",
    "-c",
    "core.quotePath=false",
    "-c",
    "log.showSignature=false",
    "-c",
    "log.mailmap=false",
    "-c",
    "protocol.allow=never",
    "-c",
    "safe.directory=*",
    "-c",
    "gc.auto=0",
  ];
  const environment = {
    PATH: programPath,
    // Not the repository around it, when this one is broken.
    GIT_CEILING_DIRECTORIES: dirname(root),
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_TERMINAL_PROMPT: "0",
    GIT_NO_LAZY_FETCH: "1",
    GIT_OPTIONAL_LOCKS: "0",
    LC_ALL: "C",
    HOME: "/nonexistent",
  };
  return new Promise((resolve, reject) => {
    const child = spawn("git", [...safe, "-C", root, ...args], {
      env: environment,
      stdio: ["ignore", "pipe", "pipe"],
      signal,
      timeout: TIMEOUT_MS,
    });
    const chunks: Buffer[] = [];
    let bytes = 0;
    let cut = false;
    let complaint = "";
    child.stdout.on("data", (chunk: Buffer) => {
      if (bytes + chunk.length > OUTPUT_MAX_BYTES) {
        cut = true;
        child.kill();
        return;
      }
      bytes += chunk.length;
      chunks.push(chunk);
    });
    child.stderr.on("data", (chunk: Buffer) => {
      complaint = (complaint + chunk.toString("utf8")).slice(0, 2000);
    });
    child.on("error", (error) => {
      if (signal.aborted) return reject(new Interrupted());
      const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
      reject(
        new UserError(
          `${shown}: ${missing ? "git is needed to read a history and is not installed" : messageOf(error)}`,
        ),
      );
    });
    child.on("close", (code, killed) => {
      const empty = /does not have any commits yet/.test(complaint);
      if (code === 0 || cut || empty)
        resolve({ text: empty ? "" : Buffer.concat(chunks).toString("utf8"), cut });
      else if (killed !== null)
        reject(new UserError(`${shown}: git was stopped after ${TIMEOUT_MS / 1000} s`));
      else
        reject(
          new UserError(
            `${shown}: git cannot read it (${(complaint.split("\n", 1)[0] ?? "").replace(/^fatal: /, "")})`,
          ),
        );
    });
  });
}

/** Where programs are looked for: absolute folders only, never the current one, which may be the repository. */
function pathOf(searchPath: string): string {
  const folders = searchPath.split(delimiter).filter(isAbsolute);
  return (folders.length > 0 ? folders : ["/usr/local/bin", "/usr/bin", "/bin"]).join(delimiter);
}
