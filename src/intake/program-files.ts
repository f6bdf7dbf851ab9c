/** Tells what a program brings along from what it left behind: the files of a source tree that are no evidence. */

import { readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { plural } from "../contract/wording.ts";
import { isSchemaAlone } from "./text-shapes.ts";

/** Folders of a source tree whose logs and databases are examples, copies or other people's. */
const FOLDERS =
  /(?:^|\/)(?:tests?|__tests__|__mocks__|specs?|e2e|cypress|playwright|test_?data|fixtures?|vendor|third_party|dist|build|coverage)\//i;
/** Prose, markup, configuration and source code, whatever their lines look like. */
const NO_DATA =
  /\.(?:mdx?|rst|adoc|tex|html?|css|s[ac]ss|less|svg|xml|ya?ml|toml|ini|cfg|conf|env|lock|properties|rs|java|kts?|rb|php|cc?|cpp|cxx|h|hpp|cs|swift|scala|lua|pl|ex|exs|sh|bash|zsh|ps1|bat|ipynb|tf|proto|graphql|po|map|patch|diff)$/i;
/** Settings of tools, which have no ending: `.eslintrc`, `.prettierrc`, `.gitignore`. */
const SETTINGS = /^\.[\w-]+(?:rc|ignore|config|attributes|version)$/i;
/** Paths that one note names; the rest is counted. */
const NAMED_MAX = 3;

/** True for the settings of a tool, which may be JSON. */
export function isSettings(file: string): boolean {
  return SETTINGS.test(basename(file));
}

/** True for a name that no log and no table of data has. */
export function isDocument(file: string): boolean {
  return NO_DATA.test(basename(file));
}

/** Larger SQL is no source code: the reader of source code leaves it out. */
const SCHEMA_BYTES_MAX = 1 << 20;

/** True for a .sql file beside source code that has a dump's words and no rows: a schema or a migration of the program. */
export function isSchema(file: string): boolean {
  return (
    /\.sql$/i.test(file) &&
    statSync(file).size <= SCHEMA_BYTES_MAX &&
    isSchemaAlone(readFileSync(file, "utf8"))
  );
}

/** A file met in a directory: its path inside it, with `/`, and whether it is a JSON document (not JSON lines). */
export interface Met {
  inside: string;
  isDocument: boolean;
}

/**
 * Which of the files met in a directory belong to its program. A directory is a program's when it has more source
 * files than JSON documents; then JSON documents are its configuration and resources, and what lies in folders of
 * tests, vendored code and built files is no evidence.
 *
 * @returns one truth value per file, and a note that tells what was left out, or null.
 */
export function programFiles(
  met: readonly Met[],
  sources: number,
): { isProgram: boolean[]; note: string | null } {
  const documents = met.filter((one) => one.isDocument).length;
  const isProgram = met.map((one) => sources > documents && (one.isDocument || FOLDERS.test(one.inside)));
  const left = met.filter((_, i) => isProgram[i]).map((one) => one.inside);
  if (left.length === 0) return { isProgram, note: null };
  const rest = left.length - NAMED_MAX;
  const shown = left.slice(0, NAMED_MAX).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
  const note = `${plural(left.length, "data file")} ${left.length === 1 ? "is" : "are"} taken as part of the program and not read: ${shown}; name what is evidence`;
  return { isProgram, note };
}
