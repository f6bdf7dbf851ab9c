/** Several trees of source code may hold the same relative path: each is told where it stands below the folder of all. */

import { statSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import type { Source } from "./context.ts";

/** Gives every tree its `root` when there are several; one alone has none. */
export function placeTrees(sources: readonly Source[]): void {
  const trees = sources.filter((source) => source.kind === "code");
  if (trees.length < 2) return;
  const above = commonFolder(trees.map(folderOf));
  for (const tree of trees)
    tree.root = relative(above, tree.files[0] as string)
      .split(sep)
      .join("/");
}

/** What the facts of a tree put before its files: its `root`, or of a single file the folder of it. */
export function folderOfFacts(tree: Source): string {
  if (tree.root === undefined) return "";
  return folderOf(tree) === tree.files[0] ? tree.root : tree.root.replace(/\/?[^/]*$/, "");
}

/** The tree itself, or the folder that holds a single file. */
function folderOf({ files }: Source): string {
  const path = files[0] as string;
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ? path : dirname(path);
}

/** The deepest folder that holds all folders, or is one of them. */
function commonFolder(folders: readonly string[]): string {
  let common = (folders[0] as string).split(sep);
  for (const folder of folders) {
    const parts = folder.split(sep);
    const end = common.findIndex((part, i) => part !== parts[i]);
    if (end >= 0) common = common.slice(0, end);
  }
  return join(common.join(sep), sep);
}
