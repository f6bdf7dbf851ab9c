/** sqlite-utils: tables are items of the database, `db["logs"].insert(row)`. */

import type { AccessFact } from "../facts.ts";
import type { Expr } from "../ir.ts";
import type { Place } from "../program.ts";
import { calledName, receiverOf } from "../sites.ts";
import type { AccessContext } from "./emit.ts";
import { constantOf, keysOf } from "./emit.ts";

type Operation = AccessFact["operation"];

const VERBS: Record<string, Operation> = {
  insert: "insert",
  insert_all: "insert",
  upsert: "upsert",
  upsert_all: "upsert",
  lookup: "upsert",
  update: "update",
  delete: "delete",
  delete_where: "delete",
  rows_where: "select",
  pks_and_rows_where: "select",
  count_where: "select",
  get: "select",
  search: "select",
};

/** All accesses by sqlite-utils. */
export function sqliteUtilsAccess(ctx: AccessContext): void {
  if (!ctx.program.uses("sqlite_utils")) return;
  for (const { place, expr } of ctx.sites) {
    if (expr.k !== "call" || ctx.program.module(place.m).language !== "python") continue;
    const name = calledName(expr);
    const operation = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined;
    const receiver = receiverOf(expr);
    if (!operation || !receiver) continue;
    const table = tableOf(ctx, place, receiver, 0);
    if (table === null) continue;
    const replaces =
      operation === "insert" && expr.args.some((arg) => arg.k === "named" && arg.name === "replace");
    const columns = operation === "select" ? [] : keysOf(ctx.program, place, expr.args[0], null);
    ctx.emit(place, expr.at, table, replaces ? "upsert" : operation, columns, "builder");
  }
}

/** `db["logs"]`, `self.db.table("logs")`, `cast(Table, db["logs"])`, or a name that holds one. */
function tableOf(ctx: AccessContext, place: Place, expr: Expr, depth: number): string | null {
  if (depth > 4) return null;
  if (expr.k === "member")
    return isDatabase(expr.of) && !/^(conn|execute|query|table)$/.test(expr.name) ? expr.name : null;
  if (expr.k === "index") return isDatabase(expr.of) ? constantOf(ctx.program, place, expr.key) : null;
  if (expr.k === "call") {
    if (calledName(expr) === "cast" && expr.args[1]) return tableOf(ctx, place, expr.args[1], depth + 1);
    const receiver = receiverOf(expr);
    return calledName(expr) === "table" && receiver && isDatabase(receiver)
      ? constantOf(ctx.program, place, expr.args[0])
      : null;
  }
  if (expr.k !== "name") return null;
  const value = ctx.program.function(place).bindings.get(expr.name)?.at(-1);
  return value && value !== expr ? tableOf(ctx, place, value, depth + 1) : null;
}

function isDatabase(expr: Expr): boolean {
  return (expr.k === "name" || expr.k === "member") && /(^|_)db$|^database$/.test(expr.name);
}
