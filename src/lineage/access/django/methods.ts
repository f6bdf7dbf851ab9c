/** The methods of Django's managers and querysets: which build a query, which run it, and what they write. */

import type { AccessFact } from "../../facts.ts";

type Operation = AccessFact["operation"];

/** Methods that give a further query. */
export const BUILDS =
  /^(filter|exclude|all|order_by|select_related|prefetch_related|annotate|alias|values|values_list|only|defer|distinct|reverse|using|select_for_update|complex_filter|dates|datetimes|extra|union|intersection|difference|db_manager|get_queryset|raw)$/;

/** Methods that run the query and give one instance. */
export const GIVES_ONE = /^a?(get|first|last|latest|earliest)$/;

/** Methods that run the query and give something else. */
export const RUNS = /^a?(count|exists|aggregate|iterator|in_bulk|explain|contains)$/;

/** What the other methods do to the table. */
export const WRITES: Record<string, readonly Operation[]> = withAsync({
  create: ["insert"],
  bulk_create: ["insert"],
  get_or_create: ["select", "insert"],
  update_or_create: ["select", "upsert"],
  update: ["update"],
  bulk_update: ["update"],
  delete: ["delete"],
  _raw_delete: ["delete"],
});

/** What managers of users add: `create_user`. */
export const CREATES_USER = /^a?(create_user|create_superuser)$/;

/** What the manager of a relation of many to many does to the table between. */
export const LINKS: Record<string, readonly Operation[]> = withAsync({
  add: ["insert"],
  remove: ["delete"],
  clear: ["delete"],
  set: ["insert", "delete"],
});

/** What instances do. */
export const ON_INSTANCE = /^a?(save|delete|refresh_from_db)$/;

/** Functions that take rows from what they are given, and so run a query. */
export const TAKES = /^(list|tuple|set|sorted|frozenset|len|bool|any|all|sum|min|max|next|dict)$/;

/** Functions that hand on what they are given, one by one. */
export const HANDS_ON = /^(iter|reversed|tqdm|track|chunked|batched)$/;

/** Methods whose arguments are stored; those of `get_or_create` are also what is looked for. */
export const STORES = /^a?(create|update)$/;

function withAsync(of: Record<string, readonly Operation[]>): Record<string, readonly Operation[]> {
  return Object.fromEntries(
    Object.entries(of).flatMap(([name, does]) => [
      [name, does],
      [`a${name}`, does],
    ]),
  );
}
