/** Forms and serializers that are made of a model and save it: ModelForm, and ModelSerializer of Django REST framework. */

import { metaOf, valueIn } from "../../models/django.ts";
import type { Model } from "../../models/models.ts";
import { type Call, entryOf } from "../../sites.ts";
import type { Held } from "./held.ts";
import { basePaths, classesOf } from "./managers.ts";
import type { Values } from "./values.ts";

type ClassRef = { m: number; c: number };

const FORM = /^django\.(?:forms|contrib)\.(?:\w+\.)*\w*(?:ModelForm|UserCreationForm|UserChangeForm)$/;
const SERIALIZER = /^rest_framework\.(?:\w+\.)*\w*ModelSerializer$/;

/** The form that a class is, its model taken from `Meta`. */
export function formOf(values: Values, cls: ClassRef): { model: Model; isSerializer: boolean } | null {
  const { program } = values.ctx;
  const paths = basePaths(program, cls);
  const isSerializer = paths.some((path) => SERIALIZER.test(path));
  if (!isSerializer && !paths.some((path) => FORM.test(path))) return null;
  for (const one of classesOf(program, cls)) {
    const given = valueIn(metaOf(program, one), "model");
    const model = given ? values.django.named({ m: one.m, f: 0 }, given) : null;
    if (model) return { model, isSerializer };
  }
  return null;
}

/** What `OrderForm(request.POST, instance=order)` makes. */
export function formAt(values: Values, cls: ClassRef, call: Call): Held | null {
  const form = formOf(values, cls);
  if (!form) return null;
  const [first] = call.args;
  const isGiven =
    entryOf(call.args, "instance") !== null ||
    (form.isSerializer && first !== undefined && first.k !== "named");
  return { t: "form", model: form.model, isNew: !isGiven, cls };
}

/** Whether saving it runs a method of this tree, which then has the access. */
export function savesItself(values: Values, cls: ClassRef): boolean {
  return classesOf(values.ctx.program, cls).some(({ m, c }) => {
    const { methods } = values.ctx.program.class({ m, c });
    return methods.has("save") || methods.has("create") || methods.has("update");
  });
}
