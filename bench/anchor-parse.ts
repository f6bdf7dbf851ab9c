/** The source tree's anchor: tree-sitter parses the same files, one after another, and nothing else. */

import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { extname, join } from "node:path";
import { Language, Parser } from "web-tree-sitter";

const GRAMMARS: Record<string, string> = { ".ts": "typescript", ".py": "python", ".go": "go" };

await Parser.init();
const parsers = new Map<string, Parser>();
for (const [extension, grammar] of Object.entries(GRAMMARS)) {
  const path = createRequire(import.meta.url).resolve(
    `@vscode/tree-sitter-wasm/wasm/tree-sitter-${grammar}.wasm`,
  );
  const parser = new Parser();
  parser.setLanguage(await Language.load(path));
  parsers.set(extension, parser);
}

let files = 0;
let bytes = 0;
for (const name of readdirSync(process.argv[2] as string, { recursive: true, encoding: "utf8" }).sort()) {
  const parser = parsers.get(extname(name));
  if (!parser) continue;
  const source = readFileSync(join(process.argv[2] as string, name), "utf8");
  parser.parse(source)?.delete();
  files++;
  bytes += source.length;
}
process.stdout.write(`${files} files, ${bytes} bytes\n`);
