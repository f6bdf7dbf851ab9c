/** Finds the file (or package) that an import names: relative paths, path aliases, workspaces, Python and Go packages. */

import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join, posix, relative, resolve, sep } from "node:path";
import type { ModuleIR } from "./ir.ts";

/** A module of the tree (its index), a Go package of the tree (its folder), or a package from elsewhere. */
export type Target = { module: number } | { folder: string } | { package: string };

const EXTENSIONS = ["", ".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".cts"];
const INDEXES = EXTENSIONS.slice(1).map((extension) => `/index${extension}`);

interface PathAliases {
  /** Absolute. */
  base: string;
  hasBase: boolean;
  paths: [pattern: string, targets: string[]][];
}

export class Imports {
  readonly #root: string;
  readonly #files: readonly string[];
  readonly #byFile = new Map<string, number>();
  /** Go: folder → modules. */
  readonly goFolders = new Map<string, number[]>();
  /** Python: `/a/b.py` of every module, so that an absolute import is found by its end. */
  readonly #pythonEnds = new Map<string, number[]>();
  readonly #aliases = new Map<string, PathAliases | null>();
  readonly #packages = new Map<string, string>();
  readonly #goModules = new Map<string, { path: string; folder: string } | null>();

  constructor(root: string, modules: readonly ModuleIR[]) {
    this.#root = root;
    this.#files = modules.map((module) => module.file);
    modules.forEach((module, index) => {
      this.#byFile.set(module.file, index);
      if (module.language === "go") {
        const folder = posix.dirname(module.file);
        const known = this.goFolders.get(folder);
        if (known) known.push(index);
        else this.goFolders.set(folder, [index]);
      } else if (module.language === "python") {
        const name = posix.basename(module.file.replace(/\/__init__\.py$/, ".py"));
        const known = this.#pythonEnds.get(name);
        if (known) known.push(index);
        else this.#pythonEnds.set(name, [index]);
      }
    });
    this.#findWorkspaces(modules);
  }

  moduleOf(file: string): number | undefined {
    return this.#byFile.get(file);
  }

  readonly #targets = new Map<ModuleIR, Map<string, Target>>();

  /** What a module's import of `source` names; asked for at every use of a name, and found once. */
  resolve(module: ModuleIR, source: string): Target {
    let known = this.#targets.get(module);
    if (!known) {
      known = new Map();
      this.#targets.set(module, known);
    }
    let target = known.get(source);
    if (!target) {
      target = this.#find(module, source);
      known.set(source, target);
    }
    return target;
  }

  #find(module: ModuleIR, source: string): Target {
    if (module.language === "python") return this.#python(module, source);
    if (module.language === "go") return this.#go(module, source);
    return this.#javascript(module, source);
  }

  #javascript(module: ModuleIR, source: string): Target {
    const folder = posix.dirname(module.file);
    if (source.startsWith(".")) {
      const found = this.#file(posix.normalize(posix.join(folder, source)));
      return found === null ? { package: source } : { module: found };
    }
    const aliases = this.#aliasesFor(folder);
    for (const candidate of aliases ? aliasCandidates(aliases, source) : []) {
      const found = this.#file(relative(this.#root, candidate).split(sep).join("/"));
      if (found !== null) return { module: found };
    }
    for (const [name, at] of this.#packages) {
      if (source !== name && !source.startsWith(`${name}/`)) continue;
      const inside = source.slice(name.length + 1);
      for (const path of inside
        ? [inside, `src/${inside}`]
        : ["src/index", "index", "src/main", "lib/index"]) {
        const found = this.#file(posix.join(at, path));
        if (found !== null) return { module: found };
      }
    }
    // The conventions of bundlers where no configuration was found.
    const conventional = /^[@~]\/(.+)$/.exec(source)?.[1];
    if (conventional !== undefined && !aliases?.paths.some(([pattern]) => matches(pattern, source) !== null))
      for (const path of [`src/${conventional}`, conventional]) {
        const found = this.#file(path);
        if (found !== null) return { module: found };
      }
    return { package: source };
  }

  /** `./repo.js` may be written for `repo.ts`; a folder stands for its index. */
  #file(path: string): number | null {
    const clean = path.replace(/^\.\//, "");
    for (const extension of EXTENSIONS) {
      const found = this.#byFile.get(clean + extension);
      if (found !== undefined) return found;
    }
    const bare = clean.replace(/\.([cm]?)jsx?$/, "");
    if (bare !== clean)
      for (const extension of EXTENSIONS) {
        const found = this.#byFile.get(bare + extension);
        if (found !== undefined) return found;
      }
    for (const index of INDEXES) {
      const found = this.#byFile.get(clean === "." || clean === "" ? index.slice(1) : clean + index);
      if (found !== undefined) return found;
    }
    return null;
  }

  /** The path aliases of the nearest tsconfig or jsconfig, also above the root. */
  #aliasesFor(folder: string): PathAliases | null {
    const known = this.#aliases.get(folder);
    if (known !== undefined) return known;
    const absolute = resolve(this.#root, folder);
    let found: PathAliases | null = null;
    for (const name of ["tsconfig.json", "jsconfig.json"]) {
      const path = join(absolute, name);
      if (existsSync(path)) found = readAliases(path, 0);
      if (found) break;
    }
    const parent = dirname(absolute);
    if (!found && parent !== absolute)
      found = this.#aliasesFor(relative(this.#root, parent).split(sep).join("/") || ".");
    this.#aliases.set(folder, found);
    return found;
  }

  #findWorkspaces(modules: readonly ModuleIR[]): void {
    const seen = new Set<string>();
    for (const module of modules) {
      if (module.language === "python" || module.language === "go") continue;
      for (let folder = posix.dirname(module.file); !seen.has(folder); folder = posix.dirname(folder)) {
        seen.add(folder);
        const name = readJson(join(this.#root, folder, "package.json"))?.["name"];
        if (typeof name === "string" && name !== "") this.#packages.set(name, folder);
      }
    }
  }

  #python(module: ModuleIR, source: string): Target {
    const dots = /^\.+/.exec(source)?.[0].length ?? 0;
    const steps = source.slice(dots).split(".").filter(Boolean);
    if (dots > 0) {
      let folder = posix.dirname(module.file);
      for (let i = 1; i < dots; i++) folder = posix.dirname(folder);
      const found = this.#pythonFile(posix.join(folder, ...steps));
      return found === null ? { package: source } : { module: found };
    }
    const path = steps.join("/");
    // The importer's own folder and those above it, as sys.path would have them, then the root's usual places.
    for (let folder = posix.dirname(module.file); ; folder = posix.dirname(folder)) {
      const found = this.#pythonFile(posix.join(folder, path));
      if (found !== null && found !== this.#byFile.get(module.file)) return { module: found };
      if (folder === ".") break;
    }
    const base = basename(this.#root);
    const below = steps[0] === base ? this.#pythonFile(steps.slice(1).join("/") || ".") : null;
    const found = below ?? this.#pythonFile(posix.join("src", path));
    if (found !== null) return { module: found };
    if (steps.length > 1) {
      // A package whose folder lies deeper than the root: found when exactly one file ends like it.
      const ends = (this.#pythonEnds.get(`${steps.at(-1)}.py`) ?? []).filter((index) => {
        const file = this.#files[index] as string;
        return file.endsWith(`/${path}.py`) || file.endsWith(`/${path}/__init__.py`);
      });
      if (ends.length === 1) return { module: ends[0] as number };
    }
    return { package: source };
  }

  #pythonFile(path: string): number | null {
    const clean = path === "." ? "" : path.replace(/^\.\//, "");
    return (
      this.#byFile.get(`${clean}.py`) ??
      this.#byFile.get(clean === "" ? "__init__.py" : `${clean}/__init__.py`) ??
      null
    );
  }

  /** A submodule of a Python package: `from pkg import module`. */
  submodule(module: ModuleIR, name: string): number | null {
    if (!/(^|\/)__init__\.py$/.test(module.file)) return null;
    return this.#pythonFile(posix.join(posix.dirname(module.file), name));
  }

  #go(module: ModuleIR, source: string): Target {
    const own = this.#goModule(posix.dirname(module.file));
    if (own && (source === own.path || source.startsWith(`${own.path}/`))) {
      const folder = posix.normalize(posix.join(own.folder, source.slice(own.path.length + 1) || "."));
      if (this.goFolders.has(folder)) return { folder };
    }
    if (!own && source.includes("/")) {
      // Without a go.mod at hand: the folder that ends like the path, when there is one only.
      const ends = [...this.goFolders.keys()].filter(
        (folder) => folder !== "." && source.endsWith(`/${folder}`),
      );
      if (ends.length === 1) return { folder: ends[0] as string };
    }
    return { package: source };
  }

  #goModule(folder: string): { path: string; folder: string } | null {
    const known = this.#goModules.get(folder);
    if (known !== undefined) return known;
    const absolute = resolve(this.#root, folder);
    const file = join(absolute, "go.mod");
    let found: { path: string; folder: string } | null = null;
    if (existsSync(file)) {
      const path = /^module\s+"?([^\s"]+)/m.exec(readFileSync(file, "utf8"))?.[1];
      if (path) found = { path, folder: relative(this.#root, absolute).split(sep).join("/") || "." };
    }
    const parent = dirname(absolute);
    if (!found && parent !== absolute)
      found = this.#goModule(relative(this.#root, parent).split(sep).join("/") || ".");
    this.#goModules.set(folder, found);
    return found;
  }
}

function aliasCandidates(aliases: PathAliases, source: string): string[] {
  const candidates: string[] = [];
  for (const [pattern, targets] of aliases.paths) {
    const star = matches(pattern, source);
    if (star === null) continue;
    for (const target of targets)
      candidates.push(
        resolve(
          aliases.base,
          target.replace("*", () => star),
        ),
      );
  }
  if (aliases.hasBase) candidates.push(resolve(aliases.base, source));
  return candidates;
}

/** What `*` stands for when the pattern matches, or null. */
function matches(pattern: string, source: string): string | null {
  const star = pattern.indexOf("*");
  if (star < 0) return pattern === source ? "" : null;
  const [before, after] = [pattern.slice(0, star), pattern.slice(star + 1)];
  if (!source.startsWith(before) || !source.endsWith(after) || source.length < before.length + after.length)
    return null;
  return source.slice(before.length, source.length - after.length);
}

function readAliases(path: string, depth: number): PathAliases | null {
  const json = readJson(path);
  if (!json || depth > 8) return null;
  const options = (json["compilerOptions"] ?? {}) as { baseUrl?: unknown; paths?: unknown };
  const folder = dirname(path);
  const paths = Object.entries((options.paths ?? {}) as Record<string, unknown>).flatMap(
    ([pattern, targets]): [string, string[]][] =>
      Array.isArray(targets) ? [[pattern, targets.filter((t): t is string => typeof t === "string")]] : [],
  );
  const hasBase = typeof options.baseUrl === "string";
  if (paths.length > 0 || hasBase)
    return { base: resolve(folder, hasBase ? (options.baseUrl as string) : "."), hasBase, paths };
  const parents = [json["extends"]]
    .flat()
    .filter((one): one is string => typeof one === "string" && one.startsWith("."));
  for (const parent of parents) {
    const target = resolve(folder, parent);
    const found = readAliases(existsSync(target) ? target : `${target}.json`, depth + 1);
    if (found) return found;
  }
  return { base: folder, hasBase: false, paths: [] };
}

/** JSON with comments and trailing commas, or null. */
function readJson(path: string): Record<string, unknown> | null {
  if (!existsSync(path)) return null;
  try {
    const text = readFileSync(path, "utf8")
      .replace(
        /("(?:[^"\\]|\\.)*")|\/\/[^\n]*|\/\*[\s\S]*?\*\//g,
        (_, kept: string | undefined) => kept ?? "",
      )
      .replace(/("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])/g, (_, kept: string | undefined) => kept ?? "");
    const value: unknown = JSON.parse(text);
    return value !== null && typeof value === "object" ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
