// Bundles the command, the library, the checks, the workers and the project's own scripts into dist/.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";

const root = join(import.meta.dirname, "..");
const at = (...parts) => join(root, ...parts);

/** The .ts files of a folder as entry points, `dist/<folder>/<name>.js`. */
const entriesOf = (folder) =>
  (existsSync(at(folder)) ? readdirSync(at(folder)) : [])
    .filter((file) => file.endsWith(".ts"))
    .map((file) => ({ in: at(folder, file), out: `${folder}/${file.slice(0, -3)}` }));

/** Files that run in a process without rights: each is one file, since it may read no other. */
const sandboxedBelow = (folder) =>
  readdirSync(at(folder), { recursive: true })
    .filter((file) => file.endsWith(".sandbox.ts"))
    .map((file) => ({
      in: at(folder, file),
      out: `workers/${file.split("/").slice(-2).join("-").slice(0, -3)}`,
    }));

/** Files that run in a worker thread of their own, found by their name. */
const workersBelow = (folder) =>
  readdirSync(at(folder), { recursive: true })
    .filter((file) => file.endsWith("worker.ts"))
    .map((file) => ({
      in: at(folder, file),
      out: `workers/${file.split("/").slice(-2).join("-").slice(0, -3)}`,
    }));

/** Commander can run subcommands as programs; trueup has none, and loading that module costs start-up time. */
const withoutSubprocesses = {
  name: "without-subprocesses",
  setup(build) {
    build.onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
      importer.includes("/commander/") ? { path: "none", namespace: "none" } : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: "none" }, () => ({ contents: "module.exports = {}" }));
  },
};

const packageJson = JSON.parse(readFileSync(at("package.json"), "utf8"));

rmSync(at("dist"), { recursive: true, force: true });
const shared = {
  absWorkingDir: root,
  outdir: at("dist"),
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20.19",
  minifySyntax: true,
  minifyWhitespace: true,
  logLevel: "warning",
};
await build({ ...shared, entryPoints: sandboxedBelow("src") });
await build({
  ...shared,
  entryPoints: [
    { in: at("bin/trueup.ts"), out: "bin/trueup" },
    { in: at("src/index.ts"), out: "src/index" },
    { in: at("src/testing/index.ts"), out: "src/testing" },
    { in: at("src/engine/expectations.ts"), out: "scripts/expectations" },
    ...entriesOf("checks"),
    ...entriesOf("src/diagnosis/hypotheses").map((e) => ({ ...e, out: e.out.replace("src/diagnosis/", "") })),
    ...entriesOf("scripts"),
    ...entriesOf("bench"),
    ...workersBelow("src"),
  ],
  splitting: true,
  // Commander is bundled: it is all that `--help` needs, and one small file starts faster than a package.
  external: Object.keys(packageJson.dependencies).filter((name) => name !== "commander"),
  banner: {
    js: 'import { createRequire as $$require } from "node:module"; const require = $$require(import.meta.url);',
  },
  plugins: [withoutSubprocesses],
  chunkNames: "chunks/[name]-[hash]",
});

// The manifest: what the command line says about checks without loading one.
const checks = await Promise.all(
  (existsSync(at("dist/checks")) ? readdirSync(at("dist/checks")) : []).sort().map(async (file) => {
    const { id, meta, options } = (await import(pathToFileURL(at("dist/checks", file)).href)).default;
    return { id, meta, options };
  }),
);
const { expectationInfos } = await import(pathToFileURL(at("dist/scripts/expectations.js")).href);
writeFileSync(
  at("dist/manifest.json"),
  JSON.stringify({ version: packageJson.version, checks, expectations: expectationInfos() }),
);
