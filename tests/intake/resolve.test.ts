/** What the user names, and which inputs come of it. */

import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { DatabaseSync } from "@photostructure/sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { resolveInputs } from "../../src/intake/resolve.ts";
import { sniff } from "../../src/intake/sniff.ts";
import { Folder } from "../kit/intake.ts";
import { testSettings } from "../kit/tables.ts";

let folder: Folder;
beforeEach(() => {
  folder = new Folder();
});
afterEach(() => folder.remove());

const LINE = "2025-01-01 00:00:00 INFO started\n";
const CALLS =
  '{"uuid":"1","sessionId":"s","message":{"role":"user"}}\n{"uuid":"2","sessionId":"s","message":{"role":"user"}}\n';

function files(contents: Record<string, string | Buffer>): void {
  for (const [name, content] of Object.entries(contents)) {
    mkdirSync(dirname(folder.at(name)), { recursive: true });
    writeFileSync(folder.at(name), content);
  }
}

function database(name: string): void {
  const db = new DatabaseSync(folder.at(name));
  db.exec("CREATE TABLE t (a)");
  db.close();
}

async function resolved(...paths: string[]) {
  const inputs = paths.map((path) => {
    const [, name = null, rest = path] = /^(\w+)=(.*)$/.exec(path) ?? [];
    return { name, path: rest, timezone: null };
  });
  const settings = testSettings({ cwd: folder.path, inputs });
  const { sources, failed } = await resolveInputs(settings, folder.path, new AbortController().signal);
  return {
    sources: sources.map(({ name, kind, path, files: parts }) => [
      name,
      kind,
      path,
      parts.map((part) => part.slice(folder.path.length + 1)),
    ]),
    notes: sources.flatMap((source) => source.notes),
    failed: failed.map((input) => input.error ?? input.notes[0]),
  };
}

test("a directory gives its logs, databases and data, and one input for its source code", async () => {
  files({
    "in/app.log": LINE,
    "in/deep/usage.csv": "id,tokens\n1,2\n",
    "in/src/main.ts": "export {};\n",
    "in/src/other.py": "x = 1\n",
    "in/package.json": '{"files": [{"a": 1}]}\n',
    "in/node_modules/x/app.log": LINE,
    "in/.git/app.log": LINE,
    "in/README.md": "# Read me\n",
    "in/.eslintrc": '{"extends": ["a"], "env": {"x": true},}\n',
    "in/logo.png": Buffer.from("\x89PNG\r\n\x1a\n\0\0\0", "latin1"),
  });
  database("in/usage.db");
  const { sources, failed } = await resolved("in");
  expect(sources).toEqual([
    ["app_log", "log", "in/app.log", ["in/app.log"]],
    ["usage", "csv", "in/deep/usage.csv", ["in/deep/usage.csv"]],
    ["usage_2", "sqlite", "in/usage.db", ["in/usage.db"]],
    ["in", "code", "in", ["in"]],
  ]);
  expect(failed).toEqual([]);
});

test("a program's own files are no evidence: its JSON, documents, tests, vendored and built folders; told", async () => {
  files({
    "app/src/a.ts": "export {};\n",
    "app/src/b.ts": "export {};\n",
    "app/src/c.ts": "export {};\n",
    "app/src/seed.json": '[{"id": 1, "tokens": 2}]\n',
    "app/expected.json": '{"findings": [{"id": 1}]}\n',
    "app/package-lock.json": '{"packages": [{"id": 1}]}\n',
    "app/tsconfig.json": '{"x": [{"id": 1}]}\n',
    "app/log.md": LINE,
    "app/CHANGES.rst": LINE,
    "app/src/log.rs": "fn main() {}\n",
    "app/tests/fixtures/app.log": LINE,
    "app/vendor/lib/out.log": LINE,
    "app/dist/usage.csv": "id,tokens\n1,2\n",
    "app/var/app.log": LINE,
    "app/var/calls.jsonl": CALLS,
    "app/var/dump.sql":
      "--\n-- PostgreSQL database dump\n--\n\nSET statement_timeout = 0;\nCOPY t (a) FROM stdin;\n1\n\\.\n",
  });
  database("app/usage.db");
  const { sources, notes, failed } = await resolved("app");
  expect(sources.map(([name, kind, path]) => [name, kind, path])).toEqual([
    ["usage", "sqlite", "app/usage.db"],
    ["app_log", "log", "app/var/app.log"],
    ["calls", "json", "app/var/calls.jsonl"],
    ["dump", "sql-dump", "app/var/dump.sql"],
    ["app", "code", "app"],
  ]);
  expect(notes).toEqual([
    "5 data files are taken as part of the program and not read: dist/usage.csv, expected.json, src/seed.json and 2 more; name what is evidence",
  ]);
  expect(failed).toEqual([]);
});

test.each<[string, string, string[]]>([
  ["a named folder of fixtures is evidence", "app/tests", ["app_log"]],
  ["a script beside JSON documents makes no program of them", "data", ["one", "data"]],
])("%s", async (_name, path, names) => {
  files({
    "app/main.py": "x = 1\n",
    "app/tests/fixtures/app.log": LINE,
    "data/convert.py": "x = 1\n",
    "data/one.json": '[{"id": 1, "tokens": 2}]\n',
  });
  expect((await resolved(path)).sources.map(([name]) => name)).toEqual(names);
});

const ENGINE = "CREATE TABLE `t` (\n  `a` int\n) ENGINE=InnoDB;\n";
const SCRIPTS: [name: string, text: string, kinds: string[]][] = [
  ["MySQL's words, no rows", ENGINE, ["code"]],
  ["MySQL's words and a program's own rows", `${ENGINE}INSERT INTO t (a) VALUES (1);\n`, ["code"]],
  [
    "rows of another table",
    "BEGIN TRANSACTION;\nCREATE TABLE t (a);\nINSERT INTO t (a)\nSELECT value FROM u;\n",
    ["code"],
  ],
  ["the schema that pg_dump writes", "SET statement_timeout = 0;\nCREATE TABLE t (a int);\n", ["code"]],
  [
    "rows that pg_dump writes",
    "SET statement_timeout = 0;\nCOPY t (a) FROM stdin;\n1\n\\.\n",
    ["sql-dump", "code"],
  ],
  [
    "rows that mysqldump writes",
    `-- MySQL dump 10.13\n${ENGINE}INSERT INTO t VALUES (1);\n`,
    ["sql-dump", "code"],
  ],
  [
    "rows that SQLite writes",
    "BEGIN TRANSACTION;\nCREATE TABLE t (a);\nINSERT INTO t VALUES(1);\nCOMMIT;\n",
    ["sql-dump", "code"],
  ],
];
test.each(SCRIPTS)(
  "a .sql file beside source code is a dump when it holds a dump's rows: %s",
  async (_, text, kinds) => {
    files({ "app/main.go": "package main\n", "app/migrations/1.sql": text });
    expect((await resolved("app")).sources.map(([, kind]) => kind)).toEqual(kinds);
  },
);

test("a schema without source code around it is a dump", async () => {
  files({ "dumps/schema.sql": "SET statement_timeout = 0;\nCREATE TABLE t (a int);\n" });
  expect((await resolved("dumps")).sources.map(([, kind]) => kind)).toEqual(["sql-dump"]);
});

test("a program without data is read as code alone, and its JSON is told", async () => {
  files({ "app/a.py": "x = 1\n", "app/b.py": "x = 1\n", "app/rates.json": '[{"id": 1}]\n' });
  const { sources, notes } = await resolved("app");
  expect(sources.map(([name, kind]) => [name, kind])).toEqual([["app", "code"]]);
  expect(notes).toEqual([
    "1 data file is taken as part of the program and not read: rates.json; name what is evidence",
  ]);
});

test("a rotated set is one log, oldest part first, by a glob, by the shell or in a directory", async () => {
  files({
    "l/app.log": LINE,
    "l/app.log.1": LINE,
    "l/app.log.10.gz": gzipSync(LINE),
    "l/app.log.2": LINE,
    "l/other.log": LINE,
    "l/worker-1.log": LINE,
    "l/worker-2.log": LINE,
    "l/web.log": LINE,
    "l/web.log-20260102": LINE,
    "l/web.log-20260101.gz": gzipSync(LINE),
  });
  const parts = ["l/app.log.10.gz", "l/app.log.2", "l/app.log.1", "l/app.log"];
  const set = ["app_log", "log", "l/app.log", parts];
  expect((await resolved("l/app.log*")).sources).toEqual([set]);
  expect((await resolved("l/app.log", "l/app.log.1", "l/app.log.10.gz", "l/app.log.2")).sources).toEqual([
    set,
  ]);
  expect((await resolved("l")).sources).toEqual([
    set,
    ["other_log", "log", "l/other.log", ["l/other.log"]],
    ["web_log", "log", "l/web.log", ["l/web.log-20260101.gz", "l/web.log-20260102", "l/web.log"]],
    ["worker_1_log", "log", "l/worker-1.log", ["l/worker-1.log"]],
    ["worker_2_log", "log", "l/worker-2.log", ["l/worker-2.log"]],
  ]);
});

test("a log that is named alone is read alone, and its unread parts are told", async () => {
  files({ "app.log": LINE, "app.log.1": LINE });
  const { sources, notes } = await resolved("app.log");
  expect(sources).toEqual([["app_log", "log", "app.log", ["app.log"]]]);
  expect(notes).toEqual(["rotated parts beside it were not read: app.log.1; name app.log* to read them"]);
});

test("files of one shape that a directory gives are one input", async () => {
  files({
    "d/part-1.csv": "a,b\n1,2\n",
    "d/part-2.csv": "a,b\n3,4\n",
    "d/other.csv": "c,d\n3,4\n",
    "s/0a1.jsonl": CALLS,
    "s/0b2.jsonl": CALLS,
  });
  expect((await resolved("d", "s")).sources).toEqual([
    ["other", "csv", "d/other.csv", ["d/other.csv"]],
    ["part", "csv", "d", ["d/part-1.csv", "d/part-2.csv"]],
    ["s", "json", "s", ["s/0a1.jsonl", "s/0b2.jsonl"]],
  ]);
});

test("a file of JSON lines in a directory is read when it has one line yet", async () => {
  files({ "t/today.jsonl": CALLS.split("\n")[0]!, "t/settings.json": '{"theme": "dark"}' });
  expect((await resolved("t")).sources).toEqual([["today", "json", "t/today.jsonl", ["t/today.jsonl"]]]);
});

test("names: given ones, repeated ones, reserved ones, files named twice", async () => {
  files({ "main.csv": "a,b\n1,2\n", "x/app.log": LINE, "y/app.log": LINE });
  database("usage.db");
  const { sources } = await resolved("billing=usage.db", "usage.db", "main.csv", "x/app.log", "y/app.log");
  expect(sources.map(([name]) => name)).toEqual(["billing", "main_2", "app_log", "app_log_2"]);
});

test("a database's log and shared memory are no inputs", async () => {
  database("usage.db");
  files({ "usage.db-wal": "x", "usage.db-shm": "x" });
  const { sources, failed } = await resolved("usage.db", "usage.db-shm", "usage.db-wal");
  expect(sources.map(([name]) => name)).toEqual(["usage"]);
  expect(failed).toEqual([]);
  expect((await resolved("usage.db-wal")).failed).toEqual([
    "usage.db-wal: is a part of usage.db and read with it; name that",
  ]);
});

test("what cannot be read is one line each, and the rest is still there", async () => {
  files({
    "app.log": LINE,
    "empty.log": "",
    "noise.db": Buffer.from([...Array(4000)].map((_, i) => (i * 7919) % 251)),
    "none/readme": "hello\n",
  });
  mkdirSync(folder.at("void"));
  const { sources, failed } = await resolved(
    "missing.db",
    "app.log",
    "empty.log",
    "noise.db",
    "void",
    "*.nope",
  );
  expect(sources.map(([name]) => name)).toEqual(["app_log"]);
  expect(failed).toEqual([
    "missing.db: no such file or directory",
    "noise.db: encrypted or damaged: it does not begin with SQLite's header",
    "void: no log, database, dump or source code in this directory",
    "*.nope: no file matches that trueup reads",
    "the file is empty",
  ]);
  expect((await resolved("empty.log")).failed).toEqual(["empty.log: the file is empty"]);
});

test("without inputs the current directory is looked through, and told; loops of links end", async () => {
  files({ "app.log": LINE });
  symlinkSync(folder.path, folder.at("loop"));
  symlinkSync(join(folder.path, "gone"), folder.at("broken"));
  const { sources, notes } = await resolved();
  expect(sources.map(([name]) => name)).toEqual(["app_log"]);
  expect(notes[0]).toBe("no input was named: this is what the current directory holds");
  expect(notes.some((note) => note.endsWith("broken is a link to nothing"))).toBe(true);
});

test("a server's password is shown nowhere", async () => {
  const { sources } = await resolved("postgres://me:secret@host/app?password=x");
  expect(sources[0]?.slice(0, 3)).toEqual(["app", "postgres", "postgres://me@host/app"]);
});

describe("kinds are told by content", () => {
  test.each<[string, string | Buffer, string | null]>([
    ["x.bin", Buffer.concat([Buffer.alloc(8), Buffer.from("DUCK")]), "duckdb"],
    ["x", "PAR1....", "parquet"],
    ["x.sql", "PGDMP\x01\x0e", "postgres-archive"],
    [
      "dump.txt",
      "--\n-- PostgreSQL database dump\n--\n\nSET statement_timeout = 0;\nCOPY t (a) FROM stdin;\n1\n\\.\n",
      "sql-dump",
    ],
    ["dump", "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE t(a);\n", "sql-dump"],
    ["schema.sql", "CREATE TABLE t (a int);\n", "code"],
    ["a.jsonl", '{"level":30,"time":1737000000000,"msg":"llm call"}\n', "log"],
    ["a.jsonl", '{"event":"started","level":"info","timestamp":"2025-01-01T00:00:00Z"}\n', "log"],
    ["a.jsonl", '{"log":"hello\\n","stream":"stdout","time":"2025-01-01T00:00:00Z"}\n', "log"],
    ["a.jsonl", CALLS, "json"],
    ["a.log", CALLS, "json"],
    [
      "a.jsonl",
      '{"event":"message_send","properties":{"cost":1},"time":1}\n{"event":"exit","properties":{},"time":2}\n',
      "json",
    ],
    ["a", '[\n {"id": 1},\n {"id": 2}\n]\n', "json"],
    ["a.txt", "[INFO]  2026/01/15 - 09:01:12 | x\n[INFO]  2026/01/15 - 09:01:13 | y\n", "log"],
    ["a.txt", "id,model,tokens\n1,gpt,2\n2,gpt,3\n", "csv"],
    ["a.txt", "2025-01-01 00:00:00,123 INFO a\n2025-01-01 00:00:01,123 INFO b\n", "log"],
    ["a.txt", Buffer.from("\uFEFF2025-01-01 00:00:00 INFO a\n", "utf16le"), "log"],
    ["a.gz", gzipSync(LINE), "log"],
    ["a.zip", "PK\x03\x04....", null],
  ])("%s %j", (name, content, kind) => {
    expect(sniff(name, Buffer.isBuffer(content) ? content : Buffer.from(content, "latin1")).kind).toBe(kind);
  });
});
