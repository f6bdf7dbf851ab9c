/** How Django names tables: the app's label, the model's name, `db_table`, proxies, and the tables of its own apps. */

import type { ClassIR, Expr } from "../ir.ts";
import type { Program } from "../program.ts";
import { textsOf } from "../text.ts";
import type { Model } from "./models.ts";

/** What a package path must be for a class that inherits from it to be a model. */
const MODEL_BASE =
  /^django\.(?:contrib\.gis\.)?db\.models(?:\.base)?\.Model$|^django\.contrib\.[\w.]+\.(?:Abstract\w+|PermissionsMixin)$|^django\.contrib\.auth\.models\.(?:User|Group)$/;
/** Fields as Django's own package names them. */
const MODEL_FIELD = /^django\.(?:contrib\.\w+\.)*(?:db\.)?models\.(?:fields\.)?(?:\w+Field|ForeignKey)$/;

/** Whether a class that inherits from something of a package is a Django model. */
export function isDjangoModel(program: Program, m: number, cls: ClassIR, path: string): boolean {
  if (MODEL_BASE.test(path)) return true;
  // `class Page(MPTTModel)`: an abstract model of another package, told by the fields that are added to it.
  if (/^django\./.test(path) || !/^[A-Z]/.test(path.slice(path.lastIndexOf(".") + 1))) return false;
  return cls.fields.some(({ value }) => {
    const ref = value?.k === "call" ? program.resolve({ m, f: 0 }, value.callee) : null;
    return ref?.t === "package" && MODEL_FIELD.test(ref.path);
  });
}

/** The class `Meta` inside a class. */
export function metaOf(program: Program, of: { m: number; c: number }): ClassIR | undefined {
  return program.module(of.m).classes.find((one) => one.outer === of.c && one.name === "Meta");
}

/** The value of a field of a class, its own only. */
export function valueIn(cls: ClassIR | undefined, name: string): Expr | undefined {
  return cls?.fields.find((one) => one.name === name)?.value ?? undefined;
}

/** The constant text of an expression at the top level of a module, or null. */
export function textAt(program: Program, m: number, expr: Expr | undefined): string | null {
  if (!expr || expr.k === "object") return null;
  const found = textsOf(program, { m, f: 0 }, expr)[0];
  if (!found?.every((piece) => "text" in piece)) return null;
  return found.map((piece) => ("text" in piece ? piece.text : "")).join("");
}

/** The table of a model; a proxy has that of the model it stands for. */
export function djangoTable(program: Program, of: { m: number; c: number }, depth = 0): string | null {
  const cls = program.class(of);
  const meta = metaOf(program, of);
  if (isProxy(meta)) {
    for (const base of cls.bases) {
      const ref = program.resolve({ m: of.m, f: 0 }, base);
      if (ref?.t === "class" && depth < 6 && (ref.m !== of.m || ref.c !== of.c)) {
        const table = djangoTable(program, ref, depth + 1);
        if (table !== null) return table;
      }
      if (ref?.t === "package") return ownModel(ref.path)?.table ?? null;
    }
    return null;
  }
  const given = textAt(program, of.m, valueIn(meta, "db_table"));
  return given ?? `${appLabel(program, of)}_${cls.name.toLowerCase()}`;
}

/** Whether a model only stands for another one's table. */
export function isProxy(meta: ClassIR | undefined): boolean {
  const value = valueIn(meta, "proxy");
  return value?.k === "value" && value.value === true;
}

/** The label of the app that a model belongs to: `Meta.app_label`, that of the AppConfig, or the app's folder. */
export function appLabel(program: Program, of: { m: number; c: number }): string {
  return textAt(program, of.m, valueIn(metaOf(program, of), "app_label")) ?? labelOfFile(program, of.m);
}

/** Folder → label, for apps whose AppConfig gives one; and the folders that hold an app. */
const apps = new WeakMap<Program, { labels: Map<string, string>; folders: Set<string> }>();

function appsOf(program: Program): { labels: Map<string, string>; folders: Set<string> } {
  const known = apps.get(program);
  if (known) return known;
  const found = { labels: new Map<string, string>(), folders: new Set<string>() };
  program.modules.forEach(({ file, language, classes }, m) => {
    const folder = /^(.*?)\/?(?:apps|models)(?:\/__init__)?\.py$/.exec(file)?.[1];
    if (language !== "python" || folder === undefined) return;
    found.folders.add(folder);
    if (!file.endsWith("apps.py")) return;
    const labels = classes.flatMap((cls) => textAt(program, m, valueIn(cls, "label")) ?? []);
    if (labels.length === 1) found.labels.set(folder, labels[0] as string);
  });
  apps.set(program, found);
  return found;
}

/** `shop/models.py`, `shop/models/order.py`, `shop/billing/order.py` of the app `shop` → `shop`. */
function labelOfFile(program: Program, m: number): string {
  const steps = program.module(m).file.split("/").slice(0, -1);
  const { labels, folders } = appsOf(program);
  const named = steps.lastIndexOf("models");
  let length = named > 0 ? named : steps.length;
  if (named <= 0)
    for (let i = steps.length; i > 0; i--)
      if (folders.has(steps.slice(0, i).join("/"))) {
        length = i;
        break;
      }
  return labels.get(steps.slice(0, length).join("/")) ?? steps[length - 1] ?? "app";
}

/** Whether the tree holds an app of this label, with models or migrations. */
export function holdsApp(program: Program, label: string): boolean {
  const { labels, folders } = appsOf(program);
  for (const one of labels.values()) if (one === label) return true;
  for (const folder of folders)
    if (folder.slice(folder.lastIndexOf("/") + 1) === label && !labels.has(folder)) return true;
  return false;
}

/** Django's own apps whose tables are not named after app and model. */
const NAMED: Record<string, string> = {
  "contenttypes.ContentType": "django_content_type",
  "sessions.Session": "django_session",
  "sites.Site": "django_site",
  "admin.LogEntry": "django_admin_log",
  "flatpages.FlatPage": "django_flatpage",
  "redirects.Redirect": "django_redirect",
  "auth.User": "auth_user",
  "auth.Group": "auth_group",
  "auth.Permission": "auth_permission",
};
/** Apps of other packages that keep Django's names. */
const OTHER_APPS =
  /^(?:rest_framework\.(authtoken)|allauth\.(account|socialaccount|mfa)|(django_celery_beat|django_celery_results|taggit|oauth2_provider|axes|reversion|waffle|guardian))\.models\.([A-Z]\w*)$/;

const own = new Map<string, Model>();

/** The model of a package that is not in the tree: `django.contrib.auth.models.User`; null where its table is not known. */
export function ownModel(path: string): Model | null {
  const contrib = /^django\.contrib\.(\w+)(?:\.\w+)*\.([A-Z]\w*)$/.exec(path);
  if (contrib) return labelledModel(contrib[1] as string, contrib[2] as string);
  const other = OTHER_APPS.exec(path);
  const label = other?.[1] ?? other?.[2] ?? other?.[3];
  return label === undefined ? null : named(`${label}_${other?.[4]?.toLowerCase()}`, other?.[4] as string);
}

/** A model of Django's own apps by label and name, in any case. */
export function labelledModel(label: string, name: string): Model | null {
  const key = Object.keys(NAMED).find((one) => one.toLowerCase() === `${label}.${name}`.toLowerCase());
  return key === undefined ? null : named(NAMED[key] as string, key.slice(key.indexOf(".") + 1));
}

/** A model that code names and nothing in the tree declares; one object for each table. */
export function named(table: string, declaredAs: string): Model {
  const known = own.get(table);
  if (known) return known;
  const model: Model = {
    table,
    declaredAs,
    how: null,
    family: "django",
    file: "",
    line: 0,
    columns: new Map(),
  };
  own.set(table, model);
  return model;
}
