/** Decides which columns of a table are worth loading, from a sample of its rows. */

import type { TableProfile } from "../contract/loaded.ts";
import type { Settings } from "../contract/settings.ts";

/** All of them, for a table that is not wide. */
export function neededColumns(table: TableProfile, _settings: Settings): Set<string> {
  return new Set(table.columns.map((column) => column.name));
}
