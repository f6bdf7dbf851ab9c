/** What a check sees of tiny tables: the real store, catalogue and lock-down, without files. */

import { tmpdir } from "node:os";
import { buildCatalog } from "../catalog/catalog.ts";
import type { Evidence } from "../contract/evidence.ts";
import type { LoadedInput } from "../contract/loaded.ts";
import { defaultSettings, type Settings } from "../contract/settings.ts";
import { Store } from "../store/index.ts";
import { loadTables, type TableData } from "./tables.ts";

/** The settings of an audit that names nothing, for small tables. */
export function bareSettings(given: Partial<Settings> = {}): Settings {
  const small = { memoryLimit: 256 * 2 ** 20, threads: 1, tempDir: tmpdir() };
  return defaultSettings({ cwd: "/", now: "2026-01-01T00:00:00Z", ...small, ...given });
}

/** Loads the tables, named `input.table`, and works on them. `prepare` runs before the catalogue: facts, logs … */
export async function withTables<T>(
  tables: Record<string, TableData>,
  settings: Settings,
  work: (store: Store, evidence: Evidence) => Promise<T>,
  prepare?: (store: Store, loaded: LoadedInput[]) => Promise<void>,
): Promise<T> {
  const { memoryLimit, threads, tempDir } = settings;
  const store = await Store.open({ memoryLimit, threads, tempDir, file: null });
  try {
    const loaded = await loadTables(store, tables);
    await prepare?.(store, loaded);
    const evidence = await buildCatalog(store, loaded, settings);
    await store.lockDown();
    return await work(store, evidence);
  } finally {
    store.close();
  }
}
