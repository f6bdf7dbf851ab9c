/** Finds and reads the files of own checks: one of the two places where checks are loaded from disk. */

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, isAbsolute, relative, resolve, sep } from "node:path";
import { messageOf, UserError } from "../../contract/errors.ts";
import { globMatches } from "../../contract/glob.ts";

/** A file that holds one own check. */
export interface OwnFile {
  /** Relative to the working directory, with `/`. */
  file: string;
  /** The file's name without its ending: the check's id unless the file says otherwise. */
  name: string;
  language: "sql" | "ts" | "js";
  text: string;
}

const LANGUAGES: Readonly<Record<string, OwnFile["language"]>> = {
  sql: "sql",
  ts: "ts",
  mts: "ts",
  js: "js",
  mjs: "js",
};

/** Files below a glob's folder that are looked at. */
const FILES_MAX = 20_000;

/**
 * The files that the globs name, in the order of their paths.
 * @throws UserError when a glob names no file, or a file cannot be read or is no check.
 */
export function readOwnChecks(globs: readonly string[], cwd: string): OwnFile[] {
  const shown = (path: string) => {
    const below = relative(cwd, path);
    return (isAbsolute(below) ? path : below).split(sep).join("/");
  };
  const paths = new Set<string>();
  for (const glob of globs) {
    const found = filesOf(resolve(cwd, glob));
    if (found.length === 0) throw new UserError(`own checks: ${shown(resolve(cwd, glob))} names no file`);
    for (const path of found) paths.add(path);
  }
  return [...paths].sort().map((path) => {
    const ending = /\.([^./\\]+)$/.exec(path)?.[1] ?? "";
    const language = LANGUAGES[ending];
    if (language === undefined)
      throw new UserError(`own checks: ${shown(path)} is neither .sql nor .ts nor .js; narrow the pattern`);
    try {
      const text = readFileSync(path, "utf8").replace(/^\uFEFF/, "");
      return { file: shown(path), name: basename(path).slice(0, -ending.length - 1), language, text };
    } catch (error) {
      throw new UserError(`own checks: ${shown(path)} cannot be read: ${messageOf(error)}`);
    }
  });
}

/** Of an absolute glob; declarations and tests beside the checks are none. */
function filesOf(glob: string): string[] {
  if (!/[*?]/.test(glob)) return existsSync(glob) && statSync(glob).isFile() ? [glob] : [];
  let folder = dirname(glob.slice(0, glob.search(/[*?]/) + 1));
  if (!existsSync(folder)) return [];
  folder = resolve(folder);
  const pattern = relative(folder, glob).split(sep).join("/");
  return readdirSync(folder, { recursive: pattern.includes("/"), encoding: "utf8" })
    .slice(0, FILES_MAX)
    .map((file) => file.split(sep).join("/"))
    .filter((file) => globMatches(pattern, file, "path") && !/\.d\.m?ts$|\.(test|spec)\.\w+$/.test(file))
    .map((file) => resolve(folder, file))
    .filter((path) => statSync(path).isFile());
}
