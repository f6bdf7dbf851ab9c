// Installs and builds what is out of date, so that `npm test` and `npm run demo` each work alone on a fresh clone.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const fingerprint = (paths) => {
  const sum = createHash("sha256");
  for (const path of paths) sum.update(path).update(readFileSync(join(root, path)));
  return sum.digest("hex");
};

/** Runs a step unless its stamp says that nothing it depends on has changed. */
function step(name, stampFile, inputs, command, args) {
  const wanted = `${process.version} ${fingerprint(inputs)}`;
  const stamp = join(root, stampFile);
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  console.error(`${name} …`);
  const result = spawnSync(command, args, {
    cwd: root,
    stdio: ["ignore", 2, 2],
    shell: process.platform === "win32",
  });
  if (result.status !== 0) process.exit(result.status ?? 1);
  mkdirSync(join(stamp, ".."), { recursive: true });
  writeFileSync(stamp, wanted);
}

/** Every file below the folders, in a fixed order. */
function filesBelow(folders) {
  const found = [];
  const walk = (path) => {
    if (!existsSync(join(root, path))) return;
    if (statSync(join(root, path)).isFile()) found.push(path);
    else for (const name of readdirSync(join(root, path)).sort()) walk(`${path}/${name}`);
  };
  for (const folder of folders) walk(folder);
  return found;
}

step(
  "installing dependencies",
  "node_modules/.trueup-installed",
  ["package.json", "package-lock.json"],
  "npm",
  // Not `npm ci`: it refuses a lock file that was written where packages of other platforms cannot be had.
  ["install", "--no-save", "--no-audit", "--no-fund"],
);
step(
  "building",
  "dist/.trueup-built",
  filesBelow(["package.json", "bin", "src", "checks", "scripts", "bench", "tsconfig.json"]),
  process.execPath,
  ["scripts/build.mjs"],
);
