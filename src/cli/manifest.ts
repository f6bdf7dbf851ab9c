/** What the build knows about the package and its checks, so that no command loads a check to talk about it. */

import { readFileSync } from "node:fs";
import type { CheckMeta, OptionSpecs } from "../contract/check.ts";

/** A check without its code. */
export interface CheckInfo {
  id: string;
  meta: CheckMeta;
  options: OptionSpecs;
}

export interface Manifest {
  version: string;
  checks: CheckInfo[];
}

/** The file that scripts/build.mjs writes beside the bundle: `dist/manifest.json`. */
export function readManifest(): Manifest {
  return JSON.parse(readFileSync(new URL("../manifest.json", import.meta.url), "utf8")) as Manifest;
}
