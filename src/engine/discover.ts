/** Finds the built-in checks by listing their folder: adding one edits no other file. */

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { AnyCheck } from "../contract/check.ts";

/** Every check of a folder, in the order of their ids. `id` must be the file's name. */
export async function discoverChecks(folder: string): Promise<AnyCheck[]> {
  const files = readdirSync(folder)
    .filter((file) => /\.(js|ts)$/.test(file) && !file.endsWith(".d.ts"))
    .sort();
  return Promise.all(
    files.map(async (file) => {
      const module = (await import(pathToFileURL(join(folder, file)).href)) as { default: AnyCheck };
      const id = file.replace(/\.(js|ts)$/, "");
      if (module.default?.id !== id) throw new Error(`checks/${file} must export a check with the id ${id}`);
      return module.default;
    }),
  );
}
