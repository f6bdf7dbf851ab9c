/** GORM: the model a chain works on is the type of what it is given. */

import type { AccessFact } from "../facts.ts";
import type { Expr } from "../ir.ts";
import { tableNameOf } from "../models/go.ts";
import type { Model } from "../models/models.ts";
import type { Place } from "../program.ts";
import { type Call, calledName, chainOf, type Step } from "../sites.ts";
import { type AccessContext, constantOf, keysOf } from "./emit.ts";

type Operation = AccessFact["operation"];

const VERBS: Record<string, Operation> = {
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

/** All accesses by GORM. */
export function gormAccess(ctx: AccessContext): void {
  if (!ctx.program.uses("gorm.io/gorm") && !ctx.program.uses("github.com/jinzhu/gorm")) return;
  for (const { place, expr } of ctx.sites) {
    if (expr.k !== "call" || ctx.program.module(place.m).language !== "go") continue;
    if (Object.hasOwn(VERBS, calledName(expr))) chain(ctx, place, expr);
  }
}

function chain(ctx: AccessContext, place: Place, call: Call): void {
  const { root, steps } = chainOf(call);
  const verb = steps.at(-1) as Step;
  const whole = [...keptSteps(ctx, place, root, 0), ...steps];
  if (whole.some((step) => step.name === "Raw" || step.name === "Exec")) return;
  let operation = VERBS[verb.name] as Operation;
  const model = whole.findLast((step) => step.name === "Model" && step.args?.[0]);
  const named = whole.findLast((step) => step.name === "Table" && step.args?.[0]);
  const target = model?.args?.[0] ?? verb.args?.[0];
  const upserts = whole.some(
    (step) =>
      step.name === "Clauses" &&
      JSON.stringify(step.args, (key, value) => (key === "at" ? undefined : value)).includes('"OnConflict"'),
  );
  if (operation === "insert" && upserts) operation = "upsert";
  if (named?.args?.[0]) {
    const table = constantOf(ctx.program, place, named.args[0]);
    const bare = table === null ? null : (/^(?:\w+\.)?(\w+)/.exec(table)?.[1] ?? null);
    ctx.emit(place, call.at, bare, operation, [], "builder");
    return;
  }
  const of = target ? modelOf(ctx, place, target, 0) : null;
  if (!of) return;
  const data =
    operation === "update" ? verb.args?.at(-1) : operation === "insert" ? verb.args?.[0] : undefined;
  const single =
    verb.name === "Update" || verb.name === "UpdateColumn"
      ? constantOf(ctx.program, place, verb.args?.[0])
      : null;
  ctx.emit(
    place,
    call.at,
    of.table,
    operation,
    single === null ? keysOf(ctx.program, place, data, of) : [single],
    "builder",
    { data: data && single === null && verb.name !== "FirstOrCreate" ? [data] : [], model: of },
  );
}

/** `query := db.Model(&User{})` and then `query.Find(&users)`. */
function keptSteps(ctx: AccessContext, place: Place, root: Expr, depth: number): Step[] {
  if (root.k !== "name" || depth > 4) return [];
  for (let f: number | null = place.f; f !== null; ) {
    const fn = ctx.program.function({ m: place.m, f });
    const values = fn.bindings.get(root.name);
    if (values) {
      for (const value of values) {
        if (value.k !== "call") continue;
        const inner = chainOf(value);
        if (inner.root.k === "name" && inner.root.name === root.name) continue;
        return [...keptSteps(ctx, { m: place.m, f }, inner.root, depth + 1), ...inner.steps];
      }
      return [];
    }
    f = fn.outer;
  }
  return [];
}

/** The model behind `&users`, `User{…}`, `[]User{}` or a parameter; any struct that GORM is given is one. */
function modelOf(ctx: AccessContext, place: Place, expr: Expr, depth: number): Model | null {
  if (depth > 8) return null;
  const type = typeOf(ctx, place, expr, depth);
  const ref = type ? ctx.program.resolve(type.place, type.expr) : null;
  if (ref?.t !== "class" && ref?.t !== "instance") return null;
  const known = ctx.models.ofClass(ref);
  if (known) return known;
  const cls = ctx.program.class(ref);
  if (cls.fields.length === 0) return null;
  const module = ctx.program.module(ref.m);
  return {
    table: tableNameOf(ctx.program, ref.m, ref.c, cls),
    declaredAs: cls.name,
    how: "orm",
    family: "gorm",
    file: module.file,
    line: cls.at,
    columns: new Map(),
  };
}

/** The named type of a Go expression. */
function typeOf(
  ctx: AccessContext,
  place: Place,
  expr: Expr,
  depth: number,
): { place: Place; expr: Expr } | null {
  if (depth > 8) return null;
  switch (expr.k) {
    case "object":
      return expr.type ? (typeOf(ctx, place, expr.type, depth + 1) ?? { place, expr: expr.type }) : null;
    case "list":
      return expr.items[0] ? typeOf(ctx, place, expr.items[0], depth + 1) : null;
    case "item":
      return typeOf(ctx, place, expr.of, depth + 1);
    case "call": {
      // `var users []User`, `new(User)`, `make([]User, 0)`.
      if (expr.isNew)
        return expr.callee.k === "list"
          ? typeOf(ctx, place, expr.callee, depth + 1)
          : { place, expr: expr.callee };
      const name = calledName(expr);
      if ((name === "new" || name === "make") && expr.args[0])
        return typeOf(ctx, place, expr.args[0], depth + 1) ?? { place, expr: expr.args[0] };
      const ref = ctx.program.resolve(place, expr);
      return ref?.t === "instance"
        ? { place: { m: ref.m, f: 0 }, expr: { k: "name", name: ctx.program.class(ref).name, at: 0 } }
        : null;
    }
    case "name": {
      for (let f: number | null = place.f; f !== null; ) {
        const fn = ctx.program.function({ m: place.m, f });
        const value: Expr | undefined = fn.bindings.get(expr.name)?.[0];
        if (value && value !== expr) return typeOf(ctx, { m: place.m, f }, value, depth + 1);
        const param = fn.params.find((one) => one.name === expr.name);
        if (param?.type)
          return (
            typeOf(ctx, { m: place.m, f: 0 }, param.type, depth + 1) ?? {
              place: { m: place.m, f: 0 },
              expr: param.type,
            }
          );
        f = fn.outer;
      }
      return ctx.program.lookup(place, expr.name)?.t === "class" ? { place, expr } : null;
    }
    case "member": {
      const ref = ctx.program.resolve(place, expr);
      if (ref?.t === "class") return { place, expr };
      const of = ctx.program.resolve(place, expr.of);
      const field =
        of?.t === "instance" || of?.t === "class"
          ? ctx.program.class(of).fields.find((one) => one.name === expr.name)
          : undefined;
      return field?.type && (of?.t === "instance" || of?.t === "class")
        ? (typeOf(ctx, { m: of.m, f: 0 }, field.type, depth + 1) ?? {
            place: { m: of.m, f: 0 },
            expr: field.type,
          })
        : null;
    }
    default:
      return null;
  }
}
