/** What a call of a Django program gives: methods of managers, queries, forms and views, and Django's shortcuts. */

import type { Expr } from "../../ir.ts";
import type { Place } from "../../program.ts";
import { type Call, calledName, entryOf } from "../../sites.ts";
import { constantOf } from "../emit.ts";
import { isUnsaved } from "./arguments.ts";
import { formAt } from "./forms.ts";
import { type Held, one, type Query } from "./held.ts";
import { modelOfView } from "./managers.ts";
import { BUILDS, CREATES_USER, GIVES_ONE, HANDS_ON, RUNS, TAKES, WRITES } from "./methods.ts";
import type { Values } from "./values.ts";

/** What a call gives, or null when it is nothing of Django's. */
export function heldByCall(values: Values, place: Place, call: Call, depth: number): Held | null {
  const { program } = values.ctx;
  const name = calledName(call);
  const [first] = call.args;
  if (/^a?get_object_or_404$/.test(name) || /^a?get_list_or_404$/.test(name)) {
    const query = first ? values.queryOf(place, first) : null;
    return query ? (name.includes("list") ? { t: "rows", model: query.model } : one(query.model)) : null;
  }
  if (name === "get_user_model") return values.django.user ? { t: "model", model: values.django.user } : null;
  if (name === "get_model") return historicModel(values, place, call);
  if (call.callee.k === "member") {
    const on = receiverOf(values, place, call.callee.of, depth);
    if (on) return heldByMethod(values, place, on, name, call, depth);
  }
  if (call.callee.k === "name" && first) {
    if (name === "cast" && call.args[1])
      return values.typed({ m: place.m, f: 0 }, first, depth) ?? values.of(place, call.args[1], depth);
    if (name === "type") {
      const of = values.of(place, first, depth);
      return of?.t === "one" ? { t: "model", model: of.model } : null;
    }
    if (TAKES.test(name) || HANDS_ON.test(name)) {
      const of = values.of(place, first, depth);
      if (of?.t === "rows" || (of?.t === "query" && !HANDS_ON.test(name))) {
        if (name === "next") return one(of.model);
        return /^(list|tuple|set|sorted|frozenset)$/.test(name) ? { t: "rows", model: of.model } : null;
      }
      return of;
    }
  }
  const callee = values.of(place, call.callee, depth);
  if (callee?.t === "model") return { t: "one", model: callee.model, isMade: true };
  const ref = program.resolve(place, call.callee);
  if (ref?.t === "function") return values.returned(ref, depth);
  if (ref?.t !== "class") return null;
  return formAt(values, ref, call) ?? { t: "object", m: ref.m, c: ref.c };
}

/** What a method is called on; `super()` is the instance or the query itself, with Django's own methods. */
export function receiverOf(values: Values, place: Place, expr: Expr, depth: number): Held | null {
  if (expr.k !== "call" || calledName(expr) !== "super") return values.of(place, expr, depth);
  const cls = values.ctx.program.classAt(place);
  const held = cls ? values.instance(cls, false) : null;
  if (held?.t === "query") return { ...held, classes: [] };
  // `super().get_queryset()` of a view gives what `queryset` and `model` say.
  return held?.t === "object" ? modelOfView(values, held) : held;
}

function heldByMethod(
  values: Values,
  place: Place,
  on: Held,
  name: string,
  call: Call,
  depth: number,
): Held | null {
  const { program } = values.ctx;
  switch (on.t) {
    case "query":
      return afterQuery(values, place, on, name, call, depth);
    case "model":
    case "one": {
      const cls = values.ctx.models.classOf(on.model);
      const ref = cls ? program.classMember(cls, name) : null;
      return ref?.t === "function" ? values.returned(ref, depth) : null;
    }
    case "form":
      // `super().create(validated_data)` of a serializer.
      if (/^(create|update)$/.test(name) && isOnSuper(call)) return one(on.model);
      return /^a?save$/.test(name)
        ? { t: "one", model: on.model, isMade: isUnsaved(call) && on.isNew }
        : null;
    case "object": {
      const ref = program.classMember(on, name);
      if (ref?.t === "function") return values.returned(ref, depth);
      if (name !== "get_queryset" && name !== "get_object") return null;
      const query = values.viewQuery(on, depth);
      return query && name === "get_object" ? one(query.model) : query;
    }
    default:
      return null;
  }
}

function afterQuery(
  values: Values,
  place: Place,
  on: Query,
  name: string,
  call: Call,
  depth: number,
): Held | null {
  const own = values.methodOf(on, name);
  if (own?.t === "function") {
    const held = values.returned(own, depth);
    if (held?.t === "query" && held.model === on.model)
      return {
        ...held,
        classes: on.classes,
        tables: new Set([...on.tables, ...held.tables]),
        // Built by the method, unless this function built what it is called on.
        isLocal: call.callee.k === "member" && call.callee.of.k === "call",
      };
    if (held || BUILDS.test(name)) return held ?? on;
  }
  if (BUILDS.test(name)) return values.grown(place, on, name, call.args);
  if (GIVES_ONE.test(name)) return one(on.model);
  if (RUNS.test(name)) return /iterator|in_bulk/.test(name) ? { t: "rows", model: on.model } : null;
  if (/^a?(create|get_or_create|update_or_create)$/.test(name) || CREATES_USER.test(name))
    return one(on.model);
  if (/^a?bulk_create$/.test(name)) return { t: "rows", model: on.model };
  if (name === "none" || Object.hasOwn(WRITES, name)) return null;
  // `ContentType.objects.get_for_model(x)` gives an instance.
  if (on.isOpen && !own && /^get_(for_|by_)/.test(name)) return one(on.model);
  return on.isOpen && !own ? { ...on, relation: null } : null;
}

/** `apps.get_model("shop", "Order")` or `("shop.Order")`: also a model that the tree no longer has. */
export function historicModel(values: Values, place: Place, call: Call): Held | null {
  const text = (name: string, n: number) =>
    constantOf(
      values.ctx.program,
      place,
      entryOf(call.args, name) ?? call.args.filter((a) => a.k !== "named")[n],
    );
  const app = text("app_label", 0);
  const name = text("model_name", 1);
  if (app === null) return null;
  const model = values.django.labelled(name === null ? app : `${app}.${name}`, null, true);
  return model ? { t: "model", model } : null;
}

/** Whether a call goes to the class that another one extends. */
export function isOnSuper(call: Call): boolean {
  const on = call.callee.k === "member" ? call.callee.of : null;
  return on?.k === "call" && calledName(on) === "super";
}
