import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readLog } from "./reading.ts";

const LINE = (second: number, text = "hello") =>
  `2025-11-23 16:30:${String(second).padStart(2, "0")} - app - INFO - ${text}`;
const TIMES = ["2025-11-23T16:30:01Z", "2025-11-23T16:30:02Z", "2025-11-23T16:30:03Z"];
const utf16be = (text: string) => Buffer.from(`\uFEFF${text}`, "utf16le").swap16();

describe("bytes that a log should not have", () => {
  const three = [LINE(1), LINE(2), LINE(3)];
  const cases: [string, string | Buffer, string[]][] = [
    ["CRLF", `${three.join("\r\n")}\r\n`, []],
    ["no final newline", three.join("\n"), []],
    ["a byte order mark", `\uFEFF${three.join("\n")}\n`, []],
    ["UTF-16, little end first", Buffer.from(`\uFEFF${three.join("\r\n")}\r\n`, "utf16le"), []],
    ["UTF-16, big end first", utf16be(`${three.join("\n")}\n`), []],
    ["UTF-16 without a mark", Buffer.from(`${three.join("\n")}\n`, "utf16le"), []],
    ["mixed line ends", `${three[0]}\r\n${three[1]}\n${three[2]}\r\n`, []],
    ["carriage returns alone at line ends", `${three.join("\r")}\r`, []],
    [
      "bad UTF-8",
      Buffer.concat([
        Buffer.from(`${three[0]}\n${three[1]}`),
        Buffer.from([0xff, 0xfe, 0x0a]),
        Buffer.from(three[2]!),
      ]),
      ["2 byte sequences of no valid UTF-8 read as U+FFFD"],
    ],
    [
      "NULs after a truncation",
      Buffer.concat([Buffer.alloc(5000), Buffer.from(`${three.join("\n")}\n`)]),
      ["5,000 NUL bytes removed"],
    ],
    [
      "a carriage return inside a line",
      `${three[0]}\n${LINE(2, "10 %\r20 %")}\n${three[2]}\n`,
      ["1 carriage return inside lines kept as ␍"],
    ],
    ["the reader's delimiter", `${three[0]}\n${LINE(2, "a\x01\x02\x03\x04b")}\n${three[2]}\n`, []],
    [
      "a line of five megabytes",
      `${three[0]}\n${LINE(2, "x".repeat(5_000_000))}\n${three[2]}\n`,
      ["1 line cut at 1 Mi characters"],
    ],
    [
      "a line of one and a half megabytes",
      `${three[0]}\n${LINE(2, "x".repeat(1_500_000))}\n${three[2]}\n`,
      [],
    ],
  ];
  test.each(cases)("%s: every line is there with its time", async (_name, content, notes) => {
    const { loaded, lines } = await readLog(content);
    expect(loaded.input).toMatchObject({ rows: 3, rejected: 0, notes });
    expect(lines.map((row) => row.time)).toEqual(TIMES);
    expect(lines.map((row) => row.line)).toEqual([1, 2, 3]);
  });

  test("bad bytes in the middle of a large file, where no sample looks", async () => {
    const many = Array.from({ length: 20_000 }, (_, i) => LINE(i % 60, `number ${i} and so on and so on`));
    const bytes = Buffer.from(`${many.join("\n")}\n`);
    bytes[400_000] = 0xff;
    const { loaded } = await readLog(bytes, { named: "" });
    expect(loaded.input).toMatchObject({
      rows: 20_000,
      notes: ["1 byte sequence of no valid UTF-8 read as U+FFFD"],
    });
  });

  test("zero bytes in the middle of a large file do not hide the time after them", async () => {
    const many = Array.from({ length: 20_000 }, (_, i) => LINE(i % 60, `number ${i} and so on and so on`));
    const text = many.join("\n");
    const at = text.indexOf("\n", 400_000) + 1;
    const bytes = Buffer.concat([
      Buffer.from(text.slice(0, at)),
      Buffer.alloc(100),
      Buffer.from(text.slice(at)),
    ]);
    const { loaded, answers } = await readLog(bytes, { named: "" }, [
      'SELECT count(*) AS lines, count(time) AS times FROM trueup."log app_log"',
    ]);
    expect(answers[0]).toEqual([{ lines: 20_000, times: 20_000 }]);
    expect(loaded.input.notes).toEqual(["100 NUL bytes removed"]);
  });

  test("blank lines count", async () => {
    const { lines } = await readLog(`\n${LINE(1)}\n\n\n${LINE(2)}\n\n`);
    expect(lines.map((row) => row.message)).toEqual(["", "hello", "", "", "hello", ""]);
  });

  test("an empty file loads with no rows and says so", async () => {
    const { loaded } = await readLog("");
    expect(loaded.input).toMatchObject({ rows: 0, notes: ["app.log is empty"] });
    expect(loaded.log?.timeRange).toBeNull();
  });

  test("binary noise is refused with its path", async () => {
    const noise = Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 7919 + (i >> 3) * 131) % 256));
    await expect(readLog(noise)).rejects.toThrow(/^app\.log: /);
  });

  test("a file name with glob characters is that file", async () => {
    const { loaded } = await readLog({ "app[1]*.log": `${LINE(1)}\n`, "app1.log": "" });
    expect(loaded.input.rows).toBe(1);
  });
});

describe("whatever the bytes", () => {
  test("no line is lost and every line number is the file's", async () => {
    const byte = fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: 32, max: 126 }) },
      { weight: 2, arbitrary: fc.constantFrom(10, 13, 9, 34, 44, 92, 1, 27) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 255 }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(byte, { maxLength: 40 }), { maxLength: 12 }), async (texts) => {
        // A line feed ends a line, whatever else is in it; a first line with a time keeps it from being noise.
        const content = Buffer.concat([
          Buffer.from(`${LINE(1)}\n`),
          ...texts.map((text) => Buffer.from([...text.filter((b) => b !== 10), 10])),
        ]);
        const { loaded, lines } = await readLog(content);
        expect(loaded.input.rows + loaded.input.rejected).toBe(texts.length + 1);
        expect(lines.map((row) => row.line)).toEqual(
          Array.from({ length: texts.length + 1 }, (_, i) => i + 1),
        );
      }),
      { numRuns: 25 },
    );
  });

  test("times that were written come back", async () => {
    const writers: Record<string, (time: Date) => string> = {
      iso: (t) => `${t.toISOString()} INFO x`,
      python: (t) => `${t.toISOString().slice(0, 23).replace("T", " ").replace(".", ",")} - a - INFO - x`,
      millis: (t) => `${t.getTime()} x`,
      json: (t) => JSON.stringify({ level: 30, time: t.getTime(), msg: "x" }),
      logfmt: (t) => `level=info ts=${t.toISOString()} msg=x`,
      offset: (t) =>
        `${new Date(t.getTime() + 19_800_000).toISOString().slice(0, 23).replace("T", " ")} +0530 x`,
    };
    const time = fc
      .date({
        min: new Date("2002-01-01T00:00:00Z"),
        max: new Date("2033-01-01T00:00:00Z"),
        noInvalidDate: true,
      })
      .map((date) => new Date(date.getTime()));
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...Object.keys(writers)),
        fc.array(time, { minLength: 1, maxLength: 20 }),
        async (name, times) => {
          const write = writers[name] as (time: Date) => string;
          const { lines } = await readLog(`${times.map(write).join("\n")}\n`);
          expect(lines.map((row) => Date.parse(String(row.time)))).toEqual(times.map((t) => t.getTime()));
        },
      ),
      { numRuns: 25 },
    );
  });
});
