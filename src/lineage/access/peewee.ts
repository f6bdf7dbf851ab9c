/** Peewee: statements at the head of whose chain a model stands, and instances that save or delete themselves. */

import type { AccessFact } from "../facts.ts";
import type { Expr } from "../ir.ts";
import type { Model } from "../models/models.ts";
import type { Place } from "../program.ts";
import { valuesAt } from "../reaching.ts";
import { type Call, calledName, chainOf, receiverOf, type Step } from "../sites.ts";
import type { AccessContext } from "./emit.ts";
import { classModel, modelBefore, namedColumns } from "./managers-python.ts";

type Operation = AccessFact["operation"];

const METHODS: Record<string, Operation> = {
  select: "select",
  get: "select",
  get_or_none: "select",
  get_by_id: "select",
  filter: "select",
  create: "insert",
  insert: "insert",
  insert_many: "insert",
  get_or_create: "insert",
  replace: "upsert",
  replace_many: "upsert",
  update: "update",
  delete: "delete",
  delete_by_id: "delete",
};

/** Methods whose arguments are what is stored; those of `get_or_create` are also what is looked for. */
const STORES = /^(create|insert|update)$/;

/** All accesses by Peewee. */
export function peeweeAccess(ctx: AccessContext): void {
  if (!ctx.models.all.some((model) => model.family === "peewee")) return;
  for (const { place, expr, chained } of ctx.sites) {
    if (expr.k !== "call" || ctx.program.module(place.m).language !== "python") continue;
    if (!chained) statement(ctx, place, expr);
    stored(ctx, place, expr);
  }
}

/** `User.select().join(Order)`. */
function statement(ctx: AccessContext, place: Place, call: Call): void {
  const { root, steps } = chainOf(call);
  for (let i = 0; i < steps.length; i++) {
    const step = steps[i] as Step;
    if (!step.args || !Object.hasOwn(METHODS, step.name)) continue;
    const of = modelBefore(ctx, place, root, steps.slice(0, i));
    if (of?.family !== "peewee") continue;
    const operation = METHODS[step.name] as Operation;
    ctx.emit(
      place,
      call.at,
      of.table,
      operation,
      operation === "select" ? [] : namedColumns(step.args, of),
      "builder",
      { data: STORES.test(step.name) ? step.args : [], model: of },
    );
    for (const join of steps.slice(i + 1)) {
      const joined = join.name === "join" && join.args?.[0] ? classModel(ctx, place, join.args[0]) : null;
      if (joined) ctx.emit(place, call.at, joined.table, "select", [], "builder");
    }
    return;
  }
}

/** `user.save()`, `user.delete_instance()`. */
function stored(ctx: AccessContext, place: Place, call: Call): void {
  const name = calledName(call);
  const receiver = receiverOf(call);
  if (!receiver || receiver.k === "member" || !/^(save|delete|delete_instance)$/.test(name)) return;
  const ref = ctx.program.resolve(place, receiver);
  const found = ref?.t === "instance" ? ctx.models.ofClass(ref) : queried(ctx, place, receiver);
  if (found?.family !== "peewee") return;
  const isMade = receiver.k === "call" || isMadeUnder(ctx, place, receiver);
  const operation = name.includes("delete") ? "delete" : isMade ? "insert" : "update";
  ctx.emit(place, call.at, found.table, operation, [], "builder");
}

function isMadeUnder(ctx: AccessContext, place: Place, expr: Expr): boolean {
  const value = expr.k === "name" ? ctx.program.function(place).bindings.get(expr.name)?.at(-1) : null;
  return value?.k === "call" && ctx.program.resolve(place, value.callee)?.t === "class";
}

/** The model whose query gave an object: `user = User.get(…)`, `for user in User.select()`. */
function queried(ctx: AccessContext, place: Place, expr: Expr): Model | null {
  const fn = ctx.program.function(place);
  const given = (of: Expr): Expr | undefined =>
    of.k === "name" ? valuesAt(fn, of.name, of.at || Number.MAX_SAFE_INTEGER).at(-1) : of;
  let value = given(expr);
  for (let depth = 0; depth < 6 && value?.k === "item"; depth++) value = given(value.of);
  if (value?.k !== "call") return null;
  const { root, steps } = chainOf(value);
  for (let i = 0; i < steps.length; i++)
    if (/^(select|get|get_or_none|get_by_id|filter)$/.test((steps[i] as Step).name)) {
      const of = modelBefore(ctx, place, root, steps.slice(0, i));
      if (of) return of;
    }
  return null;
}
