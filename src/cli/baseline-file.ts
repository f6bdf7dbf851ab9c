/** Finds the baseline of a run: the file that was named, or the one beside trueup.yaml. */

import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { BASELINE_NAME, type LoadedBaseline } from "../contract/baseline.ts";
import { UserError } from "../contract/errors.ts";

export interface BaselineFile {
  /** Absolute. */
  path: string;
  /** `--baseline`, `baseline:` of the configuration, or null for the default. */
  namedBy: string | null;
}

/** `--baseline` beats the configuration's `baseline`, which beats the default beside it. */
export function baselineFile(
  named: string | undefined,
  configured: string | undefined,
  configFile: string | null,
  cwd: string,
): BaselineFile {
  if (named !== undefined) return { path: resolve(cwd, named), namedBy: "--baseline" };
  const folder = configFile === null ? cwd : dirname(configFile);
  if (configured !== undefined)
    return { path: resolve(folder, configured), namedBy: "baseline in trueup.yaml" };
  return { path: join(folder, BASELINE_NAME), namedBy: null };
}

/**
 * The baseline, or null when there is none.
 * @throws UserError when a file that was named is not there, or is no baseline.
 */
export async function loadBaseline(file: BaselineFile, cwd: string): Promise<LoadedBaseline | null> {
  const { path, namedBy } = file;
  if (!existsSync(path)) {
    if (namedBy === null) return null;
    throw new UserError(`${namedBy}: ${path} is not there; write it with trueup baseline write`);
  }
  return (await import("../config/baseline.ts")).readBaseline(path, cwd);
}
