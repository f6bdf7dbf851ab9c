/** Dumps that are packed: what can be read is, what cannot says so, and damage names its place. */

import { deflateSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ArchivedTable, customArchive } from "../../kit/archive.ts";
import { trueup } from "../../kit/command.ts";
import { Folder, load } from "../../kit/intake.ts";
import { zstdOf } from "../../kit/zstd.ts";

let folder: Folder;
beforeAll(() => {
  folder = new Folder();
});
afterAll(() => folder.remove());

const rowsOf = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => `req_${(from + i) * 7919}\t${from + i}\n`).join("");
const plainDump = (count: number) =>
  `SET client_encoding = 'UTF8';\nCREATE TABLE public.requests (id text, tokens integer);\nCOPY public.requests (id, tokens) FROM stdin;\n${rowsOf(count)}\\.\n`;
const SUM = "SELECT count(*) AS n, sum(tokens) AS tokens FROM input.requests";

describe("a plain dump", () => {
  test.each([
    ["gzip, whatever its name", "gzip.sql", async (text: string) => gzipSync(text)],
    [
      "several gzip members",
      "members.sql.gz",
      async (text: string) => Buffer.concat([gzipSync(text.slice(0, 99)), gzipSync(text.slice(99))]),
    ],
    ["zstd, whatever its name", "zstd.sql", zstdOf],
    [
      "several zstd frames, one of them to be skipped",
      "frames.sql.zst",
      async (text: string) => {
        const cut = text.indexOf("\n", text.length / 2) + 1;
        const skipped = Buffer.concat([
          Buffer.from([0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0]),
          Buffer.from("abc"),
        ]);
        return Buffer.concat([await zstdOf(text.slice(0, cut)), skipped, await zstdOf(text.slice(cut))]);
      },
    ],
  ])("%s is read", async (_name, file, pack) => {
    const packed = await pack(plainDump(30_000));
    const loaded = await load("sql-dump", [folder.write(file, packed)]);
    expect(await loaded.rows(SUM)).toEqual([{ n: 30_000, tokens: 449_985_000 }]);
    expect(loaded.input.error).toBeUndefined();
    loaded.close();
  });

  test.each([
    ["gzip", "cut.sql.gz", async (text: string) => gzipSync(text)],
    ["zstd", "cut.sql.zst", zstdOf],
  ])("%s data that end early give the complete rows and the place", async (name, file, pack) => {
    const packed = await pack(plainDump(100_000));
    const path = folder.write(file, packed.subarray(0, Math.floor(packed.length * 0.8)));
    const loaded = await load("sql-dump", [path]);
    const [row] = await loaded.rows(SUM);
    expect(row?.n).toBeGreaterThan(10_000);
    expect(row?.tokens).toBe((Number(row?.n) * (Number(row?.n) - 1)) / 2);
    expect(loaded.input.error).toMatch(
      new RegExp(
        `^${file}: cut off at byte \\d+, inside the rows of public.requests \\(its ${name} data ends early \\(.+\\)\\); all complete rows were read$`,
      ),
    );
    loaded.close();
  });
});

describe("a custom archive of a newer pg_dump", () => {
  const table = (name: string, data: Buffer): ArchivedTable => ({
    name,
    definition: `CREATE TABLE public.${name} (id text, tokens integer);`,
    columns: ["id", "tokens"],
    data,
  });
  const text = (count: number) => `${rowsOf(count)}\\.\n\n\n`;

  test.each([
    ["none", async (data: string) => Buffer.from(data)],
    ["gzip", async (data: string) => deflateSync(data)],
    ["zstd", zstdOf],
  ] as const)("compressed with %s is read", async (compression, pack) => {
    const tables = [table("requests", await pack(text(20_000))), table("others", await pack(text(3)))];
    const path = folder.write(`${compression}.dump`, customArchive(tables, compression));
    const loaded = await load("postgres-archive", [path]);
    expect(await loaded.rows(`${SUM} UNION ALL SELECT count(*), sum(tokens) FROM input.others`)).toEqual([
      { n: 20_000, tokens: 199_990_000 },
      { n: 3, tokens: 3 },
    ]);
    expect(loaded.input.error).toBeUndefined();
    loaded.close();
  });

  test("compressed with lz4 says what to do", () => {
    const path = folder.write("lz4.dump", customArchive([table("requests", Buffer.from("x"))], "lz4"));
    const { code, stderr } = trueup(["audit", path]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/lz4\.dump: its data are compressed with lz4, .*pg_restore -f dump\.sql/);
  });

  test("one damaged table leaves the others readable", async () => {
    const damaged = deflateSync(text(50_000)).fill(0xaa, 5000);
    const tables = [table("damaged", damaged), table("requests", deflateSync(text(100)))];
    const path = folder.write("damaged.dump", customArchive(tables, "gzip"));
    const loaded = await load("postgres-archive", [path]);
    expect(await loaded.rows(SUM)).toEqual([{ n: 100, tokens: 4950 }]);
    expect(loaded.input.error).toMatch(
      /cut off inside the rows of public\.damaged \(its gzip data ends early/,
    );
    loaded.close();
  });

  test("cut off between two tables names the one that is missing", async () => {
    const tables = [table("requests", deflateSync(text(100))), table("lost", deflateSync(text(100)))];
    const whole = customArchive(tables, "gzip");
    const path = folder.write(
      "short.dump",
      whole.subarray(0, whole.length - deflateSync(text(100)).length - 12),
    );
    const loaded = await load("postgres-archive", [path]);
    expect(await loaded.rows(SUM)).toEqual([{ n: 100, tokens: 4950 }]);
    expect(loaded.input.error).toMatch(/public\.lost/);
    loaded.close();
  });
});

test.each([
  ["lz4", Buffer.from("04224d18", "hex"), /compressed with lz4: unpack it first \(lz4 -d\)/],
  ["zstd", Buffer.from("28b52ffd0000", "hex"), /compressed with zstd, and damaged/],
])("a plain dump in %s that cannot be read is one clear line", (name, bytes, message) => {
  const { code, stderr } = trueup(["audit", folder.write(`refused.sql.${name}`, bytes)]);
  expect(code).toBe(2);
  expect(stderr).toMatch(message);
});

test("a database packed with zstd says how to unpack it", async () => {
  const packed = await zstdOf(`PGDMP${"x".repeat(200)}`);
  const { code, stderr } = trueup(["audit", folder.write("usage.dump.zst", packed)]);
  expect(code).toBe(2);
  expect(stderr).toMatch(/a postgres-archive file compressed with zstd: unpack it first \(zstd -d\)/);
});
