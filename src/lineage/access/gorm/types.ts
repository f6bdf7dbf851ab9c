/** The struct that an expression of Go is of, and the model that GORM makes of it. */

import { elementOf } from "../../go-scope.ts";
import type { Expr } from "../../ir.ts";
import { tableNameOf } from "../../models/go.ts";
import type { Struct } from "../../models/go-relations.ts";
import type { Model } from "../../models/models.ts";
import type { Place } from "../../program.ts";
import { calledName } from "../../sites.ts";
import type { AccessContext } from "../emit.ts";

interface Typed {
  place: Place;
  expr: Expr;
}

/** The struct behind `&users`, `User{…}`, `[]User{}` or a parameter; null when it is none or not known. */
export function structOf(ctx: AccessContext, place: Place, expr: Expr): Struct | null {
  const type = typeOf(ctx, place, expr, 0);
  const ref = type ? ctx.program.resolve(type.place, type.expr) : null;
  return ref?.t === "class" || ref?.t === "instance" ? elementOf(ctx.program, ref) : null;
}

/** The model of a struct; any struct that GORM is given is one. */
export function modelOf(ctx: AccessContext, struct: Struct): Model | null {
  const known = ctx.models.ofClass(struct);
  if (known) return known;
  const cls = ctx.program.class(struct);
  if (cls.fields.length === 0) return null;
  return {
    table: tableNameOf(ctx.program, struct.m, struct.c, cls),
    declaredAs: cls.name,
    how: "orm",
    family: "gorm",
    file: ctx.program.module(struct.m).file,
    line: cls.at,
    columns: new Map(),
  };
}

/** True for a parameter of an interface's type or of a type parameter: only the caller knows what it is. */
export function isOpenType(ctx: AccessContext, place: Place, expr: Expr): boolean {
  if (expr.k !== "name") return false;
  for (let f: number | null = place.f; f !== null; ) {
    const fn = ctx.program.function({ m: place.m, f });
    if (fn.bindings.has(expr.name)) return false;
    const param = fn.params.find((one) => one.name === expr.name);
    if (param?.type) {
      const type = param.type.k === "list" ? param.type.items[0] : param.type;
      if (!type || type.k === "other") return true;
      const ref = ctx.program.resolve({ m: place.m, f: 0 }, type);
      return ref === null;
    }
    f = fn.outer;
  }
  return false;
}

/** The named type of an expression. */
function typeOf(ctx: AccessContext, place: Place, expr: Expr, depth: number): Typed | null {
  if (depth > 8) return null;
  const inner = (of: Expr, at: Place = place) => typeOf(ctx, at, of, depth + 1);
  /** What a declaration names: a struct, or the elements of a list. */
  const declared = (type: Expr, m: number): Typed => {
    const at = { m, f: 0 };
    return inner(type, at) ?? { place: at, expr: type };
  };
  switch (expr.k) {
    case "object":
      return expr.type ? (inner(expr.type) ?? { place, expr: expr.type }) : null;
    case "list":
      return expr.items[0] ? inner(expr.items[0]) : null;
    case "item":
    case "index":
      return inner(expr.of);
    case "call": {
      // `var users []User`, `new(User)`, `make([]User, 0)`.
      if (expr.isNew) return expr.callee.k === "list" ? inner(expr.callee) : { place, expr: expr.callee };
      const name = calledName(expr);
      if ((name === "new" || name === "make") && expr.args[0])
        return inner(expr.args[0]) ?? { place, expr: expr.args[0] };
      const ref = ctx.program.resolve(place, expr);
      if (ref?.t === "instance")
        return {
          place: { m: ref.m, f: 0 },
          expr: { k: "name", name: ctx.program.class(ref).name, at: 0 },
        };
      const callee = ctx.program.resolve(place, expr.callee);
      const result = callee?.t === "function" ? ctx.program.function(callee).returns[0] : undefined;
      return callee?.t === "function" && result?.k === "call" && result.isNew
        ? inner(result, { m: callee.m, f: 0 })
        : null;
    }
    case "name": {
      for (let f: number | null = place.f; f !== null; ) {
        const fn = ctx.program.function({ m: place.m, f });
        const value: Expr | undefined = fn.bindings.get(expr.name)?.[0];
        if (value && value !== expr) return inner(value, { m: place.m, f });
        const param = fn.params.find((one) => one.name === expr.name);
        if (param?.type) return declared(param.type, place.m);
        f = fn.outer;
      }
      return ctx.program.lookup(place, expr.name)?.t === "class" ? { place, expr } : null;
    }
    case "member": {
      if (ctx.program.resolve(place, expr)?.t === "class") return { place, expr };
      const of = ctx.program.goFields.structOf(ctx.program.resolve(place, expr.of)) ?? structNear(expr.of);
      const field = of ? ctx.program.class(of).fields.find((one) => one.name === expr.name) : undefined;
      return of && field?.type ? declared(field.type, of.m) : null;
    }
    default:
      return null;
  }

  /** `order.Items` where `order` is one of a list. */
  function structNear(of: Expr): Struct | null {
    const type = typeOf(ctx, place, of, depth + 1);
    const ref = type ? ctx.program.resolve(type.place, type.expr) : null;
    return ref?.t === "class" ? elementOf(ctx.program, ref) : null;
  }
}
