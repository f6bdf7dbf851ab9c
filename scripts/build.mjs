// Bundles the command, the library, the checks, the workers and the project's own scripts into dist/.
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const root = join(import.meta.dirname, "..");
const at = (...parts) => join(root, ...parts);

/** The .ts files of a folder as entry points, `dist/<folder>/<name>.js`. */
const entriesOf = (folder) =>
  (existsSync(at(folder)) ? readdirSync(at(folder)) : [])
    .filter((file) => file.endsWith(".ts"))
    .map((file) => ({ in: at(folder, file), out: `${folder}/${file.slice(0, -3)}` }));

/** Files that run in a worker thread of their own, found by their name. */
const workersBelow = (folder) =>
  readdirSync(at(folder), { recursive: true })
    .filter((file) => file.endsWith("worker.ts"))
    .map((file) => ({
      in: at(folder, file),
      out: `workers/${file.split("/").slice(-2).join("-").slice(0, -3)}`,
    }));

rmSync(at("dist"), { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: [
    { in: at("bin/trueup.ts"), out: "bin/trueup" },
    { in: at("src/index.ts"), out: "src/index" },
    ...entriesOf("checks"),
    ...entriesOf("scripts"),
    ...entriesOf("bench"),
    ...workersBelow("src"),
  ],
  outdir: at("dist"),
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20.19",
  packages: "external",
  chunkNames: "chunks/[name]-[hash]",
  logLevel: "warning",
});
