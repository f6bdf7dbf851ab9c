/** What an attribute of something of Django's holds: managers of a model, relations of an instance, fields of a view. */

import type { Expr } from "../../ir.ts";
import { named } from "../../models/django.ts";
import type { Relation } from "../../models/django-relations.ts";
import type { Place, Ref } from "../../program.ts";
import { valuesAt } from "../../reaching.ts";
import { type Held, one } from "./held.ts";
import { classesOf } from "./managers.ts";
import type { Values } from "./values.ts";

/** What `of.name` holds, or null when it is nothing of Django's. */
export function heldByMember(
  values: Values,
  place: Place,
  expr: Expr & { k: "member" },
  depth: number,
): Held | null {
  const { program } = values.ctx;
  const bound = expr.of.k === "name" ? `${expr.of.name}.${expr.name}` : "";
  const given =
    bound === "" ? [] : valuesAt(program.function(place), bound, expr.at, (v) => values.isOpen(v));
  for (const value of [...given].reverse()) {
    const held = value.at <= expr.at && value !== expr ? values.of(place, value, depth) : null;
    if (held) return held;
  }
  if (expr.name === "through" && expr.of.k === "member") {
    const model = between(values, values.of(place, expr.of.of, depth), expr.of.name);
    if (model) return model;
  }
  const of = values.of(place, expr.of, depth);
  const found = of ? partOf(values, of, expr.name, depth) : null;
  if (found) return found;
  // `request.user`: what the middleware of sessions puts there.
  if (expr.name === "user" && isRequest(expr.of) && values.django.user) return one(values.django.user);
  return of ? null : values.named(place, expr, depth);
}

function partOf(values: Values, of: Held, name: string, depth: number): Held | null {
  switch (of.t) {
    case "model":
      return values.managers.manager(values, of.model, name);
    case "one": {
      const relation = values.django.attribute(of.model, name);
      if (relation) return related(values, relation);
      const cls = values.ctx.models.classOf(of.model);
      const method = cls ? values.ctx.program.classMember(cls, name) : null;
      if (method?.t === "function") return heldByProperty(values, method, depth);
      return values.managers.manager(values, of.model, name);
    }
    case "query":
      return name === "model" ? { t: "model", model: of.model } : null;
    case "form":
      return name === "instance"
        ? { t: "one", model: of.model, isMade: of.isNew }
        : heldByField(values, of.cls, name, depth);
    case "object":
      return heldByField(values, of, name, depth);
    default:
      return null;
  }
}

/** A field of an object that is no model: its type or its value; `model` and `queryset` of a view. */
function heldByField(values: Values, of: { m: number; c: number }, name: string, depth: number): Held | null {
  const { program } = values.ctx;
  for (const cls of classesOf(program, of)) {
    const place = { m: cls.m, f: 0 };
    const { fields, methods } = program.class(cls);
    const field = fields.find((one) => one.name === name && (one.type || one.value));
    if (field?.type) {
      const held = values.typed(place, field.type, depth);
      if (held) return held;
    }
    const maker = methods.get("__init__") ?? methods.get("setUp") ?? 0;
    const held = field?.value ? values.of({ m: cls.m, f: maker }, field.value, depth) : null;
    if (held) return held.t === "query" ? { ...held, isLocal: false } : held;
    const method = methods.get(name);
    if (method !== undefined) return heldByProperty(values, { t: "function", m: cls.m, f: method }, depth);
  }
  return null;
}

/** `Order.tags.through`: the model of the table between. */
function between(values: Values, of: Held | null, name: string): Held | null {
  const relation = of?.t === "model" || of?.t === "one" ? values.django.attribute(of.model, name) : null;
  const table = relation?.through ?? null;
  const model = values.ctx.models.all.find((one) => one.table === table && one.family === "django");
  return table === null ? null : { t: "model", model: model ?? named(table, name) };
}

function related(values: Values, relation: Relation): Held {
  const { kind, target, through } = relation;
  if (kind === "one" || kind === "reverse-one") return one(target);
  const standard = values.managers.standard(values, target);
  return { ...standard, relation, tables: new Set(through === null ? [] : [through]) };
}

/** A property gives what its function returns; a method that is not called gives nothing. */
function heldByProperty(values: Values, fn: Ref & { t: "function" }, depth: number): Held | null {
  const isProperty = values.ctx.program
    .function(fn)
    .decorators.some((one) => (one.k === "name" || one.k === "member") && /property$/.test(one.name));
  return isProperty ? values.returned(fn, depth) : null;
}

function isRequest(expr: Expr): boolean {
  return (expr.k === "name" || expr.k === "member") && expr.name === "request";
}
