/** Tables that SQL declares, as facts: alike for a text in code and for a file of SQL. */

import { MIGRATION_FILE } from "../../contract/code.ts";
import type { TableFact } from "../facts.ts";
import type { SqlTable } from "../sql/analysis.ts";

/** A table that SQL declares, as a fact. */
export function tableFact(table: SqlTable, file: string, line: number): TableFact {
  const isRenamed = table.how === "rename";
  const name = isRenamed ? (table.columns[0] ?? table.name) : table.name;
  return {
    name,
    declared_as: name,
    how: MIGRATION_FILE.test(file) ? "migration" : "ddl",
    file,
    line,
    columns: isRenamed ? [] : table.columns,
  };
}
