/** Writes log files into a temporary folder and reads them through the real loader and store. */

import { mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Row } from "../../../src/contract/finding.ts";
import type { IdShape, LoadedInput } from "../../../src/contract/loaded.ts";
import type { Settings } from "../../../src/contract/settings.ts";
import type { Reject, Source } from "../../../src/intake/context.ts";
import { loadLog } from "../../../src/intake/log/load.ts";
import { Store } from "../../../src/store/index.ts";
import { testSettings } from "../../kit/tables.ts";

export interface ReadOptions extends Partial<Settings> {
  /** Of the file that was written last. */
  modified?: string;
  ids?: IdShape[];
}

export interface ReadLog {
  loaded: LoadedInput;
  /** Every line of `app_log.lines`. */
  lines: Row[];
  /** Rows of a query, asked before the store closes. */
  answers: Row[][];
}

/** Reads one file (its content) or the parts of a rotated set (name → content) as input `app_log`. */
export async function readLog(
  content: string | Buffer | Record<string, string | Buffer>,
  options: ReadOptions = {},
  queries: readonly string[] = [],
): Promise<ReadLog> {
  const { modified, ids, ...overrides } = options;
  const folder = mkdtempSync(join(tmpdir(), "trueup-test-"));
  const parts = typeof content === "string" || Buffer.isBuffer(content) ? { "app.log": content } : content;
  const files = Object.entries(parts).map(([name, bytes]) => {
    const file = join(folder, name);
    writeFileSync(file, bytes);
    if (modified) utimesSync(file, new Date(modified), new Date(modified));
    return file;
  });
  const settings = testSettings({ cwd: folder, named: "lines", ...overrides });
  const store = await Store.open({ memoryLimit: 2 ** 29, threads: 2, tempDir: folder, file: null });
  try {
    const source: Source = {
      name: "app_log",
      kind: "log",
      path: "app.log",
      files,
      bytes: files.reduce((sum, file) => sum + statSync(file).size, 0),
      timezone: settings.timezone,
      notes: [],
    };
    const rejects: Reject[] = [];
    const loaded = await loadLog(source, {
      store,
      settings,
      hooks: { progress: () => {}, signal: new AbortController().signal },
      needed: () => new Set(),
      reject: async (_input, more) => {
        rejects.push(...more);
      },
    });
    if (ids) await loaded.log?.extractIds(ids);
    const lines = settings.named.includes("lines")
      ? await store.all("SELECT * FROM app_log.lines ORDER BY file, line")
      : [];
    const answers: Row[][] = [];
    for (const query of queries) answers.push(await store.all(query));
    return { loaded, lines, answers };
  } finally {
    store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

export const USAGE = "SELECT * FROM app_log.token_usage ORDER BY line";
export const NEAR_MISSES = "SELECT line, extractor, text FROM trueup.near_misses ORDER BY line";
