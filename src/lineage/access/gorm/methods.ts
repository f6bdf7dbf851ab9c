/** What GORM's methods do, by their names. */

import type { AccessFact } from "../../facts.ts";

type Operation = AccessFact["operation"];

/** The methods that run a chain. */
export const VERBS: Record<string, Operation> = {
  Find: "select",
  First: "select",
  Take: "select",
  Last: "select",
  Scan: "select",
  Pluck: "select",
  Count: "select",
  Rows: "select",
  Row: "select",
  FindInBatches: "select",
  FirstOrInit: "select",
  Create: "insert",
  CreateInBatches: "insert",
  FirstOrCreate: "insert",
  Save: "upsert",
  Update: "update",
  Updates: "update",
  UpdateColumn: "update",
  UpdateColumns: "update",
  Delete: "delete",
};
/** What a verb fills says nothing about the table that it reads. */
export const FILLS_ANYTHING = /^(Scan|Pluck|Count|Rows|Row)$/;
/** These load the models themselves, and with them what is preloaded. */
export const LOADS = /^(Find|First|Take|Last|FindInBatches|FirstOrInit|FirstOrCreate)$/;
/** What is done to the rows behind a relation: `db.Model(&user).Association("Roles").Append(role)`. */
export const ASSOCIATION: Record<string, Operation> = {
  Find: "select",
  Count: "select",
  Append: "insert",
  Replace: "upsert",
  Delete: "delete",
  Clear: "delete",
};
