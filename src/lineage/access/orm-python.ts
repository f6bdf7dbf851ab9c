/** ORMs of Python: SQLAlchemy (core and ORM) and Peewee here, Django beside them. */

import type { AccessFact } from "../facts.ts";
import type { Expr } from "../ir.ts";
import { partsOf } from "../ir.ts";
import { listOf } from "../lists.ts";
import type { Model } from "../models/models.ts";
import type { Place } from "../program.ts";
import { valuesAt } from "../reaching.ts";
import { type Call, calledName, chainOf, receiverOf, type Site, type Step } from "../sites.ts";
import { djangoAccess } from "./django/access.ts";
import { type AccessContext, chainsAt, constantOf, keysOf } from "./emit.ts";
import { classModel, managers, modelBefore, namedColumns } from "./managers-python.ts";

type Operation = AccessFact["operation"];

/** All accesses by Python's ORMs. */
export function pythonOrmAccess(ctx: AccessContext): void {
  for (const site of ctx.sites) {
    if (site.expr.k !== "call" || ctx.program.module(site.place.m).language !== "python") continue;
    sqlalchemy(ctx, site, site.expr);
    if (!site.chained) managers(ctx, site.place, site.expr);
    stored(ctx, site.place, site.expr);
  }
  attributes(ctx);
  djangoAccess(ctx);
}

/** The models named anywhere in an expression: `select(User.id, func.count(Order.id))`. */
function modelsIn(
  ctx: AccessContext,
  place: Place,
  expr: Expr,
  found: Map<Model, Set<string>>,
  depth = 0,
): void {
  if (depth > 12) return;
  if (expr.k === "name" || expr.k === "member") {
    const own = classModel(ctx, place, expr);
    if (own) {
      if (!found.has(own)) found.set(own, new Set());
      return;
    }
    if (expr.k === "member") {
      const inner = expr.of.k === "member" && expr.of.name === "c" ? expr.of.of : expr.of;
      const model = classModel(ctx, place, inner);
      if (model) {
        const columns = found.get(model) ?? new Set<string>();
        const column = model.columns.get(expr.name);
        if (column) columns.add(column);
        found.set(model, columns);
        return;
      }
    }
  }
  const asked = expr.k === "name" ? valuesAt(ctx.program.function(place), expr.name, expr.at).at(-1) : expr;
  if (asked?.k === "call") subquery(ctx, place, asked, found, depth);
  for (const part of partsOf(expr)) modelsIn(ctx, place, part, found, depth + 1);
}

/** `select(active_members(ids))`: what a function of this tree selects is read by who selects from it. */
function subquery(
  ctx: AccessContext,
  place: Place,
  call: Call,
  found: Map<Model, Set<string>>,
  depth: number,
): void {
  const of = ctx.program.resolve(place, call.callee);
  if (of?.t !== "function") return;
  for (const value of ctx.program.function(of).returns)
    if (chainOf(value).steps.some((step) => /^(subquery|scalar_subquery|cte|alias)$/.test(step.name)))
      for (const { args } of chainOf(value).steps)
        for (const arg of args ?? []) modelsIn(ctx, of, arg, found, depth + 3);
}

const STATEMENT: Record<string, Operation> = {
  insert: "insert",
  update: "update",
  delete: "delete",
  select: "select",
  pg_insert: "insert",
  sqlite_insert: "insert",
  mysql_insert: "insert",
};

function sqlalchemy(ctx: AccessContext, site: Site, call: Call): void {
  const { place } = site;
  const name = calledName(call);
  const receiver = receiverOf(call);
  const first = call.args[0];
  if (Object.hasOwn(STATEMENT, name)) {
    const operation = STATEMENT[name] as Operation;
    const steps = operation === "select" ? [] : outerSteps(ctx, site, call);
    const upserts = steps.some((step) => /^on_(conflict_do_update|duplicate_key_update)$/.test(step.name));
    const values = steps.find((step) => step.name === "values");
    const written = (model: Model) => [
      ...keysOf(ctx.program, place, values?.args?.[0], model),
      ...namedColumns(values?.args ?? [], model),
    ];
    // `users.insert()`, `users.select()`: the table object's own methods.
    const table = receiver && call.args.length === 0 ? ctx.models.of(ctx.program, place, receiver) : null;
    if (table?.family === "sqlalchemy") {
      ctx.emit(
        place,
        call.at,
        table.table,
        operation === "insert" && upserts ? "upsert" : operation,
        operation === "select" ? [] : written(table),
        "builder",
        { data: values?.args ?? [], model: table },
      );
      return;
    }
    if (receiver && receiver.k !== "name") return;
    if (operation !== "select") {
      const model = first ? classModel(ctx, place, first) : null;
      if (model?.family === "sqlalchemy")
        ctx.emit(
          place,
          call.at,
          model.table,
          operation === "insert" && upserts ? "upsert" : operation,
          written(model),
          "builder",
          { data: values?.args ?? [], model },
        );
      return;
    }
    return reads(ctx, place, call.at, call.args);
  }
  if (name === "query" && receiver && call.args.length > 0) {
    const steps = outerSteps(ctx, site, call);
    const writes = steps.find((step) => (step.name === "delete" || step.name === "update") && step.args);
    const model = first ? classModel(ctx, place, first) : null;
    if (writes && model)
      ctx.emit(
        place,
        call.at,
        model.table,
        writes.name as Operation,
        writes.name === "update" ? keysOf(ctx.program, place, writes.args?.[0], model) : [],
        "builder",
        { data: writes.args?.slice(0, 1) ?? [], model },
      );
    else reads(ctx, place, call.at, call.args);
    return;
  }
  if (/^(join|outerjoin|select_from)$/.test(name) && first) {
    const model = classModel(ctx, place, first);
    if (model?.family === "sqlalchemy") ctx.emit(place, call.at, model.table, "select", [], "builder");
    return;
  }
  if (name === "get" && receiver && call.args.length >= 2 && first) {
    const model = classModel(ctx, place, first);
    if (model?.family === "sqlalchemy") ctx.emit(place, call.at, model.table, "select", [], "builder");
    return;
  }
  if (/^(bulk_insert_mappings|bulk_update_mappings|bulk_insert)$/.test(name) && first) {
    const model = classModel(ctx, place, first);
    if (model?.family === "sqlalchemy")
      ctx.emit(
        place,
        call.at,
        model.table,
        name === "bulk_update_mappings" ? "update" : "insert",
        keysOf(ctx.program, place, call.args[1], model),
        "builder",
      );
  }
}

function reads(ctx: AccessContext, place: Place, line: number, args: readonly Expr[]): void {
  const found = new Map<Model, Set<string>>();
  for (const arg of args) modelsIn(ctx, place, arg, found);
  for (const [model, columns] of found)
    if (model.family === "sqlalchemy") ctx.emit(place, line, model.table, "select", [...columns], "builder");
}

/** The steps after a call, in the chain it starts or continues under a name. */
function outerSteps(ctx: AccessContext, site: Site, call: Call): Step[] {
  const kept = [...ctx.program.function(site.place).bindings]
    .filter(([, values]) => values.some((value) => chainHas(value, call)))
    .map(([name]) => name);
  const found: Step[] = [];
  for (const { root, steps } of chainsAt(ctx, site.place)) {
    const at = steps.findIndex((step) => step.call === call);
    if (at >= 0) found.push(...steps.slice(at + 1));
    else if (root.k === "name" && kept.includes(root.name)) found.push(...steps);
  }
  return found;
}

function chainHas(expr: Expr, call: Call): boolean {
  return expr === call || (expr.k === "call" && chainOf(expr).steps.some((step) => step.call === call));
}

/** `session.add(User(…))`, `session.delete(user)`, `user.save()`, `session.merge(user)`. */
function stored(ctx: AccessContext, place: Place, call: Call): void {
  const name = calledName(call);
  const receiver = receiverOf(call);
  if (!receiver) return;
  if (
    /^(add|add_all|merge|delete|bulk_save_objects)$/.test(name) &&
    call.args.length >= 1 &&
    call.args.length <= 2
  ) {
    const objects = objectsIn(ctx, place, call.args[0] as Expr);
    for (const object of objects) {
      const model = ctx.models.ofClass(object.ref);
      if (model?.family !== "sqlalchemy") continue;
      const operation = name === "delete" ? "delete" : name === "merge" ? "upsert" : "insert";
      ctx.emit(
        place,
        call.at,
        model.table,
        operation,
        operation === "delete" ? [] : namedColumns(object.args, model),
        "builder",
        // Of several objects one may hold what another does not.
        {
          data: objects.length === 1 && isGivenOnce(ctx, place, call.args[0] as Expr) ? object.args : [],
          model,
        },
      );
    }
    return;
  }
  if ((name === "save" || name === "delete" || name === "delete_instance") && receiver.k !== "member") {
    const made = receiver.k === "call" ? receiver : null;
    const ref = ctx.program.resolve(place, receiver);
    const found = ref?.t === "instance" ? ctx.models.ofClass(ref) : queried(ctx, place, receiver);
    if (found?.family !== "peewee") return;
    const operation = name.includes("delete")
      ? "delete"
      : made || isMade(ctx, place, receiver)
        ? "insert"
        : "update";
    ctx.emit(place, call.at, found.table, operation, [], "builder");
  }
}

/** Made right here, or under a name that holds nothing else. */
function isGivenOnce(ctx: AccessContext, place: Place, expr: Expr): boolean {
  return expr.k !== "name" || ctx.program.function(place).bindings.get(expr.name)?.length === 1;
}

function isMade(ctx: AccessContext, place: Place, expr: Expr): boolean {
  const value = expr.k === "name" ? ctx.program.function(place).bindings.get(expr.name)?.at(-1) : null;
  return value?.k === "call" && ctx.program.resolve(place, value.callee)?.t === "class";
}

/** Steps that take rows out of a result. */
const RESULT =
  /^(scalars|scalar|first|one|all|one_or_none|scalar_one|scalar_one_or_none|unique|fetchone|fetchall)$/;

/** The model whose query gave an object: `user = session.query(User).first()`. */
function queried(ctx: AccessContext, place: Place, expr: Expr): Model | null {
  const fn = ctx.program.function(place);
  const given = (of: Expr): Expr | undefined =>
    of.k === "name" ? valuesAt(fn, of.name, of.at || Number.MAX_SAFE_INTEGER).at(-1) : of;
  let value = expr.k === "name" ? given(expr) : undefined;
  for (let depth = 0; depth < 6 && value; depth++) {
    if (value.k === "item") value = given(value.of);
    else if (value.k === "call") {
      // `result = session.execute(select(User))`, then `user = result.scalars().first()`.
      const { root, steps } = chainOf(value);
      const before =
        root.k === "name" && steps[0]?.name !== "()" && steps.every((step) => RESULT.test(step.name))
          ? given(root)
          : undefined;
      if (!before || before === value) break;
      value = before;
    } else break;
  }
  if (value?.k !== "call") return null;
  const { root, steps } = chainOf(value);
  for (let i = 0; i < steps.length; i++) {
    const step = steps[i] as Step;
    if (step.args && /^(query|get|select|scalar|scalars|execute)$/.test(step.name) && step.args[0]) {
      const found = new Map<Model, Set<string>>();
      modelsIn(ctx, place, step.args[0], found);
      if (found.size === 1) return [...found.keys()][0] ?? null;
    }
    const of = modelBefore(ctx, place, root, steps.slice(0, i));
    if (of && /^(query|select|get|get_or_none|get_by_id)$/.test(step.name)) return of;
  }
  return null;
}

/** The model instances in an argument: made here, or a name that holds one. */
function objectsIn(
  ctx: AccessContext,
  place: Place,
  expr: Expr,
  depth = 0,
): { ref: { m: number; c: number }; args: readonly Expr[] }[] {
  if (depth > 6) return [];
  if (expr.k === "list") return expr.items.flatMap((item) => objectsIn(ctx, place, item, depth + 1));
  if (expr.k === "other") return expr.of.flatMap((item) => objectsIn(ctx, place, item, depth + 1));
  if (expr.k === "call") {
    const ref = ctx.program.resolve(place, expr.callee);
    if (ref?.t === "class") return [{ ref, args: expr.args }];
    const made = ctx.program.resolve(place, expr);
    if (made?.t === "instance") return [{ ref: made, args: [] }];
    // A function that gives a list of them.
    return ref?.t === "function"
      ? ctx.program.function(ref).returns.flatMap((value) => objectsIn(ctx, ref, value, depth + 1))
      : [];
  }
  if (expr.k === "name") {
    const appended = listOf(ctx.program, place, expr)?.items ?? [];
    const among = appended.flatMap((item) => objectsIn(ctx, item.place, item.expr, depth + 1));
    if (among.length > 0) return among;
    const value = ctx.program.function(place).bindings.get(expr.name)?.at(-1);
    if (value && value !== expr && (value.k === "call" || value.k === "list" || value.k === "other")) {
      const inner = objectsIn(ctx, place, value, depth + 1);
      if (inner.length > 0) return inner;
      const model = queried(ctx, place, expr);
      const ref = model ? ctx.models.classOf(model) : null;
      if (ref) return [{ ref, args: [] }];
    }
    const ref = ctx.program.resolve(place, expr);
    return ref?.t === "instance" ? [{ ref, args: [] }] : [];
  }
  return [];
}

/** `user.status = "x"` on an object a SQLAlchemy query gave, in a function that commits: an UPDATE. */
function attributes(ctx: AccessContext): void {
  const committing = new Set(
    ctx.sites.flatMap(({ place, expr }) =>
      expr.k === "call" && /^(commit|flush)$/.test(calledName(expr))
        ? [`${place.m} ${ctx.program.owner(place)}`]
        : [],
    ),
  );
  const updates = new Map<string, { place: Place; model: Model; line: number; columns: Set<string> }>();
  const changed = (place: Place, object: Expr, line: number, attribute: string | null) => {
    if (!committing.has(`${place.m} ${ctx.program.owner(place)}`)) return;
    const model = queried(ctx, place, object);
    const column = attribute === null ? "" : model?.columns.get(attribute);
    if (model?.family !== "sqlalchemy" || column === undefined) return;
    const key = `${place.m} ${place.f} ${model.table}`;
    const known = updates.get(key) ?? { place, model, line, columns: new Set<string>() };
    if (column !== "") known.columns.add(column);
    updates.set(key, known);
  };
  ctx.program.modules.forEach((module, m) => {
    if (module.language !== "python") return;
    module.functions.forEach((fn, f) => {
      for (const [path, values] of fn.bindings) {
        const [name, attribute, more] = path.split(".");
        if (name && attribute && more === undefined && values[0])
          changed({ m, f }, { k: "name", name, at: values[0].at }, values[0].at, attribute);
      }
    });
  });
  for (const { place, expr } of ctx.sites)
    if (expr.k === "call" && expr.callee.k === "name" && expr.callee.name === "setattr" && expr.args[0])
      changed(place, expr.args[0], expr.at, constantOf(ctx.program, place, expr.args[1]));
  for (const { place, model, line, columns } of updates.values())
    ctx.emit(place, line, model.table, "update", [...columns], "builder");
}
