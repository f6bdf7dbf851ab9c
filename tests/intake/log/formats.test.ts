import { describe, expect, test } from "vitest";
import { readLog } from "./reading.ts";

type Case = [format: string, line: string, time: string, level: string | null, logger: string | null];

const NOW = "2026-06-01T00:00:00Z";

/** One line of each format; written three times, as a log of one line tells less. */
const CASES: Case[] = [
  [
    "python logging",
    "2025-11-23 16:30:35 - openai_provider - INFO - openai_provider.py:108 - Token usage: 1 prompt + 2 completion = 3 total",
    "2025-11-23T16:30:35Z",
    "INFO",
    "openai_provider",
  ],
  ["python logging", "2012-07-02 10:22:40,672:DEBUG:foo bar baz", "2012-07-02T10:22:40.672Z", "DEBUG", null],
  [
    "python logging",
    "2025-01-02 03:04:05,006 - app.db - WARNING - slow",
    "2025-01-02T03:04:05.006Z",
    "WARNING",
    "app.db",
  ],
  [
    "loguru",
    "2025-01-02 03:04:05.678 | INFO     | app.main:run:12 - started",
    "2025-01-02T03:04:05.678Z",
    "INFO",
    "app.main:run:12",
  ],
  [
    "JSON lines",
    '{"level":30,"time":1737000000000,"pid":1,"hostname":"h","msg":"llm call"}',
    "2025-01-16T04:00:00Z",
    "info",
    null,
  ],
  [
    "JSON lines",
    '{"name":"renovate","hostname":"h","pid":7,"level":50,"msg":"found","time":"2023-03-24T14:26:16.243Z","v":0}',
    "2023-03-24T14:26:16.243Z",
    "error",
    "renovate",
  ],
  [
    "JSON lines",
    '{"event":"call","level":"warning","logger":"llm","timestamp":"2025-01-15T10:00:00.5+01:00"}',
    "2025-01-15T09:00:00.5Z",
    "warning",
    "llm",
  ],
  ["JSON lines", '{"ts":1737000000.25,"level":"info","msg":"zap"}', "2025-01-16T04:00:00.25Z", "info", null],
  [
    "logfmt",
    'level=info ts=2026-01-15T09:01:12Z msg="llm call" input_tokens=42 output_tokens=17 req_id=req_123',
    "2026-01-15T09:01:12Z",
    "info",
    null,
  ],
  [
    "logfmt",
    'time="2021-09-15T21:17:10.220731Z" level=error msg="pod is \\"gone\\"" component=kubelet',
    "2021-09-15T21:17:10.220731Z",
    "error",
    "kubelet",
  ],
  [
    "log4j",
    "2015-07-29 17:41:44,747 - INFO  [QuorumPeer[myid=1]/0:0:0:0:0:0:0:0:2181:FastLeaderElection@774] - Notification",
    "2015-07-29T17:41:44.747Z",
    "INFO",
    "FastLeaderElection",
  ],
  [
    "log4j",
    "081109 203615 148 INFO dfs.DataNode$PacketResponder: terminating",
    "2008-11-09T20:36:15Z",
    "INFO",
    "dfs.DataNode$PacketResponder",
  ],
  [
    "log4j",
    "17/06/09 20:10:40 INFO executor.CoarseGrainedExecutorBackend: Registered",
    "2017-06-09T20:10:40Z",
    "INFO",
    "executor.CoarseGrainedExecutorBackend",
  ],
  [
    "log4j",
    "2025-03-04 05:06:07.089 [main] ERROR com.acme.Service - failed",
    "2025-03-04T05:06:07.089Z",
    "ERROR",
    "com.acme.Service",
  ],
  [
    "Spring Boot",
    "2025-03-04T05:06:07.089+02:00  WARN 4711 --- [app] [main] c.acme.Service : late",
    "2025-03-04T03:06:07.089Z",
    "WARN",
    "c.acme.Service",
  ],
  [
    "syslog",
    "Jun 14 15:16:01 combo sshd(pam_unix)[19939]: authentication failure",
    "2025-06-14T15:16:01Z",
    null,
    "sshd(pam_unix)",
  ],
  ["syslog", "<34>Oct 11 22:14:15 mymachine su: 'su root' failed", "2025-10-11T22:14:15Z", null, "su"],
  [
    "syslog RFC 5424",
    '<165>1 2003-10-11T22:14:15.003Z host.example evntslog 123 ID47 [ex@32473 iut="3"] An event',
    "2003-10-11T22:14:15.003Z",
    null,
    "evntslog",
  ],
  [
    "access log",
    '127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /a.gif HTTP/1.0" 200 2326',
    "2000-10-10T20:55:36Z",
    null,
    null,
  ],
  [
    "nginx error",
    "2025/02/03 04:05:06 [error] 12#34: *5 connect() failed",
    "2025-02-03T04:05:06Z",
    "error",
    null,
  ],
  [
    "Apache error",
    "[Sun Dec 04 04:47:44 2005] [notice] workerEnv.init() ok",
    "2005-12-04T04:47:44Z",
    "notice",
    null,
  ],
  [
    "Apache error",
    "[Fri Sep 09 10:42:29.902022 2011] [core:error] [pid 35708] File does not exist",
    "2011-09-09T10:42:29.902022Z",
    "error",
    "core",
  ],
  [
    "Ruby logger",
    "I, [2025-01-02T03:04:05.678901 #4711]  INFO -- web: Started GET",
    "2025-01-02T03:04:05.678901Z",
    "INFO",
    "web",
  ],
  [
    "Laravel",
    "[2023-05-15 18:19:32] local.ERROR: Target class does not exist.",
    "2023-05-15T18:19:32Z",
    "ERROR",
    "local",
  ],
  [
    "PostgreSQL",
    "2025-08-13 01:45:01.123 PDT [12345] LOG:  starting PostgreSQL",
    "2025-08-13T08:45:01.123Z",
    "LOG",
    null,
  ],
  [
    "OpenStack",
    "nova-api.log.1.2017-05-16_13:53:08 2017-05-16 00:00:00.008 25746 INFO nova.wsgi [req-1 - -] GET",
    "2017-05-16T00:00:00.008Z",
    "INFO",
    "nova.wsgi",
  ],
  ["klog", "E0102 15:04:05.678901   12345 file.go:12] boom", "2026-01-02T15:04:05.678901Z", "ERROR", null],
  [
    "ISO 8601 with a dash times",
    "[INFO]  2026/01/15 - 09:01:12 | rid | record",
    "2026-01-15T09:01:12Z",
    "INFO",
    null,
  ],
  ["epoch times", "1428634687123 Hello, World!", "2015-04-10T02:58:07.123Z", null, null],
  ["epoch times", "1428634687 Hello, World!", "2015-04-10T02:58:07Z", null, null],
  ["epoch times", "1428634687.5 Hello, World!", "2015-04-10T02:58:07.5Z", null, null],
  ["epoch times", "1428634687123456 Hello, World!", "2015-04-10T02:58:07.123456Z", null, null],
  ["epoch times", "1428634687123456789 Hello, World!", "2015-04-10T02:58:07.123456Z", null, null],
  ["DD-MM-YYYY times", "23-08-2025 14:05:09 | claude-opus | hello", "2025-08-23T14:05:09Z", null, null],
  ["DD-MM-YYYY times", "08/23/2025 14:05:09 ERROR hello", "2025-08-23T14:05:09Z", "ERROR", null],
  [
    "day, month name times",
    "23 Nov 2025 10:11:12.123 * Ready to accept connections",
    "2025-11-23T10:11:12.123Z",
    null,
    null,
  ],
  [
    "day, month name times",
    "02-Jan-2006 15:04:05.123 INFO [main] org.apache.X.y Z",
    "2006-01-02T15:04:05.123Z",
    "INFO",
    null,
  ],
  ["MM-DD, no year times", "[10.30 16:49:06] chrome.exe - proxy open", "2025-10-30T16:49:06Z", null, null],
  ["compact ISO 8601 times", "20250102T030405Z started", "2025-01-02T03:04:05Z", null, null],
  ["RFC 1123 times", "Mon, 06 Jan 2025 15:04:05 GMT something", "2025-01-06T15:04:05Z", null, null],
  ["month name, 12 hours times", "Jan 6, 2025 3:04:05 PM com.acme.A b", "2025-01-06T15:04:05Z", null, null],
  ["ISO 8601 times", "2025-01-02 03:04:05 +0530 [info] hello", "2025-01-01T21:34:05Z", "info", null],
];

describe("one line of each format", () => {
  test.each(CASES)("%s: %s", async (format, line, time, level, logger) => {
    const { loaded, lines } = await readLog(`${line}\n${line}\n${line}\n`, { now: NOW });
    expect(lines.map((row) => [row.time, row.level, row.logger])).toEqual(
      new Array(3).fill([time, level, logger]),
    );
    expect(loaded.log?.format).toBe(format);
    expect(loaded.input).toMatchObject({ rows: 3, rejected: 0 });
  });
});

describe("envelopes", () => {
  const cases: [string, string, string, string][] = [
    [
      "Docker",
      '{"log":"2025-11-23 16:30:35 - app - INFO - hello\\n","stream":"stdout","time":"2025-11-23T16:30:35.123456789Z"}',
      "2025-11-23T16:30:35.123456Z",
      "hello",
    ],
    [
      "CRI",
      "2016-10-06T00:17:09.669794202Z stdout F log content",
      "2016-10-06T00:17:09.669794Z",
      "log content",
    ],
    [
      "journald",
      '{"__REALTIME_TIMESTAMP":"1700000000000000","MESSAGE":"Started job","PRIORITY":"6"}',
      "2023-11-14T22:13:20Z",
      "Started job",
    ],
    [
      "CloudWatch",
      '{"timestamp":1700000000000,"message":"plain words","ingestionTime":1700000000500}',
      "2023-11-14T22:13:20Z",
      "plain words",
    ],
    ["docker compose", "web-1  | 2024-04-25T05:32:35.018Z INFO ready", "2024-04-25T05:32:35.018Z", "ready"],
  ];
  test.each(cases)("%s is taken off", async (name, line, time, message) => {
    const { loaded, lines } = await readLog(`${line}\n${line}\n`);
    expect(loaded.log?.format).toContain(name);
    expect(lines.map((row) => row.time)).toEqual([time, time]);
    expect(String(lines[0]?.message)).toContain(message);
  });

  test("inside Docker's, lines without an own time belong to the entry above", async () => {
    const wrap = (text: string, second: number) =>
      JSON.stringify({ log: `${text}\n`, stream: "stderr", time: `2025-11-23T16:30:${second}.5Z` });
    const { lines, answers } = await readLog(
      [
        wrap("2025-11-23 16:30:35 - app - ERROR - failed", 35),
        wrap("Traceback (most recent call last):", 36),
        wrap("ValueError: no", 37),
        wrap("2025-11-23 16:30:38 - app - INFO - on", 38),
      ].join("\n"),
      {},
      ['SELECT count(time) AS n FROM trueup."log app_log"'],
    );
    expect(answers[0]).toEqual([{ n: 2 }]);
    expect(lines.map((row) => row.time)).toEqual([
      "2025-11-23T16:30:35.5Z",
      "2025-11-23T16:30:35.5Z",
      "2025-11-23T16:30:35.5Z",
      "2025-11-23T16:30:38.5Z",
    ]);
  });
});

describe("entries", () => {
  test("over several lines carry time, level and logger of their first line", async () => {
    const { lines } = await readLog(
      [
        "2025-11-23 16:30:35 - app - ERROR - failed",
        "Traceback (most recent call last):",
        '  File "app.py", line 1, in run',
        "",
        "KeyError: 'x'",
        "2025-11-23 16:30:36 - db - INFO - next",
      ].join("\n"),
    );
    expect(lines.map((row) => [row.line, row.time, row.level, row.logger, row.message])).toEqual([
      [1, "2025-11-23T16:30:35Z", "ERROR", "app", "failed"],
      [2, "2025-11-23T16:30:35Z", "ERROR", "app", "Traceback (most recent call last):"],
      [3, "2025-11-23T16:30:35Z", "ERROR", "app", '  File "app.py", line 1, in run'],
      [4, "2025-11-23T16:30:35Z", "ERROR", "app", ""],
      [5, "2025-11-23T16:30:35Z", "ERROR", "app", "KeyError: 'x'"],
      [6, "2025-11-23T16:30:36Z", "INFO", "db", "next"],
    ]);
  });

  test("of two formats in one file all have their times", async () => {
    const { lines } = await readLog(
      [
        "2025-11-23 16:30:35 - app - INFO - one",
        '10.0.0.1 - - [23/Nov/2025:16:30:36 +0000] "GET / HTTP/1.1" 200 5',
        "2025-11-23 16:30:37 - app - INFO - three",
      ].join("\n"),
    );
    expect(lines.map((row) => row.time)).toEqual([
      "2025-11-23T16:30:35Z",
      "2025-11-23T16:30:36Z",
      "2025-11-23T16:30:37Z",
    ]);
  });

  test("a date or a clock inside a message starts no entry", async () => {
    const { lines } = await readLog(
      [
        "2025-11-23 16:30:35 - app - INFO - report",
        "2025-11-22",
        "12:30:45 lunch",
        "   2025-11-20 10:00:00 indented",
        "2025-11-23 16:30:36 - app - INFO - done",
      ].join("\n"),
    );
    expect(lines.map((row) => row.time)).toEqual([
      ...new Array(4).fill("2025-11-23T16:30:35Z"),
      "2025-11-23T16:30:36Z",
    ]);
  });

  test("text without any time is a log all the same", async () => {
    const { loaded, lines } = await readLog("hello\nworld\n");
    expect(lines.map((row) => [row.time, row.message])).toEqual([
      [null, "hello"],
      [null, "world"],
    ]);
    expect(loaded.input.notes).toEqual(["no line begins with a time"]);
  });

  test("seconds before and after a fraction, and a zone that changes, are read alike", async () => {
    const { lines } = await readLog(
      [
        "2025-01-02 03:04:05 app started",
        "2025-01-02 03:04:05.5 app",
        "2025-01-02T03:04:05Z app",
        "2025-01-02T03:04:05.123456789+01:00 app",
        "2025-01-02 03:04:05,250 UTC app",
      ].join("\n"),
      { timezone: "Europe/Berlin" },
    );
    expect(lines.map((row) => row.time)).toEqual([
      "2025-01-02T02:04:05Z",
      "2025-01-02T02:04:05.5Z",
      "2025-01-02T03:04:05Z",
      "2025-01-02T02:04:05.123456Z",
      "2025-01-02T03:04:05.25Z",
    ]);
  });

  test("terminal colours do not hide the time", async () => {
    const { lines } = await readLog(
      "\x1b[32m2025-01-02 03:04:05\x1b[0m INFO ok\n\x1b[32m2025-01-02 03:04:06\x1b[0m INFO ok\n",
    );
    expect(lines.map((row) => [row.time, row.level, row.message])).toEqual([
      ["2025-01-02T03:04:05Z", "INFO", "ok"],
      ["2025-01-02T03:04:06Z", "INFO", "ok"],
    ]);
  });
});

describe("local times", () => {
  test("follow the zone's daylight saving", async () => {
    const { lines } = await readLog(
      "2025-01-15 12:00:00 - a - INFO - x\n2025-07-15 12:00:00 - a - INFO - y\n",
      {
        timezone: "America/New_York",
      },
    );
    expect(lines.map((row) => row.time)).toEqual(["2025-01-15T17:00:00Z", "2025-07-15T16:00:00Z"]);
  });

  test("a zone on the line wins over the log's", async () => {
    const { lines } = await readLog("2025-01-15T12:00:00Z - a - INFO - x\n", { timezone: "Asia/Tokyo" });
    expect(lines[0]?.time).toBe("2025-01-15T12:00:00Z");
  });
});
