/** Hands a text of SQL statements to the reader of the database that wrote it. */

import { UserError } from "../contract/errors.ts";
import type { LoadedInput } from "../contract/loaded.ts";
import type { IntakeContext, Source } from "./context.ts";
import { dumpTextOf } from "./sniff.ts";
import { dumpDialectOf } from "./text-shapes.ts";

/** @throws UserError for a dump that trueup does not read. */
export async function loadSqlDump(source: Source, ctx: IntakeContext): Promise<LoadedInput> {
  switch (dumpDialectOf(dumpTextOf(source.files[0] as string))) {
    case "sqlite":
      return (await import("./sqlite/load.ts")).loadSqliteDump(source, ctx);
    case "postgres":
      return (await import("./postgres/load-dump.ts")).loadDump(source, ctx);
    default:
      throw new UserError(
        `${source.path}: a dump of MySQL or MariaDB, which trueup does not read; export the tables as CSV`,
      );
  }
}
