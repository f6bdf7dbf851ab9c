/** Every format of dump of one database loads to what the server itself says, value by value. */

import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { UserError } from "../../../src/contract/errors.ts";
import type { LoadedInput } from "../../../src/contract/loaded.ts";
import type { Reject } from "../../../src/intake/context.ts";
import { loadPostgres } from "../../../src/intake/postgres/live.ts";
import { loadArchive, loadDump } from "../../../src/intake/postgres/load-dump.ts";
import { Store } from "../../../src/store/index.ts";
import { type PostgresServer, postgresPrograms, startPostgres } from "../../kit/postgres.ts";
import { testSettings } from "../../kit/tables.ts";
import { zstdOf } from "../../kit/zstd.ts";

const DATABASE = String.raw`
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN percent AS integer CHECK (VALUE BETWEEN 0 AND 100);
CREATE SCHEMA "Billing";
CREATE TABLE everything (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, small smallint, num numeric, money numeric(20,6), r real,
  d double precision, b boolean, t text, c character(4), v varchar(20), by bytea, j json, jb jsonb, ts timestamp,
  tz timestamptz, day date, tm time, iv interval, u uuid, ints integer[], texts text[], m mood, p percent,
  ip inet, twice integer GENERATED ALWAYS AS (small * 2) STORED
);
INSERT INTO everything (small, num, money, r, d, b, t, c, v, by, j, jb, ts, tz, day, tm, iv, u, ints, texts, m, p, ip) VALUES
  (1, 12345678901234567890.123456789, 12.345678, 1.5, 2.25, true, E'tab\there\nline\rreturn\\back\b\f\v', 'ab', 'x', '\x00ff10', '{"a": [1, "x\ty"]}', '{"k": {"n": 1.50}}',
   '2025-11-23 16:30:35.123456', '2025-11-23 16:30:35+05:30', '2025-11-23', '16:30:35', '1 year 2 days 03:04:05', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{1,2,NULL}', '{"a,b","c\"d",NULL}', 'happy', 99, '10.0.0.1'),
  (-2, 'NaN', -0.000001, 'Infinity', '-Infinity', false, '', '', '', '', 'null', '[]', 'infinity', '-infinity', 'infinity', '00:00', '0', '00000000-0000-0000-0000-000000000000', '{}', '{}', 'sad', 0, '::1'),
  (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (3, 1, 1, 'NaN', 'NaN', true, E'COPY x FROM stdin;\n\\.\n''quote'' "double" é 漢字 \\N', '\N', E'\\x41', '\x5c4e', '"\\."', '"end"', '0044-03-15 12:00:00 BC', '1999-12-31 23:59:59.999999-08', '0044-03-15 BC', '23:59:59.999999', '-1 mons', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '{-1}', '{"\\N"}', 'ok', 50, '192.168.0.0/16');
CREATE TABLE "Billing"."Usage Records" ("userId" text, "inputTokens" integer, "created At" timestamptz DEFAULT now());
INSERT INTO "Billing"."Usage Records" VALUES ('a"b', 5, '2026-01-01 00:00:00+00'), ('', 0, NULL);
CREATE TABLE measurements (at date NOT NULL, tokens integer) PARTITION BY RANGE (at);
CREATE TABLE measurements_2025 PARTITION OF measurements FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE measurements_2026 PARTITION OF measurements FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
INSERT INTO measurements VALUES ('2025-05-05', 5), ('2026-06-06', 6), ('2025-07-07', 7);
CREATE TABLE one_column (value text);
INSERT INTO one_column VALUES (''), (NULL), ('x'), ('');
CREATE TABLE nothing (id integer);
CREATE VIEW totals AS SELECT sum(tokens) FROM measurements;
CREATE FUNCTION trap() RETURNS text LANGUAGE sql AS $f$ SELECT 'COPY everything FROM stdin;
1	2
\.' $f$;
CREATE TABLE shares (at date NOT NULL, tokens integer, rowid text) PARTITION BY RANGE (at);
CREATE TABLE shares_2025 PARTITION OF shares FOR VALUES FROM ('2025-01-01') TO ('2026-01-01') PARTITION BY LIST (rowid);
CREATE TABLE shares_2025_a PARTITION OF shares_2025 FOR VALUES IN ('a');
CREATE TABLE shares_2025_rest PARTITION OF shares_2025 DEFAULT;
CREATE TABLE shares_rest PARTITION OF shares DEFAULT;
INSERT INTO shares SELECT '2024-12-01'::date + i * 20, i, chr(97 + i % 3) FROM generate_series(1, 30) i;
CREATE TABLE calls (id integer, note text);
CREATE TABLE billed (cents integer);
CREATE TABLE calls_plain () INHERITS (calls);
CREATE TABLE calls_wide (tokens integer) INHERITS (calls);
CREATE TABLE calls_billed (model text) INHERITS (calls, billed);
INSERT INTO calls VALUES (1, 'own');
INSERT INTO calls_plain VALUES (2, 'plain');
INSERT INTO calls_wide VALUES (3, 'wide', 30), (4, '007', 40);
INSERT INTO calls_billed VALUES (5, 'billed', 500, 'm');
CREATE TABLE no_columns ();
INSERT INTO no_columns DEFAULT VALUES;
INSERT INTO no_columns DEFAULT VALUES;
CREATE TYPE pair AS (id integer, code text);
CREATE TABLE typed OF pair;
INSERT INTO typed VALUES (1, '01');
CREATE TABLE users (id integer, "Id" integer, "ID" integer);
CREATE TABLE "Users" (id integer);
INSERT INTO users VALUES (1, 2, 3);
INSERT INTO "Users" VALUES (4);
CREATE DOMAIN small_percent AS percent CHECK (VALUE < 10);
CREATE TYPE "Billing"."Plan ""A""" AS ENUM ('free', 'paid');
CREATE TABLE domains (id small_percent, many percent[], plan "Billing"."Plan ""A""", kind "char");
INSERT INTO domains VALUES (7, ARRAY[1, 2]::percent[], 'paid', 'x');
CREATE FUNCTION fill() RETURNS bigint LANGUAGE sql BEGIN ATOMIC
  INSERT INTO nothing VALUES (1);
  INSERT INTO nothing VALUES (CASE WHEN true THEN 2 ELSE 3 END);
  INSERT INTO nothing VALUES (3);
  SELECT count(*) FROM nothing;
END;
CREATE RULE refill AS ON INSERT TO totals DO INSTEAD (INSERT INTO nothing VALUES (4); INSERT INTO nothing VALUES (5));
COMMENT ON TABLE nothing IS 'it''s; a -- comment /* with */ everything';
`;

/** Every column of every table as the server prints it, and as DuckDB holds it. */
const TABLES: Record<string, { server: string; columns: string[]; order: string }> = {
  everything: {
    server: "everything",
    columns: "id small num money r d b t c v by j jb ts tz day tm iv u ints texts m p ip".split(" "),
    order: "id",
  },
  "Billing.Usage Records": {
    server: '"Billing"."Usage Records"',
    columns: ["userId", "inputTokens", "created At"],
    order: '"userId"',
  },
  measurements: { server: "measurements", columns: ["at", "tokens"], order: "tokens" },
  measurements_2025: { server: "measurements_2025", columns: ["at", "tokens"], order: "tokens" },
  one_column: { server: "one_column", columns: ["value"], order: "value NULLS FIRST" },
  nothing: { server: "nothing", columns: ["id"], order: "id" },
  shares: { server: "shares", columns: ["at", "tokens", "rowid"], order: '"at"' },
  shares_2025: { server: "shares_2025", columns: ["at", "tokens", "rowid"], order: '"at"' },
  shares_2025_a: { server: "shares_2025_a", columns: ["at", "tokens", "rowid"], order: '"at"' },
  shares_rest: { server: "shares_rest", columns: ["at", "tokens", "rowid"], order: '"at"' },
  calls: { server: "calls", columns: ["id", "note"], order: "id" },
  calls_plain: { server: "calls_plain", columns: ["id", "note"], order: "id" },
  calls_wide: { server: "calls_wide", columns: ["id", "note", "tokens"], order: "id" },
  calls_billed: { server: "calls_billed", columns: ["id", "note", "cents", "model"], order: "id" },
  billed: { server: "billed", columns: ["cents"], order: "cents" },
  typed: { server: "typed", columns: ["id", "code"], order: "id" },
  Users_2: { server: '"Users"', columns: ["id"], order: "id" },
  domains: { server: "domains", columns: ["id", "many", "plan", "kind"], order: "id" },
};

const bin = postgresPrograms();

describe.skipIf(bin === null)("dumps of a real server", () => {
  let server: PostgresServer;
  let folder: string;
  beforeAll(async () => {
    server = await startPostgres(bin as string);
    folder = mkdtempSync(join(tmpdir(), "trueup-dumps-"));
    server.program("createdb", ["app"]);
    server.program("psql", ["-q", "-v", "ON_ERROR_STOP=1", "-d", "app"], DATABASE);
  });
  afterAll(() => {
    server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const dump = (name: string, ...args: string[]) => {
    const file = join(folder, name);
    server.program("pg_dump", ["-d", "app", "-f", file, ...args]);
    return file;
  };

  const FORMATS: [string, string[]][] = [
    ["plain.sql", []],
    ["inserts.sql", ["--inserts"]],
    ["column-inserts.sql", ["--column-inserts"]],
    ["rows-per-insert.sql", ["--rows-per-insert=3"]],
    ["plain.sql.gz", ["-Z", "6"]],
    ["custom.dump", ["-Fc"]],
    ["custom-uncompressed.dump", ["-Fc", "-Z", "0"]],
    ["directory", ["-Fd"]],
    ["tar.tar", ["-Ft"]],
  ];

  test.each(FORMATS)("%s holds the same values as the server", async (name, args) => {
    const file = dump(name, ...args);
    await withLoaded(file, async (store, loaded) => {
      expect(loaded.input.error).toBeUndefined();
      expect(loaded.input.rejected).toBe(0);
      for (const [table, { server: from, columns, order }] of Object.entries(TABLES)) {
        const wanted = serverRows(server, from, columns, order);
        expect(await duckdbRows(store, table, columns, order), `${name}: ${table}`).toEqual(wanted);
      }
      await expectRest(server, store, loaded);
    });
  });

  test("a directory archive whose files are zstd, as newer releases write, holds the same values", async () => {
    const path = dump("zstd-directory", "-Fd", "-Z", "0");
    for (const name of readdirSync(path).filter((file) => file.endsWith(".dat") && file !== "toc.dat")) {
      const file = join(path, name);
      writeFileSync(`${file}.zst`, await zstdOf(readFileSync(file, "utf8")));
      rmSync(file);
    }
    await withLoaded(path, async (store, loaded) => {
      expect(loaded.input.error).toBeUndefined();
      for (const [table, { server: from, columns, order }] of Object.entries(TABLES))
        expect(await duckdbRows(store, table, columns, order), table).toEqual(
          serverRows(server, from, columns, order),
        );
      await expectRest(server, store, loaded);
    });
  });

  test("a directory archive without one of its files names the table and reads the others", async () => {
    const path = dump("incomplete-directory", "-Fd");
    const [largest] = readdirSync(path)
      .filter((file) => file !== "toc.dat")
      .sort((a, b) => statSync(join(path, b)).size - statSync(join(path, a)).size);
    rmSync(join(path, largest as string));
    await withLoaded(path, async (store, loaded) => {
      expect(loaded.input.error).toMatch(
        /cut off inside the rows of public\.everything \(its file \d+\.dat is missing\)/,
      );
      expect(await store.all("SELECT count(*) AS n FROM d.measurements")).toEqual([{ n: 3 }]);
    });
  });

  test("an archive of the data alone has its rows", async () => {
    await withLoaded(dump("data.dump", "-Fc", "--data-only"), async (store, loaded) => {
      expect(loaded.input.error).toBeUndefined();
      expect(await store.all("SELECT id, note FROM d.calls_wide ORDER BY id")).toEqual([
        { id: 3, note: "wide" },
        { id: 4, note: "007" },
      ]);
    });
  });

  test("an archive of the tables alone has none", async () => {
    await withLoaded(dump("schema.dump", "-Fc", "--schema-only"), async (_store, loaded) => {
      expect(loaded.input.error).toBeUndefined();
      expect([loaded.tables.length > 10, loaded.input.rows]).toEqual([true, 0]);
    });
  });

  test("what a user may not read is told, and what the whole table lets through is read", async () => {
    server.program(
      "psql",
      ["-q", "-v", "ON_ERROR_STOP=1", "-d", "app"],
      `CREATE ROLE reader LOGIN; CREATE SCHEMA closed; CREATE TABLE closed.t (id integer);
       CREATE TABLE guarded (id integer); INSERT INTO guarded VALUES (1), (2);
       ALTER TABLE guarded ENABLE ROW LEVEL SECURITY; CREATE POLICY one ON guarded USING (id = 1);
       GRANT SELECT ON closed.t, shares, totals, guarded TO reader; GRANT SELECT (note) ON calls_wide TO reader;`,
    );
    const url = server.url("app").replace("postgres@", "reader@");
    await withLoaded(url, async (store, loaded) => {
      expect(loaded.tables.map((one) => [one.name, one.rows])).toEqual([
        ["calls_wide", 2],
        ["guarded", 1],
        ["shares", 30],
      ]);
      expect(await store.all("SELECT note FROM d.calls_wide ORDER BY note")).toEqual([
        { note: "007" },
        { note: "wide" },
      ]);
      const [closed, ...notes] = loaded.input.notes;
      expect(closed).toMatch(/no right to read Billing\.Usage Records, closed\.t, .*public\.users/);
      expect(notes).toEqual([
        "no right to read calls_wide.id, calls_wide.tokens",
        "row security may hide rows of public.guarded from this user",
        "no right to read every part of public.shares: read as one table",
        "1 view is not read; --tables reads those that it names",
      ]);
    });
    await withLoaded(
      url,
      async (_store, loaded) => expect(loaded.input.error).toMatch(/: no right to read closed\.t$/),
      { tables: ["closed.t"] },
    );
    server.program(
      "psql",
      ["-q", "-d", "app"],
      "DROP TABLE closed.t, guarded; DROP SCHEMA closed; DROP OWNED BY reader; DROP ROLE reader",
    );
  });

  test("a view is read where it is named, a partition where its table is", async () => {
    const loadedOf = async (tables: string[]) => {
      let found: unknown;
      await withLoaded(
        server.url("app"),
        async (_store, loaded) => {
          found = loaded.tables.map((one) => [one.name, one.rows]);
        },
        { tables },
      );
      return found;
    };
    expect(await loadedOf(["totals"])).toEqual([["totals", 1]]);
    expect(await loadedOf(["tot*"])).toEqual([]);
    expect(await loadedOf(["measurements"])).toEqual([
      ["measurements", 3],
      ["measurements_2025", 2],
      ["measurements_2026", 1],
    ]);
  });

  test("a live read holds the same values as the server", async () => {
    await withLoaded(server.url("app"), async (store, loaded) => {
      expect(loaded.input.error).toBeUndefined();
      for (const [table, { server: from, columns, order }] of Object.entries(TABLES))
        expect(await duckdbRows(store, table, columns, order), table).toEqual(
          serverRows(server, from, columns, order),
        );
    });
  });

  test("a dump and a live read declare the same types", async () => {
    const declared = async (input: string) => {
      const found: Record<string, Record<string, string>> = {};
      await withLoaded(input, async (_store, loaded) => {
        for (const { name, columns } of loaded.tables)
          found[name] = Object.fromEntries(columns.map((column) => [column.name, column.declared]));
      });
      return found;
    };
    expect(await declared(server.url("app"))).toEqual(await declared(dump("types.dump", "-Fc")));
  });

  test.each([
    ["a database that is not there", () => server.url("nowhere"), /database "nowhere" does not exist/],
    ["a port where nobody listens", () => "postgres://x:secret-word@127.0.0.1:1/app", /connection refused/],
    [
      "a host that is not there",
      () => "postgres://x:secret-word@no.such.host.invalid/app",
      /no such host|cannot be reached/,
    ],
    ["a service that is in no file", () => "postgres:///?service=billing", /service "billing"/],
  ])("%s is one clear line without the password", async (_name, url, message) => {
    const failed = withLoaded(url(), async () => {});
    await expect(failed).rejects.toThrow(message);
    await expect(failed).rejects.toThrow(UserError);
    await expect(failed).rejects.not.toThrow(/secret-word/);
  });

  test("a wrong password is one clear line without it", async () => {
    const rules = ["host all guarded 127.0.0.1/32 scram-sha-256", "host all all 127.0.0.1/32 trust"];
    const file = server.program("psql", ["-qAt", "-d", "app", "-c", "SHOW hba_file"]).trim();
    server.program(
      "psql",
      ["-q", "-d", "app"],
      `CREATE ROLE guarded LOGIN PASSWORD 'right-word';
       COPY (VALUES ${rules.map((rule) => `('${rule}')`).join(", ")}) TO '${file}';
       SELECT pg_reload_conf() AS reloaded \\gset`,
    );
    const url = (word: string) => server.url("app").replace("postgres@", `guarded:${word}@`);
    const failed = withLoaded(url("wrong-word"), async () => {});
    await expect(failed).rejects.toThrow(/password authentication failed for user "guarded".*PGPASSWORD/);
    await expect(failed).rejects.not.toThrow(/wrong-word/);
    await withLoaded(url("right-word"), async (_store, { input }) => {
      expect(input.error).toMatch(/no right to read .*public\.everything/);
    });
  });

  test("a server that is killed in the middle of a read is told and does not hang", async () => {
    const other = await startPostgres(bin as string);
    try {
      other.program("createdb", ["app"]);
      other.program(
        "psql",
        ["-q", "-d", "app"],
        "CREATE TABLE big AS SELECT i, repeat('x', 500) AS t FROM generate_series(1, 400000) i",
      );
      let killed = false;
      const failed = withLoaded(other.url("app"), async () => {}, {
        onNeeded: () => {
          if (!killed) other.kill();
          killed = true;
        },
      });
      await expect(failed).rejects.toThrow(UserError);
      await expect(failed).rejects.toThrow(/while reading public.big/);
    } finally {
      other.stop();
    }
  });

  test("a dump cut off inside a COPY gives its complete rows and says where", async () => {
    const file = dump("cut.sql", "-t", "one_column");
    const text = `SET client_encoding = 'UTF8';\nCOPY public.one_column (value) FROM stdin;\nfirst\nsecond\nthi`;
    writeFileSync(file, text);
    await withLoaded(file, async (store, loaded) => {
      expect(loaded.input.error).toMatch(
        new RegExp(`cut off at byte ${text.length}, inside the rows of public.one_column`),
      );
      expect(await store.all("SELECT value FROM d.one_column")).toEqual([
        { value: "first" },
        { value: "second" },
      ]);
    });
  });

  test("an archive cut off inside its data says so and keeps what came before", async () => {
    const file = dump("cut.dump", "-Fc", "-Z", "0");
    truncateSync(file, statSync(file).size - 40);
    await withLoaded(file, async (_store, loaded) => {
      expect(loaded.input.error).toMatch(/cut off/);
    });
  });
});

test.runIf(bin === null)("a Postgres server is installed for these tests where CI runs", () => {
  expect(process.env.CI, "apt-get install postgresql").not.toBe("true");
});

/** What cannot be compared by name: tables without columns, columns that differ in case only, rows in several tables. */
async function expectRest(server: PostgresServer, store: Store, loaded: LoadedInput): Promise<void> {
  expect(await store.all('SELECT count(*)::INTEGER AS n FROM "d"."no_columns"')).toEqual([{ n: 2 }]);
  expect(await store.all('SELECT id, "Id_2", "ID_3" FROM "d"."users"')).toEqual([
    { id: 1, Id_2: 2, ID_3: 3 },
  ]);
  const types = await store.all(`SELECT typeof(id) AS id, typeof(many) AS many FROM "d"."domains"`);
  expect(types).toEqual([{ id: "INTEGER", many: "INTEGER[]" }]);
  // Rows of a table that inherits are in several tables, and counted once.
  const tables = server
    .program("psql", [
      "-qAt",
      "-d",
      "app",
      "-c",
      "SELECT oid::regclass FROM pg_class WHERE relkind = 'r' AND oid > 16384 AND relnamespace::regnamespace::text NOT LIKE 'pg_toast%'",
    ])
    .trim()
    .split("\n");
  const counts = tables.map((table) => `(SELECT count(*) FROM ONLY ${table})`).join(" + ");
  const all = server.program("psql", ["-qAt", "-d", "app", "-c", `SELECT ${counts}`]);
  expect(loaded.input.rows).toBe(Number(all));
}

/** Rows as the server's own text, NULL as null. */
function serverRows(
  server: PostgresServer,
  from: string,
  columns: readonly string[],
  order: string,
): unknown[] {
  const list = columns
    .map((c) => `CASE WHEN "${c}" IS NOT NULL THEN format('%s', "${c}") END AS "${c}"`)
    .join(", ");
  const sql = `SET TimeZone = 'UTC'; SELECT coalesce(json_agg(x), '[]') FROM (SELECT ${list} FROM ${from} ORDER BY ${order.replace(/"?(\w+)"?/, '"$1"')}) x`;
  return JSON.parse(server.program("psql", ["-qAt", "-d", "app", "-c", sql])) as unknown[];
}

/** The same rows out of DuckDB, each value written as Postgres writes it. */
async function duckdbRows(
  store: Store,
  table: string,
  columns: readonly string[],
  order: string,
): Promise<unknown[]> {
  const types = new Map(
    (await store.all(`DESCRIBE "d"."${table}"`)).map((r) => [String(r.column_name), String(r.column_type)]),
  );
  const list = columns.map((c) => `${asPostgres(`"${c}"`, types.get(c) ?? "")} AS "${c}"`).join(", ");
  return store.all(`SELECT ${list} FROM (SELECT * FROM "d"."${table}" ORDER BY ${order})`);
}

function asPostgres(column: string, type: string): string {
  if (type === "BOOLEAN") return `CASE ${column} WHEN true THEN 't' WHEN false THEN 'f' END`;
  if (type === "BLOB") return `'\\x' || lower(hex(${column}))`;
  if (type.endsWith("[]")) return `replace(translate(${column}::VARCHAR, '[] ', '{}'), ' ', '')`;
  if (/^(FLOAT|DOUBLE)$/.test(type))
    return `CASE WHEN isnan(${column}) THEN 'NaN' WHEN isinf(${column}) THEN CASE WHEN ${column} > 0 THEN 'Infinity' ELSE '-Infinity' END ELSE regexp_replace(${column}::VARCHAR, '\\.0$', '') END`;
  if (/^(DATE|TIMESTAMP)/.test(type))
    return `regexp_replace(${column}::VARCHAR, '^(.*) \\(BC\\)(.*)$', '\\1\\2 BC')`;
  return `${column}::VARCHAR`;
}

async function withLoaded(
  file: string,
  work: (store: Store, loaded: LoadedInput, rejects: Reject[]) => Promise<void>,
  { onNeeded = () => {}, tables = [] }: { onNeeded?: () => void; tables?: string[] } = {},
): Promise<void> {
  const store = await Store.open({ memoryLimit: 2 ** 29, threads: 2, tempDir: tmpdir(), file: null });
  const rejects: Reject[] = [];
  try {
    const live = file.startsWith("postgres:");
    const load = live ? loadPostgres : /\.sql(\.gz)?$/.test(file) ? loadDump : loadArchive;
    const loaded = await load(
      {
        name: "d",
        kind: "sql-dump",
        path: "app.dump",
        files: [file],
        bytes: live ? 0 : statSync(file).size,
        timezone: "UTC",
        notes: [],
      },
      {
        store,
        settings: testSettings({ tables }),
        hooks: { progress: () => {}, signal: new AbortController().signal },
        needed: (table) => {
          onNeeded();
          return new Set(table.columns.map((c) => c.name));
        },
        reject: async (_input, more) => void rejects.push(...more),
      },
    );
    await work(store, loaded, rejects);
  } finally {
    store.close();
  }
}
