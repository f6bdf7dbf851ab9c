/** Flask-SQLAlchemy's `Model.query` and Peewee's model methods: the model is named at the head of the chain. */

import type { AccessFact } from "../facts.ts";
import type { Expr } from "../ir.ts";
import { definitionOf, type Model } from "../models/models.ts";
import type { Place } from "../program.ts";
import { type Call, calledName, chainOf, type Step } from "../sites.ts";
import type { AccessContext } from "./emit.ts";

type Operation = AccessFact["operation"];

/** The model that a name or member stands for, aliases included. */
export function classModel(ctx: AccessContext, place: Place, expr: Expr): Model | null {
  const ref = ctx.program.resolve(place, expr);
  if (ref?.t === "class") return ctx.models.ofClass(ref);
  if (ref?.t === "function" || ref?.t === "instance") return null;
  const model = ctx.models.of(ctx.program, place, expr);
  // `u = aliased(User)`.
  if (model) return model;
  const made = expr.k === "name" ? definitionOf(ctx.program, place, expr, 0) : null;
  if (made?.k === "call" && calledName(made) === "aliased" && made.args[0]) {
    const aliased = ctx.program.resolve(place, made.args[0]);
    return aliased?.t === "class" ? ctx.models.ofClass(aliased) : null;
  }
  return null;
}

/** Named arguments as columns of the model. */
export function namedColumns(args: readonly Expr[], model: Model): string[] {
  return args.flatMap((arg) => (arg.k === "named" ? [model.columns.get(arg.name) ?? arg.name] : []));
}

const QUERY_WRITES: Record<string, Operation> = { update: "update", delete: "delete" };
const PEEWEE: Record<string, Operation> = {
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

/** Flask-SQLAlchemy's `Model.query.filter_by(…)`, Peewee's `Model.select()`. */
export function managers(ctx: AccessContext, place: Place, call: Call): void {
  const { root, steps } = chainOf(call);
  for (let i = 0; i < steps.length; i++) {
    const step = steps[i] as Step;
    const of = modelBefore(ctx, place, root, steps.slice(0, i));
    if (!of) continue;
    if (of.family === "sqlalchemy" && step.args === null && step.name === "query") {
      const verb = steps.slice(i + 1).find((one) => one.args && Object.hasOwn(QUERY_WRITES, one.name));
      const operation = verb ? (QUERY_WRITES[verb.name] as Operation) : "select";
      ctx.emit(
        place,
        call.at,
        of.table,
        operation,
        verb && operation !== "delete" ? namedColumns(verb.args ?? [], of) : [],
        "builder",
        { data: verb && STORES.test(verb.name) ? (verb.args ?? []) : [], model: of },
      );
      return;
    }
    if (of.family === "peewee" && step.args && Object.hasOwn(PEEWEE, step.name)) {
      const operation = PEEWEE[step.name] as Operation;
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
}

export function modelBefore(
  ctx: AccessContext,
  place: Place,
  root: Expr,
  steps: readonly Step[],
): Model | null {
  let expr = root;
  for (const step of steps) {
    if (step.args !== null) return null;
    expr = { k: "member", of: expr, name: step.name, at: expr.at };
  }
  if (expr.k !== "name" && expr.k !== "member") return null;
  const ref = ctx.program.resolve(place, expr);
  return ref?.t === "class" ? ctx.models.ofClass(ref) : null;
}
