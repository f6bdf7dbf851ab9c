/** Reads a SQLite database: every table's needed columns, by way of text that SQLite itself builds. */

import type { LoadedInput } from "../../contract/loaded.ts";
import type { IntakeContext, Source } from "../context.ts";

/** @throws UserError when it is encrypted, locked, truncated or no database. */
export async function loadSqlite(_source: Source, _ctx: IntakeContext): Promise<LoadedInput> {
  throw new Error("not built");
}
