/** Finds the hypotheses by listing their folder: adding one edits no other file. */

import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Hypothesis } from "../contract/hypothesis.ts";

/** The hypotheses that come with trueup, in the order of their ids; from the sources as from the build. */
export async function builtInHypotheses(): Promise<Hypothesis[]> {
  let root = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(root, "package.json"))) root = dirname(root);
  const inBuild = fileURLToPath(import.meta.url).startsWith(join(root, "dist"));
  const folder = join(root, inBuild ? "dist/hypotheses" : "src/diagnosis/hypotheses");
  const files = readdirSync(folder)
    .filter((file) => /\.(js|ts)$/.test(file) && !file.endsWith(".d.ts"))
    .sort();
  return Promise.all(
    files.map(async (file) => {
      const module = (await import(pathToFileURL(join(folder, file)).href)) as { default: Hypothesis };
      const id = file.replace(/\.(js|ts)$/, "");
      if (module.default?.id !== id) throw new Error(`hypotheses/${file} must export the id ${id}`);
      return module.default;
    }),
  );
}
