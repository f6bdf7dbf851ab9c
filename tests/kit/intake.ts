/** Files made in a test → what a loader makes of them, through the real store. */

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { neededColumns } from "../../src/catalog/needed.ts";
import type { InputKind } from "../../src/contract/evidence.ts";
import type { Row } from "../../src/contract/finding.ts";
import type { LoadedInput } from "../../src/contract/loaded.ts";
import type { Settings } from "../../src/contract/settings.ts";
import { LOADERS, type Reject, type Source } from "../../src/intake/index.ts";
import { Store } from "../../src/store/index.ts";
import { testSettings } from "./tables.ts";

/** A loaded input, with the store it is in. Always `close` it. */
export interface LoadedForTest extends LoadedInput {
  store: Store;
  rejects: Reject[];
  /** Rows of one SELECT over the store. */
  rows(sql: string): Promise<Row[]>;
  close(): void;
}

export interface LoadOptions {
  settings?: Partial<Settings>;
  /** The input's name; `input` unless given. */
  name?: string;
  /** Columns that count as needed; what the catalogue says unless given. */
  needed?: readonly string[];
}

/** Loads files as one input of a kind, as an audit would after sniffing them. */
export async function load(
  kind: InputKind,
  files: readonly string[],
  options: LoadOptions = {},
): Promise<LoadedForTest> {
  const settings = testSettings(options.settings);
  const { memoryLimit, threads, tempDir, dbFile } = settings;
  const store = await Store.open({ memoryLimit, threads, tempDir, file: dbFile });
  const rejects: Reject[] = [];
  const source: Source = {
    name: options.name ?? "input",
    kind,
    path: basename(files[0] as string),
    files: [...files],
    bytes: files.reduce((sum, file) => sum + statSync(file).size, 0),
    timezone: "UTC",
    notes: [],
  };
  try {
    const loader = await LOADERS[kind]?.();
    if (!loader) throw new Error(`no loader for ${kind}`);
    const loaded = await loader(source, {
      store,
      settings,
      hooks: { progress: () => {}, signal: new AbortController().signal },
      needed: (table) => (options.needed ? new Set(options.needed) : neededColumns(table, settings)),
      reject: async (_input, rows) => {
        rejects.push(...rows);
      },
    });
    return { ...loaded, store, rejects, rows: (sql) => store.all(sql), close: () => store.close() };
  } catch (error) {
    store.close();
    throw error;
  }
}

/** A private directory for the files of a test, and what is in it. */
export class Folder {
  readonly path = mkdtempSync(join(tmpdir(), "trueup-test-"));

  write(name: string, content: string | Buffer): string {
    const path = join(this.path, name);
    writeFileSync(path, content);
    return path;
  }

  at(name: string): string {
    return join(this.path, name);
  }

  /** Every file with its bytes: equal before and after means that nothing was written. */
  contents(): Record<string, string> {
    return Object.fromEntries(
      readdirSync(this.path)
        .sort()
        .map((name) => [name, readFileSync(join(this.path, name)).toString("base64")]),
    );
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
