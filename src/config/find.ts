/** Finds the configuration file: here, or in a folder above, but never outside the repository. */

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

export const CONFIG_NAMES = ["trueup.yaml", "trueup.yml"] as const;

/** The folder at or above `cwd` that holds .git, or null outside a repository. */
export function repositoryRoot(cwd: string): string | null {
  for (let folder = cwd; ; folder = dirname(folder)) {
    if (existsSync(join(folder, ".git"))) return folder;
    if (dirname(folder) === folder) return null;
  }
}

/**
 * The file in `cwd` or, inside a repository, in the nearest folder above up to its root; null when there is none.
 * Outside a repository only `cwd` counts: a stray file in a home folder must not change an audit.
 */
export function findConfig(cwd: string): string | null {
  const root = repositoryRoot(cwd) ?? cwd;
  const folders = [cwd];
  while (folders.at(-1) !== root) folders.push(dirname(folders.at(-1)!));
  for (const folder of folders)
    for (const file of CONFIG_NAMES) if (existsSync(join(folder, file))) return join(folder, file);
  return null;
}
