/** Finds the source files of a tree and reads them as text; whatever is left out is told. */

import { existsSync, lstatSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import ignore, { type Ignore } from "ignore";
import type { Language } from "./ir.ts";

/** Larger files are generated. */
const FILE_BYTES_MAX = 1_048_576;
/** A tree with more source files than this is cut, and told. */
const FILES_MAX = 50_000;
const DEPTH_MAX = 60;

export interface SourceFile {
  /** Relative to the root, with `/`. */
  file: string;
  path: string;
  language: Language;
  isTest: boolean;
}

export interface Skipped {
  file: string;
  reason: string;
}

export interface Tree {
  files: SourceFile[];
  skipped: Skipped[];
}

const LANGUAGE_OF: Record<string, Language> = {
  js: "javascript",
  jsx: "javascript",
  mjs: "javascript",
  cjs: "javascript",
  ts: "typescript",
  mts: "typescript",
  cts: "typescript",
  tsx: "tsx",
  py: "python",
  go: "go",
  sql: "sql",
  prisma: "prisma",
};

const LEFT_OUT = new Map([
  ["node_modules", "installed packages"],
  ["bower_components", "installed packages"],
  ["site-packages", "installed packages"],
  ["venv", "installed packages"],
  ["vendor", "vendored code"],
  ["third_party", "vendored code"],
  ["dist", "built files"],
  ["build", "built files"],
  ["coverage", "built files"],
  ["__pycache__", "built files"],
]);

const TEST_FOLDERS = /(^|\/)(tests?|__tests__|__mocks__|specs?|e2e|cypress|playwright|testdata|test_data)\//i;
const TEST_FILES =
  /(^|\/)(conftest\.py|test_[^/]*\.py|[^/]*_test\.(py|go)|[^/]*[.-](test|spec|cy|stories)\.[cm]?[jt]sx?)$/i;

/** The language of a file by its name, or null. */
export function languageOf(file: string): Language | null {
  if (/\.d\.[cm]?ts$/.test(file)) return null;
  return LANGUAGE_OF[/\.([a-z]+)$/i.exec(file)?.[1]?.toLowerCase() ?? ""] ?? null;
}

/** True for code that only tests run. */
export function isTestFile(file: string): boolean {
  return TEST_FOLDERS.test(file) || TEST_FILES.test(file);
}

/** Walks a directory (or takes one file). Order is by name, so the same tree gives the same facts. */
export function findSources(root: string): Tree {
  const tree: Tree = { files: [], skipped: [] };
  const stat = lstatSync(root);
  if (stat.isFile()) {
    const file = root.split(sep).at(-1) as string;
    const language = languageOf(file);
    if (language) tree.files.push({ file, path: root, language, isTest: isTestFile(file) });
    return tree;
  }
  walk(root, root, rulesAbove(root), tree, 0);
  return tree;
}

interface Rules {
  /** The folder whose .gitignore it is. */
  folder: string;
  matcher: Ignore;
}

function walk(root: string, folder: string, above: readonly Rules[], tree: Tree, depth: number): void {
  const shown = (path: string) => relative(root, path).split(sep).join("/");
  const skip = (path: string, reason: string) => tree.skipped.push({ file: shown(path), reason });
  if (depth > DEPTH_MAX) return void skip(folder, `folders deeper than ${DEPTH_MAX}`);
  let names: string[];
  try {
    names = readdirSync(folder).sort();
  } catch {
    return void skip(folder, "cannot be read");
  }
  if (folder !== root && names.includes(".git")) return void skip(folder, "another repository (submodule)");
  const rules = names.includes(".gitignore") ? [...above, rulesOf(folder)] : above;
  for (const name of names) {
    const path = join(folder, name);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (!stat) continue;
    if (stat.isSymbolicLink()) {
      if (languageOf(name) || !name.includes(".")) skip(path, "symbolic link");
      continue;
    }
    const isFolder = stat.isDirectory();
    if (isFolder && name.startsWith(".")) continue;
    if (!isFolder && (!stat.isFile() || !languageOf(name))) continue;
    if (isFolder && LEFT_OUT.has(name)) {
      skip(path, LEFT_OUT.get(name) as string);
      continue;
    }
    if (ignored(path, isFolder, rules)) continue;
    if (isFolder) walk(root, path, rules, tree, depth + 1);
    else addFile(path, shown(path), stat.size, tree, skip);
  }
}

function addFile(
  path: string,
  file: string,
  bytes: number,
  tree: Tree,
  skip: (path: string, reason: string) => void,
): void {
  const language = languageOf(file) as Language;
  if (bytes > FILE_BYTES_MAX) {
    if (language !== "sql")
      return void skip(path, `${(bytes / 1_048_576).toFixed(1)} MB: generated, larger than 1 MB`);
    return void skip(path, `${(bytes / 1_048_576).toFixed(1)} MB of SQL: a dump, not code`);
  }
  if (/[.-]min\.[cm]?js$/.test(file)) return void skip(path, "minified");
  if (tree.files.length >= FILES_MAX) {
    if (!tree.skipped.some((one) => one.reason.startsWith("more than")))
      skip(path, `more than ${FILES_MAX} source files: this one and those after it`);
    return;
  }
  tree.files.push({ file, path, language, isTest: isTestFile(file) });
}

function rulesOf(folder: string): Rules {
  const matcher = ignore();
  try {
    matcher.add(readFileSync(join(folder, ".gitignore"), "utf8"));
  } catch {
    // A .gitignore that cannot be read ignores nothing.
  }
  return { folder, matcher };
}

/** The .gitignore files between the root and its repository; none when they ignore the root, which was named. */
function rulesAbove(root: string): Rules[] {
  const rules: Rules[] = [];
  for (let folder = root; ; folder = dirname(folder)) {
    if (folder !== root && existsSync(join(folder, ".gitignore"))) rules.unshift(rulesOf(folder));
    if (existsSync(join(folder, ".git"))) break;
    if (folder === dirname(folder)) return [];
  }
  return ignored(root, true, rules) ? [] : rules;
}

/** The deepest .gitignore that has an opinion decides, as in git. */
function ignored(path: string, isFolder: boolean, rules: readonly Rules[]): boolean {
  for (let i = rules.length - 1; i >= 0; i--) {
    const { folder, matcher } = rules[i] as Rules;
    const inside = relative(folder, path).split(sep).join("/") + (isFolder ? "/" : "");
    const said = matcher.test(inside);
    if (said.ignored) return true;
    if (said.unignored) return false;
  }
  return false;
}

/** A file's text and, where it is not plain UTF-8, what it was read as; null text with the reason it is not read. */
export function readSource(path: string): { text: string | null; note: string | null } {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch {
    return { text: null, note: "cannot be read" };
  }
  if (bytes[0] === 0xff && bytes[1] === 0xfe)
    return { text: bytes.subarray(2).toString("utf16le"), note: "read as UTF-16" };
  if (bytes.includes(0)) return { text: null, note: "binary" };
  let text: string;
  let note: string | null = null;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    text = bytes.toString("latin1");
    note = "not UTF-8, read as Latin-1";
  }
  if (isMinified(path, text)) return { text: null, note: "minified" };
  return { text, note };
}

/** Few, very long lines: no person wrote it. Data files and SQL may have long lines. */
function isMinified(path: string, text: string): boolean {
  if (text.length < 20_000 || !/\.[cm]?jsx?$/.test(path)) return false;
  let lines = 1;
  for (let i = text.indexOf("\n"); i >= 0; i = text.indexOf("\n", i + 1)) lines++;
  return text.length / lines > 400;
}
