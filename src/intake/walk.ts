/** Lists the files below a directory or that match a glob: bounded, in a fixed order, never round a loop of links. */

import { type Dirent, readdirSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";

/** Bounds of one walk. */
const FILES_MAX = 5000;
const DEPTH_MAX = 12;

/** Directories that hold other people's code, version control or caches. */
const SKIPPED = new Set([
  "node_modules",
  "bower_components",
  "__pycache__",
  "venv",
  "site-packages",
  "$RECYCLE.BIN",
  "System Volume Information",
]);

export interface Walk {
  /** Absolute paths of regular files, sorted. */
  files: string[];
  /** What a user should know: bounds that were met, what could not be read. */
  notes: string[];
}

/** All files below a directory, but for hidden directories and those that hold other people's code. */
export function walkDirectory(root: string): Walk {
  return walk(
    root,
    () => true,
    () => true,
  );
}

/** True for a path with glob characters. */
export function isGlob(path: string): boolean {
  return /[*?[{]/.test(path);
}

/** The files that match `*`, `?`, `[…]`, `{a,b}` and `**`; the path's part before the first of them is walked. */
export function walkGlob(pattern: string, cwd: string): Walk {
  const absolute = isAbsolute(pattern) ? pattern : join(cwd, pattern);
  const parts = absolute.split(/[\\/]/);
  const magic = parts.findIndex(isGlob);
  const root = parts.slice(0, magic).join("/") || "/";
  const rest = parts.slice(magic);
  const matcher = new RegExp(`^${globPattern(rest.join("/"))}$`);
  const deep = rest.includes("**");
  return walk(
    root,
    (path) => matcher.test(path),
    (path) => deep || path.split("/").length < rest.length,
  );
}

/** A glob as the text of a regular expression. A brace or bracket that is never closed stands for itself. */
function globPattern(glob: string): string {
  let pattern = "";
  let braces = 0;
  for (let i = 0; i < glob.length; i++) {
    const char = glob[i] as string;
    if (glob.startsWith("**/", i)) {
      pattern += "(?:[^/]+/)*";
      i += 2;
    } else if (char === "*") {
      if (glob[i + 1] === "*") i++;
      pattern += glob[i] === "*" && glob[i - 1] === "*" ? ".*" : "[^/]*";
    } else if (char === "?") pattern += "[^/]";
    else if (char === "[" && glob.indexOf("]", i + 2) > 0) {
      const end = glob.indexOf("]", i + 2);
      const body = glob
        .slice(i + 1, end)
        .replace(/[\\[\]^]/g, "\\$&")
        .replace(/^(?:!|\\\^)/, "^");
      pattern += `[${body}]`;
      i = end;
    } else if (char === "{" && glob.indexOf("}", i) > 0) {
      pattern += "(?:";
      braces++;
    } else if (char === "}" && braces > 0) {
      pattern += ")";
      braces--;
    } else if (char === "," && braces > 0) pattern += "|";
    else pattern += char.replace(/[.+^$(){}|[\]\\]/g, "\\$&");
  }
  return pattern + ")".repeat(braces);
}

function walk(root: string, wanted: (path: string) => boolean, enter: (path: string) => boolean): Walk {
  const files: string[] = [];
  const notes: string[] = [];
  const seen = new Set<string>();
  let special = 0;
  let tooDeep = false;
  const visit = (folder: string, depth: number) => {
    let entries: Dirent[];
    try {
      const real = realpathSync(folder);
      if (seen.has(real)) return;
      seen.add(real);
      entries = readdirSync(folder, { withFileTypes: true });
    } catch (error) {
      notes.push(`${shown(root, folder)} cannot be read (${(error as NodeJS.ErrnoException).code})`);
      return;
    }
    entries.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
    for (const entry of entries) {
      if (files.length >= FILES_MAX) return;
      const path = join(folder, entry.name);
      const inside = relative(root, path).split(sep).join("/");
      const stat = statSync(path, { throwIfNoEntry: false });
      if (stat === undefined) notes.push(`${shown(root, path)} is a link to nothing`);
      else if (stat.isDirectory()) {
        if (SKIPPED.has(entry.name) || entry.name.startsWith(".") || !enter(inside)) continue;
        if (depth < DEPTH_MAX) visit(path, depth + 1);
        else tooDeep = true;
      } else if (!wanted(inside)) continue;
      else if (stat.isFile()) files.push(path);
      else special++;
    }
  };
  visit(root, 0);
  if (files.length >= FILES_MAX)
    notes.push(
      `only the first ${FILES_MAX} files of ${basename(root)} were looked at; name a smaller directory`,
    );
  if (tooDeep) notes.push(`directories more than ${DEPTH_MAX} levels down were not looked at`);
  if (special > 0) notes.push(`${special} sockets, pipes or devices were left out`);
  return { files, notes };
}

function shown(root: string, path: string): string {
  return relative(dirname(resolve(root)), path)
    .split(sep)
    .join("/");
}
