import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { zstdOf } from "../../kit/zstd.ts";
import { readLog } from "./reading.ts";

const LINE = (day: number, second: number) =>
  `2025-11-${day} 16:30:${String(second).padStart(2, "0")} - app - INFO - x\n`;

describe("a rotated set", () => {
  test("is one stream in the order of time, whatever order its parts are named in", async () => {
    const { loaded, lines, answers } = await readLog(
      {
        "app.log": LINE(23, 1) + LINE(23, 2),
        "app.log.1": LINE(22, 1),
        "app.log.2.gz": gzipSync(LINE(21, 1) + LINE(21, 2)),
      },
      {},
      ['SELECT line, time FROM trueup."log app_log" ORDER BY line'],
    );
    expect(answers[0]).toEqual([
      { line: 1, time: "2025-11-21T16:30:01Z" },
      { line: 2, time: "2025-11-21T16:30:02Z" },
      { line: 3, time: "2025-11-22T16:30:01Z" },
      { line: 4, time: "2025-11-23T16:30:01Z" },
      { line: 5, time: "2025-11-23T16:30:02Z" },
    ]);
    expect(lines.map((row) => [row.file, row.line])).toEqual([
      ["app.log", 1],
      ["app.log", 2],
      ["app.log.1", 1],
      ["app.log.2.gz", 1],
      ["app.log.2.gz", 2],
    ]);
    expect(loaded.input.rows).toBe(5);
    expect(loaded.input.notes).toEqual([
      "3 parts read as one stream: app.log.2.gz from line 1, app.log.1 from line 3, app.log from line 4",
    ]);
  });

  test("whose numbers go up with time is read in the order of time too", async () => {
    const { answers } = await readLog({ "app.log.1": LINE(21, 1), "app.log.2": LINE(22, 1) }, {}, [
      'SELECT time FROM trueup."log app_log" ORDER BY line',
    ]);
    expect(answers[0]?.map((row) => row.time)).toEqual(["2025-11-21T16:30:01Z", "2025-11-22T16:30:01Z"]);
  });

  test("without times goes from the highest number to the bare name", async () => {
    const { loaded } = await readLog({ "app.log": "c\n", "app.log.1": "b\n", "app.log.10": "a\n" });
    expect(loaded.input.notes.join("\n")).toContain(
      "app.log.10 from line 1, app.log.1 from line 2, app.log from line 3",
    );
  });

  test("with a hole says which parts are missing", async () => {
    const { loaded } = await readLog({ "app.log": LINE(23, 1), "app.log.3": LINE(20, 1) });
    expect(loaded.input.notes).toContain("parts of the rotated set are missing: .1, .2");
  });

  test("an entry goes on from one part into the next", async () => {
    const { answers } = await readLog(
      { "app.log.1": LINE(22, 1), "app.log": `  more of it\n${LINE(23, 1)}` },
      { ids: [{ pattern: "more", contains: null }] },
      ["SELECT line, time, id FROM trueup.mentions"],
    );
    expect(answers[0]).toEqual([{ line: 2, time: "2025-11-22T16:30:01Z", id: "more" }]);
  });
});

describe("compressed files", () => {
  test("zstd is read by its content, whatever its name", async () => {
    const { loaded, lines } = await readLog({
      "app.log": await zstdOf(LINE(21, 1) + LINE(21, 2)),
    });
    expect(loaded.input).toMatchObject({ rows: 2, notes: [] });
    expect(lines.map((row) => row.time)).toEqual(["2025-11-21T16:30:01Z", "2025-11-21T16:30:02Z"]);
  });

  test("several gzip members in one file are all read", async () => {
    const { loaded } = await readLog({
      "app.log.gz": Buffer.concat([gzipSync(LINE(21, 1)), gzipSync(LINE(21, 2))]),
    });
    expect(loaded.input.rows).toBe(2);
  });

  test.each([
    ["gzip", gzipSync],
    ["zstd", storedZstd],
  ])("%s with bad UTF-8 and mixed line ends is cleaned as plain files are", async (_, packed) => {
    const { loaded, lines } = await readLog({
      "app.log.packed": packed(
        Buffer.concat([
          Buffer.from(`${LINE(21, 1).trimEnd()}\r\n`),
          Buffer.from([0xff]),
          Buffer.from(`\n${LINE(21, 2)}`),
        ]),
      ),
    });
    expect(loaded.input).toMatchObject({
      rows: 3,
      notes: ["1 byte sequence of no valid UTF-8 read as U+FFFD"],
    });
    expect(lines.map((row) => row.line)).toEqual([1, 2, 3]);
  });

  test.each([
    ["gzip", async (text: string) => gzipSync(text)],
    ["zstd", zstdOf],
  ])("a truncated %s file gives what it holds and says that it is damaged", async (_, packed) => {
    const text = Array.from(
      { length: 30_000 },
      (_, i) => `${LINE(21, i % 60).trimEnd()} ${(i * 7919) % 10007}\n`,
    ).join("");
    const whole = await packed(text);
    const { loaded } = await readLog(
      { "app.log.packed": whole.subarray(0, whole.length / 2) },
      { named: "" },
    );
    expect(loaded.input.rows).toBeGreaterThan(1000);
    expect(loaded.input.error).toMatch(
      /^app\.log: the compressed data of app\.log\.packed is damaged after line \d+$/,
    );
  });
});

/** Up to 255 bytes as a zstd frame with one block that is stored as it is. */
function storedZstd(bytes: Buffer): Buffer {
  const block = (bytes.length << 3) | 1;
  return Buffer.concat([
    Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x20, bytes.length, block & 0xff, block >> 8, block >> 16]),
    bytes,
  ]);
}
