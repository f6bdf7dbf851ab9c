/** Reads a log: one table of lines, one table per extractor that matched. */

import type { LoadedInput } from "../../contract/loaded.ts";
import type { IntakeContext, Source } from "../context.ts";

/** @throws UserError when no line can be read. */
export async function loadLog(_source: Source, _ctx: IntakeContext): Promise<LoadedInput> {
  throw new Error("not built");
}
