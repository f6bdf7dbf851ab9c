/** Prisma's clients of TypeScript and Python: which call reads or writes which model's table. */

import type { AccessFact } from "../../facts.ts";
import type { Expr } from "../../ir.ts";
import type { Model } from "../../models/models.ts";
import type { Place } from "../../program.ts";
import { type Call, calledName, entryOf, receiverOf } from "../../sites.ts";
import { type AccessContext, keysOf } from "../emit.ts";
import { Delegates } from "./delegates.ts";
import { HandedTables } from "./handed.ts";
import { entriesOf, Relations } from "./relations.ts";

type Operation = AccessFact["operation"];

const BOTH: Record<string, Operation> = {
  count: "select",
  create: "insert",
  update: "update",
  upsert: "upsert",
  delete: "delete",
};

const TYPESCRIPT: Record<string, Operation> = {
  ...BOTH,
  findMany: "select",
  findFirst: "select",
  findUnique: "select",
  findFirstOrThrow: "select",
  findUniqueOrThrow: "select",
  findRaw: "select",
  aggregateRaw: "select",
  aggregate: "select",
  groupBy: "select",
  createMany: "insert",
  createManyAndReturn: "insert",
  updateMany: "update",
  updateManyAndReturn: "update",
  deleteMany: "delete",
};

const PYTHON: Record<string, Operation> = {
  ...BOTH,
  find_many: "select",
  find_first: "select",
  find_unique: "select",
  find_first_or_raise: "select",
  find_unique_or_raise: "select",
  group_by: "select",
  create_many: "insert",
  update_many: "update",
  delete_many: "delete",
};

/** What a question can be asked with; another key says that the call is something else's. */
const ARGUMENTS =
  /^(where|data|create|update|select|include|omit|orderBy|take|skip|cursor|distinct|by|having|_count|_sum|_avg|_min|_max|skipDuplicates|skip_duplicates|limit|relationLoadStrategy|cacheStrategy|filter|options|pipeline|order|count|sum|avg|min|max)$/;
/** What it cannot be asked without. */
const NEEDS: Record<string, string> = {
  create: "data",
  createMany: "data",
  create_many: "data",
  update: "where",
  upsert: "where",
  delete: "where",
  findUnique: "where",
  find_unique: "where",
};
/** Names that no other library of the two languages gives a method of a table. */
const DISTINCT =
  /^(find(Many|First|Unique|FirstOrThrow|UniqueOrThrow)|create(Many|ManyAndReturn)|(update|delete)Many|find_(many|first|unique)|find_(first|unique)_or_raise|(create|update|delete)_many)$/;
/** What the fluent interface goes on from: `prisma.user.findUnique(…).posts()`. */
const ONE = /^(findUnique|findFirst|findUniqueOrThrow|findFirstOrThrow|create|update|upsert|delete)$/;

/** All accesses by Prisma's clients. */
export function prismaAccess(ctx: AccessContext): void {
  const { models, program } = ctx;
  if (models.prisma.size === 0) return;
  const delegates = new Delegates(ctx);
  const handed = new HandedTables(ctx);
  for (const { place, expr } of ctx.sites) {
    if (expr.k !== "call" || expr.callee.k !== "member") continue;
    const { language } = program.module(place.m);
    if (language === "go") continue;
    const operations = language === "python" ? PYTHON : TYPESCRIPT;
    const name = calledName(expr);
    if (!Object.hasOwn(operations, name)) {
      if (expr.callee.of.k === "call") fluent(ctx, delegates, place, expr, expr.callee.of);
      continue;
    }
    if (!fits(name, expr)) continue;
    const found = delegates.of(place, expr);
    const operation = operations[name] as Operation;
    for (const model of found) told(ctx, place, expr, operation, model);
    if (found.length > 0) continue;
    if (DISTINCT.test(name) && delegates.isClients(place, expr))
      ctx.emit(place, expr.at, null, operation, [], "builder");
    else handed.add(place, expr, operation);
  }
  handed.tell(delegates);
}

/** True when a call can be one of Prisma's, by its arguments. */
function fits(name: string, call: Call): boolean {
  const [first] = call.args;
  if (first && (first.k === "text" || first.k === "function" || first.k === "value")) return false;
  const given = entriesOf(call.args);
  if (!given.every(({ key }) => ARGUMENTS.test(key))) return false;
  const needed = Object.hasOwn(NEEDS, name) ? NEEDS[name] : undefined;
  // Python's clients take their arguments by position as well; a spread may hold anything.
  const isSpelled = call.args.every(
    (arg) => arg.k === "named" || (arg.k === "object" && arg.entries.every((entry) => entry.key !== null)),
  );
  return needed === undefined || !isSpelled || given.some(({ key }) => key === needed);
}

/** Tells an access and those that it reaches over relations. */
function told(ctx: AccessContext, place: Place, call: Call, operation: Operation, model: Model): void {
  const selected = operation === "select" ? ["select"] : ["data", "create", "update"];
  const given = selected.flatMap((key) => {
    const expr = entryOf(call.args, key);
    return expr ? [{ expr, place }] : [];
  });
  one(ctx, place, call, operation, model, given);
  for (const related of new Relations(ctx).of(place, call.args, model))
    one(ctx, place, call, related.operation, related.model, related.data);
}

function one(
  ctx: AccessContext,
  place: Place,
  call: Call,
  operation: Operation,
  model: Model,
  given: readonly { expr: Expr; place: Place }[],
): void {
  const own = new Set(model.columns.values());
  const columns = given.flatMap(({ expr, place: at }) => keysOf(ctx.program, at, expr, model));
  const stored = operation === "select" ? undefined : { data: given.map(({ expr }) => expr), model };
  const known = columns.filter((column) => own.has(column));
  ctx.emit(place, call.at, model.table, operation, known, "builder", stored);
}

/** `prisma.user.findUnique(…).posts()`. */
function fluent(ctx: AccessContext, delegates: Delegates, place: Place, call: Call, inner: Call): void {
  if (!ONE.test(calledName(inner)) || !fits(calledName(inner), inner) || !receiverOf(inner)) return;
  for (const model of delegates.of(place, inner)) {
    const to = ctx.models.relations.get(model)?.get(calledName(call))?.to;
    if (to) told(ctx, place, call, "select", to);
  }
}
