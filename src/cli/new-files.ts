/** Writes the files that a command makes for the user, and never over one that is there. */

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { messageOf, UserError } from "../contract/errors.ts";

/** Throws when one of the files is there and may not be replaced. */
export function assertNew(files: readonly string[], folder: string, force: boolean): void {
  const there = files.filter((file) => existsSync(join(folder, file)));
  if (there.length > 0 && !force)
    throw new UserError(`${there.join(", ")}: already there; --force replaces it`);
}

/** Writes files that are not there yet; with `force` it replaces them. */
export function writeNew(files: Readonly<Record<string, string>>, folder: string, force: boolean): void {
  assertNew(Object.keys(files), folder, force);
  for (const [file, text] of Object.entries(files))
    try {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), text);
    } catch (error) {
      throw new UserError(`${file}: cannot be written: ${messageOf(error)}`);
    }
}
