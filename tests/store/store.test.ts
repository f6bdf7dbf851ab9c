import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { qualified, Store } from "../../src/store/index.ts";

describe("store", () => {
  let store: Store;
  beforeEach(async () => {
    store = await Store.open({ memoryLimit: 2 ** 28, threads: 2, tempDir: tmpdir(), file: null });
  });
  afterEach(() => store.close());

  test("integers stay exact past 2^53, NaN becomes null, times are ISO", async () => {
    const row = await store.one(
      "SELECT 9007199254740993::BIGINT AS big, 5::HUGEINT AS small, 'NaN'::DOUBLE AS nan, TIMESTAMP '2025-11-23 16:30:35.500' AS t, 1.25::DECIMAL(38,12) AS d",
    );
    expect(row).toEqual({
      big: 9007199254740993n,
      small: 5,
      nan: null,
      t: "2025-11-23T16:30:35.5Z",
      d: 1.25,
    });
  });

  test("a hostile table name is quoted", async () => {
    const name = 'a"; DROP TABLE x; --';
    await store.run(`CREATE TABLE ${qualified("main", name)} AS SELECT 1 AS n`);
    expect(await store.all(`SELECT n FROM ${qualified("main", name)}`)).toEqual([{ n: 1 }]);
  });

  test("after lock-down no file is read or written and no setting changes", async () => {
    await store.lockDown();
    await expect(store.all("SELECT * FROM read_text('/etc/hostname')")).rejects.toThrow(
      /disabled|Permission/i,
    );
    await expect(store.run("COPY (SELECT 1) TO '/tmp/trueup-x.csv'")).rejects.toThrow(/disabled|Permission/i);
    await expect(store.run("SET enable_external_access = true")).rejects.toThrow();
  });

  test.each(["DROP TABLE t", "SELECT 1; SELECT 2", "CREATE TABLE x AS SELECT 1", "SELEC 1", ""])(
    "%j is not one SELECT",
    async (sql) => {
      await expect(store.assertSelect(sql)).rejects.toThrow();
    },
  );

  test("closing removes the private directory", async () => {
    expect(existsSync(store.tempDir)).toBe(true);
    store.close();
    expect(existsSync(store.tempDir)).toBe(false);
  });
});
