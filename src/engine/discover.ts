/** Finds the built-in checks by listing their folder: adding one edits no other file. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
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

/** The checks that come with trueup. */
export async function builtInChecks(): Promise<AnyCheck[]> {
  const root = packageRoot();
  const inBuild = fileURLToPath(import.meta.url).startsWith(join(root, "dist"));
  return discoverChecks(join(root, inBuild ? "dist/checks" : "checks"));
}

/** trueup's own version. */
export function version(): string {
  return (JSON.parse(readFileSync(join(packageRoot(), "package.json"), "utf8")) as { version: string })
    .version;
}

/** The folder of trueup's package.json, from the sources as from the build. */
function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json"))) folder = dirname(folder);
  return folder;
}
