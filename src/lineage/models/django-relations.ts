/** The relations between Django's models, by the names that code and lookups call them from both sides. */

import type { Expr } from "../ir.ts";
import type { Place, Program } from "../program.ts";
import { type Call, calledName, entryOf } from "../sites.ts";
import { appLabel, holdsApp, isProxy, labelledModel, metaOf, named, ownModel, textAt } from "./django.ts";
import { relateOwnModels } from "./django-own-relations.ts";
import { definitionOf, type Model, type Models } from "./models.ts";

/** What a name of a model leads to. */
export interface Relation {
  /** `one`: a column of this table points to one row; `reverse-one`: one row points here; `reverse`: rows point here; `many`: through a table between. */
  kind: "one" | "reverse-one" | "reverse" | "many";
  target: Model;
  /** The table between, for `many`; null when it is not known. */
  through: string | null;
  /** The column that points, of whichever table has it. */
  column: string | null;
}

interface Names {
  /** As an attribute of an instance: `order.item_set`. */
  attributes: Map<string, Relation>;
  /** As a step of a lookup: `item__price`. */
  lookups: Map<string, Relation>;
  key: string;
  parents: Model[];
}

const RELATION =
  /^(?:Tree|Parental|Cached|Sorted)?(?:(ForeignKey|Key)|(OneToOneField)|(ManyToManyField)|(GenericRelation))$/;

/** All models of Django with what they are related to. */
export class DjangoModels {
  readonly #program: Program;
  readonly #models: Models;
  readonly #names = new Map<Model, Names>();
  readonly #byLabel = new Map<string, Model>();
  #user: Model | null = null;

  constructor(program: Program, models: Models) {
    this.#program = program;
    this.#models = models;
    const own = models.all.filter((model) => model.family === "django");
    for (const model of own) {
      const of = models.classOf(model);
      if (of) this.#byLabel.set(`${appLabel(program, of)}.${model.declaredAs}`.toLowerCase(), model);
    }
    this.#user = this.#userModel();
    relateOwnModels({
      user: this.#user,
      hasTokens: program.uses("rest_framework.authtoken"),
      column: (...relation) => this.#column(...relation),
      many: (...relation) => this.#many(...relation),
    });
    for (const model of own) {
      const of = models.classOf(model);
      if (of) this.#relationsOf(model, of, of, 0);
    }
  }

  /** The model that `AUTH_USER_MODEL` names; Django's own without it. */
  get user(): Model | null {
    return this.#user;
  }

  /** What an attribute of an instance leads to. */
  attribute(model: Model, name: string): Relation | null {
    return this.#find(model, (names) => names.attributes.get(name));
  }

  /** What a step of a lookup leads to. */
  lookup(model: Model, name: string): Relation | null {
    return this.#find(model, (names) => names.lookups.get(name));
  }

  /** Whether a step of a lookup is the key of the model. */
  isKey(model: Model, name: string): boolean {
    return name === "pk" || name === (this.#names.get(model)?.key ?? "id");
  }

  /** The model with this label (`shop.Order`, or `Order` in the app of `near`); of apps in the tree also one that is gone. */
  labelled(label: string, near: Model | null, isHistory = false): Model | null {
    const [app, name] = label.includes(".") ? label.split(".") : [null, label];
    if (!name) return null;
    if (app === null || app === undefined) {
      const of = near ? this.#models.classOf(near) : null;
      const here = of ? this.#byLabel.get(`${appLabel(this.#program, of)}.${name}`.toLowerCase()) : undefined;
      return here ?? this.#models.named(name, "django");
    }
    const known = this.#byLabel.get(label.toLowerCase()) ?? labelledModel(app, name);
    if (known || !isHistory || !holdsApp(this.#program, app)) return known;
    return named(`${app}_${name.toLowerCase()}`, name);
  }

  /** The model that an expression names: a class, a label's text, `settings.AUTH_USER_MODEL` or `get_user_model()`. */
  named(place: Place, expr: Expr, near: Model | null = null): Model | null {
    if (expr.k === "named") return this.named(place, expr.of, near);
    if (expr.k === "member" && expr.name === "AUTH_USER_MODEL") return this.#user;
    if (expr.k === "text") {
      const label = textAt(this.#program, place.m, expr);
      if (label === "self") return near;
      return label === null ? null : this.labelled(label, near);
    }
    if (expr.k === "name" || expr.k === "member") {
      const ref = this.#program.resolve(place, expr);
      if (ref?.t === "class") return this.#models.ofClass(ref);
      if (ref?.t === "package" && !ref.path.endsWith("()")) return ownModel(ref.path);
    }
    const made = definitionOf(this.#program, place, expr, 0);
    return made?.k === "call" && calledName(made) === "get_user_model" ? this.#user : null;
  }

  #find(model: Model, ask: (names: Names) => Relation | undefined, depth = 0): Relation | null {
    const names = this.#names.get(model);
    if (!names || depth > 4) return null;
    const own = ask(names);
    if (own) return own;
    for (const parent of names.parents) {
      const found = this.#find(parent, ask, depth + 1);
      if (found) return found;
    }
    return null;
  }

  #of(model: Model): Names {
    let names = this.#names.get(model);
    if (!names) {
      names = { attributes: new Map(), lookups: new Map(), key: "id", parents: [] };
      this.#names.set(model, names);
    }
    return names;
  }

  #userModel(): Model | null {
    for (const [m, module] of this.#program.modules.entries()) {
      const value =
        module.language === "python" ? module.functions[0]?.bindings.get("AUTH_USER_MODEL") : null;
      const label = value?.[0] ? textAt(this.#program, m, value[0]) : null;
      if (label !== null) return this.labelled(label, null);
    }
    return labelledModel("auth", "User");
  }

  #column(
    of: Model,
    field: string,
    target: Model,
    attribute: string | null,
    lookup: string | null,
    back: "reverse" | "reverse-one" = "reverse",
    column = `${field}_id`,
  ): void {
    const forward: Relation = { kind: "one", target, through: null, column };
    this.#of(of).attributes.set(field, forward);
    this.#of(of).lookups.set(field, forward);
    const backward: Relation = { kind: back, target: of, through: null, column };
    if (attribute !== null) this.#of(target).attributes.set(attribute, backward);
    if (lookup !== null) this.#of(target).lookups.set(lookup, backward);
  }

  #many(
    of: Model,
    field: string,
    target: Model,
    through: string | null,
    attribute: string | null,
    lookup: string | null,
  ): void {
    const forward: Relation = { kind: "many", target, through, column: null };
    this.#of(of).attributes.set(field, forward);
    this.#of(of).lookups.set(field, forward);
    const backward: Relation = { kind: "many", target: of, through, column: null };
    if (attribute !== null) this.#of(target).attributes.set(attribute, backward);
    if (lookup !== null) this.#of(target).lookups.set(lookup, backward);
  }

  /** The relations that a class declares, and those of the abstract models it inherits from. */
  #relationsOf(
    model: Model,
    of: { m: number; c: number },
    from: { m: number; c: number },
    depth: number,
  ): void {
    const cls = this.#program.class(from);
    const place = { m: from.m, f: 0 };
    if (isProxy(metaOf(this.#program, of)) && from === of) {
      for (const base of cls.bases) {
        const parent = this.named(place, base);
        if (parent) this.#of(model).parents.push(parent);
      }
    }
    for (const base of depth < 6 ? cls.bases : []) {
      const ref = base.k === "named" ? null : this.#program.resolve(place, base);
      if (ref?.t !== "class" || (ref.m === from.m && ref.c === from.c)) continue;
      const parent = this.#models.ofClass(ref);
      if (!parent) this.#relationsOf(model, of, ref, depth + 1);
      else if (parent !== model && !this.#of(model).parents.includes(parent))
        this.#of(model).parents.push(parent);
    }
    for (const { name, value } of cls.fields) {
      if (value?.k !== "call") continue;
      if (isTrue(entryOf(value.args, "primary_key"))) this.#of(model).key = name;
      const kind = RELATION.exec(calledName(value));
      if (kind) this.#relation(model, of, place, name, value, kind);
    }
  }

  #relation(
    model: Model,
    of: { m: number; c: number },
    place: Place,
    field: string,
    call: Call,
    [, isKey, isOne, isMany]: RegExpExecArray,
  ): void {
    const to = entryOf(call.args, "to") ?? call.args[0];
    const target = to ? this.named(place, to, model) : null;
    if (!target) return;
    const text = (key: string) => textAt(this.#program, place.m, entryOf(call.args, key) ?? undefined);
    const own = model.declaredAs.toLowerCase();
    const given = text("related_name")
      ?.replaceAll("%(class)s", own)
      .replaceAll("%(app_label)s", appLabel(this.#program, of));
    const isHidden = given?.endsWith("+") === true;
    const attribute = isHidden ? null : (given ?? (isOne ? own : `${own}_set`));
    const lookup = isHidden ? null : (text("related_query_name") ?? given ?? own);
    if (isKey || isOne)
      return this.#column(
        model,
        field,
        target,
        attribute,
        lookup,
        isOne ? "reverse-one" : "reverse",
        model.columns.get(field),
      );
    if (!isMany) {
      const rows: Relation = { kind: "reverse", target, through: null, column: null };
      this.#of(model).attributes.set(field, rows);
      this.#of(model).lookups.set(field, rows);
      return;
    }
    const isMirror =
      target === model &&
      !(entryOf(call.args, "symmetrical")?.k === "value" && !isTrue(entryOf(call.args, "symmetrical")));
    const through = entryOf(call.args, "through");
    const between = through
      ? (this.named(place, through, model)?.table ?? null)
      : this.#between(model, field, target, text("db_table"));
    this.#many(
      model,
      field,
      target,
      between,
      isMirror && given === undefined ? null : attribute,
      isMirror ? null : lookup,
    );
  }

  /** The table that Django makes for a relation of many to many, which the tree thereby declares. */
  #between(model: Model, field: string, target: Model, given: string | null): string {
    const table = given ?? `${model.table}_${field}`;
    const [from, to] = [model.declaredAs.toLowerCase(), target.declaredAs.toLowerCase()];
    const keys = target === model ? [`from_${from}_id`, `to_${to}_id`] : [`${from}_id`, `${to}_id`];
    const isKnown = this.#models.all.some((one) => one.table === table && one.family === "django");
    if (!isKnown)
      this.#models.add(
        {
          table,
          declaredAs: `${model.declaredAs}.${field}`,
          how: "orm",
          family: "django",
          file: model.file,
          line: model.line,
          columns: new Map(["id", ...keys].map((column) => [column, column])),
        },
        null,
      );
    return table;
  }
}

function isTrue(expr: Expr | null): boolean {
  return expr?.k === "value" && expr.value === true;
}
