/** What SQLAlchemy's models lead to: relationships, the tables between, and the tables of a class that inherits another. */

import type { ClassIR, Expr } from "../ir.ts";
import { partsOf, spell } from "../ir.ts";
import type { Program } from "../program.ts";
import { type Call, calledName, entryOf } from "../sites.ts";
import type { Model, Models } from "./models.ts";

export interface Relationship {
  target: Model;
  /** The association table of a many-to-many relationship. */
  secondary: Model | null;
  /** Loaded together with its owner, unless a query says otherwise. */
  isEager: boolean;
  /** Its attribute is a query (`lazy="dynamic"`, `WriteOnlyMapped`) rather than the objects. */
  isDynamic: boolean;
  isList: boolean;
}

interface ClassRef {
  m: number;
  c: number;
}

export class AlchemyModels {
  readonly #program: Program;
  readonly #models: Models;
  readonly #relationships = new Map<Model, Map<string, Relationship>>();
  readonly #parents = new Map<Model, readonly Model[]>();
  readonly #children = new Map<Model, Model[]>();

  constructor(program: Program, models: Models) {
    this.#program = program;
    this.#models = models;
    for (const model of models.all) {
      const cls = model.family === "sqlalchemy" ? models.classOf(model) : null;
      if (cls) this.#declared(model, cls);
    }
  }

  /** The relationship that an attribute of a model is, its own or an inherited one. */
  relationship(model: Model, name: string): Relationship | null {
    for (const one of [model, ...this.parents(model)]) {
      const found = this.#relationships.get(one)?.get(name);
      if (found) return found;
    }
    return null;
  }

  /** What a model loads with every instance. */
  eager(model: Model): Relationship[] {
    return [model, ...this.parents(model)].flatMap((one) =>
      [...(this.#relationships.get(one)?.values() ?? [])].filter(({ isEager }) => isEager),
    );
  }

  /** The models that a model inherits, each with a table of its own: an instance has a row in all of them. */
  parents(model: Model): readonly Model[] {
    let parents = this.#parents.get(model);
    if (!parents) {
      const cls = this.#models.classOf(model);
      const found = cls ? this.#basesOf(cls, 0) : [];
      parents = found.filter((one, i) => one.table !== model.table && found.indexOf(one) === i);
      this.#parents.set(model, parents);
    }
    return parents;
  }

  /** The models with tables of their own that inherit a model. */
  children(model: Model): readonly Model[] {
    if (this.#children.size === 0)
      for (const one of this.#models.all)
        if (one.family === "sqlalchemy")
          for (const parent of this.parents(one)) {
            const known = this.#children.get(parent);
            if (known) known.push(one);
            else this.#children.set(parent, [one]);
          }
    return this.#children.get(model) ?? [];
  }

  /** The table that an attribute of a model is stored in. */
  ownerOf(model: Model, attribute: string): Model {
    const has = (one: Model) => {
      const cls = this.#models.classOf(one);
      return cls && this.#program.class(cls).fields.some((field) => field.name === attribute);
    };
    return has(model) ? model : (this.parents(model).find(has) ?? model);
  }

  #basesOf(cls: ClassRef, depth: number): Model[] {
    if (depth > 8) return [];
    const { bases, fields } = this.#program.class(cls);
    const options = fields.find((field) => field.name === "__mapper_args__")?.value;
    // A concrete class has all columns in its own table.
    if (options && isOn(entryOf([options], "concrete"))) return [];
    return bases.flatMap((base) => {
      const ref = base.k === "named" ? null : this.#program.resolve({ m: cls.m, f: 0 }, base);
      if (ref?.t !== "class" || (ref.m === cls.m && ref.c === cls.c)) return [];
      const model = this.#models.ofClass(ref);
      return [...(model?.family === "sqlalchemy" ? [model] : []), ...this.#basesOf(ref, depth + 1)];
    });
  }

  #declared(model: Model, cls: ClassRef): void {
    for (const one of this.#withMixins(cls, 0))
      for (const field of this.#program.class(one).fields) {
        const { value } = field;
        if (value?.k !== "call") continue;
        const name = calledName(value);
        if (!/^([Rr]elationship|relation|dynamic_loader)$/.test(name)) continue;
        const target = this.#targetOf(one, field, value);
        if (!target) continue;
        const between = entryOf(value.args, name === "Relationship" ? "link_model" : "secondary");
        const lazy = textOf(entryOf(value.args, "lazy"));
        const relationship: Relationship = {
          target,
          secondary: between ? this.#modelOf(one, between) : null,
          isEager: lazy !== null && /^(joined|selectin|subquery|immediate)$/.test(lazy),
          isDynamic:
            name === "dynamic_loader" ||
            (lazy !== null && /^(dynamic|write_only)$/.test(lazy)) ||
            /^(Dynamic|WriteOnly)Mapped/.test(field.type ? spell(field.type) : ""),
          isList: !isFalse(entryOf(value.args, "uselist")) && !isOne(field.type),
        };
        this.#keep(model, field.name, relationship);
        // `backref="author"` gives the other side an attribute too.
        const backref = entryOf(value.args, "backref");
        const back = textOf(backref?.k === "call" ? backref.args[0] : backref);
        if (back !== null)
          this.#keep(target, back, { ...relationship, target: model, isEager: false, isList: false });
      }
  }

  #keep(model: Model, name: string, relationship: Relationship): void {
    const known = this.#relationships.get(model);
    if (known) known.set(name, relationship);
    else this.#relationships.set(model, new Map([[name, relationship]]));
  }

  /** The class and those of its bases that are no models themselves. */
  #withMixins(cls: ClassRef, depth: number): ClassRef[] {
    if (depth > 8) return [];
    const bases = this.#program.class(cls).bases.flatMap((base) => {
      const ref = base.k === "named" ? null : this.#program.resolve({ m: cls.m, f: 0 }, base);
      return ref?.t === "class" && !(ref.m === cls.m && ref.c === cls.c) && !this.#models.ofClass(ref)
        ? this.#withMixins(ref, depth + 1)
        : [];
    });
    return [...bases, cls];
  }

  /** `relationship("Post")`, `relationship(lambda: Post)`, or the type `Mapped[list["Post"]]`. */
  #targetOf(cls: ClassRef, field: ClassIR["fields"][number], call: Call): Model | null {
    const [first] = call.args;
    const given = entryOf(call.args, "argument") ?? (first?.k === "named" ? null : (first ?? null));
    const said = given ? this.#modelOf(cls, given) : null;
    return said ?? (field.type ? this.#inType(cls, field.type, 0) : null);
  }

  #inType(cls: ClassRef, type: Expr, depth: number): Model | null {
    if (depth > 8) return null;
    const own = type.k === "call" || type.k === "index" ? null : this.#modelOf(cls, type);
    if (own) return own;
    for (const part of partsOf(type)) {
      const found = this.#inType(cls, part, depth + 1);
      if (found) return found;
    }
    return null;
  }

  #modelOf(cls: ClassRef, expr: Expr): Model | null {
    const place = { m: cls.m, f: 0 };
    if (expr.k === "function") {
      const value = this.#program.function({ m: cls.m, f: expr.fn }).returns[0];
      return value ? this.#modelOf(cls, value) : null;
    }
    const text = textOf(expr);
    if (text === null) return this.#models.of(this.#program, place, expr);
    const name = text.slice(text.lastIndexOf(".") + 1);
    // The name of a class, or that of an association table.
    const here = this.#models.of(this.#program, place, { k: "name", name, at: 0 });
    if (here?.family === "sqlalchemy") return here;
    const named = this.#models.named(name, "sqlalchemy");
    if (named) return named;
    const tables = this.#models.all.filter((one) => one.table === text && one.family === "sqlalchemy");
    return tables.find((one) => one.how !== null) ?? null;
  }
}

function textOf(expr: Expr | null | undefined): string | null {
  return expr?.k === "text" && expr.parts.length === 1 && typeof expr.parts[0] === "string"
    ? expr.parts[0]
    : null;
}

/** The type of one object, as far as it tells: `Mapped["User"]`, where a list would be `Mapped[list["Post"]]`. */
function isOne(type: Expr | null): boolean {
  return type?.k === "either" && type.of.every((one) => one.k === "name" || one.k === "member" || isOne(one));
}

function isFalse(expr: Expr | null): boolean {
  return expr?.k === "value" && expr.value === false;
}

function isOn(expr: Expr | null): boolean {
  return expr?.k === "value" && expr.value === true;
}
