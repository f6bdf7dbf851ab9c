import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import { buildCatalog } from "../../src/catalog/catalog.ts";
import { inspectEvidence } from "../../src/catalog/profile.ts";
import { Store } from "../../src/store/index.ts";
import { loadTables, testSettings } from "../kit/tables.ts";

test("inspect shows roles, range, rhythm, and the statistics of each token and cost role", async () => {
  const store = await Store.open({ memoryLimit: 2 ** 28, threads: 2, tempDir: tmpdir(), file: null });
  try {
    const rows = Array.from({ length: 100 }, (_, i) => ({
      id: `a${i}b2c3d4e5f6`,
      created_at: `2026-01-15 ${String(Math.floor(i / 5)).padStart(2, "0")}:${String((i % 5) * 10).padStart(2, "0")}:00`,
      prompt_tokens: i === 0 ? -1 : i < 10 ? 0 : i < 20 ? null : i,
      cost: 0.1,
      note: "n",
    }));
    const loaded = await loadTables(store, {
      "db.calls": { rows },
      "db.lookup": { rows: [{ k: "a", v: "b" }] },
    });
    const inspection = await inspectEvidence(store, await buildCatalog(store, loaded, testSettings()));
    const [calls, lookup] = inspection.tables;
    const column = (name: string) => calls?.columns.find((c) => c.name === name);
    expect(column("prompt_tokens")?.stats).toEqual({
      count: 90,
      nulls: 10,
      zeros: 9,
      negatives: 1,
      min: -1,
      median: 54,
      p95: 95,
      max: 99,
      sum: 4759,
    });
    expect(column("cost")?.stats?.sum).toBe("10");
    expect(column("note")?.stats).toBeNull();
    expect(calls?.timeRange).toEqual({ from: "2026-01-15T00:00:00Z", to: "2026-01-15T19:40:00Z" });
    expect(calls?.rhythm?.counts).toHaveLength(48);
    expect(calls?.rhythm?.counts.reduce((a, b) => a + b)).toBe(100);
    expect(lookup).toMatchObject({ usage: null, rhythm: null, timeRange: null, rows: 1 });
  } finally {
    store.close();
  }
});
