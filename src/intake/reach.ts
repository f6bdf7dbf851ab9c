/** Spells the files of one input as a user would name them, so that a configuration leads to the same files again. */

import { basename, dirname, join, relative, sep } from "node:path";
import { walkGlob } from "./walk.ts";

/**
 * A pattern that matches these files and no others, the most general first: tomorrow's part belongs to it too. Null when
 * there is none. `stem` is the name that the parts of a rotated set share. Paths are absolute, the pattern is relative.
 */
export function patternOf(files: readonly string[], stem: string | null, cwd: string): string | null {
  const folders = [...new Set(files.map((file) => dirname(file)))];
  const names = files.map((file) => basename(file));
  const ending = endingOf(names);
  const start = startOf(names);
  const folder = folders.length === 1 ? folders[0]! : commonFolder(folders);
  const patterns =
    folders.length === 1
      ? [
          ...(stem === null ? [] : [`${stem}*`]),
          `${start.replace(/[\p{L}\p{N}]*$/u, "")}*${ending}`,
          `${start}*${ending}`,
        ]
      : [`**/*${ending}`];
  const wanted = new Set(files);
  return (
    patterns
      .map((pattern) => shown(join(folder, pattern), cwd))
      .find((pattern) => {
        const { files: found } = walkGlob(pattern, cwd);
        return found.length === wanted.size && found.every((file) => wanted.has(file));
      }) ?? null
  );
}

/** The folder that holds all of these, relative to `cwd`. */
export function folderOf(files: readonly string[], cwd: string): string {
  return shown(commonFolder(files.map((file) => dirname(file))), cwd);
}

const shown = (path: string, cwd: string) => relative(cwd, path).split(sep).join("/") || ".";

function commonFolder(folders: readonly string[]): string {
  return folders.reduce((common, folder) => {
    let shared = common;
    while (folder !== shared && !folder.startsWith(shared.endsWith(sep) ? shared : shared + sep))
      shared = dirname(shared);
    return shared;
  });
}

function startOf(names: readonly string[]): string {
  return names.reduce((common, name) => {
    let length = 0;
    while (length < common.length && common[length] === name[length]) length++;
    return common.slice(0, length);
  });
}

/** The ending that all share, from a dot on: `.json`, `.log.gz`, or none. */
function endingOf(names: readonly string[]): string {
  const reversed = (text: string) => [...text].reverse().join("");
  const shared = reversed(startOf(names.map(reversed)));
  return /(?:\.\w+)+$/.exec(shared)?.[0] ?? "";
}
