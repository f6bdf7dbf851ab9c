/** Any values in any columns come out of DuckDB as SQLite holds them, and no row is lost. */

import { DatabaseSync } from "@photostructure/sqlite";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { Folder, load } from "../../kit/intake.ts";

const folder = new Folder();
afterAll(() => folder.remove());

type Stored = null | bigint | number | string | Uint8Array;

const TYPES = ["INTEGER", "REAL", "NUMERIC", "DATETIME", "TEXT", "", "BLOB"];

/** Characters that mean something to SQL, to CSV or to the staging between the two. */
const nasty = fc
  .array(
    fc.constantFrom(
      "a",
      "é",
      "😀",
      "\0",
      "\n",
      "\r",
      "\r\n",
      '"',
      "'",
      ",",
      "\t",
      "\\N",
      "\x1a",
      "\x1aN",
      "\x1d",
      "\x1e",
      "\x1f",
      "\uFEFF",
      "\\x41",
    ),
    { maxLength: 6 },
  )
  .map((parts) => parts.join(""));

const value: fc.Arbitrary<Stored> = fc.oneof(
  fc.constant(null),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.integer({ min: -5, max: 5 }).map(BigInt),
  fc.double({ noNaN: true }),
  fc.constantFrom(
    "",
    "0",
    "1.5",
    "nan",
    "inf",
    "NULL",
    "2025-01-01 00:00:00",
    " 7 ",
    "1_000",
    "0x10",
    "true",
  ),
  fc.string({ unit: "binary", maxLength: 8 }).filter((text) => !/\p{Surrogate}/u.test(text)),
  nasty,
  fc.uint8Array({ maxLength: 70 }),
);

/** How a loaded cell must read: what SQLite says it holds, in words. */
function spelled(kind: string, held: Stored, affinity: string): string | null {
  if (held === null) return null;
  if (kind === "integer") return String(held);
  if (kind === "real") return `number ${held === 0 ? 0 : Number(held)}`;
  if (kind === "text") return String(held);
  const bytes = Buffer.from(held as Uint8Array);
  if (affinity === "TEXT") return repaired(bytes);
  return bytes.length <= 64 ? bytes.toString("hex") : `blob of ${bytes.length} bytes`;
}

/** Bytes as text, each that is no UTF-8 as \xHH. */
function repaired(bytes: Buffer): string {
  let text = "";
  for (let i = 0; i < bytes.length; ) {
    let length = 0;
    for (let tried = 1; tried <= 4 && length === 0 && i + tried <= bytes.length; tried++) {
      const char = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(i, i + tried));
      if ([...char].length === 1 && char !== "\uFFFD") length = tried;
      else if (char === "\uFFFD" && bytes.subarray(i, i + 3).toString("hex") === "efbfbd") length = 3;
    }
    text +=
      length > 0
        ? bytes.subarray(i, i + length).toString("utf8")
        : `\\x${bytes[i]!.toString(16).padStart(2, "0").toUpperCase()}`;
    i += Math.max(1, length);
  }
  return text;
}

async function compare(file: string, types: readonly string[]) {
  const db = new DatabaseSync(file, { readOnly: true });
  const ordered = db.prepare(`SELECT ${types.map((_, i) => `typeof(c${i}), c${i}`).join(", ")} FROM t`);
  ordered.setReadBigInts(true);
  ordered.setReturnArrays(true);
  const held = ordered.all() as unknown as Stored[][];
  db.close();
  const loaded = await load("sqlite", [file], { needed: types.map((_, i) => `c${i}`) });
  try {
    expect(loaded.input.rows).toBe(held.length);
    expect(loaded.input.error).toBeUndefined();
    const columns = loaded.tables[0]!.columns;
    const rows = await loaded.rows(
      `SELECT ${types.map((_, i) => `CAST(c${i} AS VARCHAR) AS c${i}`).join(", ")} FROM input.t`,
    );
    rows.forEach((row, r) => {
      types.forEach((type, i) => {
        const kind = String(held[r]![2 * i]);
        const expected = spelled(kind, held[r]![2 * i + 1] as Stored, type);
        const cell = row[`c${i}`] as string | null;
        const asNumber = expected?.startsWith("number ") || columns[i]!.type === "DOUBLE";
        if (asNumber && cell !== null && expected !== null)
          expect(Number(cell.replace(/^(-?)inf(inity)?$/i, "$1Infinity"))).toBe(
            Number(expected.replace("number ", "")),
          );
        // DuckDB's client drops a byte order mark at the beginning of what it hands over.
        else expect(cell).toBe(expected?.replace(/^\uFEFF/, "") ?? null);
      });
    });
    return { columns, held };
  } finally {
    loaded.close();
  }
}

test("any values in any columns come back as they were", async () => {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...TYPES), { minLength: 1, maxLength: 4 }).chain((types) =>
        fc.record({
          types: fc.constant(types),
          rows: fc.array(fc.tuple(...types.map(() => value)), { maxLength: 30 }),
          encoding: fc.constantFrom("UTF-8", "UTF-8", "UTF-16le", "UTF-16be"),
        }),
      ),
      async ({ types, rows, encoding }) => {
        // A blob in a text column of a UTF-16 database is no text in any encoding.
        const wide = encoding !== "UTF-8";
        const file = folder.at(`any-${run++}.db`);
        const db = new DatabaseSync(file);
        db.exec(
          `PRAGMA encoding = '${encoding}'; CREATE TABLE t (${types.map((type, i) => `c${i} ${type}`).join(", ")})`,
        );
        const insert = db.prepare(`INSERT INTO t VALUES (${types.map(() => "?").join(", ")})`);
        db.exec("BEGIN");
        for (const row of rows)
          insert.run(
            ...row.map((one, i) => (wide && types[i] === "TEXT" && one instanceof Uint8Array ? null : one)),
          );
        db.exec("COMMIT");
        db.close();
        await compare(file, types);
      },
    ),
    { numRuns: 60 },
  );
});

test("a lone text that is empty, or a separator, is a value", async () => {
  const file = folder.at("lone.db");
  const db = new DatabaseSync(file);
  db.exec(`CREATE TABLE t (c0 TEXT); INSERT INTO t VALUES (''), (char(31)), ('a' || char(31)), (NULL), ('')`);
  db.close();
  const { held } = await compare(file, ["TEXT"]);
  expect(held).toHaveLength(5);
});

test("values that first appear far behind the sample are still read as they are", async () => {
  const file = folder.at("late.db");
  const db = new DatabaseSync(file);
  db.exec(`CREATE TABLE t (c0 INTEGER, c1 REAL, c2 NUMERIC, c3 TEXT);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
    INSERT INTO t SELECT i, i / 7.0, i, 'row ' || i FROM n;
    UPDATE t SET c0 = 'lots', c1 = 'nan', c2 = '2025-01-01T00:00:00Z', c3 = 'a' || char(31) || 'b' || char(30) WHERE rowid = 3456;
    UPDATE t SET c0 = 1.5, c2 = x'00ff' WHERE rowid = 777`);
  db.close();
  const { columns } = await compare(file, ["INTEGER", "REAL", "NUMERIC", "TEXT"]);
  expect(columns.map((column) => column.storage)).toEqual([
    { integer: 4998, real: 1, text: 1 },
    { real: 4999, text: 1 },
    { integer: 4998, text: 1, blob: 1 },
    null,
  ]);
  expect(columns.map((column) => column.type)).toEqual(["VARCHAR", "VARCHAR", "VARCHAR", "VARCHAR"]);
});

test("whole and broken prices in one column are numbers, and no mix", async () => {
  const file = folder.at("prices.db");
  const db = new DatabaseSync(file);
  db.exec("CREATE TABLE t (c0 NUMERIC); INSERT INTO t VALUES (1), (1.5), (NULL), (2)");
  db.close();
  const { columns } = await compare(file, ["NUMERIC"]);
  expect(columns[0]).toMatchObject({ type: "DOUBLE", storage: null });
});

test("bytes that are no UTF-8 are shown and told", async () => {
  const file = folder.at("latin1.db");
  const db = new DatabaseSync(file);
  db.exec("CREATE TABLE t (c0 TEXT); INSERT INTO t VALUES ('ok'), (CAST(x'63616ce9' AS TEXT)), (x'66ff66')");
  db.close();
  const loaded = await load("sqlite", [file]);
  expect(await loaded.rows("SELECT c0 FROM input.t")).toEqual([
    { c0: "ok" },
    { c0: "cal\\xE9" },
    { c0: "f\\xFFf" },
  ]);
  expect(loaded.input.notes).toEqual(["t: 2 values with bytes that are no UTF-8, shown as \\xHH"]);
  loaded.close();
});

test("values of megabytes arrive whole", async () => {
  const file = folder.at("large.db");
  const db = new DatabaseSync(file);
  db.exec("CREATE TABLE t (c0 TEXT)");
  const insert = db.prepare("INSERT INTO t VALUES (?)");
  for (const size of [1, 3_000_000, 2, 5_000_001]) insert.run("x".repeat(size));
  db.close();
  const loaded = await load("sqlite", [file]);
  expect(await loaded.rows("SELECT length(c0) AS n FROM input.t")).toEqual([
    { n: 1 },
    { n: 3_000_000 },
    { n: 2 },
    { n: 5_000_001 },
  ]);
  loaded.close();
});
