/** Loads what the settings name into a store and hands it out as evidence, locked down. */

import { buildCatalog } from "./catalog/catalog.ts";
import { matters, neededColumns } from "./catalog/needed.ts";
import { inferRoles } from "./catalog/roles.ts";
import { idShapesFor } from "./catalog/shapes.ts";
import { Interrupted, messageOf, UserError } from "./contract/errors.ts";
import type { Evidence, Input, SchemaReference } from "./contract/evidence.ts";
import type { LoadedInput } from "./contract/loaded.ts";
import type { Hooks, Settings } from "./contract/settings.ts";
import { schemaReferences } from "./findings/baseline.ts";
import { maskText } from "./findings/mask.ts";
import { type IntakeContext, LOADERS, type Reject, resolveInputs, type Source } from "./intake/index.ts";
import { Store } from "./store/index.ts";

/** Rejected rows of one input that are kept with their text; all are counted. */
const REJECTS_KEPT = 1000;

/** Loads everything, locks the store down, works, and cleans up on every way out. */
export async function withEvidence<T>(
  settings: Settings,
  hooks: Hooks,
  work: (store: Store, evidence: Evidence) => Promise<T>,
): Promise<T> {
  const store = await Store.open({
    memoryLimit: settings.memoryLimit,
    threads: settings.threads,
    tempDir: settings.tempDir,
    file: settings.dbFile,
  });
  const stop = () => store.interrupt();
  hooks.signal.addEventListener("abort", stop);
  try {
    const { sources, failed } = await resolveInputs(settings, store.tempDir, hooks.signal);
    const loaded = await loadAll(store, sources, settings, hooks);
    tellUnmatched(loaded);
    for (const input of failed) loaded.push({ input, tables: [], log: null });
    hooks.progress({ stage: "catalog", subject: "roles and links" });
    for (const one of loaded) {
      const shapes = one.log ? idShapesFor(one, loaded) : [];
      if (shapes.length > 0) await one.log?.extractIds(shapes);
    }
    await store.append(
      "trueup.markers",
      ["kind", "time", "input", "line", "text"],
      (settings.deploys ?? []).map(({ time, label }) => ["deploy", time, "trueup.yaml", null, label]),
    );
    const catalog = await buildCatalog(store, loaded, settings);
    const references = await loadReferences(settings, hooks);
    if (settings.baseline)
      references.push(...schemaReferences(settings.baseline, catalog.inputs, settings.tables ?? []));
    const evidence = { ...catalog, references };
    await store.lockDown();
    return await work(store, evidence);
  } catch (error) {
    throw error instanceof UserError ? new UserError(maskText(error.message)) : error;
  } finally {
    hooks.signal.removeEventListener("abort", stop);
    store.close();
  }
}

/** The schemas of `--against`, read in a store of their own and without their rows. */
async function loadReferences(settings: Settings, hooks: Hooks): Promise<SchemaReference[]> {
  const inputs = settings.against ?? [];
  if (inputs.length === 0) return [];
  const { memoryLimit, threads, tempDir } = settings;
  const store = await Store.open({ memoryLimit, threads, tempDir, file: null });
  try {
    const { sources, failed } = await resolveInputs({ ...settings, inputs }, store.tempDir, hooks.signal);
    const loaded = await loadAll(store, sources, settings, hooks, { needed: () => new Set() });
    const broken = [...failed, ...loaded.map((one) => one.input)].find((input) => input.error !== undefined);
    if (broken) throw new UserError(`--against ${broken.error}`);
    return loaded.map((one) => ({
      label: one.input.path,
      tables: one.tables
        .filter((table) => table.form === "table" && !table.view)
        .map(({ name, columns }) => ({
          name,
          columns: columns.map((column) => ({ name: column.name, type: column.declared || column.type })),
        })),
    }));
  } finally {
    store.close();
  }
}

/** A table that `--tables` names and no dump or server has is an error of the first that was looked through. */
function tellUnmatched(loaded: readonly LoadedInput[]): void {
  const asked = loaded.filter((one) => one.unmatched !== undefined);
  const [first] = asked;
  const missing =
    first?.unmatched?.filter((name) => asked.every((one) => one.unmatched?.includes(name))) ?? [];
  if (!first || missing.length === 0 || first.input.error !== undefined) return;
  first.input.error = `${first.input.path}: no table is named ${missing.join(", ")} (--tables)`;
}

async function loadAll(
  store: Store,
  sources: readonly Source[],
  settings: Settings,
  hooks: Hooks,
  choice: Pick<IntakeContext, "needed" | "matters"> = {
    needed: (table) => neededColumns(table, settings),
    matters: (table) => matters(table, settings),
  },
): Promise<LoadedInput[]> {
  const kept = new Map<string, number>();
  const context: IntakeContext = {
    store,
    settings,
    hooks,
    ...choice,
    timeColumn: (table) =>
      inferRoles(table.name, table.columns).guesses.find((one) => one.role === "time")?.candidate.name ??
      null,
    reject: async (input: string, rejects: readonly Reject[]) => {
      const room = REJECTS_KEPT - (kept.get(input) ?? 0);
      const rows = rejects.slice(0, Math.max(0, room)).map((r) => [input, r.file, r.line, r.reason, r.text]);
      kept.set(input, (kept.get(input) ?? 0) + rows.length);
      await store.append("trueup.rejects", ["input", "file", "line", "reason", "text"], rows);
    },
    readCode: async (root, folder) => {
      const { readCode } = await import("./lineage/index.ts");
      return readCode(store, root, { threads: settings.threads, signal: hooks.signal, folder });
    },
  };
  const loaded: LoadedInput[] = [];
  for (const source of sources) {
    if (hooks.signal.aborted) throw new Interrupted();
    hooks.progress({ stage: "load", subject: source.name, bytesTotal: source.bytes });
    try {
      const loader = LOADERS[source.kind];
      if (!loader) throw new UserError(`${source.path}: ${source.kind} inputs cannot be read yet`);
      const one = await (await loader())(source, context);
      if (source.pattern !== undefined) one.input.pattern = source.pattern;
      loaded.push(one);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      loaded.push({ input: failedInput(source, messageOf(error)), tables: [], log: null });
    }
    const { bytes, rows } = loaded.at(-1)!.input;
    hooks.progress({ stage: "load", subject: source.name, bytes, rows, done: true });
  }
  return loaded;
}

function failedInput(source: Source, error: string): Input {
  const { name, kind, path, bytes, notes } = source;
  return { name, kind, path, bytes, rows: 0, rejected: 0, tables: [], notes: [...notes], error };
}
