/** What the named arguments of Django's methods say beside columns: whether a row is stored, or replaced. */

import type { Expr } from "../../ir.ts";
import { type Call, entryOf } from "../../sites.ts";

/** `form.save(commit=False)` gives an instance that is not stored. */
export function isUnsaved(call: Call): boolean {
  const commit = entryOf(call.args, "commit") ?? null;
  return commit?.k === "value" && commit.value === false;
}

/** Whether rows that are there already are updated. */
export function isUpserting(name: string, call: Call): boolean {
  const updates = entryOf(call.args, "update_conflicts");
  return (
    /update_or_create$/.test(name) ||
    (/bulk_create$/.test(name) && updates?.k === "value" && updates.value === true)
  );
}

/** Named arguments that are no columns. */
export function withoutOptions(args: readonly Expr[]): Expr[] {
  return args.filter(
    (arg) =>
      arg.k === "named" &&
      !arg.name.includes("__") &&
      !/^(defaults|create_defaults|batch_size|ignore_conflicts|update_conflicts|update_fields|unique_fields|through_defaults|objs|fields)$/.test(
        arg.name,
      ),
  );
}
