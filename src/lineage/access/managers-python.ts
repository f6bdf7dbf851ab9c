/** The models that the code of Python's ORMs names, and the columns that its named arguments are. */

import type { Expr } from "../ir.ts";
import { definitionOf, type Model } from "../models/models.ts";
import type { Place } from "../program.ts";
import { calledName, type Step } from "../sites.ts";
import type { AccessContext } from "./emit.ts";

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

/** The model whose members a chain starts with: `m.User` of `m.User.query.all()`. */
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
