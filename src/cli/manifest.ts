/** What the build knows about the package and its checks, so that no command loads a check to talk about it. */

import { readFileSync } from "node:fs";
import type { CheckInfo } from "../contract/check.ts";

export interface Manifest {
  version: string;
  checks: CheckInfo[];
  /** The expectations that trueup.yaml may declare, `expect/not_null` … */
  expectations: CheckInfo[];
}

/** The file that scripts/build.mjs writes beside the bundle: `dist/manifest.json`. */
export function readManifest(): Manifest {
  return JSON.parse(readFileSync(new URL("../manifest.json", import.meta.url), "utf8")) as Manifest;
}
